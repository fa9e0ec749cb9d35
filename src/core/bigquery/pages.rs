//! The rows of a result or a table as JSON pages, fetched ahead of their reader and decoded side by side.

use arrow_array::RecordBatch;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;
use tokio::task::JoinSet;
use url::Url;

use super::client::{BigQueryClient, PAGE_TIMEOUT};
use super::decode::Page;
use super::error;
use super::job::RunningJob;
use super::read::TableName;
use super::request::{Rows, results_address};
use super::schema::DecodeSchema;
use super::start::read_page;
use super::wire::JobReference;
use crate::error::{Error, ErrorKind, Result};
use crate::transport::Request;

/// Pages under way or waiting for their reader. BigQuery gives about 10 MB a page, which bounds the memory where the user
/// asks for no larger ones.
const AHEAD: usize = 4;

/// Asks for rows of a job's result.
pub(super) async fn fetch(
    client: &BigQueryClient,
    job: &RunningJob,
    rows: Rows,
    limit: Option<u64>,
    schema: Option<&DecodeSchema>,
) -> Result<Page> {
    let reference = job.reference().ok_or_else(|| {
        Error::new(ErrorKind::MalformedResponse, "BigQuery named no job for a query that is not done")
    })?;
    let result = Rowset::Job(reference.clone());
    fetch_of(client, &result, rows, limit, schema).await.map_err(|error| job.name(error))
}

/// Rows that are read page by page.
#[derive(Debug, Clone)]
pub(super) enum Rowset {
    /// The result of a job.
    Job(JobReference),
    /// A table, or some of its columns.
    Table(TableName, Arc<[String]>),
}

impl Rowset {
    fn address(&self, client: &BigQueryClient, rows: Rows, limit: Option<u64>) -> Result<Url> {
        match self {
            Self::Job(job) => {
                let project = job.project_id.as_deref().unwrap_or(&client.project);
                let id = job.job_id.as_deref().unwrap_or_default();
                let url = client.address(&["projects", project, "queries", id])?;
                Ok(results_address(url, job.location.as_deref(), rows, limit))
            }
            Self::Table(TableName { project, dataset, table }, columns) => {
                let url = client.address(&["projects", project, "datasets", dataset, "tables", table, "data"])?;
                let mut url = results_address(url, None, rows, limit);
                if !columns.is_empty() {
                    url.query_pairs_mut().append_pair("selectedFields", &columns.join(","));
                }
                Ok(url)
            }
        }
    }
}

async fn fetch_of(
    client: &BigQueryClient,
    rowset: &Rowset,
    rows: Rows,
    limit: Option<u64>,
    schema: Option<&DecodeSchema>,
) -> Result<Page> {
    let url = rowset.address(client, rows, limit)?;
    let request = Request::get("BigQuery", url, error::decode).with_timeout(PAGE_TIMEOUT);
    client.stack.send(&request, |response| read_page(response, schema)).await
}

/// The pages of a result from some row on, in order.
pub(super) struct Pages {
    client: BigQueryClient,
    rowset: Rowset,
    schema: Option<DecodeSchema>,
    /// Rows that a page is asked for; what the first page had where the user asked for none.
    page_rows: Option<u64>,
    total_rows: Option<u64>,
    /// The first row that nobody has asked for.
    next_row: u64,
    /// The first row that the reader has not got.
    reader_row: u64,
    /// Tokens of pages of a result whose length nobody tells.
    tokens: HashSet<String>,
    running: JoinSet<(u64, Result<Vec<RecordBatch>>)>,
    arrived: BTreeMap<u64, VecDeque<RecordBatch>>,
}

impl Pages {
    /// Pages from row `from` on; `page_rows` is the size of a page where it is known.
    pub(super) fn new(
        client: BigQueryClient,
        rowset: Rowset,
        schema: Option<DecodeSchema>,
        from: u64,
        page_rows: Option<u64>,
        total_rows: Option<u64>,
    ) -> Self {
        let page_rows = page_rows.filter(|rows| *rows > 0);
        Self {
            client,
            rowset,
            schema,
            page_rows,
            total_rows,
            next_row: from,
            reader_row: from,
            tokens: HashSet::new(),
            running: JoinSet::new(),
            arrived: BTreeMap::new(),
        }
    }

