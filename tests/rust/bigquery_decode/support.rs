//! Pages made for a test, and what becomes of them.

use arrow_array::ArrayRef;
use serde_json::{Value, json};
use std::sync::Arc;
use streetlens_core::bigquery::decode::{self, Page};
use streetlens_core::bigquery::schema::DecodeSchema;
use streetlens_core::bigquery::wire::TableSchema;
use streetlens_core::error::Error;

pub(crate) fn decoded(body: &Value) -> Page {
    decode::page(body.to_string().as_bytes(), None).expect("the page decodes")
}

pub(crate) fn refused(body: &Value) -> Error {
    decode::page(body.to_string().as_bytes(), None).expect_err("the page is refused")
}

pub(crate) fn schema(fields: Value) -> DecodeSchema {
    let table: TableSchema = serde_json::from_value(json!({ "fields": fields })).expect("a schema");
    DecodeSchema::new(&table).expect("a readable schema")
}

/// A page with one column and one row for each value.
pub(crate) fn one_column(field: Value, values: &[Value]) -> Value {
    let rows: Vec<Value> = values.iter().map(|value| json!({"f": [{"v": value}]})).collect();
    json!({"schema": {"fields": [field]}, "rows": rows})
}

pub(crate) fn column(kind: &str, values: &[Value]) -> ArrayRef {
    let page = decoded(&one_column(json!({"name": "c", "type": kind}), values));
    Arc::clone(page.batch.expect("rows").column(0))
}

pub(crate) fn misfit(kind: &str, value: Value) -> String {
    refused(&one_column(json!({"name": "c", "type": kind}), &[value])).to_string()
}
