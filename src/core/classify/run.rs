//! One question about many images: each row answered once, results in input order, in the background if wished.

use arrow_array::RecordBatch;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::access::ImageAccess;
use super::answers::{Row, Status};
use super::columns::AnswerSchema;
use super::control::{Control, Stop};
use super::dispatcher::{Dispatcher, Ending};
use super::feed::Refresh;
use super::input::Input;
use super::limiter::{ConcurrencyRange, Limits};
use super::outcomes::{EndedRows, Outcomes};
use super::policies::Orders;
use super::progress::ProgressSnapshot;
use super::prompt::Prompt;
use super::quotas::KnownQuotas;
use super::work::{Destination, PROMPT_PART, Work};
use crate::error::{Error, ErrorKind, Result};
use crate::gemini::{GeminiClient, GenerateOptions, Place, RequestTemplate};
use crate::retry::RetryPolicy;
use crate::store::{Key, Store};

/// Changes whenever the same parts would name another answer.
const KEY_VERSION: &str = "streetlens answer 1";

/// The label that carries a run's id to the invoice.
const RUN_LABEL: &str = "streetlens-run";

/// How a run goes about its rows.
#[derive(Clone)]
pub struct RunOptions {
    /// How many requests may be under way, and how fast they may go.
    pub limits: Limits,
    /// Time of one attempt.
    pub timeout: Duration,
    /// Attempts and time of one row.
    pub policy: RetryPolicy,
    /// Generation options.
    pub generate: GenerateOptions,
    /// Where paid answers are kept.
    pub store: Store,
    /// Ask anew what the store knows.
    pub refresh: bool,
    /// Share of requests that may be sent a second time because the first is slow; none where it is 0.
    pub hedge: f64,
    /// What the run may spend at list price.
    pub max_cost_usd: Option<f64>,
    /// Share of failed rows that ends the run.
    pub max_error_ratio: Option<f64>,
}

/// Who answers, and who has the images.
#[derive(Clone)]
pub struct Services {
    /// Gemini.
    pub gemini: GeminiClient,
    /// The images.
    pub images: ImageAccess,
    /// What earlier runs found out about quotas.
    pub quotas: KnownQuotas,
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

/// A run, whose results can be read at any time. It goes on while somebody holds it.
#[derive(Clone)]
pub struct Run {
    pub(super) work: Arc<Work>,
    pub(super) asked: Arc<Asked>,
    control: Arc<watch::Sender<Control>>,
    end: watch::Receiver<Option<Arc<End>>>,
    /// Until it began, what tells of the end.
    start: Arc<Mutex<Option<EndSender>>>,
}

/// What the run was made from, to make another one like it.
pub(super) struct Asked {
    pub(super) services: Services,
    places: Vec<Place>,
    pub(super) question: Question,
    pub(super) options: RunOptions,
    pub(super) refresh: Refresh,
}

type EndSender = watch::Sender<Option<Arc<End>>>;

/// How a run ended; the first who asks gets the error with its cause.
struct End {
    outcome: Mutex<Result<Ending>>,
}

impl Run {
    /// Checks everything that can be checked before anything is sent.
    pub fn new(services: Services, places: Vec<Place>, question: Question, options: RunOptions) -> Result<Self> {
        options.limits.check()?;
        if options.timeout.is_zero() {
            return Err(Error::new(ErrorKind::Configuration, "`timeout` must be more than 0 seconds"));
        }
        let refresh = if options.refresh { Refresh::Everything } else { Refresh::Nothing };
        Self::of(Asked { services, places, question, options, refresh })
    }

    fn of(asked: Asked) -> Result<Self> {
        let work = asked.work()?;
        let (end, ended) = watch::channel(None);
        Ok(Self {
            work: Arc::new(work),
            asked: Arc::new(asked),
            control: Arc::new(watch::Sender::new(Control::default())),
            end: ended,
            start: Arc::new(Mutex::new(Some(end))),
        })
    }

