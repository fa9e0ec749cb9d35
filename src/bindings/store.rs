//! A store that somebody looks into.

use arrow_array::RecordBatch;
use pyo3::prelude::*;
use std::path::PathBuf;
use streetlens_core::error::{Error, ErrorKind};
use streetlens_core::settings::StoreLocation;
use streetlens_core::store::{Filter, PruneOptions, Store};

use crate::call::Call;
use crate::error::to_python;
use crate::session::store_wish;
use crate::table::NativeTable;

/// The file of paid answers.
#[pyclass(frozen, module = "streetlens._streetlens")]
pub(crate) struct NativeStore {
    core: Store,
}

/// Opens a store that is there; `path` is a file or its folder, `None` the default place.
#[pyfunction]
pub(crate) fn open_store(py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<NativeStore> {
    let wish = store_wish(path)?;
    let open = || match StoreLocation::of(&wish)?.file()? {
        Some(path) => Store::open_existing(path),
        None => Err(Error::new(ErrorKind::Configuration, "the store is turned off")
            .with_hint("name the file, or take `STREETLENS_STORE` out of the environment")),
    };
    py.detach(open).map(|core| NativeStore { core }).map_err(|error| to_python(py, error))
}

#[pymethods]
impl NativeStore {
    /// Where it is.
    #[getter]
    fn path(&self) -> Option<PathBuf> {
        self.core.path().map(PathBuf::from)
    }

    /// The number of answers.
    fn count(&self) -> Call {
        let core = self.core.clone();
        Call::new(async move { core.count().await }, wrap_count)
    }

    /// A table of the runs.
    fn runs(&self) -> Call {
        let core = self.core.clone();
        Call::new(async move { core.runs().await }, wrap_table)
    }

    /// A table of answers.
    fn answers(&self, run: Option<String>, model: Option<String>, limit: Option<u64>) -> Call {
        let core = self.core.clone();
        Call::new(async move { core.answers(Filter { run, model, limit }).await }, wrap_table)
    }

    /// Writes lines of JSON; the result is their number.
    fn export(&self, target: PathBuf) -> Call {
        let core = self.core.clone();
        Call::new(async move { core.export(target).await }, wrap_count)
    }

    /// Removes answers; the result is their number. `answered_before` is in milliseconds since 1970.
    fn prune(&self, answered_before: Option<i64>, run: Option<String>, model: Option<String>) -> Call {
        let core = self.core.clone();
        Call::new(async move { core.prune(PruneOptions { answered_before, run, model }).await }, wrap_count)
    }

    /// Closes the file.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.core.close());
    }
}

fn wrap_table(py: Python<'_>, batch: RecordBatch) -> PyResult<Py<PyAny>> {
    Ok(NativeTable::of(batch).into_pyobject(py)?.into_any().unbind())
}

fn wrap_count(py: Python<'_>, count: u64) -> PyResult<Py<PyAny>> {
    Ok(count.into_pyobject(py)?.into_any().unbind())
}
