//! An answer as columns of a table beside its result, and back.

use arrow_array::builder::{Float64Builder, Int64Builder, StringBuilder, TimestampMillisecondBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{Field, Schema};
use bytes::Bytes;
use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::store::{Key, StoredAnswer};

/// The column that holds the answers.
pub(super) const COLUMN: &str = crate::bigquery::load::ANSWERS;

const TEXTS: [&str; 11] = [
    "key",
    "question",
    "answer",
    "model",
    "location",
    "model_version",
    "response_id",
    "image",
    "prompt_preview",
    "run",
    "status",
];
const NUMBERS: [&str; 5] = ["input_tokens", "output_tokens", "thinking_tokens", "cached_tokens", "attempts"];
const FRACTIONS: [&str; 2] = ["cost_usd", "latency_ms"];
const MOMENTS: [&str; 2] = ["asked_at", "answered_at"];

/// A part of the results with the answers behind them; a row without one has null there.
pub(super) fn with_answers(
    results: &RecordBatch,
    answers: &[Option<(Key, StoredAnswer)>],
    question: Key,
) -> Result<RecordBatch> {
    let question = question.to_string();
    let mut texts: Vec<_> = TEXTS.iter().map(|_| StringBuilder::new()).collect();
    let mut numbers: Vec<_> = NUMBERS.iter().map(|_| Int64Builder::new()).collect();
    let mut fractions: Vec<_> = FRACTIONS.iter().map(|_| Float64Builder::new()).collect();
    let mut moments: Vec<_> = MOMENTS.iter().map(|_| TimestampMillisecondBuilder::new().with_timezone("UTC")).collect();
    for answer in answers {
        let (key, stored) = match answer {
            Some((key, stored)) => (Some(key.to_string()), stored.clone()),
            None => (None, StoredAnswer::default()),
        };
        let is_there = key.is_some();
        let body = std::str::from_utf8(&stored.body).ok();
        let in_order = [
            key.as_deref(),
            Some(question.as_str()),
            body,
            Some(&*stored.model),
            Some(&*stored.location),
            stored.model_version.as_deref(),
            stored.response_id.as_deref(),
            Some(stored.image.as_str()),
            Some(stored.prompt_preview.as_str()),
            Some(&*stored.run),
            Some(stored.status.as_str()),
        ];
        for (column, text) in texts.iter_mut().zip(in_order) {
            column.append_option(text.filter(|_| is_there));
        }
        let in_order = [
            stored.input_tokens,
            stored.output_tokens,
            stored.thinking_tokens,
            stored.cached_tokens,
            Some(i64::from(stored.attempts)),
        ];
        for (column, number) in numbers.iter_mut().zip(in_order) {
            column.append_option(number.filter(|_| is_there));
        }
        for (column, fraction) in fractions.iter_mut().zip([stored.cost_usd, Some(stored.latency_ms)]) {
            column.append_option(fraction.filter(|_| is_there));
        }
        for (column, moment) in moments.iter_mut().zip([stored.asked_at, stored.answered_at]) {
            column.append_option(Some(moment).filter(|_| is_there));
        }
    }
    let columns = texts
        .iter_mut()
        .map(|column| Arc::new(column.finish()) as ArrayRef)
        .chain(numbers.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef))
        .chain(fractions.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef))
        .chain(moments.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef));
    let columns: Vec<ArrayRef> = columns.collect();
    let fields = names().zip(&columns).map(|(name, column)| Field::new(name, column.data_type().clone(), true));
    let fields = fields.collect::<Vec<_>>().into();
    let nulls: NullBuffer = answers.iter().map(Option::is_some).collect();
    let answers = StructArray::try_new_with_length(fields, columns, Some(nulls), results.num_rows()).map_err(failed)?;
    let field = Field::new(COLUMN, answers.data_type().clone(), true);
    let all_fields: Vec<_> =
        results.schema_ref().fields().iter().cloned().chain(std::iter::once(Arc::new(field))).collect();
    let all_columns = results.columns().iter().cloned().chain(std::iter::once(Arc::new(answers) as ArrayRef));
    RecordBatch::try_new(Arc::new(Schema::new(all_fields)), all_columns.collect()).map_err(failed)
}

/// The columns of an answer, for a query that reads them back.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().chain(&NUMBERS).chain(&FRACTIONS).chain(&MOMENTS).copied()
}

/// The answers of rows that a query gave; what is not whole is `None`, as if it had never been kept.
pub(super) fn read(rows: &RecordBatch) -> Vec<Option<(Key, StoredAnswer)>> {
    (0..rows.num_rows()).map(|row| read_row(rows, row)).collect()
}

fn read_row(rows: &RecordBatch, row: usize) -> Option<(Key, StoredAnswer)> {
    let text = |name: &str| {
        let column = rows.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let number = |name: &str| {
        let column = rows.column_by_name(name)?.as_primitive_opt::<Int64Type>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let fraction = |name: &str| {
        let column = rows.column_by_name(name)?.as_primitive_opt::<Float64Type>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    let moment = |name: &str| {
        let column = rows.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()?;
        column.is_valid(row).then(|| column.value(row).div_euclid(1_000))
    };
    let stored = StoredAnswer {
        body: Bytes::from(text("answer")?),
        model: text("model")?.into(),
        location: text("location")?.into(),
        model_version: text("model_version"),
        response_id: text("response_id"),
        image: text("image").unwrap_or_default(),
        prompt_preview: text("prompt_preview").unwrap_or_default(),
        run: text("run")?.into(),
        cost_usd: fraction("cost_usd"),
        input_tokens: number("input_tokens"),
        output_tokens: number("output_tokens"),
        thinking_tokens: number("thinking_tokens"),
        cached_tokens: number("cached_tokens"),
        attempts: number("attempts").and_then(|attempts| u32::try_from(attempts).ok()).unwrap_or_default(),
        latency_ms: fraction("latency_ms").unwrap_or_default(),
        asked_at: moment("asked_at")?,
        answered_at: moment("answered_at")?,
        status: text("status")?,
    };
    Some((Key::parse(&text("key")?)?, stored))
}

fn failed(cause: arrow_schema::ArrowError) -> Error {
    Error::new(ErrorKind::Internal, "the answers make no table").with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Int64Array;
    use arrow_schema::{DataType, TimeUnit};

    #[test]
    fn an_answer_is_read_back_as_it_was_kept() {
        let stored = StoredAnswer {
            body: Bytes::from_static(b"{\"a\": \"\xc3\xa9\"}"),
            model: "m".into(),
            location: "us".into(),
            response_id: Some("r".into()),
            run: "run".into(),
            cost_usd: Some(0.5),
            input_tokens: Some(7),
            attempts: 2,
            latency_ms: 1.5,
            asked_at: 1_700_000_000_123,
            answered_at: 1_700_000_000_456,
            status: "ok".into(),
            ..StoredAnswer::default()
        };
        let key = Key::builder("test").finish();
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let results = RecordBatch::try_from_iter([("id", numbers)]).unwrap();
        let table = with_answers(&results, &[Some((key, stored.clone())), None], key).unwrap();
        let answers = table.column_by_name(COLUMN).unwrap().as_struct();
        assert!(answers.is_valid(0) && answers.is_null(1));
        // BigQuery gives microseconds back.
        let micros = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let columns = names().map(|name| {
            let column = answers.column_by_name(name).unwrap();
            let is_moment = MOMENTS.contains(&name);
            (name, if is_moment { arrow_cast::cast(column, &micros).unwrap() } else { Arc::clone(column) })
        });
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        assert_eq!(read(&rows), [Some((key, stored)), None]);
    }
}
