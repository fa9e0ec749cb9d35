//! The one schema of a result, whichever way it came: that which `bigquery::schema` gives for REST.

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use std::collections::HashMap;
use std::sync::Arc;

const EXTENSION: &str = "ARROW:extension:name";
const EXTENSION_METADATA: &str = "ARROW:extension:metadata";

/// The schema that the same columns have when their rows come over REST.
///
/// Every column is nullable, save lists, whose items are called `item`; a BIGNUMERIC has 76 digits, the most that Arrow
/// libraries take; of the metadata, the extension types of BigQuery remain, on the column also where that is a list.
#[must_use]
pub fn canonical(schema: &Schema) -> SchemaRef {
    Arc::new(Schema::new(fields(schema.fields())))
}

fn fields(fields: &Fields) -> Fields {
    fields.iter().map(field).collect()
}

fn field(given: &FieldRef) -> FieldRef {
    let is_list = matches!(given.data_type(), DataType::List(_));
    let canonical = Field::new(given.name(), data_type(given.data_type()), !is_list);
    Arc::new(canonical.with_metadata(metadata(given)))
}

fn data_type(given: &DataType) -> DataType {
    match given {
        DataType::List(item) => DataType::List(Arc::new(Field::new("item", data_type(item.data_type()), true))),
        DataType::Struct(children) => DataType::Struct(fields(children)),
        DataType::Decimal256(_, scale) => DataType::Decimal256(76, *scale),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        }
        other => other.clone(),
    }
}

fn metadata(given: &Field) -> HashMap<String, String> {
    let item = match given.data_type() {
        DataType::List(item) => Some(item.as_ref()),
        _ => None,
    };
    let named = [Some(given), item].into_iter().flatten().find_map(|field| field.metadata().get(EXTENSION));
    let Some(name) = named.map(String::as_str) else { return HashMap::new() };
    let mut kept = HashMap::new();
    match name {
        "google:sqlType:geography" => {
            kept.insert(EXTENSION_METADATA.to_owned(), r#"{"encoding": "WKT"}"#.to_owned());
        }
        "google:sqlType:datetime" | "google:sqlType:json" => {}
        _ => return kept,
    }
    kept.insert(EXTENSION.to_owned(), name.to_owned());
    kept
}
