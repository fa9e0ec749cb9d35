//! What becomes of the requests that return: answered, asked once more, sent again, or given up.

use std::time::Duration;
use tokio::time::Instant;

use super::access::ImageAccess;
use super::answers::{Row, Status};
use super::buckets::Next;
use super::commit::Paid;
use super::dispatcher::Dispatcher;
use super::flights::{Flight, Landed, Purpose};
use super::limiter::Ticket;
use super::queue::Pending;
use super::trouble::{Outcome, Trouble, Verdict};
use super::work::{Answered, Attempt, Body, Earlier, Work};
use crate::error::{Error, ErrorKind, Result};
use crate::gemini::Usage;
use crate::retry::{Clock, Sign, SystemClock};

impl Dispatcher {
    /// Takes in a request that came back.
    pub(super) fn take_in(&mut self, landed: Landed) -> Result<()> {
        self.work.outcomes.progress().returned();
        let Landed { flight, attempt } = landed;
        match attempt {
            Ok(Attempt::Answered(answered)) => self.take_in_answer(flight, *answered),
            Ok(Attempt::Unsent(error)) => {
                self.limiter.unsent(&flight.ticket);
                self.work.outcomes.progress().unsent();
                self.policies.release(flight.reserved);
                match self.row_of(flight.purpose, flight.twin) {
                    Some(pending) => self.prepare_again_or_give_up(pending, error, flight.sent),
                    None => Ok(()),
                }
            }
            Ok(Attempt::Failed(error, body)) => self.take_in_failure(flight, error, body),
            Err(cause) => {
                self.limiter.failed(&flight.ticket, self.since_start(Instant::now()), false);
                self.policies.settle(flight.reserved, None);
                let error = Error::new(ErrorKind::Internal, format!("the row's task ended unexpectedly: {cause}"));
                match self.row_of(flight.purpose, flight.twin) {
                    Some(pending) => self.end_without_answer(pending, error),
                    None => Ok(()),
                }
            }
        }
    }

    /// The row of a request that gave no answer; `None` where the other request for the row goes on, or this was that.
    fn row_of(&mut self, purpose: Purpose, twin: Option<tokio::task::Id>) -> Option<Pending> {
        let Purpose::Row(pending) = purpose else { return None };
        match twin {
            None => Some(pending),
            Some(twin) => self.flights.promote(twin, pending).err(),
        }
    }

    /// An image could not be fetched. Gemini was not asked, however often Cloud Storage was.
    fn prepare_again_or_give_up(&mut self, mut pending: Pending, error: Error, sent: Instant) -> Result<()> {
        let (now, policy) = (Instant::now(), self.policies.policy);
        let elapsed = pending.first_sent.map_or(Duration::ZERO, |sent| now - sent);
        pending.preparations += 1;
        let tries = pending.preparations;
        let wait = if self.policies.trouble.may_be_accepted_again(&error, self.since_start(sent), self.since_start(now))
        {
            Some(policy.backoff.delay(1, SystemClock.chance()))
        } else {
            policy.next_wait(&error, tries, tries, elapsed, SystemClock.chance())
        };
        match wait {
            Some(wait) => {
                tracing::debug!(row = pending.row, tries, ?wait, %error, "an image could not be fetched");
                self.queue.push(pending, now + wait);
                Ok(())
            }
            None => self.end_without_answer(pending, error),
        }
    }

    fn take_in_answer(&mut self, flight: Flight, answered: Answered) -> Result<()> {
        let Flight { purpose, ticket, reserved, sent, twin, .. } = flight;
        let now = Instant::now();
        self.limiter.answered(&ticket, tokens(&answered.row.usage));
        self.policies.settle(reserved, answered.row.cost_usd);
        self.policies.outage.observe(self.since_start(now), Sign::Answers);
        self.policies.retries.answered(self.since_start(now));
        self.left.retain(|place| *place != ticket.place());
        let other = twin.and_then(|twin| self.flights.stop(twin));
        let pending = match (purpose, other) {
            (Purpose::Row(mut pending), other) => {
                if pending.attempts == 0
                    && let Some(hedge) = &mut self.policies.hedge
                {
                    hedge.completed(now - sent);
                }
                if let Some(other) = other {
                    self.drop_second(other, false);
                    pending.attempts += 1;
                }
                pending
            }
            (Purpose::Hedge, Some(first)) => {
                let Some(mut pending) = self.drop_second(first, true) else { return Ok(()) };
                pending.attempts += 1;
                pending
            }
            // The first was answered or given up in the meantime.
            (Purpose::Hedge, None) => return Ok(()),
        };
        self.answered(pending, answered, ticket.place())
    }

    /// Drops the slower one of two requests for a row; whether it is billed is not known, so it counts as if it were.
    fn drop_second(&mut self, flight: Flight, is_first: bool) -> Option<Pending> {
        let now = Instant::now();
        self.work.outcomes.progress().returned();
        self.limiter.dropped(&flight.ticket);
        self.policies.settle(flight.reserved, None);
        if let Some(hedge) = &mut self.policies.hedge {
            if is_first {
                hedge.completed(now - flight.sent);
                hedge.won();
            } else {
                hedge.lost();
            }
        }
        match flight.purpose {
            Purpose::Row(pending) => Some(pending),
            Purpose::Hedge => None,
        }
    }

