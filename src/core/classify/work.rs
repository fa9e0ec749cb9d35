//! The question of a run: what is sent for a row, what names its answer, and what an answer means.

use bytes::Bytes;
use chrono::Utc;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

use super::access::{ImageAccess, Room};
use super::answers::{Row, Source, Status};
use super::columns::AnswerSchema;
use super::input::Input;
use super::limiter::Learned;
use super::outcomes::Outcomes;
use super::prompt::Prompt;
use super::quotas::KnownQuotas;
use crate::error::{Error, ErrorKind, Result};
use crate::gemini::catalogue::Price;
use crate::gemini::{Answer, GeminiClient, Misfit, Outcome, Place, RequestTemplate, Usage, decode, estimate};
use crate::store::{Key, KeyBuilder, StoredAnswer};

/// The status in the store of an answer that is to be asked for once more.
const TO_ASK_AGAIN: &str = "asked again";

/// The name of the prompt within a key; it comes right before the images.
pub(super) const PROMPT_PART: &str = "prompt";

/// The question, and what became of the rows so far.
pub(super) struct Work {
    pub(super) id: Arc<str>,
    pub(super) gemini: GeminiClient,
    pub(super) images: ImageAccess,
    pub(super) quotas: KnownQuotas,
    pub(super) destinations: Vec<Destination>,
    pub(super) template: RequestTemplate,
    pub(super) prompt: Prompt,
    pub(super) schema: AnswerSchema,
    pub(super) input: Input,
    pub(super) timeout: Duration,
    pub(super) media_resolution: Option<String>,
    pub(super) max_output_tokens: Option<u32>,
    /// With everything that every row shares.
    pub(super) key: KeyBuilder,
    pub(super) outcomes: Outcomes,
}

/// One place that answers, with its price there.
#[derive(Debug, Clone)]
pub(super) struct Destination {
    pub(super) place: Place,
    /// Model and location, as each of its answers names them.
    pub(super) names: (Arc<str>, Arc<str>),
    pub(super) address: Url,
    pub(super) price: Option<Price>,
}

/// An answer that did not fit the schema, waiting to be asked for once more.
#[derive(Debug)]
pub(super) struct Earlier {
    pub(super) row: Row,
    pub(super) problem: String,
}

/// A request ready to go, with the memory its images take.
#[derive(Debug)]
pub(super) struct Body {
    bytes: Bytes,
    room: Room,
}

/// What the store knows of a row.
pub(super) enum Recalled {
    /// Its outcome.
    Outcome(Row),
    /// An answer that did not fit, and was not asked for once more yet.
    ToAskAgain(Earlier),
    /// An answer that cannot be read.
    Unreadable,
}

/// What became of one attempt.
pub(super) enum Attempt {
    /// The request could not be made.
    Unsent(Error),
    /// There is an answer.
    Answered(Box<Answered>),
    /// There is none; the request, where it is kept for another attempt.
    Failed(Error, Option<Body>),
}

/// An answer that was paid for.
pub(super) struct Answered {
    pub(super) row: Row,
    pub(super) json: Bytes,
    pub(super) response_id: Option<String>,
    pub(super) model_version: Option<String>,
    pub(super) asked_at: i64,
}

impl Work {
    /// What names the answer of a row: everything that shapes it.
    pub(super) fn key(&self, row: usize) -> Result<Key> {
        let mut key = self.key.clone();
        if self.prompt.same_for_all().is_none() {
            key.part(PROMPT_PART, self.prompt.render(self.input.table(), row)?.as_bytes());
        }
        key.part("images", self.input.identity(row)?.as_bytes());
        Ok(key.finish())
    }

