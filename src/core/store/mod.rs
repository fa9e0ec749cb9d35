//! The answers that were paid for: committed to one file before they count, found again by the next run.

mod answer;
mod contents;
mod failure;
mod file;
mod held;
mod journal;
mod key;
mod rows;
mod worker;

pub use answer::StoredAnswer;
pub use contents::{Filter, PruneOptions};
pub use key::{Key, KeyBuilder};

use arrow_array::RecordBatch;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

use crate::error::{Error, ErrorKind, Result, Scope};
use worker::Command;

/// A handle to one store. Clones share it; the last one that is dropped commits what is queued and closes the file.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Memory,
    Held(Arc<held::Held>),
    File(Arc<OpenFile>),
}

struct OpenFile {
    path: PathBuf,
    notes: Vec<String>,
    linger: Duration,
    /// SQLite forbids a forked child its parent's connection.
    process: u32,
    thread: Mutex<Option<Thread>>,
}

struct Thread {
    orders: std::sync::mpsc::Sender<Command>,
    handle: JoinHandle<()>,
}

impl Store {
    /// Opens the store at `path`, a file or the folder of one, and creates what is missing. Blocks.
    pub fn open(path: &Path) -> Result<Self> {
        Self::start(file::open(path, &file::Opening::default())?)
    }

    /// Opens a store that is there. Blocks.
    pub fn open_existing(path: &Path) -> Result<Self> {
        let opening = file::Opening { must_exist: true, ..file::Opening::default() };
        Self::start(file::open(path, &opening)?)
    }

    /// The path that a store at `path` has once it is open; `None` where there is none yet.
    #[must_use]
    pub fn locate(path: &Path) -> Option<PathBuf> {
        file::locate(path)
    }

    /// A store that keeps nothing: every answer is accepted and none is found.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { backend: Backend::Memory }
    }

    /// A store in memory that finds its answers again, until they are kept elsewhere and released.
    #[must_use]
    pub fn held() -> Self {
        Self { backend: Backend::Held(Arc::default()) }
    }

    /// Lets go of answers that are kept elsewhere now; a file keeps them all the same.
    pub fn release(&self, keys: &[Key]) {
        if let Backend::Held(held) = &self.backend {
            held.release(keys);
        }
    }

    fn start(opened: file::Opened) -> Result<Self> {
        let file::Opened { connection, path, notes, linger } = opened;
        let (orders, queue) = std::sync::mpsc::channel();
        let of_thread = path.clone();
        let handle = std::thread::Builder::new()
            .name("streetlens-store".to_owned())
            .spawn(move || worker::serve(connection, &of_thread, linger, &queue))
            .map_err(|cause| {
                Error::new(ErrorKind::Internal, "the store's thread cannot be started").with_source(cause)
            })?;
        let thread = Mutex::new(Some(Thread { orders, handle }));
        let file = OpenFile { path, notes, linger, process: std::process::id(), thread };
        Ok(Self { backend: Backend::File(Arc::new(file)) })
    }

    /// The answers to these questions, in their order.
    pub async fn find(&self, keys: Vec<Key>) -> Result<Vec<Option<StoredAnswer>>> {
        match &self.backend {
            Backend::Memory => Ok(vec![None; keys.len()]),
            Backend::Held(held) => Ok(held.find(&keys)),
            Backend::File(file) => file.ask(|reply| Command::Find(keys, reply)).await,
        }
    }

    /// Keeps answers; they are on the disk when this returns. An answer to the same question is replaced.
    pub async fn put(&self, answers: Vec<(Key, StoredAnswer)>) -> Result<()> {
        match &self.backend {
            Backend::Memory => Ok(()),
            Backend::Held(held) => {
                held.put(answers);
                Ok(())
            }
            Backend::File(file) => file.ask(|reply| Command::Put(answers, reply)).await,
        }
    }

    /// How many answers there are.
    pub async fn count(&self) -> Result<u64> {
        match &self.backend {
            Backend::Memory => Ok(0),
            Backend::Held(held) => Ok(held.count()),
            Backend::File(file) => file.look(contents::count).await,
        }
    }

    /// One row for each run and what it cost.
    pub async fn runs(&self) -> Result<RecordBatch> {
        self.file()?.look(contents::runs).await
    }

    /// One row for each answer, the newest first.
    pub async fn answers(&self, filter: Filter) -> Result<RecordBatch> {
        self.file()?.look(move |connection, path| contents::answers(connection, path, &filter)).await
    }

    /// Writes every answer as a line of JSON to `target`, which is whole or absent; tells how many there were.
    pub async fn export(&self, target: PathBuf) -> Result<u64> {
        self.file()?.look(move |connection, path| contents::export(connection, path, &target)).await
    }

    /// Removes answers and gives their space back; tells how many there were.
    pub async fn prune(&self, options: PruneOptions) -> Result<u64> {
        self.file()?.look(move |connection, path| contents::prune(connection, path, &options)).await
    }

    /// Where the answers are; `None` for a store that keeps nothing.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.backend {
            Backend::Memory | Backend::Held(_) => None,
            Backend::File(file) => Some(&file.path),
        }
    }

    /// What the user should hear about: a damaged file that was set aside.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        match &self.backend {
            Backend::Memory | Backend::Held(_) => &[],
            Backend::File(file) => &file.notes,
        }
    }

    /// How long the store itself waits for more answers before it commits them, as it does on a network drive.
    #[must_use]
    pub fn linger(&self) -> Duration {
        match &self.backend {
            Backend::Memory | Backend::Held(_) => Duration::ZERO,
            Backend::File(file) => file.linger,
        }
    }

    /// Commits what is queued and closes the file, for every clone of this handle. Blocks.
    pub fn close(&self) {
        if let Backend::File(file) = &self.backend {
            file.close();
        }
    }

    fn file(&self) -> Result<&OpenFile> {
        match &self.backend {
            Backend::Memory | Backend::Held(_) => {
                Err(Error::new(ErrorKind::Store, "a store in memory keeps no answers to look at"))
            }
            Backend::File(file) => Ok(file),
        }
    }
}

