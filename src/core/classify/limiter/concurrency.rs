//! How many requests may be under way at once: grows while it is what holds requests back, shrinks by the refused share.

use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

/// The most requests a second that are sent however many of them are refused, up to half.
const MOST_FLOOR: usize = 4;

/// Bounds of the requests under way at once, and where to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConcurrencyRange {
    /// Never fewer.
    pub min: usize,
    /// At the beginning.
    pub start: usize,
    /// Never more.
    pub max: usize,
}

impl ConcurrencyRange {
    /// Always as many.
    #[must_use]
    pub fn fixed(requests: usize) -> Self {
        Self { min: requests, start: requests, max: requests }
    }

    /// Whether it cannot change.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.min == self.max
    }

    /// Refuses bounds that are zero or out of order.
    pub fn check(&self) -> Result<()> {
        let ordered = 1 <= self.min && self.min <= self.start && self.start <= self.max;
        if ordered { Ok(()) } else { Err(malformed(&format!("{}-{}-{}", self.min, self.start, self.max))) }
    }
}

impl Default for ConcurrencyRange {
    fn default() -> Self {
        Self { min: 4, start: 20, max: 200 }
    }
}

impl FromStr for ConcurrencyRange {
    type Err = Error;

    /// Reads `"32"` or `"4-20-200"`: the least, the first, the most.
    fn from_str(text: &str) -> Result<Self> {
        let numbers: Option<Vec<usize>> = text.split('-').map(|part| part.trim().parse().ok()).collect();
        let range = match numbers.as_deref() {
            Some(&[fixed]) => Self::fixed(fixed),
            Some(&[min, start, max]) => Self { min, start, max },
            _ => return Err(malformed(text)),
        };
        range.check().map_err(|_| malformed(text))?;
        Ok(range)
    }
}

fn malformed(text: &str) -> Error {
    Error::new(ErrorKind::Configuration, format!("`concurrency={text}` is not a number of requests or a range of them"))
        .with_hint("pass a number from 1, or `least-first-most` as in \"4-20-200\"")
}

/// The limit in force.
#[derive(Debug, Clone)]
pub(super) struct Concurrency {
    range: ConcurrencyRange,
    limit: f64,
    is_full: bool,
    was_cut: bool,
    /// The limit before the last cut, and whether there had been one before.
    before_cut: (f64, bool),
}

impl Concurrency {
    pub(super) fn new(range: ConcurrencyRange) -> Self {
        let limit = as_number(range.start);
        Self { range, limit, is_full: false, was_cut: false, before_cut: (limit, false) }
    }

    /// Requests that may be under way.
    pub(super) fn limit(&self) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between the bounds of the range")]
        let whole = self.limit as usize;
        whole.clamp(self.range.min, self.range.max)
    }

    /// Whether another request fits; remembers that one was turned away, which is what allows growth.
    pub(super) fn admits(&mut self, in_flight: usize) -> bool {
        self.is_full = in_flight >= self.limit();
        !self.is_full
    }

    /// Grows by one for each answer at first, later by one for four: the pace guards the quota, not this.
    pub(super) fn answered(&mut self) {
        if self.is_full {
            self.limit += if self.was_cut { 0.25 } else { 1.0 };
            self.limit = self.limit.min(as_number(self.range.max));
        }
    }

    /// Shrinks by the share of requests that were refused.
    pub(super) fn cut(&mut self, share: f64) {
        self.before_cut = (self.limit, self.was_cut);
        self.was_cut = true;
        self.limit = (self.limit * (1.0 - share)).max(as_number(self.range.min));
    }

    /// Takes the last cut back, which turned out to have no reason.
    pub(super) fn restore(&mut self) {
        let (limit, was_cut) = self.before_cut;
        self.limit = self.limit.max(limit).clamp(as_number(self.range.min), as_number(self.range.max));
        self.was_cut = was_cut;
    }

    /// Another took the request that was turned away, so that this is no bottleneck.
    pub(super) fn was_relieved(&mut self) {
        self.is_full = false;
    }

    /// Changes the bounds; the limit moves no further than they demand.
    pub(super) fn set_range(&mut self, range: ConcurrencyRange) {
        self.range = range;
        self.limit = self.limit.clamp(as_number(range.min), as_number(range.max));
        self.before_cut.0 = self.limit;
    }

    /// Requests a second below which only a service that refuses most of them can press the rate: as many as may
    /// always be under way, should each take a second, but few enough not to be a load.
    pub(super) fn floor(&self) -> f64 {
        as_number(self.range.min.min(MOST_FLOOR))
    }
}

/// A number of requests to calculate with.
#[expect(clippy::cast_precision_loss, reason = "numbers of requests are far below 2^52")]
pub(super) fn as_number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_three_numbers_in_order_or_one() {
        let range = |text: &str| text.parse::<ConcurrencyRange>();
        assert_eq!(range("4-20-200").unwrap(), ConcurrencyRange::default());
        assert_eq!(range("32").unwrap(), ConcurrencyRange::fixed(32));
        for wrong in ["", "0", "-3", "4-20", "20-4-200", "4-20-10", "a-b-c", "1-2-3-4", "1.5", "0-1-2"] {
            let error = range(wrong).unwrap_err();
            assert!(error.message().contains(&format!("`concurrency={wrong}`")), "{error}");
        }
    }

    #[test]
    fn it_grows_only_while_it_turns_requests_away() {
        let mut concurrency = Concurrency::new(ConcurrencyRange::default());
        assert!(concurrency.admits(19));
        concurrency.answered();
        assert_eq!(concurrency.limit(), 20);
        assert!(!concurrency.admits(20));
        concurrency.answered();
        assert_eq!(concurrency.limit(), 21);
    }

    #[test]
    fn a_cut_is_as_deep_as_the_refused_share_and_stays_in_the_range() {
        let mut concurrency = Concurrency::new(ConcurrencyRange { min: 4, start: 100, max: 200 });
        concurrency.cut(0.01);
        assert_eq!(concurrency.limit(), 99);
        concurrency.cut(1.0);
        assert_eq!(concurrency.limit(), 4);
    }

    #[test]
    fn a_fixed_number_never_changes() {
        let mut concurrency = Concurrency::new(ConcurrencyRange::fixed(8));
        concurrency.cut(0.5);
        assert!(!concurrency.admits(8));
        concurrency.answered();
        assert_eq!(concurrency.limit(), 8);
    }
}
