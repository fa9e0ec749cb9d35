//! The conditions under which Gemini answers: how late, how many requests a second, and which of them never or badly.
//!
//! An image that is to meet trouble meets it at its first request only, and is the same one for every client.

use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::gemini::hash;

/// What a program asks for with `POST /neutral/conditions`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Conditions {
    /// Milliseconds that an answer takes.
    pub latency_ms: u64,
    /// Pairs of a second, counted from the first request, and the requests a second that are served from then on; all
    /// of them where there is no pair.
    pub quota: Vec<(f64, f64)>,
    /// Requests that are served at once, above the quota, after a pause.
    pub burst: f64,
    /// Share of images whose first request is never answered.
    pub stalls: f64,
    /// Share of images whose first request fails, in one of five ways.
    pub faults: f64,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is answered.
    Answered,
    /// It is above the quota.
    Refused,
    /// It is never answered.
    Stalled,
    /// It fails.
    Failed(Failure),
}

/// How a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// 429, whatever the quota.
    Busy,
    /// 500.
    Internal,
    /// 503.
    Unavailable,
    /// The connection is closed before a word is said.
    Closed,
    /// The body breaks off.
    CutOff,
}

const FAILURES: [Failure; 5] =
    [Failure::Busy, Failure::Internal, Failure::Unavailable, Failure::Closed, Failure::CutOff];

/// What happened since the conditions were set, as `GET /neutral/counts` tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests that were answered, or are about to be.
    pub answered: u64,
    /// Requests above the quota.
    pub refused: u64,
    /// Requests that are never answered.
    pub stalled: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Most requests under way at once.
    pub peak_in_flight: u64,
    /// Answered and refused in each tenth of a second since the first request.
    pub tenths: Vec<(u64, u64)>,
}

/// The conditions at work.
#[derive(Debug, Default)]
pub struct Traffic {
    conditions: Conditions,
    counts: Counts,
    first: Option<Instant>,
    /// When the bucket was filled, in seconds since the first request, and what was in it then.
    filled: f64,
    bucket: f64,
    in_flight: u64,
    /// Images whose first request was there.
    seen: HashSet<u64>,
}

impl Traffic {
    /// Nothing happened yet.
    #[must_use]
    pub fn new(conditions: Conditions) -> Self {
        Self { bucket: conditions.burst.max(1.0), conditions, ..Self::default() }
    }

    /// How long an answer takes.
    #[must_use]
    pub fn latency(&self) -> Duration {
        Duration::from_millis(self.conditions.latency_ms)
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Decides about a request; each that arrives must leave.
    pub fn arrive(&mut self, image: &str, now: Instant) -> Fate {
        self.in_flight += 1;
        self.counts.peak_in_flight = self.counts.peak_in_flight.max(self.in_flight);
        let seconds = (now - *self.first.get_or_insert(now)).as_secs_f64();
        let fate = if self.is_within_quota(seconds) { self.chance(image) } else { Fate::Refused };
        self.count(fate, seconds);
        fate
    }

    /// A request is over.
    pub fn leave(&mut self) {
        // Those that arrived before the conditions were set belong to no one.
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    fn is_within_quota(&mut self, seconds: f64) -> bool {
        let Some((_, rate)) = self.conditions.quota.iter().rfind(|(from, _)| *from <= seconds) else {
            return true;
        };
        let refilled = self.bucket + rate * (seconds - self.filled).max(0.0);
        self.bucket = refilled.min(self.conditions.burst.max(1.0));
        self.filled = seconds;
        let is_within = self.bucket >= 1.0;
        if is_within {
            self.bucket -= 1.0;
        }
        is_within
    }

    fn chance(&mut self, image: &str) -> Fate {
        let Conditions { stalls, faults, .. } = self.conditions;
        let hash = hash(image);
        if stalls + faults == 0.0 || !self.seen.insert(hash) {
            return Fate::Answered;
        }
        let (draw, way) = (uniform(hash), (hash >> 3) % 5);
        if draw < stalls {
            Fate::Stalled
        } else if draw < stalls + faults {
            Fate::Failed(FAILURES.get(usize::try_from(way).unwrap_or(0)).copied().unwrap_or(Failure::Internal))
        } else {
            Fate::Answered
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no measurement lasts that long")]
    fn count(&mut self, fate: Fate, seconds: f64) {
        let tenth = (seconds * 10.0) as usize;
        let counts = &mut self.counts;
        if counts.tenths.len() <= tenth {
            counts.tenths.resize(tenth + 1, (0, 0));
        }
        match fate {
            Fate::Answered => {
                counts.answered += 1;
                counts.tenths[tenth].0 += 1;
            }
            Fate::Refused => {
                counts.refused += 1;
                counts.tenths[tenth].1 += 1;
            }
            Fate::Stalled => counts.stalled += 1,
            Fate::Failed(_) => counts.failed += 1,
        }
    }
}

/// A number from 0 to 1 that belongs to a hash; the finalizer of `SplitMix64`, as FNV mixes its highest bits badly.
fn uniform(hash: u64) -> f64 {
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A thousand requests a second, the first of them `from` milliseconds after the start.
    fn served(traffic: &mut Traffic, start: Instant, from: u64, to: u64) -> usize {
        let fates = (from..to).map(|at| {
            let fate = traffic.arrive("a", start + Duration::from_millis(at));
            traffic.leave();
            fate
        });
        fates.filter(|fate| *fate == Fate::Answered).count()
    }

    #[test]
    fn a_quota_serves_its_rate_and_its_burst_and_changes_at_its_time() {
        let conditions = Conditions { quota: vec![(0.0, 200.0), (2.0, 100.0)], burst: 20.0, ..Conditions::default() };
        let mut traffic = Traffic::new(conditions);
        let start = Instant::now();
        assert!((418..=422).contains(&served(&mut traffic, start, 0, 2_000)));
        assert!((98..=102).contains(&served(&mut traffic, start, 2_000, 3_000)));
        assert_eq!(traffic.counts().answered + traffic.counts().refused, 3_000);
        assert_eq!(traffic.counts().tenths.len(), 30);
    }

    #[test]
    fn trouble_meets_its_share_of_the_images_once() {
        let mut traffic = Traffic::new(Conditions { stalls: 0.02, faults: 0.05, ..Conditions::default() });
        let now = Instant::now();
        for _ in 0..2 {
            for image in 0..10_000 {
                traffic.arrive(&format!("gs://bucket/{image:032x}.jpg"), now);
            }
        }
        let counts = traffic.counts();
        assert!((150..250).contains(&counts.stalled), "{} stalled", counts.stalled);
        assert!((420..580).contains(&counts.failed), "{} failed", counts.failed);
        assert_eq!(counts.answered + counts.stalled + counts.failed, 20_000);
        assert_eq!(counts.peak_in_flight, 20_000);
    }

    #[test]
    fn without_conditions_everything_is_answered() {
        let mut traffic = Traffic::default();
        assert_eq!(traffic.arrive("a", Instant::now()), Fate::Answered);
        assert_eq!(traffic.latency(), Duration::ZERO);
    }
}
