//! Gemini's error answers as errors of this crate, by status, reason and message, in that order.

use std::time::Duration;

use crate::envelope::ServiceError;
use crate::error::{Error, ErrorKind, Scope};
use crate::transport::Response;

const SERVICE: &str = "Gemini";

/// Google provisions the agents that read `gs://` images on first use, which takes minutes.
const PROVISIONING: Duration = Duration::from_secs(60);

const IMAGE_PROBLEMS: &[&str] = &[
    "Cannot fetch content",
    "image is not valid",
    "Unable to process input image",
    "Source image",
    "mimeType",
    "mime type",
    "MIME type",
    "input file",
    "Image file not found",
    "Request payload size exceeds",
    "file size limit",
];

/// Reads an error answer.
#[must_use]
pub fn decode(response: &Response) -> Error {
    let said = ServiceError::read(response);
    let error = match said.http_status {
        400 => bad_request(&said),
        401 => run_error(ErrorKind::Authentication, &said),
        403 => forbidden(&said),
        404 => not_found(&said),
        408 | 504 => Error::new(ErrorKind::Timeout, said.message.clone()),
        413 => item_error(ErrorKind::Image, &said),
        429 => Error::new(ErrorKind::Throttled, said.message.clone())
            .with_hint("the quota is shared and per minute: lower `concurrency`, or run again later"),
        499..=599 => Error::new(ErrorKind::Unavailable, said.message.clone()),
        _ => item_error(ErrorKind::InvalidRequest, &said),
    };
    error
        .with_service(SERVICE, said.http_status)
        .with_reason(said.reason.clone().or_else(|| said.status.clone()))
        .with_retry_after(wait(&said))
}

fn bad_request(said: &ServiceError) -> Error {
    if is_provisioning(said) {
        return Error::new(ErrorKind::Unavailable, said.message.clone());
    }
    if said.reason.as_deref() == Some("API_KEY_INVALID") {
        return run_error(ErrorKind::Authentication, said);
    }
    if said.mentions(&["User location is not supported", "not allowed to use Publisher Model"]) {
        return run_error(ErrorKind::PermissionDenied, said);
    }
    if said.mentions(&["too many states for serving", "response_schema", "responseSchema", "response schema"]) {
        return run_error(ErrorKind::Schema, said).with_hint("simplify the schema: fewer enum values, less nesting");
    }
    if said.mentions(IMAGE_PROBLEMS) {
        return item_error(ErrorKind::Image, said);
    }
    if said.mentions(&["token count exceeds"]) {
        return item_error(ErrorKind::InvalidRequest, said);
    }
    if said.mentions(&["Unable to submit request because", "valid role", "Thinking level", "thinking level"]) {
        return run_error(ErrorKind::InvalidRequest, said);
    }
    item_error(ErrorKind::InvalidRequest, said)
}

fn forbidden(said: &ServiceError) -> Error {
    if said.mentions(&["accessing input file", "storage.objects", "Cloud Storage"]) {
        return item_error(ErrorKind::Image, said)
            .with_hint("grant the Vertex AI service agent and yourself `roles/storage.objectViewer` on the bucket");
    }
    let hint = match said.reason.as_deref() {
        Some("SERVICE_DISABLED") => "enable the Vertex AI API (`aiplatform.googleapis.com`) in the project",
        Some("BILLING_DISABLED") => "turn on billing for the project",
        Some("USER_PROJECT_DENIED") => "grant yourself `roles/serviceusage.serviceUsageConsumer` on the quota project",
        _ => "grant yourself `roles/aiplatform.user` on the project",
    };
    // Without a reason the refusal may concern this image's bucket only.
    if said.reason.is_none() && said.message.trim_end_matches('.') == "The caller does not have permission" {
        return item_error(ErrorKind::PermissionDenied, said).with_hint(hint);
    }
    run_error(ErrorKind::PermissionDenied, said).with_hint(hint)
}

fn not_found(said: &ServiceError) -> Error {
    if said.mentions(&["Publisher Model", "PublisherModel", "publishers/", "models/", "Endpoint", "endpoints/"]) {
        return run_error(ErrorKind::ModelUnavailable, said);
    }
    if !said.is_json {
        return run_error(ErrorKind::Configuration, said)
            .with_hint("Vertex AI does not know this address: check `region=` and `endpoint=`");
    }
    if said.mentions(&["cache content"]) {
        return run_error(ErrorKind::NotFound, said);
    }
    item_error(ErrorKind::Image, said).with_hint("the image is gone; snapshots rotate after about 35 days")
}

fn is_provisioning(said: &ServiceError) -> bool {
    said.mentions(&["Service agents are being provisioned"])
}

fn wait(said: &ServiceError) -> Option<Duration> {
    said.retry_after.or_else(|| is_provisioning(said).then_some(PROVISIONING))
}

fn item_error(kind: ErrorKind, said: &ServiceError) -> Error {
    Error::new(kind, said.message.clone())
}

fn run_error(kind: ErrorKind, said: &ServiceError) -> Error {
    item_error(kind, said).with_scope(Scope::Run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, StatusCode};

    #[track_caller]
    fn expect(status: u16, body: &str, kind: ErrorKind, stops: bool, retryable: bool) {
        let error = decode(&Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        });
        assert_eq!((error.kind(), error.stops_the_run(), error.is_retryable()), (kind, stops, retryable), "{body}");
    }

    fn message(text: &str) -> String {
        serde_json::json!({"error": {"message": text}}).to_string()
    }

    #[test]
    fn an_unreadable_image_concerns_its_row_only() {
        expect(400, &message("Provided image is not valid."), ErrorKind::Image, false, false);
        expect(400, &message("Cannot fetch content from the provided URL."), ErrorKind::Image, false, false);
        expect(403, &message("Permission denied while accessing input file."), ErrorKind::Image, false, false);
        expect(404, &message("Image file not found in the storage URL"), ErrorKind::Image, false, false);
    }

    #[test]
    fn what_every_row_would_meet_stops_the_run() {
        expect(404, &message("Publisher Model `projects/p` not found."), ErrorKind::ModelUnavailable, true, false);
        expect(400, &message("Thinking level MINIMAL is not supported"), ErrorKind::InvalidRequest, true, false);
        expect(
            403,
            &message("Permission 'aiplatform.endpoints.predict' denied"),
            ErrorKind::PermissionDenied,
            true,
            false,
        );
        expect(404, "<html><title>Error 404</title></html>", ErrorKind::Configuration, true, false);
        let states = r#"{"error":{"message":"Request contains an invalid argument.","details":[{"fieldViolations":[
            {"description":"The specified schema produces a constraint that has too many states for serving."}]}]}}"#;
        expect(400, states, ErrorKind::Schema, true, false);
    }

    #[test]
    fn transient_answers_are_retryable() {
        expect(429, &message("Resource exhausted."), ErrorKind::Throttled, false, true);
        expect(503, "<html>busy</html>", ErrorKind::Unavailable, false, true);
        expect(499, &message("cancelled"), ErrorKind::Unavailable, false, true);
        expect(400, &message("Service agents are being provisioned"), ErrorKind::Unavailable, false, true);
    }
}