impl OpenFile {
    async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut rusqlite::Connection, &Path) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.ask(|reply| {
            Command::Look(Box::new(move |connection, path| {
                // Whoever asked may be gone; then nobody needs the result.
                drop(reply.send(work(connection, path)));
            }))
        })
        .await
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<Result<T>>) -> Command) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply))?;
        answer.await.map_err(|_| self.unusable("its thread ended unexpectedly"))?
    }

    fn send(&self, command: Command) -> Result<()> {
        if self.process != std::process::id() {
            return Err(self.unusable("it was opened by the process that this one was forked from"));
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(thread) = thread.as_ref() else {
            return Err(self.unusable("it was closed"));
        };
        thread.orders.send(command).map_err(|_| self.unusable("its thread ended unexpectedly"))
    }

    fn unusable(&self, why: &str) -> Error {
        Error::new(ErrorKind::Store, format!("the store `{}` cannot be used: {why}", self.path.display()))
            .with_scope(Scope::Run)
            .with_hint("open it again")
    }

    fn close(&self) {
        if self.process != std::process::id() {
            return;
        }
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Thread { orders, handle }) = thread {
            drop(orders);
            if handle.join().is_err() {
                tracing::error!(path = %self.path.display(), "the store's thread ended unexpectedly");
            }
        }
    }
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        if self.process == std::process::id() {
            self.close();
        } else {
            // The thread is not in this process, and may have held the queue's lock when it was forked.
            let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
            std::mem::forget(thread);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::file::{Opening, open};
    use super::journal::Journal;
    use super::*;
    use bytes::Bytes;
    use chrono::DateTime;
    use proptest::prelude::*;
    use std::future::{Future, poll_fn};
    use std::task::{Context, Poll, Waker};

    /// A folder that goes with the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let folder = std::env::temp_dir().join(format!("streetlens-store-{}", uuid::Uuid::new_v4().simple()));
            std::fs::create_dir(&folder).unwrap();
            Self(folder.canonicalize().unwrap())
        }

        fn file(&self) -> PathBuf {
            self.0.join("answers.sqlite")
        }

        fn names(&self) -> Vec<String> {
            let mut names: Vec<String> =
                self.0.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn key(text: &str) -> Key {
        let mut builder = Key::builder("test");
        builder.part("question", text.as_bytes());
        builder.finish()
    }

    fn answer(text: &str) -> StoredAnswer {
        StoredAnswer { body: Bytes::from(format!("{{\"text\": \"{text}\"}}")), ..StoredAnswer::default() }
    }

    fn opened_with(path: &Path, opening: &Opening) -> Result<Store> {
        Store::start(open(path, opening)?)
    }

    /// Runs SQL on a file that no store has open.
    fn sql(path: &Path, statements: &str) {
        rusqlite::Connection::open(path).unwrap().execute_batch(statements).unwrap();
    }

    #[tokio::test]
    async fn answers_are_found_in_the_order_of_their_keys() {
        let folder = Folder::new();
        let store = Store::open(&folder.file()).unwrap();
        store.put(vec![(key("a"), answer("A")), (key("b"), answer("B"))]).await.unwrap();
        let found = store.find(vec![key("b"), key("unknown"), key("a"), key("b")]).await.unwrap();
        assert_eq!(found, [Some(answer("B")), None, Some(answer("A")), Some(answer("B"))]);
    }

    #[tokio::test]
    async fn the_last_answer_to_a_question_takes_the_place_of_the_first() {
        let folder = Folder::new();
        let store = Store::open(&folder.file()).unwrap();
        store.put(vec![(key("a"), answer("first")), (key("a"), answer("second"))]).await.unwrap();
        store.put(vec![(key("a"), answer("third"))]).await.unwrap();
        assert_eq!(store.find(vec![key("a")]).await.unwrap(), [Some(answer("third"))]);
        assert_eq!(store.count().await.unwrap(), 1);
    }

    #[tokio::test]
    async fn of_answers_that_are_queued_together_the_last_one_wins() {
        let folder = Folder::new();
        let store = Store::open(&folder.file()).unwrap();
        let puts: Vec<_> = (0..100).map(|n| store.put(vec![(key("a"), answer(&n.to_string()))])).collect();
        assert!(together(puts).await.iter().all(Result::is_ok));
        assert_eq!(store.find(vec![key("a")]).await.unwrap(), [Some(answer("99"))]);
    }

    #[tokio::test]
    async fn what_is_queued_is_committed_before_the_store_closes() {
        let folder = Folder::new();
        let store = Store::open(&folder.file()).unwrap();
        let puts: Vec<_> = (0..100).map(|n| store.put(vec![(key(&n.to_string()), answer("A"))])).collect();
        let waiting = together(puts);
        let mut waiting = Box::pin(waiting);
        // Polled once, every answer is in the queue and nobody waits for it any more.
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(waiting);
        drop(store);
        assert_eq!(Store::open(&folder.file()).unwrap().count().await.unwrap(), 100);
        assert_eq!(folder.names(), ["answers.sqlite"]);
    }

    #[tokio::test]
    async fn a_closed_store_says_so() {
        let folder = Folder::new();
        let store = Store::open(&folder.file()).unwrap();
        store.close();
        let error = store.clone().find(vec![key("a")]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Store);
        assert!(error.stops_the_run() && error.message().contains("it was closed"), "{error}");
    }

    #[tokio::test]
    async fn two_handles_on_one_file_see_each_others_answers() {
        for journal in [Journal::Ahead, Journal::Rollback] {
            let folder = Folder::new();
            let opening = Opening { journal: Some(journal), ..Opening::default() };
            let one = opened_with(&folder.file(), &opening).unwrap();
            let other = opened_with(&folder.file(), &opening).unwrap();
            let puts = (0..200).map(|n| {
                let store = if n % 2 == 0 { &one } else { &other };
                store.put(vec![(key(&n.to_string()), answer("A"))])
            });
            assert!(together(puts.collect()).await.iter().all(Result::is_ok));
            assert_eq!((one.count().await.unwrap(), other.count().await.unwrap()), (200, 200));
        }
    }

    #[tokio::test]
    async fn a_store_with_a_write_ahead_log_is_taken_to_a_network_drive() {
        let folder = Folder::new();
        let store = Store::open(&folder.file()).unwrap();
        store.put(vec![(key("a"), answer("A"))]).await.unwrap();
        drop(store);
        let opening = Opening { journal: Some(Journal::Rollback), ..Opening::default() };
        let store = opened_with(&folder.file(), &opening).unwrap();
        store.put(vec![(key("b"), answer("B"))]).await.unwrap();
        let found = store.find(vec![key("a"), key("b")]).await.unwrap();
        assert_eq!(found, [Some(answer("A")), Some(answer("B"))]);
        assert!(!folder.names().contains(&"answers.sqlite-shm".to_owned()), "{:?}", folder.names());
    }

    #[tokio::test]
    async fn a_folder_holds_its_store_and_missing_folders_are_made() {
        let folder = Folder::new();
        let store = Store::open(&folder.0).unwrap();
        assert_eq!(store.path(), Some(folder.file().as_path()));
        let deep = folder.0.join("a/b/answers.sqlite");
        assert_eq!(Store::open(&deep).unwrap().path(), Some(deep.as_path()));
    }

    #[test]
    fn a_path_is_never_read_as_an_address() {
        let folder = Folder::new();
        for name in ["file:x?mode=memory", ":memory:", "ünï \u{1}.db"] {
            drop(Store::open(&folder.0.join(name)).unwrap());
            assert!(folder.names().contains(&name.to_owned()), "{:?}", folder.names());
        }
    }

    #[tokio::test]
    async fn a_damaged_file_is_set_aside_and_an_empty_one_begun() {
        let folder = Folder::new();
        std::fs::write(folder.file(), vec![7; 10_000]).unwrap();
        std::fs::write(folder.0.join("answers.sqlite-wal"), b"of the damaged one").unwrap();
        let opening = Opening { now: DateTime::default, ..Opening::default() };
        let store = opened_with(&folder.file(), &opening).unwrap();
        assert_eq!(store.count().await.unwrap(), 0);
        assert!(store.notes()[0].contains("answers.sqlite.corrupt-19700101T000000Z"), "{:?}", store.notes());
        drop(store);
        let kept = |ending: &str| {
            std::fs::read(folder.0.join(format!("answers.sqlite.corrupt-19700101T000000Z{ending}"))).unwrap()
        };
        assert_eq!((kept(""), kept("-wal")), (vec![7; 10_000], b"of the damaged one".to_vec()));
    }

    #[test]
    fn what_was_set_aside_is_never_overwritten() {
        let folder = Folder::new();
        let opening = Opening { now: DateTime::default, ..Opening::default() };
        for round in [1_u8, 2, 3] {
            std::fs::write(folder.file(), vec![round; 1_000]).unwrap();
            drop(opened_with(&folder.file(), &opening).unwrap());
        }
        let kept = |ending: &str| {
            std::fs::read(folder.0.join(format!("answers.sqlite.corrupt-19700101T000000Z{ending}"))).unwrap()[0]
        };
        assert_eq!((kept(""), kept("-2"), kept("-3")), (1, 2, 3));
    }

    #[tokio::test]
    async fn a_store_that_lost_a_part_of_itself_is_set_aside() {
        let folder = Folder::new();
        let store = Store::open(&folder.file()).unwrap();
        store.put((0..500).map(|n| (key(&n.to_string()), answer("A"))).collect()).await.unwrap();
        drop(store);
        let whole = std::fs::read(folder.file()).unwrap();
        std::fs::write(folder.file(), &whole[..whole.len() / 2]).unwrap();
        let store = Store::open(&folder.file()).unwrap();
        assert_eq!((store.notes().len(), store.count().await.unwrap()), (1, 0));
    }

    #[test]
    fn a_file_with_another_ending_that_is_no_store_is_not_moved() {
        let folder = Folder::new();
        let file = folder.0.join("images.csv");
        std::fs::write(&file, "gcs_uri\n".repeat(100)).unwrap();
        let error = Store::open(&file).err().unwrap();
        assert!(error.message().contains("not a store of answers"), "{error}");
        assert_eq!(folder.names(), ["images.csv"]);
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused_and_left_as_it_is() {
        let folder = Folder::new();
        drop(Store::open(&folder.file()).unwrap());
        sql(&folder.file(), "PRAGMA user_version = 2");
        let before = std::fs::read(folder.file()).unwrap();
        let error = Store::open(&folder.file()).err().unwrap();
        assert!(error.message().contains("a newer streetlens wrote it"), "{error}");
        assert_eq!(std::fs::read(folder.file()).unwrap(), before);
    }

    #[test]
    fn the_database_of_another_program_is_refused_and_left_as_it_is() {
        for statements in ["CREATE TABLE answers (x)", "PRAGMA application_id = 5", "PRAGMA user_version = 1"] {
            let folder = Folder::new();
            sql(&folder.file(), statements);
            let before = std::fs::read(folder.file()).unwrap();
            let error = Store::open(&folder.file()).err().unwrap();
            assert!(error.message().contains("another program"), "{error}");
            assert_eq!(std::fs::read(folder.file()).unwrap(), before);
        }
    }

    #[test]
    fn a_place_that_cannot_be_written_says_where_and_what_to_do() {
        let folder = Folder::new();
        std::fs::write(folder.0.join("file"), "").unwrap();
        let error = Store::open(&folder.0.join("file/answers.sqlite")).err().unwrap();
        assert!(error.kind() == ErrorKind::Store && error.stops_the_run());
        assert!(error.message().contains("file"), "{error}");
        assert!(error.details().hint.as_ref().unwrap().contains("`store=False`"), "{error}");
    }

    #[tokio::test]
    async fn a_full_disk_is_an_error_and_keeps_what_was_committed() {
        let folder = Folder::new();
        let opening = Opening { max_pages: Some(40), ..Opening::default() };
        let store = opened_with(&folder.file(), &opening).unwrap();
        store.put(vec![(key("a"), answer("A"))]).await.unwrap();
        let large = StoredAnswer { body: Bytes::from(noise(300_000)), ..StoredAnswer::default() };
        let error = store.put(vec![(key("b"), answer("B")), (key("c"), large)]).await.unwrap_err();
        assert!(error.kind() == ErrorKind::Store && error.stops_the_run());
        assert!(error.message().contains("the disk is full"), "{error}");
        let found = store.find(vec![key("a"), key("b")]).await.unwrap();
        assert_eq!(found, [Some(answer("A")), None]);
        store.put(vec![(key("b"), answer("B"))]).await.unwrap();
    }

    #[tokio::test]
    async fn long_bodies_come_back_as_they_were() {
        let folder = Folder::new();
        let store = Store::open(&folder.file()).unwrap();
        for body in [Vec::new(), b" ".repeat(10 << 20), noise(10 << 20)] {
            let answer = StoredAnswer { body: Bytes::from(body), ..StoredAnswer::default() };
            store.put(vec![(key("a"), answer.clone())]).await.unwrap();
            assert!(store.find(vec![key("a")]).await.unwrap() == [Some(answer)]);
        }
        let size = folder.file().metadata().unwrap().len();
        assert!(size < 16 << 20, "{size}");
    }

    /// Bytes that no compression makes shorter.
    fn noise(length: usize) -> Vec<u8> {
        use rand::{RngCore, SeedableRng};
        let mut bytes = vec![0; length];
        rand::rngs::StdRng::seed_from_u64(7).fill_bytes(&mut bytes);
        bytes
    }

    /// Waits for all at the same time; every one has begun before the first is waited for.
    async fn together<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
        let mut waiting: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
        poll_fn(|context| {
            for (future, outcome) in &mut waiting {
                if outcome.is_none()
                    && let Poll::Ready(value) = future.as_mut().poll(context)
                {
                    *outcome = Some(value);
                }
            }
            if waiting.iter().all(|(_, outcome)| outcome.is_some()) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        waiting.into_iter().filter_map(|(_, outcome)| outcome).collect()
    }

    prop_compose! {
        fn any_answer()(
            body in proptest::collection::vec(any::<u8>(), 0..6_000),
            texts in proptest::array::uniform6(any::<String>()),
            ids in proptest::array::uniform2(any::<Option<String>>()),
            numbers in (any::<Option<f64>>(), any::<f64>()),
            counts in proptest::array::uniform4(any::<Option<i64>>()),
            times in any::<(i64, i64)>(),
            attempts in any::<u32>(),
        ) -> StoredAnswer {
            let [model, location, image, prompt_preview, run, status] = texts;
            let [model_version, response_id] = ids;
            let [input_tokens, output_tokens, thinking_tokens, cached_tokens] = counts;
            StoredAnswer {
                body: body.into(), model: model.into(), location: location.into(), model_version, response_id, image,
                prompt_preview, run: run.into(),
                cost_usd: numbers.0.filter(|cost| !cost.is_nan()),
                input_tokens, output_tokens, thinking_tokens, cached_tokens, attempts,
                latency_ms: if numbers.1.is_nan() { 0.0 } else { numbers.1 },
                asked_at: times.0, answered_at: times.1, status,
            }.cleaned()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whatever_an_answer_holds_comes_back(answers in proptest::collection::vec(any_answer(), 1..8)) {
            let folder = Folder::new();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let keys: Vec<Key> = (0..answers.len()).map(|n| key(&n.to_string())).collect();
            let store = Store::open(&folder.file()).unwrap();
            runtime.block_on(store.put(keys.iter().copied().zip(answers.iter().cloned()).collect())).unwrap();
            drop(store);
            let found = runtime.block_on(Store::open(&folder.file()).unwrap().find(keys)).unwrap();
            prop_assert_eq!(found, answers.into_iter().map(Some).collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn a_store_in_memory_takes_everything_and_finds_nothing() {
        let store = Store::in_memory();
        store.put(vec![(key("a"), answer("A"))]).await.unwrap();
        assert_eq!(store.find(vec![key("a"), key("b")]).await.unwrap(), [None, None]);
        assert_eq!(store.path(), None);
        assert!(store.answers(Filter::default()).await.is_err());
    }
}
