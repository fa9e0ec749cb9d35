//! The rows of a query as they come, whichever way they come.

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use std::collections::VecDeque;
use std::sync::Arc;

use super::arrow::{ArrowDecoder, canonical, conform};
use super::client::BigQueryClient;
use super::decode::{ArrowPart, Page};
use super::job::RunningJob;
use super::pages::{Pages, Rowset};
use super::read::{ReadClient, TableName};
use super::request::{Query, Transport};
use super::result::{QueryProgress, QueryResult, QueryState, QueryStatistics, Route};
use super::source::{self, Otherwise, Source, Streams};
use super::start::{self, Started};
use super::wire::JobReference;
use crate::error::{Error, ErrorKind, Result};

/// A result of fewer rows is read faster over one stream than a session is opened.
const MANY_ROWS: u64 = 100_000;

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

impl QueryStream {
    /// Runs the query to the end of its job.
    pub(super) async fn start(client: &BigQueryClient, query: &Query) -> Result<Self> {
        let Started { page, job, notes, is_late } = Box::pin(start::start(client, query)).await?;
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
        let Page { envelope, schema: described, batch } = page;
        let has_more = envelope.page_token.is_some();
        let (schema, ready, decoder) = match &envelope.arrow.schema {
            Some(serialized) => {
                statistics.route = Route::Arrow;
                let decoder = ArrowDecoder::new(serialized).map_err(|error| job.name(error))?;
                let schema =
                    described.as_ref().map_or_else(|| canonical(decoder.schema()), |told| Arc::clone(told.arrow()));
                let ready = inline(&envelope.arrow, &decoder, &schema).map_err(|error| job.name(error))?;
                (schema, ready, Some(decoder))
            }
            None if query.transport == Transport::Arrow && batch.is_some() && !is_late => {
                return Err(job.name(
                    Error::new(ErrorKind::Query, "BigQuery was asked for Arrow and answered with JSON")
                        .with_hint("pass `transport=\"auto\"`, which takes either"),
                ));
            }
            None => {
                let schema =
                    described.as_ref().map_or_else(|| Arc::new(Schema::empty()), |told| Arc::clone(told.arrow()));
                (schema, VecDeque::from_iter(batch), None)
            }
        };
        // A cached result that is too large for the answer is told to have no rows at all.
        let total_rows = envelope.total_rows.filter(|total| *total > 0 || !has_more);
        let mut stream = Self {
            schema,
            statistics,
            total_rows,
            rows: 0,
            ready,
            source: Source::Ended,
            job,
            progress: Arc::clone(&query.progress),
        };
        if has_more {
            let Some(reference) = stream.job.reference().cloned() else {
                return Err(Error::new(
                    ErrorKind::MalformedResponse,
                    "BigQuery named no job for a result of many pages",
                ));
            };
            stream.open(client, query, reference, decoder).await.map_err(|error| stream.job.name(error))?;
        }
        query.progress.enter(QueryState::Reading);
        query.progress.expect(total_rows);
        Ok(stream)
    }

    /// The rows of a table, without a query and its job.
    pub(super) fn of_table(
        client: &BigQueryClient,
        schema: SchemaRef,
        total_rows: Option<u64>,
        source: Source,
    ) -> Self {
        let route = if matches!(source, Source::Pages(_)) { Route::Json } else { Route::Storage };
        Self {
            schema,
            statistics: QueryStatistics { route, ..QueryStatistics::default() },
            total_rows,
            rows: 0,
            ready: VecDeque::new(),
            source,
            job: RunningJob::new(client.clone(), None, None),
            progress: Arc::default(),
        }
    }

    /// Tells why rows come another way than the fastest.
    pub(super) fn note(&mut self, note: String) {
        self.statistics.notes.push(note);
    }

