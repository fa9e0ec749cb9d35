//! Keeps paid answers: an answer counts only once the store holds it.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::answers::Row;
use super::work::Work;
use crate::error::{Error, ErrorKind};
use crate::store::{Key, Store, StoredAnswer};

/// Lots that are put into the store at once, at most.
const LOTS_AT_A_TIME: usize = 16;

/// How long an answer waits for others to be committed with it: a commit waits for the disk, however few there are.
const COMPANY: Duration = Duration::from_millis(25);

/// As much company as any answer waits for.
const COMPANY_ENOUGH: usize = 128;

/// An answer on its way into the store.
pub(super) struct Paid {
    pub(super) row: u32,
    pub(super) key: Key,
    /// The row's outcome, where this is its last answer.
    pub(super) outcome: Option<Row>,
    pub(super) answer: StoredAnswer,
}

/// Takes answers in and tells how many are kept. After the first failure nothing more is kept: the run ends with it.
pub(super) struct Committer {
    lots: mpsc::UnboundedSender<Vec<Paid>>,
    kept: mpsc::UnboundedReceiver<(usize, Result<(), Error>)>,
    /// Those that wait for company, until then.
    gathered: Vec<Paid>,
    until: Option<Instant>,
    company: Duration,
    waiting: usize,
}

impl Committer {
    /// Starts a task that outlives its run if that is dropped, until everything handed over is kept.
    pub(super) fn start(work: Arc<Work>, store: Store) -> Self {
        // A store that gathers answers itself needs no other to do so.
        let company = if store.path().is_some() && store.linger().is_zero() { COMPANY } else { Duration::ZERO };
        let (lots, mut queue) = mpsc::unbounded_channel::<Vec<Paid>>();
        let (told, kept) = mpsc::unbounded_channel();
        #[expect(clippy::disallowed_methods, reason = "what was handed over is kept also when the run is dropped")]
        tokio::spawn(async move {
            let mut lots = Vec::new();
            let mut is_broken = false;
            while queue.recv_many(&mut lots, LOTS_AT_A_TIME).await > 0 {
                let (outcomes, entries): (Vec<_>, Vec<_>) =
                    lots.drain(..).flatten().map(|paid| ((paid.row, paid.outcome), (paid.key, paid.answer))).unzip();
                let answers = entries.len();
                let outcomes = outcomes.into_iter().filter_map(|(row, outcome)| Some((row, outcome?)));
                let put = if is_broken { Ok(()) } else { store.put(entries).await };
                is_broken |= put.is_err();
                // What could not be kept was paid for all the same: the results hold it, and the error tells of it.
                work.outcomes.finish(outcomes);
                // Nobody listens once the run is over.
                let _ = told.send((answers, put));
            }
        });
        Self { lots, kept, gathered: Vec::new(), until: None, company, waiting: 0 }
    }

    /// Takes an answer.
    pub(super) fn keep(&mut self, paid: Paid, now: Instant) {
        self.waiting += 1;
        self.gathered.push(paid);
        self.until.get_or_insert(now + self.company);
    }

    /// Has those that waited long enough kept, or all when they are as many as `expected` at a time; tells when to ask
    /// again.
    pub(super) fn hand_over(&mut self, expected: usize, now: Instant) -> Option<Instant> {
        let until = self.until?;
        if until > now && self.gathered.len() < expected.min(COMPANY_ENOUGH) {
            return Some(until);
        }
        self.until = None;
        // A task that ended has told why, which is heard next.
        let _ = self.lots.send(std::mem::take(&mut self.gathered));
        None
    }

    /// Answers of which is not known yet whether they are kept.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Waits until some of what was handed over is kept, or could not be.
    pub(super) async fn kept(&mut self) -> Result<(), Error> {
        if let Some((answers, put)) = self.kept.recv().await {
            self.waiting -= answers;
            return put;
        }
        self.waiting = 0;
        Err(Error::new(ErrorKind::Internal, "the task that keeps answers ended unexpectedly"))
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        let _ = self.lots.send(std::mem::take(&mut self.gathered));
    }
}
