//! Analytics Hub's error answers as errors of this crate.

use crate::envelope::ServiceError;
use crate::error::{Error, ErrorKind};
use crate::transport::Response;

/// Reads an error answer.
#[must_use]
pub fn decode(response: &Response) -> Error {
    let said = ServiceError::read(response);
    let disabled = said.reason.as_deref() == Some("SERVICE_DISABLED");
    let (kind, hint) = match said.http_status {
        401 => (ErrorKind::Authentication, None),
        403 if disabled => (
            ErrorKind::PermissionDenied,
            Some("enable the Analytics Hub API (`analyticshub.googleapis.com`) in the project"),
        ),
        403 => (
            ErrorKind::PermissionDenied,
            Some("ask the publisher for `roles/analyticshub.subscriber` and grant yourself `roles/bigquery.user`"),
        ),
        404 => (ErrorKind::NotFound, Some("check the customer id, the location, the exchange and the listing")),
        409 => (ErrorKind::AlreadyExists, None),
        408 => (ErrorKind::Timeout, None),
        429 => (ErrorKind::Throttled, None),
        500..=599 => (ErrorKind::Unavailable, None),
        _ => (ErrorKind::InvalidRequest, None),
    };
    let error = Error::new(kind, said.message)
        .with_service("Analytics Hub", said.http_status)
        .with_reason(said.reason.or(said.status))
        .with_retry_after(said.retry_after);
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}
