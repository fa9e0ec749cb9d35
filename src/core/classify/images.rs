//! The images of an input's rows, kept where they were given: a column is not copied.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeBinaryArray, StringArray};
use arrow_schema::DataType;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::image::{ImageRef, ImageSource, missing};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{GcsUri, LARGEST_OBJECT};

/// The images of the rows, where they were given.
#[derive(Debug, Clone)]
pub(super) enum Images {
    Uris(StringArray),
    Contents(LargeBinaryArray),
    List(Arc<[Given]>),
}

#[derive(Debug)]
pub(super) struct Given {
    image: ImageSource,
    digest: OnceLock<String>,
}

impl Images {
    pub(super) fn of_list(images: Vec<ImageSource>) -> Self {
        Self::List(images.into_iter().map(|image| Given { image, digest: OnceLock::new() }).collect())
    }

    /// The images of a column of URIs or contents.
    pub(super) fn of_column(column: &ArrayRef, name: &str) -> Result<Images> {
        let kind = match column.data_type() {
            DataType::Dictionary(_, values) => values.as_ref(),
            kind => kind,
        };
        match kind {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => {
                let texts = arrow_cast::cast(column, &DataType::Utf8).map_err(unusable)?;
                Ok(Images::Uris(texts.as_string::<i32>().clone()))
            }
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
                let contents = arrow_cast::cast(column, &DataType::LargeBinary).map_err(unusable)?;
                Ok(Images::Contents(contents.as_binary::<i64>().clone()))
            }
            _ => {
                let found = column.data_type();
                Err(Error::new(ErrorKind::InvalidInput, format!("the column `{name}` holds {found}, not image URIs"))
                    .with_hint("name the column of `gs://` URIs with `uri_column=`"))
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Uris(uris) => uris.len(),
            Self::Contents(contents) => contents.len(),
            Self::List(list) => list.len(),
        }
    }

    pub(super) fn get(&self, row: usize) -> ImageRef<'_> {
        match self {
            Self::Uris(uris) if uris.is_valid(row) => ImageRef::Uri(uris.value(row)),
            Self::Contents(contents) if contents.is_valid(row) => ImageRef::Bytes(contents.value(row)),
            Self::Uris(_) | Self::Contents(_) => ImageRef::Missing,
            Self::List(list) => list[row].image.as_ref(),
        }
    }

    /// What tells the image from others: a URI, or the digest of a content. A file is read the first time.
    pub(super) fn identity(&self, row: usize) -> Result<String> {
        let kept = match self {
            Self::List(list) => Some(&list[row].digest),
            Self::Uris(_) | Self::Contents(_) => None,
        };
        if let Some(digest) = kept.and_then(OnceLock::get) {
            return Ok(digest.clone());
        }
        let identity = match self.get(row) {
            ImageRef::Uri(text) => return GcsUri::parse(text).map(|uri| uri.in_any_snapshot()),
            ImageRef::Missing => return Err(missing()),
            ImageRef::Bytes(data) => digest(data),
            ImageRef::File(path) => digest(&read_file(path)?),
        };
        Ok(kept.map_or(identity.clone(), |kept| kept.get_or_init(|| identity).clone()))
    }

    /// One bad URI is a row; nothing but bad ones is a mistake of the call.
    pub(super) fn check_some_usable(&self) -> Result<()> {
        let mut first_problem = None;
        for row in 0..self.len() {
            match self.get(row).check() {
                Err(error) if error.kind() == ErrorKind::InvalidUri => first_problem = first_problem.or(Some(error)),
                Ok(()) | Err(_) => return Ok(()),
            }
        }
        first_problem.map_or(Ok(()), Err)
    }
}

/// A file's content, looked at before it is read: it may be larger than memory, or no file at all.
pub(super) fn read_file(path: &Path) -> Result<Vec<u8>> {
    let shown = path.display();
    let unreadable = |cause: std::io::Error| {
        Error::new(ErrorKind::Image, format!("the file `{shown}` cannot be read: {cause}")).with_source(cause)
    };
    let metadata = std::fs::metadata(path).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::Image, format!("`{shown}` is not a file")));
    }
    if metadata.len() > LARGEST_OBJECT as u64 {
        let megabytes = metadata.len().div_ceil(1_000_000);
        return Err(Error::new(
            ErrorKind::Image,
            format!("the file `{shown}` has {megabytes} MB, and 30 MB are the most"),
        )
        .with_hint("scale it down first"));
    }
    std::fs::read(path).map_err(unreadable)
}

fn digest(data: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, data);
    digest.as_ref().iter().fold("sha256:".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unusable(cause: arrow_schema::ArrowError) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("the input table cannot be used: {cause}")).with_source(cause)
}
