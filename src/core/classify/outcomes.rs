//! What became of every row so far, readable at any time and in the order in which rows came to an end.

use arrow_array::{RecordBatch, UInt32Array};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

use super::answers::{self, Row, Source};
use super::columns::AnswerSchema;
use super::progress::Progress;
use super::records::Records;
use crate::error::{Error, ErrorKind, Result};

/// The outcomes of one run.
pub(super) struct Outcomes {
    state: Mutex<State>,
    progress: Progress,
    /// Told whenever rows came to an end, and when the run did.
    news: Notify,
}

struct State {
    rows: Records,
    /// Rows in the order in which they ended.
    ended: Vec<u32>,
    /// Rows that ask the same as another one, by that one.
    waiting: HashMap<u32, Vec<u32>>,
    names: Vec<Arc<str>>,
    why_skipped: String,
    notes: Vec<String>,
    is_over: bool,
}

/// Rows that came to an end, by their place in the input.
pub struct EndedRows {
    /// Places in the input.
    pub rows: Vec<u32>,
    /// Their part of the results.
    pub table: RecordBatch,
}

impl Outcomes {
    pub(super) fn new(rows: usize) -> Self {
        let state = State {
            rows: Records::new(rows),
            ended: Vec::new(),
            waiting: HashMap::new(),
            names: Vec::new(),
            why_skipped: "the run has not come to this row yet".to_owned(),
            notes: Vec::new(),
            is_over: false,
        };
        Self { state: Mutex::new(state), progress: Progress::new(rows), news: Notify::new() }
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Keeps the outcomes of rows, and gives them to the rows that ask the same.
    pub(super) fn finish(&self, outcomes: impl IntoIterator<Item = (u32, Row)>) {
        let mut state = self.state();
        for (row, outcome) in outcomes {
            for same in state.waiting.remove(&row).unwrap_or_default() {
                self.keep(&mut state, same, outcome.duplicate());
            }
            self.keep(&mut state, row, outcome);
        }
        drop(state);
        self.news.notify_waiters();
    }

    /// Gives `row` the outcome of `first`, now or once there is one.
    pub(super) fn same_as(&self, row: u32, first: u32) {
        let mut state = self.state();
        match state.rows.get(first) {
            Some(outcome) => self.keep(&mut state, row, outcome.duplicate()),
            None => state.waiting.entry(first).or_default().push(row),
        }
    }

    fn keep(&self, state: &mut State, row: u32, outcome: Row) {
        self.progress.finished(&outcome);
        state.rows.set(row, outcome);
        state.ended.push(row);
    }

    /// Outcomes of an earlier run, which are neither news nor a cost of this one.
    pub(super) fn begin_with(&self, outcomes: impl Iterator<Item = Option<Row>>) {
        let mut state = self.state();
        for (row, outcome) in (0_u32..).zip(outcomes) {
            if let Some(outcome) = outcome {
                self.progress.carried(&outcome);
                state.rows.set(row, outcome);
            }
        }
    }

    /// No other outcome will come; rows without one were skipped for this reason.
    pub(super) fn end(&self, why_skipped: &str) {
        let mut state = self.state();
        why_skipped.clone_into(&mut state.why_skipped);
        state.is_over = true;
        drop(state);
        self.progress.ended();
        self.news.notify_waiters();
    }

    /// Something that the user should hear.
    pub(super) fn note(&self, note: String) {
        self.state().notes.push(note);
    }

    /// What the user should hear and has not heard yet.
    pub(super) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.state().notes)
    }

    /// Rows without an outcome.
    pub(super) fn missing(&self) -> usize {
        self.state().rows.missing()
    }

    pub(super) fn has_outcome(&self, row: u32) -> bool {
        self.state().rows.has(row)
    }

    /// The same text, held once.
    pub(super) fn name(&self, text: &str) -> Arc<str> {
        const DIFFERENT_NAMES: usize = 64;
        let names = &mut self.state().names;
        if let Some(known) = names.iter().find(|known| known.as_ref() == text) {
            return Arc::clone(known);
        }
        let name: Arc<str> = text.into();
        if names.len() < DIFFERENT_NAMES {
            names.push(Arc::clone(&name));
        }
        name
    }

    /// All outcomes at this moment.
    pub(super) fn rows(&self) -> Records {
        self.state().rows.clone()
    }

    /// The results so far.
    pub(super) fn table(&self, input: &RecordBatch, schema: &AnswerSchema) -> Result<RecordBatch> {
        let (rows, why_skipped) = {
            let state = self.state();
            if state.is_over {
                // Nobody waits for it any more, and a copy of all rows is as large as the table.
                return answers::table(input, schema, state.rows.iter(), &state.why_skipped);
            }
            (state.rows.clone(), state.why_skipped.clone())
        };
        answers::table(input, schema, rows.iter(), &why_skipped)
    }

    /// Up to `at_most` rows in the order in which they ended, without the first `from`, waiting for some; `None` after
    /// the last of a run that is over. Who waits keeps the count, so that no row is lost with an abandoned wait.
    pub(super) async fn next(
        &self,
        from: usize,
        at_most: usize,
        input: &RecordBatch,
        schema: &AnswerSchema,
    ) -> Result<Option<EndedRows>> {
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            match self.after(from, at_most) {
                Taken::Some(rows, outcomes) => {
                    let places = UInt32Array::from(rows.clone());
                    let part = arrow_select::take::take_record_batch(input, &places).map_err(|cause| {
                        Error::new(ErrorKind::Internal, "the ended rows make no table").with_source(cause)
                    })?;
                    let table = answers::table(&part, schema, outcomes.iter().cloned(), "")?;
                    return Ok(Some(EndedRows { rows, table }));
                }
                Taken::Over => return Ok(None),
                Taken::NothingYet => news.await,
            }
        }
    }

    fn after(&self, from: usize, at_most: usize) -> Taken {
        let state = self.state();
        let to = state.ended.len().min(from.saturating_add(at_most));
        if from >= to {
            return if state.is_over { Taken::Over } else { Taken::NothingYet };
        }
        let rows: Vec<u32> = state.ended[from..to].to_vec();
        let outcomes = rows.iter().map(|row| state.rows.get(*row)).collect();
        Taken::Some(rows, outcomes)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Taken {
    Some(Vec<u32>, Vec<Option<Row>>),
    NothingYet,
    Over,
}

impl Row {
    /// Whether this run has to answer for the row's cost.
    pub(super) fn is_paid_here(&self) -> bool {
        self.source == Source::Online
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::answers::Status;
    use arrow_array::StringArray;
    use arrow_array::cast::AsArray;
    use arrow_schema::{DataType, Field, Schema};

    fn row(text: &str) -> Row {
        Row {
            text: Some(text.into()),
            cost_usd: Some(1.0),
            attempts: 1,
            source: Source::Online,
            status: Status::Ok,
            ..Row::without_answer(Status::Ok, "")
        }
    }

    fn input(rows: usize) -> RecordBatch {
        let schema = Schema::new(vec![Field::new("gcs_uri", DataType::Utf8, true)]);
        let uris: StringArray = (0..rows).map(|row| Some(format!("gs://b/{row}"))).collect();
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(uris)]).unwrap()
    }

    #[tokio::test]
    async fn rows_come_in_the_order_in_which_they_ended_and_then_no_more() {
        let outcomes = Outcomes::new(3);
        outcomes.finish([(2, row("c")), (0, row("a"))]);
        outcomes.end("cancelled");
        let first = outcomes.next(0, 1, &input(3), &AnswerSchema::Text).await.unwrap().unwrap();
        let second = outcomes.next(1, 9, &input(3), &AnswerSchema::Text).await.unwrap().unwrap();
        assert_eq!((first.rows, second.rows), (vec![2], vec![0]));
        assert_eq!(second.table.column(0).as_string::<i32>().value(0), "gs://b/0");
        assert!(outcomes.next(2, 9, &input(3), &AnswerSchema::Text).await.unwrap().is_none());
    }

    #[test]
    fn a_row_that_asks_the_same_gets_the_answer_and_costs_nothing() {
        let outcomes = Outcomes::new(3);
        outcomes.same_as(1, 0);
        outcomes.finish([(0, row("a"))]);
        outcomes.same_as(2, 0);
        for same in outcomes.rows().iter().skip(1) {
            let same = same.unwrap();
            assert_eq!((same.text.as_deref(), same.cost_usd, same.source), (Some("a"), Some(0.0), Source::Duplicate));
        }
        let progress = outcomes.progress().snapshot();
        assert_eq!((progress.done, progress.cost_usd), (3, 1.0));
    }
}
