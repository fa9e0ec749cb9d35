//! A job while somebody waits for it: its name, and its end when nobody waits any more.

use super::client::BigQueryClient;
use super::wire::JobReference;
use crate::error::{Error, ErrorKind};

/// A job that is cancelled when it is dropped before its end.
pub(super) struct RunningJob {
    client: BigQueryClient,
    reference: Option<JobReference>,
    is_finished: bool,
}

impl RunningJob {
    pub(super) fn new(client: BigQueryClient, reference: Option<JobReference>, location: Option<String>) -> Self {
        let reference = reference.map(|mut reference| {
            reference.location = reference.location.or(location);
            reference
        });
        Self { client, reference, is_finished: false }
    }

    pub(super) fn id(&self) -> Option<&str> {
        self.reference.as_ref()?.job_id.as_deref()
    }

    pub(super) fn reference(&self) -> Option<&JobReference> {
        self.reference.as_ref().filter(|reference| reference.job_id.is_some())
    }

    /// Learns where the job is.
    pub(super) fn locate(&mut self, location: Option<String>) {
        if let Some(reference) = &mut self.reference {
            reference.location = location.or(reference.location.take());
        }
    }

    pub(super) fn location(&self) -> Option<&str> {
        self.reference.as_ref()?.location.as_deref()
    }

    /// Adds the job's name to an error.
    pub(super) fn name(&self, error: Error) -> Error {
        error.with_job(self.id().map(str::to_owned), self.location().map(str::to_owned))
    }

    pub(super) fn finish(&mut self) {
        self.is_finished = true;
    }
}

impl Drop for RunningJob {
    fn drop(&mut self) {
        let Some(reference) = self.reference.take().filter(|job| !self.is_finished && job.job_id.is_some()) else {
            return;
        };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let client = self.client.clone();
        runtime.spawn(async move {
            let job_id = reference.job_id.as_deref();
            match client.cancel(&reference).await {
                Ok(()) => tracing::info!(job_id, "the job was cancelled, because nobody waits for it any more"),
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    tracing::debug!(job_id, "nobody waits for the job any more, which was never made");
                }
                Err(error) => tracing::warn!(job_id, %error, "the job could not be cancelled"),
            }
        });
    }
}
