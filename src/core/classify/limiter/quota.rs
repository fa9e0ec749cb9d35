//! Finds the rate a dynamic quota allows: climbs until the share of refused requests stands out, then goes just below
//! what was served.

mod lesson;

use super::growth::Growth;
use super::history::{Counts, History};
use super::trial::{Cut, Judgement, REFUSALS, SETTLING, SHARE, Trial};

/// A new run doubles its rate in this many seconds until the first cut.
const SECONDS_TO_DOUBLE: f64 = 0.5;

/// After a cut: this share of what was served.
const BELOW_SERVED: f64 = 0.96;

/// The same until the refusals of all that was under way have come back: the first cut is made on a guess, and where
/// refusals are slow, the bucket is overdrawn by then.
const BELOW_GUESS: f64 = 0.75;
const BELOW_SLOW: f64 = 0.9;
const SLOW_FEEDBACK: f64 = 0.2;

/// The least that one cut leaves, so that one bad moment is not taken for an outage.
const DEEPEST_CUT: f64 = 0.5;

/// Seconds that a share is measured over: more for a slow run, until there are enough requests for one refusal to be few.
const LONG: f64 = 1.0;
const LONGEST: f64 = 20.0;
const MANY: f64 = 200.0;

/// Requests enough to measure how deep a cut must be.
const ENOUGH: f64 = 30.0;

/// Refusals that this share explains do not end the first climb.
const HARDLY_ANY: f64 = 0.05;

/// Requests from the first refusal on that tell how deep the first cut must be.
const ENOUGH_AT_FIRST: f64 = 10.0;

/// The least requests a second that a cut leaves when most are refused: one now and then, to notice the end of it.
const LEAST: f64 = 0.25;
const MOST: f64 = 0.5;

/// From this share on nothing is served.
const OUTAGE: f64 = 0.9;

/// A larger share of chance is put on trial again after so many seconds, because a quota may hide behind it.
const LITTLE_NOISE: f64 = 0.02;
const NOISE_HOLDS: f64 = 10.0;

/// Cuts that helped from which on the next ones are trusted.
const EXPERIENCED: f64 = 2.0;

/// Standard deviations by which refusals must exceed those of chance.
const SIGNIFICANT: f64 = 3.0;

/// The adaptive rate, in tokens a second, as a state machine over what is sent and refused.
#[derive(Debug, Clone)]
pub(super) struct Quota {
    rate: f64,
    history: History,
    last_cut: Option<f64>,
    growth: Growth,
    /// Just below what was served before the last cut; refusals under it are no matter of the rate.
    served: f64,
    /// Seconds a refusal takes to come back, lately.
    feedback: f64,
    /// Share of refusals that has nothing to do with the rate, since when it is known.
    noise: f64,
    noise_since: f64,
    trial: Option<Trial>,
    /// When the earliest refused request since the last change was sent.
    first_refused: Option<f64>,
    hindsight: Option<Hindsight>,
    /// Cuts without calm between them.
    in_succession: u32,
    /// Cuts that helped lately.
    helped: f64,
    has_helped: bool,
    /// The share that led to the last cut.
    cut_share: f64,
    is_sampled: bool,
    /// Requests sent before are no matter of the rate as it is now.
    changed: Option<f64>,
    /// Whether it began with what an earlier run found.
    is_known: bool,
}

/// A cut to be corrected once everything that was under way has come back: between the first refusal and the cut, exactly
/// the quota was served.
#[derive(Debug, Clone, Copy)]
struct Hindsight {
    since: f64,
    until: f64,
    due: f64,
    least: f64,
}

/// What a refusal led to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Change {
    /// The rate was cut because this share was refused.
    Cut(f64),
    /// The last cut was taken back.
    Restored,
}

impl Quota {
    /// Starts at `rate` tokens a second, which may be infinite.
    pub(super) fn new(rate: f64) -> Self {
        Self {
            rate,
            history: History::new(),
            last_cut: None,
            growth: Growth::new(),
            served: 0.0,
            feedback: 0.0,
            noise: 0.0,
            noise_since: 0.0,
            trial: None,
            first_refused: None,
            hindsight: None,
            in_succession: 0,
            helped: 0.0,
            has_helped: false,
            cut_share: 0.0,
            is_sampled: false,
            changed: None,
            is_known: false,
        }
    }

