//! Runs queries over BigQuery's REST API and looks up data sets.

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use serde::Deserialize;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

use super::decode::{self, Page};
use super::request::{Query, results_address};
use super::schema::DecodeSchema;
use super::wire::JobReference;
use super::{error, job::RunningJob};
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
    base: Url,
}

/// A whole result.
#[derive(Debug, Clone)]
pub struct QueryResult {
    /// Columns, also where there are no rows.
    pub schema: SchemaRef,
    /// Rows, a batch a page.
    pub batches: Vec<RecordBatch>,
    /// What the query took.
    pub statistics: QueryStatistics,
}

/// What a query took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueryStatistics {
    /// Job id, where BigQuery made a job.
    pub job_id: Option<String>,
    /// Where it ran.
    pub location: Option<String>,
    /// Bytes read.
    pub bytes_processed: Option<u64>,
    /// Bytes billed.
    pub bytes_billed: Option<u64>,
    /// Slot time in milliseconds.
    pub slot_milliseconds: Option<u64>,
    /// Whether the result came from the cache.
    pub cache_hit: Option<bool>,
    /// For example `SELECT`.
    pub statement_type: Option<String>,
    /// Rows that a DML statement changed.
    pub affected_rows: Option<u64>,
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
        Ok(Self { stack, project: settings.project.clone(), base })
    }

    /// Runs a query to its end. Dropping the future cancels the job.
    pub async fn query(&self, query: &Query) -> Result<QueryResult> {
        let Some(timeout) = query.timeout else {
            return self.run(query).await;
        };
        tokio::time::timeout(timeout, self.run(query)).await.unwrap_or_else(|_| {
            let seconds = timeout.as_secs_f64();
            Err(Error::new(ErrorKind::Timeout, format!("the query was not done within {seconds} s and was cancelled")))
        })
    }

    /// Looks up a data set.
    pub async fn dataset(&self, project: &str, dataset: &str) -> Result<Dataset> {
        let url = self.address(&["projects", project, "datasets", dataset])?;
        let request = Request::get("BigQuery", url, error::decode);
        self.stack.send(&request, decode_json).await
    }

    /// Asks BigQuery to stop a job.
    pub(super) async fn cancel(&self, job: &JobReference) -> Result<()> {
        let project = job.project_id.as_deref().unwrap_or(&self.project);
        let id = job.job_id.as_deref().unwrap_or_default();
        let mut url = self.address(&["projects", project, "jobs", id, "cancel"])?;
        if let Some(location) = &job.location {
            url.query_pairs_mut().append_pair("location", location);
        }
        let request = Request::post("BigQuery", url, "", error::decode).with_timeout(Duration::from_secs(10));
        self.stack.send(&request, |_| Ok(())).await
    }

    async fn run(&self, query: &Query) -> Result<QueryResult> {
        let (mut page, mut job) = self.begin(query).await?;
        while page.envelope.job_complete == Some(false) {
            page = match self.poll(query, &job).await {
                Err(error) if ends_the_job(&error) => {
                    job.finish();
                    return Err(error);
                }
                polled => polled?,
            };
        }
        let statistics = statistics(&page, &job);
        tracing::debug!(
            job_id = statistics.job_id,
            location = statistics.location,
            statement_type = statistics.statement_type,
            cache_hit = statistics.cache_hit,
            bytes_processed = statistics.bytes_processed,
            bytes_billed = statistics.bytes_billed,
            "the query is done",
        );
        let (schema, total_rows) = (page.schema.clone(), page.envelope.total_rows);
        let mut batches = Vec::from_iter(page.batch);
        let mut page_token = page.envelope.page_token;
        let mut seen = HashSet::new();
        while let Some(token) = page_token.filter(|token| !token.is_empty()) {
            let next = self.results(query, &job, Some(&token), schema.as_ref()).await?;
            page_token = next.envelope.page_token;
            batches.extend(next.batch);
            if !seen.insert(token) {
                return Err(job.name(Error::new(ErrorKind::MalformedResponse, "BigQuery repeats the same page")));
            }
        }
        job.finish();
        check_complete(&batches, total_rows).map_err(|error| job.name(error))?;
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        tracing::info!(job_id = job.id(), rows, pages = batches.len(), "the result is here");
        let schema = schema.map_or_else(|| Arc::new(Schema::empty()), |schema| Arc::clone(schema.arrow()));
        Ok(QueryResult { schema, batches, statistics })
    }

    /// Starts the query; the answer of a fast one is its first page.
    async fn begin(&self, query: &Query) -> Result<(Page, RunningJob)> {
        if query.sql.trim().is_empty() {
            return Err(Error::new(ErrorKind::Query, "the query is empty"));
        }
        let url = self.address(&["projects", &self.project, "queries"])?;
        let request_id = uuid::Uuid::new_v4().to_string();
        let request =
            Request::post("BigQuery", url, query.body(&request_id)?, error::decode).with_timeout(PAGE_TIMEOUT);
        let first = match self.stack.send(&request, |response| read_page(response, None)).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => return self.adopt(query, error).await,
            other => other?,
        };
        let job = RunningJob::new(self.clone(), first.envelope.job_reference.clone(), first.envelope.location.clone());
        tracing::debug!(job_id = job.id(), location = job.location(), %request_id, "the query was accepted");
        Ok((first, job))
    }

    /// A repeated request whose first attempt had started the query after all.
    async fn adopt(&self, query: &Query, refusal: Error) -> Result<(Page, RunningJob)> {
        let Some((location, id)) = error::existing_job(refusal.message()) else {
            return Err(refusal);
        };
        let reference = JobReference { project_id: Some(self.project.clone()), job_id: Some(id), location };
        let job = RunningJob::new(self.clone(), Some(reference), None);
        tracing::debug!(job_id = job.id(), "an earlier attempt had started the query");
        let page = self.poll(query, &job).await?;
        Ok((page, job))
    }

    /// Waits for the job; a server that answers at once is not asked again at once.
    #[expect(clippy::disallowed_methods, reason = "a pause between two questions, not between attempts")]
    async fn poll(&self, query: &Query, job: &RunningJob) -> Result<Page> {
        let asked = Instant::now();
        let page = self.results(query, job, None, None).await?;
        if page.envelope.job_complete == Some(false) && asked.elapsed() < Duration::from_secs(1) {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        Ok(page)
    }

    async fn results(
        &self,
        query: &Query,
        job: &RunningJob,
        page_token: Option<&str>,
        schema: Option<&DecodeSchema>,
    ) -> Result<Page> {
        let id = job.id().ok_or_else(|| {
            Error::new(ErrorKind::MalformedResponse, "BigQuery named no job for a query that is not done")
        })?;
        let url = self.address(&["projects", job.project().unwrap_or(&self.project), "queries", id])?;
        let url = results_address(url, job.location(), page_token, query.page_size);
        let request = Request::get("BigQuery", url, error::decode).with_timeout(PAGE_TIMEOUT);
        let page = self.stack.send(&request, |response| read_page(response, schema)).await;
        page.map_err(|error| job.name(error))
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

/// A page as BigQuery gives it, which always says something about its query: `{}` is some other server's answer.
fn read_page(response: &Response, schema: Option<&DecodeSchema>) -> Result<Page> {
    let page = decode::page(&response.body, schema)?;
    let said = &page.envelope;
    let is_silent = said.job_complete.is_none()
        && said.job_reference.is_none()
        && said.query_id.is_none()
        && said.total_rows.is_none()
        && (page.schema.is_none() || schema.is_some())
        && page.batch.is_none();
    if is_silent {
        return Err(Error::new(ErrorKind::MalformedResponse, "the answer says nothing about the query")
            .with_service("BigQuery", response.status.as_u16()));
    }
    Ok(page)
}

/// BigQuery tells a job's own failure as the answer to the request for its results; there is nothing left to cancel.
fn ends_the_job(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Query | ErrorKind::NotFound)
}

/// A result with fewer rows than BigQuery counted lost some on the way.
fn check_complete(batches: &[RecordBatch], total_rows: Option<u64>) -> Result<()> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    match total_rows {
        Some(total) if (rows as u64) < total => Err(Error::new(
            ErrorKind::MalformedResponse,
            format!("BigQuery counts {total} rows and its pages hold {rows}"),
        )),
        _ => Ok(()),
    }
}

fn statistics(page: &Page, job: &RunningJob) -> QueryStatistics {
    let envelope = &page.envelope;
    QueryStatistics {
        job_id: job.id().map(str::to_owned),
        location: job.location().map(str::to_owned),
        bytes_processed: envelope.total_bytes_processed,
        bytes_billed: envelope.total_bytes_billed,
        slot_milliseconds: envelope.total_slot_ms,
        cache_hit: envelope.cache_hit,
        statement_type: envelope.statement_type.clone(),
        affected_rows: envelope.num_dml_affected_rows,
    }
}

pub(super) fn decode_json<T: serde::de::DeserializeOwned>(response: &Response) -> Result<T> {
    serde_json::from_slice(&response.body).map_err(|cause| {
        Error::new(ErrorKind::MalformedResponse, "BigQuery answered with unreadable JSON").with_source(cause)
    })
}
