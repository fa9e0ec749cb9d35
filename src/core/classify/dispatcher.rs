//! One dispatcher sends every row: it asks the limiter when the next may go, and decides what becomes of those that return.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::answers::Row;
use super::commit::{Committer, Paid};
use super::control::Control;
use super::feed::{Fed, Feed};
use super::flights::{Flight, Flights, Landed, Purpose};
use super::limiter::{Limiter, Limits, Verdict};
use super::queue::{Pending, Queue};
use super::work::{Answered, Attempt, Earlier, Work};
use crate::error::{Error, ErrorKind, Result};
use crate::gemini::Usage;
use crate::retry::{Clock, RetryPolicy, SystemClock};
use crate::store::Store;

/// Rows looked at before the dispatcher lets others run and hears what came back.
const ROWS_AT_A_TIME: usize = 256;

/// Answers on their way into the store before nothing more is sent.
const ANSWERS_NOT_KEPT: usize = 4_096;

/// How long a run that ends early waits for the answers under way, which are paid for.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// What a run is to do with its rows.
pub(super) struct Orders {
    pub(super) limits: Limits,
    pub(super) policy: RetryPolicy,
    pub(super) store: Store,
    pub(super) refresh: bool,
}

/// Sends the rows of one run.
pub(super) struct Dispatcher {
    work: Arc<Work>,
    limiter: Limiter,
    queue: Queue,
    flights: Flights,
    feed: mpsc::Receiver<Result<Vec<Fed>>>,
    is_fed: bool,
    committer: Committer,
    control: watch::Receiver<Control>,
    policy: RetryPolicy,
    started: Instant,
}

/// How a run ended that no error stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// Every row has an outcome.
    Complete,
    /// It was cancelled.
    Cancelled,
}

/// When to look for rows again.
enum Next {
    At(Instant),
    AfterNews,
}

impl Dispatcher {
    pub(super) fn new(work: Arc<Work>, orders: Orders, control: watch::Receiver<Control>) -> Self {
        let Orders { limits, policy, store, refresh } = orders;
        let feed = Feed { work: Arc::clone(&work), store: store.clone(), refresh }.start();
        let committer = Committer::start(Arc::clone(&work), store);
        Self {
            limiter: Limiter::new(&limits),
            queue: Queue::default(),
            flights: Flights::default(),
            feed,
            is_fed: false,
            committer,
            control,
            policy,
            started: Instant::now(),
            work,
        }
    }

    /// Ends when every row has an outcome, when it is told to, or with the first error that every row would meet.
    pub(super) async fn run(mut self) -> Result<Ending> {
        let outcome = self.send_all().await;
        let is_hurried = self.control.borrow().is_hurried();
        if !is_hurried && !matches!(outcome, Ok(Ending::Complete)) {
            // What does not come in time is dropped with the dispatcher.
            let _ = timeout(LAST_ANSWERS, self.take_in_the_last()).await;
        }
        let kept = self.keep_the_last().await;
        // The error that stopped the run is the one to tell.
        outcome.and_then(|ending| kept.map(|()| ending))
    }

    async fn take_in_the_last(&mut self) {
        while let Some(landed) = self.flights.land().await {
            // What the last rows meet is in their outcomes.
            let _ = self.take_in(landed);
        }
    }

    async fn keep_the_last(&mut self) -> Result<()> {
        while self.committer.waiting() > 0 {
            self.committer.kept().await?;
        }
        Ok(())
    }

    async fn send_all(&mut self) -> Result<Ending> {
        loop {
            if self.control.borrow().is_cancelled() {
                return Ok(Ending::Cancelled);
            }
            let next = self.send()?;
            self.tell();
            if self.is_done() {
                return Ok(Ending::Complete);
            }
            self.hear(next).await?;
        }
    }

    fn is_done(&self) -> bool {
        self.is_fed && self.queue.is_empty() && self.flights.is_empty() && self.committer.waiting() == 0
    }

    /// Waits for whatever comes first.
    async fn hear(&mut self, next: Next) -> Result<()> {
        let at = match next {
            Next::At(instant) => Some(instant),
            Next::AfterNews => None,
        };
        tokio::select! {
            biased;
            changed = self.control.changed() => {
                if changed.is_err() {
                    // Nobody holds the run any more, and so nobody would see its answers.
                    return Err(Error::new(ErrorKind::Cancelled, "the run was dropped"));
                }
                self.obey();
            }
            Some(landed) = self.flights.land(), if !self.flights.is_empty() => {
                self.take_in(landed)?;
                while let Some(landed) = self.flights.try_land() {
                    self.take_in(landed)?;
                }
            }
            kept = self.committer.kept(), if self.committer.waiting() > 0 => kept?,
            lot = self.feed.recv(), if !self.is_fed && self.queue.wants_more() => match lot {
                Some(lot) => self.add(lot?)?,
                None => self.is_fed = true,
            },
            () = SystemClock.sleep(at.unwrap_or_else(Instant::now).saturating_duration_since(Instant::now())),
                if at.is_some() => {}
        }
        Ok(())
    }

    fn obey(&mut self) {
        if let Some(concurrency) = self.control.borrow_and_update().concurrency {
            self.limiter.set_concurrency(concurrency);
        }
    }

    fn add(&mut self, lot: Vec<Fed>) -> Result<()> {
        let mut known = Vec::new();
        for fed in lot {
            match fed {
                Fed::Ask(row, key) => self.queue.add(row, key),
                Fed::Known(row, outcome) => known.push((row, outcome)),
                Fed::Same(row, first) => {
                    self.work.outcomes.finish(known.drain(..));
                    self.work.outcomes.same_as(row, first);
                }
                Fed::Bad(row, error) => self.give_up(row, error)?,
            }
        }
        self.work.outcomes.finish(known);
        Ok(())
    }

