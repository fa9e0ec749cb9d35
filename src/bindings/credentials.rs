//! Credentials that live in Python, and the HTTP they use.

use async_trait::async_trait;
use bytes::Bytes;
use pyo3::prelude::*;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use streetlens_core::auth::{Anonymous, Authorization, GcpAuth, StaticToken, TokenSource};
use streetlens_core::error::{Error, ErrorKind, Result};
use streetlens_core::transport::plain_exchange;

use crate::bridge;

/// What `streetlens._credentials` resolved the user's argument to.
#[derive(FromPyObject)]
pub(crate) enum Credentials {
    /// `"anonymous"` or `"native"`.
    #[pyo3(transparent)]
    Named(String),
    /// An object with `fetch(force) -> (headers, expiry)` and `description`.
    #[pyo3(transparent)]
    Source(Py<PyAny>),
}

impl Credentials {
    /// The source of tokens behind the argument.
    pub(crate) fn into_source(self, py: Python<'_>) -> PyResult<Arc<dyn TokenSource>> {
        Ok(match self {
            Self::Named(name) if name == "anonymous" => Arc::new(Anonymous),
            Self::Named(name) if name == "native" => Arc::new(GcpAuth::default()),
            Self::Named(token) => Arc::new(StaticToken::new(token)),
            Self::Source(object) => Arc::new(PythonSource {
                description: object.getattr(py, "description")?.extract(py)?,
                can_refresh: object.getattr(py, "can_refresh")?.extract(py)?,
                object,
            }),
        })
    }
}

struct PythonSource {
    object: Py<PyAny>,
    description: String,
    can_refresh: bool,
}

type Fetched = (Vec<(String, String)>, Option<f64>);

#[async_trait]
impl TokenSource for PythonSource {
    async fn fetch(&self, force: bool) -> Result<Authorization> {
        let object = bridge_attach(|py| Ok(self.object.clone_ref(py)))?;
        let fetched = tokio::task::spawn_blocking(move || {
            bridge_attach(|py| object.call_method1(py, "fetch", (force,))?.extract::<Fetched>(py))
        });
        let (headers, expiry) = fetched.await.map_err(|cause| {
            Error::new(ErrorKind::Internal, "the credentials ended unexpectedly").with_source(cause)
        })??;
        Authorization::from_pairs(&headers, expiry.and_then(moment))
    }

    fn describe(&self) -> &str {
        &self.description
    }

    fn can_refresh(&self) -> bool {
        self.can_refresh
    }
}

/// Attaches to Python from a worker thread, unless the interpreter is going away.
#[expect(clippy::disallowed_methods, reason = "the one place that may, because it asks first")]
fn bridge_attach<T>(work: impl FnOnce(Python<'_>) -> PyResult<T>) -> Result<T> {
    if !bridge::may_attach() {
        return Err(Error::new(ErrorKind::Cancelled, "the Python interpreter is shutting down"));
    }
    Python::attach(|py| work(py).map_err(|error| from_python(py, error)))
}

/// Seconds since 1970 as a time; one beyond all clocks means never.
fn moment(seconds: f64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds.max(0.0)).ok()?)
}

/// Whoever waited for the same fetch gets a copy without the original exception, so the copy tells everything itself.
fn from_python(py: Python<'_>, error: PyErr) -> Error {
    let value = error.value(py);
    let text = |name: &str| value.getattr(name).and_then(|text| text.extract::<String>()).ok();
    let is_retryable = value.getattr("retryable").and_then(|flag| flag.is_truthy()).unwrap_or(false);
    let message = text("message").unwrap_or_else(|| value.to_string());
    let hint = text("hint");
    let failed = Error::new(ErrorKind::Authentication, message).with_retryable(is_retryable).with_source(error);
    match hint {
        Some(hint) => failed.with_hint(hint),
        None => failed,
    }
}

type RawResponse = (u16, Vec<(String, String)>, Vec<u8>);

/// One plain HTTP exchange for google-auth, with the proxies and certificates of every other request.
#[pyfunction]
#[pyo3(signature = (method, url, headers, body, timeout))]
pub(crate) fn http_request(
    py: Python<'_>,
    method: &str,
    url: &str,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    timeout: f64,
) -> PyResult<RawResponse> {
    let exchange = plain_exchange(
        method,
        url,
        &headers,
        body.map(Bytes::from).unwrap_or_default(),
        Duration::try_from_secs_f64(timeout).unwrap_or(Duration::from_secs(60)),
    )
    .map_err(|error| crate::error::to_python(py, error))?;
    let response = bridge::block(py, exchange, |_| Ok(()))?.map_err(|error| crate::error::to_python(py, error))?;
    let headers = response
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Ok((response.status.as_u16(), headers, response.body.to_vec()))
}