    fn answered(&mut self, mut pending: Pending, mut answered: Answered, place: usize) -> Result<()> {
        pending.attempts += 1;
        self.work.input.accepted(pending.row as usize, &self.work.images);
        let problem = self.work.worth_asking_again(&answered.row).filter(|_| pending.earlier.is_none());
        if let Some(problem) = problem {
            // It was paid for, whatever comes of the second question.
            let answer = self.work.stored_before_asking_again(pending.row as usize, &answered, place);
            let paid = Paid { row: pending.row, key: pending.key, outcome: None, answer };
            self.committer.keep(paid, Instant::now());
            pending.earlier = Some(Box::new(Earlier { row: answered.row, problem }));
            self.queue.push(pending, Instant::now());
            return Ok(());
        }
        if let Some(earlier) = pending.earlier.take() {
            answered.row = earlier.and_then(answered.row);
        }
        answered.row.attempts = pending.attempts;
        answered.row.latency_ms = pending.first_sent.map(|sent| sent.elapsed().as_secs_f64() * 1_000.0);
        let verdict = self.policies.trouble.of_answer(&self.work, pending.row, &answered.row);
        let answer = self.work.stored(pending.row as usize, &answered, place);
        let paid = Paid { row: pending.row, key: pending.key, outcome: Some(answered.row), answer };
        self.committer.keep(paid, Instant::now());
        self.follow(verdict)
    }

    fn take_in_failure(&mut self, flight: Flight, error: Error, body: Option<Body>) -> Result<()> {
        let Flight { purpose, ticket, reserved, sent, twin, .. } = flight;
        let now = Instant::now();
        let row = match &purpose {
            Purpose::Row(pending) => pending.row as usize,
            Purpose::Hedge => 0,
        };
        self.hear_failure(&ticket, &error, row, now);
        // A refusal costs nothing, and neither does what was not sent; an answer that was lost on the way may.
        let is_free = error.is_unsent() || error.details().status.is_some();
        if is_free {
            self.policies.release(reserved);
        } else {
            self.policies.settle(reserved, None);
        }
        let Some(mut pending) = self.row_of(purpose, twin) else { return Ok(()) };
        pending.body = body;
        self.send_again_or_give_up(pending, error, ticket.place(), sent)
    }

