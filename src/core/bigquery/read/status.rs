//! gRPC statuses as errors of this crate.
//!
//! The codes are those of `google/rpc/code.proto`. Which of them are worth another attempt follows Google's clients:
//! `UNAVAILABLE`, `UNKNOWN` and `INTERNAL` for a reset stream in Python, and `ABORTED`, `CANCELLED`, `DEADLINE_EXCEEDED`
//! in Rust; `RESOURCE_EXHAUSTED` only where the service says when (`google.rpc.RetryInfo`), as otherwise a quota is used up.

use prost::Message as _;
use std::time::Duration;
use tonic::{Code, Status};

use super::wire::{ErrorInfo, RetryInfo, RpcStatus};
use crate::envelope::scrubbed;
use crate::error::{Error, ErrorKind};

/// Longest message of a service that is shown.
const SHOWN: usize = 600;

/// The error that a status is; `doing` says for what it came, as in `reading the stream x`.
pub(super) fn error(status: &Status, doing: &str) -> Error {
    if let Some(error) = carried(status) {
        return error.without_source().with_context(doing);
    }
    let details = Details::read(status.details());
    let said = scrubbed(&status.message().chars().take(SHOWN).collect::<String>());
    let said = if said.is_empty() { "the service gave no explanation".to_owned() } else { said };
    let (kind, retryable) = kind(status, &details);
    let reason = details.reason.unwrap_or_else(|| name(status.code()).to_owned());
    let error =
        Error::new(kind, format!("{doing}: {said}")).with_retryable(retryable).with_retry_after(details.retry_after);
    match hint(status.code(), &reason) {
        Some(hint) => error.with_hint(hint).with_reason(Some(reason)),
        None => error.with_reason(Some(reason)),
    }
}

/// The error of the transport that tonic wrapped into a status.
fn carried(status: &Status) -> Option<&Error> {
    let mut cause = std::error::Error::source(status);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<Error>() {
            return Some(error);
        }
        cause = error.source();
    }
    None
}

fn kind(status: &Status, details: &Details) -> (ErrorKind, bool) {
    match status.code() {
        Code::Unauthenticated => (ErrorKind::Authentication, false),
        Code::PermissionDenied => (ErrorKind::PermissionDenied, false),
        Code::NotFound => (ErrorKind::NotFound, false),
        Code::AlreadyExists => (ErrorKind::AlreadyExists, false),
        Code::ResourceExhausted => (ErrorKind::Throttled, details.retry_after.is_some()),
        Code::Unavailable | Code::Unknown | Code::Aborted | Code::Cancelled => (ErrorKind::Unavailable, true),
        Code::DeadlineExceeded => (ErrorKind::Timeout, true),
        // Python looks for the same word: other internal errors come again.
        Code::Internal => (ErrorKind::Unavailable, status.message().contains("RST_STREAM")),
        Code::DataLoss => (ErrorKind::Unavailable, false),
        Code::Ok | Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange | Code::Unimplemented => {
            (ErrorKind::InvalidRequest, false)
        }
    }
}

fn hint(code: Code, reason: &str) -> Option<&'static str> {
    match (code, reason) {
        (Code::PermissionDenied, "SERVICE_DISABLED") => {
            Some("enable the BigQuery Storage API (`bigquerystorage.googleapis.com`) in the project")
        }
        (Code::PermissionDenied, _) => Some(
            "grant yourself `roles/bigquery.readSessionUser` on the project and `roles/bigquery.dataViewer` on the data \
             set, or pass `transport=\"rest\"`",
        ),
        (Code::NotFound, _) => Some("read sessions last six hours and results of queries a day; run the query again"),
        (Code::ResourceExhausted, _) => Some("the project's quota is used up; see the quotas page of the console"),
        (Code::Unimplemented, _) => Some("pass `transport=\"rest\"` for a server without the Storage Read API"),
        _ => None,
    }
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// What the details of a status say; those that cannot be read say nothing.
#[derive(Debug, Default, PartialEq, Eq)]
struct Details {
    reason: Option<String>,
    retry_after: Option<Duration>,
}