    /// Chooses where the rows after the first come from.
    async fn open(
        &mut self,
        client: &BigQueryClient,
        query: &Query,
        job: JobReference,
        decoder: Option<ArrowDecoder>,
    ) -> Result<()> {
        let here: u64 = self.ready.iter().map(|batch| batch.num_rows() as u64).sum();
        let storage = &client.storage;
        let is_wanted = match query.transport {
            Transport::Rest => false,
            Transport::Auto => storage.is_open(),
            Transport::Arrow | Transport::Storage => true,
        };
        let Some((location, job_id)) = job.location.as_deref().zip(job.job_id.as_deref()).filter(|_| is_wanted) else {
            // The first page tells how many rows one has only where nothing cut it short.
            let is_whole = query.transport == Transport::Rest;
            let page_rows = query.page_size.map(u64::from).or(is_whole.then_some(here));
            let pages = Pages::new(client.clone(), Rowset::Job(job), None, here, page_rows, self.total_rows);
            self.source = Source::Pages(Box::new(pages));
            return Ok(());
        };
        let project = job.project_id.as_deref().unwrap_or(&client.project);
        self.statistics.route = Route::Storage;
        if query.any_order && self.total_rows.is_none_or(|rows| rows >= MANY_ROWS) {
            match several(client, project, &job).await {
                Ok(streams) => {
                    // The session has every row, those that came with the answer included.
                    self.ready.clear();
                    let otherwise = otherwise(client, query, &job, self.total_rows);
                    self.source = Source::Streams { streams, rows: 0, otherwise };
                    return Ok(());
                }
                Err(error) if query.transport == Transport::Auto && source::has_another_way(&error) => {
                    client.storage_is_shut();
                    self.statistics.notes.push(source::note(&error));
                    self.statistics.route = Route::Json;
                    let pages = Pages::new(client.clone(), Rowset::Job(job), None, here, None, self.total_rows);
                    self.source = Source::Pages(Box::new(pages));
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        let stream = ReadClient::job_stream(project, location, job_id);
        let reader = Box::new(storage.client.read_rows(stream, here, decoder));
        let otherwise = otherwise(client, query, &job, self.total_rows);
        self.source = Source::Stream { reader, otherwise };
        Ok(())
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
        let (rows, route) = (self.rows, self.statistics.route);
        tracing::info!(job_id = self.job.id(), rows, batches = batches.len(), %route, "the result is here");
        Ok(QueryResult { schema: self.schema, batches, statistics: self.statistics })
    }

    async fn advance(&mut self) -> Result<Option<RecordBatch>> {
        if let Some(batch) = self.ready.pop_front() {
            return Ok(Some(batch));
        }
        let (batch, note) = self.source.next().await?;
        if let Some(note) = note {
            self.statistics.route = Route::Json;
            self.statistics.notes.push(note);
        }
        batch.map(|batch| conform(batch, &self.schema)).transpose()
    }

    /// A result with other rows than BigQuery counted lost some on the way, or has some twice.
    fn end(&mut self) -> Result<()> {
        self.source = Source::Ended;
        self.job.finish();
        self.progress.enter(QueryState::Done);
        match self.total_rows {
            Some(total) if self.rows != total => Err(self.job.name(Error::new(
                ErrorKind::MalformedResponse,
                format!("BigQuery counts {total} rows and its pages hold {}", self.rows),
            ))),
            _ => Ok(()),
        }
    }
}

/// How to go on where the Storage Read API cannot be used, if that is wanted.
fn otherwise(
    client: &BigQueryClient,
    query: &Query,
    job: &JobReference,
    total_rows: Option<u64>,
) -> Option<Box<Otherwise>> {
    let otherwise = || Otherwise { client: client.clone(), rowset: Rowset::Job(job.clone()), schema: None, total_rows };
    (query.transport == Transport::Auto).then(|| Box::new(otherwise()))
}

/// The rows that came with the answer.
fn inline(part: &ArrowPart, decoder: &ArrowDecoder, schema: &SchemaRef) -> Result<VecDeque<RecordBatch>> {
    let mut ready = VecDeque::new();
    if let Some(batches) = &part.batches {
        for batch in decoder.decode(batches.clone())? {
            if batch.num_rows() > 0 {
                ready.push_back(conform(batch, schema)?);
            }
        }
    }
    let rows: u64 = ready.iter().map(|batch| batch.num_rows() as u64).sum();
    match part.rows {
        Some(told) if told != rows => Err(Error::new(
            ErrorKind::MalformedResponse,
            format!("BigQuery counts {told} rows in its answer, which holds {rows}"),
        )),
        _ => Ok(ready),
    }
}

/// Several streams over the table that holds a job's result.
async fn several(client: &BigQueryClient, project: &str, job: &JobReference) -> Result<Streams> {
    let described = client.job(job).await?;
    let table = described.configuration.query.and_then(|query| query.destination_table).ok_or_else(|| {
        Error::new(ErrorKind::MalformedResponse, "BigQuery does not tell where the result of the job is")
    })?;
    let table = TableName { project: table.project_id, dataset: table.dataset_id, table: table.table_id };
    Streams::open(&client.storage.client, project, table, &[]).await
}
