//! What a page says besides its rows, and bodies that are no page.

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_schema::DataType;
use serde_json::json;
use streetlens_core::bigquery::decode;
use streetlens_core::bigquery::wire::Int64;
use streetlens_core::error::ErrorKind;

use crate::support::{decoded, one_column, refused, schema};

#[test]
fn a_first_page_tells_everything_in_one_pass() {
    let page = decoded(&json!({
        "kind": "bigquery#queryResponse",
        "schema": {"fields": [{"name": "n", "type": "INTEGER", "mode": "NULLABLE"}]},
        "jobReference": {"projectId": "p", "jobId": "job_1", "location": "US"},
        "totalRows": "100",
        "pageToken": "next",
        "rows": [{"f": [{"v": "1"}]}, {"f": [{"v": null}]}],
        "totalBytesProcessed": "1024",
        "totalBytesBilled": 2048,
        "totalSlotMs": "7",
        "jobComplete": true,
        "cacheHit": false,
        "queryId": "q",
        "location": "US",
        "statementType": "SELECT",
        "jobCreationReason": {"code": "REQUESTED"},
        "sessionInfo": {"sessionId": "s"},
        "errors": [{"reason": "warning", "message": "slow", "location": "query"}]
    }));
    let envelope = page.envelope;
    let job = envelope.job_reference.expect("a job");
    assert_eq!((job.job_id.as_deref(), job.location.as_deref()), (Some("job_1"), Some("US")));
    assert_eq!((envelope.total_rows, envelope.page_token.as_deref()), (Some(100), Some("next")));
    assert_eq!((envelope.total_bytes_processed, envelope.total_bytes_billed), (Some(1024), Some(2048)));
    assert_eq!((envelope.total_slot_ms, envelope.query_id.as_deref()), (Some(7), Some("q")));
    assert_eq!((envelope.job_complete, envelope.cache_hit), (Some(true), Some(false)));
    assert_eq!((envelope.location.as_deref(), envelope.statement_type.as_deref()), (Some("US"), Some("SELECT")));
    assert_eq!(envelope.session_info.and_then(|session| session.session_id).as_deref(), Some("s"));
    assert_eq!(envelope.errors[0].message.as_deref(), Some("slow"));
    let batch = page.batch.expect("rows");
    assert_eq!(batch.column(0).as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(1), None]);
}

#[test]
fn a_dml_page_counts_the_rows_it_touched() {
    let page = decoded(&json!({
        "jobComplete": true,
        "numDmlAffectedRows": "3",
        "dmlStats": {"insertedRowCount": "1", "updatedRowCount": "2"}
    }));
    assert_eq!(page.envelope.num_dml_affected_rows, Some(3));
    assert_eq!(page.envelope.dml_stats.and_then(|stats| stats.updated_row_count), Some(Int64(2)));
    assert_eq!(page.envelope.total_rows, None);
    assert!(page.schema.is_none() && page.batch.is_none());
}

#[test]
fn explicit_nulls_are_absent_values() {
    let page = decoded(&json!({
        "schema": null, "rows": null, "errors": null, "pageToken": null, "totalRows": null, "jobReference": null,
        "jobComplete": null, "dmlStats": null
    }));
    assert_eq!(page.envelope, decode::Envelope::default());
}

#[test]
fn an_empty_page_token_does_not_ask_for_another_page() {
    assert_eq!(decoded(&json!({"pageToken": ""})).envelope.page_token, None);
}

#[test]
fn a_page_without_rows_keeps_its_schema() {
    for rows in [json!({}), json!({"rows": []}), json!({"rows": null})] {
        let mut body = json!({"schema": {"fields": [{"name": "n", "type": "INTEGER"}]}, "totalRows": "0"});
        body.as_object_mut().expect("an object").extend(rows.as_object().expect("an object").clone());
        let page = decoded(&body);
        assert!(page.batch.is_none());
        assert_eq!(page.schema.expect("a schema").arrow().field(0).data_type(), &DataType::Int64);
    }
}

#[test]
fn rows_may_come_before_their_schema() {
    let body = br#"{"rows":[{"f":[{"v":"1"}]}],"totalRows":"1","schema":{"fields":[{"name":"n","type":"INTEGER"}]}}"#;
    let page = decode::page(body, None).expect("the page decodes");
    assert_eq!(page.batch.expect("rows").column(0).as_primitive::<Int64Type>().value(0), 1);
    assert_eq!(page.envelope.total_rows, Some(1));
}

#[test]
fn a_later_page_is_decoded_with_the_schema_of_the_first() {
    let known = schema(json!([{"name": "n", "type": "INTEGER"}]));
    let page = decode::page(br#"{"rows":[{"f":[{"v":"7"}]}]}"#, Some(&known)).expect("the page decodes");
    assert_eq!(page.batch.expect("rows").column(0).as_primitive::<Int64Type>().value(0), 7);
}

#[test]
fn the_schema_given_wins_over_the_page_s_own() {
    let known = schema(json!([{"name": "n", "type": "STRING"}]));
    let body = one_column(json!({"name": "n", "type": "INTEGER"}), &[json!("7")]);
    let page = decode::page(body.to_string().as_bytes(), Some(&known)).expect("the page decodes");
    assert_eq!(page.batch.expect("rows").column(0).as_string::<i32>().value(0), "7");
}

#[test]
fn rows_without_any_schema_are_refused() {
    let error = refused(&json!({"rows": [{"f": [{"v": "1"}]}]}));
    assert_eq!(error.to_string(), "the page has rows and nothing says what their columns are");
}

#[test]
fn a_table_without_columns_has_rows_all_the_same() {
    let page = decoded(&json!({"schema": {"fields": []}, "rows": [{"f": []}, {"f": []}]}));
    assert_eq!(page.batch.expect("rows").num_rows(), 2);
}

#[test]
fn a_body_cut_on_its_way_may_be_asked_for_again() {
    let whole = one_column(json!({"name": "n", "type": "INTEGER"}), &[json!("1")]).to_string();
    for end in 0..whole.len() {
        let error = decode::page(&whole.as_bytes()[..end], None).expect_err("a cut page is refused");
        assert_eq!(error.kind(), ErrorKind::MalformedResponse);
        assert!(error.is_retryable(), "{error}");
    }
}

#[test]
fn a_body_that_is_no_page_is_refused() {
    for body in ["", "null", "[]", "\"x\"", "<html>", "{} {}", "{\"rows\":{}}", "{\"totalRows\":\"many\"}"] {
        let error = decode::page(body.as_bytes(), None).expect_err(body);
        assert_eq!(error.kind(), ErrorKind::MalformedResponse, "{body}");
    }
}

#[test]
fn nesting_beyond_all_reason_is_refused_and_not_followed() {
    let deep = "[".repeat(100_000);
    for body in [
        deep.clone(),
        format!("{{\"ignored\":{deep}"),
        format!("{{\"schema\":{deep}"),
        format!("{{\"errors\":{deep}"),
        format!("{{\"rows\":{deep}"),
        format!(
            "{{\"schema\":{{\"fields\":[{{\"name\":\"s\",\"type\":\"STRING\"}}]}},\"rows\":[{{\"f\":[{{\"v\":{deep}"
        ),
        format!("{{\"schema\":{}", "{\"fields\":[".repeat(100_000)),
    ] {
        assert_eq!(decode::page(body.as_bytes(), None).expect_err("refused").kind(), ErrorKind::MalformedResponse);
    }
}