    /// The same question for the rows without a good answer; the others keep theirs. Nothing is taken from the store.
    pub fn again(&self) -> Result<Self> {
        let asked = &self.asked;
        let mut asked = Asked {
            services: asked.services.clone(),
            places: asked.places.clone(),
            question: asked.question.clone(),
            options: RunOptions { refresh: false, ..asked.options.clone() },
            refresh: Refresh::Nothing,
        };
        // What was not asked at all may have been answered by another run.
        let anew = |(row, outcome): (usize, Option<Row>)| {
            let is_bad = outcome.is_some_and(|outcome| outcome.status != Status::Ok);
            u32::try_from(row).ok().filter(|_| is_bad)
        };
        let rows = self.work.outcomes.rows();
        asked.refresh = Refresh::These(Arc::new(rows.iter().enumerate().filter_map(anew).collect()));
        let run = Self::of(asked)?;
        let good = |row: Row| (row.status == Status::Ok).then_some(row);
        run.work.outcomes.begin_with(rows.iter().map(|row| row.and_then(good)));
        Ok(run)
    }

    /// The answers so far, read by another schema; nothing is asked.
    pub fn reparse(&self, schema: AnswerSchema) -> Result<Self> {
        let asked = &self.asked;
        let question = Question { schema, ..asked.question.clone() };
        let run = Self::new(asked.services.clone(), asked.places.clone(), question, asked.options.clone())?;
        let rows = self.work.outcomes.rows();
        run.work.outcomes.begin_with(rows.iter().map(|row| row.map(|row| row.read_by(&run.work.schema))));
        if let Some(end) = run.start.lock().unwrap_or_else(PoisonError::into_inner).take() {
            run.work.outcomes.end(why_skipped(&Ok(Ending::Complete)));
            end.send_replace(Some(Arc::new(End { outcome: Mutex::new(Ok(Ending::Complete)) })));
        }
        Ok(run)
    }

    /// The same question for some of the rows.
    pub(super) fn of_rows(&self, rows: Vec<u32>) -> Result<Self> {
        let asked = &self.asked;
        let input = asked.question.input.clone().of_rows(rows)?;
        let question = Question { input, ..asked.question.clone() };
        Self::new(asked.services.clone(), asked.places.clone(), question, asked.options.clone())
    }

    /// Begins in the background, once; must be called where tokio runs.
    pub fn start(&self) {
        let Some(end) = self.start.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        let work = Arc::clone(&self.work);
        let options = &self.asked.options;
        let orders = Orders {
            limits: options.limits,
            policy: options.policy,
            store: options.store.clone(),
            refresh: self.asked.refresh.clone(),
            hedge: options.hedge,
            max_cost_usd: options.max_cost_usd,
            max_error_ratio: options.max_error_ratio,
        };
        let (control, of_run) = (self.control.subscribe(), Arc::clone(&work));
        #[expect(
            clippy::disallowed_methods,
            reason = "it goes on in the background, until it ends or nobody holds it"
        )]
        tokio::spawn(async move {
            // A task of its own, so that a defect is an error of the run.
            let mut going = JoinSet::new();
            going.spawn(async move { Dispatcher::new(of_run, orders, control)?.run().await });
            let unexpected = |cause| Error::new(ErrorKind::Internal, "the run ended unexpectedly").with_source(cause);
            let outcome = match going.join_next().await {
                Some(ended) => ended.unwrap_or_else(|cause| Err(unexpected(cause))),
                None => Ok(Ending::Cancelled),
            };
            work.outcomes.end(why_skipped(&outcome));
            end.send_replace(Some(Arc::new(End { outcome: Mutex::new(outcome) })));
        });
    }

    /// Asks about every row. An error that every row would meet ends the run; rows answered before stay. Dropping the
    /// future stops the run at once.
    pub async fn execute(&self) -> Result<()> {
        let stops_with_us = StopOnDrop(self);
        self.start();
        let outcome = self.wait().await;
        std::mem::forget(stops_with_us);
        outcome
    }

    /// Waits for the end of a run that goes on in the background.
    pub async fn wait(&self) -> Result<()> {
        let mut end = self.end.clone();
        let ended = end.wait_for(Option::is_some).await.map(|end| end.clone());
        match ended {
            Ok(Some(end)) => end.outcome(),
            Ok(None) | Err(_) => Err(Error::new(ErrorKind::Cancelled, "the run was dropped")),
        }
    }

    /// Whether it ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.end.borrow().is_some()
    }

    /// Stops the run; rows that ended stay.
    pub fn stop(&self, how: Stop) {
        self.control.send_modify(|control| control.stop = Some(how));
    }

    /// Changes how many requests may be under way.
    pub fn set_concurrency(&self, concurrency: ConcurrencyRange) -> Result<()> {
        concurrency.check()?;
        self.control.send_modify(|control| control.concurrency = Some(concurrency));
        Ok(())
    }

    /// Up to `at_most` rows in the order in which they ended, without the first `from`, waiting for some; `None` after
    /// the last of a run that is over.
    pub async fn next_rows(&self, from: usize, at_most: usize) -> Result<Option<EndedRows>> {
        self.work.outcomes.next(from, at_most, self.work.input.table(), &self.work.schema).await
    }

    /// The results so far: every input row, those without an answer as `skipped`.
    pub fn table(&self) -> Result<RecordBatch> {
        self.work.outcomes.table(self.work.input.table(), &self.work.schema)
    }

    /// The text of each row's answer as the model gave it.
    #[must_use]
    pub fn texts(&self) -> Vec<Option<Box<str>>> {
        self.work.outcomes.rows().iter().map(|row| row.and_then(|row| row.text)).collect()
    }

    /// What the user should hear and has not heard yet.
    #[must_use]
    pub fn take_notes(&self) -> Vec<String> {
        self.work.outcomes.take_notes()
    }

    /// The counters at this moment.
    #[must_use]
    pub fn progress(&self) -> ProgressSnapshot {
        self.work.outcomes.progress().snapshot()
    }

    /// Where the requests go, the first choice first.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.work.destinations.iter().map(|destination| &destination.place)
    }

    /// The run's id, which is on every request as the label `streetlens-run`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.work.id
    }
}

