//! A REST schema as the Arrow schema google-cloud-bigquery makes of it.

use arrow_array::cast::AsArray;
use arrow_schema::{DataType, Field, Fields, IntervalUnit, TimeUnit};
use serde_json::json;
use std::sync::Arc;
use streetlens_core::error::ErrorKind;

use crate::support::{decoded, one_column, refused, schema};

#[test]
fn every_type_has_the_arrow_type_google_cloud_bigquery_gives_it() {
    let utc = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    for (names, expected) in [
        (&["INTEGER", "INT64", "integer"][..], DataType::Int64),
        (&["FLOAT", "FLOAT64"], DataType::Float64),
        (&["NUMERIC"], DataType::Decimal128(38, 9)),
        (&["BIGNUMERIC"], DataType::Decimal256(76, 38)),
        (&["BOOLEAN", "BOOL"], DataType::Boolean),
        (&["STRING", "GEOGRAPHY", "JSON"], DataType::Utf8),
        (&["BYTES"], DataType::Binary),
        (&["DATE"], DataType::Date32),
        (&["TIME"], DataType::Time64(TimeUnit::Microsecond)),
        (&["DATETIME"], DataType::Timestamp(TimeUnit::Microsecond, None)),
        (&["TIMESTAMP"], utc()),
        (&["INTERVAL"], DataType::Interval(IntervalUnit::MonthDayNano)),
    ] {
        for name in names {
            let arrow = schema(json!([{"name": "c", "type": name, "mode": "REQUIRED", "timestampPrecision": "12"}]));
            assert_eq!(arrow.arrow().field(0).data_type(), &expected, "{name}");
            assert!(arrow.arrow().field(0).is_nullable(), "{name}: REQUIRED stays nullable");
        }
    }
    let range = schema(json!([{"name": "c", "type": "RANGE", "rangeElementType": {"type": "TIMESTAMP"}}]));
    let bounds = Fields::from(vec![Field::new("start", utc(), true), Field::new("end", utc(), true)]);
    assert_eq!(range.arrow().field(0).data_type(), &DataType::Struct(bounds));
}

#[test]
fn a_repeated_record_is_a_list_of_structs_that_is_never_null() {
    let schema = schema(json!([
        {"name": "views", "type": "RECORD", "mode": "REPEATED", "fields": [
            {"name": "at", "type": "GEOGRAPHY"}, {"name": "tags", "type": "STRING", "mode": "REPEATED"}]}
    ]));
    let field = schema.arrow().field(0);
    assert!(!field.is_nullable());
    let DataType::List(item) = field.data_type() else { panic!("{field:?}") };
    let DataType::Struct(fields) = item.data_type() else { panic!("{item:?}") };
    assert!(item.is_nullable() && fields[0].is_nullable() && !fields[1].is_nullable());
    assert_eq!(fields[0].metadata()["ARROW:extension:name"], "google:sqlType:geography");
}

#[test]
fn extension_types_carry_the_storage_api_s_metadata() {
    let schema = schema(json!([
        {"name": "g", "type": "GEOGRAPHY"}, {"name": "d", "type": "DATETIME"}, {"name": "j", "type": "JSON"},
        {"name": "s", "type": "STRING"}
    ]));
    let metadata = |index: usize| {
        let mut pairs: Vec<_> = schema.arrow().field(index).metadata().iter().collect();
        pairs.sort();
        pairs.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        metadata(0),
        r#"ARROW:extension:metadata={"encoding": "WKT"} ARROW:extension:name=google:sqlType:geography"#
    );
    assert_eq!(metadata(1), "ARROW:extension:name=google:sqlType:datetime");
    assert_eq!(metadata(2), "ARROW:extension:name=google:sqlType:json");
    assert_eq!(metadata(3), "");
}

#[test]
fn an_unknown_type_names_its_column() {
    let error = refused(&json!({"schema": {"fields": [
        {"name": "a", "type": "RECORD", "fields": [{"name": "b", "type": "TENSOR"}]}
    ]}}));
    assert_eq!(error.kind(), ErrorKind::Query);
    assert!(error.to_string().starts_with("column `a.b` has type `TENSOR`, which streetlens cannot read"), "{error}");
}

#[test]
fn a_range_of_anything_else_is_refused() {
    let error = refused(&json!({"schema": {"fields": [
        {"name": "r", "type": "RANGE", "rangeElementType": {"type": "INT64"}}
    ]}}));
    assert!(error.message().contains("column `r`") && error.message().contains("`INT64`"), "{error}");
    assert!(refused(&json!({"schema": {"fields": [{"name": "r", "type": "RANGE"}]}})).message().contains("``"));
}

#[test]
fn records_nest_fifteen_deep_and_not_without_end() {
    let nested = |depth: usize| {
        let leaf = (json!({"name": "x", "type": "STRING", "mode": "REPEATED"}), json!([{"v": "end"}]));
        let (field, value) = (0..depth).fold(leaf, |(field, value), _| {
            let record = json!({"name": "x", "type": "RECORD", "mode": "REPEATED", "fields": [field]});
            (record, json!([{"v": {"f": [{"v": value}]}}]))
        });
        one_column(field, &[value])
    };
    let mut array = Arc::clone(decoded(&nested(15)).batch.expect("rows").column(0));
    for _ in 0..15 {
        array = Arc::clone(array.as_list::<i32>().values().as_struct().column(0));
    }
    assert_eq!(array.as_list::<i32>().values().as_string::<i32>().value(0), "end");
    assert_eq!(refused(&nested(20)).message().matches("x.").count(), 20);
}
