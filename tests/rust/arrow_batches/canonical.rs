//! A table from Arrow and one from REST are equal, type for type.

use arrow_array::{ArrayRef, Decimal256Array, Int64Array, ListArray, RecordBatch};
use arrow_buffer::{OffsetBuffer, i256};
use arrow_schema::{DataType, Field, Fields, IntervalUnit, Schema, SchemaRef, TimeUnit};
use proptest::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;
use streetlens_core::bigquery::arrow::{canonical, conform};
use streetlens_core::bigquery::schema::DecodeSchema;
use streetlens_core::bigquery::wire::TableSchema;
use streetlens_core::error::ErrorKind;

use crate::anything;

fn rest(fields: &serde_json::Value) -> SchemaRef {
    let described: TableSchema = serde_json::from_value(serde_json::json!({ "fields": fields })).expect("a schema");
    Arc::clone(DecodeSchema::new(&described).expect("a schema").arrow())
}

fn extension(field: Field, name: &str) -> Field {
    let mut metadata = HashMap::from([("ARROW:extension:name".to_owned(), name.to_owned())]);
    if name.ends_with("geography") {
        metadata.insert("ARROW:extension:metadata".to_owned(), r#"{"encoding": "WKT"}"#.to_owned());
    }
    field.with_metadata(metadata)
}

#[test]
fn every_type_of_the_storage_api_becomes_that_of_rest() {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let datetime = DataType::Timestamp(TimeUnit::Microsecond, None);
    let range =
        Fields::from(vec![Field::new("start", DataType::Date32, true), Field::new("end", DataType::Date32, true)]);
    let record = Fields::from(vec![
        Field::new("n", DataType::Int64, false),
        extension(Field::new("at", datetime.clone(), true), "google:sqlType:datetime"),
    ]);
    let items = DataType::List(Arc::new(Field::new("element", DataType::Struct(record), false)));
    let places = extension(Field::new("item", DataType::Utf8, true), "google:sqlType:geography");
    let arrow = Schema::new_with_metadata(
        vec![
            Field::new("i", DataType::Int64, false),
            Field::new("f", DataType::Float64, true),
            Field::new("d", DataType::Decimal128(38, 9), true),
            Field::new("b", DataType::Decimal256(77, 38), true),
            Field::new("t", utc, true),
            extension(Field::new("dt", datetime, true), "google:sqlType:datetime"),
            extension(Field::new("g", DataType::Utf8, true), "google:sqlType:geography"),
            extension(Field::new("j", DataType::Utf8, true), "google:sqlType:json"),
            extension(
                Field::new("iv", DataType::Interval(IntervalUnit::MonthDayNano), true),
                "google:sqlType:interval",
            ),
            Field::new("r", DataType::Struct(range), true),
            Field::new("rs", items, true),
            Field::new("gs", DataType::List(Arc::new(places)), false),
        ],
        HashMap::from([("written by".to_owned(), "somebody".to_owned())]),
    );
    let expected = rest(&serde_json::json!([
        {"name": "i", "type": "INTEGER", "mode": "REQUIRED"},
        {"name": "f", "type": "FLOAT"},
        {"name": "d", "type": "NUMERIC"},
        {"name": "b", "type": "BIGNUMERIC"},
        {"name": "t", "type": "TIMESTAMP"},
        {"name": "dt", "type": "DATETIME"},
        {"name": "g", "type": "GEOGRAPHY"},
        {"name": "j", "type": "JSON"},
        {"name": "iv", "type": "INTERVAL"},
        {"name": "r", "type": "RANGE", "rangeElementType": {"type": "DATE"}},
        {"name": "rs", "type": "RECORD", "mode": "REPEATED", "fields": [
            {"name": "n", "type": "INTEGER", "mode": "REQUIRED"},
            {"name": "at", "type": "DATETIME"},
        ]},
        {"name": "gs", "type": "GEOGRAPHY", "mode": "REPEATED"},
    ]));
    assert_eq!(canonical(&arrow), expected);
}

/// Columns as BigQuery sends them: a list is never null.
fn without_null_lists(batch: &RecordBatch) -> bool {
    fn holds(data: &arrow_data::ArrayData) -> bool {
        let is_list = matches!(data.data_type(), DataType::List(_));
        (!is_list || data.null_count() == 0) && data.child_data().iter().all(holds)
    }
    batch.columns().iter().all(|column| holds(&arrow_array::Array::to_data(column)))
}

proptest! {
    #[test]
    fn rows_conform_to_the_canonical_schema_and_stay_what_they_are(seed: u64) {
        let batch = anything::batch(seed);
        prop_assume!(without_null_lists(&batch));
        let target = canonical(&batch.schema());
        let conformed = conform(batch.clone(), &target).unwrap();
        prop_assert_eq!(conformed.schema_ref(), &target);
        let back = conform(conformed, &batch.schema()).unwrap();
        prop_assert_eq!(back, batch);
    }
}

#[test]
fn the_same_schema_is_the_same_batch() {
    let batch = anything::batch(7);
    assert_eq!(conform(batch.clone(), &batch.schema()).unwrap(), batch);
}

#[test]
fn a_decimal_of_77_digits_is_one_of_76() {
    let given = DataType::Decimal256(77, 38);
    let greatest = i256::from_string(&format!("5{}", "7".repeat(76))).expect("77 digits");
    let values: ArrayRef = Arc::new(Decimal256Array::from(vec![Some(greatest), None]).with_data_type(given.clone()));
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![Field::new("b", given, true)])), vec![values]).unwrap();
    let conformed = conform(batch.clone(), &canonical(&batch.schema())).unwrap();
    assert_eq!(conformed.schema().field(0).data_type(), &DataType::Decimal256(76, 38));
    let column = conformed.column(0).as_any().downcast_ref::<Decimal256Array>().expect("decimals").clone();
    assert_eq!(column.value(0), greatest);
}

