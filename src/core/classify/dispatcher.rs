//! One dispatcher sends every row, one by one, whenever all who have a say in it agree: the limiter, the budgets, and the
//! state of the service. What becomes of those that return is in `landing`.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::budget::Reservation;
use super::commit::Committer;
use super::control::Control;
use super::feed::{Fed, Feed};
use super::flights::{Flights, Purpose};
use super::hedge::Hedge;
use super::limiter::{Fleet, Ticket, Verdict};
use super::policies::{Orders, Policies};
use super::queue::{Pending, Queue};
use super::work::Work;
use crate::error::{Error, ErrorKind, Result};
use crate::retry::{Clock, Permit, Retry, SystemClock};

/// Rows looked at before the dispatcher lets others run and hears what came back.
const ROWS_AT_A_TIME: usize = 256;

/// How long a run that ends early waits for the answers under way, which are paid for.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Sends the rows of one run.
pub(super) struct Dispatcher {
    pub(super) work: Arc<Work>,
    pub(super) limiter: Fleet,
    pub(super) policies: Policies,
    pub(super) queue: Queue,
    pub(super) flights: Flights,
    pub(super) committer: Committer,
    /// Places that serve nobody.
    pub(super) left: Vec<usize>,
    feed: Feed,
    is_fed: bool,
    control: watch::Receiver<Control>,
    started: Instant,
}

/// How a run ended that no error stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ending {
    /// Every row has an outcome.
    Complete,
    /// It was cancelled.
    Cancelled,
    /// Its budget was spent; why, for the rows that were not sent.
    Spent(String),
}

/// When to look for rows again.
enum Next {
    At(Instant),
    AfterNews,
    Never(Ending),
}

impl Dispatcher {
    pub(super) fn new(work: Arc<Work>, orders: Orders, control: watch::Receiver<Control>) -> Result<Self> {
        let policies = Policies::new(&orders, &work)?;
        let feed = Feed::start(Arc::clone(&work), orders.store.clone(), orders.refresh);
        let committer = Committer::start(Arc::clone(&work), orders.store);
        Ok(Self {
            limiter: Fleet::starting_from(&orders.limits, &work.known_quotas()),
            queue: Queue::default(),
            flights: Flights::new(policies.hedge.is_some()),
            policies,
            left: Vec::new(),
            feed,
            is_fed: false,
            committer,
            control,
            started: Instant::now(),
            work,
        })
    }

    /// Ends when every row has an outcome, when it is told to, or with the first error that every row would meet.
    pub(super) async fn run(mut self) -> Result<Ending> {
        let mut outcome = self.send_all().await;
        if matches!(outcome, Ok(Ending::Spent(_)))
            && let Err(error) = self.take_in_what_is_known().await
        {
            outcome = Err(error);
        }
        let has_sent = self.work.outcomes.progress().snapshot().requests > 0;
        if matches!(outcome, Ok(Ending::Spent(_)))
            && !has_sent
            && let Some(error) = self.policies.too_little.take()
        {
            outcome = Err(error);
        }
        let is_hurried = self.control.borrow().is_hurried();
        if !is_hurried && !matches!(outcome, Ok(Ending::Complete)) {
            // What does not come in time is dropped with the dispatcher.
            let _ = timeout(LAST_ANSWERS, self.take_in_the_last()).await;
        }
        self.settle_for_first_answers();
        let kept = self.keep_the_last().await;
        self.work.remember_quotas(&self.limiter.learned());
        if matches!(outcome, Ok(Ending::Spent(_)))
            && let Some(note) = self.policies.note_of_budget(self.work.outcomes.missing())
        {
            self.work.outcomes.note(note);
        }
        // The error that stopped the run is the one to tell.
        outcome.and_then(|ending| kept.map(|()| ending))
    }

    async fn take_in_the_last(&mut self) {
        while let Some(landed) = self.flights.land().await {
            // What the last rows meet is in their outcomes.
            let _ = self.take_in(landed);
            self.hand_over();
        }
    }

    /// Gives what was answered to the store, in company; tells when the rest is due.
    fn hand_over(&mut self) -> Option<Instant> {
        // Nothing else is sent once as many wait as may be under way, and no other comes when nothing is.
        let expected = if self.flights.is_empty() { 1 } else { self.limiter.concurrency() / 2 };
        self.committer.hand_over(expected, Instant::now())
    }

