//! Brings the rows to the dispatcher in input order: those that were answered before with their answers, the rest to be asked.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::answers::Row;
use super::work::{Earlier, Recalled, Work};
use crate::error::{Error, Result};
use crate::store::{Key, Store};

/// Rows that are looked up together.
const ROWS_AT_A_TIME: usize = 256;

/// Lots of rows that wait for the dispatcher.
const LOTS_AHEAD: usize = 2;

/// What is known of a row before it is asked.
#[derive(Debug)]
pub(super) enum Fed {
    /// It has to be asked; once more where an answer that did not fit was paid for already.
    Ask(u32, Key, Option<Box<Earlier>>),
    /// It was answered before.
    Known(u32, Row),
    /// An earlier row of this run asks the very same.
    Same(u32, u32),
    /// It cannot be asked.
    Bad(u32, Error),
}

/// Which answers are not taken from the store.
#[derive(Debug, Clone, Default)]
pub(super) enum Refresh {
    /// None.
    #[default]
    Nothing,
    /// All.
    Everything,
    /// Those of these rows.
    These(Arc<HashSet<u32>>),
}

impl Refresh {
    fn concerns(&self, row: u32) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::These(rows) => rows.contains(&row),
        }
    }
}

/// Brings rows while it is held.
pub(super) struct Feed {
    lots: mpsc::Receiver<Result<Vec<Fed>>>,
    _task: JoinSet<()>,
}

/// Which rows to bring, and where answers may be found.
struct Source {
    work: Arc<Work>,
    store: Store,
    refresh: Refresh,
}

impl Feed {
    pub(super) fn start(work: Arc<Work>, store: Store, refresh: Refresh) -> Self {
        let (sender, lots) = mpsc::channel(LOTS_AHEAD);
        let source = Source { work, store, refresh };
        let mut task = JoinSet::new();
        task.spawn(async move {
            if let Err(error) = source.bring(&sender).await {
                // Nobody listens once the run is over.
                let _ = sender.send(Err(error)).await;
            }
        });
        Self { lots, _task: task }
    }

    /// The next rows; an error concerns the whole run, and `None` follows the last ones.
    pub(super) async fn lot(&mut self) -> Option<Result<Vec<Fed>>> {
        self.lots.recv().await
    }
}

impl Source {
    async fn bring(&self, sender: &mpsc::Sender<Result<Vec<Fed>>>) -> Result<()> {
        let mut first_with: HashMap<Key, u32> = HashMap::new();
        let rows = u32::try_from(self.work.input.len()).unwrap_or(u32::MAX);
        let mut next = 0;
        while next < rows {
            let end = rows.min(next.saturating_add(u32::try_from(ROWS_AT_A_TIME).unwrap_or(u32::MAX)));
            let mut fed = Vec::with_capacity(ROWS_AT_A_TIME);
            let mut asked = Vec::new();
            for row in next..end {
                if self.work.outcomes.has_outcome(row) {
                    // A good answer of an earlier run is that of the rows that ask the same, too.
                    if let Ok(key) = self.key(row) {
                        first_with.entry(key).or_insert(row);
                    }
                    continue;
                }
                match self.key(row) {
                    Err(error) if error.stops_the_run() => return Err(error),
                    Err(error) => fed.push(Fed::Bad(row, error)),
                    Ok(key) => match first_with.entry(key) {
                        Entry::Occupied(first) => fed.push(Fed::Same(row, *first.get())),
                        Entry::Vacant(vacant) => {
                            vacant.insert(row);
                            asked.push((row, key));
                        }
                    },
                }
            }
            self.look_up(asked, &mut fed).await?;
            if sender.send(Ok(fed)).await.is_err() {
                return Ok(());
            }
            next = end;
        }
        Ok(())
    }

    fn key(&self, row: u32) -> Result<Key> {
        self.work.input.check(row as usize)?;
        self.work.key(row as usize)
    }

    async fn look_up(&self, asked: Vec<(u32, Key)>, fed: &mut Vec<Fed>) -> Result<()> {
        let (anew, asked): (Vec<_>, Vec<_>) = asked.into_iter().partition(|(row, _)| self.refresh.concerns(*row));
        fed.extend(anew.into_iter().map(|(row, key)| Fed::Ask(row, key, None)));
        if asked.is_empty() {
            return Ok(());
        }
        let found = self.store.find(asked.iter().map(|(_, key)| *key).collect()).await?;
        for ((row, key), stored) in asked.into_iter().zip(found) {
            fed.push(match stored.as_ref().map(|stored| self.work.recall(stored)) {
                Some(Recalled::Outcome(outcome)) => Fed::Known(row, outcome),
                Some(Recalled::ToAskAgain(earlier)) => Fed::Ask(row, key, Some(Box::new(earlier))),
                Some(Recalled::Unreadable) | None => Fed::Ask(row, key, None),
            });
        }
        Ok(())
    }
}
