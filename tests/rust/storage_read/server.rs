//! A gRPC server of one method at a time, written out: which frames it sends, and how it ends a stream.

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use prost::Message;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::Url;

/// A call as it came.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) message: Bytes,
}

impl Call {
    pub(crate) fn read<T: Message + Default>(&self) -> T {
        T::decode(self.message.clone()).expect("a request of this type")
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// What a call is answered with.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    pub(crate) end: End,
}

/// How an answer ends.
pub(crate) enum End {
    Trailers(HeaderMap),
    WithoutTrailers,
    Reset(h2::Reason),
    Silence,
}

impl Reply {
    /// These messages, and the status OK.
    pub(crate) fn messages<T: Message>(messages: &[T]) -> Self {
        let mut body = BytesMut::new();
        for message in messages {
            body.put_u8(0);
            body.put_u32(u32::try_from(message.encoded_len()).expect("a short message"));
            message.encode(&mut body).expect("room");
        }
        let end = End::Trailers(trailers(0, "", None));
        Self { status: StatusCode::OK, content_type: "application/grpc", body: body.freeze(), end }
    }

    /// No message, and this status.
    pub(crate) fn status(code: i32, message: &str) -> Self {
        Self::messages::<()>(&[]).ending(End::Trailers(trailers(code, message, None)))
    }

    pub(crate) fn ending(self, end: End) -> Self {
        Self { end, ..self }
    }

    /// Only the first bytes of the body.
    pub(crate) fn cut(self, bytes: usize) -> Self {
        Self { body: self.body.slice(..bytes.min(self.body.len())), ..self }
    }
}

/// The trailers of a status; the details are base64.
pub(crate) fn trailers(code: i32, message: &str, details: Option<&str>) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(code));
    trailers.insert("grpc-message", HeaderValue::from_str(message).expect("a header"));
    if let Some(details) = details {
        trailers.insert("grpc-status-details-bin", HeaderValue::from_str(details).expect("a header"));
    }
    trailers
}

type Handler = dyn Fn(usize, &Call) -> Reply + Send + Sync;

/// A server on loopback, until it is dropped.
pub(crate) struct Server {
    pub(crate) url: Url,
    calls: Arc<Mutex<Vec<Call>>>,
    resets: Arc<Mutex<usize>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Answers the calls, which are counted from 0.
    pub(crate) async fn start(handler: impl Fn(usize, &Call) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = Url::parse(&format!("http://{}/", listener.local_addr().expect("an address"))).expect("an address");
        let (calls, resets) = (Arc::<Mutex<Vec<Call>>>::default(), Arc::<Mutex<usize>>::default());
        let handler: Arc<Handler> = Arc::new(handler);
        let mut tasks = JoinSet::new();
        let (seen, reset) = (Arc::clone(&calls), Arc::clone(&resets));
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&handler), Arc::clone(&seen), Arc::clone(&reset)));
            }
        });
        Self { url, calls, resets, _tasks: tasks }
    }

    /// The calls so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("calls").clone()
    }

    /// How many calls the client gave up.
    pub(crate) fn resets(&self) -> usize {
        *self.resets.lock().expect("resets")
    }
}

async fn serve(stream: TcpStream, handler: Arc<Handler>, calls: Arc<Mutex<Vec<Call>>>, resets: Arc<Mutex<usize>>) {
    // Otherwise every end of a stream waits for the client's acknowledgement of what came before.
    stream.set_nodelay(true).expect("a socket");
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut answers = JoinSet::new();
    while let Some(Ok((request, respond))) = connection.accept().await {
        answers.spawn(answer(request, respond, Arc::clone(&handler), Arc::clone(&calls), Arc::clone(&resets)));
    }
}

async fn answer(
    request: http::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
    handler: Arc<Handler>,
    calls: Arc<Mutex<Vec<Call>>>,
    resets: Arc<Mutex<usize>>,
) {
    let (parts, mut body) = request.into_parts();
    let mut message = BytesMut::new();
    while let Some(Ok(data)) = body.data().await {
        message.extend_from_slice(&data);
    }
    let message = message.freeze().slice(5..);
    let call = Call { path: parts.uri.path().to_owned(), headers: parts.headers, message };
    let number = {
        let mut calls = calls.lock().expect("calls");
        calls.push(call.clone());
        calls.len() - 1
    };
    let reply = handler(number, &call);
    let head = Response::builder().status(reply.status).header("content-type", reply.content_type).body(());
    let Ok(mut stream) = respond.send_response(head.expect("a response"), false) else { return };
    let is_open = matches!(reply.end, End::WithoutTrailers);
    let _ = stream.send_data(reply.body, is_open);
    match reply.end {
        End::Trailers(trailers) => drop(stream.send_trailers(trailers)),
        End::WithoutTrailers => {}
        End::Reset(reason) => {
            // What was sent before must be on its way, or the reset takes its place.
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            stream.send_reset(reason);
        }
        End::Silence => {
            let _ = std::future::poll_fn(|context| stream.poll_reset(context)).await;
            *resets.lock().expect("resets") += 1;
        }
    }
}

/// A way to a server whose first connection breaks after so many bytes of answers.
pub(crate) struct Breaking {
    pub(crate) url: Url,
    passed: Arc<Mutex<Vec<u64>>>,
    _tasks: JoinSet<()>,
}

impl Breaking {
    pub(crate) async fn start(server: &Server, bytes: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = Url::parse(&format!("http://{}/", listener.local_addr().expect("an address"))).expect("an address");
        let passed = Arc::<Mutex<Vec<u64>>>::default();
        let target = server.url.socket_addrs(|| None).expect("an address")[0];
        let mut tasks = JoinSet::new();
        let counts = Arc::clone(&passed);
        tasks.spawn(async move {
            let mut limit = bytes;
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(pass(client, target, limit, Arc::clone(&counts)));
                limit = u64::MAX;
            }
        });
        Self { url, passed, _tasks: tasks }
    }

    /// How many bytes of answers each connection that is over let through.
    pub(crate) fn passed(&self) -> Vec<u64> {
        self.passed.lock().expect("counts").clone()
    }
}

async fn pass(mut client: TcpStream, target: std::net::SocketAddr, limit: u64, counts: Arc<Mutex<Vec<u64>>>) {
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    client.set_nodelay(true).expect("a socket");
    server.set_nodelay(true).expect("a socket");
    let (mut from_client, mut to_client) = client.split();
    let (from_server, mut to_server) = server.split();
    let mut answers = from_server.take(limit);
    let passed = tokio::select! {
        passed = tokio::io::copy(&mut answers, &mut to_client) => passed.unwrap_or(0),
        _ = tokio::io::copy(&mut from_client, &mut to_server) => limit.saturating_sub(answers.limit()),
    };
    counts.lock().expect("counts").push(passed);
    let _ = to_client.shutdown().await;
}
