//! The rows that are still to be asked: those that wait for their next attempt, those that were refused, and the rest.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use tokio::time::Instant;

use super::work::{Body, Earlier};
use crate::store::Key;

/// Rows that wait for their turn before the feed is asked for more.
const ROWS_AHEAD: usize = 256;

/// A row on its way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) row: u32,
    pub(super) key: Key,
    /// The request, where it is kept for another attempt.
    pub(super) body: Option<Body>,
    /// The answer that did not fit, when it is asked for once more.
    pub(super) earlier: Option<Box<Earlier>>,
    pub(super) first_sent: Option<Instant>,
    /// How often it was sent and not refused for the quota.
    pub(super) attempts: u32,
    /// Whether its last attempt failed, so that the next one is a retry.
    pub(super) has_failed: bool,
    /// How often its images could not be fetched.
    pub(super) preparations: u32,
    /// Whether its image goes along because Gemini may not read it.
    pub(super) goes_along: bool,
}

impl Pending {
    pub(super) fn new(row: u32, key: Key) -> Self {
        Self {
            row,
            key,
            body: None,
            earlier: None,
            first_sent: None,
            attempts: 0,
            has_failed: false,
            preparations: 0,
            goes_along: false,
        }
    }
}

/// Rows in the order in which they go: what was asked before goes before what was not.
#[derive(Debug, Default)]
pub(super) struct Queue {
    fresh: VecDeque<(u32, Key)>,
    again: VecDeque<Pending>,
    later: BinaryHeap<Later>,
}

#[derive(Debug)]
struct Later {
    at: Instant,
    pending: Pending,
}

impl Queue {
    /// A row that was never asked.
    pub(super) fn add(&mut self, row: u32, key: Key) {
        self.fresh.push_back((row, key));
    }

    /// Whether so few rows wait that others should be brought.
    pub(super) fn wants_more(&self) -> bool {
        self.fresh.len() < ROWS_AHEAD
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.again.is_empty() && self.later.is_empty()
    }

    /// The next row that may go at `now`.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Pending> {
        while self.later.peek().is_some_and(|later| later.at <= now) {
            self.again.extend(self.later.pop().map(|later| later.pending));
        }
        self.again.pop_front().or_else(|| self.fresh.pop_front().map(|(row, key)| Pending::new(row, key)))
    }

    /// Puts back what was just popped and may not go yet.
    pub(super) fn put_back(&mut self, pending: Pending) {
        self.again.push_front(pending);
    }

    /// A row that may go again at `at`.
    pub(super) fn push(&mut self, pending: Pending, at: Instant) {
        self.later.push(Later { at, pending });
    }

    /// Takes out the rows that have an answer and were to be asked once more.
    pub(super) fn take_answered(&mut self) -> Vec<Pending> {
        let later = std::mem::take(&mut self.later).into_iter().map(|later| later.pending);
        self.again.drain(..).chain(later).filter(|pending| pending.earlier.is_some()).collect()
    }

    /// When a waiting row may go.
    pub(super) fn next_at(&self) -> Option<Instant> {
        self.later.peek().map(|later| later.at)
    }
}

/// The earliest is the greatest, and of two at the same time the one that comes first in the input.
impl Ord for Later {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.pending.row).cmp(&(self.at, self.pending.row))
    }
}

impl PartialOrd for Later {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Later {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Later {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn queue(rows: u32) -> Queue {
        let mut queue = Queue::default();
        for row in 0..rows {
            queue.add(row, Key::builder("test").finish());
        }
        queue
    }

    fn order(queue: &mut Queue, now: Instant) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop(now)).map(|pending| pending.row).collect()
    }

    #[test]
    fn a_refused_row_goes_before_those_that_were_never_asked() {
        let now = Instant::now();
        let mut queue = queue(4);
        let (first, second) = (queue.pop(now).unwrap(), queue.pop(now).unwrap());
        queue.push(second, now);
        queue.push(first, now);
        assert_eq!(order(&mut queue, now), [0, 1, 2, 3]);
    }

    #[test]
    fn a_waiting_row_lets_the_others_pass_until_its_time() {
        let now = Instant::now();
        let at = now + Duration::from_secs(5);
        let mut queue = queue(3);
        let first = queue.pop(now).unwrap();
        queue.push(first, at);
        assert_eq!(order(&mut queue, now), [1, 2]);
        assert_eq!(queue.next_at(), Some(at));
        assert_eq!(order(&mut queue, at), [0]);
    }
}
