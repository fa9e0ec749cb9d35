//! Spreads a run over its places by health and quota, so that each runs at its own limit. With one place it only limits.

use std::time::Duration;

use super::caps::Caps;
use super::health::Health;
use super::place::{Limiter, Readiness, Reservation};
use super::{ConcurrencyRange, Learned, Limits};

/// Whether a request may go.
#[derive(Debug)]
pub enum Verdict {
    /// It may go now, to the ticket's place, and must come back with the ticket.
    Go(Ticket),
    /// Not before this time.
    NotBefore(Duration),
    /// Not before another has come back.
    Full,
}

/// A request under way.
#[derive(Debug)]
pub struct Ticket {
    place: usize,
    reservation: Reservation,
    is_probe: bool,
}

impl Ticket {
    /// The index of the place it goes to.
    #[must_use]
    pub fn place(&self) -> usize {
        self.place
    }
}

/// One place, for a display of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceState {
    /// Its index.
    pub place: usize,
    /// Requests that may be under way there.
    pub concurrency: usize,
    /// Requests that are.
    pub in_flight: usize,
    /// Whether it takes its part of the rows; an ill place gets one now and then.
    pub healthy: bool,
    /// Whether its quota sets the pace.
    pub throttled: bool,
}

#[derive(Debug)]
struct Place {
    limiter: Limiter,
    health: Health,
}

/// The limits of a run over all its places. Times are counted from the beginning of the run.
#[derive(Debug)]
pub struct Fleet {
    places: Vec<Place>,
    caps: Caps,
    range: ConcurrencyRange,
}

impl Fleet {
    /// A fleet of so many places, at least one.
    #[must_use]
    pub fn new(limits: &Limits, places: usize) -> Self {
        Self::starting_from(limits, &vec![None; places])
    }

    /// A fleet with a place for each entry, which begins with what an earlier run learned of it.
    #[must_use]
    pub fn starting_from(limits: &Limits, learned: &[Option<Learned>]) -> Self {
        let count = learned.len().max(1);
        let range = share_of(limits.concurrency, count);
        let limiter = |learned: Option<&Learned>| match learned {
            Some(learned) => Limiter::starting_from(range, learned),
            None => Limiter::new(range),
        };
        let places: Vec<Place> = (0..count)
            .map(|index| Place {
                limiter: limiter(learned.get(index).and_then(Option::as_ref)),
                health: Health::default(),
            })
            .collect();
        let unit = places.iter().map(|place| place.limiter.tokens_per_request()).fold(1.0, f64::max);
        Self { places, caps: Caps::new(limits, unit), range: limits.concurrency }
    }

    /// Whether another request may go at `now`, and where.
    pub fn ask(&mut self, now: Duration) -> Verdict {
        let now = now.as_secs_f64();
        let otherwise = self.caps.ready_at();
        let has_several = self.places.len() > 1;
        let is_full = has_several && self.in_flight() >= self.range.max;
        let mut best: Option<(usize, f64, f64)> = None;
        let mut earliest = f64::INFINITY;
        let mut probe = None;
        for (index, place) in self.places.iter_mut().enumerate() {
            if let Some(probe_at) = place.health.probe_at().filter(|_| has_several) {
                let at = probe_at.max(otherwise);
                if at <= now {
                    probe = probe.or(Some(index));
                } else {
                    earliest = earliest.min(at);
                }
                continue;
            }
            match place.limiter.readiness(now, otherwise) {
                Readiness::Full => {}
                Readiness::NotBefore(at) => earliest = earliest.min(at),
                Readiness::Ready { room, since } => {
                    if best.is_none_or(|(_, most, first)| room > most || (room >= most && since < first)) {
                        best = Some((index, room, since));
                    }
                }
            }
        }
        let chosen = probe.or(best.map(|(index, ..)| index));
        match chosen {
            Some(index) if !is_full => Verdict::Go(self.send(index, now)),
            None if !is_full && earliest.is_finite() => Verdict::NotBefore(later(earliest, now)),
            _ => Verdict::Full,
        }
    }

    fn send(&mut self, index: usize, now: f64) -> Ticket {
        for (_, other) in self.places.iter_mut().enumerate().filter(|(place, _)| *place != index) {
            other.limiter.was_relieved();
        }
        let place = &mut self.places[index];
        let is_probe = place.health.is_ill();
        place.health.probed();
        let reservation = place.limiter.send(now);
        self.caps.reserve(now, reservation.tokens);
        Ticket { place: index, reservation, is_probe }
    }

    /// An answer came back, with the tokens it used where it told them.
    pub fn answered(&mut self, ticket: &Ticket, tokens: Option<f64>) {
        let Some(place) = self.places.get_mut(ticket.place) else { return };
        place.health.answered();
        let difference = place.limiter.answered(ticket.reservation, tokens);
        self.caps.settle(difference);
        self.caps.resize(place.limiter.tokens_per_request());
    }

