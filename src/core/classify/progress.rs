//! Counters of a run, read at any time without stopping it.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::answers::{Row, Source, Status};

/// Counters that a run adds to.
#[derive(Debug, Default)]
pub(super) struct Progress {
    total: usize,
    done: AtomicUsize,
    ok: AtomicUsize,
    from_store: AtomicUsize,
    in_flight: AtomicUsize,
    concurrency: AtomicUsize,
    throttled: AtomicBool,
    requests: AtomicU64,
    refusals: AtomicU64,
    retries: AtomicU64,
    input_tokens: AtomicU64,
    output_tokens: AtomicU64,
    billionths_of_a_dollar: AtomicU64,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ProgressSnapshot {
    /// Rows in all.
    pub total: usize,
    /// Rows with an outcome.
    pub done: usize,
    /// Rows whose outcome is a good answer.
    pub ok: usize,
    /// Rows whose answer was there before.
    pub from_store: usize,
    /// Requests under way.
    pub in_flight: usize,
    /// Requests that may be under way.
    pub concurrency: usize,
    /// Whether the service's quota sets the pace.
    pub throttled: bool,
    /// Requests sent.
    pub requests: u64,
    /// Requests refused for the quota.
    pub refusals: u64,
    /// Requests sent again after a failure.
    pub retries: u64,
    /// Input tokens so far.
    pub input_tokens: u64,
    /// Output and thinking tokens so far.
    pub output_tokens: u64,
    /// Cost so far at list price, in US dollars.
    pub cost_usd: f64,
}

impl Progress {
    pub(super) fn new(total: usize) -> Self {
        Self { total, ..Self::default() }
    }

    pub(super) fn sent(&self, is_retry: bool) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.retries.fetch_add(u64::from(is_retry), Ordering::Relaxed);
    }

    pub(super) fn returned(&self) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Nothing is under way any more, whatever was dropped.
    pub(super) fn ended(&self) {
        self.in_flight.store(0, Ordering::Relaxed);
    }

    /// A request that was begun was not sent after all.
    pub(super) fn unsent(&self) {
        self.requests.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn limited(&self, concurrency: usize, throttled: bool) {
        self.concurrency.store(concurrency, Ordering::Relaxed);
        self.throttled.store(throttled, Ordering::Relaxed);
    }

    /// A row came with its outcome.
    pub(super) fn carried(&self, row: &Row) {
        self.done.fetch_add(1, Ordering::Relaxed);
        self.ok.fetch_add(usize::from(row.status == Status::Ok), Ordering::Relaxed);
    }

    pub(super) fn finished(&self, row: &Row) {
        self.carried(row);
        self.from_store.fetch_add(usize::from(row.source == Source::Store), Ordering::Relaxed);
        if !row.is_paid_here() {
            return;
        }
        let count = |tokens: Option<i64>| u64::try_from(tokens.unwrap_or(0)).unwrap_or(0);
        self.input_tokens.fetch_add(count(row.usage.input_tokens), Ordering::Relaxed);
        let output = count(row.usage.output_tokens) + count(row.usage.thinking_tokens);
        self.output_tokens.fetch_add(output, Ordering::Relaxed);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cost is a small positive number"
        )]
        let cost = (row.cost_usd.unwrap_or(0.0) * 1.0e9).round() as u64;
        self.billionths_of_a_dollar.fetch_add(cost, Ordering::Relaxed);
    }

    pub(super) fn snapshot(&self) -> ProgressSnapshot {
        #[expect(clippy::cast_precision_loss, reason = "shown to people")]
        let cost_usd = self.billionths_of_a_dollar.load(Ordering::Relaxed) as f64 / 1.0e9;
        ProgressSnapshot {
            total: self.total,
            done: self.done.load(Ordering::Relaxed),
            ok: self.ok.load(Ordering::Relaxed),
            from_store: self.from_store.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            concurrency: self.concurrency.load(Ordering::Relaxed),
            throttled: self.throttled.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            refusals: self.refusals.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            input_tokens: self.input_tokens.load(Ordering::Relaxed),
            output_tokens: self.output_tokens.load(Ordering::Relaxed),
            cost_usd,
        }
    }
}
