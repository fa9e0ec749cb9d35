//! What a query asks for, as the requests that ask it.

use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;
use url::Url;

use super::parameters::{self, Parameter};
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
    /// Time for the whole query, pages included.
    pub timeout: Option<Duration>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct QueryRequest<'a> {
    query: &'a str,
    use_legacy_sql: bool,
    request_id: &'a str,
    timeout_ms: u64,
    format_options: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_results: Option<u32>,
    #[serde(flatten)]
    parameters: Map<String, Value>,
}

impl Query {
    /// The body of `jobs.query`. The same `request_id` makes a repeated request the same query.
    pub(super) fn body(&self, request_id: &str) -> Result<Vec<u8>> {
        let request = QueryRequest {
            query: &self.sql,
            use_legacy_sql: false,
            request_id,
            timeout_ms: milliseconds(FIRST_WAIT),
            format_options: Map::from_iter([("useInt64Timestamp".to_owned(), Value::Bool(true))]),
            location: self.location.as_deref(),
            max_results: self.page_size,
            parameters: parameters::to_request(&self.parameters)?,
        };
        serde_json::to_vec(&request)
            .map_err(|cause| Error::new(ErrorKind::Internal, "the query cannot be encoded").with_source(cause))
    }
}

/// Adds what `jobs.getQueryResults` needs to the address of a job's results.
pub(super) fn results_address(
    mut url: Url,
    location: Option<&str>,
    page_token: Option<&str>,
    page_size: Option<u32>,
) -> Url {
    {
        let mut pairs = url.query_pairs_mut();
        pairs.append_pair("prettyPrint", "false").append_pair("formatOptions.useInt64Timestamp", "true");
        if let Some(location) = location {
            pairs.append_pair("location", location);
        }
        if let Some(size) = page_size {
            pairs.append_pair("maxResults", &size.to_string());
        }
        match page_token {
            Some(token) => pairs.append_pair("pageToken", token),
            None => pairs.append_pair("timeoutMs", &milliseconds(LATER_WAIT).to_string()),
        };
    }
    url
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