fn numbers(name: &str) -> RecordBatch {
    let schema = Arc::new(Schema::new(vec![Field::new(name, DataType::Int64, true)]));
    RecordBatch::try_new(schema, vec![Arc::new(Int64Array::from(vec![Some(1), None]))]).expect("a batch")
}

fn one(name: &str, data_type: DataType, nullable: bool) -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new(name, data_type, nullable)]))
}

#[test]
fn another_type_is_an_error_that_names_the_column() {
    let error = conform(numbers("n"), &one("n", DataType::Float64, true)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedResponse);
    assert_eq!(error.message(), "column `n` came as Int64 and was announced as Float64");
}

#[test]
fn another_name_or_number_of_columns_is_an_error() {
    let error = conform(numbers("n"), &one("m", DataType::Int64, true)).unwrap_err();
    assert_eq!(error.message(), "the batch has a column `n` where `m` was announced");
    let error = conform(numbers("n"), &Arc::new(Schema::empty())).unwrap_err();
    assert_eq!(error.message(), "the batch has 1 columns and 0 were announced");
}

#[test]
fn a_null_where_none_can_be_is_an_error() {
    let error = conform(numbers("n"), &one("n", DataType::Int64, false)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedResponse);
}

#[test]
fn a_difference_deep_inside_is_named_by_its_path() {
    let list = |item: &str, kind: DataType| {
        let record = DataType::Struct(vec![Field::new("x", kind, true)].into());
        DataType::List(Arc::new(Field::new(item, record, true)))
    };
    let DataType::List(item) = list("element", DataType::Int64) else { panic!("a list") };
    let values: ArrayRef = Arc::new(arrow_array::StructArray::from(vec![(
        Arc::new(Field::new("x", DataType::Int64, true)),
        Arc::new(Int64Array::from(vec![1, 2])) as ArrayRef,
    )]));
    let column = ListArray::new(item, OffsetBuffer::from_lengths([2]), values, None);
    let batch = RecordBatch::try_new(one("l", list("element", DataType::Int64), true), vec![Arc::new(column)]).unwrap();
    let error = conform(batch, &one("l", list("item", DataType::Utf8), true)).unwrap_err();
    assert_eq!(error.message(), "column `l.x` came as Int64 and was announced as Utf8");
}
