//! Brings the columns of rows into the Arrow types that a load file holds, and finds what BigQuery would refuse.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, RecordBatch, StructArray, new_null_array};
use arrow_buffer::OffsetBuffer;
use arrow_cast::CastOptions;
use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use std::sync::Arc;

use super::super::schema::DecodeSchema;
use super::super::wire::{TableFieldSchema, TableSchema};
use super::fit::mode;
use crate::error::{Error, ErrorKind, Result};

/// The Arrow schema of a load file for these columns. REQUIRED columns are so in the file as well, or BigQuery refuses it.
pub(super) fn file_schema(columns: &[TableFieldSchema]) -> Result<SchemaRef> {
    let decoded = DecodeSchema::new(&TableSchema { fields: columns.to_vec() })?;
    Ok(Arc::new(Schema::new(strict(decoded.arrow().fields(), columns))))
}

fn strict(fields: &Fields, columns: &[TableFieldSchema]) -> Fields {
    fields.iter().zip(columns).map(|(field, column)| Arc::new(strict_field(field, column))).collect()
}

fn strict_field(field: &Field, column: &TableFieldSchema) -> Field {
    let item = |data_type: &DataType| match data_type {
        DataType::Struct(fields) if !column.fields.is_empty() => DataType::Struct(strict(fields, &column.fields)),
        plain => plain.clone(),
    };
    let data_type = match field.data_type() {
        DataType::List(inner) => DataType::List(Arc::new(Field::new("element", item(inner.data_type()), true))),
        plain => item(plain),
    };
    Field::new(field.name(), data_type, mode(column) != "REQUIRED")
}

