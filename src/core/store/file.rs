//! Opens the file of a store: created, brought up to date and checked, or set aside, or refused.

use chrono::{DateTime, Utc};
use rusqlite::config::DbConfig;
use rusqlite::ffi::ErrorCode;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::failure::{explain, explain_io, is_damage, refuse};
use super::journal::{Journal, choose};
use super::rows;
use crate::error::{Error, Result};

/// The name within a folder.
const FILE_NAME: &str = "answers.sqlite";

/// Marks the file as ours; "slns" in ASCII.
const APPLICATION_ID: i32 = 0x736c_6e73;

/// Raised whenever an older version could misread the file.
const VERSION: i32 = 1;

/// Two processes may share a file; each holds it for the time of one commit.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Files up to this size are read through when they are opened; larger ones would keep a user waiting.
const CHECKED_UP_TO: u64 = 64 << 20;

/// Names that a file of ours may have; a damaged file of another name is probably something else, and never moved.
const EXTENSIONS: [&str; 5] = ["sqlite", "sqlite3", "db", "db3", "store"];

/// How to open.
#[derive(Clone)]
pub(super) struct Opening {
    /// A file that is missing is an error.
    pub(super) must_exist: bool,
    /// The journal, instead of the one that the file system asks for.
    pub(super) journal: Option<Journal>,
    /// A limit that stands for the disk's.
    pub(super) max_pages: Option<u32>,
    /// The clock, for the name of a file that is set aside.
    pub(super) now: fn() -> DateTime<Utc>,
}

impl Default for Opening {
    fn default() -> Self {
        Self { must_exist: false, journal: None, max_pages: None, now: Utc::now }
    }
}

/// A file that is ready.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) notes: Vec<String>,
    pub(super) linger: Duration,
}

enum Trouble {
    /// The file is not what it should be.
    Damaged(rusqlite::Error),
    Other(Error),
}

/// Opens, creates, or sets aside and creates.
pub(super) fn open(path: &Path, opening: &Opening) -> Result<Opened> {
    let path = settle(path, opening.must_exist)?;
    let seen = identity(&path);
    let cause = match prepare(&path, opening) {
        Ok((connection, linger)) => return Ok(Opened { connection, path, notes: Vec::new(), linger }),
        Err(Trouble::Other(error)) => return Err(error),
        Err(Trouble::Damaged(cause)) => cause,
    };
    let is_named_otherwise =
        path.extension().is_some_and(|end| !EXTENSIONS.iter().any(|known| end.eq_ignore_ascii_case(known)));
    if opening.must_exist || is_named_otherwise {
        let why = format!("it is not a store of answers, or damaged ({cause})");
        return Err(refuse(&path, &why, "name another file, or move this one away"));
    }
    let mut notes = Vec::new();
    // Another process may have set it aside meanwhile; then the file of that name is a new one.
    if identity(&path) == seen {
        let aside = set_aside(&path, (opening.now)())?;
        notes.push(format!(
            "the store `{}` was damaged ({cause}); it was kept as `{}` and an empty one begun",
            path.display(),
            aside.display()
        ));
    }
    match prepare(&path, opening) {
        Ok((connection, linger)) => Ok(Opened { connection, path, notes, linger }),
        Err(Trouble::Other(error)) => Err(error),
        Err(Trouble::Damaged(cause)) => Err(explain(&path, cause)),
    }
}

/// The path of a file that is there, without links.
pub(super) fn locate(path: &Path) -> Option<PathBuf> {
    within_folder(path).canonicalize().ok()
}

fn within_folder(path: &Path) -> PathBuf {
    if path.is_dir() { path.join(FILE_NAME) } else { path.to_owned() }
}

/// The absolute path of the file, without links; its folder is there afterwards.
fn settle(path: &Path, must_exist: bool) -> Result<PathBuf> {
    let path = within_folder(path);
    if must_exist && !path.is_file() {
        return Err(refuse(&path, "there is no such file", "run `classify` with this `store=` first, or name another"));
    }
    let absolute = std::path::absolute(&path).map_err(|cause| explain_io(&path, "located", cause))?;
    let (Some(folder), Some(name)) = (absolute.parent(), absolute.file_name()) else {
        return Err(refuse(&path, "it is not a file", "name a file or a folder"));
    };
    create_folder(folder).map_err(|cause| explain_io(folder, "created", cause))?;
    let located = absolute.canonicalize().or_else(|_| folder.canonicalize().map(|folder| folder.join(name)));
    located.map_err(|cause| explain_io(&path, "located", cause))
}

fn create_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        // What was asked about which place is nobody else's business.
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// Tells two files of one name apart.
fn identity(path: &Path) -> Option<(u64, u64)> {
    let metadata = path.metadata().ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        Some((metadata.dev(), metadata.ino()))
    }
    #[cfg(not(unix))]
    Some((metadata.len(), 0))
}

