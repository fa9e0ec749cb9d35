//! What a run may cost: every request is reserved before it is sent and settled with what it took.

use crate::error::{Error, ErrorKind, Result};

/// Money is counted in whole billionths of a dollar, so that sums are exact.
const NANO: f64 = 1.0e9;

/// Answers before what they took may lower the reservations.
const ENOUGH: f64 = 10.0;

/// Standard deviations above the mean that are reserved.
const MARGIN: f64 = 2.0;

/// The budget of one run. Spending never exceeds it by more than what the requests in flight cost beyond their
/// reservations.
#[derive(Debug, Clone)]
pub struct Budget {
    limit: u64,
    spent: u64,
    reserved: u64,
    is_refused: bool,
    costs: Costs,
}

/// Money set aside for one request; given back to [`Budget::settle`] or [`Budget::release`].
#[derive(Debug, PartialEq)]
#[must_use = "money stays reserved until it is settled or released"]
pub struct Reservation {
    nanos: u64,
    planned: f64,
}

/// How actual costs relate to planned ones: mean and variance of their ratio.
#[derive(Debug, Clone, Copy, Default)]
struct Costs {
    seen: f64,
    mean: f64,
    squares: f64,
}

impl Budget {
    /// A budget in dollars; `first_request` is what the first request is estimated at.
    pub fn new(limit: f64, first_request: f64) -> Result<Self> {
        if !(limit.is_finite() && limit > 0.0) {
            return Err(Error::new(ErrorKind::InvalidInput, format!("`max_cost_usd={limit}` is not a sum to spend"))
                .with_hint("pass US dollars above 0, or leave it out for no limit"));
        }
        if nanos(first_request) > nanos(limit) {
            let said = format!("`max_cost_usd={limit}` does not pay for one request of about ${first_request:.6}");
            return Err(Error::new(ErrorKind::BudgetExceeded, said)
                .with_hint("allow more, or make requests cheaper: `media_resolution=\"low\"` or a cheaper `model=`"));
        }
        let limit = nanos(limit);
        Ok(Self { limit, spent: 0, reserved: 0, is_refused: false, costs: Costs::default() })
    }

    /// Sets money aside for a request planned at so many dollars, corrected by what requests have taken so far; `None`
    /// when that is not left, for now or for good.
    pub fn reserve(&mut self, planned: f64) -> Option<Reservation> {
        let planned = planned.max(0.0);
        let wanted = nanos(planned * self.costs.factor());
        let after = self.spent.saturating_add(self.reserved).saturating_add(wanted);
        self.is_refused = after > self.limit;
        if self.is_refused {
            return None;
        }
        self.reserved += wanted;
        Some(Reservation { nanos: wanted, planned })
    }

    /// A request took this much. Without knowing, as after a timeout, what was reserved counts as spent: an answer that
    /// never arrived may still be on the invoice.
    #[expect(clippy::needless_pass_by_value, reason = "a reservation is given back once")]
    pub fn settle(&mut self, reservation: Reservation, actual: Option<f64>) {
        let Reservation { nanos: reserved, planned } = reservation;
        self.reserved = self.reserved.saturating_sub(reserved);
        self.is_refused = false;
        let taken = actual.map_or(reserved, nanos);
        self.spent = self.spent.saturating_add(taken);
        if let Some(actual) = actual
            && planned > 0.0
        {
            self.costs.observe(actual.max(0.0) / planned);
        }
    }

    /// A request cost nothing: it was not sent, or refused.
    #[expect(clippy::needless_pass_by_value, reason = "a reservation is given back once")]
    pub fn release(&mut self, reservation: Reservation) {
        let Reservation { nanos: reserved, .. } = reservation;
        self.reserved = self.reserved.saturating_sub(reserved);
        self.is_refused = false;
    }

    /// Asked after a refusal: whether it is for good, because no request is in flight that may give money back.
    #[must_use]
    pub fn exhausted(&self) -> bool {
        self.is_refused && self.reserved == 0
    }

    /// Dollars spent.
    #[must_use]
    pub fn spent(&self) -> f64 {
        dollars(self.spent)
    }

    /// Dollars set aside for requests in flight.
    #[must_use]
    pub fn reserved(&self) -> f64 {
        dollars(self.reserved)
    }

    /// What the rows that were not sent say.
    #[must_use]
    pub fn reason(&self) -> String {
        format!("the budget of ${} was reached", dollars(self.limit))
    }

    /// What the user is told at the end of a run whose budget did not suffice.
    #[must_use]
    pub fn note(&self, unsent: usize) -> String {
        let rows = if unsent == 1 { "1 row was" } else { &format!("{unsent} rows were") };
        format!("{}: {rows} not sent, ${:.4} spent; raise `max_cost_usd=` to go on", self.reason(), self.spent())
    }
}

impl Costs {
    /// By what planned costs are multiplied: the mean with a margin, and no less than planned while little is known.
    fn factor(&self) -> f64 {
        if self.seen < 1.0 {
            return 1.0;
        }
        let deviation = (self.squares / self.seen).max(0.0).sqrt();
        let usual = self.mean + MARGIN * deviation;
        if self.seen < ENOUGH { usual.max(1.0) } else { usual }
    }

    fn observe(&mut self, ratio: f64) {
        self.seen += 1.0;
        let difference = ratio - self.mean;
        self.mean += difference / self.seen;
        self.squares += difference * (ratio - self.mean);
    }
}

