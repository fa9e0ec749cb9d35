//! Spreads what may be sent evenly over time: one meter for each limit, none of which saves up for a burst.

/// How late the timer may wake the dispatcher without costing throughput, in seconds.
const WAKE_UP: f64 = 0.02;

/// Corrections of a rate that nobody set are spread over some requests, because a jump would be a spike.
const PART_OF_CORRECTIONS: f64 = 0.05;
const MOST_CREDIT_ADAPTIVE: f64 = 0.5;

/// The part of a request that credit may pay under a limit of the user's: a second must stay within the limit.
const MOST_CREDIT: f64 = 0.02;

/// How far a second may go beyond a limit.
const LENIENCE: f64 = 1.05;

/// Lets a quantity pass at a rate per second. Unused time is lost, so that there is no burst after a pause.
#[derive(Debug, Clone)]
pub(super) struct Meter {
    rate: f64,
    tolerance: f64,
    /// When everything let through so far has been paid for.
    paid_at: f64,
    /// Corrections still to be made, credit being negative; and the part of them that each request bears.
    owed: f64,
    is_adaptive: bool,
}

impl Meter {
    /// A meter of a rate nobody set, which may catch up what the timer slept over.
    pub(super) fn adaptive(rate: f64) -> Self {
        Self { rate, tolerance: WAKE_UP, paid_at: 0.0, owed: 0.0, is_adaptive: true }
    }

    /// A meter of a limit the user set: no second lets through more than 5 % beyond it.
    pub(super) fn cap(rate: f64, unit: f64) -> Self {
        let mut meter = Self { rate, tolerance: 0.0, paid_at: 0.0, owed: 0.0, is_adaptive: false };
        meter.resize(unit);
        meter
    }

    /// Adapts the tolerance to requests of `unit`: the last one of a second may still end beyond the limit.
    pub(super) fn resize(&mut self, unit: f64) {
        let whole = (self.rate * LENIENCE / unit).floor() * unit;
        self.tolerance = ((whole - self.rate) / self.rate).clamp(0.0, WAKE_UP);
    }

    pub(super) fn rate(&self) -> f64 {
        self.rate
    }

    pub(super) fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// When the next request may go.
    pub(super) fn ready_at(&self) -> f64 {
        self.paid_at - self.tolerance
    }

    /// Reserves an amount that is sent now.
    pub(super) fn reserve(&mut self, now: f64, amount: f64) {
        let correction = if self.is_adaptive {
            (self.owed * PART_OF_CORRECTIONS).max(-MOST_CREDIT_ADAPTIVE * amount)
        } else {
            self.owed.max(-MOST_CREDIT * amount)
        };
        self.owed -= correction;
        self.paid_at = self.paid_at.max(now) + self.seconds(amount + correction);
    }

    /// Corrects a reservation by what is now known. Debts to a limit of the user's are paid before the next request;
    /// credit is spread thinly, and worth a second at most.
    pub(super) fn settle(&mut self, difference: f64) {
        self.owed = (self.owed + difference).max(-self.rate);
        if !self.is_adaptive && self.owed > 0.0 {
            self.paid_at += self.seconds(self.owed);
            self.owed = 0.0;
        }
    }

    /// Forgives debts beyond `seconds` from now.
    pub(super) fn forgive(&mut self, now: f64, seconds: f64) {
        self.paid_at = self.paid_at.min(now + seconds);
    }

    fn seconds(&self, amount: f64) -> f64 {
        amount / self.rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends whenever it may, waking up `late` seconds after; gives the times.
    fn greedy(mut meter: Meter, late: f64, seconds: f64) -> Vec<f64> {
        let (mut now, mut sent) = (0.0, Vec::new());
        while now < seconds {
            while meter.ready_at() <= now {
                meter.reserve(now, 1.0);
                sent.push(now);
            }
            now = meter.ready_at() + late;
        }
        sent
    }

    fn most_in_a_second(times: &[f64]) -> usize {
        let within = |start: &f64| times.iter().filter(|time| (*start..start + 1.0 - 1e-9).contains(time)).count();
        times.iter().map(within).max().unwrap_or(0)
    }

    #[test]
    fn no_second_holds_more_than_five_percent_beyond_the_cap() {
        for rate in [1.0, 7.0, 19.0, 33.0, 51.0, 200.0, 999.0] {
            for late in [0.0, 0.001, 0.004] {
                let most = most_in_a_second(&greedy(Meter::cap(rate, 1.0), late, 4.0));
                #[expect(clippy::cast_precision_loss, reason = "a small count")]
                let most = most as f64;
                assert!(most <= (rate * 1.05).floor(), "{most} in a second at {rate}/s, {late} s late");
            }
        }
    }

    #[test]
    fn a_late_timer_costs_no_throughput() {
        let sent = greedy(Meter::cap(500.0, 1.0), 0.003, 10.0).len();
        assert!((4_900..=5_050).contains(&sent), "{sent}");
    }

    #[test]
    fn a_pause_saves_nothing_up() {
        let mut meter = Meter::cap(10.0, 1.0);
        meter.reserve(0.0, 1.0);
        meter.reserve(100.0, 1.0);
        assert!(meter.ready_at() > 100.09);
    }

    #[test]
    fn what_was_used_beyond_the_reservation_is_paid_later() {
        let mut meter = Meter::cap(1_000.0, 100.0);
        meter.reserve(0.0, 100.0);
        meter.settle(400.0);
        assert!((meter.ready_at() + meter.tolerance - 0.5).abs() < 1e-9);
        meter.settle(-1_000.0);
        meter.reserve(1.0, 100.0);
        assert!(meter.ready_at() > 1.07, "credit must not become a burst");
    }
}
