//! Cells of every type as Arrow values.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int64Type, IntervalMonthDayNanoType,
    Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow_buffer::{IntervalMonthDayNano, i256};
use serde_json::{Value, json};
use std::sync::Arc;
use streetlens_core::bigquery::decode;

use crate::support::{column, decoded, one_column};

#[test]
fn integers_are_strings_or_numbers() {
    let array = column("INTEGER", &[json!("-9223372036854775808"), json!(7), json!(5.0), json!(null)]);
    let values: Vec<_> = array.as_primitive::<Int64Type>().iter().collect();
    assert_eq!(values, [Some(i64::MIN), Some(7), Some(5), None]);
}

#[test]
fn floats_may_be_infinite_or_not_a_number_in_any_spelling() {
    let array = column(
        "FLOAT",
        &["1.25", "-1e-3", "Infinity", "-Infinity", "inf", "+inf", "-INF", "NaN", "nan"].map(Value::from),
    );
    let values: Vec<f64> = array.as_primitive::<Float64Type>().iter().flatten().collect();
    let infinite = f64::INFINITY;
    assert_eq!(values[..7], [1.25, -0.001, infinite, -infinite, infinite, infinite, -infinite]);
    assert!(values[7].is_nan() && values[8].is_nan());
    assert!((column("FLOAT64", &[json!(2)]).as_primitive::<Float64Type>().value(0) - 2.0).abs() < f64::EPSILON);
}

#[test]
fn decimals_keep_every_digit() {
    let array = column("NUMERIC", &[json!("1.5"), json!("1.5E2"), json!(0.25), json!(3), json!(null)]);
    let values: Vec<_> = array.as_primitive::<Decimal128Type>().iter().collect();
    assert_eq!(values, [Some(1_500_000_000), Some(150_000_000_000), Some(250_000_000), Some(3_000_000_000), None]);
    let largest = "578960446186580977117854925043439539266.34992332820282019728792003956564819967";
    let array = column("BIGNUMERIC", &[json!(largest)]);
    assert_eq!(array.as_primitive::<Decimal256Type>().value(0), i256::MAX);
}

#[test]
fn booleans_are_words_letters_digits_or_json() {
    let array = column("BOOLEAN", &[json!("true"), json!("FALSE"), json!("t"), json!("1"), json!(false), json!(null)]);
    let values: Vec<_> = array.as_boolean().iter().collect();
    assert_eq!(values, [Some(true), Some(false), Some(true), Some(true), Some(false), None]);
}

#[test]
fn strings_keep_escapes_and_every_plane_of_unicode() {
    let texts = ["", "plain", "quote \" slash \\ tab \t nul \u{0}", "Straße", "日本", "🚦"];
    for kind in ["STRING", "GEOGRAPHY", "JSON"] {
        let array = column(kind, &texts.map(Value::from));
        assert_eq!(array.as_string::<i32>().iter().flatten().collect::<Vec<_>>(), texts);
    }
    let body = br#"{"schema":{"fields":[{"name":"s","type":"STRING"}]},"rows":[{"f":[{"v":"\u00fc\ud83d\udea6\/"}]}]}"#;
    let batch = decode::page(body, None).expect("the page decodes").batch.expect("rows");
    assert_eq!(batch.column(0).as_string::<i32>().value(0), "ü🚦/");
}

#[test]
fn bytes_are_base64() {
    let array = column("BYTES", &[json!(""), json!("AAH/"), json!("/w=="), json!(null)]);
    let values: Vec<_> = array.as_binary::<i32>().iter().collect();
    assert_eq!(values, [Some(&b""[..]), Some(&[0, 1, 255][..]), Some(&[255][..]), None]);
}

#[test]
fn dates_and_times_are_days_and_microseconds() {
    let dates = column("DATE", &[json!("0001-01-01"), json!("1970-01-02"), json!(null)]);
    assert_eq!(dates.as_primitive::<Date32Type>().iter().collect::<Vec<_>>(), [Some(-719_162), Some(1), None]);
    let times = column("TIME", &[json!("00:00:01"), json!("23:59:59.999999")]);
    assert_eq!(times.as_primitive::<Time64MicrosecondType>().values(), &[1_000_000, 86_399_999_999]);
    let datetimes = column("DATETIME", &[json!("1970-01-01T00:00:01.5"), json!("9999-12-31T23:59:59.999999")]);
    assert_eq!(datetimes.as_primitive::<TimestampMicrosecondType>().values(), &[1_500_000, 253_402_300_799_999_999]);
}

#[test]
fn timestamps_are_read_whatever_the_server_made_of_the_flag() {
    let values = [
        json!("1735689600123456"),
        json!(1_735_689_600_123_456_i64),
        json!("1735689600.123456"),
        json!(1_735_689_600.123_456),
        json!("1.735689600123456E9"),
        json!("2025-01-01T00:00:00.123456Z"),
    ];
    let array = column("TIMESTAMP", &values);
    assert_eq!(array.as_primitive::<TimestampMicrosecondType>().values(), &[1_735_689_600_123_456; 6]);
}

