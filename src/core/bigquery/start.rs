//! Starts a query and waits for the end of its job.

use arrow_schema::Schema;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client::{BigQueryClient, PAGE_TIMEOUT};
use super::decode::{self, Page};
use super::error;
use super::job::RunningJob;
use super::pages;
use super::request::{Query, RowFormat, Rows, Transport};
use super::result::{QueryEstimate, QueryState};
use super::wire::{Int64, JobReference};
use crate::error::{Error, ErrorKind, Result};
use crate::transport::{Request, Response};

/// A statement that only reads is run this often where its job fails inside BigQuery. Google's Python client goes on
/// for 40 minutes, which `jobInternalError` uses up in full when it is the statement's own fault.
const RUNS: u32 = 3;
/// A job that was accepted may not be found for a moment.
const LOST_JOB_PATIENCE: Duration = Duration::from_secs(20);
/// Rows that come with the end of a job that took its time; what is more is read another way.
const ROWS_WITH_THE_END: u64 = 1000;

/// A query whose job is done, with its first rows.
pub(super) struct Started {
    pub(super) page: Page,
    pub(super) job: RunningJob,
    pub(super) notes: Vec<String>,
    /// Whether the answer came with the end of a job that took its time, and so as JSON whatever was asked for.
    pub(super) is_late: bool,
}

/// Starts a query; the answer of a fast one is its first page.
pub(super) async fn start(client: &BigQueryClient, query: &Query) -> Result<Started> {
    let mut format = match query.transport {
        Transport::Auto | Transport::Arrow => RowFormat::Arrow,
        Transport::Storage | Transport::Rest => RowFormat::Json,
    };
    // All rows are wanted over the Storage Read API, and none with the answer.
    let without_rows = Query { page_size: Some(0), ..query.clone() };
    let query = if query.transport == Transport::Storage { &without_rows } else { query };
    let (mut notes, mut runs) = (Vec::new(), 1);
    loop {
        let error = match run(client, query, format).await {
            Ok((page, job, is_late)) => return Ok(Started { page, job, notes, is_late }),
            Err(error) => error,
        };
        if format == RowFormat::Arrow && error::is_of_arrow(&error) && query.only_reads() {
            if query.transport != Transport::Auto {
                return Err(error.with_hint("BigQuery may not have Arrow for this result: pass `transport=\"rest\"`"));
            }
            notes.push(format!("BigQuery could not give this result as Arrow ({}); it came as JSON", error.message()));
            format = RowFormat::Json;
            runs += 1;
        } else if error::failed_inside(&error) && query.only_reads() && runs < RUNS {
            tracing::info!(%error, "the job failed inside BigQuery, and is run again");
            runs += 1;
            let clock = client.stack.clock();
            clock.sleep(Duration::from_secs(u64::from(runs)).mul_f64(clock.chance())).await;
        } else if format == RowFormat::Arrow && error::is_of_arrow(&error) {
            return Err(error.with_hint("name the fields of every STRUCT of the result, or pass `transport=\"rest\"`"));
        } else {
            return Err(error);
        }
    }
}

/// Checks a query and tells what it would read.
pub(super) async fn dry_run(client: &BigQueryClient, query: &Query) -> Result<QueryEstimate> {
    let url = client.address(&["projects", &client.project, "queries"])?;
    let request = Request::post("BigQuery", url, query.dry_run_body()?, error::decode).with_timeout(PAGE_TIMEOUT);
    let page = client.stack.send(&request, |response| read_page(response, None)).await?;
    let Some(bytes_processed) = page.envelope.total_bytes_processed else {
        return Err(Error::new(ErrorKind::MalformedResponse, "BigQuery told no bytes for a dry run"));
    };
    Ok(QueryEstimate {
        bytes_processed,
        schema: page.schema.map_or_else(|| Arc::new(Schema::empty()), |schema| Arc::clone(schema.arrow())),
        statement_type: page.envelope.statement_type,
        location: page.envelope.location.or(page.envelope.job_reference.and_then(|job| job.location)),
    })
}

async fn run(client: &BigQueryClient, query: &Query, format: RowFormat) -> Result<(Page, RunningJob, bool)> {
    let mut is_late = query.needs_a_job();
    let (mut page, mut job) = if is_late { insert(client, query).await? } else { ask(client, query, format).await? };
    query.progress.enter(QueryState::Running);
    while page.envelope.job_complete == Some(false) {
        page = match wait(client, query, &job, format).await {
            Err(error) if ends_the_job(&error) => {
                job.finish();
                return Err(error);
            }
            waited => waited?,
        };
        is_late = true;
    }
    if is_late {
        complete(client, &mut page, &job).await;
    }
    Ok((page, job, is_late))
}