impl Asked {
    fn work(&self) -> Result<Work> {
        let Services { gemini, images, quotas } = self.services.clone();
        let Question { input, prompt, schema } = self.question.clone();
        let input = input.with_captions_for(&prompt);
        let id = uuid::Uuid::new_v4().simple().to_string();
        let first =
            self.places.first().ok_or_else(|| Error::new(ErrorKind::Configuration, "there is no region to ask"))?;
        let model = gemini.catalogue().find(&first.model);
        let mut generate =
            GenerateOptions { response_schema: schema.response_schema(), ..self.options.generate.clone() };
        generate.labels.push((RUN_LABEL.to_owned(), id.clone()));
        let mut template = RequestTemplate::new(&generate, model)?;
        let mut key = Key::builder(KEY_VERSION);
        key.part("service", gemini.service_name().as_bytes());
        key.part("model", first.model.as_bytes());
        key.part("shape", template.shape_text().as_bytes());
        if let Some(prompt) = prompt.same_for_all() {
            key.part(PROMPT_PART, prompt.as_bytes());
            template = template.with_shared_prompt(prompt);
        }
        let destinations = self.places.iter().map(|place| {
            let price = gemini.catalogue().find(&place.model).and_then(|model| model.price);
            let names = (place.model.as_str().into(), place.location.as_str().into());
            Ok(Destination { address: gemini.address(place)?, price, place: place.clone(), names })
        });
        Ok(Work {
            id: id.into(),
            destinations: destinations.collect::<Result<_>>()?,
            template,
            prompt,
            schema,
            timeout: self.options.timeout,
            media_resolution: self.options.generate.media_resolution.clone(),
            max_output_tokens: self.options.generate.max_output_tokens,
            key,
            outcomes: Outcomes::new(input.len()),
            // The dispatcher sends again what failed, so that no attempt passes the limiter by.
            gemini: gemini.with_stack(|stack| stack.with_policy(RetryPolicy::once())),
            images,
            quotas,
            input,
        })
    }
}

struct StopOnDrop<'run>(&'run Run);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop(Stop::Now);
    }
}

impl End {
    fn outcome(&self) -> Result<()> {
        let mut outcome = self.outcome.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome.as_ref() {
            Ok(_) => Ok(()),
            Err(error) => {
                let copy = error.without_source();
                std::mem::replace(&mut *outcome, Err(copy)).map(|_| ())
            }
        }
    }
}

fn why_skipped(outcome: &Result<Ending>) -> &str {
    match outcome {
        Ok(Ending::Spent(reason)) => reason,
        Ok(Ending::Cancelled) => "the run was cancelled before this row was answered",
        Ok(Ending::Complete) | Err(_) => "the run ended before this row was answered",
    }
}
