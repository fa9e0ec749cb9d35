//! Which BigQuery types the columns of an Arrow schema become.

use arrow_schema::{DataType, Field, Schema};
use std::collections::HashSet;

use super::super::wire::TableFieldSchema;
use crate::error::{Error, ErrorKind, Result};

/// The type of a column that holds only nulls: that of the table's column, where there is one.
pub(super) const UNKNOWN: &str = "NULL";

const LONGEST_NAME: usize = 300;
/// What BigQuery allows in no column's name, flexible or not.
const FORBIDDEN: &str = "!\"$()*,./;?@[\\]^`{}~";
const RESERVED: [&str; 6] = ["_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER"];
const DEEPEST: usize = 15;

/// Columns as a table made for these rows would have them.
pub(super) fn columns(schema: &Schema) -> Result<Vec<TableFieldSchema>> {
    if schema.fields().is_empty() {
        return Err(Error::new(ErrorKind::InvalidInput, "the rows have no columns"));
    }
    fields(schema.fields().iter().map(AsRef::as_ref), &mut Vec::new())
}

fn fields<'a>(given: impl Iterator<Item = &'a Field>, path: &mut Vec<&'a str>) -> Result<Vec<TableFieldSchema>> {
    let mut seen = HashSet::new();
    given
        .map(|field| {
            path.push(field.name());
            check_name(field.name(), path)?;
            if !seen.insert(field.name().to_lowercase()) {
                let problem = format!("there are two columns `{}`; BigQuery does not tell case apart", path.join("."));
                return Err(Error::new(ErrorKind::InvalidInput, problem).with_hint("rename one of them"));
            }
            let described = describe(field, path)?;
            path.pop();
            Ok(described)
        })
        .collect()
}

fn describe<'a>(field: &'a Field, path: &mut Vec<&'a str>) -> Result<TableFieldSchema> {
    let (item, mode) = match field.data_type() {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => (item.as_ref(), "REPEATED"),
        _ => (field, "NULLABLE"),
    };
    let field_type = extension(field).or_else(|| extension(item));
    let mut described = TableFieldSchema {
        name: field.name().clone(),
        field_type: String::new(),
        mode: Some(mode.to_owned()),
        ..TableFieldSchema::default()
    };
    let is_text = matches!(value_type(item), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    described.field_type = match (field_type, value_type(item)) {
        (Some(named), _) if is_text => named.to_owned(),
        (_, DataType::Struct(children)) => {
            if path.len() >= DEEPEST {
                return Err(refused(path, item.data_type(), "nested deeper than BigQuery allows"));
            }
            if children.is_empty() {
                return Err(refused(path, item.data_type(), "without fields, which BigQuery does not have"));
            }
            described.fields = fields(children.iter().map(AsRef::as_ref), path)?;
            "RECORD".to_owned()
        }
        (_, plain) => scalar(plain, path)?.to_owned(),
    };
    Ok(described)
}

/// What is behind the codes of a dictionary.
fn value_type(field: &Field) -> &DataType {
    match field.data_type() {
        DataType::Dictionary(_, values) => values,
        DataType::RunEndEncoded(_, values) => values.data_type(),
        plain => plain,
    }
}

fn scalar(data_type: &DataType, path: &[&str]) -> Result<&'static str> {
    Ok(match data_type {
        DataType::Null => UNKNOWN,
        DataType::Boolean => "BOOLEAN",
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64 => "INTEGER",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "FLOAT",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "STRING",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "BYTES",
        DataType::Date32 | DataType::Date64 => "DATE",
        DataType::Time32(_) | DataType::Time64(_) => "TIME",
        DataType::Timestamp(_, None) => "DATETIME",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP",
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => return decimal(*precision, *scale, data_type, path),
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
            return Err(refused(path, data_type, "a list of lists, which BigQuery does not have")
                .with_hint("put the inner lists into a struct"));
        }
        _ => {
            return Err(refused(path, data_type, "which cannot be loaded into BigQuery")
                .with_hint("cast it, for example to text, or leave the column out"));
        }
    })
}

fn decimal(precision: u8, scale: i8, data_type: &DataType, path: &[&str]) -> Result<&'static str> {
    let whole = i16::from(precision) - i16::from(scale.max(0));
    match scale {
        ..=9 if whole <= 29 => Ok("NUMERIC"),
        ..=38 if whole <= 38 => Ok("BIGNUMERIC"),
        _ => Err(refused(path, data_type, "wider than BigQuery's BIGNUMERIC")),
    }
}

