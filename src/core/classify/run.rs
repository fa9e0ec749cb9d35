//! One question about many images: each row answered once, results in input order.

use bytes::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use url::Url;

use arrow_array::RecordBatch;

use super::answers::{self, Row, Status};
use super::columns::AnswerSchema;
use super::dispatcher::{Attempt, Dispatcher};
use super::input::Input;
use super::limiter::Limits;
use super::progress::{Progress, ProgressSnapshot};
use super::prompt::Prompt;
use crate::error::{Error, ErrorKind, Result};
use crate::gemini::catalogue::Price;
use crate::gemini::{Answer, GeminiClient, GenerateOptions, Outcome, Place, RequestTemplate, Usage, View};
use crate::retry::RetryPolicy;
use crate::storage::StorageClient;

/// How a run goes about its rows.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// How many requests may be under way, and how fast they may go.
    pub limits: Limits,
    /// Time of one attempt.
    pub timeout: Duration,
    /// Generation options.
    pub generate: GenerateOptions,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { limits: Limits::default(), timeout: Duration::from_secs(60), generate: GenerateOptions::default() }
    }
}

/// What is asked about which images, and what answers look like.
#[derive(Debug, Clone)]
pub struct Question {
    /// The images, with the columns they came with.
    pub input: Input,
    /// The prompt.
    pub prompt: Prompt,
    /// What answers look like.
    pub schema: AnswerSchema,
}

/// A run, whose results can be read at any time.
#[derive(Clone)]
pub struct Run {
    work: Arc<Work>,
}

pub(super) struct Work {
    gemini: GeminiClient,
    storage: StorageClient,
    place: Place,
    address: Url,
    price: Option<Price>,
    template: RequestTemplate,
    prompt: Prompt,
    schema: AnswerSchema,
    input: Input,
    limits: Limits,
    timeout: Duration,
    rows: Mutex<Vec<Option<Row>>>,
    progress: Progress,
}

impl Run {
    /// Checks everything that can be checked before anything is sent.
    pub fn new(
        gemini: GeminiClient,
        storage: StorageClient,
        place: Place,
        question: Question,
        options: RunOptions,
    ) -> Result<Self> {
        let Question { input, prompt, schema } = question;
        options.limits.check()?;
        if options.timeout.is_zero() {
            return Err(Error::new(ErrorKind::Configuration, "`timeout` must be more than 0 seconds"));
        }
        let model = gemini.catalogue().find(&place.model);
        let generate = GenerateOptions { response_schema: schema.response_schema(), ..options.generate };
        let template = RequestTemplate::new(&generate, model)?;
        let price = model.and_then(|model| model.price);
        let rows = input.len();
        let work = Work {
            address: gemini.address(&place)?,
            price,
            template,
            prompt,
            schema,
            limits: options.limits,
            timeout: options.timeout,
            rows: Mutex::new(vec![None; rows]),
            progress: Progress::new(rows),
            // The dispatcher sends again what failed, so that no attempt passes the limiter by.
            gemini: gemini.with_stack(|stack| stack.with_policy(RetryPolicy::once())),
            storage,
            place,
            input,
        };
        Ok(Self { work: Arc::new(work) })
    }

    /// Asks about every row. An error that every row would meet ends the run; rows answered before stay.
    pub async fn execute(&self) -> Result<()> {
        Dispatcher::new(Arc::clone(&self.work), &self.work.limits, RetryPolicy::default()).run().await
    }

    /// The results so far: every input row, those without an answer as `skipped`.
    pub fn table(&self) -> Result<RecordBatch> {
        let rows = self.work.rows().clone();
        answers::table(&self.work.input.table, &self.work.schema, &rows)
    }

    /// The counters at this moment.
    #[must_use]
    pub fn progress(&self) -> ProgressSnapshot {
        self.work.progress.snapshot()
    }

    /// Where the requests go.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.work.place
    }
}

