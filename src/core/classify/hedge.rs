//! When the slowest tail of requests is sent a second time, and how much that may cost.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};

/// The share of requests that `hedge=True` allows: with the tail beginning at the 95th percentile, all of it.
const USUAL_SHARE: f64 = 0.05;
const HIGHEST_SHARE: f64 = 0.5;

/// The share of requests that are not slow.
const QUICK: f64 = 0.95;

/// Latencies needed before any is called slow: two of them are then beyond the 95th percentile.
const ENOUGH: f64 = 40.0;

/// Latencies remembered; after as many again the older ones weigh half.
const MEMORY: f64 = 1_000.0;

/// Below this a second request is no use: it needs a round trip itself, and a hiccup of this machine would send it.
const SHORTEST: Duration = Duration::from_millis(50);

/// Latencies are told apart by a tenth, from a millisecond up to more than an hour.
const STEP: f64 = 1.1;
const STEPS: usize = 160;

/// Learns what is slow, and keeps second requests within their share. A second request goes out when the first is not
/// back after [`Hedge::delay`]; whichever answers first is the row's, and the other is dropped.
#[derive(Debug, Clone)]
pub struct Hedge {
    share: f64,
    latencies: Histogram,
    sent: Spending,
    hedged: Spending,
    won: u64,
    lost: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Spending {
    requests: u64,
    dollars: f64,
}

/// Counts by the logarithm of the latency; the older ones fade.
#[derive(Debug, Clone)]
struct Histogram {
    counts: Vec<f64>,
    total: f64,
}

impl Default for Hedge {
    fn default() -> Self {
        Self::of(USUAL_SHARE)
    }
}

impl Hedge {
    /// Hedging that adds at most this share of the requests and of their cost.
    pub fn new(share: f64) -> Result<Self> {
        if share > 0.0 && share <= HIGHEST_SHARE {
            return Ok(Self::of(share));
        }
        Err(Error::new(ErrorKind::InvalidInput, format!("`hedge={share}` is not a share from 0 to {HIGHEST_SHARE}"))
            .with_hint("pass `hedge=True` for 5 % more requests at most, or leave it out to send each once"))
    }

    fn of(share: f64) -> Self {
        let latencies = Histogram { counts: vec![0.0; STEPS], total: 0.0 };
        Self { share, latencies, sent: Spending::default(), hedged: Spending::default(), won: 0, lost: 0 }
    }

    /// An ordinary request goes out, estimated at so many dollars.
    pub fn sent(&mut self, dollars: f64) {
        self.sent.add(dollars);
    }

    /// A first attempt was answered. Where its second request won, tell the time until then: the first took longer
    /// still, and leaving it out would make the slow look rarer than they are.
    pub fn completed(&mut self, latency: Duration) {
        self.latencies.add(latency);
    }

    /// How long to wait for an answer before it counts as slow; `None` until enough is known.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        (self.latencies.total >= ENOUGH).then(|| self.latencies.quantile(QUICK).max(SHORTEST))
    }

    /// Whether a second request may go out now.
    #[must_use]
    pub fn allows(&self, dollars: f64) -> bool {
        let mut after = self.hedged;
        after.add(dollars);
        after.is_within(self.share, self.sent)
    }

    /// Whether a second request may go out now; if so, it is accounted for.
    pub fn may_hedge(&mut self, dollars: f64) -> bool {
        let allowed = self.allows(dollars);
        if allowed {
            self.hedged.add(dollars);
        }
        allowed
    }

    /// The second request answered first.
    pub fn won(&mut self) {
        self.won += 1;
    }

    /// The first request answered first after all.
    pub fn lost(&mut self) {
        self.lost += 1;
    }

    /// How often the second request answered first, and how often it did not.
    #[must_use]
    pub fn score(&self) -> (u64, u64) {
        (self.won, self.lost)
    }

    /// Second requests so far.
    #[must_use]
    pub fn hedged(&self) -> u64 {
        self.hedged.requests
    }
}

impl Spending {
    fn add(&mut self, dollars: f64) {
        self.requests += 1;
        self.dollars += dollars.max(0.0);
    }

    fn is_within(&self, share: f64, whole: Self) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "numbers of requests are far below 2^52")]
        let count = |requests: u64| requests as f64;
        count(self.requests) <= share * count(whole.requests) && self.dollars <= share * whole.dollars
    }
}

impl Histogram {
    fn add(&mut self, latency: Duration) {
        if let Some(count) = self.counts.get_mut(step_of(latency)) {
            *count += 1.0;
            self.total += 1.0;
        }
        if self.total >= 2.0 * MEMORY {
            self.counts.iter_mut().for_each(|count| *count /= 2.0);
            self.total /= 2.0;
        }
    }

    /// The upper edge of the step that holds the quantile.
    fn quantile(&self, share: f64) -> Duration {
        let mut left = share * self.total;
        let mut edge = 0.001;
        for count in &self.counts {
            left -= count;
            if left <= 1e-9 {
                break;
            }
            edge *= STEP;
        }
        Duration::from_secs_f64(edge)
    }
}

