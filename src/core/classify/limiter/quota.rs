//! Finds the rate a dynamic quota allows: climbs until the share of refused requests stands out, then goes just below
//! what was served.

use super::history::{Counts, History};

/// A new run doubles its rate in this many seconds until the first cut.
const SECONDS_TO_DOUBLE: f64 = 0.5;

/// After a cut: this share of what was served.
const BELOW_SERVED: f64 = 0.96;

/// The least that one cut leaves, so that one bad moment is not taken for an outage.
const DEEPEST_CUT: f64 = 0.5;

/// Growth per second in the calm after a cut, and the most it accelerates to.
const GROWTH: f64 = 0.02;
const FASTEST_GROWTH: f64 = 1.4;

/// Calm seconds before the growth accelerates: half as many again as usually pass between two cuts, within these.
const CALM: f64 = 2.5;
const CALM_AT_MOST: f64 = 5.0;
const BEYOND_USUAL: f64 = 1.5;

/// Seconds in which an accelerating growth becomes fourfold.
const SECONDS_TO_FOURFOLD: f64 = 1.0;

/// Seconds of calm before the first and second quick return to what was served before a fall; there is no third.
const FIRST_RETURN: f64 = 1.0;
const LAST_RETURN: f64 = 3.0;

/// Growth that may happen before refusals tell that it was too much.
const BLIND_GROWTH: f64 = 0.35;

/// Cuts in short succession after which refusals are looked at as chance.
const PATIENCE: u32 = 3;
const MUCH_PATIENCE: u32 = 6;

/// Requests that make a calm second: with fewer, every probe of the quota costs a larger share of refusals.
const REQUESTS_PER_STEP: f64 = 100.0;

/// Seconds that a share is measured over: more for a slow run, until there are enough requests for one refusal to be few.
const LONG: f64 = 1.0;
const LONGEST: f64 = 20.0;
const MANY: f64 = 200.0;

/// Seconds between two cuts, at least.
const SHORT: f64 = 0.15;

/// Requests enough to measure how deep a cut must be.
const ENOUGH: f64 = 30.0;

/// Refusals beyond this share are never taken for chance; below it they do not end the first climb.
const NOISE_AT_MOST: f64 = 0.05;

/// The same when several cuts did not lower the share, and how much of it must have stayed.
const NOISE_AT_MOST_AFTER_CUTS: f64 = 0.6;
const STAYS: f64 = 0.7;

/// Standard deviations by which refusals must exceed those of chance.
const SIGNIFICANT: f64 = 3.0;

/// The adaptive rate, in tokens a second, as a state machine over what is sent and refused.
#[derive(Debug, Clone)]
pub(super) struct Quota {
    rate: f64,
    history: History,
    last_cut: Option<f64>,
    /// Seconds without a cut while the rate was what held requests back.
    calm: f64,
    /// Such seconds between two cuts, lately.
    usual_calm: f64,
    /// Cuts without calm between them.
    in_succession: u32,
    /// Just below what was served before the last cut; refusals under it are no matter of the rate.
    served: f64,
    /// What was served before a sudden fall, worth one quick return.
    hope: f64,
    hoping: bool,
    return_after: f64,
    /// Seconds a refusal takes to come back, lately.
    feedback: f64,
    /// Share of refusals that has nothing to do with the rate.
    noise: f64,
    samples: f64,
    last_share: f64,
    sampled: bool,
}

impl Quota {
    /// Starts at `rate` tokens a second, which may be infinite.
    pub(super) fn new(rate: f64) -> Self {
        Self {
            rate,
            history: History::new(),
            last_cut: None,
            calm: 0.0,
            usual_calm: CALM,
            in_succession: 0,
            served: 0.0,
            hope: 0.0,
            hoping: false,
            return_after: FIRST_RETURN,
            feedback: 0.0,
            noise: 0.0,
            samples: 0.0,
            last_share: 0.0,
            sampled: false,
        }
    }

    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    pub(super) fn last_cut(&self) -> Option<f64> {
        self.last_cut
    }

    /// A request was sent.
    pub(super) fn sent(&mut self, now: f64, tokens: f64) {
        self.history.sent(now, tokens);
    }

    /// A request was not sent after all.
    pub(super) fn unsent(&mut self, at: f64, tokens: f64) {
        self.history.unsent(at, tokens);
    }

    /// Grows for `seconds` in which this rate, and nothing else, held requests back.
    pub(super) fn grow(&mut self, now: f64, seconds: f64, tokens_per_request: f64) {
        let growth = match self.last_cut {
            None => std::f64::consts::LN_2 / SECONDS_TO_DOUBLE,
            Some(cut) => {
                self.calm += seconds;
                self.sample_noise(now, cut);
                self.growth(tokens_per_request)
            }
        };
        self.rate *= (growth * seconds).exp();
    }

