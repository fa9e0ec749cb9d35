//! What SQLite's refusals mean to a user: what happened to which file, and what to do.

use rusqlite::ffi::ErrorCode;
use std::path::Path;

use crate::error::{Error, ErrorKind, Scope};

const ELSEWHERE: &str = "or name another place with `store=` (`store=False` keeps no answers)";

/// The error of the core for one of SQLite's.
pub(super) fn explain(path: &Path, cause: rusqlite::Error) -> Error {
    let code = cause.sqlite_error_code();
    let (what, hint) = match code {
        Some(ErrorCode::DiskFull) => ("the disk is full", format!("free some space, {ELSEWHERE}")),
        Some(ErrorCode::SystemIoFailure) => {
            ("the disk refuses to be read or written", format!("check its space, quota and health, {ELSEWHERE}"))
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            ("it cannot be written", format!("make the file and its folder writable, {ELSEWHERE}"))
        }
        Some(ErrorCode::CannotOpen) => {
            ("it cannot be opened", format!("check that its folder exists and is writable, {ELSEWHERE}"))
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::FileLockingProtocolFailed) => {
            ("another program holds it for too long", format!("end the other program, {ELSEWHERE}"))
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            ("it is damaged", format!("move the file away, which keeps it for a rescue, {ELSEWHERE}"))
        }
        _ => ("it cannot be used", format!("check the file, {ELSEWHERE}")),
    };
    let message = format!("the store `{}` failed: {what} ({cause})", path.display());
    Error::new(ErrorKind::Store, message).with_scope(Scope::Run).with_hint(hint).with_source(cause)
}

/// The error of the core for a refusal of the operating system.
pub(super) fn explain_io(path: &Path, doing: &str, cause: std::io::Error) -> Error {
    let message = format!("`{}` cannot be {doing}: {cause}", path.display());
    Error::new(ErrorKind::Store, message)
        .with_scope(Scope::Run)
        .with_hint(format!("check that the folder is writable and has space, {ELSEWHERE}"))
        .with_source(cause)
}

/// The error for a copy that cannot be written.
pub(super) fn explain_output(path: &Path, cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Store, format!("`{}` cannot be written: {cause}", path.display()))
        .with_hint("check that the folder exists, is writable and has space")
        .with_source(cause)
}

/// A file that this version must not touch.
pub(super) fn refuse(path: &Path, why: &str, hint: &str) -> Error {
    Error::new(ErrorKind::Store, format!("the store `{}` cannot be used: {why}", path.display()))
        .with_scope(Scope::Run)
        .with_hint(hint)
}

/// Whether the file itself is not what it should be.
pub(super) fn is_damage(cause: &rusqlite::Error) -> bool {
    matches!(cause.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}
