//! The only door between Python threads and tokio: one runtime a process, Ctrl-C answered, forks survived.

use pyo3::prelude::*;
use pyo3_async_runtimes::TaskLocals;
use pyo3_async_runtimes::generic::{ContextExt, Runtime as GenericRuntime};
use std::cell::OnceCell;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;
use streetlens_core::error::{Error, ErrorKind, Result};
use tokio::runtime::{Handle, Runtime};
use tokio::task::{AbortHandle, JoinError, JoinHandle};

/// How long a waiting thread is deaf to Ctrl-C.
const SLICE: Duration = Duration::from_millis(50);

static RUNTIME: RwLock<Option<Slot>> = RwLock::new(None);
static IS_CLOSING: AtomicBool = AtomicBool::new(false);

struct Slot {
    process: u32,
    runtime: Runtime,
}

/// The runtime of this process; a forked child gets its own, because the parent's threads are not in it.
pub(crate) fn runtime() -> Result<Handle> {
    if IS_CLOSING.load(Ordering::Acquire) {
        return Err(Error::new(ErrorKind::Cancelled, "the Python interpreter is shutting down"));
    }
    let process = std::process::id();
    if let Some(slot) = RUNTIME.read().unwrap_or_else(PoisonError::into_inner).as_ref()
        && slot.process == process
    {
        return Ok(slot.runtime.handle().clone());
    }
    let mut slot = RUNTIME.write().unwrap_or_else(PoisonError::into_inner);
    if let Some(slot) = slot.as_ref().filter(|slot| slot.process == process) {
        return Ok(slot.runtime.handle().clone());
    }
    let runtime = build()?;
    let handle = runtime.handle().clone();
    if let Some(parents) = slot.replace(Slot { process, runtime }) {
        // Dropping would wait for threads that exist in the parent only.
        std::mem::forget(parents.runtime);
    }
    Ok(handle)
}

fn build() -> Result<Runtime> {
    let workers = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 4);
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .thread_name("streetlens")
        .enable_all()
        .build()
        .map_err(|cause| Error::new(ErrorKind::Internal, "the runtime cannot be started").with_source(cause))
}

/// Whether Python may still be called from another thread.
pub(crate) fn may_attach() -> bool {
    !IS_CLOSING.load(Ordering::Acquire)
}

/// Waits for `future` with the GIL released; Ctrl-C drops it. `tick` is called on the waiting thread meanwhile.
pub(crate) fn block<T: Send + 'static>(
    py: Python<'_>,
    future: impl Future<Output = T> + Send + 'static,
    tick: impl Fn(Python<'_>) -> PyResult<()>,
) -> PyResult<T> {
    let handle = runtime().map_err(|error| crate::error::to_python(py, error))?;
    let mut task = handle.spawn(future);
    let _stops_with_us = AbortOnDrop(task.abort_handle());
    loop {
        let ended = py.detach(|| handle.block_on(async { tokio::time::timeout(SLICE, &mut task).await }));
        if IS_CLOSING.load(Ordering::Acquire) {
            stand_still(py);
        }
        if let Ok(result) = ended {
            return result.map_err(|error| crate::error::to_python(py, task_failed(error)));
        }
        py.check_signals()?;
        tick(py)?;
    }
}

/// Waits for `future` on a thread of which nobody knows whether it holds the GIL: that of a library which reads an
/// Arrow stream. Ctrl-C ends the wait with an error.
pub(crate) fn block_anywhere<T: Send + 'static>(future: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    if !may_attach() {
        return Err(Error::new(ErrorKind::Cancelled, "the Python interpreter is shutting down"));
    }
    #[expect(clippy::disallowed_methods, reason = "`may_attach` was asked")]
    let outcome = Python::attach(|py| {
        block(py, future, |_| Ok(())).map_err(|error| Error::new(ErrorKind::Cancelled, error.to_string()))
    });
    outcome?
}

/// Only daemon threads wait when the interpreter goes away, and nobody is left to hear from them. Python stops such
/// threads where they want the interpreter back; raising an error instead would print a traceback at every exit.
fn stand_still(py: Python<'_>) -> ! {
    py.detach(|| {
        loop {
            std::thread::park();
        }
    })
}

struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn task_failed(error: JoinError) -> Error {
    let (kind, what) = if error.is_cancelled() {
        (ErrorKind::Cancelled, "the work was cancelled")
    } else {
        (ErrorKind::Internal, "streetlens met a defect of its own")
    };
    Error::new(kind, what).with_source(error)
}

/// Stops background work before the interpreter goes away; registered with `atexit`.
#[pyfunction]
pub(crate) fn shut_down(py: Python<'_>) {
    IS_CLOSING.store(true, Ordering::Release);
    let slot = RUNTIME.write().unwrap_or_else(PoisonError::into_inner).take();
    let Some(slot) = slot else {
        return;
    };
    if slot.process == std::process::id() {
        py.detach(|| slot.runtime.shutdown_timeout(Duration::from_secs(1)));
    } else {
        std::mem::forget(slot.runtime);
    }
}

/// Lets `pyo3_async_runtimes` use the runtime of this process instead of one of its own.
pub(crate) struct Bridge;

tokio::task_local! {
    static TASK_LOCALS: OnceCell<TaskLocals>;
}

impl GenericRuntime for Bridge {
    type JoinError = JoinError;
    type JoinHandle = JoinHandle<()>;

    #[expect(clippy::expect_used, reason = "the trait has no way to fail; `Call` asks for the runtime first")]
    fn spawn<F: Future<Output = ()> + Send + 'static>(future: F) -> JoinHandle<()> {
        runtime().expect("a runtime").spawn(future)
    }

    #[expect(clippy::expect_used, reason = "the trait has no way to fail; `Call` asks for the runtime first")]
    fn spawn_blocking<F: FnOnce() + Send + 'static>(work: F) -> JoinHandle<()> {
        runtime().expect("a runtime").spawn_blocking(work)
    }
}

impl ContextExt for Bridge {
    fn scope<F, R>(locals: TaskLocals, future: F) -> Pin<Box<dyn Future<Output = R> + Send>>
    where
        F: Future<Output = R> + Send + 'static,
    {
        Box::pin(TASK_LOCALS.scope(OnceCell::from(locals), future))
    }

    fn get_task_locals() -> Option<TaskLocals> {
        TASK_LOCALS.try_with(|cell| cell.get().cloned()).unwrap_or_default()
    }
}