    /// Sends a row's request once; `body` is that of an earlier attempt.
    pub(super) async fn attempt(
        &self,
        row: usize,
        body: Option<Body>,
        earlier: Option<(String, String)>,
        destination: usize,
    ) -> Attempt {
        let mut body = match body {
            Some(body) => body,
            None => match self.body(row, earlier).await {
                Ok(body) => body,
                Err(error) => return Attempt::Unsent(error),
            },
        };
        let destination = &self.destinations[destination];
        let asked_at = Utc::now().timestamp_millis();
        let exchange =
            self.gemini.generate(&destination.place, &destination.address, body.bytes.clone(), self.timeout).await;
        match exchange.result {
            Ok(generated) => Attempt::Answered(Box::new(Answered {
                response_id: generated.answer.response_id.clone(),
                model_version: generated.answer.model_version.clone(),
                row: self.judge(generated.answer, destination),
                json: generated.json,
                asked_at,
            })),
            Err(error) => Attempt::Failed(error, body.room.may_wait(&self.images).then_some(body)),
        }
    }

    async fn body(&self, row: usize, earlier: Option<(String, String)>) -> Result<Body> {
        let (views, room) = self.input.views_in_room(row, &self.images).await?;
        let prompt = self.prompt.render(self.input.table(), row)?;
        let again = earlier.as_ref().map(|(answer, problem)| Misfit { answer, problem });
        Ok(Body { bytes: self.template.body(&views, &prompt, again)?, room })
    }

    /// What an answer that just came means.
    fn judge(&self, answer: Answer, destination: &Destination) -> Row {
        let cost_usd = destination.price.and_then(|price| price.of(&answer.usage, &destination.place.location));
        let asked_for = destination.place.model.as_str();
        Row { cost_usd, attempts: 1, source: Source::Online, ..self.read(answer, asked_for) }
    }

    /// What an answer means, whoever paid for it.
    fn read(&self, answer: Answer, asked_for: &str) -> Row {
        let (status, error) = match (answer.outcome, answer.text.as_deref()) {
            (Outcome::Complete, Some(text)) => match self.schema.read(text) {
                Ok(_) => (Status::Ok, None),
                Err(problem) => (Status::Invalid, Some(format!("{problem}; it reads: {}", shortened(text)))),
            },
            (outcome, _) => (status_of(outcome), answer.problem),
        };
        let model = answer.model_version.as_deref().unwrap_or(asked_for);
        Row {
            status,
            // What a block let through is not for showing.
            text: answer.text.filter(|_| status != Status::Blocked).map(String::into_boxed_str),
            error: error.map(String::into_boxed_str),
            model: Some(self.outcomes.name(model)),
            finish_reason: answer.finish_reason.as_deref().map(|reason| self.outcomes.name(reason)),
            usage: Usage { traffic_type: None, ..answer.usage },
            cost_usd: None,
            latency_ms: None,
            attempts: 0,
            source: Source::Nowhere,
        }
    }

