//! Looking into a store: its runs, its answers, a copy as lines of JSON, and less of it.

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
use chrono::{DateTime, SecondsFormat};
use rusqlite::{Connection, params};
use serde::Serialize;
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use super::failure::{explain, explain_output};
use super::rows::{self, COLUMNS};
use super::{Key, StoredAnswer};
use crate::error::{Error, ErrorKind, Result};

/// Rows read or removed at a time, so that nobody who writes meanwhile waits long.
const SLICE: u32 = 1_000;

/// Which answers to show.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this run only.
    pub run: Option<String>,
    /// Of this model only.
    pub model: Option<String>,
    /// No more than so many.
    pub limit: Option<u64>,
}

/// Which answers to remove: those that meet every condition.
#[derive(Debug, Clone, Default)]
pub struct PruneOptions {
    /// Answered before, in milliseconds since 1970.
    pub answered_before: Option<i64>,
    /// Of this run.
    pub run: Option<String>,
    /// Of this model.
    pub model: Option<String>,
}

/// How many answers there are.
pub(super) fn count(connection: &mut Connection, path: &Path) -> Result<u64> {
    let counted = connection.query_row("SELECT count(*) FROM answers", [], |row| row.get::<_, i64>(0));
    counted.map(i64::unsigned_abs).map_err(|cause| explain(path, cause))
}

struct RunSummary {
    run: String,
    model: String,
    counts: [Option<i64>; 4],
    cost_usd: Option<f64>,
    times: [i64; 2],
}

/// A row for each run and model, the latest first.
pub(super) fn runs(connection: &mut Connection, path: &Path) -> Result<RecordBatch> {
    let runs = summarize(connection).map_err(|cause| explain(path, cause))?;
    let counts = |position: usize| counts(runs.iter().map(|run| run.counts[position]));
    table(vec![
        ("run", texts(runs.iter().map(|run| Some(run.run.as_str())))),
        ("model", texts(runs.iter().map(|run| Some(run.model.as_str())))),
        ("answers", counts(0)),
        ("cost_usd", numbers(runs.iter().map(|run| run.cost_usd))),
        ("input_tokens", counts(1)),
        ("output_tokens", counts(2)),
        ("thinking_tokens", counts(3)),
        ("first_asked_at", times(runs.iter().map(|run| run.times[0]))),
        ("last_answered_at", times(runs.iter().map(|run| run.times[1]))),
    ])
}

fn summarize(connection: &Connection) -> rusqlite::Result<Vec<RunSummary>> {
    let mut statement = connection.prepare(
        "SELECT run, model, count(*), sum(input_tokens), sum(output_tokens), sum(thinking_tokens), sum(cost_usd), \
         min(asked_at), max(answered_at) FROM answers GROUP BY run, model ORDER BY max(answered_at) DESC, run, model",
    )?;
    let runs = statement.query_map([], |row| {
        Ok(RunSummary {
            run: row.get(0)?,
            model: row.get(1)?,
            counts: [row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?],
            cost_usd: row.get(6)?,
            times: [row.get(7)?, row.get(8)?],
        })
    })?;
    runs.collect()
}

