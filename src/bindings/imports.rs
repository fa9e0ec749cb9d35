//! Every Python object that Rust fetches, on one page.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

static DECIMAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
static INTERVAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

fn fetch<'py>(
    py: Python<'py>,
    slot: &'static PyOnceLock<Py<PyAny>>,
    module: &str,
    name: &str,
) -> PyResult<Bound<'py, PyAny>> {
    slot.import(py, module, name).cloned()
}

/// `decimal.Decimal`.
pub(crate) fn decimal(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    fetch(py, &DECIMAL, "decimal", "Decimal")
}

/// `streetlens.results.Interval`.
pub(crate) fn interval(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    fetch(py, &INTERVAL, "streetlens.results", "Interval")
}
