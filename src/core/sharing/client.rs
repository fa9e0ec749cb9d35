//! Subscribes to a listing and lists subscriptions.

use serde::de::DeserializeOwned;
use std::collections::HashSet;
use std::fmt;
use url::Url;

use super::error;
use super::wire::{DestinationDataset, SubscribeRequest, SubscribeResponse, Subscription, SubscriptionList};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Settings;
use crate::stack::Stack;
use crate::transport::{Request, Response};

/// Analytics Hub v1.
#[derive(Clone)]
pub struct SharingClient {
    stack: Stack,
    base: Url,
}

/// A listing's resource name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The publisher's project.
    pub project: String,
    /// BigQuery location.
    pub location: String,
    /// Data exchange.
    pub exchange: String,
    /// Listing id.
    pub listing: String,
}

impl fmt::Display for Listing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { project, location, exchange, listing } = self;
        write!(formatter, "projects/{project}/locations/{location}/dataExchanges/{exchange}/listings/{listing}")
    }
}

impl Listing {
    /// Whether `name` is this listing; the project may be given by its number.
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        let tail = |name: &str| name.split_once("/locations/").map(|(_, tail)| tail.to_ascii_lowercase());
        tail(name).is_some() && tail(name) == tail(&self.to_string())
    }
}

impl SharingClient {
    /// A client; nothing is contacted.
    pub fn new(stack: Stack, settings: &Settings) -> Result<Self> {
        let base = match &settings.endpoints.sharing {
            Some(endpoint) => endpoint.clone(),
            None => Url::parse("https://analyticshub.googleapis.com/")
                .map_err(|cause| Error::new(ErrorKind::Internal, "the address of Analytics Hub").with_source(cause))?,
        };
        Ok(Self { stack, base })
    }

    /// Subscribes `listing`, creating the destination data set.
    pub async fn subscribe(&self, listing: &str, destination: &DestinationDataset) -> Result<Subscription> {
        let body = serde_json::to_vec(&SubscribeRequest { destination_dataset: destination })
            .map_err(|cause| Error::new(ErrorKind::Internal, "the request cannot be encoded").with_source(cause))?;
        let url = self.address(&format!("v1/{listing}:subscribe"))?;
        let request = Request::post("Analytics Hub", url, body, error::decode);
        Ok(self.stack.send(&request, decode::<SubscribeResponse>).await?.subscription)
    }

    /// The subscriptions of `project` in `location`.
    pub async fn subscriptions(&self, project: &str, location: &str) -> Result<Vec<Subscription>> {
        let mut found = Vec::new();
        let mut page_token: Option<String> = None;
        let mut seen = HashSet::new();
        loop {
            let mut url = self.address(&format!("v1/projects/{project}/locations/{location}/subscriptions"))?;
            url.query_pairs_mut().append_pair("pageSize", "1000");
            if let Some(token) = &page_token {
                url.query_pairs_mut().append_pair("pageToken", token);
            }
            let request = Request::get("Analytics Hub", url, error::decode);
            let page = self.stack.send(&request, decode::<SubscriptionList>).await?;
            found.extend(page.subscriptions);
            let Some(next) = page.next_page_token.filter(|token| !token.is_empty()) else {
                return Ok(found);
            };
            if !seen.insert(next.clone()) {
                return Err(Error::new(ErrorKind::MalformedResponse, "Analytics Hub repeats the same page"));
            }
            page_token = Some(next);
        }
    }

    fn address(&self, path: &str) -> Result<Url> {
        self.base.join(&format!("{}{path}", self.base.path())).map_err(|cause| {
            Error::new(ErrorKind::Configuration, format!("`{path}` makes no address")).with_source(cause)
        })
    }
}

fn decode<T: DeserializeOwned>(response: &Response) -> Result<T> {
    serde_json::from_slice(&response.body).map_err(|cause| {
        Error::new(ErrorKind::MalformedResponse, "Analytics Hub answered with unreadable JSON").with_source(cause)
    })
}