    /// Starts at what an earlier run found, and looks for more as after a cut.
    pub(super) fn known(rate: f64) -> Self {
        Self { served: rate, is_known: true, ..Self::new(rate) }
    }

    /// What was last served while more was asked for.
    pub(super) fn found(&self) -> Option<f64> {
        (self.is_known || self.last_cut.is_some()).then_some(self.served)
    }

    /// Lifts the limit, until something is refused.
    pub(super) fn lift(&mut self) {
        self.rate = f64::INFINITY;
    }

    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    pub(super) fn last_cut(&self) -> Option<f64> {
        self.last_cut
    }

    /// A request was sent.
    pub(super) fn sent(&mut self, now: f64, tokens: f64) {
        self.history.sent(now, tokens, self.rate);
    }

    /// A request was not sent after all.
    pub(super) fn unsent(&mut self, at: f64, tokens: f64) {
        self.history.unsent(at, tokens);
    }

    /// Grows for `seconds` in which this rate, and nothing else, held requests back.
    pub(super) fn grow(&mut self, now: f64, seconds: f64, tokens_per_request: f64) {
        if let Some(hindsight) = self.hindsight.filter(|hindsight| hindsight.due <= now) {
            self.look_back(hindsight);
        }
        if let Some(trial) = self.trial.filter(|trial| !trial.lets_grow(now, self.feedback)) {
            let known = trial.since(&self.history, now - 1.5 * self.feedback);
            if trial.judge(&self.history, &known) == Judgement::Helped {
                let noise = trial.noise(&self.history, known.refused_share());
                self.conclude(now, trial, noise);
            }
        }
        let growth = if self.is_first_climb() {
            std::f64::consts::LN_2 / SECONDS_TO_DOUBLE
        } else if self.trial.is_some_and(|trial| !trial.lets_grow(now, self.feedback)) {
            0.0
        } else {
            self.growth.pass(seconds);
            self.end_trial(now);
            self.growth.per_second(self.rate, self.feedback, tokens_per_request, self.helped >= EXPERIENCED)
        };
        self.rate *= (growth * seconds).exp();
    }

    fn is_first_climb(&self) -> bool {
        self.last_cut.is_none() && !self.is_known
    }

    /// A request sent at `sent` was refused. There is at most one cut for requests that were under way at the same time,
    /// and none while the last one is on trial. Below `floor` requests a second it cuts only if most are refused.
    pub(super) fn refused(&mut self, now: f64, sent: f64, tokens_per_request: f64, floor: f64) -> Option<Change> {
        self.history.refused(sent);
        self.feedback += 0.1 * (now - sent - self.feedback);
        if self.changed.is_some_and(|changed| sent < changed + SETTLING) {
            return None;
        }
        self.first_refused = Some(self.first_refused.map_or(sent, |first| first.min(sent)));
        self.trial = self.trial.filter(|trial| !trial.is_over(now));
        if let Some(trial) = self.trial {
            let since = trial.since(&self.history, sent);
            match trial.judge(&self.history, &since) {
                Judgement::Open => return None,
                Judgement::Rose => self.trial = None,
                Judgement::Helped => {
                    let noise = trial.noise(&self.history, since.refused_share());
                    return self.conclude(now, trial, noise);
                }
                Judgement::DidNotHelp => {
                    let change = self.doubt(now, trial, since, LEAST * tokens_per_request);
                    if change.is_some() {
                        return change;
                    }
                }
            }
        }
        let since = self.changed.unwrap_or(0.0);
        let long = self.lately(sent, since);
        let short = self.history.before(sent, since.max(sent - LONGEST), ENOUGH);
        let saturated = self.history.before(sent, self.first_refused.unwrap_or(sent), f64::INFINITY);
        if !self.stands_out(now, &long, &short, &saturated) {
            return None;
        }
        let share = if self.is_first_climb() {
            saturated.share()
        } else if saturated.sent <= ENOUGH {
            saturated.cautious_share()
        } else {
            short.share()
        };
        let floor = floor * tokens_per_request;
        let is_at_floor = self.rate <= floor * 1.01;
        if is_at_floor && share <= MOST && self.rate >= floor {
            // More refusals may show that most are refused.
            return None;
        }
        let least = if share > MOST || self.rate < floor { LEAST * tokens_per_request } else { floor };
        self.cut(now, sent, share, least, [long, short, saturated], tokens_per_request);
        Some(Change::Cut(share))
    }

