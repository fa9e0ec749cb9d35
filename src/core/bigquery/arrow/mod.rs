//! Arrow as BigQuery sends it: one IPC schema message, and record batch messages without a stream around them.
//!
//! `ArrowSchema.serialized_schema` and `ArrowRecordBatch.serialized_record_batch` of the Storage Read API, and the fields
//! of the same names in the answers of `jobs.query`, are "IPC serialized" in the words of `google/cloud/bigquery/storage/
//! v1/arrow.proto`; Google's Rust client reads several batches from one buffer, so a buffer may hold several. The layout
//! is that of <https://arrow.apache.org/docs/format/Columnar.html#encapsulated-message-format>.
//!
//! The bytes come from a network: every length is checked before it is believed, and every array is validated (offsets,
//! null counts, UTF-8). arrow-ipc's own reader is not used, because it panics on much that is malformed, and
//! decompresses to any length.

mod batch;
mod blocks;
mod canonical;
mod compression;
mod conform;
mod message;
mod schema;

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::MessageHeader;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use std::sync::Arc;

pub use canonical::canonical;
pub use conform::conform;

use crate::error::{Error, ErrorKind, Result};

/// Reads the record batches of one schema.
#[derive(Debug, Clone)]
pub struct ArrowDecoder {
    schema: SchemaRef,
}

impl ArrowDecoder {
    /// Reads one IPC schema message, alone or at the beginning of a stream.
    pub fn new(serialized_schema: &[u8]) -> Result<Self> {
        let Some(next) = message::next(serialized_schema, 0)? else {
            return Err(malformed("the Arrow schema is empty"));
        };
        let message = message::read(&serialized_schema[next.metadata])?;
        let Some(described) = message.header_as_schema() else {
            return Err(malformed("the Arrow schema is some other message"));
        };
        Ok(Self { schema: Arc::new(schema::read(described)?) })
    }

    /// The schema as it came.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Reads all record batches of a buffer. What is not compressed is not copied, where it is aligned.
    pub fn decode(&self, serialized: Bytes) -> Result<Vec<RecordBatch>> {
        let buffer = Buffer::from(serialized);
        let mut batches = Vec::new();
        let mut budget = compression::Budget::default();
        let mut at = 0;
        while let Some(next) = message::next(&buffer, at)? {
            let message = message::read(&buffer[next.metadata])?;
            match message.header_type() {
                MessageHeader::RecordBatch => {
                    let described = message.header_as_record_batch().ok_or_else(|| malformed("a batch is empty"))?;
                    let body = buffer.slice_with_length(next.body.start, next.body.len());
                    batches.push(batch::read(&self.schema, described, body, &mut budget)?);
                }
                MessageHeader::Schema => self.check_repeated(message.header_as_schema())?,
                MessageHeader::DictionaryBatch => {
                    return Err(malformed("the Arrow batches are dictionary-encoded, which BigQuery does not do"));
                }
                _ => return Err(malformed("the Arrow batches contain a message of an unknown kind")),
            }
            at = next.body.end;
        }
        Ok(batches)
    }

    fn check_repeated(&self, repeated: Option<arrow_ipc::Schema<'_>>) -> Result<()> {
        let repeated = repeated.map(schema::read).transpose()?;
        if repeated.as_ref() == Some(self.schema.as_ref()) {
            return Ok(());
        }
        Err(malformed("the Arrow batches have another schema than was announced"))
    }
}

/// An answer that says the same however often it is asked for.
fn malformed(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::MalformedResponse, message).with_retryable(false)
}
