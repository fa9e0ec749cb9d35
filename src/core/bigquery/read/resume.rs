//! When a stream that broke is opened again, and from which row. Knows no clock and no network.

use std::time::Duration;

use crate::error::{Error, ErrorKind};

/// Limits of one reader, all its streams together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Limits {
    /// Attempts in a row without a single new row.
    pub(super) attempts: u32,
    /// Attempts, where the server has never answered: it may not be there, and there is another way to the rows.
    pub(super) first_attempts: u32,
    /// Time for those.
    pub(super) first_deadline: Duration,
    /// Limit of the first wait, which is random up to it; the next are longer by the factor, up to the cap.
    pub(super) first_wait: Duration,
    /// See `first_wait`.
    pub(super) factor: f64,
    /// See `first_wait`.
    pub(super) cap: Duration,
    /// Time without a new row, from the first failure on.
    pub(super) outage: Duration,
    /// Time for the whole stream.
    pub(super) deadline: Duration,
}

impl Default for Limits {
    /// The waits and the ten attempts are those of Google's Rust client; a session lasts six hours.
    fn default() -> Self {
        Self {
            attempts: 10,
            first_attempts: 3,
            first_deadline: Duration::from_secs(10),
            first_wait: Duration::from_millis(100),
            factor: 1.3,
            cap: Duration::from_secs(60),
            outage: Duration::from_secs(600),
            deadline: Duration::from_secs(6 * 3600),
        }
    }
}

/// How far a reader is, and how its attempts went.
#[derive(Debug, Clone)]
pub(super) struct Resume {
    limits: Limits,
    offset: u64,
    began: Duration,
    was_answered: bool,
    failures: u32,
    failing_since: Option<Duration>,
    has_renewed: bool,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Open the stream again, after a wait.
    Reopen(Duration),
    /// Renew the token, and open the stream again at once.
    Renew,
    /// The failure is the reader's.
    GiveUp,
}

impl Resume {
    pub(super) fn new(offset: u64, now: Duration, limits: Limits) -> Self {
        Self { limits, offset, began: now, was_answered: false, failures: 0, failing_since: None, has_renewed: false }
    }

    /// The row that the next stream begins with.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// How often the stream failed since its last row.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// A response came, with so many rows.
    pub(super) fn received(&mut self, rows: u64) {
        self.was_answered = true;
        if rows > 0 {
            self.offset += rows;
            self.failures = 0;
            self.failing_since = None;
            self.has_renewed = false;
        }
    }

    /// The stream broke, or could not be opened; `chance` is a number from 0 up to 1.
    pub(super) fn failed(&mut self, error: &Error, now: Duration, chance: f64) -> Next {
        // A status of the service, also that of a deadline, has a reason.
        let is_silence = error.details().reason.is_none();
        let is_reached = self.was_answered || !matches!(error.kind(), ErrorKind::Transport | ErrorKind::Timeout);
        let never_reached = !is_reached && is_silence;
        self.was_answered |= !never_reached;
        if error.kind() == ErrorKind::Authentication && !self.has_renewed {
            self.has_renewed = true;
            return Next::Renew;
        }
        // Being asked to wait is no failure: only the deadlines end that.
        let is_waiting = error.kind() == ErrorKind::Throttled;
        self.failures += u32::from(!is_waiting);
        let failing_since = *self.failing_since.get_or_insert(now);
        if !error.is_retryable() {
            return Next::GiveUp;
        }
        let wait = self.wait(error, chance);
        let (attempts, outage) = if never_reached {
            (self.limits.first_attempts, self.limits.first_deadline)
        } else {
            (self.limits.attempts, self.limits.outage)
        };
        let resumes = now + wait;
        let is_late = resumes.saturating_sub(failing_since) > outage
            || resumes.saturating_sub(self.began) > self.limits.deadline
            || (never_reached && now.saturating_sub(self.began) > outage);
        if self.failures >= attempts || is_late { Next::GiveUp } else { Next::Reopen(wait) }
    }