    /// The service refused it for the quota, perhaps naming a time to wait.
    pub fn throttled(&mut self, ticket: &Ticket, now: Duration, retry_after: Option<Duration>) {
        let Some(place) = self.places.get_mut(ticket.place) else { return };
        self.caps.settle(-ticket.reservation.tokens);
        place.limiter.throttled(ticket.reservation, now.as_secs_f64(), retry_after);
        place.health.throttled(ticket.is_probe, now.as_secs_f64());
    }

    /// It failed for another reason: through the service's trouble (5xx, no connection, no answer in time), or not.
    pub fn failed(&mut self, ticket: &Ticket, now: Duration, is_service_trouble: bool) {
        let Some(place) = self.places.get_mut(ticket.place) else { return };
        place.limiter.failed();
        place.health.failed(ticket.is_probe, now.as_secs_f64(), is_service_trouble);
    }

    /// Nobody waits for it any more, and what would have become of it is not known.
    pub fn dropped(&mut self, ticket: &Ticket) {
        let Some(place) = self.places.get_mut(ticket.place) else { return };
        place.limiter.failed();
        place.health.unsent(ticket.is_probe);
    }

    /// It was never sent.
    pub fn unsent(&mut self, ticket: &Ticket) {
        let Some(place) = self.places.get_mut(ticket.place) else { return };
        place.limiter.unsent(ticket.reservation);
        place.health.unsent(ticket.is_probe);
        self.caps.unsent(ticket.reservation.tokens);
    }

    /// The place cannot serve this run now, for instance because it does not have the model. Besides `failed`.
    pub fn leave(&mut self, place: usize, now: Duration) {
        if let Some(place) = self.places.get_mut(place) {
            place.health.leave(now.as_secs_f64());
        }
    }

    /// Changes the bounds of the concurrency while it runs.
    pub fn set_concurrency(&mut self, range: ConcurrencyRange) {
        self.range = range;
        let share = share_of(range, self.places.len());
        for place in &mut self.places {
            place.limiter.set_concurrency(share);
        }
    }

    /// Requests that may be under way.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        let of_place = |index: usize| if self.is_left(index) { 1 } else { self.places[index].limiter.concurrency() };
        (0..self.places.len()).map(of_place).sum::<usize>().min(self.range.max)
    }

    /// Tokens a second that may be sent at most: infinite while nothing limits them, none while every place is ill.
    #[must_use]
    pub fn rate(&self) -> f64 {
        let rate = self.serving().fold(0.0, |sum, place| sum + place.limiter.rate());
        rate.min(self.caps.rate(self.tokens_per_request()))
    }

    /// Requests a second that may be sent at most; `None` while nothing limits them.
    #[must_use]
    pub fn requests_per_second(&self) -> Option<f64> {
        let rate = self.rate() / self.tokens_per_request();
        rate.is_finite().then_some(rate)
    }

    /// Whether the service's quota, rather than this side, sets the pace everywhere.
    #[must_use]
    pub fn is_waiting_on_quota(&self, now: Duration) -> bool {
        let mut serving = self.serving().peekable();
        serving.peek().is_some() && serving.all(|place| place.limiter.is_waiting_on_quota(now.as_secs_f64()))
    }

    /// Each place as it is now.
    #[must_use]
    pub fn place_states(&self, now: Duration) -> Vec<PlaceState> {
        let state = |(index, place): (usize, &Place)| PlaceState {
            place: index,
            concurrency: if self.is_left(index) { 1 } else { place.limiter.concurrency() },
            in_flight: place.limiter.in_flight(),
            healthy: !self.is_left(index),
            throttled: place.limiter.is_waiting_on_quota(now.as_secs_f64()),
        };
        self.places.iter().enumerate().map(state).collect()
    }

    /// What is known of each place's quota, once refusals have shown it.
    #[must_use]
    pub fn learned(&self) -> Vec<Option<Learned>> {
        self.places.iter().map(|place| place.limiter.learned()).collect()
    }

    /// Requests under way.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.places.iter().map(|place| place.limiter.in_flight()).sum()
    }

    /// A lone place is never left: there is nowhere else to go.
    fn is_left(&self, index: usize) -> bool {
        self.places.len() > 1 && self.places[index].health.is_ill()
    }

    fn serving(&self) -> impl Iterator<Item = &Place> {
        (0..self.places.len()).filter(|index| !self.is_left(*index)).map(|index| &self.places[index])
    }

    fn tokens_per_request(&self) -> f64 {
        self.places.iter().map(|place| place.limiter.tokens_per_request()).fold(1.0, f64::max)
    }
}

/// Of a range for the whole run, what one of `count` places has: they share the beginning, and each may come to carry all.
fn share_of(range: ConcurrencyRange, count: usize) -> ConcurrencyRange {
    if range.is_fixed() {
        return range;
    }
    let part = |requests: usize| requests.div_ceil(count).max(1);
    ConcurrencyRange { min: part(range.min), start: part(range.start), max: range.max }
}

/// A time after `now`, so that nobody asks again without time having passed.
fn later(at: f64, now: f64) -> Duration {
    const LONGEST_WAIT: f64 = 3_600.0;
    Duration::from_secs_f64(at.clamp(now + 1.0e-6, now + LONGEST_WAIT))
}
