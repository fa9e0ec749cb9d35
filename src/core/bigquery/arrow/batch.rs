//! One record batch: every column built from the lengths and buffers that the message lists, in the order of the schema.

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow_buffer::Buffer;
use arrow_data::ArrayData;
use arrow_ipc::CompressionType;
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};

use super::compression::{Budget, decompress};
use super::malformed;
use crate::error::{Error, Result};

/// Reads a batch whose buffers are in `body`.
pub(super) fn read(
    schema: &SchemaRef,
    described: arrow_ipc::RecordBatch<'_>,
    body: Buffer,
    budget: &mut Budget,
) -> Result<RecordBatch> {
    let rows = length(described.length())?;
    if described.variadicBufferCounts().is_some_and(|counts| !counts.is_empty()) {
        return Err(malformed("an Arrow batch has buffers that no column needs"));
    }
    let is_compressed = match described.compression().map(|compression| compression.codec()) {
        None => false,
        Some(CompressionType::LZ4_FRAME) => true,
        Some(_) => return Err(malformed("an Arrow batch is compressed otherwise than with LZ4, which was asked for")),
    };
    let nodes = described.nodes().ok_or_else(|| malformed("an Arrow batch lists no columns"))?;
    let buffers = described.buffers().ok_or_else(|| malformed("an Arrow batch lists no buffers"))?;
    let mut walk = Walk {
        nodes: nodes.iter().map(|node| (node.length(), node.null_count())),
        buffers: buffers.iter().map(|buffer| (buffer.offset(), buffer.length())),
        body,
        is_compressed,
        budget,
    };
    let columns = schema
        .fields()
        .iter()
        .map(|field| {
            let data = walk.column(field, field.name())?;
            if data.len() != rows {
                return Err(damaged(field.name(), &format!("{} rows in a batch of {rows}", data.len())));
            }
            Ok(make_array(data))
        })
        .collect::<Result<Vec<ArrayRef>>>()?;
    if walk.nodes.next().is_some() || walk.buffers.next().is_some() {
        return Err(malformed("an Arrow batch has more columns than its schema"));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(SchemaRef::clone(schema), columns, &options)
        .map_err(|cause| malformed(format!("an Arrow batch does not fit its schema: {}", brief(&cause))))
}

/// Takes lengths and buffers in the order in which the columns need them.
struct Walk<'a, Nodes, Buffers> {
    nodes: Nodes,
    buffers: Buffers,
    body: Buffer,
    is_compressed: bool,
    budget: &'a mut Budget,
}

impl<Nodes: Iterator<Item = (i64, i64)>, Buffers: Iterator<Item = (i64, i64)>> Walk<'_, Nodes, Buffers> {
    fn column(&mut self, field: &Field, path: &str) -> Result<ArrayData> {
        let (rows, nulls) = self.node(path)?;
        let validity = self.buffer(path)?;
        // The specification lets a column without nulls go without their buffer.
        let validity = (nulls > 0).then_some(validity);
        if validity.as_ref().is_some_and(|bits| bits.len().saturating_mul(8) < rows) {
            return Err(damaged(path, "fewer validity bits than rows"));
        }
        let mut builder = ArrayData::builder(field.data_type().clone())
            .len(rows)
            .null_count(nulls)
            .null_bit_buffer(validity)
            .align_buffers(true);
        match field.data_type() {
            DataType::Utf8 | DataType::Binary => {
                builder = builder.add_buffer(self.offsets(rows, path)?).add_buffer(self.buffer(path)?);
            }
            DataType::List(item) => {
                builder = builder.add_buffer(self.offsets(rows, path)?).add_child_data(self.column(item, path)?);
            }
            DataType::Struct(fields) => {
                for child in fields {
                    let child_path = format!("{path}.{}", child.name());
                    let data = self.column(child, &child_path)?;
                    if data.len() != rows {
                        return Err(damaged(&child_path, "another number of values than the record around it"));
                    }
                    builder = builder.add_child_data(data);
                }
            }
            DataType::Boolean => builder = builder.add_buffer(self.values(rows.div_ceil(8), path)?),
            fixed => {
                let width = fixed.primitive_width().ok_or_else(|| damaged(path, "values of no known width"))?;
                builder = builder.add_buffer(self.values(rows.saturating_mul(width), path)?);
            }
        }
        builder.build().map_err(|cause| damaged(path, &brief(&cause)))
    }

    fn node(&mut self, path: &str) -> Result<(usize, usize)> {
        let (rows, nulls) = self.nodes.next().ok_or_else(|| damaged(path, "no length"))?;
        let (rows, nulls) = (length(rows)?, length(nulls)?);
        if nulls > rows {
            return Err(damaged(path, "more nulls than rows"));
        }
        Ok((rows, nulls))
    }

    /// One offset more than there are values; a column without values may go without any.
    fn offsets(&mut self, rows: usize, path: &str) -> Result<Buffer> {
        let offsets = self.buffer(path)?;
        if rows == 0 && offsets.is_empty() {
            return Ok(offsets);
        }
        cut(&offsets, (rows + 1).saturating_mul(size_of::<i32>()), path)
    }

    fn values(&mut self, bytes: usize, path: &str) -> Result<Buffer> {
        let values = self.buffer(path)?;
        cut(&values, bytes, path)
    }

    fn buffer(&mut self, path: &str) -> Result<Buffer> {
        let (offset, bytes) = self.buffers.next().ok_or_else(|| damaged(path, "too few buffers"))?;
        let range = usize::try_from(offset).ok().zip(usize::try_from(bytes).ok());
        let Some((offset, bytes)) =
            range.filter(|(offset, bytes)| offset.checked_add(*bytes).is_some_and(|end| end <= self.body.len()))
        else {
            return Err(damaged(path, "a buffer that lies outside of the message"));
        };
        let buffer = self.body.slice_with_length(offset, bytes);
        if self.is_compressed && bytes > 0 { decompress(&buffer, self.budget) } else { Ok(buffer) }
    }
}

/// Without the padding: arrow panics on buffers that end within a value.
fn cut(buffer: &Buffer, bytes: usize, path: &str) -> Result<Buffer> {
    if buffer.len() < bytes {
        return Err(damaged(path, "fewer values than rows"));
    }
    Ok(buffer.slice_with_length(0, bytes))
}

/// Lengths are 64 bits wide on the wire; BigQuery's offsets are 32 bits wide, so no column has more values.
fn length(said: i64) -> Result<usize> {
    i32::try_from(said)
        .ok()
        .and_then(|length| usize::try_from(length).ok())
        .ok_or_else(|| malformed(format!("an Arrow batch claims to have {said} values")))
}

fn damaged(path: &str, problem: &str) -> Error {
    malformed(format!("column `{path}` of an Arrow batch is damaged: {problem}"))
}

fn brief(cause: &ArrowError) -> String {
    cause.to_string().chars().take(200).collect()
}
