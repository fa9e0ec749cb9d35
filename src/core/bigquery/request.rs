//! What a query asks for, as the requests that ask it.

use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

use super::parameters::{self, Parameter};
use super::result::QueryProgress;
use crate::error::{Error, ErrorKind, Result};

/// How long the first answer may take. Short, because a job has no name before it, and cannot be cancelled.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// How long a later answer may take; BigQuery holds the request until the job is done.
const LATER_WAIT: Duration = Duration::from_secs(10);

/// A query with its options.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// `GoogleSQL`.
    pub sql: String,
    /// Parameters, all named or all positional.
    pub parameters: Vec<Parameter>,
    /// Where to run it; BigQuery infers it from the tables otherwise.
    pub location: Option<String>,
    /// Rows a page, at most.
    pub page_size: Option<u32>,
    /// Time for the whole query, its rows included.
    pub timeout: Option<Duration>,
    /// How its rows come.
    pub transport: Transport,
    /// Whether rows may come in another order than the result's, which is faster for large ones.
    pub any_order: bool,
    /// BigQuery refuses a query that would bill more than this.
    pub maximum_bytes_billed: Option<u64>,
    /// Labels of the job, shown on the invoice.
    pub labels: BTreeMap<String, String>,
    /// Data set of tables that are named without one, as `dataset` or `project.dataset`.
    pub default_dataset: Option<String>,
    /// The session to run it in.
    pub session: SessionChoice,
    /// Whether a result that BigQuery has kept may not be used.
    pub skip_cache: bool,
    /// Whether the query may wait for idle slots.
    pub is_batch: bool,
    /// Told how far the query is.
    pub progress: Arc<QueryProgress>,
}

/// How the rows of a result come from BigQuery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// The fastest way that works here.
    #[default]
    Auto,
    /// The first rows with the answer, as Arrow, and the rest over the Storage Read API; nothing else.
    Arrow,
    /// All rows over the Storage Read API.
    Storage,
    /// JSON pages.
    Rest,
}

/// The session a query runs in; temporary tables and variables live as long as theirs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SessionChoice {
    /// None.
    #[default]
    None,
    /// A new one, named in the statistics.
    New,
    /// The one of this id.
    Existing(String),
}

/// The form of the rows that come with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowFormat {
    Json,
    Arrow,
}

/// What `jobs.query` and the query of `jobs.insert` have in common.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Common<'a> {
    query: &'a str,
    use_legacy_sql: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    maximum_bytes_billed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_dataset: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    use_query_cache: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    create_session: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection_properties: Option<Value>,
    #[serde(flatten)]
    parameters: Map<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueryRequest<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    format_options: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_results: Option<u32>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    query_results_format: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arrow_serialization_options: Option<Value>,
}

impl Query {
    /// Whether only `jobs.insert` can ask for it.
    pub(super) fn needs_a_job(&self) -> bool {
        self.is_batch
    }

    /// Whether asking again after a failure cannot change anything: scripts and DML may have done half their work.
    pub(super) fn only_reads(&self) -> bool {
        let without_comments = skip_comments(&self.sql);
        let word: String = without_comments.chars().take_while(char::is_ascii_alphabetic).collect();
        let is_single = !without_literals(without_comments).trim_end().trim_end_matches(';').contains(';');
        is_single && ["select", "with", "from"].iter().any(|start| word.eq_ignore_ascii_case(start))
    }

    /// The body of `jobs.query`. The same `request_id` makes a repeated request the same query.
    pub(super) fn body(&self, request_id: &str, rows: RowFormat) -> Result<Vec<u8>> {
        let is_arrow = rows == RowFormat::Arrow;
        encode(&QueryRequest {
            request_id: Some(request_id),
            timeout_ms: Some(milliseconds(FIRST_WAIT)),
            query_results_format: is_arrow.then_some("ARROW"),
            arrow_serialization_options: is_arrow.then(|| {
                serde_json::json!({
                    "bufferCompression": "LZ4_FRAME",
                    "picosTimestampPrecision": "TIMESTAMP_PRECISION_MICROS",
                })
            }),
            ..self.request()?
        })
    }

    /// The body of a dry run: BigQuery checks the query, tells what it would read, and runs nothing.
    pub(super) fn dry_run_body(&self) -> Result<Vec<u8>> {
        encode(&QueryRequest { dry_run: Some(true), ..self.request()? })
    }

    /// The body of `jobs.insert` for a job of our own name.
    pub(super) fn job_body(&self, project: &str, job_id: &str) -> Result<Vec<u8>> {
        let mut reference = serde_json::json!({"projectId": project, "jobId": job_id});
        if let Some(location) = &self.location {
            reference["location"] = Value::from(location.as_str());
        }
        let mut query = serde_json::to_value(self.common()?).map_err(not_encoded)?;
        if self.is_batch {
            query["priority"] = Value::from("BATCH");
        }
        encode(&serde_json::json!({
            "jobReference": reference,
            "configuration": {"query": query, "labels": self.labels},
        }))
    }

