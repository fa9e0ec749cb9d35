//! A BigQuery table that takes the results of a run while it goes on, and gives the answers back to a later one.

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

use super::answer_columns::{self, COLUMN};
use crate::bigquery::BigQueryClient;
use crate::bigquery::load::{LoadMode, LoadOptions, Target};
use crate::bigquery::parameters::{Parameter, ParameterValue};
use crate::bigquery::request::Query;
use crate::classify::{EndedRows, Run, Stop};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Key;

/// Rows that are written together, at most.
const ROWS_AT_A_TIME: usize = 10_000;
/// How long an ended row waits for others, so that a day has fewer than the 1,500 loads that a table takes.
const EVERY: Duration = Duration::from_secs(60);
/// Answers that the store gets together.
const ANSWERS_AT_A_TIME: usize = 1_024;

/// A run whose results go into a table.
#[derive(Clone)]
pub struct RunInto {
    run: Run,
    table: Arc<AnswerTable>,
    end: Arc<watch::Sender<Option<Outcome>>>,
}

/// How the writing ended; the first who asks gets the error with its cause.
type Outcome = Arc<Mutex<Result<()>>>;

struct AnswerTable {
    bigquery: BigQueryClient,
    target: Target,
    /// The column that tells rows apart.
    key: String,
    /// Rows that the table has, with what names their answers.
    known: Mutex<HashSet<(Option<String>, Key)>>,
}

impl RunInto {
    /// Checks that a row of the table has room for every answer. The first of `keys` that the results have tells the
    /// rows of the table apart.
    pub(super) fn new(run: Run, bigquery: BigQueryClient, target: Target, keys: &[String]) -> Result<Self> {
        let columns = run.no_results()?.schema();
        let key = keys.iter().find(|key| columns.index_of(key).is_ok() && run.input().column_by_name(key).is_some());
        let Some(key) = key else {
            let problem = format!("`into` needs a column `{}` to tell rows apart", keys.join("` or `"));
            return Err(
                Error::new(ErrorKind::InvalidInput, problem).with_hint("give the images in a table with that column")
            );
        };
        let table = AnswerTable { bigquery, target, key: key.clone(), known: Mutex::default() };
        table.check(&run)?;
        Ok(Self { run, table: Arc::new(table), end: Arc::new(watch::Sender::new(None)) })
    }

    /// Makes the table where it is missing, checks its columns, and gives the run the answers that it holds.
    pub async fn prepare(&self) -> Result<()> {
        self.table.make(&self.run).await?;
        self.table.check_question(&self.run).await?;
        Box::pin(self.table.recall(&self.run)).await
    }

    /// Gives the run the answers that the table holds, where there is one.
    pub async fn recall(&self) -> Result<()> {
        match Box::pin(self.table.recall(&self.run)).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            recalled => recalled,
        }
    }

    /// Begins in the background; must be called where tokio runs.
    pub fn start(&self) {
        self.run.start();
        let (run, table, end) = (self.run.clone(), Arc::clone(&self.table), Arc::clone(&self.end));
        #[expect(clippy::disallowed_methods, reason = "what ended is written also when nobody waits for the run")]
        tokio::spawn(async move {
            let outcome = table.follow(&run).await;
            end.send_replace(Some(Arc::new(Mutex::new(outcome))));
        });
    }

    /// Asks about every row and writes them all; dropping the future stops the run at once.
    pub async fn execute(&self) -> Result<()> {
        let stops_with_us = StopOnDrop(&self.run);
        self.start();
        let outcome = self.wait().await;
        std::mem::forget(stops_with_us);
        outcome
    }

    /// Waits for the end of the run and of the writing; an error of the run comes first.
    pub async fn wait(&self) -> Result<()> {
        let outcome = self.run.wait().await;
        let mut end = self.end.subscribe();
        let written = match end.wait_for(Option::is_some).await.map(|end| end.clone()) {
            Ok(Some(written)) => taken(&written),
            Ok(None) | Err(_) => Err(Error::new(ErrorKind::Cancelled, "the results are no longer written")),
        };
        outcome.and(written)
    }

    /// The same question for the rows without a good answer, into the same table.
    #[must_use]
    pub fn again(&self, run: Run) -> Self {
        Self { run, table: Arc::clone(&self.table), end: Arc::new(watch::Sender::new(None)) }
    }
}

fn taken(outcome: &Outcome) -> Result<()> {
    let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
    match outcome.as_ref() {
        Ok(()) => Ok(()),
        Err(error) => {
            let copy = error.without_source();
            std::mem::replace(&mut *outcome, Err(copy))
        }
    }
}

struct StopOnDrop<'run>(&'run Run);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop(Stop::Now);
    }
}

