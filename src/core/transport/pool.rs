//! Keeps HTTP connections open and spreads requests over as many clients as the server's stream limit asks for.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, header};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once, PoisonError, RwLock};
use std::time::Duration;
use url::Url;

use super::{BodyLimit, Request, Response, Transport};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::is_local;

/// Google's front ends take 100 streams on one HTTP/2 connection, and a client keeps one connection per host.
const IN_FLIGHT_PER_CLIENT: usize = 80;

pub(super) const USER_AGENT: &str = concat!("streetlens/", env!("CARGO_PKG_VERSION"), " (gzip)");

/// HTTP over growing sets of clients, the least busy first.
pub struct HttpPool {
    certificates: Vec<reqwest::Certificate>,
    remote: Clients,
    /// A proxy for the outside world has no business on this machine, nor with its metadata server.
    local: Clients,
}

type Clients = RwLock<Vec<Arc<PooledClient>>>;

struct PooledClient {
    client: reqwest::Client,
    in_flight: AtomicUsize,
}

impl HttpPool {
    /// A pool with one client; nothing is contacted.
    pub fn new(ca_bundle: Option<&Path>) -> Result<Self> {
        install_crypto_provider();
        let certificates = read_certificates(ca_bundle)?;
        let first = Arc::new(PooledClient::new(remote_builder(&certificates))?);
        Ok(Self { certificates, remote: RwLock::new(vec![first]), local: RwLock::default() })
    }

    fn least_busy(&self, is_local: bool) -> Result<Arc<PooledClient>> {
        let clients = if is_local { &self.local } else { &self.remote };
        let clients = clients.read().unwrap_or_else(PoisonError::into_inner);
        let best = clients.iter().min_by_key(|client| client.in_flight.load(Ordering::Relaxed)).cloned();
        drop(clients);
        match best {
            Some(client) if client.in_flight.load(Ordering::Relaxed) < IN_FLIGHT_PER_CLIENT => Ok(client),
            _ => self.add_client(is_local),
        }
    }

    fn add_client(&self, is_local: bool) -> Result<Arc<PooledClient>> {
        // Each reads the certificates of the machine, which takes milliseconds: only what is needed is made.
        let (clients, builder) = if is_local {
            (&self.local, client_builder().no_proxy())
        } else {
            (&self.remote, remote_builder(&self.certificates))
        };
        let client = Arc::new(PooledClient::new(builder)?);
        let mut clients = clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.push(Arc::clone(&client));
        tracing::debug!(clients = clients.len(), "opened one more connection to each server");
        Ok(client)
    }
}

#[async_trait]
impl Transport for HttpPool {
    async fn exchange(&self, request: &Request, headers: &HeaderMap) -> Result<Response> {
        let pooled = self.least_busy(is_local(&request.url))?;
        let _slot = Slot::take(&pooled);
        let mut headers = headers.clone();
        if !request.body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(request.content_type));
        }
        headers.extend(request.headers.clone());
        let mut builder = pooled.client.request(request.method.clone(), request.url.clone()).headers(headers);
        builder = builder.timeout(request.timeout);
        if !request.body.is_empty() {
            builder = builder.body(request.body.clone());
        }
        let failed =
            |error: reqwest::Error| transport_error(error, request.service, &request.url, Some(request.timeout));
        let response = builder.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = match request.body_limit.filter(|_| status.is_success()) {
            None => response.bytes().await.map_err(failed)?,
            Some(limit) => read_at_most(response, limit, failed).await?,
        };
        Ok(Response { status, headers, body })
    }
}

