//! Whether a failed attempt may be followed by another.

use std::time::Duration;

use super::Backoff;
use crate::error::{Error, ErrorKind, Result};

/// What takes minutes to pass is asked for again after one, or up to two.
const MINUTES: Duration = Duration::from_secs(60);

/// Limits of one request, all its attempts together. Each attempt has a time limit of its own besides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; those that were only asked to wait do not count.
    pub max_attempts: u32,
    /// Time for all attempts and the waits between them; the only limit of a request that is asked to wait, as by a
    /// steady 429.
    pub deadline: Duration,
    /// Waits between attempts.
    pub backoff: Backoff,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_attempts: 6, deadline: Duration::from_secs(600), backoff: Backoff::default() }
    }
}

impl RetryPolicy {
    /// No second attempt for any reason.
    #[must_use]
    pub fn once() -> Self {
        Self { max_attempts: 1, deadline: Duration::ZERO, ..Self::default() }
    }

    /// These limits where the user sets others for the rows of a run.
    pub fn with_limits(mut self, attempts: Option<u32>, deadline: Option<Duration>) -> Result<Self> {
        if attempts == Some(0) {
            return Err(Error::new(ErrorKind::InvalidInput, "`max_attempts=0` would send nothing")
                .with_hint("pass 1 to send every row once, without another attempt"));
        }
        if deadline.is_some_and(|deadline| deadline.is_zero()) {
            return Err(Error::new(ErrorKind::InvalidInput, "`deadline=0` leaves a row no time")
                .with_hint("pass seconds for all attempts of a row together; 600 is the default"));
        }
        self.max_attempts = attempts.unwrap_or(self.max_attempts);
        self.deadline = deadline.unwrap_or(self.deadline);
        Ok(self)
    }

    /// The wait after `attempts`, of which `spent` count against the limit, or `None` when there shall be no other.
    #[must_use]
    pub fn next_wait(
        &self,
        error: &Error,
        attempts: u32,
        spent: u32,
        elapsed: Duration,
        chance: f64,
    ) -> Option<Duration> {
        let max_attempts = error.attempt_limit().map_or(self.max_attempts, |limit| limit.min(self.max_attempts));
        if !error.is_retryable() || spent >= max_attempts {
            return None;
        }
        let jittered = self.backoff.delay(attempts, chance);
        // A server that names a time knows better than the backoff; the jitter on top keeps a crowd from returning at once.
        let wait = match error.details().retry_after {
            _ if error.takes_minutes() => MINUTES + MINUTES.mul_f64(chance.clamp(0.0, 1.0)),
            Some(asked) => asked + jittered.min(Duration::from_secs(1)),
            None => jittered,
        };
        (elapsed + wait < self.deadline).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(error: &Error, spent: u32, elapsed: u64) -> Option<Duration> {
        RetryPolicy::default().next_wait(error, spent.max(1), spent, Duration::from_secs(elapsed), 0.5)
    }

    #[test]
    fn what_takes_minutes_is_asked_for_again_after_one_to_two_of_them_until_the_deadline() {
        let error = Error::new(ErrorKind::Unavailable, "").with_minutes_to_pass();
        assert_eq!(wait(&error, 0, 0), Some(Duration::from_secs(90)));
        assert_eq!(wait(&error, 0, 500), Some(Duration::from_secs(90)));
        assert_eq!(wait(&error, 0, 511), None);
    }

    #[test]
    fn an_error_that_is_worth_two_attempts_gets_no_third() {
        let error = Error::new(ErrorKind::Image, "").with_attempt_limit(2);
        assert!(wait(&error, 1, 0).is_some());
        assert_eq!(wait(&error, 2, 0), None);
    }

    #[test]
    fn limits_that_nobody_set_stay_and_limits_that_send_nothing_are_refused() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.with_limits(None, None).unwrap(), policy);
        let tight = policy.with_limits(Some(2), Some(Duration::from_secs(30))).unwrap();
        assert_eq!((tight.max_attempts, tight.deadline), (2, Duration::from_secs(30)));
        assert!(policy.with_limits(Some(0), None).is_err());
        assert!(policy.with_limits(None, Some(Duration::ZERO)).is_err());
    }
}
