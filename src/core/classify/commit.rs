//! Keeps paid answers: an answer counts only once the store holds it.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

use super::answers::Row;
use super::work::Work;
use crate::error::{Error, ErrorKind};
use crate::retry::{Clock, SystemClock};
use crate::store::{Key, Store, StoredAnswer};

/// Answers that are handed to the store at once, at most.
const ANSWERS_AT_A_TIME: usize = 1_024;

/// How long an answer waits for others to be committed with it: a commit waits for the disk, however few there are.
const COMPANY: Duration = Duration::from_millis(5);

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
    answers: mpsc::UnboundedSender<Paid>,
    kept: mpsc::UnboundedReceiver<(usize, Result<(), Error>)>,
    waiting: usize,
}

impl Committer {
    /// Starts a task that outlives its run if that is dropped, until everything handed over is kept.
    pub(super) fn start(work: Arc<Work>, store: Store) -> Self {
        let (answers, mut queue) = mpsc::unbounded_channel::<Paid>();
        let (told, kept) = mpsc::unbounded_channel();
        #[expect(clippy::disallowed_methods, reason = "what was handed over is kept also when the run is dropped")]
        tokio::spawn(async move {
            let mut lot = Vec::new();
            let mut is_broken = false;
            while queue.recv_many(&mut lot, ANSWERS_AT_A_TIME).await > 0 {
                if store.path().is_some() && !is_broken {
                    SystemClock.sleep(COMPANY).await;
                    lot.extend(std::iter::from_fn(|| queue.try_recv().ok()).take(ANSWERS_AT_A_TIME));
                }
                let answers = lot.len();
                let (outcomes, entries): (Vec<_>, Vec<_>) =
                    lot.drain(..).map(|paid| ((paid.row, paid.outcome), (paid.key, paid.answer))).unzip();
                let outcomes = outcomes.into_iter().filter_map(|(row, outcome)| Some((row, outcome?)));
                let put = if is_broken { Ok(()) } else { store.put(entries).await };
                is_broken |= put.is_err();
                // What could not be kept was paid for all the same: the results hold it, and the error tells of it.
                work.outcomes.finish(outcomes);
                // Nobody listens once the run is over.
                let _ = told.send((answers, put));
            }
        });
        Self { answers, kept, waiting: 0 }
    }

    /// Hands an answer over.
    pub(super) fn keep(&mut self, paid: Paid) {
        self.waiting += 1;
        // A task that ended has told why, which is heard next.
        let _ = self.answers.send(paid);
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
