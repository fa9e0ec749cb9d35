//! The messages of `google.cloud.bigquery.storage.v1` that reading needs, with the fields that are looked at.

use prost::Message;

/// Asks for a session.
#[derive(Clone, PartialEq, Message)]
pub struct CreateReadSessionRequest {
    /// `projects/{project}`
    #[prost(string, tag = "1")]
    pub parent: String,
    /// What is to be read.
    #[prost(message, optional, tag = "2")]
    pub read_session: Option<ReadSession>,
    /// Streams, at most; 0 leaves it to the server.
    #[prost(int32, tag = "3")]
    pub max_stream_count: i32,
}

/// A table that is being read.
#[derive(Clone, PartialEq, Message)]
pub struct ReadSession {
    /// Given by the server.
    #[prost(string, tag = "1")]
    pub name: String,
    /// 2 is Arrow.
    #[prost(int32, tag = "3")]
    pub data_format: i32,
    /// Given by the server.
    #[prost(message, optional, tag = "5")]
    pub arrow_schema: Option<ArrowSchema>,
    /// `projects/{project}/datasets/{dataset}/tables/{table}`
    #[prost(string, tag = "6")]
    pub table: String,
    /// How.
    #[prost(message, optional, tag = "8")]
    pub read_options: Option<TableReadOptions>,
    /// Given by the server.
    #[prost(message, repeated, tag = "10")]
    pub streams: Vec<ReadStream>,
    /// Given by the server.
    #[prost(int64, tag = "14")]
    pub estimated_row_count: i64,
}

/// How a table is read.
#[derive(Clone, PartialEq, Message)]
pub struct TableReadOptions {
    /// How batches are serialized.
    #[prost(message, optional, tag = "3")]
    pub arrow_serialization_options: Option<ArrowSerializationOptions>,
}

/// How batches are serialized.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct ArrowSerializationOptions {
    /// 0 none, 1 LZ4 frames, 2 ZSTD.
    #[prost(int32, tag = "2")]
    pub buffer_compression: i32,
}

/// One stream of a session.
#[derive(Clone, PartialEq, Message)]
pub struct ReadStream {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
}

/// Asks for the rows of a stream.
#[derive(Clone, PartialEq, Message)]
pub struct ReadRowsRequest {
    /// The stream's name.
    #[prost(string, tag = "1")]
    pub read_stream: String,
    /// The first row, within the stream.
    #[prost(int64, tag = "2")]
    pub offset: i64,
    /// How batches are serialized, where the stream is a job's.
    #[prost(message, optional, tag = "5")]
    pub arrow_serialization_options: Option<ArrowSerializationOptions>,
}

/// Some rows of a stream.
#[derive(Clone, PartialEq, Message)]
pub struct ReadRowsResponse {
    /// The rows.
    #[prost(message, optional, tag = "4")]
    pub arrow_record_batch: Option<ArrowRecordBatch>,
    /// How many they are.
    #[prost(int64, tag = "6")]
    pub row_count: i64,
    /// The schema, in the first message of a stream.
    #[prost(message, optional, tag = "8")]
    pub arrow_schema: Option<ArrowSchema>,
}

/// A schema.
#[derive(Clone, PartialEq, Message)]
pub struct ArrowSchema {
    /// As an IPC message.
    #[prost(bytes = "vec", tag = "1")]
    pub serialized_schema: Vec<u8>,
}

/// A batch of rows.
#[derive(Clone, PartialEq, Message)]
pub struct ArrowRecordBatch {
    /// As an IPC message.
    #[prost(bytes = "vec", tag = "1")]
    pub serialized_record_batch: Vec<u8>,
    /// How many rows.
    #[prost(int64, tag = "2")]
    pub row_count: i64,
}
