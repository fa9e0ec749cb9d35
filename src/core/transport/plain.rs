//! One exchange for a credentials library: its own headers, no meaning read.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::future::Future;
use std::time::Duration;
use url::Url;

use super::{HttpPool, Request, Response, Transport};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::ca_bundle_from_environment;

/// Prepares an exchange with the proxies and certificates of every other request.
pub fn plain_exchange(
    method: &str,
    url: &str,
    headers: &[(String, String)],
    body: Bytes,
    timeout: Duration,
) -> Result<impl Future<Output = Result<Response>> + Send + 'static> {
    let mut request = Request::get("the credentials' server", parse(url)?, |_| {
        Error::new(ErrorKind::Internal, "a plain exchange reads no errors")
    });
    request.method = method.parse::<Method>().map_err(|cause| unusable("method").with_source(cause))?;
    request.body = body;
    request.timeout = timeout;
    let mut sent = HeaderMap::new();
    for (name, value) in headers {
        let name = name.parse::<HeaderName>().map_err(|cause| unusable("header name").with_source(cause))?;
        let mut value = value.parse::<HeaderValue>().map_err(|cause| unusable("header").with_source(cause))?;
        value.set_sensitive(true);
        if name == http::header::CONTENT_TYPE && value == "application/x-www-form-urlencoded" {
            request.content_type = "application/x-www-form-urlencoded";
            continue;
        }
        sent.insert(name, value);
    }
    let pool = HttpPool::new(ca_bundle_from_environment().as_deref())?;
    Ok(async move { pool.exchange(&request, &sent).await })
}

fn parse(url: &str) -> Result<Url> {
    Url::parse(url).map_err(|cause| unusable("address").with_source(cause))
}

fn unusable(what: &str) -> Error {
    Error::new(ErrorKind::Authentication, format!("the credentials asked for an unusable {what}"))
}
