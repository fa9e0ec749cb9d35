//! The rows of a query as they come, whichever way they come.

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use std::collections::VecDeque;
use std::sync::Arc;

use super::client::BigQueryClient;
use super::decode::Page;
use super::job::RunningJob;
use super::pages::Pages;
use super::request::Query;
use super::result::{QueryProgress, QueryResult, QueryState, QueryStatistics};
use super::start::{self, Started};
use crate::error::{Error, ErrorKind, Result};

/// A result that is read once, from its first row to its last. Dropping it before its end cancels the job.
pub struct QueryStream {
    schema: SchemaRef,
    statistics: QueryStatistics,
    total_rows: Option<u64>,
    rows: u64,
    ready: VecDeque<RecordBatch>,
    source: Source,
    job: RunningJob,
    progress: Arc<QueryProgress>,
}

/// Where the rows after the first come from.
enum Source {
    Ended,
    Pages(Box<Pages>),
}

impl QueryStream {
    /// Runs the query to the end of its job.
    pub(super) async fn start(client: &BigQueryClient, query: &Query) -> Result<Self> {
        let Started { page, job, notes } = start::start(client, query).await?;
        let mut statistics = QueryStatistics::of(&page.envelope, &job);
        statistics.notes = notes;
        tracing::debug!(
            job_id = statistics.job_id,
            location = statistics.location,
            statement_type = statistics.statement_type,
            cache_hit = statistics.cache_hit,
            bytes_processed = statistics.bytes_processed,
            bytes_billed = statistics.bytes_billed,
            "the query is done",
        );
        let Page { envelope, schema, batch } = page;
        let arrow = schema.as_ref().map_or_else(|| Arc::new(Schema::empty()), |schema| Arc::clone(schema.arrow()));
        let rows = batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
        let source = if envelope.page_token.is_none() {
            Source::Ended
        } else {
            let Some(reference) = job.reference().cloned() else {
                return Err(Error::new(
                    ErrorKind::MalformedResponse,
                    "BigQuery named no job for a result of many pages",
                ));
            };
            let page_rows = query.page_size.map_or(rows, u64::from);
            let pages = Pages::new(client.clone(), reference, schema, rows, Some(page_rows), envelope.total_rows);
            Source::Pages(Box::new(pages))
        };
        query.progress.enter(QueryState::Reading);
        query.progress.expect(envelope.total_rows);
        Ok(Self {
            progress: Arc::clone(&query.progress),
            schema: arrow,
            statistics,
            total_rows: envelope.total_rows,
            rows: 0,
            ready: VecDeque::from_iter(batch),
            source,
            job,
        })
    }

    /// Columns.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What the query took, as far as that is known.
    #[must_use]
    pub fn statistics(&self) -> &QueryStatistics {
        &self.statistics
    }

    /// Rows of the whole result, where BigQuery tells.
    #[must_use]
    pub fn total_rows(&self) -> Option<u64> {
        self.total_rows
    }

    /// The next rows; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<RecordBatch>> {
        let batch = self.advance().await.map_err(|error| self.job.name(error))?;
        match &batch {
            Some(batch) => {
                self.rows += batch.num_rows() as u64;
                self.progress.count(self.rows);
            }
            None => self.end()?,
        }
        Ok(batch)
    }

    /// All rows that are left.
    pub async fn collect(mut self) -> Result<QueryResult> {
        let mut batches = Vec::new();
        while let Some(batch) = self.next().await? {
            batches.push(batch);
        }
        tracing::info!(job_id = self.job.id(), rows = self.rows, batches = batches.len(), "the result is here");
        Ok(QueryResult { schema: self.schema, batches, statistics: self.statistics })
    }

    async fn advance(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(batch) = self.ready.pop_front() {
            return Ok(Some(batch));
        }
        match &mut self.source {
            Source::Ended => Ok(None),
            Source::Pages(pages) => pages.next().await,
        }
    }

    /// A result with fewer rows than BigQuery counted lost some on the way.
    fn end(&mut self) -> Result<()> {
        self.source = Source::Ended;
        self.job.finish();
        self.progress.enter(QueryState::Done);
        match self.total_rows {
            Some(total) if self.rows < total => Err(self.job.name(Error::new(
                ErrorKind::MalformedResponse,
                format!("BigQuery counts {total} rows and its pages hold {}", self.rows),
            ))),
            _ => Ok(()),
        }
    }
}