/// A row for each answer, the newest first.
pub(super) fn answers(connection: &mut Connection, path: &Path, filter: &Filter) -> Result<RecordBatch> {
    let mut found: Vec<StoredAnswer> = Vec::new();
    let limit = usize::try_from(filter.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    let sql = format!(
        "SELECT {COLUMNS}, id FROM answers WHERE id < ?1 AND (?2 IS NULL OR run = ?2) AND (?3 IS NULL OR model = ?3) \
         ORDER BY id DESC LIMIT ?4"
    );
    let mut last = i64::MAX;
    while found.len() < limit {
        let wanted = u32::try_from(limit - found.len()).unwrap_or(SLICE).min(SLICE);
        let slice = slice(connection, &sql, params![last, filter.run, filter.model, wanted])
            .map_err(|cause| explain(path, cause))?;
        let is_last = slice.len() < wanted as usize;
        last = slice.last().map_or(last, |(id, _, _)| *id);
        found.extend(slice.into_iter().map(|(_, _, answer)| answer));
        if is_last {
            break;
        }
    }
    let texts = |read: fn(&StoredAnswer) -> &str| texts(found.iter().map(|answer| Some(read(answer))));
    let maybe = |read: fn(&StoredAnswer) -> Option<&str>| self::texts(found.iter().map(read));
    let counts = |read: fn(&StoredAnswer) -> Option<i64>| counts(found.iter().map(read));
    let bodies = found.iter().map(|answer| Some(String::from_utf8_lossy(&answer.body)));
    table(vec![
        ("image", texts(|answer| &answer.image)),
        ("model", texts(|answer| &answer.model)),
        ("status", texts(|answer| &answer.status)),
        ("input_tokens", counts(|answer| answer.input_tokens)),
        ("output_tokens", counts(|answer| answer.output_tokens)),
        ("thinking_tokens", counts(|answer| answer.thinking_tokens)),
        ("cached_tokens", counts(|answer| answer.cached_tokens)),
        ("cost_usd", numbers(found.iter().map(|answer| answer.cost_usd))),
        ("attempts", counts(|answer| Some(i64::from(answer.attempts)))),
        ("latency_ms", numbers(found.iter().map(|answer| Some(answer.latency_ms)))),
        ("asked_at", times(found.iter().map(|answer| answer.asked_at))),
        ("answered_at", times(found.iter().map(|answer| answer.answered_at))),
        ("run", texts(|answer| &answer.run)),
        ("location", texts(|answer| &answer.location)),
        ("model_version", maybe(|answer| answer.model_version.as_deref())),
        ("response_id", maybe(|answer| answer.response_id.as_deref())),
        ("prompt_preview", texts(|answer| &answer.prompt_preview)),
        ("body", Arc::new(bodies.collect::<StringArray>())),
    ])
}

type Found = (i64, Key, StoredAnswer);

fn slice(connection: &Connection, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<Vec<Found>> {
    let mut statement = connection.prepare(sql)?;
    let found = statement.query_map(values, |row| {
        let (key, answer) = rows::read(row)?;
        Ok((row.get("id")?, key, answer))
    })?;
    found.collect()
}

/// Writes every answer as a line of JSON, the oldest first. `target` appears when it is whole.
pub(super) fn export(connection: &mut Connection, path: &Path, target: &Path) -> Result<u64> {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", uuid::Uuid::new_v4().simple()));
    let partial = target.with_file_name(name);
    let written = write_lines(connection, path, &partial).and_then(|count| {
        std::fs::rename(&partial, target).map_err(|cause| explain_output(target, cause))?;
        Ok(count)
    });
    if written.is_err() && partial.exists() {
        std::fs::remove_file(&partial).map_err(|cause| explain_output(&partial, cause))?;
    }
    written
}

fn write_lines(connection: &Connection, path: &Path, partial: &Path) -> Result<u64> {
    let failed = |cause: std::io::Error| explain_output(partial, cause);
    let mut lines = BufWriter::new(File::create_new(partial).map_err(failed)?);
    let sql = format!("SELECT {COLUMNS}, id FROM answers WHERE id > ?1 ORDER BY id LIMIT {SLICE}");
    let (mut last, mut count) = (i64::MIN, 0);
    loop {
        let slice = slice(connection, &sql, [last]).map_err(|cause| explain(path, cause))?;
        let Some((id, _, _)) = slice.last() else { break };
        last = *id;
        count += slice.len() as u64;
        for (_, key, answer) in &slice {
            serde_json::to_writer(&mut lines, &Line::new(key, answer)?).map_err(|cause| failed(cause.into()))?;
            lines.write_all(b"\n").map_err(failed)?;
        }
    }
    lines.into_inner().map_err(|cause| failed(cause.into_error()))?.sync_all().map_err(failed)?;
    Ok(count)
}

#[derive(Serialize)]
struct Line<'a> {
    key: String,
    run: &'a str,
    image: &'a str,
    prompt_preview: &'a str,
    status: &'a str,
    model: &'a str,
    location: &'a str,
    model_version: Option<&'a str>,
    response_id: Option<&'a str>,
    cost_usd: Option<f64>,
    input_tokens: Option<i64>,
    output_tokens: Option<i64>,
    thinking_tokens: Option<i64>,
    cached_tokens: Option<i64>,
    attempts: u32,
    latency_ms: f64,
    asked_at: Option<String>,
    answered_at: Option<String>,
    body: Box<RawValue>,
}

impl<'a> Line<'a> {
    fn new(key: &Key, answer: &'a StoredAnswer) -> Result<Self> {
        Ok(Self {
            key: key.to_string(),
            run: &answer.run,
            image: &answer.image,
            prompt_preview: &answer.prompt_preview,
            status: &answer.status,
            model: &answer.model,
            location: &answer.location,
            model_version: answer.model_version.as_deref(),
            response_id: answer.response_id.as_deref(),
            cost_usd: answer.cost_usd,
            input_tokens: answer.input_tokens,
            output_tokens: answer.output_tokens,
            thinking_tokens: answer.thinking_tokens,
            cached_tokens: answer.cached_tokens,
            attempts: answer.attempts,
            latency_ms: answer.latency_ms,
            asked_at: instant(answer.asked_at),
            answered_at: instant(answer.answered_at),
            body: on_one_line(&answer.body).map_err(|cause| {
                Error::new(ErrorKind::Internal, "an answer cannot be written as JSON").with_source(cause)
            })?,
        })
    }
}

fn instant(milliseconds: i64) -> Option<String> {
    DateTime::from_timestamp_millis(milliseconds).map(|time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// JSON as it came, whose line ends are all between its parts; anything else becomes a text.
fn on_one_line(body: &[u8]) -> serde_json::Result<Box<RawValue>> {
    let text = String::from_utf8_lossy(body);
    match RawValue::from_string(text.replace(['\n', '\r'], " ").trim().to_owned()) {
        Ok(json) => Ok(json),
        Err(_) => serde_json::value::to_raw_value(&text),
    }
}

/// Removes answers and gives their space back to the disk.
pub(super) fn prune(connection: &mut Connection, path: &Path, options: &PruneOptions) -> Result<u64> {
    remove(connection, options).map_err(|cause| explain(path, cause))
}

fn remove(connection: &Connection, options: &PruneOptions) -> rusqlite::Result<u64> {
    let sql = format!(
        "DELETE FROM answers WHERE id IN (SELECT id FROM answers WHERE (?1 IS NULL OR answered_at < ?1) \
         AND (?2 IS NULL OR run = ?2) AND (?3 IS NULL OR model = ?3) LIMIT {SLICE})"
    );
    let mut removed = 0;
    loop {
        match connection.execute(&sql, params![options.answered_before, options.run, options.model])? {
            0 => break,
            some => removed += some as u64,
        }
    }
    if removed > 0 {
        let mut vacuum = connection.prepare("PRAGMA incremental_vacuum")?;
        let mut freed = vacuum.query([])?;
        while freed.next()?.is_some() {}
        // Without this the file shrinks when the last program closes it.
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    }
    Ok(removed)
}

fn table(columns: Vec<(&'static str, ArrayRef)>) -> Result<RecordBatch> {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .map_err(|cause| Error::new(ErrorKind::Internal, "the answers make no table").with_source(cause))
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn counts(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<Int64Array>())
}

fn numbers(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.collect::<Float64Array>())
}

fn times(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMillisecondArray::from_iter_values(values).with_timezone("UTC"))
}
