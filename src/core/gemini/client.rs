//! Asks a model about one image.

use bytes::Bytes;
use std::time::Duration;
use url::Url;

use super::catalogue::{Catalogue, Place};
use super::{Answer, decode, error};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Settings;
use crate::stack::{Exchange, Stack};
use crate::transport::Request;

/// generateContent for one project.
#[derive(Clone)]
pub struct GeminiClient {
    stack: Stack,
    project: String,
    endpoint: Option<Url>,
    catalogue: Catalogue,
}

/// An answer with its raw JSON.
#[derive(Debug, Clone)]
pub struct Generated {
    /// The decoded answer.
    pub answer: Answer,
    /// The body as it came.
    pub json: Bytes,
}

impl GeminiClient {
    /// A client; nothing is contacted.
    #[must_use]
    pub fn new(stack: Stack, settings: &Settings, catalogue: Catalogue) -> Self {
        Self { stack, project: settings.project.clone(), endpoint: settings.endpoints.vertex.clone(), catalogue }
    }

    /// The models this client knows.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// What tells this service from another that speaks the same protocol, such as an emulator.
    #[must_use]
    pub fn service_name(&self) -> &str {
        self.endpoint.as_ref().map_or("aiplatform.googleapis.com", Url::as_str)
    }

    /// The same client with other retry limits.
    #[must_use]
    pub fn with_stack(mut self, change: impl FnOnce(Stack) -> Stack) -> Self {
        self.stack = change(self.stack);
        self
    }

    /// The address of a model's generateContent.
    pub fn address(&self, place: &Place) -> Result<Url> {
        self.address_of(place, "generateContent")
    }

    fn address_of(&self, place: &Place, method: &str) -> Result<Url> {
        let location = &place.location;
        let base = match &self.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => host(location)?,
        };
        let resource = if place.model.starts_with("projects/") {
            place.model.clone()
        } else {
            format!("projects/{}/locations/{location}/{}", self.project, publisher_path(&place.model))
        };
        base.join(&format!("{}v1/{resource}:{method}", base.path())).map_err(|cause| {
            Error::new(ErrorKind::Configuration, format!("`{}` makes no address", place.model)).with_source(cause)
        })
    }

    /// Sends one prepared body to `address`, the one of [`GeminiClient::address`] for `place`.
    pub async fn generate(&self, place: &Place, address: &Url, body: Bytes, timeout: Duration) -> Exchange<Generated> {
        let request = Request::post("Gemini", address.clone(), body, error::decode).with_timeout(timeout);
        let mut exchange = self
            .stack
            .exchange(&request, |response| {
                Ok(Generated { answer: decode::answer(response)?, json: of_its_own(&response.body) })
            })
            .await;
        exchange.result = exchange.result.map_err(|error| self.name_the_model(error, place));
        exchange
    }

    /// The input tokens of a request without labels, which is not answered.
    pub async fn count_tokens(&self, place: &Place, body: Bytes, timeout: Duration) -> Result<u64> {
        let address = self.address_of(place, "countTokens")?;
        let request = Request::post("Gemini", address, body, error::decode).with_timeout(timeout);
        self.stack.send(&request, decode::count).await.map_err(|error| self.name_the_model(error, place))
    }

    fn name_the_model(&self, error: Error, place: &Place) -> Error {
        if error.kind() != ErrorKind::ModelUnavailable {
            return error;
        }
        let details = error.details().clone();
        self.catalogue
            .unknown_model(&place.model, &place.location, error.message())
            .with_service("Gemini", details.status.unwrap_or(404))
            .with_reason(details.reason)
            .with_attempts(details.attempts)
    }
}

/// The same bytes; short ones as a copy, because as a part of a connection's buffer they would keep all of it.
fn of_its_own(body: &Bytes) -> Bytes {
    const SHORT: usize = 64 << 10;
    if body.len() < SHORT { Bytes::copy_from_slice(body) } else { body.clone() }
}

fn host(location: &str) -> Result<Url> {
    let address = match location {
        "global" => "https://aiplatform.googleapis.com/".to_owned(),
        "us" | "eu" => format!("https://aiplatform.{location}.rep.googleapis.com/"),
        region => format!("https://{region}-aiplatform.googleapis.com/"),
    };
    Url::parse(&address).map_err(|cause| {
        Error::new(ErrorKind::Configuration, format!("`{location}` makes no address")).with_source(cause)
    })
}

fn publisher_path(model: &str) -> String {
    match model.split_once('/') {
        Some(("publishers", _)) => model.to_owned(),
        Some(("models", id)) => format!("publishers/google/models/{id}"),
        Some((publisher, id)) => format!("publishers/{publisher}/models/{id}"),
        None => format!("publishers/google/models/{model}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_location_has_its_own_host() {
        assert_eq!(host("global").unwrap().as_str(), "https://aiplatform.googleapis.com/");
        assert_eq!(host("eu").unwrap().as_str(), "https://aiplatform.eu.rep.googleapis.com/");
        assert_eq!(host("us-central1").unwrap().as_str(), "https://us-central1-aiplatform.googleapis.com/");
    }

    #[test]
    fn a_bare_model_id_is_googles() {
        assert_eq!(publisher_path("gemini-3.5-flash-lite"), "publishers/google/models/gemini-3.5-flash-lite");
        assert_eq!(publisher_path("models/gemini-3.5-flash-lite"), "publishers/google/models/gemini-3.5-flash-lite");
        assert_eq!(publisher_path("mistral/large"), "publishers/mistral/models/large");
    }
}