impl AnswerTable {
    /// One row of the table cannot hold the answers to two questions.
    fn check(&self, run: &Run) -> Result<()> {
        let mut first: HashMap<Option<String>, (usize, Key)> = HashMap::new();
        let names = texts(run.input(), &self.key)?;
        for (row, (name, key)) in names.into_iter().zip(run.keys()).enumerate() {
            let Some(key) = key else { continue };
            let shown = name.clone().unwrap_or_else(|| "NULL".to_owned());
            let (earlier, known) = *first.entry(name).or_insert((row, key));
            if known != key {
                let column = &self.key;
                let problem = format!(
                    "rows {} and {} have the same `{column}`, {shown}, and ask different things; \
                     the table of `into` has one row for each `{column}`",
                    earlier + 1,
                    row + 1
                );
                return Err(Error::new(ErrorKind::InvalidInput, problem).with_hint(
                    "give each row an `observation_id` of its own, or write with `results.to_bigquery(...)`",
                ));
            }
        }
        Ok(())
    }

    async fn make(&self, run: &Run) -> Result<()> {
        let nothing = answer_columns::with_answers(&run.no_results()?, &[], run.question())?;
        let made = self.bigquery.load(nothing.schema(), Vec::new(), &self.target, &LoadOptions::default()).await;
        made.map(drop).map_err(|error| match error.kind() {
            ErrorKind::InvalidInput => {
                error.with_hint("name another table for these answers; it is made where it is missing")
            }
            _ => error,
        })
    }

    /// A row holds one answer: another question would cover those that were paid for.
    async fn check_question(&self, run: &Run) -> Result<()> {
        let sql = format!(
            "SELECT `{COLUMN}`.`question` AS question FROM {} WHERE `{COLUMN}`.`question` != @question LIMIT 1",
            self.target.quoted(),
        );
        let question = ParameterValue::String(run.question().to_string());
        let parameters = vec![Parameter { name: Some("question".to_owned()), value: question }];
        let other = self.bigquery.query(&Query { sql, parameters, ..Query::default() }).await?;
        if other.batches.iter().all(|batch| batch.num_rows() == 0) {
            return Ok(());
        }
        let problem = format!("the table `{}` holds answers to another question", self.target);
        Err(Error::new(ErrorKind::InvalidInput, problem).with_hint(
            "name a table of its own for each question (model, prompt, schema and options); it is made where it is missing",
        ))
    }

    /// Gives the store what it lacks of the answers to this run's rows.
    async fn recall(&self, run: &Run) -> Result<()> {
        let wanted: HashSet<Key> = run.keys().into_iter().flatten().collect();
        let columns = answer_columns::names().map(|name| format!("`{COLUMN}`.`{name}` AS `{name}`"));
        let sql = format!(
            "SELECT CAST(`{}` AS STRING) AS row_name, {} FROM {} WHERE `{COLUMN}`.`question` = @question",
            self.key,
            columns.collect::<Vec<_>>().join(", "),
            self.target.quoted(),
        );
        let question = ParameterValue::String(run.question().to_string());
        let parameters = vec![Parameter { name: Some("question".to_owned()), value: question }];
        let mut rows = self.bigquery.stream(&Query { sql, parameters, any_order: true, ..Query::default() }).await?;
        let mut recalled = 0;
        while let Some(batch) = rows.next().await? {
            let names = texts(&batch, "row_name")?;
            let answers = answer_columns::read(&batch).into_iter().zip(names);
            let answers = answers.filter_map(|(answer, name)| answer.map(|(key, answer)| (key, answer, name)));
            let mut found = Vec::new();
            for (key, answer, name) in answers.filter(|(key, ..)| wanted.contains(key)) {
                self.known().insert((name, key));
                found.push((key, answer));
            }
            while !found.is_empty() {
                let lot = found.split_off(found.len().saturating_sub(ANSWERS_AT_A_TIME));
                let held = run.store().find(lot.iter().map(|(key, _)| *key).collect()).await?;
                let missing: Vec<_> =
                    lot.into_iter().zip(held).filter(|(_, held)| held.is_none()).map(|(answer, _)| answer).collect();
                recalled += missing.len();
                run.store().put(missing).await?;
            }
        }
        tracing::info!(table = %self.target, answers = recalled, "the table gave answers back");
        Ok(())
    }