/// The length that is announced is believed only where it is too great.
async fn read_at_most(
    mut response: reqwest::Response,
    limit: BodyLimit,
    failed: impl Fn(reqwest::Error) -> Error,
) -> Result<Bytes> {
    let announced = response.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced > limit.bytes {
        return Err((limit.error)());
    }
    let mut body = BytesMut::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(&failed)? {
        if body.len() + chunk.len() > limit.bytes {
            return Err((limit.error)());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

impl PooledClient {
    fn new(builder: reqwest::ClientBuilder) -> Result<Self> {
        Ok(Self { client: build(builder)?, in_flight: AtomicUsize::new(0) })
    }
}

/// Counts a request as in flight until it is dropped, also when its task is cancelled.
struct Slot<'a>(&'a AtomicUsize);

impl<'a> Slot<'a> {
    fn take(client: &'a PooledClient) -> Self {
        client.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(&client.in_flight)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn remote_builder(certificates: &[reqwest::Certificate]) -> reqwest::ClientBuilder {
    client_builder().tls_certs_merge(certificates.iter().cloned())
}

fn client_builder() -> reqwest::ClientBuilder {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .http2_keep_alive_interval(Duration::from_secs(30))
        .http2_keep_alive_timeout(Duration::from_secs(10))
        .http2_keep_alive_while_idle(true)
}

pub(super) fn build(builder: reqwest::ClientBuilder) -> Result<reqwest::Client> {
    builder.build().map_err(|error| {
        Error::new(ErrorKind::Configuration, "the HTTPS client cannot be set up")
            .with_hint("check the CA certificates named by `SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE`")
            .with_source(error.without_url())
    })
}

pub(super) fn install_crypto_provider() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // An error means that a provider is installed already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

pub(super) fn read_certificates(ca_bundle: Option<&Path>) -> Result<Vec<reqwest::Certificate>> {
    let Some(path) = ca_bundle else {
        return Ok(Vec::new());
    };
    let unusable = |source: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(ErrorKind::Configuration, format!("the CA bundle `{}` cannot be read", path.display()))
            .with_hint("point `SSL_CERT_FILE` or `REQUESTS_CA_BUNDLE` at a PEM file, or unset it")
            .with_source(source)
    };
    let pem = std::fs::read(path).map_err(|error| unusable(error.into()))?;
    reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| unusable(error.into()))
}

/// What became of a request or its answer; `timeout` is the time it had.
pub(super) fn transport_error(error: reqwest::Error, service: &str, url: &Url, timeout: Option<Duration>) -> Error {
    let host = url.host_str().unwrap_or("the server");
    let (kind, message) = if let Some(timeout) = timeout.filter(|_| error.is_timeout() && !error.is_connect()) {
        let seconds = timeout.as_secs_f64();
        (ErrorKind::Timeout, format!("{service} (`{host}`) gave no answer within {seconds} s"))
    } else if error.is_connect() {
        (ErrorKind::Transport, format!("{service} (`{host}`) cannot be reached: {}", root_cause(&error)))
    } else if error.is_decode() || error.is_body() {
        (ErrorKind::Transport, format!("the answer of {service} broke off: {}", root_cause(&error)))
    } else {
        (ErrorKind::Transport, format!("the connection to {service} (`{host}`) broke: {}", root_cause(&error)))
    };
    let is_unsent = error.is_connect();
    // The URL may hold a signature, so it stays out of the message.
    let failed = Error::new(kind, message).with_source(error.without_url());
    if is_unsent { failed.with_unsent() } else { failed }
}

fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if std::ptr::eq(cause, error as &dyn std::error::Error) {
        return "connection error".to_owned();
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    /// Answers one request with these bytes; tells how many of them the client took before it hung up.
    async fn answered(head: &str, chunk: Vec<u8>, chunks: usize) -> (Result<Response>, usize) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let head = format!("HTTP/1.1 {head}\r\n\r\n");
        let mut server = tokio::task::JoinSet::new();
        server.spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 4096]).await.unwrap();
            stream.write_all(head.as_bytes()).await.unwrap();
            for sent in 0..chunks {
                if stream.write_all(&chunk).await.is_err() {
                    return sent * chunk.len();
                }
            }
            stream.shutdown().await.unwrap();
            chunks * chunk.len()
        });
        let limit = BodyLimit { bytes: 100_000, error: || Error::new(ErrorKind::Image, "too large") };
        let request = Request::get("a server", url, |_| Error::new(ErrorKind::Internal, "")).with_body_limit(limit);
        let pool = HttpPool::new(None).unwrap();
        let answer = pool.exchange(&request, &HeaderMap::new()).await;
        drop(pool);
        (answer, server.join_next().await.unwrap().unwrap())
    }

    #[tokio::test]
    async fn a_body_within_the_limit_is_read_whole() {
        let (answer, _) = answered("200 OK\r\ncontent-length: 100000", vec![7; 10_000], 10).await;
        assert_eq!(answer.unwrap().body.len(), 100_000);
    }

    #[tokio::test]
    async fn a_body_announced_too_long_is_refused_at_once() {
        let (answer, _) = answered("200 OK\r\ncontent-length: 100001", Vec::new(), 0).await;
        assert_eq!(answer.unwrap_err().message(), "too large");
    }

    #[tokio::test]
    async fn a_body_that_tells_no_length_is_refused_when_it_has_grown_too_long() {
        let (answer, taken) = answered("200 OK\r\nconnection: close", vec![7; 1_000_000], 200).await;
        assert_eq!(answer.unwrap_err().message(), "too large");
        assert!(taken < 100_000_000, "{taken} bytes were read");
    }

    #[tokio::test]
    async fn what_an_error_says_is_read_whatever_the_limit() {
        let (answer, _) = answered("404 Not Found\r\ncontent-length: 200000", vec![7; 200_000], 1).await;
        assert_eq!(answer.unwrap().body.len(), 200_000);
    }
}