    /// Goes just below what is served when this share is refused, but not below `least`.
    fn cut(&mut self, now: f64, sent: f64, share: f64, least: f64, counts: [Counts; 3], tokens_per_request: f64) {
        let [long, short, saturated] = counts;
        // Not over a time in which there was nothing to send.
        let measured =
            [long, short].iter().map(|counts| counts.tokens / counts.seconds.max(SETTLING)).fold(0.0, f64::max);
        let rate = self.history.rate_at(sent).map_or(self.rate, |rate| rate.min(self.rate));
        // The pace may not have been what held requests back, and says nothing then.
        let from = if rate.is_infinite() || (long.sent >= ENOUGH && rate > 2.0 * measured) { measured } else { rate };
        // A pace without a bound has shown nothing that a cut could fall too far below.
        let deepest = if self.rate.is_infinite() { 0.0 } else { DEEPEST_CUT };
        let served = from * (1.0 - share).max(deepest);
        let proven = long.tokens * (1.0 - long.refused_share()) / long.seconds.max(LONG);
        let is_first = self.is_first_climb();
        self.learn_from_succession(now, long.refused_share());
        if long.refused_share() >= OUTAGE && !is_first {
            self.growth.stop();
        } else {
            let served = if is_first { served } else { proven.max(served) };
            self.growth.cut(is_first, self.rate, served, tokens_per_request);
        }
        let first_refused = self.first_refused.take().unwrap_or(sent);
        let least = least.min(self.rate);
        self.hindsight = Some(Hindsight {
            since: first_refused.max(now - LONG.max(2.0 * self.feedback)),
            until: now,
            due: now + (1.5 * self.feedback).max(SETTLING),
            least,
        });
        let depth = match (is_first, self.feedback > SLOW_FEEDBACK) {
            (true, _) => BELOW_GUESS,
            (false, true) => BELOW_SLOW,
            (false, false) => BELOW_SERVED,
        };
        self.served = served;
        self.rate = (served * depth).max(least);
        let (counts, since) = if is_first { (saturated, first_refused) } else { (long, sent - long.seconds) };
        self.trial = Trial::of(&Cut {
            at: now,
            span: (since, sent),
            counts,
            from: rate,
            to: self.rate,
            earlier: self.last_cut,
            helped: self.helped,
        });
        self.cut_share = long.refused_share();
        self.is_sampled = false;
        self.last_cut = Some(now);
        self.changed = Some(now);
    }

    /// Whether more is refused than chance explains, or it is time to see whether it is chance.
    fn stands_out(&self, now: f64, long: &Counts, short: &Counts, saturated: &Counts) -> bool {
        let exceeds = |counts: &Counts, noise: f64| {
            let chance = counts.sent * noise;
            counts.refused > 1.0 + chance + SIGNIFICANT * (chance * (1.0 - noise)).sqrt()
        };
        if self.is_first_climb() {
            let noise = self.noise.max(HARDLY_ANY);
            return saturated.sent >= ENOUGH_AT_FIRST && (exceeds(long, noise) || exceeds(short, noise));
        }
        // Few refusals of few requests may be chance: they wait for enough to put the cut on trial.
        let is_clear = long.refused >= REFUSALS || (long.refused_share() < SHARE && self.growth.is_calm());
        let is_overdue = self.noise > LITTLE_NOISE && now > self.noise_since + NOISE_HOLDS;
        (exceeds(long, self.noise) && is_clear) || (is_overdue && long.refused >= REFUSALS)
    }

    /// The share refused of what was sent lately before `sent`.
    pub(super) fn recent_share(&self, sent: f64) -> f64 {
        self.history.before(sent, sent - LONGEST, ENOUGH).share()
    }

    /// The first usage came back: what was guessed in tokens was meant in requests.
    pub(super) fn rescale(&mut self, factor: f64) {
        self.rate *= factor;
        self.served *= factor;
        self.growth.rescale(factor);
    }

    /// At least a second, and as much more as holds many requests.
    fn lately(&self, to: f64, since: f64) -> Counts {
        let second = self.history.before(to, since.max(to - LONG), f64::INFINITY);
        if second.sent >= MANY { second } else { self.history.before(to, since.max(to - LONGEST), MANY) }
    }
}
