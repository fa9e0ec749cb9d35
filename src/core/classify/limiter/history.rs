//! What was sent and refused lately, by the time of sending: refusals come back sooner than answers, so that counting by
//! the time of return would see more refusals than there are.

const SECONDS_PER_BIN: f64 = 0.025;
const BINS: usize = 1_024;

/// A ring of short bins, 25.6 seconds in all.
#[derive(Debug, Clone)]
pub(super) struct History {
    bins: Vec<Bin>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    number: u64,
    sent: f64,
    refused: f64,
    tokens: f64,
    rate: f64,
}

/// Counts of a span of time.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) sent: f64,
    pub(super) refused: f64,
    pub(super) tokens: f64,
    pub(super) seconds: f64,
}

impl History {
    pub(super) fn new() -> Self {
        Self { bins: vec![Bin::default(); BINS] }
    }

    /// A request is sent while the pace allows `rate`.
    pub(super) fn sent(&mut self, now: f64, tokens: f64, rate: f64) {
        let bin = self.bin(number(now));
        bin.sent += 1.0;
        bin.tokens += tokens;
        bin.rate = rate;
    }

    /// Takes back what was never sent after all.
    pub(super) fn unsent(&mut self, at: f64, tokens: f64) {
        let bin = self.bin(number(at));
        bin.sent = (bin.sent - 1.0).max(0.0);
        bin.tokens = (bin.tokens - tokens).max(0.0);
    }

    /// A refusal of what was sent at `at`.
    pub(super) fn refused(&mut self, at: f64) {
        self.bin(number(at)).refused += 1.0;
    }

    /// What was sent in the time before `to`: as far back as holds `enough` requests, but not before `from`.
    pub(super) fn before(&self, to: f64, from: f64, enough: f64) -> Counts {
        let mut counts = Counts::default();
        let (last, first) = (number(to), number(from.max(0.0)));
        for number in (first..=last).rev().take(BINS - 1) {
            let bin = &self.bins[position(number)];
            if bin.number == number {
                counts.sent += bin.sent;
                counts.refused += bin.refused;
                counts.tokens += bin.tokens;
            }
            counts.seconds += SECONDS_PER_BIN;
            if counts.sent >= enough {
                break;
            }
        }
        counts
    }

    /// The rate at which the request sent at `at` went.
    pub(super) fn rate_at(&self, at: f64) -> Option<f64> {
        let bin = &self.bins[position(number(at))];
        (bin.number == number(at) && bin.sent > 0.0).then_some(bin.rate)
    }

    fn bin(&mut self, number: u64) -> &mut Bin {
        let bin = &mut self.bins[position(number)];
        if bin.number < number {
            *bin = Bin { number, ..Bin::default() };
        }
        bin
    }
}

impl Counts {
    /// The share refused.
    pub(super) fn refused_share(&self) -> f64 {
        self.refused / self.sent.max(1.0)
    }

    /// The share refused, as if some more had been served: two refusals side by side may be chance.
    pub(super) fn cautious_share(&self) -> f64 {
        (self.refused - 1.0).max(0.0) / (self.sent + 2.0)
    }

    /// The share refused, of which one is put down to chance.
    pub(super) fn share(&self) -> f64 {
        (self.refused - 1.0).max(0.0) / (self.sent - 1.0).max(1.0)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a run")]
fn number(at: f64) -> u64 {
    (at / SECONDS_PER_BIN) as u64
}

#[expect(clippy::cast_possible_truncation, reason = "less than the number of bins")]
fn position(number: u64) -> usize {
    (number % BINS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_count_where_they_were_sent() {
        let mut history = History::new();
        for tenth in 0..20 {
            history.sent(f64::from(tenth) * 0.1, 10.0, 100.0);
        }
        history.refused(1.85);
        history.refused(0.3);
        let recent = history.before(2.0, 1.0, f64::INFINITY);
        let expected = Counts { sent: 10.0, refused: 1.0, tokens: 100.0, seconds: recent.seconds };
        assert_eq!(recent, expected);
        let five = history.before(2.0, 0.0, 5.0);
        assert!((five.sent - 5.0).abs() < 1e-9 && five.seconds < 1.0, "{five:?}");
    }

    #[test]
    fn what_is_too_old_is_forgotten() {
        let mut history = History::new();
        history.sent(0.5, 1.0, 1.0);
        history.sent(60.0, 1.0, 1.0);
        let counts = history.before(60.0, 0.0, f64::INFINITY);
        assert!((counts.sent - 1.0).abs() < 1e-9, "{counts:?}");
    }
}
