//! One answer as one row of the file.

use bytes::Bytes;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use rusqlite::types::Type;
use rusqlite::{Error, OptionalExtension, Row, Statement, params};
use std::io::{Read, Write};

use super::{Key, StoredAnswer};

pub(super) const CREATE: &str = "
CREATE TABLE IF NOT EXISTS answers (
    id INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    run TEXT NOT NULL,
    image TEXT NOT NULL,
    prompt_preview TEXT NOT NULL,
    status TEXT NOT NULL,
    model TEXT NOT NULL,
    location TEXT NOT NULL,
    model_version TEXT,
    response_id TEXT,
    cost_usd REAL,
    input_tokens INTEGER,
    output_tokens INTEGER,
    thinking_tokens INTEGER,
    cached_tokens INTEGER,
    attempts INTEGER NOT NULL,
    latency_ms REAL NOT NULL,
    asked_at INTEGER NOT NULL,
    answered_at INTEGER NOT NULL,
    body_length INTEGER NOT NULL,
    body_is_compressed INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT";

/// The columns in the order that [`read`] and [`write()`] know.
pub(super) const COLUMNS: &str = "key, run, image, prompt_preview, status, model, location, model_version, \
     response_id, cost_usd, input_tokens, output_tokens, thinking_tokens, cached_tokens, attempts, latency_ms, \
     asked_at, answered_at, body_length, body_is_compressed, body";

const BODY_LENGTH: usize = 18;

/// Longer bodies are compressed. A usual one of 900 bytes would be half as long and take four times as long to write.
const COMPRESSED_ABOVE: usize = 4_096;

/// The statement for [`write()`]: a second answer to a question takes the place of the first.
pub(super) fn write_statement() -> String {
    let replaced: Vec<String> = COLUMNS.split(", ").skip(1).map(|name| format!("{name} = excluded.{name}")).collect();
    format!(
        "INSERT INTO answers ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, \
         ?16, ?17, ?18, ?19, ?20, ?21) ON CONFLICT (key) DO UPDATE SET {}",
        replaced.join(", ")
    )
}

/// The statement for [`find`].
pub(super) fn find_statement() -> String {
    format!("SELECT {COLUMNS} FROM answers WHERE key = ?1")
}

/// Writes one answer, without what must not be kept.
pub(super) fn write(statement: &mut Statement<'_>, key: &Key, answer: StoredAnswer) -> Result<(), Error> {
    let answer = answer.cleaned();
    let compressed = compressed(&answer.body);
    statement.execute(params![
        key.as_bytes(),
        answer.run,
        answer.image,
        answer.prompt_preview,
        answer.status,
        answer.model,
        answer.location,
        answer.model_version,
        answer.response_id,
        answer.cost_usd,
        answer.input_tokens,
        answer.output_tokens,
        answer.thinking_tokens,
        answer.cached_tokens,
        answer.attempts,
        // SQLite keeps no NaN.
        if answer.latency_ms.is_nan() { 0.0 } else { answer.latency_ms },
        answer.asked_at,
        answer.answered_at,
        i64::try_from(answer.body.len()).unwrap_or(i64::MAX),
        compressed.is_some(),
        compressed.as_deref().unwrap_or(&answer.body),
    ])?;
    Ok(())
}

/// The answer to a question, if there is one.
pub(super) fn find(statement: &mut Statement<'_>, key: &Key) -> Result<Option<StoredAnswer>, Error> {
    Ok(statement.query_row([key.as_bytes()], read).optional()?.map(|(_, answer)| answer))
}

/// Reads one row of [`COLUMNS`].
pub(super) fn read(row: &Row<'_>) -> Result<(Key, StoredAnswer), Error> {
    let answer = StoredAnswer {
        run: row.get(1)?,
        image: row.get(2)?,
        prompt_preview: row.get(3)?,
        status: row.get(4)?,
        model: row.get(5)?,
        location: row.get(6)?,
        model_version: row.get(7)?,
        response_id: row.get(8)?,
        cost_usd: row.get(9)?,
        input_tokens: row.get(10)?,
        output_tokens: row.get(11)?,
        thinking_tokens: row.get(12)?,
        cached_tokens: row.get(13)?,
        attempts: row.get(14)?,
        latency_ms: row.get(15)?,
        asked_at: row.get(16)?,
        answered_at: row.get(17)?,
        body: body(row)?,
    };
    Ok((Key::from_bytes(row.get(0)?), answer))
}

fn body(row: &Row<'_>) -> Result<Bytes, Error> {
    let length = row.get::<_, i64>(BODY_LENGTH)?.unsigned_abs();
    let is_compressed: bool = row.get(BODY_LENGTH + 1)?;
    let kept: Vec<u8> = row.get(BODY_LENGTH + 2)?;
    let body = if is_compressed {
        let mut plain = Vec::new();
        // One byte more than there should be tells a body that is too long from a whole one.
        let decoder = ZlibDecoder::new(kept.as_slice());
        decoder.take(length.saturating_add(1)).read_to_end(&mut plain).map_err(|cause| damaged(cause.into()))?;
        plain
    } else {
        kept
    };
    if body.len() as u64 != length {
        return Err(damaged(format!("{} bytes of an answer of {length}", body.len()).into()));
    }
    Ok(body.into())
}

fn damaged(cause: Box<dyn std::error::Error + Send + Sync>) -> Error {
    Error::FromSqlConversionFailure(BODY_LENGTH + 2, Type::Blob, cause)
}

/// The body compressed, where that is shorter. What cannot be compressed is kept as it is.
fn compressed(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() <= COMPRESSED_ABOVE {
        return None;
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).and_then(|()| encoder.finish()).ok().filter(|shorter| shorter.len() < body.len())
}
