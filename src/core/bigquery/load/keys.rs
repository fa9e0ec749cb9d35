//! Rows with the same key, found before anything is sent: a merge would fail at them, or keep one by chance.

use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::SchemaRef;
use ring::digest::{Context, SHA256};
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::super::wire::TableFieldSchema;
use super::conform;
use super::fit::{mode, standard};
use crate::error::{Error, ErrorKind, Result};

/// Types whose values BigQuery compares as people expect.
const COMPARABLE: [&str; 10] =
    ["INT64", "STRING", "BOOL", "BYTES", "DATE", "TIME", "DATETIME", "TIMESTAMP", "NUMERIC", "BIGNUMERIC"];

/// Rows that are looked at together.
const ROWS_AT_A_TIME: usize = 16_384;

/// The names of the key's columns as the table spells them.
pub(super) fn columns(key: &[String], columns: &[TableFieldSchema]) -> Result<Vec<String>> {
    if key.is_empty() {
        return Err(Error::new(ErrorKind::InvalidInput, "an upsert needs a key")
            .with_hint("pass `key=` with the column, or the list of columns, that tells rows apart"));
    }
    let mut names = Vec::with_capacity(key.len());
    for wanted in key {
        let Some(column) = columns.iter().find(|column| column.name.to_lowercase() == wanted.to_lowercase()) else {
            let known: Vec<_> = columns.iter().map(|column| format!("`{}`", column.name)).collect();
            return Err(Error::new(ErrorKind::InvalidInput, format!("the rows have no column `{wanted}` for the key"))
                .with_hint(format!("their columns are {}", known.join(", "))));
        };
        let field_type = standard(&column.field_type);
        if mode(column) == "REPEATED" || !COMPARABLE.contains(&field_type) {
            let problem = format!("column `{}` ({field_type}) cannot be a key", column.name);
            return Err(Error::new(ErrorKind::InvalidInput, problem)
                .with_hint("take a column of texts, whole numbers, dates or times"));
        }
        if !names.contains(&column.name) {
            names.push(column.name.clone());
        }
    }
    Ok(names)
}

/// Refuses the first key that comes twice; tells whether some are null.
pub(super) fn check(batches: &[RecordBatch], file_schema: &SchemaRef, key: &[String]) -> Result<bool> {
    let places: Vec<usize> = key.iter().filter_map(|name| file_schema.index_of(name).ok()).collect();
    let schema: SchemaRef = file_schema.project(&places).map(Into::into).map_err(unreadable)?;
    let mut seen: HashMap<u128, u64> = HashMap::with_capacity(batches.iter().map(RecordBatch::num_rows).sum());
    let (mut first_row, mut has_nulls) = (0, false);
    for batch in batches {
        for start in (0..batch.num_rows()).step_by(ROWS_AT_A_TIME) {
            let rows = batch.slice(start, ROWS_AT_A_TIME.min(batch.num_rows() - start));
            let keys = conform::batch(&rows, &schema, first_row)?;
            has_nulls |= keys.columns().iter().any(|column| column.null_count() > 0);
            check_rows(&keys, first_row, &mut seen)?;
            first_row += rows.num_rows();
        }
    }
    Ok(has_nulls)
}

fn check_rows(keys: &RecordBatch, first_row: usize, seen: &mut HashMap<u128, u64>) -> Result<()> {
    let options = FormatOptions::new();
    let formatters = keys.columns().iter().map(|column| ArrayFormatter::try_new(column, &options));
    let formatters = formatters.collect::<std::result::Result<Vec<_>, _>>().map_err(unreadable)?;
    for row in 0..keys.num_rows() {
        let mut digest = Context::new(&SHA256);
        for (column, formatter) in keys.columns().iter().zip(&formatters) {
            if column.is_null(row) {
                digest.update(&u64::MAX.to_be_bytes());
                continue;
            }
            let text = formatter.value(row).to_string();
            digest.update(&(text.len() as u64).to_be_bytes());
            digest.update(text.as_bytes());
        }
        let mut short = [0; 16];
        short.copy_from_slice(&digest.finish().as_ref()[..16]);
        let number = (first_row + row + 1) as u64;
        match seen.entry(u128::from_be_bytes(short)) {
            Entry::Vacant(free) => {
                free.insert(number);
            }
            Entry::Occupied(earlier) => {
                let values = keys.schema_ref().fields().iter().zip(keys.columns()).zip(&formatters);
                let named = values.map(|((field, column), formatter)| {
                    let value = if column.is_null(row) { "NULL".into() } else { formatter.value(row).to_string() };
                    format!("{} = {value}", field.name())
                });
                let key = named.collect::<Vec<_>>().join(", ");
                let problem = format!("rows {} and {number} have the same key: {key}", earlier.get());
                return Err(Error::new(ErrorKind::InvalidInput, problem)
                    .with_hint("keep one row for each key, or name more columns in `key=`"));
            }
        }
    }
    Ok(())
}

fn unreadable(cause: arrow_schema::ArrowError) -> Error {
    Error::new(ErrorKind::Internal, "the keys of the rows cannot be read").with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{ArrayRef, Int64Array, StringArray};
    use std::sync::Arc;

    fn field(name: &str, field_type: &str) -> TableFieldSchema {
        TableFieldSchema { name: name.into(), field_type: field_type.into(), ..TableFieldSchema::default() }
    }

    fn checked(texts: Vec<Option<&str>>, numbers: Vec<Option<i64>>) -> Result<bool> {
        let (texts, numbers): (ArrayRef, ArrayRef) =
            (Arc::new(StringArray::from(texts)), Arc::new(Int64Array::from(numbers)));
        let rows = RecordBatch::try_from_iter([("a", texts), ("b", numbers)]).unwrap();
        let schema = conform::file_schema(&[field("a", "STRING"), field("b", "INTEGER")]).unwrap();
        check(&[rows.slice(0, 1), rows.slice(1, rows.num_rows() - 1)], &schema, &["a".into(), "b".into()])
    }

    #[test]
    fn the_first_key_that_comes_twice_is_told() {
        let error = checked(vec![Some("x"), Some("y"), Some("x")], vec![Some(1), Some(1), Some(1)]).unwrap_err();
        assert_eq!(error.message(), "rows 1 and 3 have the same key: a = x, b = 1");
        assert!(checked(vec![None, None], vec![Some(1), Some(1)]).unwrap_err().message().contains("a = NULL"));
    }

    #[test]
    fn keys_that_differ_in_one_column_are_different() {
        assert!(!checked(vec![Some("x"), Some("x"), Some("y")], vec![Some(1), Some(2), Some(1)]).unwrap());
        assert!(checked(vec![Some("x"), None, Some("")], vec![Some(1), Some(1), Some(1)]).unwrap());
    }

    #[test]
    fn a_key_is_a_column_of_the_rows_that_can_be_compared() {
        let fields = [field("Id", "INTEGER"), field("x", "FLOAT")];
        assert_eq!(columns(&["id".into()], &fields).unwrap(), ["Id"]);
        assert!(columns(&["x".into()], &fields).unwrap_err().message().contains("cannot be a key"));
        assert!(columns(&["y".into()], &fields).unwrap_err().message().contains("`y`"));
        assert!(columns(&[], &fields).is_err());
    }
}