fn prepare(path: &Path, opening: &Opening) -> std::result::Result<(Connection, Duration), Trouble> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok();
    let journal = opening.journal.unwrap_or_else(|| choose(mounts.as_deref(), path));
    let mut connection = connect(path, opening, journal).map_err(|cause| trouble(path, cause))?;
    match judge(&connection).map_err(|cause| trouble(path, cause))? {
        Judgement::Ours => {}
        Judgement::Empty if opening.must_exist => {
            return Err(Trouble::Other(refuse(path, "it is empty", "name another file")));
        }
        Judgement::Empty => {
            // Only an empty file takes it; pruning gives space back without a second copy of the file.
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(|cause| trouble(path, cause))?;
        }
        Judgement::Newer(version) => {
            let why = format!("a newer streetlens wrote it (version {version} of the file, {VERSION} is known here)");
            return Err(Trouble::Other(refuse(path, &why, "upgrade streetlens, or name another place with `store=`")));
        }
        Judgement::Foreign => {
            let why = "it is the database of another program";
            return Err(Trouble::Other(refuse(path, why, "name another place with `store=`")));
        }
    }
    let journal = set_journal(&connection, journal).map_err(|cause| trouble(path, cause))?;
    bring_up_to_date(&mut connection).map_err(|cause| trouble(path, cause))?;
    check(&connection, path).map_err(|cause| trouble(path, cause))?;
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
        .map_err(|cause| trouble(path, cause))?;
    Ok((connection, journal.linger()))
}

fn trouble(path: &Path, cause: rusqlite::Error) -> Trouble {
    if is_damage(&cause) { Trouble::Damaged(cause) } else { Trouble::Other(explain(path, cause)) }
}

fn connect(path: &Path, opening: &Opening, journal: Journal) -> rusqlite::Result<Connection> {
    let create = if opening.must_exist { OpenFlags::empty() } else { OpenFlags::SQLITE_OPEN_CREATE };
    // Without SQLITE_OPEN_URI: a path is a path, also one that begins with `file:`.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | create;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // Until the file is known to be sound, closing it leaves its write-ahead log as it is.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    if let Some(pages) = opening.max_pages {
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    if journal == Journal::Rollback {
        // A file that was brought here with a write-ahead log is read without shared memory by its only user.
        connection.pragma_update_and_check(None, "locking_mode", "EXCLUSIVE", |_| Ok(()))?;
    }
    Ok(connection)
}

enum Judgement {
    Empty,
    Ours,
    Newer(i32),
    Foreign,
}

fn judge(connection: &Connection) -> rusqlite::Result<Judgement> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i32>(0));
    let application = number("PRAGMA application_id")?;
    let version = number("PRAGMA user_version")?;
    let tables = number("SELECT count(*) FROM sqlite_schema")?;
    Ok(match (application, version, tables) {
        (0, 0, 0) => Judgement::Empty,
        (APPLICATION_ID, newer, _) if newer > VERSION => Judgement::Newer(newer),
        (APPLICATION_ID, _, _) => Judgement::Ours,
        _ => Judgement::Foreign,
    })
}

fn set_journal(connection: &Connection, wanted: Journal) -> rusqlite::Result<Journal> {
    let set =
        |mode: &str| connection.pragma_update_and_check(None, "journal_mode", mode, |row| row.get::<_, String>(0));
    let journal = match wanted {
        Journal::Ahead if is_ahead(set("WAL"))? => Journal::Ahead,
        // The file system refuses the write-ahead log, whatever its name says.
        Journal::Ahead | Journal::Rollback => {
            set("TRUNCATE")?;
            Journal::Rollback
        }
    };
    connection.pragma_update_and_check(None, "locking_mode", "NORMAL", |_| Ok(()))?;
    // The lock is given back by the next read.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    // Answers survive the loss of power, not only the end of the process. Measured at 5,000 answers/s in groups of 100:
    // 17 µs an answer instead of the 14 µs of NORMAL, which is 1.5 % of the time there is.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update_and_check(None, "journal_size_limit", 16 << 20, |_| Ok(()))?;
    Ok(journal)
}

fn is_ahead(outcome: rusqlite::Result<String>) -> rusqlite::Result<bool> {
    match outcome {
        Ok(mode) => Ok(mode.eq_ignore_ascii_case("wal")),
        Err(cause) => match cause.sqlite_error_code() {
            Some(ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::FileLockingProtocolFailed) => {
                Ok(false)
            }
            _ => Err(cause),
        },
    }
}

/// Creates what is missing. Writing the version each time finds out about a full or read-only disk before money is spent.
fn bring_up_to_date(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(rows::CREATE)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn check(connection: &Connection, path: &Path) -> rusqlite::Result<()> {
    if path.metadata().map_or(0, |metadata| metadata.len()) > CHECKED_UP_TO {
        return Ok(());
    }
    let found: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(code, Some(found)))
}

/// Renames the file and what belongs to it; nothing is overwritten.
fn set_aside(path: &Path, now: DateTime<Utc>) -> Result<PathBuf> {
    let with = |ending: &str| {
        let mut name = OsString::from(path);
        name.push(ending);
        PathBuf::from(name)
    };
    let stamp = now.format("%Y%m%dT%H%M%SZ");
    let endings = std::iter::once(format!(".corrupt-{stamp}")).chain((2..).map(|n| format!(".corrupt-{stamp}-{n}")));
    let Some(ending) = endings.take(1_000).find(|ending| !with(ending).exists()) else {
        return Err(refuse(path, "it is damaged, and so were a thousand before it", "move them away"));
    };
    // The journals first: one that was left would be played into the new file.
    for part in ["-wal", "-shm", "-journal", ""] {
        let (from, to) = (with(part), with(&format!("{ending}{part}")));
        match std::fs::rename(&from, &to) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(explain_io(&from, "set aside", cause));
            }
            _ => {}
        }
    }
    Ok(with(&ending))
}
