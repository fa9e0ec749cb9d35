//! The limiter of one place: its concurrency and its pace. Limits of the whole run are the fleet's.

use std::time::Duration;

use super::concurrency::{Concurrency, as_number};
use super::estimate::Estimate;
use super::pace::Meter;
use super::quota::{Change, Quota};
use super::{ConcurrencyRange, Learned};

/// Requests a second a new run begins with, for each one that may be under way.
const FIRST_REQUESTS_PER_SECOND: f64 = 5.0;

/// The share of a quota found earlier that a run begins with, because it may have shrunk.
const PART_OF_LEARNED: f64 = 0.9;

/// The longest the whole run rests because the service named a time.
const LONGEST_PAUSE: f64 = 60.0;

/// From this refused share on, a named time is taken to concern every request.
const MOSTLY_REFUSED: f64 = 0.4;

/// Seconds after a cut in which the place counts as waiting on the quota.
const WAITING: f64 = 10.0;

/// Seconds of growth one request may stand for, so that a pause is not growth.
const LONGEST_STEP: f64 = 1.0;

/// Whether a place can take another request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Readiness {
    /// It can, with this free share of its concurrency, since this time.
    Ready { room: f64, since: f64 },
    /// Not before this time.
    NotBefore(f64),
    /// Not before another has come back.
    Full,
}

/// A request as the place's accounts know it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Reservation {
    pub(super) sent: f64,
    pub(super) tokens: f64,
}

/// Concurrency and pace of one place.
#[derive(Debug)]
pub(super) struct Limiter {
    concurrency: Concurrency,
    estimate: Estimate,
    quota: Quota,
    pace: Meter,
    in_flight: usize,
    paused_until: f64,
    /// Since when the adaptive pace is all that holds requests back.
    held_since: Option<f64>,
}

impl Limiter {
    pub(super) fn new(range: ConcurrencyRange) -> Self {
        let estimate = Estimate::default();
        // Whoever fixes the concurrency gets it at once; only refusals slow that down.
        let rate = if range.is_fixed() {
            f64::INFINITY
        } else {
            FIRST_REQUESTS_PER_SECOND * as_number(range.start) * estimate.tokens()
        };
        Self::at(range, estimate, Quota::new(rate))
    }

    /// A limiter that knows the quota an earlier run found.
    pub(super) fn starting_from(range: ConcurrencyRange, learned: &Learned) -> Self {
        let mut limiter = Self::new(range);
        if learned.is_usable() {
            let rate = learned.tokens_per_second * PART_OF_LEARNED;
            limiter = Self::at(range, Estimate::of(learned.tokens_per_request), Quota::known(rate));
        }
        limiter
    }

    fn at(range: ConcurrencyRange, estimate: Estimate, quota: Quota) -> Self {
        Self {
            concurrency: Concurrency::new(range),
            estimate,
            pace: Meter::adaptive(quota.rate()),
            quota,
            in_flight: 0,
            paused_until: 0.0,
            held_since: None,
        }
    }

    /// Whether another request may go at `now`, where something else holds it back until `otherwise`.
    pub(super) fn readiness(&mut self, now: f64, otherwise: f64) -> Readiness {
        if !self.concurrency.admits(self.in_flight) {
            self.held_since = None;
            return Readiness::Full;
        }
        let (otherwise, pace) = (self.paused_until.max(otherwise), self.pace.ready_at());
        if otherwise > now || pace > now {
            self.held_since = (pace > otherwise).then(|| self.held_since.unwrap_or(now));
            return Readiness::NotBefore(otherwise.max(pace));
        }
        let limit = as_number(self.concurrency.limit());
        Readiness::Ready { room: 1.0 - as_number(self.in_flight) / limit, since: pace }
    }

