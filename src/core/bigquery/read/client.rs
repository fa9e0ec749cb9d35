//! Opens read sessions and streams.

use http::{HeaderMap, HeaderValue};
use std::time::Duration;
use tonic::metadata::MetadataMap;
use tonic_prost::ProstCodec;
use url::Url;

use super::codec::ReadRowsCodec;
use super::reader::RowReader;
use super::status;
use super::wire::{
    ARROW, ArrowSerializationOptions, CreateReadSessionRequest, LZ4_FRAME, ReadRowsRequest, ReadRowsResponse, Session,
    TIMESTAMP_PRECISION_MICROS, TableReadOptions,
};
use crate::bigquery::arrow::ArrowDecoder;
use crate::error::{Error, ErrorKind, Result};
use crate::retry::RetryPolicy;
use crate::settings::Settings;
use crate::stack::Stack;
use crate::transport::grpc::Channel;

/// As shown in errors.
pub(super) const SERVICE: &str = "BigQuery Storage";

const CREATE_READ_SESSION: &str = "/google.cloud.bigquery.storage.v1.BigQueryRead/CreateReadSession";
const READ_ROWS: &str = "/google.cloud.bigquery.storage.v1.BigQueryRead/ReadRows";

/// The Storage Read API for one configuration.
#[derive(Clone)]
pub struct ReadClient {
    pub(super) stack: Stack,
    channel: Option<Channel>,
}

/// The full name of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// Project.
    pub project: String,
    /// Data set.
    pub dataset: String,
    /// Table.
    pub table: String,
}

/// What to read of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOptions {
    /// The project that is billed, and must allow `bigquery.readsessions.create`.
    pub parent_project: String,
    /// The table.
    pub table: TableName,
    /// Columns, or fields of RECORDs as `record.field`; all where empty. They come in the table's order.
    pub columns: Vec<String>,
    /// A condition as after WHERE.
    pub row_restriction: Option<String>,
    /// Most streams; BigQuery decides where 0, and may give fewer always.
    pub maximum_streams: u32,
}

/// An open session.
#[derive(Debug, Clone)]
pub struct ReadSession {
    /// Its name.
    pub name: String,
    /// Reads the batches of its streams.
    pub decoder: ArrowDecoder,
    /// Its streams, which together have every row once; none where the table is empty.
    pub streams: Vec<String>,
    /// How many rows BigQuery expects, which a condition may make too many.
    pub estimated_rows: u64,
}

impl ReadClient {
    /// A client; nothing is contacted.
    pub fn new(stack: Stack, settings: &Settings) -> Result<Self> {
        let endpoints = &settings.endpoints;
        let endpoint = match (&endpoints.bigquery_storage, &endpoints.bigquery) {
            (Some(endpoint), _) => Some(endpoint.clone()),
            (None, None) => Some(
                Url::parse("https://bigquerystorage.googleapis.com/")
                    .map_err(|cause| Error::new(ErrorKind::Internal, "the address of BigQuery").with_source(cause))?,
            ),
            // Rows of one server must not be looked for on another.
            (None, Some(_)) => None,
        };
        let channel = endpoint.map(|endpoint| Channel::new(SERVICE, endpoint, settings.ca_bundle.clone()));
        Ok(Self { stack, channel })
    }

    /// The same client with another limit on a server's silence.
    #[must_use]
    pub fn with_stall(mut self, stall: std::time::Duration) -> Self {
        self.channel = self.channel.map(|channel| channel.with_stall(stall));
        self
    }

