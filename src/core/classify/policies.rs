//! Everything but the limiter that has a say in what is sent, sent again, and given up.

use std::time::Duration;

use super::budget::{Budget, Reservation};
use super::feed::Refresh;
use super::hedge::Hedge;
use super::limiter::Limits;
use super::queue::Pending;
use super::trouble::Trouble;
use super::work::Work;
use crate::error::{Error, ErrorKind, Result};
use crate::retry::{Outage, Retry, RetryBudget, RetryPolicy};
use crate::store::Store;

/// What a run is to do with its rows.
#[derive(Clone)]
pub(super) struct Orders {
    pub(super) limits: Limits,
    pub(super) policy: RetryPolicy,
    pub(super) store: Store,
    pub(super) refresh: Refresh,
    /// Share of second requests for the slowest; none where it is 0.
    pub(super) hedge: f64,
    pub(super) max_cost_usd: Option<f64>,
    pub(super) max_error_ratio: Option<f64>,
}

/// The policies of one run.
pub(super) struct Policies {
    pub(super) policy: RetryPolicy,
    pub(super) outage: Outage,
    pub(super) retries: RetryBudget,
    pub(super) trouble: Trouble,
    pub(super) hedge: Option<Hedge>,
    budget: Option<Budget>,
    /// The error of a budget that does not pay for one request.
    pub(super) too_little: Option<Error>,
    /// What a request is estimated at in dollars; 0 where no price is known.
    planned: f64,
}

impl Policies {
    pub(super) fn new(orders: &Orders, work: &Work) -> Result<Self> {
        let planned = work.planned_cost();
        let (budget, too_little) = match (orders.max_cost_usd, planned) {
            (None, _) => (None, None),
            // What is in the store costs nothing, so that too little money is an error only where something must be asked.
            (Some(limit), Some(planned)) => (Some(Budget::new(limit, 0.0)?), Budget::new(limit, planned).err()),
            (Some(_), None) => return Err(no_price(work)),
        };
        let sole_bucket = work.input.sole_bucket();
        Ok(Self {
            policy: orders.policy,
            outage: Outage::default(),
            retries: RetryBudget::default(),
            trouble: Trouble::new(orders.max_error_ratio, sole_bucket)?,
            hedge: (orders.hedge > 0.0).then(|| Hedge::new(orders.hedge)).transpose()?,
            budget,
            too_little,
            planned: planned.unwrap_or_default(),
        })
    }

    /// Whether a row whose last attempt failed may be sent again.
    pub(super) fn may_retry(&mut self, pending: &mut Pending, now: Duration) -> Retry {
        if !pending.has_failed {
            return Retry::Now;
        }
        let retry = self.retries.may_retry(now);
        pending.has_failed = retry != Retry::Now;
        retry
    }

    /// Sets money aside for a request; an error when that is not left.
    pub(super) fn reserve(&mut self) -> std::result::Result<Option<Reservation>, NothingLeft> {
        match &mut self.budget {
            None => Ok(None),
            Some(budget) => budget.reserve(self.planned).map(Some).ok_or(NothingLeft),
        }
    }

    /// Why nothing more can be sent, where the money is spent for good.
    pub(super) fn spent(&self) -> Option<String> {
        let budget = self.budget.as_ref().filter(|budget| budget.exhausted())?;
        Some(budget.reason())
    }

    /// What the user is told at the end, with the number of rows that were not sent.
    pub(super) fn note_of_budget(&self, unsent: usize) -> Option<String> {
        self.budget.as_ref().map(|budget| budget.note(unsent))
    }

    /// A request took this much; without knowing, as much as was reserved.
    pub(super) fn settle(&mut self, reserved: Option<Reservation>, actual: Option<f64>) {
        if let (Some(budget), Some(reserved)) = (&mut self.budget, reserved) {
            budget.settle(reserved, actual);
        }
    }

    /// A request cost nothing.
    pub(super) fn release(&mut self, reserved: Option<Reservation>) {
        if let (Some(budget), Some(reserved)) = (&mut self.budget, reserved) {
            budget.release(reserved);
        }
    }

    /// A first request goes out.
    pub(super) fn sent(&mut self) {
        if let Some(hedge) = &mut self.hedge {
            hedge.sent(self.planned);
        }
    }

    /// Whether a second request may go out.
    pub(super) fn allows_hedge(&self) -> bool {
        self.hedge.as_ref().is_some_and(|hedge| hedge.allows(self.planned))
    }

    /// A second request goes out.
    pub(super) fn hedged(&mut self) {
        if let Some(hedge) = &mut self.hedge {
            hedge.may_hedge(self.planned);
        }
    }
}

/// The money does not suffice, for now or for good.
pub(super) struct NothingLeft;

fn no_price(work: &Work) -> Error {
    let model = work.destinations.first().map_or("", |destination| destination.place.model.as_str());
    Error::new(ErrorKind::Configuration, format!("`max_cost_usd` cannot be kept: the price of `{model}` is not known"))
        .with_hint("limit the number of rows instead, or use a model of the catalogue")
}