    /// Sends what may go now.
    fn send(&mut self) -> Result<Next> {
        if self.committer.waiting() >= ANSWERS_NOT_KEPT {
            return Ok(Next::AfterNews);
        }
        for _ in 0..ROWS_AT_A_TIME {
            let now = Instant::now();
            let Some(pending) = self.queue.pop(now) else {
                return Ok(self.queue.next_at().map_or(Next::AfterNews, Next::At));
            };
            match self.limiter.ask(now - self.started) {
                Verdict::Go(ticket) => self.start(pending, ticket, now),
                Verdict::NotBefore(at) => {
                    self.queue.put_back(pending);
                    return Ok(Next::At(self.started + at));
                }
                Verdict::Full => {
                    self.queue.put_back(pending);
                    return Ok(Next::AfterNews);
                }
            }
        }
        Ok(Next::At(Instant::now()))
    }

    fn start(&mut self, mut pending: Pending, ticket: super::limiter::Ticket, now: Instant) {
        pending.first_sent.get_or_insert(now);
        self.work.outcomes.progress().sent(pending.attempts > 0);
        let work = Arc::clone(&self.work);
        let (row, body) = (pending.row as usize, pending.body.take());
        let earlier = pending
            .earlier
            .as_ref()
            .map(|earlier| (earlier.row.text.as_deref().unwrap_or_default().to_owned(), earlier.problem.clone()));
        let attempt = async move { work.attempt(row, body, earlier, 0).await };
        self.flights.start(Purpose::Row(pending), ticket, 0, now, attempt);
    }

    fn tell(&self) {
        let waiting = self.limiter.is_waiting_on_quota(self.started.elapsed());
        self.work.outcomes.progress().limited(self.limiter.concurrency(), waiting);
    }

    fn take_in(&mut self, landed: Landed) -> Result<()> {
        self.work.outcomes.progress().returned();
        let Landed { flight, attempt } = landed;
        let Flight { purpose, ticket, .. } = flight;
        let Purpose::Row(mut pending) = purpose else { return Ok(()) };
        match attempt {
            Err(cause) => {
                self.limiter.failed();
                let error = Error::new(ErrorKind::Internal, format!("the row's task ended unexpectedly: {cause}"));
                self.give_up(pending.row, error)
            }
            Ok(Attempt::Unsent(error)) => {
                self.limiter.unsent(&ticket);
                self.work.outcomes.progress().unsent();
                self.give_up(pending.row, error)
            }
            Ok(Attempt::Answered(answered)) => {
                self.limiter.answered(&ticket, tokens(&answered.row.usage));
                self.answered(pending, *answered);
                Ok(())
            }
            Ok(Attempt::Failed(error, body)) => {
                pending.body = body;
                let now = Instant::now();
                if let Some(wait) = self.wait_after(&mut pending, &ticket, &error, now) {
                    self.queue.push(pending, now + wait);
                    return Ok(());
                }
                // The refusal that ends a row is what became of it.
                pending.attempts += u32::from(error.kind() == ErrorKind::Throttled);
                self.give_up(pending.row, error.with_attempts(pending.attempts))
            }
        }
    }

    fn answered(&mut self, mut pending: Pending, mut answered: Answered) {
        pending.attempts += 1;
        let asked_once = pending.earlier.is_none();
        if let Some(problem) = self.work.worth_asking_again(&answered.row).filter(|_| asked_once) {
            let row = answered.row;
            pending.earlier = Some(Box::new(Earlier { row, problem }));
            self.queue.push(pending, Instant::now());
            return;
        }
        if let Some(earlier) = pending.earlier.take() {
            answered.row = earlier.and_then(answered.row);
        }
        answered.row.attempts = pending.attempts;
        answered.row.latency_ms = pending.first_sent.map(|sent| sent.elapsed().as_secs_f64() * 1_000.0);
        let answer = self.work.stored(pending.row as usize, &answered, 0);
        self.committer.keep(Paid { row: pending.row, key: pending.key, outcome: answered.row, answer });
    }

    /// How long a row waits for its next attempt; `None` when it has had enough of them.
    fn wait_after(
        &mut self,
        pending: &mut Pending,
        ticket: &super::limiter::Ticket,
        error: &Error,
        now: Instant,
    ) -> Option<Duration> {
        let elapsed = pending.first_sent.map_or(Duration::ZERO, |sent| now - sent);
        if error.kind() == ErrorKind::Throttled {
            // Being asked to slow down is no failure of the row: only its deadline ends that.
            self.work.outcomes.progress().refused();
            let asked = error.details().retry_after;
            self.limiter.throttled(ticket, now - self.started, asked);
            let wait = asked.unwrap_or_default();
            return (elapsed + wait < self.policy.deadline).then_some(wait);
        }
        self.limiter.failed();
        pending.attempts += 1;
        let wait = self.policy.next_wait(error, pending.attempts, pending.attempts, elapsed, SystemClock.chance());
        tracing::debug!(row = pending.row, attempts = pending.attempts, ?wait, %error, "an attempt failed");
        wait
    }

    /// The row's outcome is the error, and so is the run's when every row would meet it.
    fn give_up(&mut self, row: u32, error: Error) -> Result<()> {
        self.work.outcomes.finish([(row, Row::from_error(&error))]);
        if error.stops_the_run() { Err(error) } else { Ok(()) }
    }
}

/// What counts against a quota of tokens.
fn tokens(usage: &Usage) -> Option<f64> {
    let count = |tokens: Option<i64>| tokens.unwrap_or(0).max(0);
    usage.input_tokens?;
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    let sum = (count(usage.input_tokens) + count(usage.output_tokens) + count(usage.thinking_tokens)) as f64;
    Some(sum)
}
