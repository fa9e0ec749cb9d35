//! The messages of `google/cloud/bigquery/storage/v1/storage.proto` and `google/rpc/*.proto`, as far as they are used.

use bytes::Bytes;

/// `ArrowSerializationOptions.CompressionCodec`.
pub(super) const LZ4_FRAME: i32 = 1;
/// `ArrowSerializationOptions.PicosTimestampPrecision`.
pub(super) const TIMESTAMP_PRECISION_MICROS: i32 = 1;
/// `DataFormat`.
pub(super) const ARROW: i32 = 2;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ArrowSerializationOptions {
    #[prost(int32, tag = "2")]
    pub(super) buffer_compression: i32,
    #[prost(int32, tag = "3")]
    pub(super) picos_timestamp_precision: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ArrowSchema {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) serialized_schema: Bytes,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ArrowRecordBatch {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) serialized_record_batch: Bytes,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ReadStream {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct TableReadOptions {
    #[prost(string, repeated, tag = "1")]
    pub(super) selected_fields: Vec<String>,
    #[prost(string, tag = "2")]
    pub(super) row_restriction: String,
    #[prost(message, optional, tag = "3")]
    pub(super) arrow_serialization_options: Option<ArrowSerializationOptions>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Session {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(int32, tag = "3")]
    pub(super) data_format: i32,
    #[prost(message, optional, tag = "5")]
    pub(super) arrow_schema: Option<ArrowSchema>,
    #[prost(string, tag = "6")]
    pub(super) table: String,
    #[prost(message, optional, tag = "8")]
    pub(super) read_options: Option<TableReadOptions>,
    #[prost(message, repeated, tag = "10")]
    pub(super) streams: Vec<ReadStream>,
    #[prost(int64, tag = "14")]
    pub(super) estimated_row_count: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CreateReadSessionRequest {
    #[prost(string, tag = "1")]
    pub(super) parent: String,
    #[prost(message, optional, tag = "2")]
    pub(super) read_session: Option<Session>,
    #[prost(int32, tag = "3")]
    pub(super) max_stream_count: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ReadRowsRequest {
    #[prost(string, tag = "1")]
    pub(super) read_stream: String,
    #[prost(int64, tag = "2")]
    pub(super) offset: i64,
    #[prost(message, optional, tag = "5")]
    pub(super) arrow_serialization_options: Option<ArrowSerializationOptions>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ReadRowsResponse {
    #[prost(message, optional, tag = "4")]
    pub(super) arrow_record_batch: Option<ArrowRecordBatch>,
    #[prost(int64, tag = "6")]
    pub(super) row_count: i64,
    #[prost(message, optional, tag = "8")]
    pub(super) arrow_schema: Option<ArrowSchema>,
}

/// `google.rpc.Status`, from the trailer `grpc-status-details-bin`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RpcStatus {
    #[prost(message, repeated, tag = "3")]
    pub(super) details: Vec<Any>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Any {
    #[prost(string, tag = "1")]
    pub(super) type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) value: Bytes,
}

/// `google.rpc.RetryInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    pub(super) retry_delay: Option<Delay>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Delay {
    #[prost(int64, tag = "1")]
    pub(super) seconds: i64,
    #[prost(int32, tag = "2")]
    pub(super) nanos: i32,
}

/// `google.rpc.ErrorInfo`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ErrorInfo {
    #[prost(string, tag = "1")]
    pub(super) reason: String,
}
