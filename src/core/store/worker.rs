//! The store's own thread: everything that is queued becomes one commit.

use rusqlite::{Connection, TransactionBehavior};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot::Sender;

use super::failure::explain;
use super::{Key, StoredAnswer, rows};
use crate::error::{Error, Result};

/// A group is committed once it holds this many bytes of answers, so that no commit takes long.
const LARGEST_GROUP: usize = 32 << 20;

type Answers = Vec<(Key, StoredAnswer)>;
type Found = Vec<Option<StoredAnswer>>;
type Reply<T> = Sender<Result<T>>;
type Look = Box<dyn FnOnce(&mut Connection, &Path) + Send>;

/// What the thread is asked to do. A reply that nobody waits for any more is dropped.
pub(super) enum Command {
    Find(Vec<Key>, Reply<Found>),
    Put(Answers, Reply<()>),
    Look(Look),
}

#[derive(Default)]
struct Group {
    puts: Vec<(Answers, Reply<()>)>,
    finds: Vec<(Vec<Key>, Reply<Found>)>,
    looks: Vec<Look>,
    bytes: usize,
}

/// Serves the queue until its last sender is gone, and closes the file.
pub(super) fn serve(mut connection: Connection, path: &Path, linger: Duration, queue: &Receiver<Command>) {
    while let Ok(first) = queue.recv() {
        let group = gather(first, queue, linger);
        serve_group(&mut connection, path, group);
    }
    if let Err((_, cause)) = connection.close() {
        tracing::warn!(path = %path.display(), %cause, "the store was not closed well; its answers are in its journal");
    }
}

fn gather(first: Command, queue: &Receiver<Command>, linger: Duration) -> Group {
    let mut group = Group::default();
    group.add(first);
    let until = Instant::now() + linger;
    while group.bytes < LARGEST_GROUP {
        // Only answers to be kept wait for company.
        let left = if group.puts.is_empty() { Duration::ZERO } else { until.saturating_duration_since(Instant::now()) };
        match queue.recv_timeout(left) {
            Ok(command) => group.add(command),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
        }
    }
    group
}

impl Group {
    fn add(&mut self, command: Command) {
        match command {
            Command::Find(keys, reply) => self.finds.push((keys, reply)),
            Command::Put(answers, reply) => {
                self.bytes += answers.iter().map(|(_, answer)| answer.body.len()).sum::<usize>();
                self.puts.push((answers, reply));
            }
            Command::Look(look) => self.looks.push(look),
        }
    }
}

/// Answers are committed before anything is read, so that whoever put one and asks for it finds it.
fn serve_group(connection: &mut Connection, path: &Path, group: Group) {
    let (answers, replies): (Vec<_>, Vec<_>) = group.puts.into_iter().unzip();
    if !replies.is_empty() {
        let outcome = commit(connection, answers).map_err(|cause| explain(path, cause));
        for reply in replies {
            drop(reply.send(outcome.as_ref().map_err(Error::without_source).copied()));
        }
    }
    for (keys, reply) in group.finds {
        drop(reply.send(find(connection, &keys).map_err(|cause| explain(path, cause))));
    }
    for look in group.looks {
        look(connection, path);
    }
}

fn commit(connection: &mut Connection, groups: Vec<Answers>) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut statement = transaction.prepare(&rows::write_statement())?;
        for (key, answer) in groups.into_iter().flatten() {
            rows::write(&mut statement, &key, answer)?;
        }
    }
    transaction.commit()
}

fn find(connection: &Connection, keys: &[Key]) -> rusqlite::Result<Found> {
    let mut statement = connection.prepare(&rows::find_statement())?;
    keys.iter().map(|key| rows::find(&mut statement, key)).collect()
}
