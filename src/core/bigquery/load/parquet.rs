//! Rows as one Parquet file, written piece by piece, so that only a row group is held at a time.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use ring::digest::{Context, Digest, SHA256};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use super::conform;
use crate::error::{Error, ErrorKind, Result};

/// Rows that are written at a time; always the same, so that the same rows make the same file however they came.
const ROWS_AT_A_TIME: usize = 16_384;
/// Rows of a row group, at most.
const ROWS_IN_GROUP: usize = 262_144;
/// Bytes of a row group, about.
const BYTES_IN_GROUP: usize = 32 << 20;
/// A file up to this size is kept between being named by its digest and being sent.
const KEPT: usize = 64 << 20;

/// Rows and the types they are written in.
#[derive(Clone)]
pub(super) struct Rows {
    /// The rows as they came.
    pub(super) batches: Arc<[RecordBatch]>,
    /// The types they are written in.
    pub(super) schema: SchemaRef,
}

/// A file that is being written.
pub(super) struct Encoder {
    rows: Rows,
    /// The next batch, and the next row of it.
    position: (usize, usize),
    rows_done: usize,
    writer: Option<ArrowWriter<Sink>>,
    sink: Sink,
}

/// What is known of a file once it was written.
pub(super) struct Written {
    pub(super) digest: Digest,
    pub(super) bytes: u64,
    /// The file itself, where it is small.
    pub(super) file: Option<Bytes>,
}

/// What was written and not taken yet.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Rows {
    /// Number of rows.
    pub(super) fn count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Writes the file once, and keeps it where it is small.
    pub(super) fn digest(&self) -> Result<Written> {
        let mut encoder = Encoder::new(self.clone())?;
        let (mut digest, mut bytes) = (Context::new(&SHA256), 0);
        let mut kept = Some(Vec::new());
        while let Some(piece) = encoder.piece(1)? {
            digest.update(&piece);
            bytes += piece.len() as u64;
            kept = kept.filter(|kept| kept.len() + piece.len() <= KEPT);
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(&piece);
            }
        }
        Ok(Written { digest: digest.finish(), bytes, file: kept.map(Bytes::from) })
    }
}

impl Encoder {
    /// Begins a file.
    pub(super) fn new(rows: Rows) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_max_row_group_row_count(Some(ROWS_IN_GROUP))
            // The names of the three levels of a list that `enableListInference` looks for.
            .set_coerce_types(true)
            // Another version of this program names the same rows by the same digest.
            .set_created_by("streetlens".to_owned())
            .build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let sink = Sink::default();
        let writer =
            ArrowWriter::try_new_with_options(sink.clone(), Arc::clone(&rows.schema), options).map_err(failed)?;
        Ok(Self { rows, position: (0, 0), rows_done: 0, writer: Some(writer), sink })
    }

    /// The next bytes, `least` of them or more unless the file ends with them; `None` after its end.
    pub(super) fn piece(&mut self, least: usize) -> Result<Option<Bytes>> {
        while self.sink.len() < least {
            let Some(writer) = &mut self.writer else { break };
            match next_rows(&self.rows, &mut self.position)? {
                Some(rows) => {
                    let conformed = conform::batch(&rows, &self.rows.schema, self.rows_done)?;
                    self.rows_done += rows.num_rows();
                    writer.write(&conformed).map_err(failed)?;
                    if writer.in_progress_size() >= BYTES_IN_GROUP {
                        writer.flush().map_err(failed)?;
                    }
                }
                None => {
                    if let Some(writer) = self.writer.take() {
                        writer.close().map_err(failed)?;
                    }
                }
            }
        }
        let written = self.sink.take();
        Ok((!written.is_empty()).then(|| Bytes::from(written)))
    }
}

