//! One dispatcher sends every row: it asks the limiter when the next may go, and decides what becomes of those that return.

use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, timeout, timeout_at};

use super::answers::Row;
use super::limiter::{Limiter, Limits, Ticket, Verdict};
use super::queue::{Pending, Queue};
use super::run::Work;
use crate::error::{Error, ErrorKind, Result};
use crate::gemini::Usage;
use crate::retry::{Clock, RetryPolicy, SystemClock};

/// Rows looked at before the dispatcher lets others run and hears whether it was cancelled.
const ROWS_AT_A_TIME: usize = 256;

/// How long a run that ends early waits for the answers under way, which are paid for.
const LAST_ANSWERS: Duration = Duration::from_secs(5);

/// Sends the rows of one run.
pub(super) struct Dispatcher {
    work: Arc<Work>,
    limiter: Limiter,
    queue: Queue,
    under_way: JoinSet<Returned>,
    policy: RetryPolicy,
    started: Instant,
}

/// What became of one attempt.
pub(super) enum Attempt {
    /// The request could not be made.
    Unsent(Error),
    /// There is an answer.
    Answered(Row),
    /// There is none; the request, to be sent again.
    Failed(Error, Bytes),
}

struct Returned {
    pending: Pending,
    ticket: Ticket,
    attempt: Attempt,
}

/// When to look for rows again.
enum Next {
    Now,
    At(Instant),
    AfterReturn,
}

impl Dispatcher {
    pub(super) fn new(work: Arc<Work>, limits: &Limits, policy: RetryPolicy) -> Self {
        let queue = Queue::new(work.len());
        let limiter = Limiter::new(limits);
        Self { work, limiter, queue, under_way: JoinSet::new(), policy, started: Instant::now() }
    }

    /// Ends when every row has an outcome, or with the first error that every row would meet. Dropping it stops what is
    /// under way.
    pub(super) async fn run(mut self) -> Result<()> {
        let outcome = self.send_all().await;
        if outcome.is_err() {
            // What does not come in time is dropped with the dispatcher.
            let _ = timeout(LAST_ANSWERS, self.take_in_the_last()).await;
        }
        outcome
    }

    /// The first error is the one to tell; what the others meet is in their rows.
    async fn take_in_the_last(&mut self) {
        while let Some(ended) = self.under_way.join_next().await {
            let _ = ended.map(|returned| self.take_in(returned));
        }
    }

    async fn send_all(&mut self) -> Result<()> {
        loop {
            let next = self.send()?;
            self.tell();
            let returned = match next {
                Next::Now => {
                    tokio::task::yield_now().await;
                    self.under_way.try_join_next()
                }
                Next::At(instant) if self.under_way.is_empty() => {
                    SystemClock.sleep(instant.saturating_duration_since(Instant::now())).await;
                    None
                }
                Next::At(instant) => timeout_at(instant, self.under_way.join_next()).await.unwrap_or_default(),
                Next::AfterReturn => match self.under_way.join_next().await {
                    None => return Ok(()),
                    returned => returned,
                },
            };
            self.take_in_all(returned)?;
        }
    }

    /// Sends what may go now.
    fn send(&mut self) -> Result<Next> {
        for _ in 0..ROWS_AT_A_TIME {
            let now = Instant::now();
            let Some(pending) = self.queue.pop(now) else {
                return Ok(self.queue.next_at().map_or(Next::AfterReturn, Next::At));
            };
            if let Err(error) = self.work.check(pending.row) {
                self.give_up(&pending, error)?;
                continue;
            }
            match self.limiter.ask(now - self.started) {
                Verdict::Go(ticket) => self.start(pending, ticket, now),
                Verdict::NotBefore(at) => {
                    self.queue.put_back(pending);
                    return Ok(Next::At(self.started + at));
                }
                Verdict::Full => {
                    self.queue.put_back(pending);
                    return Ok(Next::AfterReturn);
                }
            }
        }
        Ok(Next::Now)
    }

    fn start(&mut self, mut pending: Pending, ticket: Ticket, now: Instant) {
        pending.first_sent.get_or_insert(now);
        self.work.progress().began();
        let work = Arc::clone(&self.work);
        self.under_way.spawn(async move {
            let attempt = work.attempt(pending.row, pending.body.take()).await;
            Returned { pending, ticket, attempt }
        });
    }

    fn tell(&self) {
        let waiting = self.limiter.is_waiting_on_quota(self.started.elapsed());
        self.work.progress().limited(self.limiter.concurrency(), waiting);
    }

    fn take_in_all(&mut self, first: Option<std::result::Result<Returned, JoinError>>) -> Result<()> {
        let mut next = first;
        while let Some(ended) = next {
            let returned = ended.map_err(|cause| {
                Error::new(ErrorKind::Internal, "a row's task ended unexpectedly").with_source(cause)
            })?;
            self.take_in(returned)?;
            next = self.under_way.try_join_next();
        }
        Ok(())
    }

    fn take_in(&mut self, returned: Returned) -> Result<()> {
        let Returned { mut pending, ticket, attempt } = returned;
        self.work.progress().returned();
        match attempt {
            Attempt::Unsent(error) => {
                self.limiter.unsent(&ticket);
                self.give_up(&pending, error)
            }
            Attempt::Answered(mut row) => {
                self.limiter.answered(&ticket, tokens(&row.usage));
                row.attempts = pending.attempts + 1;
                row.latency_ms = pending.first_sent.map(|sent| sent.elapsed().as_secs_f64() * 1_000.0);
                self.work.finish(pending.row, row);
                Ok(())
            }
            Attempt::Failed(error, body) => {
                pending.body = Some(body);
                let now = Instant::now();
                if let Some(wait) = self.wait_after(&mut pending, &ticket, &error, now) {
                    self.queue.push(pending, now + wait);
                    return Ok(());
                }
                // The refusal that ends a row is what became of it.
                pending.attempts += u32::from(error.kind() == ErrorKind::Throttled);
                self.give_up(&pending, error)
            }
        }
    }

    /// How long a row waits for its next attempt; `None` when it has had enough of them.
    fn wait_after(&mut self, pending: &mut Pending, ticket: &Ticket, error: &Error, now: Instant) -> Option<Duration> {
        let elapsed = pending.first_sent.map_or(Duration::ZERO, |sent| now - sent);
        if error.kind() == ErrorKind::Throttled {
            // Being asked to slow down is no failure of the row: only its deadline ends that.
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
    fn give_up(&mut self, pending: &Pending, error: Error) -> Result<()> {
        let error = error.with_attempts(pending.attempts);
        self.work.finish(pending.row, Row::from_error(&error));
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
