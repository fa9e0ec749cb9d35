//! Record batches as Python sees them: a capsule stream, or plain Python objects.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, StructArray};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType, Field, SchemaRef};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList};
use pyo3_arrow::PyTable;
use pyo3_arrow::ffi::{ArrayIterator, to_schema_pycapsule, to_stream_pycapsule};
use std::collections::HashSet;
use std::sync::Arc;

use crate::record::{Record, without_collecting};
use crate::{convert, polars};

/// Columns and rows held by Arrow.
#[pyclass(frozen, module = "streetlens._streetlens")]
pub(crate) struct NativeTable {
    pub(crate) schema: SchemaRef,
    pub(crate) batches: Vec<RecordBatch>,
}

impl NativeTable {
    /// A table of one batch.
    pub(crate) fn of(batch: RecordBatch) -> Self {
        Self { schema: batch.schema(), batches: vec![batch] }
    }
}

#[pymethods]
impl NativeTable {
    /// Takes over anything with `__arrow_c_stream__` or `__arrow_c_array__`.
    #[staticmethod]
    fn from_arrow(value: &Bound<'_, PyAny>) -> PyResult<Self> {
        let table = value.extract::<pyo3_arrow::input::AnyRecordBatch>()?.into_table()?;
        let (batches, schema) = PyTable::into_inner(table);
        Ok(Self { schema, batches })
    }

    /// Number of rows.
    #[getter]
    fn num_rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Size of the data in bytes.
    #[getter]
    fn num_bytes(&self) -> usize {
        self.batches.iter().map(RecordBatch::get_array_memory_size).sum()
    }

    /// Column names with their Arrow types in words.
    #[getter]
    fn fields(&self) -> Vec<(String, String)> {
        let describe = |field: &Arc<Field>| (field.name().clone(), field_in_words(field));
        self.schema.fields().iter().map(describe).collect()
    }

    /// Rows from `start` up to `stop` as dictionaries.
    fn to_dicts<'py>(&self, py: Python<'py>, start: usize, stop: usize) -> PyResult<Bound<'py, PyList>> {
        without_collecting(py, || {
            let rows = PyList::empty(py);
            for batch in self.slices(start, stop) {
                let record = Record::new(py, batch.schema_ref().fields(), batch.columns())?;
                for row in 0..batch.num_rows() {
                    rows.append(record.get(py, row)?)?;
                }
            }
            Ok(rows)
        })
    }

    /// Rows from `start` up to `stop` as dictionaries of texts, for values that have no Python form.
    fn to_texts<'py>(&self, py: Python<'py>, start: usize, stop: usize) -> PyResult<Bound<'py, PyList>> {
        let rows = PyList::empty(py);
        let options = FormatOptions::default();
        for batch in self.slices(start, stop) {
            let mut columns = Vec::with_capacity(batch.num_columns());
            for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
                let formatter = ArrayFormatter::try_new(column.as_ref(), &options)
                    .map_err(|error| PyTypeError::new_err(error.to_string()))?;
                columns.push((field.name(), column, formatter));
            }
            for row in 0..batch.num_rows() {
                let dict = PyDict::new(py);
                for (name, column, formatter) in &columns {
                    dict.set_item(name, column.is_valid(row).then(|| formatter.value(row).to_string()))?;
                }
                rows.append(dict)?;
            }
        }
        Ok(rows)
    }

    /// The same rows in types that polars has.
    fn for_polars(&self) -> PyResult<Self> {
        let schema = Arc::new(polars::schema(&self.schema));
        let batches = self.batches.iter().map(|batch| polars::batch(&schema, batch)).collect::<PyResult<_>>()?;
        Ok(Self { schema, batches })
    }

    /// One column as a list.
    fn column<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyList>> {
        let index = self.schema.index_of(name).map_err(|_| PyKeyError::new_err(name.to_owned()))?;
        without_collecting(py, || {
            let values = PyList::empty(py);
            for batch in &self.batches {
                let column = convert::Column::new(py, batch.column(index))?;
                for row in 0..batch.num_rows() {
                    values.append(column.get(py, row)?)?;
                }
            }
            Ok(values)
        })
    }

    /// The rows whose `column` is one of `values`.
    fn filter(&self, py: Python<'_>, column: &str, values: Vec<String>) -> PyResult<Self> {
        let index = self.schema.index_of(column).map_err(|_| PyKeyError::new_err(column.to_owned()))?;
        let mut batches = Vec::new();
        for batch in &self.batches {
            let texts = arrow_cast::cast(batch.column(index), &DataType::Utf8)
                .map_err(|error| PyTypeError::new_err(error.to_string()))?;
            let texts = convert::Column::new(py, &texts)?;
            let mut start = None;
            for row in 0..=batch.num_rows() {
                let is_kept = row < batch.num_rows()
                    && texts.get(py, row)?.extract::<Option<String>>(py)?.is_some_and(|text| values.contains(&text));
                match (is_kept, start) {
                    (true, None) => start = Some(row),
                    (false, Some(begin)) => {
                        batches.push(batch.slice(begin, row - begin));
                        start = None;
                    }
                    _ => {}
                }
            }
        }
        Ok(Self { schema: Arc::clone(&self.schema), batches })
    }

    /// The rows whose `column` is none of `values`.
    fn without(&self, py: Python<'_>, column: &str, values: HashSet<String>) -> PyResult<Self> {
        let index = self.schema.index_of(column).map_err(|_| PyKeyError::new_err(column.to_owned()))?;
        let keep = |batch: &RecordBatch| {
            let texts = arrow_cast::cast(batch.column(index), &DataType::Utf8)?;
            let texts = texts.as_string::<i32>();
            let kept: BooleanArray =
                texts.iter().map(|text| Some(!text.is_some_and(|text| values.contains(text)))).collect();
            arrow_select::filter::filter_record_batch(batch, &kept)
        };
        let kept = py.detach(|| self.batches.iter().map(keep).collect::<Result<Vec<_>, ArrowError>>());
        let batches = kept.map_err(|error| PyTypeError::new_err(error.to_string()))?;
        Ok(Self { schema: Arc::clone(&self.schema), batches })
    }

    /// The Arrow schema as a capsule.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        Ok(to_schema_pycapsule(py, self.schema.as_ref())?)
    }

    /// The rows as a capsule.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let row = Field::new_struct("", self.schema.fields().clone(), false);
        let arrays = self.batches.clone().into_iter().map(|batch| {
            let array: ArrayRef = Arc::new(StructArray::from(batch));
            Ok(array)
        });
        let row = Arc::new(row.with_metadata(self.schema.metadata().clone()));
        Ok(to_stream_pycapsule(py, Box::new(ArrayIterator::new(arrays, row)), requested_schema)?)
    }
}

