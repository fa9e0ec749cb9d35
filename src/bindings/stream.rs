//! The rows of a query as they come, for Python and for libraries that read Arrow streams.

use arrow_array::{ArrayRef, RecordBatch, StructArray};
use arrow_schema::{ArrowError, Field, SchemaRef};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict};
use pyo3_arrow::ffi::{ArrayIterator, to_stream_pycapsule};
use std::sync::{Arc, Mutex as BlockingMutex, PoisonError};
use streetlens_core::bigquery::result::QueryStatistics;
use streetlens_core::bigquery::stream::QueryStream;
use streetlens_core::error::Result;
use tokio::sync::Mutex;

use crate::bridge;
use crate::call::Call;
use crate::query::statistics;
use crate::table::NativeTable;

/// The rows of a query as they come.
#[pyclass(frozen, module = "streetlens._streetlens")]
pub(crate) struct NativeStream {
    schema: SchemaRef,
    total_rows: Option<u64>,
    shared: Arc<Shared>,
}

struct Shared {
    stream: Mutex<Option<QueryStream>>,
    statistics: BlockingMutex<QueryStatistics>,
}

impl Shared {
    async fn next(&self) -> Result<Option<RecordBatch>> {
        let mut slot = self.stream.lock().await;
        let Some(stream) = slot.as_mut() else {
            return Ok(None);
        };
        let batch = stream.next().await;
        *self.statistics.lock().unwrap_or_else(PoisonError::into_inner) = stream.statistics().clone();
        if !matches!(batch, Ok(Some(_))) {
            *slot = None;
        }
        batch
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // What is left of a query is stopped by tasks of the runtime, which a Python thread is not in.
        if let (Some(stream), Ok(runtime)) = (self.stream.get_mut().take(), bridge::runtime()) {
            let _entered = runtime.enter();
            drop(stream);
        }
    }
}

impl NativeStream {
    pub(crate) fn new(stream: QueryStream) -> Self {
        Self {
            schema: stream.schema().clone(),
            total_rows: stream.total_rows(),
            shared: Arc::new(Shared {
                statistics: BlockingMutex::new(stream.statistics().clone()),
                stream: Mutex::new(Some(stream)),
            }),
        }
    }
}

#[pymethods]
impl NativeStream {
    /// A table of the columns, without rows.
    #[getter]
    fn empty(&self) -> NativeTable {
        NativeTable { schema: self.schema.clone(), batches: Vec::new() }
    }

    /// Rows of the whole result, where BigQuery tells.
    #[getter]
    fn total_rows(&self) -> Option<u64> {
        self.total_rows
    }

    /// What the query took, as far as that is known.
    fn statistics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let told = self.shared.statistics.lock().unwrap_or_else(PoisonError::into_inner).clone();
        statistics(py, &told)
    }

    /// The next rows as a `NativeTable`; None after the last.
    fn next(&self) -> Call {
        let shared = Arc::clone(&self.shared);
        Call::new(async move { shared.next().await }, |py, batch| {
            Ok(batch.map(NativeTable::of).into_pyobject(py)?.into_any().unbind())
        })
    }

    /// All rows that are left as one `NativeTable`.
    fn rest(&self) -> Call {
        let (shared, schema) = (Arc::clone(&self.shared), self.schema.clone());
        let rest = async move {
            let mut batches = Vec::new();
            while let Some(batch) = shared.next().await? {
                batches.push(batch);
            }
            Ok(NativeTable { schema, batches })
        };
        Call::new(rest, |py, table| Ok(table.into_pyobject(py)?.into_any().unbind()))
    }

    /// Ends the stream; what was not read is not fetched.
    fn close(&self) -> Call {
        let shared = Arc::clone(&self.shared);
        Call::new(
            async move {
                drop(shared.stream.lock().await.take());
                Ok(())
            },
            |py, ()| Ok(py.None()),
        )
    }

    /// An Arrow stream of the rows that are left, for pyarrow, polars and others.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let reader = Reader { shared: Arc::clone(&self.shared) };
        let arrays = reader.map(|batch| {
            let array: ArrayRef = Arc::new(StructArray::from(batch?));
            Ok(array)
        });
        let row = Field::new_struct("", self.schema.fields().clone(), false);
        let row = Arc::new(row.with_metadata(self.schema.metadata().clone()));
        Ok(to_stream_pycapsule(py, Box::new(ArrayIterator::new(arrays, row)), requested_schema)?)
    }
}

/// Reads the stream from whichever thread a library reads it on.
struct Reader {
    shared: Arc<Shared>,
}

impl Iterator for Reader {
    type Item = std::result::Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let shared = Arc::clone(&self.shared);
        let batch = bridge::block_anywhere(async move { shared.next().await });
        batch.map_err(|error| ArrowError::ExternalError(Box::new(error))).transpose()
    }
}
