//! BigQuery of one project: its addresses, and what can be asked there.

use serde::Deserialize;
use std::time::Duration;
use url::Url;

use super::error;
use super::read::ReadClient;
use super::request::Query;
use super::result::{QueryEstimate, QueryResult};
use super::source::Storage;
use super::start;
use super::stream::QueryStream;
use super::wire::{Job, JobReference};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Settings;
use crate::stack::Stack;
use crate::transport::{Request, Response};

/// A page may hold 10 MB and take its time; the job itself has none of this limit.
pub(super) const PAGE_TIMEOUT: Duration = Duration::from_secs(120);

/// BigQuery for one project.
#[derive(Clone)]
pub struct BigQueryClient {
    pub(super) stack: Stack,
    pub(super) project: String,
    pub(super) storage: Storage,
    base: Url,
}

/// What a data set is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Dataset {
    /// `DEFAULT`, `LINKED`, …
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Location.
    pub location: Option<String>,
    /// What a linked data set is linked to.
    pub linked_dataset_source: Option<LinkedSource>,
}

/// The source of a linked data set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LinkedSource {
    /// The published data set.
    pub source_dataset: SourceDataset,
}

/// A published data set's name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SourceDataset {
    /// Project.
    pub project_id: String,
    /// Data set id.
    pub dataset_id: String,
}

impl BigQueryClient {
    /// A client; nothing is contacted.
    pub fn new(stack: Stack, settings: &Settings) -> Result<Self> {
        let base = match &settings.endpoints.bigquery {
            Some(endpoint) => endpoint.clone(),
            None => Url::parse("https://bigquery.googleapis.com/")
                .map_err(|cause| Error::new(ErrorKind::Internal, "the address of BigQuery").with_source(cause))?,
        };
        let storage = Storage::new(ReadClient::new(stack.clone(), settings)?);
        Ok(Self { stack, project: settings.project.clone(), storage, base })
    }

    /// Runs a query to its end. Dropping the future cancels the job.
    pub async fn query(&self, query: &Query) -> Result<QueryResult> {
        within(query.timeout, async { QueryStream::start(self, query).await?.collect().await }).await
    }

    /// Runs a query and gives its rows as they come. Dropping the stream cancels the job.
    pub async fn stream(&self, query: &Query) -> Result<QueryStream> {
        within(query.timeout, QueryStream::start(self, query)).await
    }

    /// Tells what a query would read, and runs nothing.
    pub async fn estimate(&self, query: &Query) -> Result<QueryEstimate> {
        within(query.timeout, start::dry_run(self, query)).await
    }

    /// Looks up a data set.
    pub async fn dataset(&self, project: &str, dataset: &str) -> Result<Dataset> {
        let url = self.address(&["projects", project, "datasets", dataset])?;
        let request = Request::get("BigQuery", url, error::decode);
        self.stack.send(&request, decode_json).await
    }

    /// Looks up a job.
    pub(super) async fn job(&self, job: &JobReference) -> Result<Job> {
        let request = Request::get("BigQuery", self.job_address(job, &[])?, error::decode);
        self.stack.send(&request, decode_json).await
    }

    /// Asks BigQuery to stop a job.
    pub(super) async fn cancel(&self, job: &JobReference) -> Result<()> {
        let url = self.job_address(job, &["cancel"])?;
        let request = Request::post("BigQuery", url, "", error::decode).with_timeout(Duration::from_secs(10));
        self.stack.send(&request, |_| Ok(())).await
    }

    /// The Storage Read API was asked in vain, and is not asked again.
    pub(super) fn storage_is_shut(&self) {
        self.storage.shut();
    }

    fn job_address(&self, job: &JobReference, method: &[&str]) -> Result<Url> {
        let project = job.project_id.as_deref().unwrap_or(&self.project);
        let id = job.job_id.as_deref().unwrap_or_default();
        let mut url = self.address(&[&["projects", project, "jobs", id], method].concat())?;
        if let Some(location) = &job.location {
            url.query_pairs_mut().append_pair("location", location);
        }
        Ok(url)
    }

    pub(super) fn address(&self, segments: &[&str]) -> Result<Url> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| Error::new(ErrorKind::Configuration, "the BigQuery endpoint is not an address with a path"))?
            .pop_if_empty()
            .extend(["bigquery", "v2"])
            .extend(segments);
        Ok(url)
    }
}

async fn within<T>(timeout: Option<Duration>, work: impl Future<Output = Result<T>>) -> Result<T> {
    let Some(timeout) = timeout else {
        return work.await;
    };
    tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| {
        let seconds = timeout.as_secs_f64();
        Err(Error::new(ErrorKind::Timeout, format!("the query was not done within {seconds} s and was cancelled")))
    })
}

pub(super) fn decode_json<T: serde::de::DeserializeOwned>(response: &Response) -> Result<T> {
    serde_json::from_slice(&response.body).map_err(|cause| {
        Error::new(ErrorKind::MalformedResponse, "BigQuery answered with unreadable JSON").with_source(cause)
    })
}
