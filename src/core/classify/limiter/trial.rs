//! Whether a cut helped: refusals that do not fall when the rate is cut have nothing to do with the rate.

use super::history::{Counts, History};

/// Seconds after a cut whose requests tell nothing yet: the service has to get its breath back.
pub(super) const SETTLING: f64 = 0.15;

/// The part of the share before the cut that is still expected after one that helped, and after one that did not.
const IF_HELPED: f64 = 0.25;
const IF_NOT: f64 = 0.7;

/// Odds, as a logarithm, at which the question is decided, and what each cut that helped lately adds against chance.
const DECIDED: f64 = 3.0;
const EXPERIENCE: f64 = 2.0;

/// Requests after which a trial without experience is decided by whatever odds there are.
const SOON: f64 = 40.0;

/// Refusals that a trial needs; and the share of them below which it needs better odds, because cuts are not that exact.
pub(super) const REFUSALS: f64 = 4.0;
pub(super) const SHARE: f64 = 0.08;
const CAUTION: f64 = 2.0;

/// Seconds, besides the time that two refusals take, for which a trial keeps the rate from growing.
const LONGEST_HOLD: f64 = 1.5;

/// Seconds after which an open trial is given up: the world has changed meanwhile.
const LONGEST_TRIAL: f64 = 15.0;

/// A larger share is not taken for chance before a second trial at this part of the rate.
const DOUBTFUL: f64 = 0.4;
pub(super) const SECOND_PART: f64 = 0.3;

/// A share that rose this many standard deviations above the one before the cut tells of a smaller quota.
const ROSE: f64 = 3.0;

/// From this difference on between what is expected if it helped and if not, refusals can tell the two apart.
const TELLING: f64 = 0.15;

/// A cut on trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Trial {
    /// Requests sent before this time tell nothing.
    begins: f64,
    /// When the requests were sent that led to the cut: more of them may turn out to be refused.
    before: (f64, f64),
    /// The rate before the cut, and the part that it left.
    rate: f64,
    part: f64,
    earlier_cut: Option<f64>,
    caution: f64,
    lets_grow: bool,
    /// What was served in the first trial, in a second one.
    served: Option<f64>,
}

/// What a trial has shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Judgement {
    /// Nothing yet.
    Open,
    /// Fewer are refused: the rate was too high.
    Helped,
    /// As many are refused: the rate was not the reason.
    DidNotHelp,
    /// More are refused: there is even less than before.
    Rose,
}

/// What a cut was made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    /// The time.
    pub(super) at: f64,
    /// When the requests were sent that led to it, and what was known of them.
    pub(super) span: (f64, f64),
    pub(super) counts: Counts,
    /// The rates before and after.
    pub(super) from: f64,
    pub(super) to: f64,
    /// The cut before this one, and how many lately helped.
    pub(super) earlier: Option<f64>,
    pub(super) helped: f64,
}

impl Trial {
    /// Puts a cut on trial, unless so few or so many were refused that no share could tell.
    pub(super) fn of(cut: &Cut) -> Option<Self> {
        let share = cut.counts.refused_share();
        let caution = EXPERIENCE * cut.helped + if share < SHARE { CAUTION } else { 0.0 };
        let trial = Self {
            begins: cut.at + SETTLING,
            before: cut.span,
            rate: cut.from,
            part: cut.to / cut.from,
            earlier_cut: cut.earlier,
            caution,
            lets_grow: share < SHARE,
            served: None,
        };
        let left = trial.left(share);
        (cut.counts.refused >= REFUSALS && (left <= 0.0 || share - left >= TELLING)).then_some(trial)
    }

    /// A second trial at a much lower rate: a quota far below both rates refuses much of either.
    pub(super) fn again(&self, now: f64, history: &History, since: &Counts) -> Option<Self> {
        let is_doubtful = self.before(history).refused_share() > DOUBTFUL && self.served.is_none();
        is_doubtful.then_some(Self {
            begins: now + SETTLING,
            part: self.part * SECOND_PART,
            served: Some(self.rate * self.part * (1.0 - since.refused_share())),
            ..*self
        })
    }

    /// Whether the rate may go on growing before the judgement.
    pub(super) fn lets_grow(&self, now: f64, feedback: f64) -> bool {
        self.lets_grow || now > self.begins + LONGEST_HOLD + 2.0 * feedback
    }

    /// Whether it has gone on for too long to tell.
    pub(super) fn is_over(&self, now: f64) -> bool {
        now > self.begins + LONGEST_TRIAL
    }

    /// The rate before the cut.
    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    /// What was served while the first of two trials went on.
    pub(super) fn served(&self) -> Option<f64> {
        self.served
    }

    /// The cut before this one.
    pub(super) fn earlier_cut(&self) -> Option<f64> {
        self.earlier_cut
    }

    /// What led to the cut, as it is known by now.
    pub(super) fn before(&self, history: &History) -> Counts {
        history.before(self.before.1, self.before.0, f64::INFINITY)
    }

    /// What was sent after the cut, up to `to`.
    pub(super) fn since(&self, history: &History, to: f64) -> Counts {
        history.before(to, self.begins, f64::INFINITY)
    }

    /// The share refused in the trial that a quota does not explain.
    pub(super) fn noise(&self, history: &History, share: f64) -> Option<f64> {
        (self.left(self.before(history).refused_share()) <= 0.0).then_some(share)
    }

    /// Judges by what became of the requests sent since it began.
    pub(super) fn judge(&self, history: &History, since: &Counts) -> Judgement {
        let share = self.before(history).refused_share().clamp(0.001, 0.999);
        let left = self.left(share);
        let (if_helped, if_not) = (left + IF_HELPED * (share - left), left + IF_NOT * (share - left));
        let expected = since.sent * share;
        let served = (since.sent - since.refused).max(0.0);
        if since.refused > 2.0 + expected + ROSE * (expected * (1.0 - share)).sqrt() {
            return Judgement::Rose;
        }
        let odds = since.refused * (if_not / if_helped).ln() + served * ((1.0 - if_not) / (1.0 - if_helped)).ln();
        // Without experience either answer is as likely, and to be had soon.
        let decided = if self.caution <= 0.0 && since.sent >= SOON { 0.0 } else { DECIDED };
        if odds >= decided + self.caution {
            Judgement::DidNotHelp
        } else if odds <= -decided {
            Judgement::Helped
        } else {
            Judgement::Open
        }
    }

    /// The share that a quota the cut did not reach yet goes on refusing.
    fn left(&self, share: f64) -> f64 {
        (1.0 - (1.0 - share) / self.part).max(0.0)
    }
}
