//! What a cut taught: whether its refusals had to do with the rate, and how deep it should have been.

use super::super::history::Counts;
use super::super::trial::{SECOND_PART, SETTLING, Trial};
use super::{BELOW_SERVED, Change, ENOUGH, Hindsight, Quota, SLOW_FEEDBACK};

/// The largest share that may be taken for chance; beyond, it is not worth going on as before.
const MOST_NOISE: f64 = 0.45;

/// The largest share that is put down to chance without a trial: below the served rate, or after so many cuts on end.
const MOST_SAMPLED: f64 = 0.1;
const PATIENCE: u32 = 3;

/// The most cuts that helped that count.
const MOST_EXPERIENCE: f64 = 3.0;

/// What is left beyond chance and still no reason to stay below the rate before a cut.
const LITTLE_EXCESS: f64 = 0.05;

impl Quota {
    /// A cut did not help: chance, if not too large for that, or to be doubted.
    pub(super) fn doubt(&mut self, now: f64, trial: Trial, since: Counts, least: f64) -> Option<Change> {
        let before = trial.before(&self.history);
        let share = (since.refused + before.refused) / (since.sent + before.sent).max(1.0);
        if share > MOST_NOISE {
            self.trial = None;
            return None;
        }
        if let Some(second) = trial.again(now, &self.history, &since) {
            self.trial = Some(second);
            self.hindsight = None;
            self.rate = (self.rate * SECOND_PART).max(least).min(self.rate);
            return Some(Change::Cut(0.0));
        }
        self.helped = (self.helped - 1.0).max(0.0);
        self.conclude(now, trial, Some(share))
    }

    /// Corrects a cut by what its requests turned out to be.
    pub(super) fn look_back(&mut self, hindsight: Hindsight) {
        self.hindsight = None;
        let seconds = hindsight.until - hindsight.since;
        let counts = self.history.before(hindsight.until, hindsight.since, f64::INFINITY);
        if seconds >= SLOW_FEEDBACK && counts.sent >= ENOUGH && counts.refused > 0.0 {
            let served = counts.tokens * (1.0 - counts.refused_share()) / counts.seconds;
            self.served = served / (1.0 - self.noise.min(counts.refused_share()));
        }
        self.rate = (self.served * BELOW_SERVED).max(hindsight.least);
    }

    /// Cuts in succession that leave something refused, though it was too little for a trial.
    pub(super) fn learn_from_succession(&mut self, now: f64, share: f64) {
        let is_sudden = !self.growth.is_calm();
        self.in_succession = if is_sudden { self.in_succession + 1 } else { 0 };
        let is_too_often = self.in_succession >= PATIENCE || (!is_sudden && self.rate < self.served);
        if is_too_often && share <= MOST_SAMPLED {
            self.noise += 0.25 * (share - self.noise);
            self.noise_since = now;
        }
    }

    /// Ends a trial: what is refused at the lower rate is chance, and only what goes beyond was a reason for the cut.
    pub(super) fn conclude(&mut self, now: f64, trial: Trial, noise: Option<f64>) -> Option<Change> {
        self.trial = None;
        let Some(noise) = noise else {
            self.gain_experience();
            return None;
        };
        self.noise = noise.min(MOST_NOISE);
        self.noise_since = now;
        let before = trial.before(&self.history);
        let excess = (before.refused_share() - self.noise) / (1.0 - self.noise);
        let chance = before.sent * self.noise;
        let is_chance = before.refused <= 1.0 + chance + 2.0 * (chance * (1.0 - self.noise)).sqrt();
        if excess < LITTLE_EXCESS || is_chance {
            self.rate = self.rate.max(trial.rate());
            // As long as no cut has helped, none had a reason.
            self.last_cut = trial.earlier_cut().filter(|_| self.has_helped);
        } else if trial.rate().is_finite() && trial.rate() * (1.0 - excess) * BELOW_SERVED > self.rate {
            self.rate = trial.rate() * (1.0 - excess) * BELOW_SERVED;
        } else {
            self.gain_experience();
            // The second of two cuts went far below the quota that the first one missed.
            self.served = trial.served().filter(|served| served.is_finite())?;
            self.rate = self.rate.max(self.served * BELOW_SERVED);
        }
        self.changed = Some(now);
        self.hindsight = None;
        Some(Change::Restored)
    }

    pub(super) fn gain_experience(&mut self) {
        self.helped = (self.helped + 1.0).min(MOST_EXPERIENCE);
        self.has_helped = true;
    }

    /// Back at the rate that was served: what was refused below it is chance, if that is not on trial anyway.
    pub(super) fn end_trial(&mut self, now: f64) {
        if self.rate < self.served || self.is_sampled {
            return;
        }
        self.is_sampled = true;
        self.trial = None;
        let Some(cut) = self.last_cut else { return };
        let share = self.history.before(now - SETTLING, cut + SETTLING, f64::INFINITY).refused_share();
        if share <= 0.5 * self.cut_share {
            self.gain_experience();
        }
        if share <= MOST_SAMPLED {
            let gain = if share < self.noise { 0.5 } else { 0.25 };
            self.noise += gain * (share - self.noise);
            self.noise_since = now;
        }
    }
}
