//! Cells and rows that do not fit their schema: refused by name, never null.

use arrow_array::RecordBatch;
use serde_json::json;
use streetlens_core::bigquery::decode;
use streetlens_core::error::ErrorKind;

use crate::support::{misfit, one_column, refused, schema};

#[test]
fn a_misfit_names_row_column_type_and_value() {
    let body = json!({
        "schema": {"fields": [
            {"name": "id", "type": "STRING"},
            {"name": "views", "type": "RECORD", "mode": "REPEATED", "fields": [
                {"name": "at", "type": "RECORD", "fields": [{"name": "lat", "type": "FLOAT"}]}]}]},
        "rows": [
            {"f": [{"v": "a"}, {"v": [{"v": {"f": [{"v": {"f": [{"v": "1"}]}}]}}]}]},
            {"f": [{"v": "b"}, {"v": [{"v": null}, {"v": {"f": [{"v": {"f": [{"v": "north"}]}}]}}]}]}
        ]
    });
    let error = refused(&body);
    assert_eq!(error.to_string(), "`north` in row 2 of the page does not fit column `views[1].at.lat` of type FLOAT");
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::MalformedResponse, false));
}

#[test]
fn a_long_value_is_shown_in_part() {
    let error = misfit("INTEGER", json!("é".repeat(500)));
    assert!(error.starts_with(&format!("`{}...` in row 1", "é".repeat(80))), "{error}");
}

#[test]
fn no_value_that_does_not_fit_becomes_null() {
    for (kind, value) in [
        ("INTEGER", json!("")),
        ("INTEGER", json!("1.5")),
        ("INTEGER", json!("9223372036854775808")),
        ("INTEGER", json!(9_223_372_036_854_775_808_u64)),
        ("INTEGER", json!(0.5)),
        ("INTEGER", json!(true)),
        ("FLOAT", json!("one")),
        ("FLOAT", json!("")),
        ("FLOAT", json!(false)),
        ("NUMERIC", json!("NaN")),
        ("NUMERIC", json!("1e30")),
        ("NUMERIC", json!(123_456_789.123_456_79)),
        ("BIGNUMERIC", json!("1e39")),
        ("BOOLEAN", json!("yes")),
        ("BOOLEAN", json!(1)),
        ("STRING", json!(1)),
        ("STRING", json!(1.5)),
        ("STRING", json!(true)),
        ("STRING", json!({"f": []})),
        ("STRING", json!([{"v": "a"}])),
        ("JSON", json!({"a": 1})),
        ("BYTES", json!("***")),
        ("DATE", json!("2025-02-30")),
        ("DATE", json!(20_000)),
        ("TIME", json!("25:00:00")),
        ("DATETIME", json!("2025-01-01T00:00:00Z")),
        ("TIMESTAMP", json!("yesterday")),
        ("TIMESTAMP", json!(i64::MAX)),
        ("TIMESTAMP", json!("NaN")),
        ("INTERVAL", json!("1 day")),
        ("RECORD", json!("a")),
        ("RECORD", json!([])),
    ] {
        let error = misfit(kind, value.clone());
        assert!(error.contains("in row 1 of the page does not fit column `c` of type"), "{kind} {value}: {error}");
    }
}

#[test]
fn a_range_with_one_bad_end_is_refused() {
    let field = json!({"name": "r", "type": "RANGE", "rangeElementType": {"type": "DATE"}});
    for text in ["[2020-01-01, soon)", "[soon, 2020-01-01)", "2020-01-01, 2021-01-01", "[2020-01-01)"] {
        let error = refused(&one_column(field.clone(), &[json!(text)])).to_string();
        assert!(error.ends_with("does not fit column `r` of type RANGE<DATE>"), "{error}");
    }
}

#[test]
fn rows_that_do_not_match_their_schema_are_refused() {
    let fields = json!([{"name": "a", "type": "STRING"}, {"name": "b", "type": "STRING"}]);
    for (row, problem) in [
        (r#"{"f":[{"v":"1"}]}"#, "1 cells where the schema has 2 columns"),
        (r#"{"f":[{"v":"1"},{"v":"2"},{"v":"3"}]}"#, "more cells than the 2 columns"),
        (r#"{"f":[{"v":"1"},{}]}"#, "key `v` is missing"),
        (r#"{"f":[{"v":"1"},{"v":"2","v":"3"}]}"#, "duplicate key `v`"),
        (r"{}", "key `f` is missing"),
        (r#"{"f":[],"f":[]}"#, "0 cells where the schema has 2 columns"),
        (r"null", "a record"),
        (r#"{"f":[{"v":"1"},"2"]}"#, "a cell"),
        (r#"{"f":{"a":1}}"#, "a list of 2 cells"),
    ] {
        let body = format!(r#"{{"schema":{{"fields":{fields}}},"rows":[{row}]}}"#);
        let error = decode::page(body.as_bytes(), None).expect_err(row).to_string();
        assert!(error.starts_with("row 1 of the page cannot be read: "), "{error}");
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn rows_given_twice_are_refused() {
    let body = r#"{"schema":{"fields":[]},"rows":[],"rows":[]}"#;
    assert!(decode::page(body.as_bytes(), None).expect_err("refused").message().contains("duplicate field `rows`"));
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    let body =
        b"{\"schema\":{\"fields\":[{\"name\":\"s\",\"type\":\"STRING\"}]},\"rows\":[{\"f\":[{\"v\":\"\xff\"}]}]}";
    assert_eq!(decode::page(body, None).expect_err("refused").kind(), ErrorKind::MalformedResponse);
}

#[test]
fn the_batch_has_exactly_the_schema_s_types() {
    let schema = schema(json!([
        {"name": "n", "type": "NUMERIC"}, {"name": "t", "type": "TIMESTAMP"}, {"name": "d", "type": "DATETIME"},
        {"name": "r", "type": "RANGE", "mode": "REPEATED", "rangeElementType": {"type": "TIMESTAMP"}}
    ]));
    let body = br#"{"rows":[{"f":[{"v":null},{"v":null},{"v":null},{"v":[{"v":"[1, 2)"}]}]}]}"#;
    let batch: RecordBatch = decode::page(body, Some(&schema)).expect("the page decodes").batch.expect("rows");
    assert_eq!(&batch.schema(), schema.arrow());
}