impl Work {
    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.input.len()
    }

    pub(super) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// What can be said about a row before its turn.
    pub(super) fn check(&self, row: usize) -> Result<()> {
        self.input.images[row].check()
    }

    /// Keeps a row's outcome.
    pub(super) fn finish(&self, row: usize, outcome: Row) {
        self.progress.finished(&outcome);
        self.rows()[row] = Some(outcome);
    }

    /// Sends a row's request once; `body` is that of an earlier attempt.
    pub(super) async fn attempt(&self, row: usize, body: Option<Bytes>) -> Attempt {
        let body = match body {
            Some(body) => body,
            None => match self.render(row).await {
                Ok(body) => body,
                Err(error) => return Attempt::Unsent(error),
            },
        };
        let exchange = self.gemini.generate(&self.place, &self.address, body.clone(), self.timeout).await;
        match exchange.result {
            Ok(generated) => Attempt::Answered(self.judge(generated.answer)),
            Err(error) => Attempt::Failed(error, body),
        }
    }

    async fn render(&self, row: usize) -> Result<Bytes> {
        let image = self.input.images[row].resolve(&self.storage).await?;
        self.template.body(&[View { caption: None, image }], &self.prompt.render(&self.input.table, row)?, None)
    }

    fn judge(&self, answer: Answer) -> Row {
        let cost_usd = self.price.and_then(|price| price.of(&answer.usage, &self.place.location));
        let (status, value, error) = match (answer.outcome, answer.text.as_deref()) {
            (Outcome::Complete, Some(text)) => self.read(text),
            (outcome, text) => (status_of(outcome), self.partial(outcome, text), answer.problem),
        };
        Row {
            status,
            value,
            error,
            model: Some(answer.model_version.unwrap_or_else(|| self.place.model.clone())),
            finish_reason: answer.finish_reason,
            usage: answer.usage,
            cost_usd,
            latency_ms: None,
            attempts: 0,
        }
    }

    fn read(&self, text: &str) -> (Status, Option<serde_json::Value>, Option<String>) {
        match self.schema.read(text) {
            Ok(value) => (Status::Ok, Some(value), None),
            Err(problem) => (Status::Invalid, None, Some(format!("{problem}; it reads: {}", shortened(text)))),
        }
    }

    /// Text that was paid for is kept where it can be: a cut answer in free text.
    fn partial(&self, outcome: Outcome, text: Option<&str>) -> Option<serde_json::Value> {
        let keeps = outcome != Outcome::Blocked && self.schema == AnswerSchema::Text;
        text.filter(|_| keeps).and_then(|text| self.schema.read(text).ok())
    }

    fn rows(&self) -> MutexGuard<'_, Vec<Option<Row>>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Price {
    /// List price of an answer in US dollars, by the traffic type that came back.
    #[must_use]
    pub fn of(&self, usage: &Usage, location: &str) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
        let count = |tokens: Option<i64>| tokens.unwrap_or(0).max(0) as f64;
        usage.input_tokens?;
        let cached = count(usage.cached_tokens);
        let fresh = (count(usage.input_tokens) - cached).max(0.0);
        let output = count(usage.output_tokens) + count(usage.thinking_tokens);
        let dollars = (fresh * self.input + cached * self.cached + output * self.output) / 1.0e6;
        let lane = match usage.traffic_type.as_deref() {
            Some("ON_DEMAND_FLEX") => 0.5,
            Some("ON_DEMAND_PRIORITY") => 1.8,
            _ => 1.0,
        };
        let uplift = if location == "global" { 1.0 } else { self.uplift_outside_global };
        Some(dollars * lane * uplift)
    }
}

fn status_of(outcome: Outcome) -> Status {
    match outcome {
        Outcome::Blocked => Status::Blocked,
        Outcome::Truncated => Status::Truncated,
        Outcome::Complete | Outcome::Unusable => Status::Failed,
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinking_costs_as_much_as_output_and_cached_input_less() {
        let price = Price { input: 0.3, output: 2.5, cached: 0.03, uplift_outside_global: 1.1 };
        let usage = Usage {
            input_tokens: Some(1_000_000),
            output_tokens: Some(100_000),
            thinking_tokens: Some(100_000),
            cached_tokens: Some(500_000),
            traffic_type: Some("ON_DEMAND".into()),
        };
        let cost = price.of(&usage, "global").unwrap();
        assert!((cost - (0.15 + 0.015 + 0.5)).abs() < 1e-9, "{cost}");
        assert!((price.of(&usage, "us").unwrap() / cost - 1.1).abs() < 1e-9);
        assert_eq!(price.of(&Usage::default(), "global"), None);
    }
}