impl Details {
    fn read(bytes: &[u8]) -> Self {
        let mut read = Self::default();
        for detail in RpcStatus::decode(bytes).map(|status| status.details).unwrap_or_default() {
            match detail.type_url.rsplit('/').next() {
                Some("google.rpc.ErrorInfo") => {
                    let reason = ErrorInfo::decode(detail.value).map(|info| info.reason).unwrap_or_default();
                    read.reason = Some(reason).filter(|reason| !reason.is_empty()).or(read.reason);
                }
                Some("google.rpc.RetryInfo") => {
                    let delay = RetryInfo::decode(detail.value).ok().map(|info| info.retry_delay.unwrap_or_default());
                    read.retry_after = delay.map(|delay| {
                        let seconds = Duration::from_secs(u64::try_from(delay.seconds).unwrap_or(0));
                        seconds.saturating_add(Duration::from_nanos(u64::try_from(delay.nanos).unwrap_or(0)))
                    });
                }
                _ => {}
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Any, Delay};
    use super::*;
    use bytes::Bytes;

    fn detailed(code: Code, details: &[(&str, Vec<u8>)]) -> Error {
        let details = details
            .iter()
            .map(|(kind, value)| Any {
                type_url: format!("type.googleapis.com/google.rpc.{kind}"),
                value: Bytes::from(value.clone()),
            })
            .collect();
        let details = RpcStatus { details }.encode_to_vec();
        error(&Status::with_details(code, "said", Bytes::from(details)), "reading the stream `s`")
    }

    #[test]
    fn a_service_that_is_switched_off_is_told_from_a_missing_role() {
        let off = detailed(
            Code::PermissionDenied,
            &[("ErrorInfo", ErrorInfo { reason: "SERVICE_DISABLED".into() }.encode_to_vec())],
        );
        assert_eq!(off.kind(), ErrorKind::PermissionDenied);
        assert_eq!(off.details().reason.as_deref(), Some("SERVICE_DISABLED"));
        assert!(off.details().hint.as_deref().is_some_and(|hint| hint.starts_with("enable")));
        let role = detailed(Code::PermissionDenied, &[]);
        assert!(role.details().hint.as_deref().is_some_and(|hint| hint.contains("readSessionUser")));
    }

    #[test]
    fn a_full_quota_is_waited_for_only_where_the_service_says_how_long() {
        let delay = Delay { seconds: 2, nanos: 500_000_000 };
        let info = RetryInfo { retry_delay: Some(delay) }.encode_to_vec();
        let waiting = detailed(Code::ResourceExhausted, &[("RetryInfo", info)]);
        assert!(waiting.is_retryable());
        assert_eq!(waiting.details().retry_after, Some(Duration::from_millis(2500)));
        assert!(!detailed(Code::ResourceExhausted, &[]).is_retryable());
    }

    #[test]
    fn an_internal_error_is_worth_another_attempt_where_the_stream_was_reset() {
        let reset = error(&Status::internal("Received RST_STREAM with error code 2"), "reading");
        assert!(reset.is_retryable());
        assert!(!error(&Status::internal("a bug"), "reading").is_retryable());
    }

    #[test]
    fn details_that_cannot_be_read_do_not_hide_the_error() {
        let status = Status::with_details(Code::NotFound, "no such stream", Bytes::from_static(b"\xFF\xFF\xFF"));
        let error = error(&status, "reading the stream `s`");
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.message(), "reading the stream `s`: no such stream");
    }

    #[test]
    fn an_error_of_the_transport_is_itself_again() {
        let cause = Error::new(ErrorKind::Transport, "the connection broke").with_unsent();
        let error = error(&Status::from_error(cause.into()), "reading the stream `s`");
        assert_eq!(error.message(), "reading the stream `s`: the connection broke");
        assert!(error.is_unsent() && error.is_retryable());
    }

    #[test]
    fn a_token_that_a_service_repeats_is_not_shown() {
        let error = error(&Status::unauthenticated("bad token ya29.canary"), "reading");
        assert_eq!(error.message(), "reading: bad token [removed]");
    }
}
