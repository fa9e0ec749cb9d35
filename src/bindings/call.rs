//! One operation, two ways to wait for it.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use streetlens_core::error::{Error, ErrorKind, Result};
use tokio::task::JoinSet;

use crate::bridge::{self, Bridge};
use crate::error::to_python;

type Wrap = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;
type Work = Pin<Box<dyn Future<Output = Result<Wrap>> + Send>>;

/// An operation that has not begun. It can be waited for once, by `wait()` or by `future()`.
#[pyclass(frozen, module = "streetlens._streetlens")]
pub(crate) struct Call {
    work: Mutex<Option<Work>>,
}

impl Call {
    /// An operation and how its result becomes a Python object.
    pub(crate) fn new<T, F, W>(work: F, wrap: W) -> Self
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
        W: FnOnce(Python<'_>, T) -> PyResult<Py<PyAny>> + Send + 'static,
    {
        let work = async move {
            let value = work.await?;
            let wrap: Wrap = Box::new(move |py| wrap(py, value));
            Ok(wrap)
        };
        Self { work: Mutex::new(Some(Box::pin(work))) }
    }

    fn take(&self) -> PyResult<Work> {
        let work = self.work.lock().unwrap_or_else(PoisonError::into_inner).take();
        work.ok_or_else(|| PyRuntimeError::new_err("this call was waited for already"))
    }
}

#[pymethods]
impl Call {
    /// Blocks until the result is there; `tick` is called several times a second meanwhile.
    #[pyo3(signature = (tick=None))]
    fn wait(&self, py: Python<'_>, tick: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
        let work = self.take()?;
        let outcome = bridge::block(py, work, |_| tick.map_or(Ok(()), |tick| tick.call0().map(drop)))?;
        outcome.map_err(|error| to_python(py, error))?(py)
    }

    /// An `asyncio` future of the result; cancelling it stops the work.
    fn future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        bridge::runtime().map_err(|error| to_python(py, error))?;
        let work = self.take()?;
        pyo3_async_runtimes::generic::future_into_py::<Bridge, _, _>(py, async move { Ok(Outcome(work.await)) })
    }
}

/// Operations that run at the same time, as one whose result is the list of theirs; the first failure stops the others.
#[pyfunction]
pub(crate) fn join(calls: Vec<PyRef<'_, Call>>) -> PyResult<Call> {
    let works: Vec<Work> = calls.iter().map(|call| call.take()).collect::<PyResult<_>>()?;
    Ok(Call::new(all(works), |py, wraps| {
        let results: Vec<Py<PyAny>> = wraps.into_iter().map(|wrap| wrap(py)).collect::<PyResult<_>>()?;
        Ok(results.into_pyobject(py)?.unbind())
    }))
}

async fn all(works: Vec<Work>) -> Result<Vec<Wrap>> {
    let mut ended: Vec<Option<Wrap>> = works.iter().map(|_| None).collect();
    let mut tasks = JoinSet::new();
    for (position, work) in works.into_iter().enumerate() {
        tasks.spawn(async move { (position, work.await) });
    }
    while let Some(task) = tasks.join_next().await {
        let (position, outcome) = task.map_err(|cause| {
            Error::new(ErrorKind::Internal, "one of several operations ended unexpectedly").with_source(cause)
        })?;
        ended[position] = Some(outcome?);
    }
    Ok(ended.into_iter().flatten().collect())
}

/// A result that becomes a Python object once the interpreter is attached again.
struct Outcome(Result<Wrap>);

impl<'py> IntoPyObject<'py> for Outcome {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let wrap = self.0.map_err(|error| to_python(py, error))?;
        Ok(wrap(py)?.into_bound(py))
    }
}