/// The type that a column's metadata names, where Arrow itself says only text.
fn extension(field: &Field) -> Option<&'static str> {
    match field.metadata().get("ARROW:extension:name").map(String::as_str) {
        Some("google:sqlType:json" | "arrow.json") => Some("JSON"),
        Some("google:sqlType:geography" | "geoarrow.wkt") => Some("GEOGRAPHY"),
        _ => None,
    }
}

fn refused(path: &[&str], data_type: &DataType, problem: &str) -> Error {
    let problem = format!("column `{}` is of the Arrow type {data_type}, {problem}", path.join("."));
    Error::new(ErrorKind::InvalidInput, problem)
}

fn check_name(name: &str, path: &[&str]) -> Result<()> {
    let whole = path.join(".");
    let problem = if name.is_empty() {
        "a column has no name".to_owned()
    } else if name.chars().count() > LONGEST_NAME {
        format!(
            "the name of column `{}…` is longer than {LONGEST_NAME} characters",
            name.chars().take(40).collect::<String>()
        )
    } else if let Some(letter) = name.chars().find(|letter| FORBIDDEN.contains(*letter) || letter.is_control()) {
        format!("the name of column `{whole}` holds `{letter}`, which BigQuery does not allow")
    } else if let Some(prefix) = RESERVED.iter().find(|prefix| name.to_uppercase().starts_with(**prefix)) {
        format!("the name of column `{whole}` begins with `{prefix}`, which BigQuery keeps for itself")
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidInput, problem).with_hint("rename the column"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_schema::{Fields, TimeUnit};
    use std::sync::Arc;

    fn inferred(field: Field) -> Result<TableFieldSchema> {
        columns(&Schema::new(vec![field])).map(|columns| columns[0].clone())
    }

    fn type_of(data_type: DataType) -> String {
        inferred(Field::new("a", data_type, true)).unwrap().field_type
    }

    #[test]
    fn scalars_become_their_types() {
        assert_eq!(type_of(DataType::UInt32), "INTEGER");
        assert_eq!(type_of(DataType::Float32), "FLOAT");
        assert_eq!(type_of(DataType::Timestamp(TimeUnit::Nanosecond, Some("Europe/Paris".into()))), "TIMESTAMP");
        assert_eq!(type_of(DataType::Timestamp(TimeUnit::Second, None)), "DATETIME");
        assert_eq!(type_of(DataType::Decimal128(38, 9)), "NUMERIC");
        assert_eq!(type_of(DataType::Decimal128(38, 10)), "BIGNUMERIC");
        assert_eq!(type_of(DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8))), "STRING");
    }

    #[test]
    fn json_and_geography_are_known_by_their_metadata() {
        let named = |name: &str| {
            let metadata = [("ARROW:extension:name".to_owned(), name.to_owned())].into();
            inferred(Field::new("a", DataType::Utf8, true).with_metadata(metadata)).unwrap().field_type
        };
        assert_eq!(named("google:sqlType:json"), "JSON");
        assert_eq!(named("google:sqlType:geography"), "GEOGRAPHY");
        assert_eq!(named("something.else"), "STRING");
    }

    #[test]
    fn a_list_of_structs_is_a_repeated_record() {
        let fields = Fields::from(vec![Field::new("x", DataType::Int64, true)]);
        let list = DataType::List(Arc::new(Field::new("item", DataType::Struct(fields), true)));
        let column = inferred(Field::new("a", list, true)).unwrap();
        assert_eq!((column.field_type.as_str(), column.mode.as_deref()), ("RECORD", Some("REPEATED")));
        assert_eq!(column.fields[0].field_type, "INTEGER");
    }

    #[test]
    fn what_bigquery_does_not_have_is_refused_by_name() {
        let list = |item| DataType::List(Arc::new(Field::new("item", item, true)));
        let error = inferred(Field::new("boxes", list(list(DataType::Int64)), true)).unwrap_err();
        assert!(error.message().contains("`boxes`") && error.message().contains("list of lists"));
        assert!(inferred(Field::new("a", DataType::Duration(TimeUnit::Second), true)).is_err());
    }

    #[test]
    fn names_that_bigquery_refuses_are_refused_before() {
        for name in ["", "a`b", "a.b", "_PARTITIONTIME", "a\\b", "a\nb"] {
            assert!(inferred(Field::new(name, DataType::Int64, true)).is_err(), "{name}");
        }
        assert!(inferred(Field::new("höhe in m", DataType::Int64, true)).is_ok());
        let twice = Schema::new(vec![Field::new("a", DataType::Int64, true), Field::new("A", DataType::Int64, true)]);
        assert!(columns(&twice).unwrap_err().message().contains("two columns"));
    }
}
