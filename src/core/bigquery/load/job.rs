//! Jobs under names of our own: a request that is repeated never runs anything twice, also not in another process.

use serde::Deserialize;
use serde_json::{Value, json};
use std::future::Future;
use std::time::Duration;

use super::super::job::RunningJob;
use super::super::wire::{DmlStats, ErrorProto, Int64, JobReference};
use super::super::{BigQueryClient, error};
use super::target::may_not_write;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::Request;

/// Jobs that are started for one purpose where BigQuery itself failed the earlier ones.
const TRIES: u32 = 4;
/// Jobs of one name that may have failed in earlier calls.
const MOST_ATTEMPTS: u32 = 1_000;
/// How often a job that was just made may be unknown.
const UNKNOWN_AT_FIRST: u32 = 20;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(128);
const SHOWN_MESSAGES: usize = 5;

/// Failures of BigQuery's own, after which nothing of the job is left; Google's clients start another one.
const TRANSIENT: &[&str] = &[
    "backendError",
    "internalError",
    "jobBackendError",
    "jobInternalError",
    "jobRateLimitExceeded",
    "rateLimitExceeded",
    "tableUnavailable",
];

/// A job's name without the number of its attempt, and where it runs.
#[derive(Clone)]
pub(super) struct JobName {
    pub(super) base: String,
    pub(super) location: Option<String>,
}

/// What BigQuery tells of a job.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Job {
    #[serde(rename = "jobReference")]
    pub(super) reference: JobReference,
    status: Status,
    pub(super) statistics: Statistics,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    state: String,
    error_result: Option<ErrorProto>,
    errors: Vec<ErrorProto>,
}

/// What it did.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Statistics {
    pub(super) load: Option<LoadStatistics>,
    pub(super) query: Option<StatementStatistics>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct LoadStatistics {
    pub(super) output_rows: Option<Int64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct StatementStatistics {
    pub(super) dml_stats: Option<DmlStats>,
}

/// What became of a purpose in earlier calls.
pub(super) enum Earlier {
    /// It was done.
    Done(Box<Job>),
    /// It was not, and this is the first attempt that is free.
    Next(u32),
}

impl Job {
    pub(super) fn id(&self) -> &str {
        self.reference.job_id.as_deref().unwrap_or_default()
    }

    fn is_done(&self) -> bool {
        self.status.state == "DONE"
    }

    fn failure(&self) -> Option<Error> {
        let result = self.status.error_result.as_ref()?;
        let reason = result.reason.as_deref().unwrap_or_default();
        let (kind, status) = match reason {
            "accessDenied" => (ErrorKind::PermissionDenied, 403),
            "notFound" => (ErrorKind::NotFound, 404),
            "stopped" => (ErrorKind::Cancelled, 200),
            "quotaExceeded" | "billingNotEnabled" => (ErrorKind::Query, 403),
            _ => (ErrorKind::Query, 400),
        };
        let mut messages: Vec<&str> = Vec::new();
        for said in std::iter::once(result).chain(&self.status.errors) {
            let message = said.message.as_deref().unwrap_or_default();
            if !message.is_empty() && !messages.contains(&message) && messages.len() < SHOWN_MESSAGES {
                messages.push(message);
            }
        }
        let failed = Error::new(kind, format!("the job failed: {}", messages.join("; ")))
            .with_service("BigQuery", status)
            .with_reason(result.reason.clone())
            .with_job(self.reference.job_id.clone(), self.reference.location.clone());
        Some(may_not_write(failed))
    }

    /// Whether another job may do what this one could not; a failed job leaves nothing behind.
    fn may_be_repeated(&self) -> bool {
        self.status.error_result.as_ref().is_some_and(|result| {
            result.reason.as_deref().is_some_and(|reason| TRANSIENT.contains(&reason))
                || result.message.as_deref().is_some_and(|said| said.contains("Could not serialize access"))
        })
    }
}

impl JobName {
    fn reference(&self, client: &BigQueryClient, attempt: u32) -> JobReference {
        JobReference {
            project_id: Some(client.project.clone()),
            job_id: Some(format!("{}_{attempt}", self.base)),
            location: self.location.clone(),
        }
    }
}

/// Looks for a job that an earlier call made for the same purpose, and waits for it where it runs. Where the table was
/// emptied since, what such a job did is gone.
pub(super) async fn earlier(client: &BigQueryClient, name: &JobName, is_emptied: bool) -> Result<Earlier> {
    for attempt in 0..MOST_ATTEMPTS {
        let reference = name.reference(client, attempt);
        let found = match get(client, &reference).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Earlier::Next(attempt)),
            found => found?,
        };
        let job = ended(client, found, &reference).await?;
        if job.failure().is_none() && !is_emptied {
            return Ok(Earlier::Done(Box::new(job)));
        }
    }
    Ok(Earlier::Next(MOST_ATTEMPTS))
}