    /// The next rows; `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.arrived_next() {
                return Ok(Some(batch));
            }
            let Some((page_rows, total_rows)) = self.page_rows.zip(self.total_rows) else {
                if !self.measure().await? {
                    return Ok(None);
                }
                continue;
            };
            self.ask_ahead(page_rows, total_rows);
            let Some(ended) = self.running.join_next().await else {
                return Ok(None);
            };
            let (first, batches) = ended.map_err(|cause| {
                Error::new(ErrorKind::Internal, "a page's task ended unexpectedly").with_source(cause)
            })?;
            self.arrived.insert(first, batches?.into());
        }
    }

    fn arrived_next(&mut self) -> Option<RecordBatch> {
        loop {
            let mut entry = self.arrived.first_entry()?;
            let is_due = *entry.key() <= self.reader_row;
            if !is_due {
                return None;
            }
            let Some(batch) = entry.get_mut().pop_front() else {
                entry.remove();
                continue;
            };
            self.reader_row += batch.num_rows() as u64;
            return Some(batch);
        }
    }

    fn ask_ahead(&mut self, page_rows: u64, total_rows: u64) {
        while self.running.len() + self.arrived.len() < AHEAD && self.next_row < total_rows {
            let range = self.next_row..total_rows.min(self.next_row.saturating_add(page_rows));
            self.next_row = range.end;
            let (client, rowset, schema) = (self.client.clone(), self.rowset.clone(), self.schema.clone());
            self.running.spawn(async move { (range.start, fill(&client, &rowset, schema.as_ref(), range).await) });
        }
    }

    /// Fetches one page to learn how many rows one has, and how many there are.
    async fn measure(&mut self) -> Result<bool> {
        let rows = Rows::From(self.next_row);
        let page = fetch_of(&self.client, &self.rowset, rows, self.page_rows, self.schema.as_ref()).await?;
        self.total_rows = page.envelope.total_rows.or(self.total_rows);
        self.schema = page.schema.or(self.schema.take());
        let Some(batch) = page.batch else {
            return match self.total_rows.filter(|total| *total > self.next_row) {
                Some(total) => Err(nothing_from(self.next_row, total)),
                None => Ok(false),
            };
        };
        let rows = batch.num_rows() as u64;
        self.page_rows = self.page_rows.or(Some(rows));
        self.total_rows =
            self.total_rows.or_else(|| page.envelope.page_token.is_none().then_some(self.next_row + rows));
        if let Some(token) = page.envelope.page_token.filter(|_| self.total_rows.is_none())
            && !self.tokens.insert(token)
        {
            return Err(Error::new(ErrorKind::MalformedResponse, "BigQuery repeats the same page"));
        }
        self.arrived.insert(self.next_row, VecDeque::from([batch]));
        self.next_row += rows;
        Ok(true)
    }
}

/// All rows of a range, which a server may give in smaller pages than it is asked for.
async fn fill(
    client: &BigQueryClient,
    rowset: &Rowset,
    schema: Option<&DecodeSchema>,
    range: std::ops::Range<u64>,
) -> Result<Vec<RecordBatch>> {
    let (mut batches, mut row) = (Vec::new(), range.start);
    while row < range.end {
        let page = fetch_of(client, rowset, Rows::From(row), Some(range.end - row), schema).await?;
        let Some(batch) = page.batch else {
            return Err(nothing_from(row, range.end));
        };
        row += batch.num_rows() as u64;
        batches.push(batch);
    }
    if row > range.end {
        return Err(Error::new(
            ErrorKind::MalformedResponse,
            format!("BigQuery gave {} rows more than it was asked for", row - range.end),
        ));
    }
    Ok(batches)
}

fn nothing_from(row: u64, end: u64) -> Error {
    let problem = format!("BigQuery gave no rows from row {row} on, although there are some up to row {end}");
    Error::new(ErrorKind::MalformedResponse, problem)
}