impl NativeTable {
    fn slices(&self, start: usize, stop: usize) -> Vec<RecordBatch> {
        let mut slices = Vec::new();
        let mut offset = 0;
        for batch in &self.batches {
            let end = offset + batch.num_rows();
            let (from, to) = (start.max(offset), stop.min(end));
            if from < to {
                slices.push(batch.slice(from - offset, to - from));
            }
            offset = end;
        }
        slices
    }
}

/// BigQuery's own types that travel as text tell so in the field's metadata.
fn field_in_words(field: &Field) -> String {
    let kind = field.metadata().get("ARROW:extension:name").and_then(|name| name.strip_prefix("google:sqlType:"));
    match (kind, field.data_type()) {
        (Some(text @ ("json" | "geography")), DataType::List(_)) => format!("list<{text}>"),
        (Some(text @ ("json" | "geography")), _) => text.to_owned(),
        (_, data_type) => type_in_words(data_type),
    }
}

fn type_in_words(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary".to_owned(),
        DataType::Dictionary(_, values) => format!("label<{}>", type_in_words(values)),
        DataType::List(item) | DataType::LargeList(item) => format!("list<{}>", type_in_words(item.data_type())),
        DataType::Struct(fields) => {
            let inner: Vec<String> =
                fields.iter().map(|field| format!("{}: {}", field.name(), field_in_words(field))).collect();
            format!("struct<{}>", inner.join(", "))
        }
        DataType::Timestamp(_, Some(zone)) => format!("timestamp[{zone}]"),
        DataType::Timestamp(_, None) => "datetime".to_owned(),
        DataType::Date32 | DataType::Date64 => "date".to_owned(),
        DataType::Time32(_) | DataType::Time64(_) => "time".to_owned(),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            format!("decimal({precision}, {scale})")
        }
        DataType::Float64 => "double".to_owned(),
        DataType::Boolean => "bool".to_owned(),
        DataType::Interval(_) => "interval".to_owned(),
        other => other.to_string().to_lowercase(),
    }
}