    /// An image that is gone, with what is known of its snapshot.
    pub(super) fn explained(&self, row: u32, error: Error) -> Error {
        if error.kind() != ErrorKind::Image || error.details().status != Some(404) {
            return error;
        }
        let explained = self.input.uris(row as usize).find_map(|uri| self.images.snapshots().explain(&uri));
        match explained {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// What earlier runs found out about the quotas of the places.
    pub(super) fn known_quotas(&self) -> Vec<Option<Learned>> {
        self.destinations.iter().map(|destination| self.quotas.of(&destination.place)).collect()
    }

    pub(super) fn remember_quotas(&self, learned: &[Option<Learned>]) {
        for (destination, learned) in self.destinations.iter().zip(learned) {
            if let Some(learned) = learned {
                self.quotas.remember(&destination.place, *learned);
            }
        }
    }

    /// What a request is estimated at in dollars, before any answer told; `None` without a price.
    pub(super) fn planned_cost(&self) -> Option<f64> {
        let destination = self.destinations.first()?;
        let price = destination.price?;
        let usage = Usage {
            input_tokens: i64::try_from(self.estimated_input(0)).ok(),
            output_tokens: i64::try_from(self.estimated_output()).ok(),
            ..Usage::default()
        };
        price.of(&usage, &destination.place.location)
    }

    /// What an answer is estimated at in output tokens.
    pub(super) fn estimated_output(&self) -> u64 {
        estimate::output_tokens(self.max_output_tokens, self.schema.response_schema().as_ref())
    }

    /// What the request of a row is estimated at in input tokens.
    pub(super) fn estimated_input(&self, row: usize) -> u64 {
        let model = self.destinations.first().and_then(|first| self.gemini.catalogue().find(&first.place.model));
        let (mut characters, mut images) = (self.template.shape_text().len(), 1);
        if row < self.input.len() {
            characters += self.prompt.render(self.input.table(), row).map_or(0, |prompt| prompt.chars().count());
            images = self.input.views_of(row).max(1);
        }
        estimate::input_tokens(characters, images, self.media_resolution.as_deref(), model)
    }

    /// Why an answer may come out better when it is asked for once more with this said.
    pub(super) fn worth_asking_again(&self, row: &Row) -> Option<String> {
        let text = row.text.as_deref().filter(|_| row.status == Status::Invalid)?;
        self.schema.read(text).err()
    }

    /// What is known from an answer that was paid for earlier.
    pub(super) fn recall(&self, stored: &StoredAnswer) -> Recalled {
        let Ok(answer) = decode::body(&stored.body) else { return Recalled::Unreadable };
        let row = Row {
            usage: Usage {
                input_tokens: stored.input_tokens,
                output_tokens: stored.output_tokens,
                thinking_tokens: stored.thinking_tokens,
                cached_tokens: stored.cached_tokens,
                traffic_type: None,
            },
            cost_usd: Some(0.0),
            source: Source::Store,
            ..self.read(answer, &stored.model)
        };
        match self.worth_asking_again(&row).filter(|_| stored.status == TO_ASK_AGAIN) {
            Some(problem) => Recalled::ToAskAgain(Earlier { row, problem }),
            None => Recalled::Outcome(row),
        }
    }

    /// What is kept of an answer that does not fit, until it is asked for once more.
    pub(super) fn stored_before_asking_again(
        &self,
        row: usize,
        answered: &Answered,
        destination: usize,
    ) -> StoredAnswer {
        StoredAnswer { status: TO_ASK_AGAIN.to_owned(), ..self.stored(row, answered, destination) }
    }

    /// What is kept of an answer.
    pub(super) fn stored(&self, row: usize, answered: &Answered, destination: usize) -> StoredAnswer {
        let (model, location) = self.destinations[destination].names.clone();
        let prompt = self.prompt.render(self.input.table(), row).unwrap_or_default();
        let outcome = &answered.row;
        StoredAnswer {
            body: answered.json.clone(),
            model,
            location,
            model_version: answered.model_version.clone(),
            response_id: answered.response_id.clone(),
            image: self.input.shown(row),
            prompt_preview: StoredAnswer::preview(&prompt).to_owned(),
            run: Arc::clone(&self.id),
            cost_usd: outcome.cost_usd,
            input_tokens: outcome.usage.input_tokens,
            output_tokens: outcome.usage.output_tokens,
            thinking_tokens: outcome.usage.thinking_tokens,
            cached_tokens: outcome.usage.cached_tokens,
            attempts: outcome.attempts,
            latency_ms: outcome.latency_ms.unwrap_or_default(),
            asked_at: answered.asked_at,
            answered_at: Utc::now().timestamp_millis(),
            status: outcome.status.as_str().to_owned(),
        }
    }
}

impl Earlier {
    /// The outcome of a row that was asked twice: the later answer, and the price of both.
    pub(super) fn and_then(self, later: Row) -> Row {
        if self.row.source != Source::Online {
            // An earlier run has paid for the first one.
            return later;
        }
        let sum = |first: Option<i64>, second: Option<i64>| match (first, second) {
            (None, None) => None,
            (first, second) => Some(first.unwrap_or(0) + second.unwrap_or(0)),
        };
        let (first, second) = (&self.row.usage, &later.usage);
        let usage = Usage {
            input_tokens: sum(first.input_tokens, second.input_tokens),
            output_tokens: sum(first.output_tokens, second.output_tokens),
            thinking_tokens: sum(first.thinking_tokens, second.thinking_tokens),
            cached_tokens: sum(first.cached_tokens, second.cached_tokens),
            traffic_type: None,
        };
        let cost_usd = match (self.row.cost_usd, later.cost_usd) {
            (None, None) => None,
            (first, second) => Some(first.unwrap_or(0.0) + second.unwrap_or(0.0)),
        };
        Row { usage, cost_usd, ..later }
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
