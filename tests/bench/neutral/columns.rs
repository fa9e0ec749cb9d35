//! The table as Arrow, as BigQuery serializes it: the schema and the batches as messages of Arrow's IPC format.

use arrow_array::builder::{Float64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{ArrayRef, RecordBatch, StructArray};
use arrow_buffer::NullBuffer;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_ipc::{CompressionType, MetadataVersion};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

use crate::table::Observation;

/// How the buffers of a batch are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// As LZ4 frames.
    Lz4,
}

/// A batch and its schema as serialized by Arrow.
#[derive(Debug)]
pub struct Serialized {
    /// The schema's message.
    pub schema: Vec<u8>,
    /// The record batch's message.
    pub batch: Vec<u8>,
}

/// Serializes the rows from `start` to before `end`.
pub fn serialized(start: u64, end: u64, compression: Compression) -> Result<Serialized, ArrowError> {
    let batch = batch(start, end)?;
    let codec = (compression == Compression::Lz4).then_some(CompressionType::LZ4_FRAME);
    // Eight bytes are what Arrow's C++ implementation aligns to.
    let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5)?.try_with_compression(codec)?;
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options)?;
    let schema = writer.get_ref().clone();
    writer.write(&batch)?;
    Ok(Serialized { batch: writer.get_ref()[schema.len()..].to_vec(), schema })
}

fn schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let time = |name: &str| Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true);
    Arc::new(Schema::new(vec![
        text("snapshot_id"),
        text("asset_id"),
        text("asset_type"),
        Field::new_struct("location", floats(&["latitude", "longitude"]), true),
        time("detection_time"),
        text("observation_id"),
        Field::new_struct("bbox", corners(), true),
        Field::new_struct("camera_pose", floats(&POSE), true),
        time("capture_time"),
        text("gcs_uri"),
        text("map_url"),
    ]))
}

const POSE: [&str; 6] = ["latitude", "longitude", "altitude", "pitch", "heading", "roll"];

fn floats(names: &[&str]) -> Fields {
    names.iter().map(|name| Field::new(*name, DataType::Float64, true)).collect()
}

fn corners() -> Fields {
    ["lo", "hi"].iter().map(|name| Field::new_struct(*name, floats(&["x", "y"]), true)).collect()
}

fn batch(start: u64, end: u64) -> Result<RecordBatch, ArrowError> {
    let rows: Vec<Observation> = (start..end).map(Observation::new).collect();
    let location = |index: usize| rows.iter().map(move |row| Some(row.location[index]));
    let bbox = |index: usize| rows.iter().map(move |row| Some(row.bbox[index]));
    let pose = |index: usize| rows.iter().map(move |row| row.camera_pose.map(|pose| pose[index]));
    let corner = |first: usize| record(&["x", "y"], vec![numbers(bbox(first)), numbers(bbox(first + 1))], None);
    let has_pose: NullBuffer = rows.iter().map(|row| row.camera_pose.is_some()).collect();
    let columns: Vec<ArrayRef> = vec![
        texts(rows.iter().map(|row| row.snapshot_id)),
        texts(rows.iter().map(|row| row.asset_id.as_str())),
        texts(rows.iter().map(|row| row.asset_type)),
        record(&["latitude", "longitude"], vec![numbers(location(0)), numbers(location(1))], None)?,
        times(rows.iter().map(|row| row.detection_time)),
        texts(rows.iter().map(|row| row.observation_id.as_str())),
        Arc::new(StructArray::try_new(corners(), vec![corner(0)?, corner(2)?], None)?),
        record(&POSE, (0..6).map(|index| numbers(pose(index))).collect(), Some(has_pose))?,
        times(rows.iter().map(|row| row.capture_time)),
        texts(rows.iter().map(|row| row.gcs_uri.as_str())),
        texts(rows.iter().map(|row| row.map_url.as_str())),
    ];
    RecordBatch::try_new(schema(), columns)
}

fn record(names: &[&str], columns: Vec<ArrayRef>, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(StructArray::try_new(floats(names), columns, nulls)?))
}

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    let mut builder = StringBuilder::new();
    values.for_each(|value| builder.append_value(value));
    Arc::new(builder.finish())
}

fn numbers(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    let mut builder = Float64Builder::new();
    values.for_each(|value| builder.append_option(value));
    Arc::new(builder.finish())
}

fn times(values: impl Iterator<Item = i64>) -> ArrayRef {
    let mut builder = TimestampMicrosecondBuilder::new().with_timezone("UTC");
    values.for_each(|value| builder.append_value(value));
    Arc::new(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_ipc::reader::StreamReader;

    fn read(serialized: &Serialized) -> RecordBatch {
        let stream = [serialized.schema.as_slice(), &serialized.batch].concat();
        let mut reader = StreamReader::try_new(stream.as_slice(), None).unwrap();
        reader.next().unwrap().unwrap()
    }

    #[test]
    fn both_compressions_give_the_rows_that_were_asked_for() {
        let plain = serialized(90, 290, Compression::Plain).unwrap();
        let compressed = serialized(90, 290, Compression::Lz4).unwrap();
        assert_eq!(read(&plain), batch(90, 290).unwrap());
        assert_eq!(read(&plain), read(&compressed));
        assert!(compressed.batch.len() < plain.batch.len());
        assert_eq!(plain.schema, compressed.schema);
    }

    #[test]
    fn a_row_has_the_size_of_a_real_one() {
        let plain = serialized(0, 2_000, Compression::Plain).unwrap();
        assert!((480..530).contains(&(plain.batch.len() / 2_000)), "{}", plain.batch.len() / 2_000);
    }
}
