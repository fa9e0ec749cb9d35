//! How fast the rate grows after a cut: slowly near what was served, faster the longer nothing is refused.

/// Growth per second in the calm after a cut, and the most it accelerates to.
const GROWTH: f64 = 0.02;
const FASTEST_GROWTH: f64 = 1.4;

/// Calm seconds before the growth accelerates: half as many again as usually pass between two cuts, within these; and
/// fewer for who has hardly any experience.
const CALM: f64 = 2.5;
const CALM_AT_MOST: f64 = 5.0;
const CALM_AT_FIRST: f64 = 1.0;
const BEYOND_USUAL: f64 = 1.5;

/// Seconds in which an accelerating growth becomes fourfold.
const SECONDS_TO_FOURFOLD: f64 = 1.0;

/// Seconds of calm before the first and second quick return to what was served before a fall; there is no third.
const FIRST_RETURN: f64 = 1.0;
const LAST_RETURN: f64 = 3.0;

/// Only a rate that fell below this part of what was served returns quickly, up to this part: a lesser fall may well last.
const DEEP_FALL: f64 = 0.45;
const NEARLY_ALL: f64 = 0.9;

/// Growth that may happen before refusals tell that it was too much.
const BLIND_GROWTH: f64 = 0.35;

/// Requests that make a calm second: with fewer, every probe of the quota costs a larger share of refusals.
const REQUESTS_PER_STEP: f64 = 100.0;
const LONGEST_STEP: f64 = 2.5;

/// The growth between two cuts.
#[derive(Debug, Clone)]
pub(super) struct Growth {
    /// Seconds without a cut while the rate was what held requests back.
    calm: f64,
    /// Such seconds between two cuts, lately.
    usual_calm: f64,
    /// What was served before a sudden fall, worth a quick return.
    hope: f64,
    is_returning: bool,
    return_after: f64,
}

impl Growth {
    pub(super) fn new() -> Self {
        Self { calm: 0.0, usual_calm: CALM, hope: 0.0, is_returning: false, return_after: FIRST_RETURN }
    }

    /// Seconds passed in which this rate, and nothing else, held requests back.
    pub(super) fn pass(&mut self, seconds: f64) {
        self.calm += seconds;
    }

    /// Whether the last cut is long enough ago for another to have a new reason.
    pub(super) fn is_calm(&self) -> bool {
        self.calm >= FIRST_RETURN
    }

    /// Growth per second at `rate` tokens a second, when refusals take `feedback` seconds to come back.
    pub(super) fn per_second(
        &mut self,
        rate: f64,
        feedback: f64,
        tokens_per_request: f64,
        is_experienced: bool,
    ) -> f64 {
        let fastest = FASTEST_GROWTH.min(BLIND_GROWTH / feedback.max(0.01));
        let is_worth_it = self.is_returning || rate < DEEP_FALL * self.hope;
        if is_worth_it && self.calm > self.return_after && rate < NEARLY_ALL * self.hope {
            self.is_returning = true;
            return fastest;
        }
        let step = step(rate, tokens_per_request);
        let usual = (self.usual_calm * BEYOND_USUAL).clamp(CALM, CALM_AT_MOST);
        let beyond = (self.calm / step - if is_experienced { usual } else { CALM_AT_FIRST }).max(0.0);
        (GROWTH / step * 4.0_f64.powf(beyond / SECONDS_TO_FOURFOLD)).min(fastest)
    }

    /// The rate is cut in an outage, which says nothing about what is served otherwise.
    pub(super) fn stop(&mut self) {
        self.is_returning = false;
        self.calm = 0.0;
    }

    /// The rate is cut. What was served before a fall is worth a quick return, unless a return was just refused.
    pub(super) fn cut(&mut self, is_first: bool, rate: f64, served: f64, tokens_per_request: f64) {
        if is_first {
            self.hope = served;
        } else if self.is_calm() {
            if self.is_returning && self.return_after < LAST_RETURN {
                self.return_after = LAST_RETURN;
            } else {
                self.hope = served;
                self.return_after = FIRST_RETURN;
            }
            self.is_returning = false;
            let steps = (self.calm / step(rate, tokens_per_request)).min(CALM_AT_MOST);
            self.usual_calm += 0.3 * (steps - self.usual_calm);
        }
        self.calm = 0.0;
    }

    /// What was counted in guessed tokens is known in real ones.
    pub(super) fn rescale(&mut self, factor: f64) {
        self.hope *= factor;
    }
}

/// Seconds that count as one, so that there are requests enough in it.
fn step(rate: f64, tokens_per_request: f64) -> f64 {
    (REQUESTS_PER_STEP * tokens_per_request / rate).clamp(1.0, LONGEST_STEP)
}