/// The number of the step whose upper edge is the first that is not below the latency.
fn step_of(latency: Duration) -> usize {
    let step = (latency.as_secs_f64() / 0.001).max(1.0).log(STEP) - 1e-9;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a small positive number")]
    let step = step.ceil().clamp(0.0, 1_000.0) as usize;
    step.min(STEPS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn after(latencies: impl IntoIterator<Item = u64>) -> Hedge {
        let mut hedge = Hedge::default();
        latencies.into_iter().for_each(|milliseconds| hedge.completed(Duration::from_millis(milliseconds)));
        hedge
    }

    fn milliseconds(hedge: &Hedge) -> f64 {
        hedge.delay().unwrap().as_secs_f64() * 1_000.0
    }

    #[test]
    fn nothing_is_slow_before_forty_answers() {
        assert_eq!(after([500; 39]).delay(), None);
        assert!(after([500; 40]).delay().is_some());
    }

    #[test]
    fn the_delay_is_the_95th_percentile_within_a_tenth() {
        let hedge = after((1..=100).map(|percent| percent * 10));
        assert!((950.0..=1_045.0).contains(&milliseconds(&hedge)), "{}", milliseconds(&hedge));
    }

    #[test]
    fn a_few_stalls_do_not_move_the_delay() {
        let hedge = after((0..200).map(|turn| if turn % 50 == 0 { 60_000 } else { 400 }));
        assert!((400.0..=440.0).contains(&milliseconds(&hedge)), "{}", milliseconds(&hedge));
    }

    #[test]
    fn the_delay_follows_a_service_that_becomes_slower() {
        let mut hedge = after(vec![200; 5_000]);
        (0..2_000).for_each(|_| hedge.completed(Duration::from_millis(900)));
        assert!(milliseconds(&hedge) >= 900.0);
    }

    #[test]
    fn no_second_request_goes_within_a_fraction_of_a_round_trip() {
        assert_eq!(after([2; 100]).delay(), Some(SHORTEST));
    }

    #[test]
    fn the_longest_latency_is_beyond_every_deadline() {
        assert!(after([u64::MAX / 1_000_000; 40]).delay().unwrap() > Duration::from_secs(3_600));
        assert!(after([0; 40]).delay().is_some());
    }

    #[test]
    fn one_in_twenty_requests_may_go_twice() {
        let mut hedge = Hedge::default();
        (0..19).for_each(|_| hedge.sent(0.001));
        assert!(!hedge.may_hedge(0.001));
        hedge.sent(0.001);
        assert!(hedge.may_hedge(0.001));
        assert!(!hedge.may_hedge(0.001));
        assert_eq!(hedge.hedged(), 1);
    }

    #[test]
    fn an_expensive_request_is_not_sent_twice_on_the_account_of_cheap_ones() {
        let mut hedge = Hedge::default();
        (0..20).for_each(|_| hedge.sent(0.001));
        assert!(!hedge.may_hedge(0.002));
        assert!(hedge.may_hedge(0.001));
    }

    #[test]
    fn the_score_tells_whether_it_was_worth_it() {
        let mut hedge = Hedge::default();
        hedge.won();
        hedge.won();
        hedge.lost();
        assert_eq!(hedge.score(), (2, 1));
    }

    #[test]
    fn a_share_outside_a_half_is_refused() {
        for share in [0.0, -0.1, 0.51, f64::NAN, f64::INFINITY] {
            assert!(Hedge::new(share).is_err(), "{share}");
        }
        assert!(Hedge::new(0.5).is_ok());
    }

    proptest! {
        #[test]
        fn second_requests_never_exceed_their_share(
            share in 0.01_f64..0.5,
            steps in proptest::collection::vec((any::<bool>(), 0.0001_f64..0.01), 0..400),
        ) {
            let mut hedge = Hedge::new(share).unwrap();
            let (mut sent, mut cost, mut hedged, mut hedged_cost) = (0.0, 0.0, 0.0, 0.0);
            for (is_second, dollars) in steps {
                if !is_second {
                    hedge.sent(dollars);
                    sent += 1.0;
                    cost += dollars;
                } else if hedge.may_hedge(dollars) {
                    hedged += 1.0;
                    hedged_cost += dollars;
                }
                prop_assert!(hedged <= share * sent + 1e-9 && hedged_cost <= share * cost + 1e-9);
            }
        }

        #[test]
        fn the_delay_is_never_below_the_true_percentile_and_at_most_a_tenth_above(
            mut latencies in proptest::collection::vec(60_u64..100_000, 40..400),
        ) {
            let hedge = after(latencies.iter().copied());
            latencies.sort_unstable();
            let rank = (latencies.len() * 95).div_ceil(100) - 1;
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let exact = latencies[rank] as f64;
            let told = milliseconds(&hedge);
            prop_assert!(told >= exact * 0.999 && told <= exact * 1.101, "{} for {}", told, exact);
        }
    }
}
