//! Says when the next request may go: one dispatcher asks, nothing is promised in advance. Pure: time is an argument.

mod concurrency;
mod estimate;
mod history;
mod pace;
mod quota;
#[cfg(test)]
mod simulation;

use std::time::Duration;

pub use concurrency::ConcurrencyRange;

use crate::error::{Error, ErrorKind, Result};
use concurrency::Concurrency;
use estimate::Estimate;
use pace::Meter;
use quota::Quota;

/// Requests a second a new run begins with, for each one that may be under way.
const FIRST_REQUESTS_PER_SECOND: f64 = 5.0;

/// The longest the whole run rests because the service named a time.
const LONGEST_PAUSE: f64 = 60.0;

/// From this refused share on, a named time is taken to concern every request.
const MOSTLY_REFUSED: f64 = 0.4;

/// Seconds after a cut in which the run counts as waiting on the quota.
const WAITING: f64 = 10.0;

/// Seconds of growth one request may stand for, so that a pause is not growth.
const LONGEST_STEP: f64 = 0.25;

/// What the user allows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    /// Requests under way at once.
    pub concurrency: ConcurrencyRange,
    /// Requests a minute, spread evenly.
    pub requests_per_minute: Option<f64>,
    /// Input and output tokens a minute, spread evenly.
    pub tokens_per_minute: Option<f64>,
}

impl Limits {
    /// Refuses limits under which nothing could be sent.
    pub fn check(&self) -> Result<()> {
        self.concurrency.check()?;
        let named = [("requests_per_minute", self.requests_per_minute), ("tokens_per_minute", self.tokens_per_minute)];
        for (name, value) in named {
            if value.is_some_and(|value| !value.is_finite() || value <= 0.0) {
                let value = value.unwrap_or_default();
                return Err(Error::new(ErrorKind::Configuration, format!("`{name}={value}` is not a rate"))
                    .with_hint("pass a number above 0, or leave it out for no limit of your own"));
            }
        }
        Ok(())
    }
}

/// Whether a request may go.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It may go now, and must come back with this.
    Go(Ticket),
    /// Not before this time.
    NotBefore(Duration),
    /// Not before another has come back.
    Full,
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Ticket {
    sent: f64,
    tokens: f64,
}

impl Ticket {
    /// SHIM
    pub(super) fn place(&self) -> usize {
        0
    }
}

/// Concurrency, pace and caps together.
#[derive(Debug)]
pub(super) struct Limiter {
    concurrency: Concurrency,
    estimate: Estimate,
    quota: Quota,
    pace: Meter,
    requests: Option<Meter>,
    tokens: Option<Meter>,
    in_flight: usize,
    paused_until: f64,
    /// Since when the adaptive pace is all that holds requests back.
    held_since: Option<f64>,
}

impl Limiter {
    pub(super) fn new(limits: &Limits) -> Self {
        let estimate = Estimate::default();
        let unit = estimate.tokens();
        #[expect(clippy::cast_precision_loss, reason = "numbers of requests are far below 2^52")]
        let first = FIRST_REQUESTS_PER_SECOND * limits.concurrency.start as f64 * unit;
        // Whoever fixes the concurrency gets it at once; only refusals slow that down.
        let rate = if limits.concurrency.is_fixed() { f64::INFINITY } else { first };
        Self {
            concurrency: Concurrency::new(limits.concurrency),
            estimate,
            quota: Quota::new(rate),
            pace: Meter::adaptive(rate),
            requests: limits.requests_per_minute.map(|rate| Meter::cap(rate / 60.0, 1.0)),
            tokens: limits.tokens_per_minute.map(|rate| Meter::cap(rate / 60.0, unit)),
            in_flight: 0,
            paused_until: 0.0,
            held_since: None,
        }
    }

    /// Whether another request may go at `now`, the time since the run began.
    pub(super) fn ask(&mut self, now: Duration) -> Verdict {
        let now = now.as_secs_f64();
        if !self.concurrency.admits(self.in_flight) {
            self.held_since = None;
            return Verdict::Full;
        }
        let caps = [&self.requests, &self.tokens].into_iter().flatten().map(Meter::ready_at);
        let otherwise = caps.fold(self.paused_until, f64::max);
        let ready = self.pace.ready_at();
        if otherwise > now || ready > now {
            self.held_since = (ready > otherwise).then(|| self.held_since.unwrap_or(now));
            return Verdict::NotBefore(later(otherwise.max(ready), now));
        }
        Verdict::Go(self.send(now))
    }

