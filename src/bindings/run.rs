//! A run over many images as Python sees it.

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyDict;
use std::path::PathBuf;
use streetlens_core::classify::{ImageSource, Input, Run as CoreRun};
use streetlens_core::error::Result;

use crate::call::Call;
use crate::error::to_python;
use crate::table::NativeTable;

/// A run whose results and counters can be read at any time.
#[pyclass(frozen, module = "streetlens._streetlens")]
pub(crate) struct Run {
    core: CoreRun,
}

impl Run {
    pub(crate) fn new(core: CoreRun) -> Self {
        Self { core }
    }
}

#[pymethods]
impl Run {
    /// Asks about every row.
    fn execute(&self) -> Call {
        let core = self.core.clone();
        Call::new(async move { core.execute().await }, |py, ()| Ok(py.None()))
    }

    /// The results so far.
    fn table(&self, py: Python<'_>) -> PyResult<NativeTable> {
        let core = self.core.clone();
        py.detach(move || core.table()).map(NativeTable::of).map_err(|error| to_python(py, error))
    }

    /// The counters at this moment.
    fn progress<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let progress = self.core.progress();
        let values = PyDict::new(py);
        values.set_item("total", progress.total)?;
        values.set_item("done", progress.done)?;
        values.set_item("ok", progress.ok)?;
        values.set_item("in_flight", progress.in_flight)?;
        values.set_item("concurrency", progress.concurrency)?;
        values.set_item("throttled", progress.throttled)?;
        values.set_item("input_tokens", progress.input_tokens)?;
        values.set_item("output_tokens", progress.output_tokens)?;
        values.set_item("cost_usd", progress.cost_usd)?;
        Ok(values)
    }

    /// Model, location, and what was changed from the user's wish.
    #[getter]
    fn place(&self) -> (String, String, Vec<String>) {
        let place = self.core.place();
        (place.model.clone(), place.location.clone(), place.notes.clone())
    }
}

/// Images: a table with the name of its URI column, or a list.
#[derive(FromPyObject)]
pub(crate) enum Images<'py> {
    #[pyo3(transparent)]
    Table((PyRef<'py, NativeTable>, String)),
    #[pyo3(transparent)]
    List(Vec<OneImage>),
}

/// One image of a list: `("uri", text)`, `("file", path)`, content, or `None`.
#[derive(FromPyObject)]
pub(crate) enum OneImage {
    #[pyo3(transparent)]
    Named(Option<(String, String)>),
    #[pyo3(transparent)]
    Content(PyBackedBytes),
}

impl Images<'_> {
    pub(crate) fn into_input(self) -> Result<Input> {
        match self {
            Self::Table((table, column)) => Input::from_table(&table.schema, &table.batches, &column),
            Self::List(images) => Input::from_list(images.into_iter().map(OneImage::into_source).collect()),
        }
    }
}

impl OneImage {
    fn into_source(self) -> ImageSource {
        match self {
            Self::Named(Some((kind, path))) if kind == "file" => ImageSource::File(PathBuf::from(path)),
            Self::Named(Some((_, uri))) => ImageSource::Uri(uri),
            Self::Named(None) => ImageSource::Missing,
            Self::Content(data) => ImageSource::Bytes(Bytes::copy_from_slice(&data)),
        }
    }
}
