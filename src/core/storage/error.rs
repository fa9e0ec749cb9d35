//! Cloud Storage's error answers as errors of this crate.

use crate::envelope::ServiceError;
use crate::error::{Error, ErrorKind, Scope};
use crate::transport::Response;

/// Reads an error answer.
#[must_use]
pub fn decode(response: &Response) -> Error {
    let said = ServiceError::read(response);
    let kind = match said.http_status {
        401 => ErrorKind::Authentication,
        403 => ErrorKind::PermissionDenied,
        404 => ErrorKind::Image,
        408 => ErrorKind::Timeout,
        429 => ErrorKind::Throttled,
        500..=599 => ErrorKind::Unavailable,
        _ => ErrorKind::InvalidRequest,
    };
    // A bucket that is closed or missing refuses all of its objects alike.
    let is_bucket = said.http_status == 403 || (said.http_status == 404 && said.mentions(&["bucket does not exist"]));
    let scope = if is_bucket { Scope::Bucket } else { Scope::Request };
    Error::new(kind, said.message)
        .with_scope(scope)
        .with_service("Cloud Storage", said.http_status)
        .with_reason(said.reason)
        .with_retry_after(said.retry_after)
}