/// Adds what `jobs.getQueryResults` does not tell of a job that took its time.
async fn complete(client: &BigQueryClient, page: &mut Page, job: &RunningJob) {
    let Some(reference) = job.reference() else { return };
    let statistics = match client.job(reference).await {
        Ok(described) => described.statistics,
        Err(error) => {
            tracing::debug!(job_id = job.id(), %error, "what the job took is not told");
            return;
        }
    };
    let said = &mut page.envelope;
    said.session_info = said.session_info.take().or(statistics.session_info);
    said.total_slot_ms = said.total_slot_ms.or(statistics.total_slot_ms.map(Int64::count));
    said.statement_type = said.statement_type.take().or(statistics.query.statement_type);
    said.total_bytes_billed = said.total_bytes_billed.or(statistics.query.total_bytes_billed.map(Int64::count));
}

/// `jobs.query`: one round trip for a fast query.
async fn ask(client: &BigQueryClient, query: &Query, format: RowFormat) -> Result<(Page, RunningJob)> {
    let url = client.address(&["projects", &client.project, "queries"])?;
    let request_id = uuid::Uuid::new_v4().to_string();
    let request =
        Request::post("BigQuery", url, query.body(&request_id, format)?, error::decode).with_timeout(PAGE_TIMEOUT);
    let first = match client.stack.send(&request, |response| read_page(response, None)).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return adopt(client, query, error, format).await,
        other => other?,
    };
    let job = RunningJob::new(client.clone(), first.envelope.job_reference.clone(), first.envelope.location.clone());
    tracing::debug!(job_id = job.id(), location = job.location(), %request_id, "the query was accepted");
    Ok((first, job))
}

/// A repeated request whose first attempt had started the query after all.
async fn adopt(
    client: &BigQueryClient,
    query: &Query,
    refusal: Error,
    format: RowFormat,
) -> Result<(Page, RunningJob)> {
    let Some((location, id)) = error::existing_job(refusal.message()) else {
        return Err(refusal);
    };
    let reference = JobReference { project_id: Some(client.project.clone()), job_id: Some(id), location };
    let job = RunningJob::new(client.clone(), Some(reference), None);
    tracing::debug!(job_id = job.id(), "an earlier attempt had started the query");
    let page = wait(client, query, &job, format).await?;
    Ok((page, job))
}

/// `jobs.insert` under a name of our own: what `jobs.query` cannot ask for.
async fn insert(client: &BigQueryClient, query: &Query) -> Result<(Page, RunningJob)> {
    let url = client.address(&["projects", &client.project, "jobs"])?;
    let id = format!("streetlens_{}", uuid::Uuid::new_v4().simple());
    let body = query.job_body(&client.project, &id)?;
    let request = Request::post("BigQuery", url, body, error::decode).with_timeout(PAGE_TIMEOUT);
    let reference =
        JobReference { project_id: Some(client.project.clone()), job_id: Some(id), location: query.location.clone() };
    // Made before the request, so that a job whose acceptance is not heard of is cancelled as well.
    let mut job = RunningJob::new(client.clone(), Some(reference), None);
    let accepted = client.stack.send(&request, super::client::decode_json::<super::wire::Job>).await;
    match accepted {
        Ok(accepted) => job.locate(accepted.job_reference.and_then(|reference| reference.location)),
        // Ours by its name: an earlier attempt was accepted.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => {
            // Refused; where no answer came the job may run, and is cancelled.
            if !error.is_retryable() {
                job.finish();
            }
            return Err(error);
        }
    }
    let page = wait(client, query, &job, RowFormat::Json).await?;
    Ok((page, job))
}

/// Waits for the job; a server that answers at once is not asked again at once.
async fn wait(client: &BigQueryClient, query: &Query, job: &RunningJob, format: RowFormat) -> Result<Page> {
    let clock = client.stack.clock();
    let asked = Instant::now();
    let limit = match format {
        RowFormat::Json => query.page_size.map(u64::from),
        RowFormat::Arrow => Some(query.page_size.map_or(ROWS_WITH_THE_END, u64::from)),
    };
    let page = loop {
        match pages::fetch(client, job, Rows::First, limit, None).await {
            Err(error) if error::is_missing_job(&error) && asked.elapsed() < LOST_JOB_PATIENCE => {
                tracing::debug!(job_id = job.id(), "the job is not found yet");
                clock.sleep(Duration::from_secs(1)).await;
            }
            other => break other?,
        }
    };
    if page.envelope.job_complete == Some(false) && asked.elapsed() < Duration::from_secs(1) {
        clock.sleep(Duration::from_millis(250)).await;
    }
    Ok(page)
}

/// A page as BigQuery gives it, which always says something about its query: `{}` is some other server's answer.
pub(super) fn read_page(response: &Response, schema: Option<&super::schema::DecodeSchema>) -> Result<Page> {
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