/// Submits a job and waits for its end; dropping the future cancels it. `submit` gets the body of the job, and may be
/// called again with the name of another attempt.
pub(super) async fn run<Submit, Submitted>(
    client: &BigQueryClient,
    name: &JobName,
    first_attempt: u32,
    configuration: &Value,
    submit: Submit,
) -> Result<Job>
where
    Submit: Fn(Value) -> Submitted,
    Submitted: Future<Output = Result<Job>>,
{
    let mut attempt = first_attempt;
    loop {
        let reference = name.reference(client, attempt);
        let mut running = RunningJob::new(client.clone(), Some(reference.clone()), None);
        let body = json!({
            "jobReference": {
                "projectId": reference.project_id,
                "jobId": reference.job_id,
                "location": reference.location,
            },
            "configuration": configuration,
        });
        let submitted = match submit(body).await {
            // An attempt of this request, or another process with the same purpose, was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Job::default()),
            submitted => submitted,
        };
        let submitted = submitted.map_err(|error| may_not_write(running.name(error)))?;
        let job = ended(client, submitted, &reference).await?;
        running.finish();
        let Some(failure) = job.failure() else {
            return Ok(job);
        };
        attempt += 1;
        if !job.may_be_repeated() || attempt - first_attempt >= TRIES {
            return Err(failure);
        }
        tracing::info!(job_id = job.id(), error = %failure, "BigQuery failed the job, which is started anew");
        pause(FIRST_PAUSE * (1 << (attempt - first_attempt).min(6))).await;
    }
}

/// Submits a statement.
pub(super) async fn insert(client: &BigQueryClient, body: Value) -> Result<Job> {
    let url = client.address(&["projects", &client.project, "jobs"])?;
    let request = Request::post("BigQuery", url, body.to_string(), error::decode).with_timeout(TIMEOUT);
    client.stack.send(&request, super::decode_json).await
}

async fn get(client: &BigQueryClient, reference: &JobReference) -> Result<Job> {
    let id = reference.job_id.as_deref().unwrap_or_default();
    let mut url = client.address(&["projects", &client.project, "jobs", id])?;
    if let Some(location) = &reference.location {
        url.query_pairs_mut().append_pair("location", location);
    }
    let request = Request::get("BigQuery", url, error::decode).with_timeout(TIMEOUT);
    client.stack.send(&request, super::decode_json).await
}

/// Asks for the job until it is done.
async fn ended(client: &BigQueryClient, mut job: Job, reference: &JobReference) -> Result<Job> {
    let named = |error: Error| error.with_job(reference.job_id.clone(), reference.location.clone());
    let (mut wait, mut unknown) = (FIRST_PAUSE, 0);
    while !job.is_done() {
        if !job.status.state.is_empty() || unknown > 0 {
            pause(wait).await;
            wait = wait.mul_f64(1.5).min(LONGEST_PAUSE);
        }
        job = match get(client, reference).await {
            Err(error) if error.kind() == ErrorKind::NotFound && unknown < UNKNOWN_AT_FIRST => {
                unknown += 1;
                Job::default()
            }
            got => got.map_err(named)?,
        };
    }
    Ok(job)
}

#[expect(clippy::disallowed_methods, reason = "a pause between two questions, not between attempts")]
async fn pause(wait: Duration) {
    tokio::time::sleep(wait).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(status: &Value) -> Job {
        let reference = json!({"projectId": "p", "jobId": "j", "location": "EU"});
        serde_json::from_value(json!({"jobReference": reference, "status": status})).unwrap()
    }

    #[test]
    fn a_failure_tells_the_job_and_every_message_once() {
        let result = json!({"reason": "invalid", "message": "Error while reading data"});
        let errors = [result.clone(), json!({"reason": "invalid", "message": "column `a`: out of range"})];
        let failed = job(&json!({"state": "DONE", "errorResult": result, "errors": errors}));
        let error = failed.failure().unwrap();
        assert_eq!(error.message(), "the job failed: Error while reading data; column `a`: out of range");
        assert_eq!((error.details().job_id.as_deref(), error.details().location.as_deref()), (Some("j"), Some("EU")));
        assert!(!failed.may_be_repeated());
    }

    #[test]
    fn warnings_are_no_failure() {
        let warned = job(&json!({"state": "DONE", "errors": [{"reason": "invalid", "message": "a warning"}]}));
        assert!(warned.is_done() && warned.failure().is_none());
    }

    #[test]
    fn what_bigquery_failed_itself_is_started_anew() {
        for result in [
            json!({"reason": "jobBackendError", "message": "Retry the job"}),
            json!({"reason": "invalidQuery", "message": "Could not serialize access to table p:d.t"}),
        ] {
            assert!(job(&json!({"state": "DONE", "errorResult": result})).may_be_repeated());
        }
    }
}
