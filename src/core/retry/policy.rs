//! Whether a failed attempt may be followed by another.

use std::time::Duration;

use super::Backoff;
use crate::error::Error;

/// Limits of one request, all its attempts together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; those that were throttled do not count.
    pub max_attempts: u32,
    /// Time for all attempts and the waits between them.
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
        if !error.is_retryable() || spent >= self.max_attempts {
            return None;
        }
        let jittered = self.backoff.delay(attempts, chance);
        // A server that names a time knows better than the backoff; the jitter on top keeps a crowd from returning at once.
        let wait = match error.details().retry_after {
            Some(asked) => asked + jittered.min(Duration::from_secs(1)),
            None => jittered,
        };
        (elapsed + wait < self.deadline).then_some(wait)
    }
}
