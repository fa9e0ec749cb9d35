//! gRPC over the HTTP client of every other request: the same proxies, certificates and TLS, with tonic's framing.
//!
//! One [`Channel`] is the way to one server. Calls share its connection, as gRPC means it; each call is one HTTP/2 stream,
//! and dropping its answer resets that. Nothing here retries.

use bytes::Bytes;
use http::{HeaderMap, header};
use http_body::{Body, Frame};
use std::future::{Future, poll_fn};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};
use tonic::client::Grpc;
use url::Url;

use super::pool::{USER_AGENT, build, install_crypto_provider, read_certificates, transport_error};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::is_local;

/// Longest silence of a server that is connected; pings tell sooner where the network is gone.
const STALL: Duration = Duration::from_secs(120);

/// Greatest message that is taken: the Storage Read API sends up to 128 MB a response.
const MAXIMUM_MESSAGE: usize = 256 << 20;

/// What a stream may send before it is read, and so about the memory that a slow reader costs.
const STREAM_WINDOW: u32 = 8 << 20;

/// What all streams of a connection may send, so that one that nobody reads does not hold up the others.
const CONNECTION_WINDOW: u32 = 256 << 20;

/// Fewer and greater frames than the 16 KiB that are usual, where the server sends such.
const FRAME: u32 = 1 << 20;

/// The way to one server; nothing is contacted before the first call.
#[derive(Clone)]
pub struct Channel {
    service: &'static str,
    endpoint: Url,
    ca_bundle: Option<PathBuf>,
    stall: Duration,
    client: Arc<Mutex<Option<reqwest::Client>>>,
}

impl Channel {
    /// A channel to `endpoint`, where `service` is served.
    #[must_use]
    pub fn new(service: &'static str, endpoint: Url, ca_bundle: Option<PathBuf>) -> Self {
        Self { service, endpoint, ca_bundle, stall: STALL, client: Arc::default() }
    }

    /// The same channel with another limit on the server's silence.
    #[must_use]
    pub fn with_stall(mut self, stall: Duration) -> Self {
        self.stall = stall;
        self
    }

    /// Where calls go.
    #[must_use]
    pub fn endpoint(&self) -> &Url {
        &self.endpoint
    }

    /// tonic's client over this channel.
    pub fn grpc(&self) -> Result<Grpc<Connection>> {
        let connection = Connection { client: self.client()?, channel: self.clone() };
        Ok(Grpc::new(connection).max_decoding_message_size(MAXIMUM_MESSAGE))
    }

    fn client(&self) -> Result<reqwest::Client> {
        let mut slot = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = slot.as_ref() {
            return Ok(client.clone());
        }
        install_crypto_provider();
        let builder = client_builder();
        let client = if is_local(&self.endpoint) {
            build(builder.no_proxy())?
        } else {
            build(builder.tls_certs_merge(read_certificates(self.ca_bundle.as_deref())?))?
        };
        *slot = Some(client.clone());
        Ok(client)
    }

    fn address(&self, path: &str) -> Url {
        let mut url = self.endpoint.clone();
        url.set_path(&format!("{}{path}", self.endpoint.path().trim_end_matches('/')));
        url
    }
}

fn client_builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(USER_AGENT)
        // HTTP/2 also where there is no TLS to agree on it.
        .http2_prior_knowledge()
        .no_gzip()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .http2_initial_stream_window_size(STREAM_WINDOW)
        .http2_initial_connection_window_size(CONNECTION_WINDOW)
        .http2_max_frame_size(FRAME)
        .http2_keep_alive_interval(Duration::from_secs(60))
        .http2_keep_alive_timeout(Duration::from_secs(20))
}

/// Carries the calls of tonic's client.
#[derive(Clone)]
pub struct Connection {
    client: reqwest::Client,
    channel: Channel,
}

impl tower_service::Service<http::Request<tonic::body::Body>> for Connection {
    type Response = http::Response<Answer>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<tonic::body::Body>) -> Self::Future {
        let this = self.clone();
        Box::pin(this.exchange(request))
    }
}

impl Connection {
    async fn exchange(self, request: http::Request<tonic::body::Body>) -> Result<http::Response<Answer>> {
        let (parts, body) = request.into_parts();
        let url = self.channel.address(parts.uri.path());
        let sent = self.client.request(parts.method, url).headers(parts.headers).body(whole(body).await?).send();
        let response = tokio::time::timeout(self.channel.stall, sent).await.map_err(|_| self.channel.stalled())?;
        let response = response.map_err(|error| self.channel.failed(error))?;
        check_grpc(&response, self.channel.service)?;
        Ok(http::Response::from(response).map(|body| Answer {
            body,
            channel: self.channel,
            messages: Messages::default(),
            silence: None,
        }))
    }
}

/// The one message of a request, which so can be sent again where a connection closes before it was read.
async fn whole(mut body: tonic::body::Body) -> Result<Bytes> {
    let mut whole = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|status| {
            Error::new(ErrorKind::Internal, format!("a gRPC request cannot be written: {}", status.message()))
        })?;
        if let Ok(data) = frame.into_data() {
            whole.extend_from_slice(&data);
        }
    }
    Ok(Bytes::from(whole))
}

