//! The requests under way: what each was sent for, and the second ones that are sent for the slowest.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::time::Duration;
use tokio::task::{AbortHandle, Id, JoinSet};
use tokio::time::Instant;

use super::budget::Reservation;
use super::limiter::Ticket;
use super::queue::Pending;
use super::work::Attempt;

/// Requests under way. Dropping them stops them.
#[derive(Default)]
pub(super) struct Flights {
    /// Whether ages are asked for.
    hedges: bool,
    tasks: JoinSet<Attempt>,
    under_way: HashMap<Id, Flight>,
    /// In the order in which they were sent; those that ended are passed over.
    by_age: VecDeque<(Instant, Id)>,
}

/// One request under way.
pub(super) struct Flight {
    pub(super) purpose: Purpose,
    pub(super) ticket: Ticket,
    pub(super) reserved: Option<Reservation>,
    pub(super) sent: Instant,
    /// The other request for the same row.
    pub(super) twin: Option<Id>,
    abort: AbortHandle,
}

/// What a request was sent for.
pub(super) enum Purpose {
    /// To answer a row.
    Row(Pending),
    /// To answer a row sooner than the request that was sent first.
    Hedge,
}

/// A request that came back; `attempt` is the reason when its task ended unexpectedly.
pub(super) struct Landed {
    pub(super) flight: Flight,
    pub(super) attempt: Result<Attempt, String>,
}

impl Flights {
    /// `hedges` says whether second requests will be sent.
    pub(super) fn new(hedges: bool) -> Self {
        Self { hedges, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }

    pub(super) fn start(
        &mut self,
        purpose: Purpose,
        ticket: Ticket,
        reserved: Option<Reservation>,
        now: Instant,
        attempt: impl Future<Output = Attempt> + Send + 'static,
    ) -> Id {
        let abort = self.tasks.spawn(attempt);
        let id = abort.id();
        if self.hedges {
            self.by_age.push_back((now, id));
        }
        self.under_way.insert(id, Flight { purpose, ticket, reserved, sent: now, twin: None, abort });
        id
    }

    /// A second request for the row of `first`.
    pub(super) fn start_twin(
        &mut self,
        first: Id,
        ticket: Ticket,
        reserved: Option<Reservation>,
        now: Instant,
        attempt: impl Future<Output = Attempt> + Send + 'static,
    ) {
        let second = self.start(Purpose::Hedge, ticket, reserved, now, attempt);
        for (one, other) in [(first, second), (second, first)] {
            if let Some(flight) = self.under_way.get_mut(&one) {
                flight.twin = Some(other);
            }
        }
    }

    /// The next request that comes back.
    pub(super) async fn land(&mut self) -> Option<Landed> {
        loop {
            let ended = self.tasks.join_next_with_id().await?;
            if let Some(landed) = self.landed(ended) {
                return Some(landed);
            }
        }
    }

    /// A request that is back already.
    pub(super) fn try_land(&mut self) -> Option<Landed> {
        loop {
            let ended = self.tasks.try_join_next_with_id()?;
            if let Some(landed) = self.landed(ended) {
                return Some(landed);
            }
        }
    }

    fn landed(&mut self, ended: Result<(Id, Attempt), tokio::task::JoinError>) -> Option<Landed> {
        let (id, attempt) = match ended {
            Ok((id, attempt)) => (id, Ok(attempt)),
            Err(error) => (error.id(), Err(error.to_string())),
        };
        // One that was stopped is not there any more.
        let flight = self.under_way.remove(&id)?;
        Some(Landed { flight, attempt })
    }

    /// Stops them all; gives the rows that they were sent for.
    pub(super) fn stop_all(&mut self) -> impl Iterator<Item = Pending> {
        self.tasks.abort_all();
        self.under_way.drain().filter_map(|(_, flight)| match flight.purpose {
            Purpose::Row(pending) => Some(pending),
            Purpose::Hedge => None,
        })
    }

    /// Stops a request whose row has its answer.
    pub(super) fn stop(&mut self, id: Id) -> Option<Flight> {
        let flight = self.under_way.remove(&id)?;
        flight.abort.abort();
        Some(flight)
    }

    /// Lets the second request go on in place of the first, for the row of the first.
    pub(super) fn promote(&mut self, id: Id, pending: Pending) -> Result<(), Pending> {
        match self.under_way.get_mut(&id) {
            Some(flight) => {
                flight.purpose = Purpose::Row(pending);
                flight.twin = None;
                Ok(())
            }
            None => Err(pending),
        }
    }

    /// The request that has been under way for longest, if it is for a row, has no twin, and was sent `age` before `now`.
    pub(super) fn slowest(&mut self, age: Duration, now: Instant) -> Option<(Id, &Pending)> {
        while let Some((sent, id)) = self.by_age.front().copied() {
            let is_candidate = self.under_way.get(&id).is_some_and(|flight| {
                flight.sent == sent
                    && flight.twin.is_none()
                    && matches!(&flight.purpose, Purpose::Row(pending) if pending.earlier.is_none())
            });
            if is_candidate {
                if sent + age > now {
                    return None;
                }
                return match &self.under_way.get(&id)?.purpose {
                    Purpose::Row(pending) => Some((id, pending)),
                    Purpose::Hedge => None,
                };
            }
            self.by_age.pop_front();
        }
        None
    }

    /// When the oldest request reaches `age`.
    pub(super) fn next_at(&self, age: Duration) -> Option<Instant> {
        self.by_age.front().map(|(sent, _)| *sent + age)
    }
}