    fn wait(&self, error: &Error, chance: f64) -> Duration {
        let exponent = i32::try_from(self.failures.saturating_sub(1).min(100)).unwrap_or(0);
        let limit = self.limits.first_wait.as_secs_f64() * self.limits.factor.powi(exponent);
        let limit = limit.min(self.limits.cap.as_secs_f64());
        let wait = Duration::from_secs_f64(limit * chance.clamp(0.0, 1.0));
        wait + error.details().retry_after.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn broken() -> Error {
        Error::new(ErrorKind::Unavailable, "")
    }

    fn unreachable() -> Error {
        Error::new(ErrorKind::Transport, "").with_unsent()
    }

    fn throttled(seconds: u64) -> Error {
        Error::new(ErrorKind::Throttled, "").with_retry_after(Some(Duration::from_secs(seconds)))
    }

    fn reader() -> Resume {
        Resume::new(0, Duration::ZERO, Limits::default())
    }

    /// Fails until it is given up, waiting as told; tells the waits.
    fn fail_on(resume: &mut Resume, error: &Error, mut now: Duration, chance: f64) -> Vec<Duration> {
        let mut waits = Vec::new();
        while let Next::Reopen(wait) = resume.failed(error, now, chance) {
            waits.push(wait);
            now += wait;
        }
        waits
    }

    #[test]
    fn a_stream_goes_on_behind_the_last_row() {
        let mut resume = Resume::new(100, Duration::ZERO, Limits::default());
        resume.received(50);
        assert_eq!(resume.failed(&broken(), SECOND, 0.0), Next::Reopen(Duration::ZERO));
        assert_eq!(resume.offset(), 150);
        resume.received(7);
        assert_eq!(resume.offset(), 157);
    }

    #[test]
    fn ten_attempts_without_a_row_are_enough_and_their_waits_grow_by_a_third() {
        let waits = fail_on(&mut reader(), &broken(), Duration::ZERO, 1.0);
        let milliseconds: Vec<u128> = waits.iter().map(Duration::as_millis).collect();
        assert_eq!(milliseconds, [100, 130, 169, 219, 285, 371, 482, 627, 815]);
    }

    #[test]
    fn a_response_without_rows_is_no_progress() {
        let mut resume = reader();
        let mut reopened = 0;
        while let Next::Reopen(_) = resume.failed(&broken(), Duration::ZERO, 0.5) {
            resume.received(0);
            reopened += 1;
        }
        assert_eq!(reopened, 9);
    }

    #[test]
    fn a_row_gives_all_attempts_back() {
        let mut resume = reader();
        for turn in 0..1_000 {
            resume.received(1);
            assert_ne!(resume.failed(&broken(), SECOND * turn, 0.5), Next::GiveUp);
        }
    }

    #[test]
    fn a_server_that_was_never_reached_is_given_up_soon() {
        let waits = fail_on(&mut reader(), &unreachable(), Duration::ZERO, 1.0);
        assert_eq!(waits.len(), 2);
    }

    #[test]
    fn a_server_that_swallows_the_first_connection_is_given_up_at_once() {
        let mut resume = reader();
        assert_eq!(resume.failed(&unreachable(), Duration::from_secs(11), 0.5), Next::GiveUp);
    }

    #[test]
    fn a_server_that_was_there_is_given_the_time_to_come_back() {
        let mut resume = reader();
        resume.received(10);
        assert_eq!(fail_on(&mut resume, &unreachable(), Duration::from_secs(60), 1.0).len(), 9);
    }

    #[test]
    fn a_server_that_answered_with_an_error_was_there() {
        let mut resume = reader();
        resume.failed(&broken(), Duration::ZERO, 0.5);
        assert_eq!(fail_on(&mut resume, &unreachable(), Duration::ZERO, 1.0).len(), 8);
    }

    #[test]
    fn what_comes_again_is_given_up_at_once() {
        for kind in [ErrorKind::PermissionDenied, ErrorKind::NotFound, ErrorKind::InvalidRequest] {
            assert_eq!(reader().failed(&Error::new(kind, ""), Duration::ZERO, 0.5), Next::GiveUp);
        }
    }

    #[test]
    fn being_asked_to_wait_costs_no_attempt_and_ends_with_the_outage() {
        let waits = fail_on(&mut reader(), &throttled(30), Duration::ZERO, 0.0);
        assert_eq!(waits, [Duration::from_secs(30); 20]);
    }

    #[test]
    fn the_token_is_renewed_once_until_the_next_row() {
        let refused = Error::new(ErrorKind::Authentication, "");
        let mut resume = reader();
        assert_eq!(resume.failed(&refused, Duration::ZERO, 0.5), Next::Renew);
        assert_eq!(resume.failed(&refused, Duration::ZERO, 0.5), Next::GiveUp);
        let mut resume = reader();
        resume.failed(&refused, Duration::ZERO, 0.5);
        resume.received(1);
        assert_eq!(resume.failed(&refused, Duration::ZERO, 0.5), Next::Renew);
    }

    #[test]
    fn nothing_is_opened_again_after_the_deadline() {
        let mut resume = reader();
        resume.received(1);
        assert_eq!(resume.failed(&broken(), Duration::from_secs(6 * 3600), 0.5), Next::GiveUp);
    }

    proptest! {
        #[test]
        fn whatever_happens_the_offset_is_the_number_of_rows(
            first in 0_u64..1_000_000,
            events in proptest::collection::vec((0_u8..6, 0_u64..10_000, 0.0_f64..1.0), 0..200),
        ) {
            let mut resume = Resume::new(first, Duration::ZERO, Limits::default());
            let (mut now, mut rows) = (Duration::ZERO, first);
            for (kind, count, chance) in events {
                now += Duration::from_millis(count);
                let error = match kind {
                    0 => unreachable(),
                    1 => broken(),
                    2 => throttled(1),
                    3 => Error::new(ErrorKind::Authentication, ""),
                    _ => {
                        resume.received(count);
                        rows += count;
                        continue;
                    }
                };
                if let Next::Reopen(wait) = resume.failed(&error, now, chance) {
                    prop_assert!(wait <= Duration::from_secs(61));
                    now += wait;
                }
                prop_assert_eq!(resume.offset(), rows);
            }
        }
    }
}
