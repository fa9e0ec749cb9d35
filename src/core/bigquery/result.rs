//! What a query gives besides its rows.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::decode::Envelope;
use super::job::RunningJob;

/// A whole result.
#[derive(Debug, Clone)]
pub struct QueryResult {
    /// Columns, also where there are no rows.
    pub schema: SchemaRef,
    /// Rows, in as many batches as they came.
    pub batches: Vec<RecordBatch>,
    /// What the query took.
    pub statistics: QueryStatistics,
}

/// What a query would read.
#[derive(Debug, Clone)]
pub struct QueryEstimate {
    /// Bytes that would be read.
    pub bytes_processed: u64,
    /// Columns of the result; none for a statement without one.
    pub schema: SchemaRef,
    /// For example `SELECT`.
    pub statement_type: Option<String>,
    /// Where it would run.
    pub location: Option<String>,
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
    /// The session it ran in, where it began one.
    pub session_id: Option<String>,
    /// How the rows came.
    pub route: Route,
    /// What the user should hear of: why rows came another way than the fastest.
    pub notes: Vec<String>,
}

/// How rows came from BigQuery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Route {
    /// As JSON.
    #[default]
    Json,
    /// As Arrow with the answer to the query.
    Arrow,
    /// Over the Storage Read API, all or the rest of them.
    Storage,
}

impl fmt::Display for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Json => "json",
            Self::Arrow => "arrow",
            Self::Storage => "storage",
        })
    }
}

impl QueryStatistics {
    pub(super) fn of(envelope: &Envelope, job: &RunningJob) -> Self {
        Self {
            job_id: job.id().map(str::to_owned),
            location: job.location().map(str::to_owned),
            bytes_processed: envelope.total_bytes_processed,
            bytes_billed: envelope.total_bytes_billed,
            slot_milliseconds: envelope.total_slot_ms,
            cache_hit: envelope.cache_hit,
            statement_type: envelope.statement_type.clone(),
            affected_rows: envelope.num_dml_affected_rows,
            session_id: envelope.session_info.as_ref().and_then(|info| info.session_id.clone()),
            route: Route::Json,
            notes: Vec::new(),
        }
    }
}

/// How far a query is; whoever waits for it may look at any time.
#[derive(Debug, Default)]
pub struct QueryProgress {
    state: AtomicU8,
    rows: AtomicU64,
    /// One more than the rows of the result; 0 while that is not known.
    total_rows: AtomicU64,
}

/// What a query is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QueryState {
    Running = 1,
    Reading = 2,
    Done = 3,
}

impl QueryProgress {
    /// `pending`, `running`, `reading` or `done`.
    #[must_use]
    pub fn state(&self) -> &'static str {
        match self.state.load(Ordering::Relaxed) {
            0 => "pending",
            1 => "running",
            2 => "reading",
            _ => "done",
        }
    }

    /// Rows that are here.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Rows of the whole result, where BigQuery tells.
    #[must_use]
    pub fn total_rows(&self) -> Option<u64> {
        self.total_rows.load(Ordering::Relaxed).checked_sub(1)
    }

    pub(super) fn enter(&self, state: QueryState) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    pub(super) fn expect(&self, total_rows: Option<u64>) {
        self.total_rows.store(total_rows.map_or(0, |rows| rows.saturating_add(1)), Ordering::Relaxed);
    }

    pub(super) fn count(&self, rows: u64) {
        self.rows.store(rows, Ordering::Relaxed);
    }
}