    fn request(&self) -> Result<QueryRequest<'_>> {
        Ok(QueryRequest {
            common: self.common()?,
            format_options: serde_json::json!({"useInt64Timestamp": true}),
            request_id: None,
            timeout_ms: None,
            dry_run: None,
            location: self.location.as_deref(),
            max_results: self.page_size,
            labels: &self.labels,
            query_results_format: None,
            arrow_serialization_options: None,
        })
    }

    fn common(&self) -> Result<Common<'_>> {
        if self.sql.trim().is_empty() {
            return Err(Error::new(ErrorKind::Query, "the query is empty"));
        }
        let session_id = match &self.session {
            SessionChoice::Existing(id) => Some(serde_json::json!([{"key": "session_id", "value": id}])),
            SessionChoice::None | SessionChoice::New => None,
        };
        Ok(Common {
            query: &self.sql,
            use_legacy_sql: false,
            maximum_bytes_billed: self.maximum_bytes_billed.map(|bytes| bytes.to_string()),
            default_dataset: self.default_dataset.as_deref().map(dataset_reference),
            use_query_cache: self.skip_cache.then_some(false),
            create_session: (self.session == SessionChoice::New).then_some(true),
            connection_properties: session_id,
            parameters: parameters::to_request(&self.parameters)?,
        })
    }
}

/// Which rows of a job's result are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// Wait for the job's end; then the first rows.
    First,
    /// From a position in the result. Unlike the token of a page it cannot expire, and pages can be asked for at once.
    From(u64),
}

/// Adds what `jobs.getQueryResults` needs to the address of a job's results.
pub(super) fn results_address(mut url: Url, location: Option<&str>, rows: Rows, limit: Option<u64>) -> Url {
    {
        let mut pairs = url.query_pairs_mut();
        pairs.append_pair("prettyPrint", "false").append_pair("formatOptions.useInt64Timestamp", "true");
        if let Some(location) = location {
            pairs.append_pair("location", location);
        }
        if let Some(limit) = limit {
            pairs.append_pair("maxResults", &limit.to_string());
        }
        match rows {
            Rows::First => pairs.append_pair("timeoutMs", &milliseconds(LATER_WAIT).to_string()),
            Rows::From(position) => pairs.append_pair("startIndex", &position.to_string()),
        };
    }
    url
}

fn dataset_reference(name: &str) -> Value {
    match name.rsplit_once('.') {
        Some((project, dataset)) => serde_json::json!({"projectId": project, "datasetId": dataset}),
        None => serde_json::json!({"datasetId": name}),
    }
}

fn skip_comments(sql: &str) -> &str {
    let mut rest = sql.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '(');
    loop {
        let after = if rest.starts_with("--") || rest.starts_with('#') {
            rest.split_once('\n').map_or("", |(_, after)| after)
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else {
            return rest;
        };
        rest = after.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '(');
    }
}

/// The statement without what stands between quotes.
fn without_literals(sql: &str) -> String {
    let (mut rest, mut quote, mut is_escaped) = (String::with_capacity(sql.len()), None, false);
    for letter in sql.chars() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if letter == '\\' => is_escaped = true,
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if matches!(letter, '\'' | '"' | '`') => quote = Some(letter),
            None => rest.push(letter),
        }
    }
    rest
}

fn encode<T: Serialize>(body: &T) -> Result<Vec<u8>> {
    serde_json::to_vec(body).map_err(not_encoded)
}

fn not_encoded(cause: serde_json::Error) -> Error {
    Error::new(ErrorKind::Internal, "the query cannot be encoded").with_source(cause)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(sql: &str) -> Query {
        Query { sql: sql.into(), ..Query::default() }
    }

    fn body(query: &Query) -> Value {
        serde_json::from_slice(&query.body("id", RowFormat::Arrow).unwrap()).unwrap()
    }

    #[test]
    fn a_plain_query_sends_nothing_that_nobody_asked_for() {
        let sent = body(&query("SELECT 1"));
        let names: Vec<&str> = sent.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "query",
                "useLegacySql",
                "formatOptions",
                "requestId",
                "timeoutMs",
                "queryResultsFormat",
                "arrowSerializationOptions"
            ]
        );
    }

    #[test]
    fn a_limit_of_bytes_is_a_text_as_int64_are() {
        let sent = body(&Query { maximum_bytes_billed: Some(5), ..query("SELECT 1") });
        assert_eq!(sent["maximumBytesBilled"], "5");
    }

    #[test]
    fn a_session_is_named_among_the_connection_properties() {
        let sent = body(&Query { session: SessionChoice::Existing("s1".into()), ..query("SELECT 1") });
        assert_eq!(sent["connectionProperties"][0], serde_json::json!({"key": "session_id", "value": "s1"}));
    }

    #[test]
    fn a_dry_run_has_no_request_id() {
        let sent: Value = serde_json::from_slice(&query("SELECT 1").dry_run_body().unwrap()).unwrap();
        assert_eq!((&sent["dryRun"], sent.get("requestId")), (&Value::Bool(true), None));
    }

    #[test]
    fn only_a_single_reading_statement_is_known_to_change_nothing() {
        for sql in [
            "SELECT 1",
            " -- note\n with a as (select 1) select * from a;",
            "/* x */ (select 1)",
            "from t |> limit 1",
            "SELECT ';'",
        ] {
            assert!(query(sql).only_reads(), "{sql}");
        }
        for sql in ["INSERT t VALUES (1)", "select 1; delete from t where true", "DECLARE x INT64", "-- select"] {
            assert!(!query(sql).only_reads(), "{sql}");
        }
    }
}
