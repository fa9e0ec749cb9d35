//! Google's JSON error body, read the same way for every service.

use serde::Deserialize;
use std::time::Duration;

use crate::transport::Response;

/// Longest piece of an error body that is shown.
const SHOWN: usize = 600;

/// What an error response says, as far as it can be read.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ServiceError {
    /// HTTP status.
    pub http_status: u16,
    /// Canonical status, for example `PERMISSION_DENIED`.
    pub status: Option<String>,
    /// Google's message, or the title of an HTML page.
    pub message: String,
    /// `ErrorInfo.reason`, or the reason of the first entry of `errors`.
    pub reason: Option<String>,
    /// Further descriptions from `details`.
    pub descriptions: Vec<String>,
    /// Wait the service asked for, by header or by `RetryInfo`.
    pub retry_after: Option<Duration>,
    /// Whether the body was Google's JSON.
    pub is_json: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    // Tried first, because a list also reads as a struct's fields in order.
    /// Streaming methods answer with a list of one.
    Many(Vec<Envelope>),
    One(Envelope),
}

#[derive(Deserialize)]
struct Envelope {
    error: Fields,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Fields {
    Structured(Structured),
    /// OAuth endpoints answer `{"error": "invalid_grant", ...}`.
    Code(String),
}

#[derive(Deserialize)]
struct Structured {
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    errors: Option<Vec<Entry>>,
    #[serde(default)]
    details: Option<Vec<Detail>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    reason: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Detail {
    #[serde(rename = "@type")]
    kind: Option<String>,
    reason: Option<String>,
    retry_delay: Option<String>,
    #[serde(rename = "detail")]
    text: Option<String>,
    field_violations: Option<Vec<Violation>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Violation {
    description: Option<String>,
}

impl ServiceError {
    /// Reads an error response of any form.
    #[must_use]
    pub(crate) fn read(response: &Response) -> Self {
        let mut error = match serde_json::from_slice::<Body>(&response.body) {
            Ok(Body::One(envelope)) => Self::from_fields(envelope.error),
            Ok(Body::Many(envelopes)) => {
                envelopes.into_iter().next().map(|envelope| Self::from_fields(envelope.error)).unwrap_or_default()
            }
            Err(_) => Self { message: text_of(&response.body), ..Self::default() },
        };
        error.http_status = response.status.as_u16();
        error.retry_after = retry_after_header(response).or(error.retry_after);
        if error.message.is_empty() {
            response.status.canonical_reason().unwrap_or("no explanation").clone_into(&mut error.message);
        }
        error
    }

    /// Whether the message or a description contains one of these texts.
    #[must_use]
    pub(crate) fn mentions(&self, texts: &[&str]) -> bool {
        let holds = |said: &String| texts.iter().any(|text| said.contains(text));
        holds(&self.message) || self.descriptions.iter().any(holds)
    }

    fn from_fields(fields: Fields) -> Self {
        let fields = match fields {
            Fields::Structured(fields) => fields,
            Fields::Code(code) => return Self { message: code, is_json: true, ..Self::default() },
        };
        let details = fields.details.unwrap_or_default();
        let legacy_reason = fields.errors.unwrap_or_default().into_iter().find_map(|entry| entry.reason);
        Self {
            message: shortened(&scrubbed(&fields.message.unwrap_or_default())),
            status: fields.status,
            reason: details.iter().find_map(error_info_reason).or(legacy_reason),
            retry_after: details.iter().find_map(|detail| parse_seconds(detail.retry_delay.as_deref()?)),
            descriptions: details.iter().flat_map(descriptions).map(|text| shortened(&scrubbed(&text))).collect(),
            is_json: true,
            ..Self::default()
        }
    }
}

fn error_info_reason(detail: &Detail) -> Option<String> {
    let kind = detail.kind.as_deref().unwrap_or_default();
    detail.reason.clone().filter(|_| kind.is_empty() || kind.ends_with("ErrorInfo"))
}

fn descriptions(detail: &Detail) -> Vec<String> {
    let violations = detail.field_violations.iter().flatten().filter_map(|violation| violation.description.clone());
    violations.chain(detail.text.clone()).collect()
}

fn parse_seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.trim().trim_end_matches('s').parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

fn retry_after_header(response: &Response) -> Option<Duration> {
    let text = response.headers.get(http::header::RETRY_AFTER)?.to_str().ok()?;
    parse_seconds(text).or_else(|| {
        let moment = chrono::DateTime::parse_from_rfc2822(text).ok()?;
        moment.signed_duration_since(chrono::Utc::now()).to_std().ok()
    })
}

/// The readable part of a body that is not JSON: an HTML page's title, or its beginning.
fn text_of(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(8 * 1024)]).into_owned();
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|start| {
        let end = lower[start..].find("</title>")?;
        text.get(start + 7..start + end).map(|title| title.trim().to_owned())
    });
    match title {
        Some(title) => format!("an HTML page titled `{}`", shortened(&title)),
        None if lower.trim_start().starts_with('<') => "an HTML page".to_owned(),
        None => shortened(&scrubbed(text.trim())),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Error bodies may echo what was sent; words that look like tokens or signatures are not repeated.
pub(crate) fn scrubbed(text: &str) -> String {
    let secret = |word: &str| {
        let bare = word.trim_matches(|edge: char| !edge.is_ascii_alphanumeric());
        bare.starts_with("ya29.")
            || bare.starts_with("AIza")
            || (bare.starts_with("eyJ") && bare.matches('.').count() == 2)
            || ["X-Goog-Signature=", "access_token=", "Signature=", "upload_id="].iter().any(|mark| word.contains(mark))
    };
    if !text.split_whitespace().any(secret) {
        return text.to_owned();
    }
    text.split(' ').map(|word| if secret(word) { "[removed]" } else { word }).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};

    fn read(status: u16, body: &str) -> ServiceError {
        ServiceError::read(&Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        })
    }

    #[test]
    fn details_give_the_reason_and_the_wait() {
        let error = read(
            429,
            r#"{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED","details":[
                {"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"RATE_LIMIT_EXCEEDED"},
                {"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"51.5s"}]}}"#,
        );
        assert_eq!(error.reason.as_deref(), Some("RATE_LIMIT_EXCEEDED"));
        assert_eq!(error.retry_after, Some(Duration::from_millis(51_500)));
    }

    #[test]
    fn an_html_page_is_named_by_its_title() {
        let error = read(404, "<!DOCTYPE html><html><title>Error 404 (Not Found)!!1</title></html>");
        assert_eq!(error.message, "an HTML page titled `Error 404 (Not Found)!!1`");
        assert!(!error.is_json);
    }

    #[test]
    fn a_streaming_error_is_a_list_of_one() {
        assert_eq!(read(400, r#"[{"error":{"message":"no"}}]"#).message, "no");
    }

    #[test]
    fn an_empty_body_still_says_something() {
        assert_eq!(read(503, "").message, "Service Unavailable");
    }

    #[test]
    fn tokens_echoed_by_a_server_are_not_repeated() {
        let error = read(401, r#"{"error":{"message":"bad token ya29.a0AfH6SECRET in header"}}"#);
        assert_eq!(error.message, "bad token [removed] in header");
    }
}