    /// Sends a request now, whatever the readiness.
    pub(super) fn send(&mut self, now: f64) -> Reservation {
        let tokens = self.estimate.tokens();
        if let Some(since) = self.held_since.take() {
            self.quota.grow(now, (now - since).min(LONGEST_STEP), tokens);
            self.pace.set_rate(self.quota.rate());
        }
        self.pace.reserve(now, tokens);
        self.quota.sent(now, tokens);
        self.in_flight += 1;
        Reservation { sent: now, tokens }
    }

    /// Another place took the request that this one turned away: no reason to grow.
    pub(super) fn was_relieved(&mut self) {
        self.concurrency.was_relieved();
    }

    /// An answer came back, with the tokens it used where it told them; gives their difference to the reservation.
    pub(super) fn answered(&mut self, reservation: Reservation, tokens: Option<f64>) -> f64 {
        self.returned();
        self.concurrency.answered();
        let Some(used) = tokens.filter(|used| used.is_finite()) else { return 0.0 };
        self.pace.settle(used - reservation.tokens);
        let before = self.estimate.tokens();
        let was_known = self.estimate.is_known();
        self.estimate.observe(used);
        if !was_known {
            // The rate was a guess in requests until now.
            self.quota.rescale(self.estimate.tokens() / before);
            self.pace.set_rate(self.quota.rate());
        }
        used - reservation.tokens
    }

    /// The service refused it for the quota; it used nothing.
    pub(super) fn throttled(&mut self, reservation: Reservation, now: f64, retry_after: Option<Duration>) {
        self.returned();
        let unit = self.estimate.tokens();
        match self.quota.refused(now, reservation.sent, unit, self.concurrency.floor()) {
            Some(Change::Cut(share)) => {
                self.concurrency.cut(share);
                self.pace.set_rate(self.quota.rate());
                self.pace.forgive(now, unit / self.quota.rate());
            }
            Some(Change::Restored) => {
                self.concurrency.restore();
                self.pace.set_rate(self.quota.rate());
                self.pace.forgive(now, unit / self.quota.rate());
            }
            None => {}
        }
        if let Some(asked) = retry_after.filter(|_| self.quota.recent_share(reservation.sent) >= MOSTLY_REFUSED) {
            self.paused_until = self.paused_until.max(now + asked.as_secs_f64().min(LONGEST_PAUSE));
        }
    }

    /// It failed for another reason, after it was sent.
    pub(super) fn failed(&mut self) {
        self.returned();
    }

    /// It was never sent.
    pub(super) fn unsent(&mut self, reservation: Reservation) {
        self.returned();
        self.pace.settle(-reservation.tokens);
        self.quota.unsent(reservation.sent, reservation.tokens);
    }

    /// Changes the bounds while it runs.
    pub(super) fn set_concurrency(&mut self, range: ConcurrencyRange) {
        self.concurrency.set_range(range);
        if range.is_fixed() && self.quota.last_cut().is_none() {
            self.quota.lift();
            self.pace.set_rate(self.quota.rate());
        }
    }

    /// Requests that may be under way.
    pub(super) fn concurrency(&self) -> usize {
        self.concurrency.limit()
    }

    /// Requests under way.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Tokens a second that may be sent; infinite while nothing limits them.
    pub(super) fn rate(&self) -> f64 {
        self.quota.rate()
    }

    /// Tokens the next request will probably use.
    pub(super) fn tokens_per_request(&self) -> f64 {
        self.estimate.tokens()
    }

    /// What is known of the quota, once refusals have shown it.
    pub(super) fn learned(&self) -> Option<Learned> {
        let tokens_per_second = self.quota.found()?;
        self.estimate.is_known().then(|| Learned { tokens_per_second, tokens_per_request: self.estimate.tokens() })
    }

    /// Whether the service's quota, rather than this side, sets the pace.
    pub(super) fn is_waiting_on_quota(&self, now: f64) -> bool {
        self.paused_until > now || self.quota.last_cut().is_some_and(|cut| now < cut + WAITING)
    }

    fn returned(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }
}
