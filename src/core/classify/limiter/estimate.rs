//! How many tokens the next request will probably use.

/// A small image, a prompt and a short answer: what is reserved until the first usage comes back.
const FIRST_GUESS: f64 = 2_000.0;

/// Answers after which old ones count no more than new ones.
const MEMORY: f64 = 32.0;

/// Running mean of the tokens of a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Estimate {
    mean: f64,
    seen: f64,
}

impl Estimate {
    /// An estimate that an earlier run made.
    pub(super) fn of(tokens: f64) -> Self {
        Self { mean: tokens, seen: 1.0 }
    }

    /// Tokens of the next request.
    pub(super) fn tokens(&self) -> f64 {
        if self.seen > 0.0 { self.mean.max(1.0) } else { FIRST_GUESS }
    }

    /// Whether any usage has come back.
    pub(super) fn is_known(&self) -> bool {
        self.seen > 0.0
    }

    /// Takes in what a request used.
    pub(super) fn observe(&mut self, tokens: f64) {
        self.seen = (self.seen + 1.0).min(MEMORY);
        self.mean += (tokens - self.mean) / self.seen;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_usage_replaces_the_guess_and_the_mean_follows() {
        let mut estimate = Estimate::default();
        assert!((estimate.tokens() - FIRST_GUESS).abs() < 1e-9 && !estimate.is_known());
        estimate.observe(300.0);
        assert!((estimate.tokens() - 300.0).abs() < 1e-9 && estimate.is_known());
        for _ in 0..200 {
            estimate.observe(900.0);
        }
        assert!((estimate.tokens() - 900.0).abs() < 5.0, "{}", estimate.tokens());
    }
}
