//! One HTTP exchange. Never retries and never reads a body's meaning.

pub mod grpc;
mod plain;
mod pool;

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use std::time::Duration;
use url::Url;

pub use plain::plain_exchange;
pub use pool::HttpPool;

use crate::error::{Error, Result};

/// A request that can be sent any number of times.
#[derive(Clone)]
pub struct Request {
    /// The service it is for, as shown in errors.
    pub service: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Whole address, query included.
    pub url: Url,
    /// Body; empty means none.
    pub body: Bytes,
    /// Media type of the body, unless a header names another one.
    pub content_type: &'static str,
    /// Further headers.
    pub headers: HeaderMap,
    /// Whether a status is an answer; any other one is an error.
    pub is_answer: fn(StatusCode) -> bool,
    /// How long one attempt may take, from connecting to the last byte.
    pub timeout: Duration,
    /// Reads the service's error body.
    pub decode_error: fn(&Response) -> Error,
    /// Most bytes of a body that are read, with the error of a longer one; `None` reads it whole.
    pub body_limit: Option<BodyLimit>,
}

/// How much of an answer may be held in memory.
#[derive(Clone, Copy)]
pub struct BodyLimit {
    /// Bytes after decompression.
    pub bytes: usize,
    /// The error of a longer body.
    pub error: fn() -> Error,
}

impl Request {
    /// A GET request.
    #[must_use]
    pub fn get(service: &'static str, url: Url, decode_error: fn(&Response) -> Error) -> Self {
        Self {
            service,
            method: Method::GET,
            url,
            body: Bytes::new(),
            content_type: "application/json",
            headers: HeaderMap::new(),
            is_answer: |status| status.is_success(),
            timeout: Duration::from_secs(60),
            decode_error,
            body_limit: None,
        }
    }

    /// A POST request with a JSON body.
    #[must_use]
    pub fn post(service: &'static str, url: Url, body: impl Into<Bytes>, decode_error: fn(&Response) -> Error) -> Self {
        Self { method: Method::POST, body: body.into(), ..Self::get(service, url, decode_error) }
    }

    /// Sets how long one attempt may take.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Refuses a longer answer before it is read whole.
    #[must_use]
    pub fn with_body_limit(mut self, limit: BodyLimit) -> Self {
        self.body_limit = Some(limit);
        self
    }
}

/// A whole response, body included.
#[derive(Debug, Clone)]
pub struct Response {
    /// HTTP status.
    pub status: StatusCode,
    /// HTTP headers.
    pub headers: HeaderMap,
    /// Decompressed body.
    pub body: Bytes,
}

/// Carries one request to its server and the answer back.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Sends `request` with `headers` added; any HTTP status is an `Ok`.
    async fn exchange(&self, request: &Request, headers: &HeaderMap) -> Result<Response>;
}
