//! The rows that are still to be asked: those that wait for their next attempt, those that were refused, and the rest.

use bytes::Bytes;
use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;
use tokio::time::Instant;

/// A row on its way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) row: usize,
    /// The request, once it was rendered.
    pub(super) body: Option<Bytes>,
    pub(super) first_sent: Option<Instant>,
    /// How often it was sent and not refused for the quota.
    pub(super) attempts: u32,
}

/// Rows in the order in which they go: what was asked before goes before what was not.
#[derive(Debug)]
pub(super) struct Queue {
    fresh: Range<usize>,
    again: VecDeque<Pending>,
    later: BinaryHeap<Later>,
}

#[derive(Debug)]
struct Later {
    at: Instant,
    pending: Pending,
}

impl Queue {
    pub(super) fn new(rows: usize) -> Self {
        Self { fresh: 0..rows, again: VecDeque::new(), later: BinaryHeap::new() }
    }

    /// The next row that may go at `now`.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Pending> {
        while self.later.peek().is_some_and(|later| later.at <= now) {
            self.again.extend(self.later.pop().map(|later| later.pending));
        }
        self.again.pop_front().or_else(|| {
            let row = self.fresh.next()?;
            Some(Pending { row, body: None, first_sent: None, attempts: 0 })
        })
    }

    /// Puts back what was just popped and may not go yet.
    pub(super) fn put_back(&mut self, pending: Pending) {
        self.again.push_front(pending);
    }

    /// A row that may go again at `at`.
    pub(super) fn push(&mut self, pending: Pending, at: Instant) {
        self.later.push(Later { at, pending });
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

    fn order(queue: &mut Queue, now: Instant) -> Vec<usize> {
        std::iter::from_fn(|| queue.pop(now)).map(|pending| pending.row).collect()
    }

    #[test]
    fn a_refused_row_goes_before_those_that_were_never_asked() {
        let now = Instant::now();
        let mut queue = Queue::new(4);
        let (first, second) = (queue.pop(now).unwrap(), queue.pop(now).unwrap());
        queue.push(second, now);
        queue.push(first, now);
        assert_eq!(order(&mut queue, now), [0, 1, 2, 3]);
    }

    #[test]
    fn a_waiting_row_lets_the_others_pass_until_its_time() {
        let now = Instant::now();
        let at = now + Duration::from_secs(5);
        let mut queue = Queue::new(3);
        let first = queue.pop(now).unwrap();
        queue.push(first, at);
        assert_eq!(order(&mut queue, now), [1, 2]);
        assert_eq!(queue.next_at(), Some(at));
        assert_eq!(order(&mut queue, at), [0]);
    }
}