    /// What was answered before costs nothing, wherever in the input it is.
    async fn take_in_what_is_known(&mut self) -> Result<()> {
        while !self.is_fed && !self.control.borrow().is_cancelled() {
            match self.feed.lot().await {
                Some(lot) => {
                    let known = lot?.into_iter().filter(|fed| !matches!(fed, Fed::Ask(..)));
                    self.add(known.collect())?;
                }
                None => self.is_fed = true,
            }
        }
        Ok(())
    }

    /// Waits for all of it, whatever became of a part.
    async fn keep_the_last(&mut self) -> Result<()> {
        let mut outcome = Ok(());
        self.committer.hand_over(0, Instant::now());
        while self.committer.waiting() > 0 {
            outcome = outcome.and(self.committer.kept().await);
        }
        outcome
    }

    async fn send_all(&mut self) -> Result<Ending> {
        loop {
            if self.control.borrow().is_cancelled() {
                return Ok(Ending::Cancelled);
            }
            // First, or rows that were never sent would take every place that becomes free.
            let is_hedging = self.hedge();
            let next = self.send()?;
            let due = self.hand_over();
            let hedge_at = self.slow_at().filter(|_| is_hedging);
            self.tell();
            if self.is_done() {
                return Ok(Ending::Complete);
            }
            let at = match next {
                Next::Never(ending) => return Ok(ending),
                Next::At(at) => Some(at),
                Next::AfterNews => None,
            };
            self.hear([at, hedge_at, due].into_iter().flatten().min()).await?;
        }
    }

    fn is_done(&self) -> bool {
        self.is_fed && self.queue.is_empty() && self.flights.is_empty() && self.committer.waiting() == 0
    }

    /// Waits for whatever comes first.
    async fn hear(&mut self, at: Option<Instant>) -> Result<()> {
        let wait = at.map_or(Duration::ZERO, |at| at.saturating_duration_since(Instant::now()));
        tokio::select! {
            biased;
            changed = self.control.changed() => {
                if changed.is_err() {
                    return Err(Error::new(ErrorKind::Cancelled, "nobody holds the run any more"));
                }
                self.obey();
            }
            // Before the answers, which in a fast run never pause: a store that fails must be heard of at once.
            kept = self.committer.kept(), if self.committer.waiting() > 0 => kept?,
            Some(landed) = self.flights.land(), if !self.flights.is_empty() => {
                self.take_in(landed)?;
                while let Some(landed) = self.flights.try_land() {
                    self.take_in(landed)?;
                }
            }
            lot = self.feed.lot(), if !self.is_fed && self.queue.wants_more() => match lot {
                Some(lot) => self.add(lot?)?,
                None => self.is_fed = true,
            },
            () = SystemClock.sleep(wait), if at.is_some() => {}
        }
        Ok(())
    }

    fn obey(&mut self) {
        if let Some(concurrency) = self.control.borrow_and_update().concurrency {
            self.limiter.set_concurrency(concurrency);
        }
    }

    fn add(&mut self, lot: Vec<Fed>) -> Result<()> {
        let (mut known, mut bad) = (Vec::new(), Vec::new());
        for fed in lot {
            match fed {
                Fed::Ask(row, key, None) => self.queue.add(row, key),
                Fed::Ask(row, key, earlier) => {
                    self.queue.push(Pending { earlier, ..Pending::new(row, key) }, Instant::now());
                }
                Fed::Known(row, outcome) => known.push((row, outcome)),
                Fed::Same(row, first) => {
                    self.work.outcomes.finish(known.drain(..));
                    self.work.outcomes.same_as(row, first);
                }
                Fed::Bad(row, error) => bad.push((row, error)),
            }
        }
        self.work.outcomes.finish(known);
        // The first one that stops the run does so when all of them have their outcomes.
        let mut outcome = Ok(());
        for (row, error) in bad {
            outcome = outcome.and(self.give_up(row, error));
        }
        outcome
    }

