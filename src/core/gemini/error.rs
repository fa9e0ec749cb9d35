//! Gemini's error answers as errors of this crate, by status, reason and message, in that order.

use crate::envelope::ServiceError;
use crate::error::{Error, ErrorKind, Scope};
use crate::transport::Response;

const SERVICE: &str = "Gemini";

/// An image that Google could not fetch for a reason of the moment is worth one more attempt.
const FETCHES: u32 = 2;

const SCHEMA_PROBLEMS: &[&str] = &[
    "too many states for serving",
    "response_schema",
    "responseSchema",
    "response schema",
    "response_json_schema",
    "responseJsonSchema",
    "response_format",
    "responseFormat",
];

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
        .with_retry_after(said.retry_after)
}

fn bad_request(said: &ServiceError) -> Error {
    if is_provisioning(said) {
        return item_error(ErrorKind::Unavailable, said).with_minutes_to_pass();
    }
    if said.reason.as_deref() == Some("API_KEY_INVALID") {
        return run_error(ErrorKind::Authentication, said);
    }
    if said.mentions(&["User location is not supported", "not allowed to use Publisher Model"]) {
        return run_error(ErrorKind::PermissionDenied, said);
    }
    if said.mentions(SCHEMA_PROBLEMS) {
        return run_error(ErrorKind::Schema, said).with_hint("simplify the schema: fewer enum values, less nesting");
    }
    if said.mentions(&["Cannot fetch content"]) && said.mentions(&["URL_ERROR", "URL_TIMEOUT"]) {
        let is_lasting = said.mentions(&["NOT_FOUND"]);
        return item_error(ErrorKind::Image, said).with_attempt_limit(if is_lasting { 1 } else { FETCHES });
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
        return bucket_error(ErrorKind::Image, said)
            .with_hint("grant the Vertex AI service agent and yourself `roles/storage.objectViewer` on the bucket");
    }
    let hint = match said.reason.as_deref() {
        Some("SERVICE_DISABLED") => "enable the Vertex AI API (`aiplatform.googleapis.com`) in the project",
        Some("BILLING_DISABLED") => "turn on billing for the project",
        Some("CONSUMER_INVALID") => "check `project=`: Google does not know it or it is being deleted",
        Some("USER_PROJECT_DENIED") => "grant yourself `roles/serviceusage.serviceUsageConsumer` on the quota project",
        _ => "grant yourself `roles/aiplatform.user` on the project",
    };
    // Without a reason the refusal may concern this image's bucket only.
    if said.reason.is_none() && said.message.trim_end_matches('.') == "The caller does not have permission" {
        return bucket_error(ErrorKind::PermissionDenied, said).with_hint(hint);
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
    if said.reason.as_deref() == Some("NoSuchBucket") || said.mentions(&["bucket does not exist", "NoSuchBucket"]) {
        return bucket_error(ErrorKind::Image, said).with_hint("check the bucket's name in the images' URIs");
    }
    item_error(ErrorKind::Image, said).with_hint("the image is gone; snapshots rotate after about 35 days")
}

fn is_provisioning(said: &ServiceError) -> bool {
    said.mentions(&["Service agents are being provisioned"])
}

fn item_error(kind: ErrorKind, said: &ServiceError) -> Error {
    Error::new(kind, said.message.clone())
}

fn bucket_error(kind: ErrorKind, said: &ServiceError) -> Error {
    item_error(kind, said).with_scope(Scope::Bucket)
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

    fn decoded(status: u16, text: &str) -> Error {
        decode(&Response {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: message(text).into(),
        })
    }

    #[test]
    fn a_refusal_to_read_an_image_may_concern_its_whole_bucket() {
        let refusals = [
            (403, "Permission denied while accessing input file. Learn more about it"),
            (403, "The caller does not have permission"),
            (403, "service-1@gcp-sa-aiplatform.iam.gserviceaccount.com does not have storage.objects.get access"),
            (404, "The specified bucket does not exist."),
        ];
        for (status, text) in refusals {
            let error = decoded(status, text);
            assert_eq!((error.scope(), error.is_retryable()), (Scope::Bucket, false), "{text}");
        }
        assert_eq!(decoded(404, "Image file not found in the storage URL").scope(), Scope::Request);
        assert_eq!(decoded(400, "Provided image is not valid.").scope(), Scope::Request);
    }

    #[test]
    fn service_agents_being_set_up_take_minutes_and_other_preconditions_do_not_pass() {
        let error = decoded(400, "Service agents are being provisioned (https://cloud.google.com). Please try again.");
        assert!(error.takes_minutes() && error.is_retryable() && !error.costs_an_attempt());
        for text in
            ["User location is not supported for the API use.", "Project `1` is not allowed to use Publisher Model"]
        {
            let error = decoded(400, text);
            assert!(!error.takes_minutes() && error.stops_the_run(), "{text}");
        }
        assert!(!decoded(503, "The service is currently unavailable.").takes_minutes());
    }

    #[test]
    fn an_image_that_could_not_be_fetched_is_tried_twice_unless_that_is_final() {
        let limit = |status: &str| {
            let error = decoded(400, &format!("Cannot fetch content from the provided URL. Status: {status}"));
            assert_eq!(error.kind(), ErrorKind::Image);
            (error.is_retryable(), error.attempt_limit())
        };
        assert_eq!(limit("URL_ERROR-ERROR_OTHER"), (true, Some(2)));
        assert_eq!(limit("URL_ERROR-ERROR_NOT_FOUND"), (false, Some(1)));
        assert_eq!(limit("URL_ROBOTED-ROBOTED_DENIED"), (false, None));
        assert_eq!(limit("URL_REJECTED"), (false, None));
    }

    #[test]
    fn what_is_wrong_with_the_settings_stops_the_run() {
        let settings = [
            (
                400,
                "Unable to submit request because it has a temperature value of 1000 but the supported range is 0 to 2",
            ),
            (400, "Please use a valid role: user, model."),
            (401, "Request had invalid authentication credentials."),
            (403, "Vertex AI API has not been used in project 1 before or it is disabled."),
            (403, "This API method requires billing to be enabled."),
            (404, "Publisher Model `projects/p` was not found or your project does not have access to it."),
        ];
        for (status, text) in settings {
            assert_eq!(decoded(status, text).scope(), Scope::Run, "{text}");
        }
        for text in
            ["Resource exhausted.", "Unable to submit request because the service is temporarily out of capacity."]
        {
            assert_eq!((decoded(429, text).scope(), decoded(429, text).kind()), (Scope::Request, ErrorKind::Throttled));
        }
    }
}
