//! The one error of the core: what happened, to which thing, what to do, and whether trying again can help.

use std::fmt;
use std::time::Duration;

/// Result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong. Matched without a wildcard in the bindings, so that a new kind forces a decision there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// A setting is missing, malformed or contradictory.
    Configuration,
    /// An argument or an input table cannot be used.
    InvalidInput,
    /// A `gs://` URI is malformed.
    InvalidUri,
    /// No valid credentials.
    Authentication,
    /// The credentials are valid and not allowed to do this.
    PermissionDenied,
    /// The named resource does not exist.
    NotFound,
    /// A resource with the same name and another meaning exists.
    AlreadyExists,
    /// An image cannot be read.
    Image,
    /// BigQuery refused or failed a query.
    Query,
    /// A response schema cannot be served or an answer cannot be described by it.
    Schema,
    /// The model is retired, unknown, or not served where it was asked for.
    ModelUnavailable,
    /// The service refused the request for its form.
    InvalidRequest,
    /// The service asked to slow down.
    Throttled,
    /// The service failed (5xx).
    Unavailable,
    /// The connection failed or broke.
    Transport,
    /// No answer in time.
    Timeout,
    /// An answer that cannot be understood.
    MalformedResponse,
    /// A larger share of a run's rows failed than the user accepts.
    TooManyErrors,
    /// What the user is ready to pay does not suffice.
    BudgetExceeded,
    /// The file of paid answers cannot be read or written.
    Store,
    /// The work was cancelled.
    Cancelled,
    /// A defect of streetlens.
    Internal,
}

/// How far an error reaches within a run over many images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// Only the request that met it.
    #[default]
    Request,
    /// Every request for an image of the same bucket would likely meet it.
    Bucket,
    /// Every request of the run would meet it.
    Run,
}

/// An error with everything a message needs.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    scope: Scope,
    retryable: bool,
    takes_minutes: bool,
    is_unsent: bool,
    attempt_limit: Option<u32>,
    details: Box<Details>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What the service said about an error, where it said it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Details {
    /// What to do about it.
    pub hint: Option<String>,
    /// The service that answered, for example BigQuery.
    pub service: Option<&'static str>,
    /// HTTP status code.
    pub status: Option<u16>,
    /// The service's own reason, for example `invalidQuery` or `RESOURCE_EXHAUSTED`.
    pub reason: Option<String>,
    /// BigQuery location of the job.
    pub location: Option<String>,
    /// BigQuery job id.
    pub job_id: Option<String>,
    /// How long the service asked to wait before the next attempt.
    pub retry_after: Option<Duration>,
    /// How often the request was sent.
    pub attempts: u32,
}

