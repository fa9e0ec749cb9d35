//! The rows of a run: which image each has, and the columns that are carried to its answer.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;

use super::image::ImageSource;
use crate::error::{Error, ErrorKind, Result};

/// Images with the table they came in.
#[derive(Debug, Clone)]
pub struct Input {
    /// One image a row.
    pub images: Vec<ImageSource>,
    /// Columns carried to the results.
    pub table: RecordBatch,
}

impl Input {
    /// Images given one by one. The column is `gcs_uri` when every image is one in Cloud Storage, else `image`.
    pub fn from_list(images: Vec<ImageSource>) -> Result<Self> {
        let all_uris = images.iter().all(|image| matches!(image, ImageSource::Uri(_) | ImageSource::Missing));
        let name = if all_uris { "gcs_uri" } else { "image" };
        let shown: StringArray = images.iter().map(shown).collect();
        let schema = Arc::new(Schema::new(vec![Field::new(name, DataType::Utf8, true)]));
        let table = RecordBatch::try_new(schema, vec![Arc::new(shown)]).map_err(internal)?;
        check_some_usable(&images)?;
        Ok(Self { images, table })
    }

    /// Images named by a column of a table. Only `gs://` URIs are accepted there: a query must not read local files.
    pub fn from_table(schema: &SchemaRef, batches: &[RecordBatch], uri_column: &str) -> Result<Self> {
        let table = arrow_select::concat::concat_batches(schema, batches).map_err(internal)?;
        let column = table.column_by_name(uri_column).ok_or_else(|| missing_column(schema, uri_column))?;
        let texts = as_texts(column, uri_column)?;
        let images: Vec<ImageSource> = texts
            .as_string::<i32>()
            .iter()
            .map(|text| text.map_or(ImageSource::Missing, |text| ImageSource::Uri(text.to_owned())))
            .collect();
        check_some_usable(&images)?;
        Ok(Self { images, table })
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }
}

fn shown(image: &ImageSource) -> Option<String> {
    match image {
        ImageSource::Uri(text) => Some(text.clone()),
        ImageSource::File(path) => Some(path.display().to_string()),
        ImageSource::Bytes(data) => Some(format!("{} bytes", data.len())),
        ImageSource::Missing => None,
    }
}

/// One bad URI is a row; nothing but bad ones is a mistake of the call.
fn check_some_usable(images: &[ImageSource]) -> Result<()> {
    let mut first_problem = None;
    for image in images {
        match image.check() {
            Err(error) if error.kind() == ErrorKind::InvalidUri => first_problem = first_problem.or(Some(error)),
            Ok(()) | Err(_) => return Ok(()),
        }
    }
    first_problem.map_or(Ok(()), Err)
}

fn as_texts(column: &ArrayRef, name: &str) -> Result<ArrayRef> {
    let is_text = match column.data_type() {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, values) => {
            matches!(**values, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
        }
        _ => false,
    };
    if !is_text {
        let found = column.data_type();
        return Err(Error::new(ErrorKind::InvalidInput, format!("the column `{name}` holds {found}, not image URIs"))
            .with_hint("name the column of `gs://` URIs with `uri_column=`"));
    }
    arrow_cast::cast(column, &DataType::Utf8).map_err(internal)
}

fn missing_column(schema: &Schema, name: &str) -> Error {
    let known: Vec<String> = schema.fields().iter().map(|field| format!("`{}`", field.name())).collect();
    Error::new(ErrorKind::InvalidInput, format!("the input has no column `{name}`"))
        .with_hint(format!("name the column of `gs://` URIs with `uri_column=`; columns: {}", known.join(", ")))
}

fn internal(cause: arrow_schema::ArrowError) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("the input table cannot be used: {cause}")).with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> ImageSource {
        ImageSource::Uri(text.into())
    }

    #[test]
    fn one_bad_uri_is_a_row_and_nothing_but_bad_ones_is_an_error() {
        assert_eq!(Input::from_list(vec![uri("gs://bucket/a.jpg"), uri("nonsense")]).unwrap().len(), 2);
        let error = Input::from_list(vec![uri("nonsense"), ImageSource::Missing]).map(|input| input.len());
        assert!(error.is_ok(), "a null is not a malformed URI");
        assert_eq!(Input::from_list(vec![uri("nonsense")]).unwrap_err().kind(), ErrorKind::InvalidUri);
    }

    #[test]
    fn a_missing_column_is_refused_with_those_there_are() {
        let schema = Arc::new(Schema::new(vec![Field::new("uri", DataType::Utf8, true)]));
        let batch = RecordBatch::new_empty(Arc::clone(&schema));
        let error = Input::from_table(&schema, &[batch], "gcs_uri").unwrap_err();
        assert!(error.to_string().contains("`uri`"), "{error}");
    }
}
// TEMPORARY SHIM until the views are merged.
impl Input {
    /// t
    pub fn table(&self) -> &RecordBatch {
        &self.table
    }
    /// t
    pub fn check(&self, row: usize) -> Result<()> {
        self.images[row].check()
    }
    /// t
    pub async fn identity(&self, row: usize) -> Result<String> {
        Ok(format!("{:?}", self.images[row]))
    }
    /// t
    pub fn shown(&self, row: usize) -> String {
        shown(&self.images[row]).unwrap_or_default()
    }
    /// t
    pub async fn views(&self, row: usize, access: &crate::storage::StorageClient) -> Result<Vec<crate::gemini::View>> {
        Ok(vec![crate::gemini::View { caption: None, image: self.images[row].resolve(access).await? }])
    }
}