    fn send(&mut self, now: f64) -> Ticket {
        let tokens = self.estimate.tokens();
        if let Some(since) = self.held_since.take() {
            self.quota.grow(now, (now - since).min(LONGEST_STEP), tokens);
            self.pace.set_rate(self.quota.rate());
        }
        self.pace.reserve(now, tokens);
        for (cap, amount) in [(&mut self.requests, 1.0), (&mut self.tokens, tokens)] {
            if let Some(cap) = cap {
                cap.reserve(now, amount);
            }
        }
        self.quota.sent(now, tokens);
        self.in_flight += 1;
        Ticket { sent: now, tokens }
    }

    /// An answer came back, with the tokens it used where it told them.
    pub(super) fn answered(&mut self, ticket: &Ticket, tokens: Option<f64>) {
        self.returned();
        self.concurrency.answered();
        let Some(used) = tokens else { return };
        self.settle(used - ticket.tokens);
        let before = self.estimate.tokens();
        let was_known = self.estimate.is_known();
        self.estimate.observe(used);
        if let Some(cap) = &mut self.tokens {
            cap.resize(self.estimate.tokens());
        }
        if !was_known {
            // The rate was a guess in requests until now.
            self.quota.rescale(self.estimate.tokens() / before);
            self.pace.set_rate(self.quota.rate());
        }
    }

    /// The service refused it for the quota; it used nothing.
    pub(super) fn throttled(&mut self, ticket: &Ticket, now: Duration, retry_after: Option<Duration>) {
        let now = now.as_secs_f64();
        self.returned();
        if let Some(tokens) = &mut self.tokens {
            tokens.settle(-ticket.tokens);
        }
        let least = self.estimate.tokens();
        if let Some(share) = self.quota.refused(now, ticket.sent, least) {
            self.concurrency.cut(share);
            self.pace.set_rate(self.quota.rate());
            self.pace.forgive(now, least / self.quota.rate());
        }
        if let Some(asked) = retry_after.filter(|_| self.quota.recent_share(ticket.sent) >= MOSTLY_REFUSED) {
            self.paused_until = self.paused_until.max(now + asked.as_secs_f64().min(LONGEST_PAUSE));
        }
    }

    /// It failed for another reason, after it was sent.
    pub(super) fn failed(&mut self, _ticket: &Ticket, _now: Duration, _is_trouble: bool) {
        self.returned();
    }

    /// It was never sent.
    pub(super) fn unsent(&mut self, ticket: &Ticket) {
        self.returned();
        self.settle(-ticket.tokens);
        if let Some(requests) = &mut self.requests {
            requests.settle(-1.0);
        }
        self.quota.unsent(ticket.sent, ticket.tokens);
    }

    /// Requests that may be under way.
    pub(super) fn concurrency(&self) -> usize {
        self.concurrency.limit()
    }

    /// Whether the service's quota, rather than this side, sets the pace.
    pub(super) fn is_waiting_on_quota(&self, now: Duration) -> bool {
        let now = now.as_secs_f64();
        self.paused_until > now || self.quota.last_cut().is_some_and(|cut| now < cut + WAITING)
    }

    /// SHIM
    pub(super) fn set_concurrency(&mut self, range: ConcurrencyRange) {
        self.concurrency = Concurrency::new(range);
    }

    fn settle(&mut self, difference: f64) {
        self.pace.settle(difference);
        if let Some(tokens) = &mut self.tokens {
            tokens.settle(difference);
        }
    }

    fn returned(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }
}

/// A time after `now`, so that nobody asks again without time having passed.
fn later(at: f64, now: f64) -> Duration {
    const LONGEST_WAIT: f64 = 3_600.0;
    Duration::from_secs_f64(at.clamp(now + 1.0e-6, now + LONGEST_WAIT))
}
