//! Where the rows of a result come from after those that came with the answer.

use arrow_array::RecordBatch;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::client::BigQueryClient;
use super::pages::{Pages, Rowset};
use super::read::{ReadClient, RowReader, SessionOptions, TableName};
use super::schema::DecodeSchema;
use crate::error::{Error, ErrorKind, Result};

/// Streams that are read at once where order does not matter; more of them only share the same two cores.
const STREAMS: u32 = 4;
/// Batches of each stream that wait for their reader.
const WAITING: usize = 2;

/// The rows after the first.
pub(super) enum Source {
    Ended,
    /// JSON pages, in order.
    Pages(Box<Pages>),
    /// The job's one stream of the Storage Read API, in order.
    Stream {
        reader: Box<RowReader>,
        /// How to go on where the stream cannot be had.
        otherwise: Option<Box<Otherwise>>,
    },
    /// Several streams of a session on the result's table, in any order.
    Streams {
        streams: Streams,
        /// Rows that were given: behind the first nobody knows which ones are left.
        rows: u64,
        otherwise: Option<Box<Otherwise>>,
    },
}

/// What is needed to go on with pages.
pub(super) struct Otherwise {
    pub(super) client: BigQueryClient,
    pub(super) rowset: Rowset,
    pub(super) schema: Option<DecodeSchema>,
    pub(super) total_rows: Option<u64>,
}

impl Source {
    /// The next rows; `None` after the last. A note tells that rows come another way from here on.
    pub(super) async fn next(&mut self) -> Result<(Option<RecordBatch>, Option<String>)> {
        let (error, first, otherwise) = match self {
            Self::Ended => return Ok((None, None)),
            Self::Pages(pages) => return Ok((pages.next().await?, None)),
            Self::Streams { streams, rows, otherwise } => match streams.next().await {
                Ok(batch) => {
                    *rows += batch.as_ref().map_or(0, |batch| batch.num_rows() as u64);
                    return Ok((batch, None));
                }
                Err(error) => (error, 0, otherwise.take().filter(|_| *rows == 0)),
            },
            Self::Stream { reader, otherwise } => match reader.next().await {
                Ok(batch) => return Ok((batch, None)),
                Err(error) => (error, reader.rows(), otherwise.take()),
            },
        };
        let Some(Otherwise { client, rowset, schema, total_rows }) =
            otherwise.filter(|_| has_another_way(&error)).map(|boxed| *boxed)
        else {
            return Err(error);
        };
        tracing::info!(%error, row = first, "the rest of the rows is read as JSON pages");
        client.storage_is_shut();
        let mut pages = Pages::new(client, rowset, schema, first, None, total_rows);
        let batch = pages.next().await?;
        *self = Self::Pages(Box::new(pages));
        Ok((batch, Some(note(&error))))
    }
}

/// Rows that are not right come no better another way; all else is of the Storage Read API only.
pub(super) fn has_another_way(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::MalformedResponse | ErrorKind::Cancelled | ErrorKind::Configuration)
}

pub(super) fn note(error: &Error) -> String {
    let fix = match error.kind() {
        ErrorKind::PermissionDenied => "; grant yourself `roles/bigquery.readSessionUser` on the project",
        ErrorKind::Transport | ErrorKind::Timeout => "; gRPC to it may be blocked",
        _ => "",
    };
    let problem = error.message().trim_end_matches('.');
    format!("rows come as JSON, which is slower, because the Storage Read API cannot be used ({problem}){fix}")
}

/// What a client knows of the Storage Read API.
#[derive(Clone)]
pub(super) struct Storage {
    pub(super) client: ReadClient,
    is_shut: Arc<AtomicBool>,
}

impl Storage {
    pub(super) fn new(client: ReadClient) -> Self {
        Self { client, is_shut: Arc::default() }
    }

    /// Whether it is worth asking: an address is known, and it was not in vain so far.
    pub(super) fn is_open(&self) -> bool {
        self.client.is_available() && !self.is_shut.load(Ordering::Relaxed)
    }

    pub(super) fn shut(&self) {
        self.is_shut.store(true, Ordering::Relaxed);
    }
}

/// Several streams that are read at once.
pub(super) struct Streams {
    batches: mpsc::Receiver<Result<RecordBatch>>,
    /// Dropping them ends their calls.
    _tasks: JoinSet<()>,
}

impl Streams {
    /// Opens a session on a table.
    pub(super) async fn open(client: &ReadClient, project: &str, table: TableName, columns: &[String]) -> Result<Self> {
        let session = client.create_session(&session_of(project, table, columns, STREAMS)).await?;
        let (sender, batches) = mpsc::channel(WAITING * session.streams.len().max(1));
        let mut tasks = JoinSet::new();
        for stream in session.streams {
            let mut reader = client.read_rows(stream, 0, Some(session.decoder.clone()));
            let sender = sender.clone();
            tasks.spawn(async move {
                while let Some(batch) = reader.next().await.transpose() {
                    let is_last = batch.is_err();
                    if sender.send(batch).await.is_err() || is_last {
                        return;
                    }
                }
            });
        }
        Ok(Self { batches, _tasks: tasks })
    }

    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        self.batches.recv().await.transpose()
    }
}

/// What a session on a table is asked for.
pub(super) fn session_of(project: &str, table: TableName, columns: &[String], streams: u32) -> SessionOptions {
    SessionOptions {
        parent_project: project.to_owned(),
        table,
        columns: columns.to_vec(),
        row_restriction: None,
        maximum_streams: streams,
    }
}