/// A proxy, a sign-in page or a server without gRPC answers in HTTP only.
fn check_grpc(response: &reqwest::Response, service: &'static str) -> Result<()> {
    let headers: &HeaderMap = response.headers();
    let status = response.status();
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_grpc = content_type.starts_with("application/grpc") || headers.contains_key("grpc-status");
    if is_grpc && status.is_success() {
        return Ok(());
    }
    // The kinds are those of the gRPC specification, `http-grpc-status-mapping.md`.
    let kind = match status.as_u16() {
        401 => ErrorKind::Authentication,
        403 => ErrorKind::PermissionDenied,
        429 | 502 | 503 | 504 => ErrorKind::Unavailable,
        _ => ErrorKind::InvalidRequest,
    };
    let message = format!("{service} was asked over gRPC, and something answered that does not speak it");
    Err(Error::new(kind, message)
        .with_service(service, status.as_u16())
        .with_hint("check the endpoint and the proxies in between; `transport=\"rest\"` needs no gRPC"))
}

impl Channel {
    fn failed(&self, error: reqwest::Error) -> Error {
        transport_error(error, self.service, &self.endpoint, None)
    }

    fn stalled(&self) -> Error {
        let (service, seconds) = (self.service, self.stall.as_secs_f64());
        let host = self.endpoint.host_str().unwrap_or("the server");
        Error::new(ErrorKind::Timeout, format!("{service} (`{host}`) sent nothing for {seconds} s"))
    }
}

/// The body of an answer, trailers included, with a limit on silence.
pub struct Answer {
    body: reqwest::Body,
    channel: Channel,
    messages: Messages,
    silence: Option<Pin<Box<Sleep>>>,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = &mut *self;
        match Pin::new(&mut this.body).poll_frame(context) {
            Poll::Ready(frame) => {
                this.silence = None;
                Poll::Ready(match frame {
                    Some(frame) => Some(this.checked(frame)),
                    None => this.check_whole().err().map(Err),
                })
            }
            // The silence begins when somebody listens: a reader that takes its time is no fault of the server.
            Poll::Pending => {
                let end = Instant::now() + this.channel.stall;
                let silence = this.silence.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(end)));
                silence.as_mut().poll(context).map(|()| Some(Err(this.channel.stalled())))
            }
        }
    }
}

impl Answer {
    fn checked(&mut self, frame: std::result::Result<Frame<Bytes>, reqwest::Error>) -> Result<Frame<Bytes>> {
        let frame = frame.map_err(|error| self.channel.failed(error))?;
        match frame.data_ref() {
            Some(data) => self.messages.pass(data),
            None => self.check_whole()?,
        }
        Ok(frame)
    }

    /// tonic drops the beginning of a message that ends with trailers, without a word.
    fn check_whole(&self) -> Result<()> {
        if self.messages.is_whole() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Transport, format!("{} ended a stream within a message", self.channel.service)))
    }
}

/// Follows the lengths of the messages that pass: a flag, four bytes of length, and as many bytes.
#[derive(Debug, Default)]
struct Messages {
    prefix: [u8; 5],
    prefixed: usize,
    left: usize,
}

impl Messages {
    fn pass(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            let taken = if self.prefixed < self.prefix.len() {
                let taken = data.len().min(self.prefix.len() - self.prefixed);
                self.prefix[self.prefixed..self.prefixed + taken].copy_from_slice(&data[..taken]);
                self.prefixed += taken;
                if self.prefixed == self.prefix.len() {
                    let [_, length @ ..] = self.prefix;
                    self.left = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
                }
                taken
            } else {
                let taken = data.len().min(self.left);
                self.left -= taken;
                taken
            };
            data = &data[taken..];
            if self.prefixed == self.prefix.len() && self.left == 0 {
                self.prefixed = 0;
            }
        }
    }

    fn is_whole(&self) -> bool {
        self.prefixed == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn only_between_messages_a_stream_is_whole(
            lengths in proptest::collection::vec(0_u16..500, 1..10),
            pieces in proptest::collection::vec(1_usize..50, 1..20),
        ) {
            let (mut stream, mut ends) = (Vec::new(), vec![0]);
            for length in lengths {
                stream.push(0);
                stream.extend_from_slice(&u32::from(length).to_be_bytes());
                stream.resize(stream.len() + usize::from(length), 7);
                ends.push(stream.len());
            }
            let (mut messages, mut at) = (Messages::default(), 0);
            for piece in pieces.into_iter().cycle().take(stream.len()) {
                let end = stream.len().min(at + piece);
                messages.pass(&stream[at..end]);
                at = end;
                prop_assert_eq!(messages.is_whole(), ends.contains(&at), "after {} bytes", at);
            }
            prop_assert!(messages.is_whole());
        }
    }
}
