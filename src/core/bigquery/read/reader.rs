//! Reads one stream to its end, over as many calls as that takes.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

use super::client::{ReadClient, SERVICE};
use super::resume::{Limits, Next, Resume};
use super::status;
use super::wire::ReadRowsResponse;
use crate::bigquery::arrow::{ArrowDecoder, canonical};
use crate::error::{Error, ErrorKind, Result};
use crate::stack::Lease;

/// The rows of one stream in their order, each once. Dropping it ends the call.
///
/// What is received and not yet asked for waits in the window of its HTTP/2 stream, 8 MB at most.
pub struct RowReader {
    client: ReadClient,
    stream: String,
    doing: String,
    decoder: Option<ArrowDecoder>,
    began: Instant,
    resume: Resume,
    lease: Option<Lease>,
    call: Option<tonic::Streaming<ReadRowsResponse>>,
    waiting: VecDeque<RecordBatch>,
    given: u64,
    end: Option<Result<()>>,
}

impl RowReader {
    pub(super) fn new(client: ReadClient, stream: String, offset: u64, decoder: Option<ArrowDecoder>) -> Self {
        Self {
            doing: format!("reading the stream `{stream}`"),
            began: client.stack.clock().now(),
            resume: Resume::new(offset, Duration::ZERO, Limits::default()),
            lease: None,
            call: None,
            waiting: VecDeque::new(),
            given: offset,
            end: None,
            client,
            stream,
            decoder,
        }
    }

    /// The next batch, or `None` behind the last row. After an error, every call gives that error.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.waiting.pop_front() {
                self.given += rows_of(&batch);
                return Ok(Some(batch));
            }
            match &self.end {
                Some(Ok(())) => return Ok(None),
                Some(Err(error)) => return Err(error.without_source()),
                None => {}
            }
            if let Err(error) = self.advance().await {
                self.recover(error).await?;
            }
        }
    }

    /// Rows up to and with the last batch that was given, those before the offset included: where reading may go on.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.given
    }

    /// The columns, where they are known yet.
    #[must_use]
    pub fn schema(&self) -> Option<&SchemaRef> {
        self.decoder.as_ref().map(ArrowDecoder::schema)
    }

    /// Takes one response of the stream, which it opens where it must.
    async fn advance(&mut self) -> Result<()> {
        let call = match &mut self.call {
            Some(call) => call,
            closed => {
                let lease = match self.lease.take() {
                    Some(lease) => lease,
                    None => self.client.stack.lease(self.client.endpoint()?).await?,
                };
                let headers = &lease.authorization.headers;
                let opened = self.client.open(&self.stream, self.resume.offset(), headers, &self.doing).await;
                self.lease = Some(lease);
                closed.insert(opened?)
            }
        };
        let response = call.message().await.map_err(|status| status::error(&status, &self.doing))?;
        if let Some(response) = response {
            return self.take(response).map_err(|error| error.with_context(&self.doing));
        }
        // Only a status of OK ends a stream so; one without a status is an error of tonic.
        self.call = None;
        self.end = Some(Ok(()));
        tracing::debug!(stream = self.stream, rows = self.resume.offset(), "a stream is read");
        Ok(())
    }

    /// All rows of a response, or none.
    fn take(&mut self, response: ReadRowsResponse) -> Result<()> {
        if let Some(schema) = response.arrow_schema {
            let told = ArrowDecoder::new(&schema.serialized_schema)?;
            match &self.decoder {
                Some(known) if canonical(known.schema()) != canonical(told.schema()) => {
                    return Err(malformed("its columns are others than before"));
                }
                _ => self.decoder = Some(told),
            }
        }
        let Some(batch) = response.arrow_record_batch else {
            self.resume.received(0);
            return if response.row_count == 0 { Ok(()) } else { Err(malformed("it has rows that are not Arrow")) };
        };
        let decoder = self.decoder.as_ref().ok_or_else(|| malformed("it has rows and told no columns"))?;
        let batches = decoder.decode(batch.serialized_record_batch)?;
        let rows: u64 = batches.iter().map(rows_of).sum();
        // Servers other than Google's may leave the count out, which reads as 0.
        if response.row_count != 0 && u64::try_from(response.row_count) != Ok(rows) {
            let counted = response.row_count;
            return Err(malformed(format!("a response counts {counted} rows and has {rows}")));
        }
        self.resume.received(rows);
        self.waiting.extend(batches.into_iter().filter(|batch| batch.num_rows() > 0));
        Ok(())
    }

    /// Gets ready for another call, or ends the reader with the error.
    async fn recover(&mut self, error: Error) -> Result<()> {
        self.call = None;
        let clock = self.client.stack.clock();
        let (now, chance) = (clock.now() - self.began, clock.chance());
        let next = self.resume.failed(&error, now, chance);
        let error = match (next, self.lease.take()) {
            (Next::Reopen(wait), _) => {
                let (stream, offset) = (&self.stream, self.resume.offset());
                tracing::debug!(stream, offset, wait_ms = wait.as_millis(), %error, "the stream is opened again");
                self.client.stack.clock().sleep(wait).await;
                return Ok(());
            }
            (Next::Renew, Some(lease)) => match self.client.stack.renew(SERVICE, &lease, error).await {
                Ok(lease) => {
                    self.lease = Some(lease);
                    return Ok(());
                }
                Err(error) => error,
            },
            (Next::Renew, None) => error,
            (Next::GiveUp, _) => self.client.stack.unless_refused(SERVICE, error),
        };
        let error = error.with_attempts(self.resume.failures());
        self.end = Some(Err(error.without_source()));
        Err(error)
    }
}

fn rows_of(batch: &RecordBatch) -> u64 {
    u64::try_from(batch.num_rows()).unwrap_or(u64::MAX)
}

/// What a server sends that it would send again.
fn malformed(problem: impl Into<String>) -> Error {
    Error::new(ErrorKind::MalformedResponse, problem).with_retryable(false)
}