    /// What everyone who has a say in what is sent learns from a failure.
    fn hear_failure(&mut self, ticket: &Ticket, error: &Error, row: usize, now: Instant) {
        let since_start = self.since_start(now);
        self.policies.outage.observe(since_start, Sign::of(error, row));
        if error.kind() == ErrorKind::Throttled {
            self.work.outcomes.progress().refused();
            self.limiter.throttled(ticket, since_start, error.details().retry_after);
            return;
        }
        let is_trouble = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Transport | ErrorKind::Timeout);
        self.limiter.failed(ticket, since_start, is_trouble);
        if error.is_retryable() {
            self.policies.retries.failed(since_start);
        } else {
            self.policies.retries.answered(since_start);
        }
    }

    fn send_again_or_give_up(&mut self, mut pending: Pending, error: Error, place: usize, sent: Instant) -> Result<()> {
        let now = Instant::now();
        if self.policies.outage.gave_up(self.since_start(now)) {
            let given_up = self.policies.outage.error(self.since_start(now), &error);
            pending.attempts += 1;
            // What ends the run comes first.
            let _ = self.end_without_answer(pending, error);
            return Err(given_up);
        }
        if self.sends_along(&mut pending, &error) {
            pending.attempts += 1;
            pending.body = None;
            self.queue.push(pending, now);
            return Ok(());
        }
        if self.policies.trouble.may_be_accepted_again(&error, self.since_start(sent), self.since_start(now)) {
            let wait = self.policies.policy.backoff.delay(1, SystemClock.chance());
            self.queue.push(pending, now + wait);
            return Ok(());
        }
        // Credentials are the same everywhere.
        let is_of_place = error.stops_the_run() && error.kind() != ErrorKind::Authentication;
        if is_of_place && self.leave(place, &error, now) {
            self.queue.push(pending, now);
            return Ok(());
        }
        if let Some(wait) = self.wait_after(&mut pending, &error, now) {
            tracing::debug!(row = pending.row, attempts = pending.attempts, ?wait, %error, "an attempt failed");
            self.queue.push(pending, now + wait);
            return Ok(());
        }
        // The refusal that ends a row is what became of it.
        pending.attempts += u32::from(!error.costs_an_attempt());
        self.end_without_answer(pending, error)
    }

    /// Nothing more is asked for a row: an answer that did not fit is its outcome, or else the error.
    pub(super) fn end_without_answer(&mut self, mut pending: Pending, error: Error) -> Result<()> {
        if let Some(earlier) = pending.earlier.take() {
            return self.settle_for_the_first(&pending, *earlier, &error);
        }
        let error = self.work.explained(pending.row, error);
        self.give_up(pending.row, error.with_attempts(pending.attempts))
    }

    /// Leaves a place that serves nobody, where there are others; tells whether there are.
    fn leave(&mut self, place: usize, error: &Error, now: Instant) -> bool {
        let places = &self.work.destinations;
        if self.left.iter().filter(|left| **left != place).count() + 1 >= places.len() {
            return false;
        }
        self.limiter.leave(place, self.since_start(now));
        if !self.left.contains(&place) {
            self.left.push(place);
            let location = &places[place].place.location;
            self.work.outcomes.note(format!("`{location}` is left, and the other regions go on: {}", error.message()));
        }
        true
    }

    /// Whether the row goes again with its image sent along, because Gemini may not read it.
    fn sends_along(&self, pending: &mut Pending, error: &Error) -> bool {
        let work = &self.work;
        if pending.goes_along || !ImageAccess::is_refusal(error) {
            return false;
        }
        pending.goes_along = work.input.after_refusal(pending.row as usize, &work.images) == Next::SendInline;
        pending.goes_along
    }

    /// How long a row waits for its next attempt; `None` when it has had enough of them.
    fn wait_after(&mut self, pending: &mut Pending, error: &Error, now: Instant) -> Option<Duration> {
        let policy = self.policies.policy;
        let elapsed = pending.first_sent.map_or(Duration::ZERO, |sent| now - sent);
        if error.kind() == ErrorKind::Throttled {
            // Being asked to slow down is no failure of the row: only its deadline ends that.
            let wait = error.details().retry_after.unwrap_or_default();
            return (elapsed + wait < policy.deadline).then_some(wait);
        }
        if error.costs_an_attempt() && self.policies.outage.counts_against_row() {
            pending.attempts += 1;
        }
        let attempts = pending.attempts.max(1);
        let wait = policy.next_wait(error, attempts, pending.attempts, elapsed, SystemClock.chance());
        pending.has_failed = wait.is_some();
        // A first attempt that timed out has waited already.
        let is_late = error.kind() == ErrorKind::Timeout && attempts == 1;
        wait.map(|wait| if is_late { Duration::ZERO } else { wait })
    }

    /// The run ends before these rows could be asked once more: their first answers, which were paid for, are theirs.
    pub(super) fn settle_for_first_answers(&mut self) {
        let rest: Vec<Pending> = self.queue.take_answered().into_iter().chain(self.flights.stop_all()).collect();
        for mut pending in rest {
            if let Some(earlier) = pending.earlier.take() {
                let outcome = first_answer(&pending, *earlier, "the run ended before it was asked once more");
                self.work.outcomes.finish([(pending.row, outcome)]);
            }
        }
    }

    /// The second question was not answered: the first answer, which was paid for, is the row's.
    fn settle_for_the_first(&mut self, pending: &Pending, earlier: Earlier, error: &Error) -> Result<()> {
        let outcome = first_answer(pending, earlier, &format!("asked once more: {}", error.message()));
        let verdict = self.policies.trouble.of_answer(&self.work, pending.row, &outcome);
        self.work.outcomes.finish([(pending.row, outcome)]);
        self.follow(verdict)
    }

    /// The row's outcome is the error, and so is the run's when every row would meet it.
    pub(super) fn give_up(&mut self, row: u32, error: Error) -> Result<()> {
        let verdict = self.policies.trouble.of_error(&self.work, row, &error);
        self.work.outcomes.finish([(row, Row::from_error(&error))]);
        match verdict {
            Verdict::StopWithIt => Err(error),
            verdict => self.follow(verdict),
        }
    }

    fn follow(&mut self, verdict: Verdict) -> Result<()> {
        match verdict {
            Verdict::Continue | Verdict::StopWithIt => Ok(()),
            Verdict::SkipBucket(note) => {
                self.work.outcomes.note(note);
                Ok(())
            }
            Verdict::Stop(error) => Err(error),
        }
    }
}

impl Trouble {
    fn of_answer(&mut self, work: &Work, row: u32, outcome: &Row) -> Verdict {
        let bucket = work.input.bucket(row as usize);
        let told = outcome.error.as_deref().unwrap_or("the answer is of no use");
        let outcome = if outcome.status == Status::Ok { Outcome::Answered } else { Outcome::Unusable(told) };
        self.finished(bucket, outcome)
    }

    fn of_error(&mut self, work: &Work, row: u32, error: &Error) -> Verdict {
        self.finished(work.input.bucket(row as usize), Outcome::Failed(error))
    }

    /// Why a row need not be sent: its bucket cannot be read.
    pub(super) fn broken_bucket_of(&self, work: &Work, row: u32) -> Option<Error> {
        if !self.has_broken_buckets() {
            return None;
        }
        self.broken(work.input.bucket(row as usize)?).map(Error::without_source)
    }
}

fn first_answer(pending: &Pending, earlier: Earlier, second: &str) -> Row {
    Row {
        error: Some(format!("{}; {second}", earlier.problem).into_boxed_str()),
        attempts: pending.attempts,
        latency_ms: pending.first_sent.map(|sent| sent.elapsed().as_secs_f64() * 1_000.0),
        ..earlier.row
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