    /// Whether there is a server to ask: one is known for Google's BigQuery, and else where the user names one.
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.channel.is_some()
    }

    /// Opens a session on a table.
    pub async fn create_session(&self, options: &SessionOptions) -> Result<ReadSession> {
        let table = options.table.path();
        let doing = format!("opening a read session on the table `{table}`");
        let request = CreateReadSessionRequest {
            parent: format!("projects/{}", options.parent_project),
            read_session: Some(Session {
                data_format: ARROW,
                table: table.clone(),
                read_options: Some(TableReadOptions {
                    selected_fields: options.columns.clone(),
                    row_restriction: options.row_restriction.clone().unwrap_or_default(),
                    arrow_serialization_options: Some(serialization()),
                }),
                ..Session::default()
            }),
            max_stream_count: i32::try_from(options.maximum_streams).unwrap_or(i32::MAX),
        };
        let channel = self.channel()?;
        let parameters = format!("read_session.table={}", encoded(&table));
        // Who waits for this has another way, where gRPC is blocked.
        let policy = RetryPolicy { max_attempts: 3, deadline: Duration::from_secs(10), ..self.stack.policy() };
        let created: Session = self
            .stack
            .clone()
            .with_policy(policy)
            .call(SERVICE, channel.endpoint(), |headers| async {
                let headers = headers;
                let request = with_metadata(request.clone(), &headers, &parameters)?;
                let codec = ProstCodec::<CreateReadSessionRequest, Session>::new();
                let path = http::uri::PathAndQuery::from_static(CREATE_READ_SESSION);
                let answer = channel.grpc()?.unary(request, path, codec).await;
                answer.map(tonic::Response::into_inner).map_err(|status| status::error(&status, &doing))
            })
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::NotFound => error.with_hint("check the project, data set and table"),
                _ => error,
            })?;
        let schema = created.arrow_schema.ok_or_else(|| {
            Error::new(ErrorKind::MalformedResponse, format!("{doing}: the answer has no Arrow schema"))
        })?;
        let decoder = ArrowDecoder::new(&schema.serialized_schema).map_err(|error| error.with_context(&doing))?;
        let streams: Vec<String> = created.streams.into_iter().map(|stream| stream.name).collect();
        tracing::debug!(session = created.name, streams = streams.len(), "a read session is open");
        let estimated_rows = u64::try_from(created.estimated_row_count).unwrap_or(0);
        Ok(ReadSession { name: created.name, decoder, streams, estimated_rows })
    }

    /// The stream with the result of a query that named no destination table.
    #[must_use]
    pub fn job_stream(project: &str, location: &str, job_id: &str) -> String {
        format!("projects/{project}/locations/{location}/jobs/{job_id}/streams/_default")
    }

    /// Reads a stream from a row on. Nothing is contacted before the first batch is asked for.
    ///
    /// `decoder` is that of the session, or of the rows that came before; a stream that is read from its beginning tells
    /// its schema itself.
    #[must_use]
    pub fn read_rows(&self, stream: String, offset: u64, decoder: Option<ArrowDecoder>) -> RowReader {
        RowReader::new(self.clone(), stream, offset, decoder)
    }

    /// Opens one stream of responses.
    pub(super) async fn open(
        &self,
        stream: &str,
        offset: u64,
        headers: &HeaderMap,
        doing: &str,
    ) -> Result<tonic::Streaming<ReadRowsResponse>> {
        let offset = i64::try_from(offset)
            .map_err(|_| Error::new(ErrorKind::InvalidInput, format!("no stream has a row {offset}")))?;
        // A session's streams have the options of the session.
        let is_job = stream.contains("/jobs/");
        let request = ReadRowsRequest {
            read_stream: stream.to_owned(),
            offset,
            arrow_serialization_options: is_job.then(serialization),
        };
        let request = with_metadata(request, headers, &format!("read_stream={}", encoded(stream)))?;
        let path = http::uri::PathAndQuery::from_static(READ_ROWS);
        let answer = self.channel()?.grpc()?.server_streaming(request, path, ReadRowsCodec).await;
        answer.map(tonic::Response::into_inner).map_err(|status| status::error(&status, doing))
    }

    pub(super) fn endpoint(&self) -> Result<&Url> {
        Ok(self.channel()?.endpoint())
    }

    fn channel(&self) -> Result<&Channel> {
        self.channel.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::Configuration, "there is no address of the Storage Read API for this BigQuery server")
                .with_hint("pass `endpoint=sl.Endpoints(bigquery_storage=...)`, or `transport=\"rest\"`")
        })
    }
}

impl TableName {
    /// As the API names it.
    #[must_use]
    pub fn path(&self) -> String {
        format!("projects/{}/datasets/{}/tables/{}", self.project, self.dataset, self.table)
    }
}

/// Both options always, so that every batch of a result is written in one way (`_arrow_query.py`).
fn serialization() -> ArrowSerializationOptions {
    ArrowSerializationOptions { buffer_compression: LZ4_FRAME, picos_timestamp_precision: TIMESTAMP_PRECISION_MICROS }
}

fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// Google's front ends find the way of a call in the header `x-goog-request-params`.
fn with_metadata<T>(message: T, authorization: &HeaderMap, parameters: &str) -> Result<tonic::Request<T>> {
    let mut headers = authorization.clone();
    let parameters = HeaderValue::from_str(parameters)
        .map_err(|cause| Error::new(ErrorKind::Internal, "a name that is no header").with_source(cause))?;
    headers.insert("x-goog-request-params", parameters);
    let mut request = tonic::Request::new(message);
    *request.metadata_mut() = MetadataMap::from_headers(headers);
    Ok(request)
}
