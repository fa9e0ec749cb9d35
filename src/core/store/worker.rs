//! The store's own thread: everything that is queued becomes one commit.

use rusqlite::{Connection, Statement, Transaction, TransactionBehavior};
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

/// The statements that every answer takes, prepared once.
struct Statements<'connection> {
    write: Statement<'connection>,
    find: Statement<'connection>,
}

/// Serves the queue until its last sender is gone, and closes the file.
pub(super) fn serve(mut connection: Connection, path: &Path, linger: Duration, queue: &Receiver<Command>) {
    // A look has the connection for itself: statements are prepared anew after it.
    while let Some(looks) = serve_answers(&connection, path, linger, queue) {
        for look in looks {
            look(&mut connection, path);
        }
    }
    if let Err((_, cause)) = connection.close() {
        tracing::warn!(path = %path.display(), %cause, "the store was not closed well; its answers are in its journal");
    }
}

/// Serves answers until somebody wants a look; `None` when nobody is left.
fn serve_answers(
    connection: &Connection,
    path: &Path,
    linger: Duration,
    queue: &Receiver<Command>,
) -> Option<Vec<Look>> {
    let mut statements = None;
    while let Ok(first) = queue.recv() {
        let group = gather(first, queue, linger);
        let looks = serve_group(connection, &mut statements, path, group);
        if !looks.is_empty() {
            return Some(looks);
        }
    }
    None
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

/// Answers are committed before anything is read, so that whoever put one and asks for it finds it. Gives back the looks.
fn serve_group<'connection>(
    connection: &'connection Connection,
    statements: &mut Option<Statements<'connection>>,
    path: &Path,
    group: Group,
) -> Vec<Look> {
    let (answers, replies): (Vec<_>, Vec<_>) = group.puts.into_iter().unzip();
    if !replies.is_empty() {
        let outcome = commit(connection, statements, answers).map_err(|cause| explain(path, cause));
        for reply in replies {
            drop(reply.send(outcome.as_ref().map_err(Error::without_source).copied()));
        }
    }
    for (keys, reply) in group.finds {
        drop(reply.send(find(connection, statements, &keys).map_err(|cause| explain(path, cause))));
    }
    group.looks
}

fn commit<'connection>(
    connection: &'connection Connection,
    statements: &mut Option<Statements<'connection>>,
    groups: Vec<Answers>,
) -> rusqlite::Result<()> {
    // One connection, one thread: no other transaction can be open on it.
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let write = &mut prepared(connection, statements)?.write;
    for (key, answer) in groups.into_iter().flatten() {
        rows::write(write, &key, answer)?;
    }
    transaction.commit()
}

fn find<'connection>(
    connection: &'connection Connection,
    statements: &mut Option<Statements<'connection>>,
    keys: &[Key],
) -> rusqlite::Result<Found> {
    let find = &mut prepared(connection, statements)?.find;
    keys.iter().map(|key| rows::find(find, key)).collect()
}

fn prepared<'statements, 'connection>(
    connection: &'connection Connection,
    statements: &'statements mut Option<Statements<'connection>>,
) -> rusqlite::Result<&'statements mut Statements<'connection>> {
    let known = match statements.take() {
        Some(known) => known,
        None => Statements {
            write: connection.prepare(&rows::write_statement())?,
            find: connection.prepare(&rows::find_statement())?,
        },
    };
    Ok(statements.insert(known))
}