#[test]
fn intervals_are_months_days_and_nanoseconds() {
    let array = column("INTERVAL", &[json!("-1-2 3 -4:5:6.789"), json!(null)]);
    let expected = IntervalMonthDayNano::new(-14, 3, -14_706_789_000_000);
    assert_eq!(array.as_primitive::<IntervalMonthDayNanoType>().iter().collect::<Vec<_>>(), [Some(expected), None]);
}

#[test]
fn ranges_are_structs_whose_open_ends_are_null() {
    let range = |element: &str, values: &[Value]| {
        let field = json!({"name": "r", "type": "RANGE", "rangeElementType": {"type": element}});
        Arc::clone(decoded(&one_column(field, values)).batch.expect("rows").column(0))
    };
    let dates = range("DATE", &[json!("[1970-01-02, UNBOUNDED)"), json!(null), json!("[UNBOUNDED, 1970-01-03)")]);
    let dates = dates.as_struct();
    assert_eq!((dates.is_null(0), dates.is_null(1)), (false, true));
    let bound = |index| dates.column(index).as_primitive::<Date32Type>().iter().collect::<Vec<_>>();
    assert_eq!((bound(0), bound(1)), (vec![Some(1), None, None], vec![None, None, Some(2)]));
    for (element, text) in [
        ("TIMESTAMP", "[1000000, 2000000)"),
        ("TIMESTAMP", "[1970-01-01 00:00:01+00, 1970-01-01 00:00:02+00)"),
        ("TIMESTAMP", "[1.0, 2.0)"),
        ("DATETIME", "[1970-01-01T00:00:01, 1970-01-01T00:00:02)"),
    ] {
        let array = range(element, &[json!(text)]);
        let bound = |index: usize| array.as_struct().column(index).as_primitive::<TimestampMicrosecondType>().value(0);
        assert_eq!((bound(0), bound(1)), (1_000_000, 2_000_000), "{element} {text}");
    }
}

#[test]
fn records_and_lists_nest_and_their_nulls_stay_apart() {
    let body = json!({
        "schema": {"fields": [
            {"name": "asset", "type": "RECORD", "fields": [
                {"name": "id", "type": "STRING"},
                {"name": "views", "type": "RECORD", "mode": "REPEATED", "fields": [
                    {"name": "score", "type": "FLOAT"}, {"name": "tags", "type": "STRING", "mode": "REPEATED"}]}]}
        ]},
        "rows": [
            {"f": [{"v": {"f": [{"v": "a"}, {"v": [
                {"v": {"f": [{"v": "0.5"}, {"v": [{"v": "x"}, {"v": "y"}]}]}},
                {"v": {"f": [{"v": null}, {"v": []}]}}]}]}}]},
            {"f": [{"v": null}]},
            {"f": [{"v": {"f": [{"v": null}, {"v": null}]}}]}
        ]
    });
    let batch = decoded(&body).batch.expect("rows");
    let asset = batch.column(0).as_struct();
    assert_eq!([asset.is_null(0), asset.is_null(1), asset.is_null(2)], [false, true, false]);
    let views = asset.column(1).as_list::<i32>();
    assert_eq!(views.value_offsets(), &[0, 2, 2, 2]);
    assert_eq!(views.null_count(), 0);
    let view = views.values().as_struct();
    assert_eq!(view.column(0).as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), [Some(0.5), None]);
    assert_eq!(view.column(1).as_list::<i32>().value_offsets(), &[0, 2, 2]);
}

#[test]
fn a_repeated_null_is_an_empty_list_and_an_item_may_be_null() {
    let field = json!({"name": "tags", "type": "STRING", "mode": "REPEATED"});
    let page = decoded(&one_column(field, &[json!(null), json!([]), json!([{"v": "a"}, {"v": null}])]));
    let batch = page.batch.expect("rows");
    let tags = batch.column(0).as_list::<i32>();
    assert_eq!(tags.value_offsets(), &[0, 0, 0, 2]);
    assert_eq!(tags.values().as_string::<i32>().iter().collect::<Vec<_>>(), [Some("a"), None]);
}

#[test]
fn keys_nobody_knows_are_passed_over() {
    let body = json!({
        "etag": {"deep": [1, {"er": null}]},
        "schema": {"fields": [{"name": "n", "type": "INTEGER", "policyTags": {"names": []}}]},
        "rows": [{"x": [1], "f": [{"w": {}, "v": "1", "z": 2}], "y": null}]
    });
    assert_eq!(decoded(&body).batch.expect("rows").column(0).as_primitive::<Int64Type>().value(0), 1);
}