/// Rounded up, so that no request is free.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of floats saturates")]
fn nanos(dollars: f64) -> u64 {
    (dollars.max(0.0) * NANO - 1e-6).ceil() as u64
}

#[expect(clippy::cast_precision_loss, reason = "exact up to nine million dollars")]
fn dollars(nanos: u64) -> f64 {
    nanos as f64 / NANO
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn budget(limit: f64) -> Budget {
        Budget::new(limit, 0.001).unwrap()
    }

    /// Sends until nothing is left, with `in_flight` at a time; gives the number of requests.
    fn send_all(budget: &mut Budget, in_flight: usize, cost: impl Fn(usize) -> f64) -> usize {
        let mut sent = 0;
        while !budget.exhausted() {
            let reserved: Vec<Reservation> = (0..in_flight).map_while(|_| budget.reserve(0.001)).collect();
            for reservation in reserved {
                budget.settle(reservation, Some(cost(sent)));
                sent += 1;
            }
        }
        sent
    }

    #[test]
    fn a_budget_below_one_request_sends_nothing_and_says_so() {
        let error = Budget::new(0.0005, 0.001).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BudgetExceeded);
        assert!(error.message().contains("`max_cost_usd=0.0005`") && error.message().contains("$0.001"), "{error}");
        assert!(Budget::new(0.001, 0.001).is_ok());
    }

    #[test]
    fn a_limit_that_is_no_sum_is_refused() {
        for limit in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(Budget::new(limit, 0.001).unwrap_err().kind(), ErrorKind::InvalidInput, "{limit}");
        }
    }

    #[test]
    fn requests_that_cost_what_was_planned_use_the_budget_to_the_last_one() {
        let mut budget = budget(1.0);
        assert_eq!(send_all(&mut budget, 64, |_| 0.001), 1_000);
        assert!((budget.spent() - 1.0).abs() < 1e-12 && budget.reserved() == 0.0);
    }

    #[test]
    fn requests_that_are_cheaper_than_planned_are_learned_and_more_of_them_sent() {
        let mut budget = budget(1.0);
        let sent = send_all(&mut budget, 64, |turn| if turn % 2 == 0 { 0.0003 } else { 0.0005 });
        assert!((2_490..=2_500).contains(&sent), "{sent}");
    }

    #[test]
    fn requests_that_are_dearer_than_planned_overshoot_by_the_first_in_flight_only() {
        let mut budget = budget(1.0);
        send_all(&mut budget, 64, |_| 0.003);
        assert!(budget.spent() <= 1.0 + 0.003, "{}", budget.spent());
    }

    #[test]
    fn nothing_left_for_now_is_not_the_end_while_something_may_come_back() {
        let mut budget = budget(0.001);
        let reservation = budget.reserve(0.001).unwrap();
        assert_eq!(budget.reserve(0.001), None);
        assert!(!budget.exhausted());
        budget.release(reservation);
        let reservation = budget.reserve(0.001).unwrap();
        assert!(!budget.exhausted());
        budget.settle(reservation, Some(0.001));
        assert_eq!(budget.reserve(0.001), None);
        assert!(budget.exhausted());
    }

    #[test]
    fn an_answer_that_never_arrived_counts_as_spent() {
        let mut budget = budget(1.0);
        let reservation = budget.reserve(0.25).unwrap();
        budget.settle(reservation, None);
        assert!((budget.spent() - 0.25).abs() < 1e-12);
    }

    #[test]
    fn the_note_names_the_budget_and_what_is_left_to_do() {
        let mut budget = budget(0.5);
        let reservation = budget.reserve(0.25).unwrap();
        budget.settle(reservation, Some(0.25));
        assert_eq!(budget.reason(), "the budget of $0.5 was reached");
        assert_eq!(
            budget.note(12),
            "the budget of $0.5 was reached: 12 rows were not sent, $0.2500 spent; raise `max_cost_usd=` to go on"
        );
        assert!(budget.note(1).contains("1 row was not sent"));
    }

    proptest! {
        #[test]
        fn spending_stays_within_the_limit_and_what_is_in_flight_costs_beyond_its_reservation(
            limit in 0.001_f64..0.2,
            steps in proptest::collection::vec((0_u8..4, 0.0_f64..0.01, 0_usize..64), 0..400),
        ) {
            let mut budget = budget(limit);
            let mut in_flight: Vec<Reservation> = Vec::new();
            let mut beyond = 0;
            for (action, cost, which) in steps {
                if action < 2 {
                    if let Some(reservation) = budget.reserve(0.001) {
                        // What went beyond before is within the limit again, or nothing would have been reserved.
                        beyond = 0;
                        in_flight.push(reservation);
                    }
                } else if !in_flight.is_empty() {
                    let reservation = in_flight.swap_remove(which % in_flight.len());
                    if action == 2 {
                        beyond += nanos(cost).saturating_sub(reservation.nanos);
                        budget.settle(reservation, Some(cost));
                    } else {
                        budget.release(reservation);
                    }
                }
                let held: u64 = in_flight.iter().map(|reservation| reservation.nanos).sum();
                prop_assert_eq!(budget.reserved, held);
                prop_assert!(budget.spent + budget.reserved <= budget.limit + beyond);
            }
            in_flight.drain(..).for_each(|reservation| budget.release(reservation));
            prop_assert_eq!(budget.reserved, 0);
        }
    }
}