/// The rows in the types of `schema`; a column that they lack is null. `first_row` is where they begin in all rows.
pub(super) fn batch(rows: &RecordBatch, schema: &SchemaRef, first_row: usize) -> Result<RecordBatch> {
    let columns = schema.fields().iter().map(|field| {
        let given = rows.schema_ref().fields().iter().position(|given| is_same_name(given, field));
        let context = Context { path: field.name().clone(), first_row };
        match given {
            Some(position) => context.column(rows.column(position), field),
            None => Ok(new_null_array(field.data_type(), rows.num_rows())),
        }
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|cause| Error::new(ErrorKind::Internal, "the rows make no load file").with_source(cause))
}

fn is_same_name(one: &Field, other: &Field) -> bool {
    one.name().to_lowercase() == other.name().to_lowercase()
}

struct Context {
    path: String,
    first_row: usize,
}

impl Context {
    fn column(&self, given: &ArrayRef, field: &Field) -> Result<ArrayRef> {
        let converted = self.values(given, field.data_type())?;
        if !field.is_nullable() && converted.null_count() > 0 {
            let row = (0..converted.len()).find(|row| converted.is_null(*row)).unwrap_or_default();
            return Err(self.problem(row, "is null, and the column is REQUIRED"));
        }
        Ok(converted)
    }

    fn values(&self, given: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
        match (given.data_type(), wanted) {
            (DataType::Null, _) => Ok(new_null_array(wanted, given.len())),
            (_, DataType::List(item)) => self.list(given, item),
            (DataType::Struct(_), DataType::Struct(fields)) => self.structure(given.as_struct(), fields),
            (same, _) if same == wanted => Ok(Arc::clone(given)),
            _ => self.cast(given, wanted),
        }
    }

    fn list(&self, given: &ArrayRef, item: &FieldRef) -> Result<ArrayRef> {
        // Whatever the layout of a list, the plain one is a cast away; only its items may need more than that.
        let plain = match given.data_type() {
            DataType::List(_) => Arc::clone(given),
            DataType::LargeList(inner)
            | DataType::FixedSizeList(inner, _)
            | DataType::ListView(inner)
            | DataType::LargeListView(inner) => self.cast(given, &DataType::List(Arc::clone(inner)))?,
            _ => return self.cast(given, &DataType::List(Arc::clone(item))),
        };
        let list = plain.as_list::<i32>();
        let offsets = list.offsets();
        let (start, end) = (offsets[0], offsets[offsets.len() - 1]);
        let (begin, length) = (index(start), index(end - start));
        let inner = list.values().slice(begin, length);
        if inner.null_count() > 0
            && let Some(row) = (0..list.len()).find(|row| list.is_valid(*row) && list.value(*row).null_count() > 0)
        {
            return Err(self
                .problem(row, "holds a null in its list, which a BigQuery array cannot")
                .with_hint("take the nulls out of the lists"));
        }
        let context = Context { path: self.path.clone(), first_row: self.first_row };
        let values = context.values(&inner, item.data_type())?;
        let moved: Vec<i32> = offsets.iter().map(|offset| offset - start).collect();
        let list = ListArray::try_new(Arc::clone(item), OffsetBuffer::new(moved.into()), values, list.nulls().cloned());
        list.map(|list| Arc::new(list) as ArrayRef).map_err(|cause| self.impossible(given.data_type(), cause))
    }

    fn structure(&self, given: &StructArray, fields: &Fields) -> Result<ArrayRef> {
        let columns = fields.iter().map(|field| {
            let inner = Context { path: format!("{}.{}", self.path, field.name()), first_row: self.first_row };
            match given.fields().iter().position(|known| is_same_name(known, field)) {
                Some(position) => inner.values(given.column(position), field.data_type()),
                None => Ok(new_null_array(field.data_type(), given.len())),
            }
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        StructArray::try_new_with_length(fields.clone(), columns, given.nulls().cloned(), given.len())
            .map(|array| Arc::new(array) as ArrayRef)
            .map_err(|cause| self.impossible(given.data_type(), cause))
    }

    /// A value that does not fit is an error, never a null.
    fn cast(&self, given: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
        let options = CastOptions { safe: false, ..CastOptions::default() };
        arrow_cast::cast_with_options(given, wanted, &options)
            .map_err(|cause| self.impossible(given.data_type(), cause))
    }

    fn impossible(&self, given: &DataType, cause: arrow_schema::ArrowError) -> Error {
        let problem = format!("column `{}` ({given}) cannot be written: {cause}", self.path);
        Error::new(ErrorKind::InvalidInput, problem).with_source(cause)
    }

    fn problem(&self, row: usize, what: &str) -> Error {
        let row = self.first_row + row + 1;
        Error::new(ErrorKind::InvalidInput, format!("row {row}: column `{}` {what}", self.path))
    }
}

fn index(offset: i32) -> usize {
    usize::try_from(offset).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::types::{Int32Type, Int64Type};
    use arrow_array::{DictionaryArray, Int64Array, StringArray, TimestampNanosecondArray, UInt64Array};

    fn column(name: &str, field_type: &str, mode: &str, fields: Vec<TableFieldSchema>) -> TableFieldSchema {
        TableFieldSchema {
            name: name.into(),
            field_type: field_type.into(),
            mode: Some(mode.into()),
            fields,
            ..TableFieldSchema::default()
        }
    }

    fn conformed(given: ArrayRef, wanted: TableFieldSchema) -> Result<ArrayRef> {
        let field = Field::new(&wanted.name, given.data_type().clone(), true);
        let rows = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![given]).unwrap();
        batch(&rows, &file_schema(&[wanted]).unwrap(), 0).map(|batch| Arc::clone(batch.column(0)))
    }

    #[test]
    fn nanoseconds_with_a_zone_become_microseconds_of_utc() {
        let given = TimestampNanosecondArray::from(vec![1_234_567_890]).with_timezone("Europe/Paris");
        let array = conformed(Arc::new(given), column("t", "TIMESTAMP", "NULLABLE", vec![])).unwrap();
        assert_eq!(array.as_primitive::<arrow_array::types::TimestampMicrosecondType>().value(0), 1_234_567);
    }

    #[test]
    fn a_dictionary_becomes_its_texts() {
        let given: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("a")].into_iter().collect();
        let array = conformed(Arc::new(given), column("t", "STRING", "NULLABLE", vec![])).unwrap();
        assert_eq!(array.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("a"), None, Some("a")]);
    }

    #[test]
    fn a_number_that_does_not_fit_is_an_error_and_no_null() {
        let error = conformed(Arc::new(UInt64Array::from(vec![u64::MAX])), column("n", "INTEGER", "NULLABLE", vec![]));
        assert!(error.unwrap_err().message().contains("`n`"));
    }

    #[test]
    fn a_null_in_a_list_and_in_a_required_column_is_told_with_its_row() {
        let list = ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1)]), Some(vec![None])]);
        let error = conformed(Arc::new(list), column("l", "INTEGER", "REPEATED", vec![])).unwrap_err();
        assert!(error.message().starts_with("row 2: column `l`"), "{}", error.message());
        let numbers = Int64Array::from(vec![Some(1), None]);
        let error = conformed(Arc::new(numbers), column("n", "INTEGER", "REQUIRED", vec![])).unwrap_err();
        assert_eq!(error.message(), "row 2: column `n` is null, and the column is REQUIRED");
    }

    #[test]
    fn a_sliced_list_keeps_its_own_items() {
        let list =
            ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1)]), Some(vec![Some(2), Some(3)])]);
        let array = conformed(Arc::new(list.slice(1, 1)), column("l", "INTEGER", "REPEATED", vec![])).unwrap();
        assert_eq!(array.as_list::<i32>().value(0).as_primitive::<Int64Type>().values(), &[2, 3]);
    }

    #[test]
    fn a_struct_gets_the_tables_fields_in_the_tables_order() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        let given = StructArray::from(vec![(Arc::new(Field::new("B", DataType::Utf8, true)), texts)]);
        let fields = vec![column("a", "INTEGER", "NULLABLE", vec![]), column("b", "STRING", "NULLABLE", vec![])];
        let array = conformed(Arc::new(given), column("s", "RECORD", "NULLABLE", fields)).unwrap();
        let array = array.as_struct();
        assert!(array.column(0).is_null(0));
        assert_eq!(array.column(1).as_string::<i32>().value(0), "x");
    }
}