    /// Sends what may go now.
    fn send(&mut self) -> Result<Next> {
        // What a crash may cost is what is under way, and as much again on its way into the store.
        if self.committer.waiting() >= self.limiter.concurrency() {
            return Ok(Next::AfterNews);
        }
        for _ in 0..ROWS_AT_A_TIME {
            let now = Instant::now();
            let Some(mut pending) = self.queue.pop(now) else {
                return Ok(self.queue.next_at().map_or(Next::AfterNews, Next::At));
            };
            if let Some(error) = self.policies.trouble.broken_bucket_of(&self.work, pending.row) {
                self.end_without_answer(pending, error)?;
                continue;
            }
            if let Retry::NotBefore(at) = self.policies.may_retry(&mut pending, self.since_start(now)) {
                self.queue.push(pending, self.started + at);
                continue;
            }
            match self.clearance(now) {
                Clearance::Go(ticket, reserved) => self.start(pending, ticket, reserved, now),
                Clearance::NotNow(next) => {
                    self.queue.put_back(pending);
                    return Ok(next);
                }
            }
        }
        Ok(Next::At(Instant::now()))
    }

    /// Asks everyone who has a say in whether a request may go.
    fn clearance(&mut self, now: Instant) -> Clearance {
        let since_start = self.since_start(now);
        let permit = self.policies.outage.ask(since_start);
        if let Permit::NotBefore(at) = permit {
            return Clearance::NotNow(Next::At(self.started + at));
        }
        let Ok(reserved) = self.policies.reserve() else {
            let ending = self.policies.spent().map(Ending::Spent);
            return Clearance::NotNow(ending.map_or(Next::AfterNews, Next::Never));
        };
        let next = match self.limiter.ask(since_start) {
            Verdict::Go(ticket) => {
                if permit == Permit::Probe {
                    self.policies.outage.probed(since_start);
                }
                return Clearance::Go(ticket, reserved);
            }
            Verdict::NotBefore(at) => Next::At(self.started + at),
            Verdict::Full => Next::AfterNews,
        };
        self.policies.release(reserved);
        Clearance::NotNow(next)
    }

    fn start(&mut self, mut pending: Pending, ticket: Ticket, reserved: Option<Reservation>, now: Instant) {
        pending.first_sent.get_or_insert(now);
        self.work.outcomes.progress().sent(pending.attempts > 0);
        self.policies.sent();
        let work = Arc::clone(&self.work);
        let (row, body, place) = (pending.row as usize, pending.body.take(), ticket.place());
        let earlier = pending
            .earlier
            .as_ref()
            .map(|earlier| (earlier.row.text.as_deref().unwrap_or_default().to_owned(), earlier.problem.clone()));
        let attempt = async move { work.attempt(row, body, earlier, place).await };
        self.flights.start(Purpose::Row(pending), ticket, reserved, now, attempt);
    }

    /// When the oldest request counts as slow.
    fn slow_at(&self) -> Option<Instant> {
        self.flights.next_at(self.policies.hedge.as_ref()?.delay()?)
    }

    /// Sends second requests for the slowest; tells whether nothing but their age holds back the others.
    fn hedge(&mut self) -> bool {
        let Some(age) = self.policies.hedge.as_ref().and_then(Hedge::delay) else {
            return true;
        };
        let now = Instant::now();
        while let Some((first, pending)) = self.flights.slowest(age, now) {
            let row = pending.row as usize;
            if !self.policies.allows_hedge() {
                return false;
            }
            let Clearance::Go(ticket, reserved) = self.clearance(now) else {
                return false;
            };
            self.policies.hedged();
            self.work.outcomes.progress().sent(false);
            let (work, place) = (Arc::clone(&self.work), ticket.place());
            let attempt = async move { work.attempt(row, None, None, place).await };
            self.flights.start_twin(first, ticket, reserved, now, attempt);
        }
        true
    }

    fn tell(&mut self) {
        let now = self.since_start(Instant::now());
        let is_waiting = self.limiter.is_waiting_on_quota(now);
        self.work.outcomes.progress().limited(self.limiter.concurrency(), is_waiting);
        if let Some(note) = self.policies.outage.note(now) {
            self.work.outcomes.note(note);
        }
    }

    pub(super) fn since_start(&self, now: Instant) -> Duration {
        now - self.started
    }
}

/// Whether a request may go.
enum Clearance {
    Go(Ticket, Option<Reservation>),
    NotNow(Next),
}
