//! One page of results, as `jobs.query`, `jobs.getQueryResults` and `tabledata.list` answer it, to an Arrow batch.
//!
//! The body is read once, straight into Arrow builders, except where a server sends rows before their schema.

mod calendar;
mod columns;
mod decimal;
mod envelope;
mod interval;
mod rows;
mod scalars;
mod values;

use arrow_array::RecordBatch;
use serde::de::DeserializeSeed;

pub use envelope::{ArrowPart, Envelope};

use self::columns::{BatchBuilder, ColumnBuilder, RecordBuilder};
use self::envelope::Reading;
use self::values::Values;
use super::schema::DecodeSchema;
use crate::error::{Error, ErrorKind, Result};

/// One decoded page.
#[derive(Debug)]
pub struct Page {
    /// What the page says besides its rows.
    pub envelope: Envelope,
    /// The schema the rows were decoded with: the one given, or else the page's own.
    pub schema: Option<DecodeSchema>,
    /// The rows; absent where the page has none.
    pub batch: Option<RecordBatch>,
}

/// Decodes a page. `schema` is that of an earlier page of the same result and wins over the page's own.
///
/// A body that is no page is a retryable `MalformedResponse`, because it may have been cut on its way; a cell that
/// does not fit its column is one that is not retryable and names column, row of the page, type and value.
pub fn page(body: &[u8], schema: Option<&DecodeSchema>) -> Result<Page> {
    let mut reading = read(body, schema)?;
    if reading.skipped_rows > 0 {
        let Some(schema) = &reading.schema else {
            return Err(malformed("the page has rows and nothing says what their columns are"));
        };
        reading.batch = read(body, Some(schema))?.batch;
    }
    let batch = reading.batch.map(BatchBuilder::finish).transpose().map_err(not_arrow)?;
    Ok(Page { envelope: reading.envelope, schema: reading.schema, batch: batch.filter(|batch| batch.num_rows() > 0) })
}

fn read(body: &[u8], schema: Option<&DecodeSchema>) -> Result<Reading> {
    if i32::try_from(body.len()).is_err() {
        return Err(malformed(format!("the page has {} bytes, more than an Arrow batch can hold", body.len())));
    }
    let mut reading = Reading { schema: schema.cloned(), ..Reading::default() };
    // Checking the encoding once is a fifth faster than the parser's checking string by string.
    let text = std::str::from_utf8(body).map_err(|error| malformed("the page is not UTF-8").with_source(error))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let outcome = (&mut reading).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    match outcome {
        Ok(()) => Ok(reading),
        Err(error) => Err(explain(&mut reading, error)),
    }
}

/// The error a reading ended with, told in terms of the table where it happened there.
fn explain(reading: &mut Reading, error: serde_json::Error) -> Error {
    if let Some(error) = reading.schema_error.take() {
        return error;
    }
    let Some(batch) = reading.batch.as_ref().filter(|_| reading.is_within_rows) else {
        return malformed(format!("the page cannot be read: {}", brief(&error))).with_source(error);
    };
    let row = batch.record.len() + 1;
    match misfit(&batch.record) {
        Some((path, column)) => {
            let found = column.misfit.as_deref().unwrap_or_default();
            let kind = column.column.kind.name();
            malformed(format!("{found} in row {row} of the page does not fit column `{path}` of type {kind}"))
                .with_retryable(false)
        }
        None => malformed(format!("row {row} of the page cannot be read: {}", brief(&error))).with_source(error),
    }
}

/// The parser's words, which may quote the body at length, cut to what a message can carry.
fn brief(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}... at line {} column {}", &text[..end], error.line(), error.column()),
        None => text,
    }
}

/// The column that met a value it cannot hold, with its path.
fn misfit(record: &RecordBuilder) -> Option<(String, &ColumnBuilder)> {
    record.columns.iter().find_map(|column| {
        let (rest, culprit) = misfit_within(column)?;
        Some((format!("{}{rest}", column.column.name), culprit))
    })
}

fn misfit_within(column: &ColumnBuilder) -> Option<(String, &ColumnBuilder)> {
    if column.misfit.is_some() {
        return Some((String::new(), column));
    }
    match &column.values {
        Values::Record(record) => misfit(record).map(|(path, culprit)| (format!(".{path}"), culprit)),
        Values::List(list) => {
            let (rest, culprit) = misfit_within(&list.items)?;
            Some((format!("[{}]{rest}", list.open_items()), culprit))
        }
        _ => None,
    }
}

fn malformed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::MalformedResponse, message)
}

fn not_arrow(error: arrow_schema::ArrowError) -> Error {
    Error::new(ErrorKind::Internal, "the decoded columns do not form a batch").with_source(error)
}
