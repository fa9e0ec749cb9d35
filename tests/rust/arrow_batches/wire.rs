//! Messages as a server writes them.

use arrow_array::RecordBatch;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_ipc::{CompressionType, MetadataVersion};
use arrow_schema::Schema;
use bytes::Bytes;

fn writer(schema: &Schema, is_compressed: bool) -> StreamWriter<Vec<u8>> {
    let codec = is_compressed.then_some(CompressionType::LZ4_FRAME);
    let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5)
        .and_then(|options| options.try_with_compression(codec))
        .expect("valid options");
    StreamWriter::try_new_with_options(Vec::new(), schema, options).expect("a schema")
}

/// The serialized schema.
pub(crate) fn schema(schema: &Schema) -> Vec<u8> {
    writer(schema, false).get_ref().clone()
}

/// One buffer with these batches, without their schema and without an end.
pub(crate) fn batches(batches: &[RecordBatch], is_compressed: bool) -> Bytes {
    let mut writer = writer(&batches[0].schema(), is_compressed);
    let start = writer.get_ref().len();
    for batch in batches {
        writer.write(batch).expect("a batch");
    }
    Bytes::from(writer.get_ref()[start..].to_vec())
}
