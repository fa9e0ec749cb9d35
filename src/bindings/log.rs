//! Hands what the core tells over to Python's `logging`, which asks for it; no thread of the core waits for Python.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::cell::RefCell;
use std::sync::{Arc, LazyLock, MutexGuard};
use std::time::UNIX_EPOCH;
use streetlens_core::events::{Event, Events, Kept, Value};

static EVENTS: LazyLock<Arc<Events>> = LazyLock::new(|| {
    let events = Arc::new(Events::default());
    // Where a subscriber is installed already, it hears the events instead, and there are none to fetch.
    let _ = tracing::subscriber::set_global_default(Arc::clone(&events));
    events
});

thread_local! {
    static HELD: RefCell<Option<MutexGuard<'static, Kept>>> = const { RefCell::new(None) };
}

/// Level, area, message, fields, seconds since 1970, file, line.
type Told<'py> = (u8, &'static str, String, Bound<'py, PyDict>, f64, &'static str, u32);

/// Keeps events from this level of `logging` on; 255 keeps none.
#[pyfunction]
pub(crate) fn follow_events(level: u8) {
    EVENTS.keep_from(level);
}

/// The events since the last call, and how many older ones were dropped.
#[pyfunction]
pub(crate) fn take_events(py: Python<'_>) -> PyResult<(Vec<Told<'_>>, u64)> {
    let (events, dropped) = EVENTS.take();
    let told = events.into_iter().map(|event| told(py, event)).collect::<PyResult<_>>()?;
    Ok((told, dropped))
}

/// Before a fork: no child shall inherit the events locked by a thread that it does not have.
#[pyfunction]
pub(crate) fn hold_events() {
    let held = EVENTS.hold();
    HELD.with_borrow_mut(|slot| *slot = Some(held));
}

/// After a fork, on the same thread; a child forgets what its parent will tell.
#[pyfunction]
pub(crate) fn release_events(forget: bool) {
    if let Some(mut held) = HELD.take()
        && forget
    {
        held.clear();
    }
}

fn told(py: Python<'_>, event: Event) -> PyResult<Told<'_>> {
    let fields = PyDict::new(py);
    for (name, value) in event.fields {
        match value {
            Value::Bool(value) => fields.set_item(name, value)?,
            Value::Integer(value) => fields.set_item(name, value)?,
            Value::Float(value) => fields.set_item(name, value)?,
            Value::Text(value) => fields.set_item(name, value)?,
        }
    }
    let seconds = event.moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    Ok((event.level, event.area, event.message, fields, seconds, event.file, event.line))
}