    /// Writes rows as they end, until the run is over and all are written.
    async fn follow(&self, run: &Run) -> Result<()> {
        let mut written = 0;
        loop {
            let next_part = run.next_rows(written + ROWS_AT_A_TIME - 1, 1);
            let is_over = matches!(tokio::time::timeout(EVERY, next_part).await, Ok(Ok(None) | Err(_)));
            let failure = loop {
                // What has ended is there at once; nothing is waited for.
                let Ok(part) = tokio::time::timeout(Duration::ZERO, run.next_rows(written, ROWS_AT_A_TIME)).await
                else {
                    break None;
                };
                match part {
                    Ok(Some(part)) => match self.write(run, &part).await {
                        Ok(()) => written += part.rows.len(),
                        Err(error) => break Some(error),
                    },
                    Ok(None) => break None,
                    Err(error) => break Some(error),
                }
            };
            match failure {
                None if is_over => return Ok(()),
                Some(error) if is_over => return Err(self.unwritten(run, error)),
                None => {}
                Some(error) => {
                    tracing::warn!(table = %self.target, %error, "results could not be written, and are tried again");
                    // Until it is tried again, or the run is over.
                    let _ = tokio::time::timeout(EVERY, run.next_rows(usize::MAX - 1, 1)).await;
                }
            }
        }
    }

    async fn write(&self, run: &Run, part: &EndedRows) -> Result<()> {
        let all = run.keys_of(&part.rows);
        let names = texts(&part.table, &self.key)?;
        let sources = texts(&part.table, "source")?;
        let statuses = texts(&part.table, "status")?;
        // Of the rows with one name the last one is written; those that the table gave back are there.
        let mut seen = HashSet::new();
        let mut is_written = vec![false; all.len()];
        for row in (0..all.len()).rev() {
            let is_there = all[row].is_some_and(|key| self.known().contains(&(names[row].clone(), key)));
            let is_old = is_there && sources[row].as_deref() != Some("online");
            is_written[row] = seen.insert(&names[row]) && !is_old;
        }
        let chosen = BooleanArray::from(is_written.clone());
        let results = arrow_select::filter::filter_record_batch(&part.table, &chosen)
            .map_err(|cause| Error::new(ErrorKind::Internal, "the ended rows make no table").with_source(cause))?;
        let chosen = || is_written.iter().enumerate().filter(|(_, is_written)| **is_written).map(|(row, _)| row);
        let keys: Vec<Key> = chosen().filter_map(|row| all[row]).collect();
        let mut found: HashMap<Key, _> = HashMap::new();
        for lot in keys.chunks(ANSWERS_AT_A_TIME) {
            let answers = run.store().find(lot.to_vec()).await?;
            found.extend(lot.iter().zip(answers).filter_map(|(key, answer)| Some((*key, answer?))));
        }
        let answers: Vec<_> = chosen()
            .map(|row| {
                answered(statuses[row].as_deref(), all[row]).and_then(|key| Some((key, found.get(&key)?.clone())))
            })
            .collect();
        let rows = answer_columns::with_answers(&results, &answers, run.question())?;
        let options = LoadOptions {
            mode: LoadMode::Upsert,
            key: vec![self.key.clone()],
            kept_column: Some(COLUMN.to_owned()),
            ..LoadOptions::default()
        };
        self.bigquery.load(rows.schema(), vec![rows], &self.target, &options).await?;
        self.known().extend(chosen().filter_map(|row| Some((names[row].clone(), all[row]?))));
        run.store().release(&keys);
        Ok(())
    }

    fn unwritten(&self, run: &Run, error: Error) -> Error {
        let hint = match (run.store().path(), &error.details().hint) {
            (Some(_), Some(hint)) => {
                format!("{hint}; every answer is in the store, and the same call writes what is missing")
            }
            (Some(_), None) => "every answer is in the store, and the same call writes what is missing".to_owned(),
            (None, Some(hint)) => format!("{hint}; the answers are in `error.results`"),
            (None, None) => "the answers are in `error.results`; write them with `to_bigquery`".to_owned(),
        };
        error.with_context(&format!("the last results could not be written to `{}`", self.target)).with_hint(hint)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<(Option<String>, Key)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What names the row's answer, where this run has one; what the store knows of a row that failed is an older one.
fn answered(status: Option<&str>, key: Option<Key>) -> Option<Key> {
    key.filter(|_| !matches!(status, Some("failed" | "image_error" | "skipped")))
}

/// The values of a column in words.
fn texts(rows: &RecordBatch, column: &str) -> Result<Vec<Option<String>>> {
    let unreadable = |cause: arrow_schema::ArrowError| {
        Error::new(ErrorKind::InvalidInput, format!("column `{column}` cannot be read as text")).with_source(cause)
    };
    let place = rows.schema_ref().index_of(column).map_err(unreadable)?;
    let values: &ArrayRef = rows.column(place);
    let options = FormatOptions::new();
    let formatter = ArrayFormatter::try_new(values, &options).map_err(unreadable)?;
    Ok((0..values.len()).map(|row| values.is_valid(row).then(|| formatter.value(row).to_string())).collect())
}
