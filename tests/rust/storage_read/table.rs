//! A table that a server gives away row by row, and the client that reads it.

use arrow_array::{Array as _, ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_ipc::{CompressionType, MetadataVersion};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;
use streetlens_core::auth::{Anonymous, TokenSource};
use streetlens_core::bigquery::read::{ReadClient, RowReader};
use streetlens_core::error::Result;
use streetlens_core::retry::Clock;
use streetlens_core::settings::{Settings, SettingsInput};
use streetlens_core::stack::Stack;
use streetlens_core::transport::HttpPool;
use tokio::time::Instant;
use url::Url;

use crate::server::{Call, Reply};

pub(crate) const STREAM: &str = "projects/p/locations/us/sessions/s/streams/1";

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Options {
    #[prost(int32, tag = "2")]
    pub(crate) compression: i32,
    #[prost(int32, tag = "3")]
    pub(crate) precision: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReadRowsRequest {
    #[prost(string, tag = "1")]
    pub(crate) stream: String,
    #[prost(int64, tag = "2")]
    pub(crate) offset: i64,
    #[prost(message, optional, tag = "5")]
    pub(crate) options: Option<Options>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Serialized {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) bytes: Bytes,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct ReadRowsResponse {
    #[prost(message, optional, tag = "4")]
    pub(crate) batch: Option<Serialized>,
    #[prost(int64, tag = "6")]
    pub(crate) rows: i64,
    #[prost(message, optional, tag = "8")]
    pub(crate) schema: Option<Serialized>,
}

pub(crate) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true), Field::new("text", DataType::Utf8, true)]))
}

/// Rows of the table from one number up to another.
pub(crate) fn batch(rows: std::ops::Range<i64>) -> RecordBatch {
    let text: ArrayRef = Arc::new(StringArray::from_iter_values(rows.clone().map(|row| format!("row {row}"))));
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(rows));
    RecordBatch::try_new(schema(), vec![numbers, text]).expect("a batch")
}

fn written(schema: &Schema, batches: &[RecordBatch]) -> (Bytes, Bytes) {
    let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5)
        .and_then(|options| options.try_with_compression(Some(CompressionType::LZ4_FRAME)))
        .expect("options");
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), schema, options).expect("a schema");
    let start = writer.get_ref().len();
    for batch in batches {
        writer.write(batch).expect("a batch");
    }
    let mut whole = Bytes::from(writer.get_ref().clone());
    let rows = whole.split_off(start);
    (whole, rows)
}

pub(crate) fn serialized_schema(schema: &Schema) -> Serialized {
    Serialized { bytes: written(schema, &[]).0 }
}

/// A response with these rows.
pub(crate) fn response(rows: std::ops::Range<i64>) -> ReadRowsResponse {
    let count = rows.end - rows.start;
    let bytes = written(&schema(), &[batch(rows)]).1;
    ReadRowsResponse { batch: Some(Serialized { bytes }), rows: count, schema: None }
}

/// The rows from an offset up to a total, some a response; the first response tells the schema.
pub(crate) fn responses(offset: i64, total: i64, step: i64) -> Vec<ReadRowsResponse> {
    let step = usize::try_from(step).expect("a step");
    let mut responses: Vec<_> = (offset..total)
        .step_by(step)
        .map(|from| response(from..total.min(from + i64::try_from(step).expect("small"))))
        .collect();
    if let Some(first) = responses.first_mut() {
        first.schema = Some(serialized_schema(&schema()));
    }
    responses
}

/// Answers a call from the row it asks for.
pub(crate) fn rows(call: &Call, total: i64, step: i64) -> Reply {
    Reply::messages(&responses(call.read::<ReadRowsRequest>().offset, total, step))
}

/// Does not wait, though it tells the time.
pub(crate) struct Impatient;

#[async_trait]
impl Clock for Impatient {
    fn now(&self) -> Instant {
        Instant::now()
    }

    async fn sleep(&self, _duration: Duration) {
        tokio::task::yield_now().await;
    }

    fn chance(&self) -> f64 {
        0.0
    }
}

pub(crate) fn client_with(url: &Url, source: Arc<dyn TokenSource>) -> ReadClient {
    let input = SettingsInput {
        project: Some("demo".into()),
        endpoints: vec![("bigquery_storage".into(), url.to_string())],
        ..SettingsInput::default()
    };
    let settings =
        Settings::resolve_with(&input, &|name| (name == "HOME").then(|| "/me".to_owned())).expect("settings");
    let stack = Stack::new(Arc::new(HttpPool::new(None).expect("a pool")), source).with_clock(Arc::new(Impatient));
    ReadClient::new(stack, &settings).expect("a client")
}

pub(crate) fn client(url: &Url) -> ReadClient {
    client_with(url, Arc::new(Anonymous))
}

/// Everything that is left of a stream.
pub(crate) async fn read(reader: &mut RowReader) -> Result<Vec<i64>> {
    let mut numbers = Vec::new();
    while let Some(batch) = reader.next().await? {
        let column = batch.column(0).as_any().downcast_ref::<Int64Array>().expect("numbers").clone();
        let text = batch.column(1).as_any().downcast_ref::<StringArray>().expect("text").clone();
        for row in 0..column.len() {
            assert_eq!(text.value(row), format!("row {}", column.value(row)));
            numbers.push(column.value(row));
        }
    }
    Ok(numbers)
}