impl Error {
    /// An error of this kind; whether it is retryable follows from the kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let retryable = matches!(
            kind,
            ErrorKind::Throttled
                | ErrorKind::Unavailable
                | ErrorKind::Transport
                | ErrorKind::Timeout
                | ErrorKind::MalformedResponse
        );
        Self {
            kind,
            message: message.into(),
            scope: Scope::Request,
            retryable,
            takes_minutes: false,
            is_unsent: false,
            attempt_limit: None,
            details: Box::default(),
            source: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.details.hint = Some(hint.into());
        self
    }

    /// Overrides whether trying again can help.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.retryable = retryable;
        self
    }

    /// Says that the obstacle goes away by itself, though not before some minutes have passed.
    #[must_use]
    pub fn with_minutes_to_pass(mut self) -> Self {
        self.retryable = true;
        self.takes_minutes = true;
        self
    }

    /// Says that the service was not reached, so that nothing of the request depended on what it asked.
    #[must_use]
    pub fn with_unsent(mut self) -> Self {
        self.is_unsent = true;
        self
    }

    /// Allows this error that many attempts in all, where the policy allows more.
    #[must_use]
    pub fn with_attempt_limit(mut self, attempts: u32) -> Self {
        self.retryable = attempts > 1;
        self.attempt_limit = Some(attempts);
        self
    }

    /// Puts what the error means for a larger whole before what the service said.
    #[must_use]
    pub fn with_context(mut self, context: &str) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// Says how far the error reaches.
    #[must_use]
    pub fn with_scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// Names the service that answered, with its HTTP status.
    #[must_use]
    pub fn with_service(mut self, service: &'static str, status: u16) -> Self {
        self.details.service = Some(service);
        self.details.status = Some(status);
        self
    }

    /// Adds the service's own reason.
    #[must_use]
    pub fn with_reason(mut self, reason: Option<String>) -> Self {
        self.details.reason = reason;
        self
    }

    /// Adds the job and location a BigQuery error belongs to.
    #[must_use]
    pub fn with_job(mut self, job_id: Option<String>, location: Option<String>) -> Self {
        if job_id.is_some() {
            self.details.job_id = job_id;
        }
        if location.is_some() {
            self.details.location = location;
        }
        self
    }

    /// Adds how long the service asked to wait.
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.details.retry_after = retry_after;
        self
    }

    /// Records how often the request was sent.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.details.attempts = attempts;
        self
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error for a second reader; the cause stays with the first.
    #[must_use]
    pub fn without_source(&self) -> Self {
        Self {
            kind: self.kind,
            message: self.message.clone(),
            scope: self.scope,
            retryable: self.retryable,
            takes_minutes: self.takes_minutes,
            is_unsent: self.is_unsent,
            attempt_limit: self.attempt_limit,
            details: self.details.clone(),
            source: None,
        }
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message without the hint.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the service said.
    #[must_use]
    pub fn details(&self) -> &Details {
        &self.details
    }

    /// Whether sending the same request again can help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// Whether every request of the run would meet this error.
    #[must_use]
    pub fn stops_the_run(&self) -> bool {
        self.scope == Scope::Run
    }

    /// How far the error reaches within a run.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Whether the obstacle goes away by itself after some minutes, so that quick attempts are in vain.
    #[must_use]
    pub fn takes_minutes(&self) -> bool {
        self.takes_minutes
    }

    /// Whether the service was not reached.
    #[must_use]
    pub fn is_unsent(&self) -> bool {
        self.is_unsent
    }

    /// How many attempts this error is worth, where that is fewer than the policy allows.
    #[must_use]
    pub fn attempt_limit(&self) -> Option<u32> {
        self.attempt_limit
    }

    /// Whether the attempt that met this error is one of those a request has: being asked to wait is no failure of it.
    #[must_use]
    pub fn costs_an_attempt(&self) -> bool {
        self.kind != ErrorKind::Throttled && !self.takes_minutes
    }

    /// Takes out the error that caused this one, for a binding that can raise the original.
    pub fn take_source(&mut self) -> Option<Box<dyn std::error::Error + Send + Sync>> {
        self.source.take()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        let details = &self.details;
        let mut facts = Vec::new();
        if let Some(status) = details.status {
            facts.push(format!("{} {status}", details.service.unwrap_or("HTTP")));
        }
        for (name, value) in [("reason", &details.reason), ("location", &details.location), ("job", &details.job_id)] {
            if let Some(value) = value {
                facts.push(format!("{name} `{value}`"));
            }
        }
        if details.attempts > 1 {
            facts.push(format!("{} attempts", details.attempts));
        }
        if !facts.is_empty() {
            write!(formatter, " ({})", facts.join(", "))?;
        }
        if let Some(hint) = &details.hint {
            write!(formatter, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_the_facts_and_then_the_hint() {
        let error = Error::new(ErrorKind::Query, "Syntax error at [1:8]")
            .with_service("BigQuery", 400)
            .with_reason(Some("invalidQuery".into()))
            .with_job(Some("job_1".into()), Some("US".into()))
            .with_hint("check the SQL");
        assert_eq!(
            error.to_string(),
            "Syntax error at [1:8] (BigQuery 400, reason `invalidQuery`, location `US`, job `job_1`)\nhint: check the SQL"
        );
    }

    #[test]
    fn only_transient_kinds_are_retryable_by_default() {
        assert!(Error::new(ErrorKind::Throttled, "").is_retryable());
        assert!(!Error::new(ErrorKind::PermissionDenied, "").is_retryable());
    }

    #[test]
    fn being_asked_to_wait_costs_no_attempt() {
        assert!(!Error::new(ErrorKind::Throttled, "").costs_an_attempt());
        assert!(!Error::new(ErrorKind::Unavailable, "").with_minutes_to_pass().costs_an_attempt());
        assert!(Error::new(ErrorKind::Unavailable, "").costs_an_attempt());
    }

    #[test]
    fn a_copy_for_a_second_reader_reaches_as_far_and_is_as_retryable() {
        let error = Error::new(ErrorKind::Image, "gone")
            .with_scope(Scope::Bucket)
            .with_attempt_limit(2)
            .with_unsent()
            .with_minutes_to_pass()
            .with_source(std::io::Error::other("cause"));
        let copy = error.without_source();
        assert_eq!((copy.scope(), copy.attempt_limit()), (Scope::Bucket, Some(2)));
        assert!(copy.is_unsent() && copy.takes_minutes() && copy.is_retryable());
        assert!(std::error::Error::source(&copy).is_none());
    }
}
