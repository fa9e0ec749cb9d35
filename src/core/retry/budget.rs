//! Keeps retries from burying a service that is in trouble: they are delayed, never refused.

use std::time::Duration;

/// Attempts over which the failing share is remembered.
const MEMORY: f64 = 50.0;

/// Up to this failing share every retry goes at once: each answer then costs two attempts at most, which is no storm.
const SICK: f64 = 0.5;

/// Retries kept in reserve.
const RESERVE: f64 = 10.0;

/// Retries a second while most attempts fail, so that a run in long trouble still tries.
const TRICKLE: f64 = 5.0;

/// Retries earned by an answer while most attempts fail.
const EARNED: f64 = 0.2;

/// A budget of retries, shared by all requests of a run. Attempts that were refused for the quota are none of its
/// business: tell it of none, and do not ask for them.
#[derive(Debug, Clone)]
pub struct RetryBudget {
    failing: f64,
    tokens: f64,
    filled_at: Duration,
}

/// Whether a retry that is due may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// At once; it is paid for.
    Now,
    /// Ask again at this time.
    NotBefore(Duration),
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { failing: 0.0, tokens: RESERVE, filled_at: Duration::ZERO }
    }
}

impl RetryBudget {
    /// An attempt was answered, whatever the answer says about its row.
    pub fn answered(&mut self, now: Duration) {
        self.fill(now);
        self.failing -= self.failing / MEMORY;
        self.tokens = (self.tokens + EARNED).min(RESERVE);
    }

    /// An attempt failed in a way that another one may mend.
    pub fn failed(&mut self, now: Duration) {
        self.fill(now);
        self.failing += (1.0 - self.failing) / MEMORY;
    }

    /// Asked when a retry is due, not when its attempt fails: the service may be well again by then.
    pub fn may_retry(&mut self, now: Duration) -> Retry {
        self.fill(now);
        if self.failing <= SICK {
            return Retry::Now;
        }
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Retry::Now;
        }
        // A microsecond more, because the next filling rounds.
        let missing = Duration::from_secs_f64((1.0 - self.tokens) / TRICKLE) + Duration::from_micros(1);
        Retry::NotBefore(now + missing)
    }

    fn fill(&mut self, now: Duration) {
        let passed = now.saturating_sub(self.filled_at).as_secs_f64();
        self.tokens = (self.tokens + passed * TRICKLE).min(RESERVE);
        self.filled_at = self.filled_at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn sick() -> RetryBudget {
        let mut budget = RetryBudget::default();
        (0..100).for_each(|_| budget.failed(at(0)));
        budget
    }

    fn granted(budget: &mut RetryBudget, now: Duration, asked: usize) -> usize {
        (0..asked).filter(|_| budget.may_retry(now) == Retry::Now).count()
    }

    #[test]
    fn a_third_of_attempts_failing_delays_no_retry() {
        let mut budget = RetryBudget::default();
        for turn in 0..3_000 {
            if turn % 3 == 0 {
                budget.failed(at(turn));
                assert_eq!(budget.may_retry(at(turn)), Retry::Now, "turn {turn}");
            } else {
                budget.answered(at(turn));
            }
        }
    }

    #[test]
    fn a_failing_service_gets_the_reserve_and_then_a_trickle() {
        let mut budget = sick();
        assert_eq!(granted(&mut budget, at(0), 1_000), 10);
        assert_eq!(granted(&mut budget, at(1_000), 1_000), 5);
    }

    #[test]
    fn retries_flow_again_as_soon_as_most_attempts_are_answered() {
        let mut budget = sick();
        granted(&mut budget, at(0), 1_000);
        (0..50).for_each(|_| budget.answered(at(10)));
        assert_eq!(granted(&mut budget, at(10), 1_000), 1_000);
    }

    #[test]
    fn a_clock_that_jumps_back_gives_nothing_away() {
        let mut budget = sick();
        granted(&mut budget, at(60_000), 100);
        assert_eq!(granted(&mut budget, at(0), 100), 0);
        assert_eq!(granted(&mut budget, at(60_000), 100), 0);
    }

    /// Rows a second through a service that fails this share of attempts, six attempts each: those lost, and the seconds
    /// it took.
    fn run(rows: u64, failing: f64) -> (u64, u64) {
        let mut budget = RetryBudget::default();
        let policy = super::super::RetryPolicy::default();
        let error = crate::error::Error::new(crate::error::ErrorKind::Unavailable, "");
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut chance = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            f64::from(u32::try_from(state >> 32).unwrap()) / f64::from(u32::MAX)
        };
        let mut due: std::collections::BTreeSet<(Duration, u64, u32)> = std::collections::BTreeSet::new();
        let (mut fresh, mut lost, mut now) = (0..rows, 0, Duration::ZERO);
        loop {
            let mut next = None;
            while let Some(first) = due.first().copied().filter(|(time, ..)| *time <= now) {
                due.remove(&first);
                if let Retry::NotBefore(time) = budget.may_retry(now) {
                    due.insert((time, first.1, first.2));
                    continue;
                }
                next = Some((first.1, first.2));
                break;
            }
            let Some((row, spent)) = next.or_else(|| fresh.next().map(|row| (row, 0))) else {
                let Some((time, ..)) = due.first() else { return (lost, now.as_secs()) };
                now = *time;
                continue;
            };
            now += Duration::from_millis(5);
            if chance() >= failing {
                budget.answered(now);
                continue;
            }
            budget.failed(now);
            match policy.next_wait(&error, spent + 1, spent + 1, Duration::ZERO, chance()) {
                Some(wait) => drop(due.insert((now + wait, row, spent + 1))),
                None => lost += 1,
            }
        }
    }

    #[test]
    fn a_run_with_a_third_of_attempts_failing_is_as_fast_and_as_complete_as_without_a_budget() {
        let (lost, seconds) = run(5_000, 0.35);
        assert!(lost < 25 && seconds < 80, "{lost} lost, {seconds} s");
    }

    #[test]
    fn a_service_that_fails_most_attempts_still_gets_every_row_through_or_to_its_limit() {
        let (lost, seconds) = run(500, 0.7);
        assert!(lost < 120 && seconds < 400, "{lost} lost, {seconds} s");
    }

    proptest! {
        #[test]
        fn a_delayed_retry_may_go_at_the_time_it_was_told(asked in 11_usize..200, later in 0_u64..5_000) {
            let mut budget = sick();
            granted(&mut budget, at(later), asked);
            if let Retry::NotBefore(time) = budget.may_retry(at(later)) {
                prop_assert!(time > at(later) && time <= at(later + 201));
                prop_assert_eq!(budget.may_retry(time), Retry::Now);
            }
        }

        #[test]
        fn while_nothing_is_answered_retries_stay_within_reserve_and_trickle(
            steps in proptest::collection::vec((0_u64..300, 0_usize..40), 1..200),
        ) {
            let mut budget = sick();
            let (mut now, mut sent) = (0, 0);
            for (wait, asked) in steps {
                now += wait;
                budget.failed(at(now));
                sent += granted(&mut budget, at(now), asked);
            }
            let allowed = 10 + usize::try_from(now * 5 / 1_000).unwrap() + 1;
            prop_assert!(sent <= allowed, "{} retries, {} allowed", sent, allowed);
        }
    }
}
