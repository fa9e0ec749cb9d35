//! BigQuery's error answers as errors of this crate: by reason first, by status second.

use crate::envelope::ServiceError;
use crate::error::{Error, ErrorKind};
use crate::transport::Response;

/// Reasons that Google's own clients retry, whatever the HTTP status.
const TRANSIENT: &[&str] = &["rateLimitExceeded", "backendError", "internalError", "badGateway"];

/// Reads an error answer.
#[must_use]
pub fn decode(response: &Response) -> Error {
    let said = ServiceError::read(response);
    let reason = said.reason.as_deref();
    let kind = match (said.http_status, reason) {
        (_, Some("rateLimitExceeded")) | (429, _) => ErrorKind::Throttled,
        (_, Some(transient)) if TRANSIENT.contains(&transient) => ErrorKind::Unavailable,
        // A job that failed inside BigQuery: sending the same request again only reads the same failure.
        (_, Some("jobInternalError" | "jobBackendError" | "jobRateLimitExceeded")) => ErrorKind::Query,
        (401, _) => ErrorKind::Authentication,
        (403, _) => ErrorKind::PermissionDenied,
        (404, _) => ErrorKind::NotFound,
        (409, _) => ErrorKind::AlreadyExists,
        (408, _) => ErrorKind::Timeout,
        (500..=599, _) => ErrorKind::Unavailable,
        _ => ErrorKind::Query,
    };
    let location = text_after(&said.message, "in location ");
    let error = Error::new(kind, said.message.clone())
        .with_service("BigQuery", said.http_status)
        .with_reason(said.reason.clone().or(said.status.clone()))
        .with_retry_after(said.retry_after)
        .with_job(None, location);
    match hint(&said) {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// Whether a job failed inside BigQuery, where the same statement may succeed the next time.
pub(super) fn failed_inside(error: &Error) -> bool {
    let reason = error.details().reason.as_deref();
    matches!(reason, Some("jobInternalError" | "jobBackendError" | "jobRateLimitExceeded"))
}

/// Whether this may be one of the failures that BigQuery has with Arrow only: unnamed STRUCT fields, and intervals
/// beyond what Arrow holds (google-cloud-bigquery 3.47, `tests/system/test_arrow.py`).
pub(super) fn is_of_arrow(error: &Error) -> bool {
    let reason = error.details().reason.as_deref();
    reason == Some("jobInternalError") || error.message().contains("Out of range conversion")
}

/// Whether BigQuery does not know the job itself, as opposed to a table.
pub(super) fn is_missing_job(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound && error.message().contains("Job ")
}

fn hint(said: &ServiceError) -> Option<&'static str> {
    match (said.http_status, said.reason.as_deref()) {
        (_, Some("bytesBilledLimitExceeded")) => {
            Some("read fewer columns or rows, or raise `maximum_bytes_billed`; nothing was billed")
        }
        (404, _) => Some("check the project, data set and table, and that they are in the location the query runs in"),
        (_, Some("quotaExceeded")) => Some("the project's quota is used up; see the quotas page of the console"),
        (_, Some("billingNotEnabled")) => Some("turn on billing for the project"),
        (403, Some("accessDenied") | None) => Some(
            "grant yourself `roles/bigquery.jobUser` on the project and `roles/bigquery.dataViewer` on the data set",
        ),
        (403, Some("SERVICE_DISABLED" | "accessNotConfigured")) => Some("enable the BigQuery API in the project"),
        (400, Some("invalidQuery")) => hint_about_sql(&said.message),
        _ => None,
    }
}

/// What to do about the mistakes that are made most.
fn hint_about_sql(message: &str) -> Option<&'static str> {
    let hints = [
        ("No matching signature", "cast one side, or give a parameter its type: `sl.Parameter(value, \"INT64\")`"),
        (
            "Unrecognized name",
            "`client.query(\"SELECT * FROM ...\", dry_run=True).schema` lists the columns that are there",
        ),
        ("Query parameter", "give every `@parameter` by its name and every `?` in its place in `params=`"),
        ("must be qualified", "write `dataset.table`, or pass `default_dataset=`"),
        ("Syntax error", "see the [line:column] above; names of tables take backticks, texts take quotes"),
    ];
    hints.iter().find(|(mark, _)| message.contains(mark)).map(|(_, hint)| *hint)
}

fn text_after(message: &str, mark: &str) -> Option<String> {
    let rest = message.split_once(mark)?.1;
    let word: String = rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect();
    (!word.is_empty()).then_some(word)
}

/// The location and id of the job named in an `Already Exists: Job project:US.id` message.
#[must_use]
pub(super) fn existing_job(message: &str) -> Option<(Option<String>, String)> {
    let name = message.split_once("Job ")?.1.split_whitespace().next()?;
    let tail = name.rsplit(':').next()?;
    match tail.split_once('.') {
        Some((location, id)) => Some((Some(location.to_owned()), id.to_owned())),
        None => Some((None, tail.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};

    fn decoded(status: u16, reason: &str, message: &str) -> Error {
        let body = serde_json::json!({"error": {"code": status, "message": message, "errors": [{"reason": reason}]}});
        decode(&Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_string().into(),
        })
    }

    #[test]
    fn a_rate_limit_is_retryable_although_it_comes_as_403() {
        let error = decoded(403, "rateLimitExceeded", "Exceeded rate limits");
        assert!(error.kind() == ErrorKind::Throttled && error.is_retryable());
        assert!(!decoded(403, "quotaExceeded", "Quota exceeded").is_retryable());
        assert!(!decoded(400, "jobInternalError", "An internal error").is_retryable());
    }

    #[test]
    fn the_location_of_a_missing_table_is_told() {
        let error = decoded(404, "notFound", "Not found: Table p:d.t was not found in location US");
        assert_eq!(error.details().location.as_deref(), Some("US"));
    }

    #[test]
    fn a_parameter_of_the_wrong_type_is_told_what_to_do() {
        let error = decoded(400, "invalidQuery", "No matching signature for operator = for types: INT64, STRING");
        assert!(error.details().hint.as_deref().is_some_and(|hint| hint.contains("sl.Parameter")));
    }

    #[test]
    fn an_existing_job_is_found_in_the_message() {
        let found = existing_job("Already Exists: Job example.com:proj:US.job_x");
        assert_eq!(found, Some((Some("US".into()), "job_x".into())));
        assert_eq!(existing_job("Already Exists: Job proj:job_y"), Some((None, "job_y".into())));
    }
}
