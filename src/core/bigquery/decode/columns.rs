//! Arrow builders shaped like a result's schema: one per column, nested as the column is.
//!
//! Knows values, not JSON: `rows` reads the JSON and hands each value over.

use arrow_array::{ArrayRef, ListArray, RecordBatch, RecordBatchOptions, StructArray};
use arrow_buffer::{NullBuffer, NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Fields};
use std::sync::Arc;

use super::super::schema::{Column, DecodeSchema, RangeElement};
use super::interval::range;
use super::values::Values;

/// The rows of one page, as far as they were read.
pub(super) struct BatchBuilder {
    schema: DecodeSchema,
    pub(super) record: RecordBuilder,
}

impl BatchBuilder {
    pub(super) fn new(schema: &DecodeSchema) -> Self {
        Self { schema: schema.clone(), record: RecordBuilder::new(&schema.columns) }
    }

    pub(super) fn finish(self) -> Result<RecordBatch, ArrowError> {
        let rows = self.record.len();
        let arrays = self.record.columns.into_iter().map(ColumnBuilder::finish).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(self.schema.arrow()), arrays, &options)
    }
}

/// The fields of the rows of a page, or of a RECORD.
pub(super) struct RecordBuilder {
    pub(super) columns: Vec<ColumnBuilder>,
    validity: NullBufferBuilder,
}

impl RecordBuilder {
    pub(super) fn new(columns: &[Arc<Column>]) -> Self {
        Self { columns: columns.iter().map(ColumnBuilder::new).collect(), validity: NullBufferBuilder::new(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.validity.len()
    }

    /// Ends a record whose every column has got its value.
    pub(super) fn end(&mut self) {
        self.validity.append_non_null();
    }

    pub(super) fn append_null(&mut self) {
        self.columns.iter_mut().for_each(ColumnBuilder::append_null);
        self.validity.append_null();
    }

    pub(super) fn finish(mut self, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let DataType::Struct(fields) = data_type else {
            return Err(unexpected(data_type));
        };
        let (length, nulls) = (self.len(), self.validity.finish());
        let arrays = self.columns.into_iter().map(ColumnBuilder::finish).collect::<Result<_, _>>()?;
        structs(fields.clone(), arrays, nulls, length)
    }
}

fn unexpected(data_type: &DataType) -> ArrowError {
    ArrowError::SchemaError(format!("nested values cannot become {data_type}"))
}

fn structs(
    fields: Fields,
    arrays: Vec<ArrayRef>,
    nulls: Option<NullBuffer>,
    length: usize,
) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(StructArray::try_new_with_length(fields, arrays, nulls, length)?))
}

/// One column, or the items of a REPEATED one.
pub(super) struct ColumnBuilder {
    pub(super) column: Arc<Column>,
    pub(super) values: Values,
    /// What was found in place of a value of this column, once that has happened.
    pub(super) misfit: Option<String>,
}

impl ColumnBuilder {
    fn new(column: &Arc<Column>) -> Self {
        let mut builder = Self::of_items(column);
        if column.is_repeated {
            let items = Box::new(builder);
            builder = Self {
                values: Values::List(ListBuilder { items, ends: vec![0] }),
                column: Arc::clone(column),
                misfit: None,
            };
        }
        builder
    }

    fn of_items(column: &Arc<Column>) -> Self {
        Self { values: Values::new(&column.kind), column: Arc::clone(column), misfit: None }
    }

    pub(super) fn append_null(&mut self) {
        self.values.append_null();
    }

    fn finish(self) -> Result<ArrayRef, ArrowError> {
        self.values.finish(self.column.field.data_type())
    }
}

/// The items of a REPEATED column.
pub(super) struct ListBuilder {
    pub(super) items: Box<ColumnBuilder>,
    /// Where each list ends among the items; starts with a zero.
    ends: Vec<i32>,
}

impl ListBuilder {
    /// Ends a list whose items have been appended; false where there are more items than Arrow can number.
    pub(super) fn end(&mut self) -> bool {
        let end = i32::try_from(self.items.values.len());
        self.ends.extend(end);
        end.is_ok()
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// How many items of the list that is being read are complete.
    pub(super) fn open_items(&self) -> usize {
        let start = self.ends.last().and_then(|end| usize::try_from(*end).ok()).unwrap_or_default();
        self.items.values.len().saturating_sub(start)
    }

    /// A REPEATED column has no nulls: BigQuery does not tell them from empty arrays.
    pub(super) fn append_null(&mut self) {
        self.ends.extend_from_within(self.ends.len() - 1..);
    }

    pub(super) fn finish(self, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
        let DataType::List(field) = data_type else {
            return Err(unexpected(data_type));
        };
        let items = self.items.values.finish(field.data_type())?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.ends));
        Ok(Arc::new(ListArray::try_new(Arc::clone(field), offsets, items, None)?))
    }
}

/// The bounds of a RANGE column.
pub(super) struct RangeBuilder {
    element: RangeElement,
    start: Values,
    end: Values,
    validity: NullBufferBuilder,
}

impl RangeBuilder {
    pub(super) fn new(element: RangeElement) -> Self {
        let bounds = || Values::new(&element.kind());
        Self { element, start: bounds(), end: bounds(), validity: NullBufferBuilder::new(0) }
    }

    pub(super) fn len(&self) -> usize {
        self.validity.len()
    }

    pub(super) fn append_text(&mut self, text: &str) -> bool {
        let Some((start, end)) = range(text) else {
            return false;
        };
        let fits = self.start.append_bound(start) && self.end.append_bound(end);
        if fits {
            self.validity.append_non_null();
        }
        fits
    }

    pub(super) fn append_null(&mut self) {
        self.start.append_null();
        self.end.append_null();
        self.validity.append_null();
    }

    pub(super) fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        let (length, nulls) = (self.validity.len(), self.validity.finish());
        let bound_type = self.element.fields()[0].data_type().clone();
        let bounds = vec![self.start.finish(&bound_type)?, self.end.finish(&bound_type)?];
        structs(self.element.fields(), bounds, nulls, length)
    }
}