/// The next rows, from as many batches as it takes.
fn next_rows(rows: &Rows, position: &mut (usize, usize)) -> Result<Option<RecordBatch>> {
    let (mut parts, mut wanted) = (Vec::new(), ROWS_AT_A_TIME);
    while wanted > 0 && position.0 < rows.batches.len() {
        let batch = &rows.batches[position.0];
        let length = wanted.min(batch.num_rows() - position.1);
        if length > 0 {
            parts.push(batch.slice(position.1, length));
        }
        wanted -= length;
        position.1 += length;
        if position.1 >= batch.num_rows() {
            *position = (position.0 + 1, 0);
        }
    }
    match parts.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(only.clone())),
        [first, ..] => concat_batches(&first.schema(), &parts).map(Some).map_err(|cause| {
            Error::new(ErrorKind::InvalidInput, "the batches of the rows do not fit together").with_source(cause)
        }),
    }
}

impl Sink {
    fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn failed(cause: ParquetError) -> Error {
    Error::new(ErrorKind::Internal, format!("the rows cannot be written as Parquet: {cause}")).with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::super::super::wire::TableFieldSchema;
    use super::*;
    use arrow_array::types::Int64Type;
    use arrow_array::{ArrayRef, Int64Array, ListArray};
    use parquet::file::reader::{FileReader, SerializedFileReader};

    fn rows(batches: Vec<RecordBatch>, field_type: &str, mode: &str) -> Rows {
        let column = TableFieldSchema {
            name: "n".into(),
            field_type: field_type.into(),
            mode: Some(mode.into()),
            ..TableFieldSchema::default()
        };
        Rows { batches: batches.into(), schema: conform::file_schema(&[column]).unwrap() }
    }

    fn numbers(range: std::ops::Range<i64>) -> RecordBatch {
        let array: ArrayRef = Arc::new(Int64Array::from_iter_values(range));
        RecordBatch::try_from_iter([("n", array)]).unwrap()
    }

    fn file(rows: Rows, least: usize) -> (Vec<u8>, usize) {
        let (mut encoder, mut file, mut pieces) = (Encoder::new(rows).unwrap(), Vec::new(), 0);
        while let Some(piece) = encoder.piece(least).unwrap() {
            file.extend_from_slice(&piece);
            pieces += 1;
        }
        (file, pieces)
    }

    #[test]
    fn the_same_rows_make_the_same_file_however_they_came() {
        let whole = rows(vec![numbers(0..50_000)], "INTEGER", "NULLABLE");
        let split = rows(
            vec![numbers(0..7), numbers(7..7), numbers(7..49_999), numbers(49_999..50_000)],
            "INTEGER",
            "NULLABLE",
        );
        assert_eq!(file(whole.clone(), 1).0, file(split.clone(), usize::MAX).0);
        assert_eq!(whole.digest().unwrap().digest.as_ref(), split.digest().unwrap().digest.as_ref());
        assert_eq!(whole.digest().unwrap().file.unwrap(), file(whole, 1).0);
    }

    #[test]
    fn other_rows_make_another_file() {
        let (one, other) =
            (rows(vec![numbers(0..9)], "INTEGER", "NULLABLE"), rows(vec![numbers(1..10)], "INTEGER", "NULLABLE"));
        assert_ne!(one.digest().unwrap().digest.as_ref(), other.digest().unwrap().digest.as_ref());
    }

    #[test]
    fn a_large_file_comes_in_pieces_and_holds_all_rows() {
        let (file, pieces) = file(rows(vec![numbers(0..600_000)], "INTEGER", "NULLABLE"), 1 << 16);
        assert!(pieces > 1);
        let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 600_000);
        assert_eq!(reader.num_row_groups(), 3);
    }

    #[test]
    fn a_list_has_the_three_levels_that_bigquery_infers_arrays_from() {
        let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([Some(vec![Some(1)])]));
        let (file, _) = file(rows(vec![RecordBatch::try_from_iter([("n", list)]).unwrap()], "INTEGER", "REPEATED"), 1);
        let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
        let column = reader.metadata().file_metadata().schema_descr().column(0);
        assert_eq!(column.path().string(), "n.list.element");
    }
}
