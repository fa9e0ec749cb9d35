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

/// Operations of which `limit` run at the same time, as one whose result is the list of theirs. The first failure stops
/// the others, unless failures are wanted as results.
#[pyfunction]
pub(crate) fn join(calls: Vec<PyRef<'_, Call>>, limit: usize, failures_as_results: bool) -> PyResult<Call> {
    let works: Vec<Work> = calls.iter().map(|call| call.take()).collect::<PyResult<_>>()?;
    Ok(Call::new(all(works, limit, failures_as_results), |py, ended| {
        let results: Vec<Py<PyAny>> = ended
            .into_iter()
            .map(|outcome| match outcome {
                Ok(wrap) => wrap(py),
                Err(error) => Ok(to_python(py, error).into_value(py).into_any()),
            })
            .collect::<PyResult<_>>()?;
        Ok(results.into_pyobject(py)?.unbind())
    }))
}

async fn all(works: Vec<Work>, limit: usize, failures_as_results: bool) -> Result<Vec<Result<Wrap>>> {
    let mut ended: Vec<Option<Result<Wrap>>> = works.iter().map(|_| None).collect();
    let mut waiting = works.into_iter().enumerate();
    let mut tasks = JoinSet::new();
    loop {
        while tasks.len() < limit.max(1)
            && let Some((position, work)) = waiting.next()
        {
            tasks.spawn(async move { (position, work.await) });
        }
        let Some(task) = tasks.join_next().await else {
            return Ok(ended.into_iter().flatten().collect());
        };
        let (position, outcome) = task.map_err(|cause| {
            Error::new(ErrorKind::Internal, "one of several operations ended unexpectedly").with_source(cause)
        })?;
        ended[position] = Some(if failures_as_results { outcome } else { Ok(outcome?) });
    }
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