    fn growth(&mut self, tokens_per_request: f64) -> f64 {
        let fastest = FASTEST_GROWTH.min(BLIND_GROWTH / self.feedback.max(0.01));
        if self.calm > self.return_after && self.rate < 0.9 * self.hope {
            self.hoping = true;
            return fastest;
        }
        let step = self.step(tokens_per_request);
        let patience = (self.usual_calm * BEYOND_USUAL).clamp(CALM, CALM_AT_MOST);
        let beyond = (self.calm / step - patience).max(0.0);
        (GROWTH / step * 4.0_f64.powf(beyond / SECONDS_TO_FOURFOLD)).min(fastest)
    }

    /// Seconds that count as one, so that there are requests enough in it.
    fn step(&self, tokens_per_request: f64) -> f64 {
        (REQUESTS_PER_STEP * tokens_per_request / self.rate).clamp(1.0, 4.0)
    }

    /// A request sent at `sent` was refused; gives the refused share if that is a reason to slow down. There is at most
    /// one cut for requests that were under way at the same time.
    pub(super) fn refused(&mut self, now: f64, sent: f64, tokens_per_request: f64) -> Option<f64> {
        self.history.refused(sent);
        self.feedback += 0.1 * (now - sent - self.feedback);
        let since = self.last_cut.unwrap_or(0.0);
        if self.last_cut.is_some() && sent < since + SHORT {
            return None;
        }
        let long = self.lately(sent, since);
        let short = self.history.before(sent, since.max(sent - LONGEST), ENOUGH);
        let share = short.share();
        let stands_out = if self.last_cut.is_none() {
            share > NOISE_AT_MOST
        } else {
            let chance = long.sent * self.noise;
            long.refused > 1.0 + chance + SIGNIFICANT * chance.sqrt()
        };
        if !stands_out {
            return None;
        }
        self.judge_persistence(long.refused / long.sent.max(1.0));
        let measured = long.tokens / long.seconds.max(SHORT);
        // The pace may not have been what held requests back, and says nothing then.
        let from = if self.rate.is_infinite() || (long.sent >= ENOUGH && self.rate > 2.0 * measured) {
            measured
        } else {
            self.rate
        };
        let proven = (long.tokens * (1.0 - long.refused / long.sent.max(1.0))) / long.seconds.max(LONG);
        self.cut(now, from, proven, share, tokens_per_request);
        Some(share)
    }

    /// The share refused of what was sent lately before `sent`.
    pub(super) fn recent_share(&self, sent: f64) -> f64 {
        self.history.before(sent, sent - LONGEST, ENOUGH).share()
    }

    /// The first usage came back: what was guessed in tokens was meant in requests.
    pub(super) fn rescale(&mut self, factor: f64) {
        self.rate *= factor;
    }

    /// At least a second, and as much more as holds many requests.
    fn lately(&self, to: f64, since: f64) -> Counts {
        let second = self.history.before(to, since.max(to - LONG), f64::INFINITY);
        if second.sent >= MANY { second } else { self.history.before(to, since.max(to - LONGEST), MANY) }
    }

    fn cut(&mut self, now: f64, from: f64, proven: f64, share: f64, tokens_per_request: f64) {
        let served = from * (1.0 - share).max(DEEPEST_CUT);
        if self.last_cut.is_none() {
            self.hope = served;
        } else if self.calm < FIRST_RETURN {
            self.in_succession += 1;
        } else {
            self.in_succession = 0;
            self.forget_or_keep_hope(proven.max(served));
            let steps = (self.calm / self.step(tokens_per_request)).min(CALM_AT_MOST);
            self.usual_calm += 0.3 * (steps - self.usual_calm);
        }
        self.served = served;
        self.rate = (served * BELOW_SERVED).max(tokens_per_request);
        self.last_cut = Some(now);
        self.calm = 0.0;
        self.sampled = false;
    }

    /// A quick return that was refused is tried once more, later; a rate that held is what to return to after the next fall.
    fn forget_or_keep_hope(&mut self, proven: f64) {
        if self.hoping && self.return_after < LAST_RETURN {
            self.return_after = LAST_RETURN;
        } else {
            self.hope = proven;
            self.return_after = FIRST_RETURN;
        }
        self.hoping = false;
    }

    /// Once after each cut: refusals below the served rate are chance.
    fn sample_noise(&mut self, now: f64, cut: f64) {
        if !self.sampled && self.rate >= self.served {
            self.sampled = true;
            let counts = self.history.before(now - SHORT, cut + SHORT, f64::INFINITY);
            self.observe_noise(counts.refused / counts.sent.max(1.0), NOISE_AT_MOST);
        }
    }

    /// A share that stays although one cut follows another has nothing to do with the rate.
    fn judge_persistence(&mut self, share: f64) {
        if self.in_succession >= MUCH_PATIENCE && share >= STAYS * self.last_share {
            self.observe_noise(share, NOISE_AT_MOST_AFTER_CUTS);
        } else if self.in_succession >= PATIENCE {
            self.observe_noise(share, NOISE_AT_MOST);
        }
        self.last_share = share;
    }

    fn observe_noise(&mut self, share: f64, at_most: f64) {
        if share <= at_most {
            self.samples = (self.samples + 1.0).min(4.0);
            self.noise += (share - self.noise) / self.samples;
        }
    }
}
