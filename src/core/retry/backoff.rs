//! How long to wait before the next attempt.

use std::time::Duration;

/// Exponential backoff with full jitter: a random share of a limit that doubles up to a cap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Limit of the first wait.
    pub first: Duration,
    /// Highest limit.
    pub cap: Duration,
}

impl Default for Backoff {
    /// One second doubling to sixty, as the Gemini and BigQuery clients of Google do.
    fn default() -> Self {
        Self { first: Duration::from_secs(1), cap: Duration::from_secs(60) }
    }
}

impl Backoff {
    /// The wait after `failures` failed attempts; `chance` is a number from 0 up to 1.
    #[must_use]
    pub fn delay(&self, failures: u32, chance: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        let limit = self.first.saturating_mul(1 << doublings).min(self.cap);
        limit.mul_f64(chance.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_doubles_up_to_the_cap() {
        let backoff = Backoff::default();
        let limits: Vec<u64> = [1, 2, 3, 6, 7, 40].map(|failures| backoff.delay(failures, 1.0).as_secs()).to_vec();
        assert_eq!(limits, [1, 2, 4, 32, 60, 60]);
    }

    #[test]
    fn chance_spreads_the_wait_over_the_whole_limit() {
        let backoff = Backoff::default();
        assert_eq!(backoff.delay(3, 0.0), Duration::ZERO);
        assert_eq!(backoff.delay(3, 0.25), Duration::from_secs(1));
    }
}
