//! HTTP/1.1 with keep-alive over the two services, and on the same port HTTP/2 for gRPC.

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::Value;
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::net::{TcpListener, TcpStream};

use crate::bigquery::{Results, Wanted, start_of};
use crate::columns::Compression;
use crate::conditions::{Conditions, Failure, Fate, Traffic};
use crate::pieces::{self, Piece};
use crate::storage_read::Messages;
use crate::{gemini, table};

/// What the server answers with.
#[derive(Debug)]
pub struct Services {
    /// How Gemini answers.
    pub traffic: Mutex<Traffic>,
    /// What BigQuery has.
    pub results: Results,
    /// The same rows for the Storage Read API.
    pub messages: Messages,
}

type Answer = Response<Either<Full<Bytes>, Either<CutOff, Parts>>>;

/// What a stream may have in hand before the client takes it: some messages, so that the socket never waits for one.
const SEND_BUFFER: usize = 8 << 20;

const STORAGE_READ: &str = "/google.cloud.bigquery.storage.v1.BigQueryRead/";

/// Serves connections until the process ends.
#[expect(clippy::disallowed_methods, reason = "connections live as long as the process")]
pub async fn serve(listener: TcpListener, services: Arc<Services>) -> io::Result<()> {
    loop {
        let (connection, _) = listener.accept().await?;
        connection.set_nodelay(true)?;
        tokio::spawn(serve_connection(connection, Arc::clone(&services)));
    }
}

async fn serve_connection(connection: TcpStream, services: Arc<Services>) {
    let service = service_fn(|request| answer(request, Arc::clone(&services)));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http2().max_send_buf_size(SEND_BUFFER);
    let serving = builder.serve_connection(TokioIo::new(connection), service);
    // A client that goes away is the client's affair.
    drop(serving.await);
}

async fn answer(request: Request<Incoming>, services: Arc<Services>) -> io::Result<Answer> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let takes_gzip = head
        .headers
        .get(ACCEPT_ENCODING)
        .is_some_and(|accepted| accepted.to_str().is_ok_and(|accepted| accepted.contains("gzip")));
    let path = head.uri.path();
    if path.ends_with(":generateContent") {
        return generate(&body, &services).await;
    }
    if let Some(method) = path.strip_prefix(STORAGE_READ) {
        return read(method, &body, &services.messages);
    }
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let results = &services.results;
    Ok(match (&head.method, segments.as_slice()) {
        (&Method::POST, ["neutral", "conditions"]) => {
            *services.traffic() = Traffic::new(serde_json::from_slice::<Conditions>(&body).map_err(io::Error::other)?);
            json(StatusCode::OK, Bytes::from_static(b"{}"))
        }
        (&Method::GET, ["neutral", "counts"]) => {
            json(StatusCode::OK, serde_json::to_vec(services.traffic().counts()).map_err(io::Error::other)?.into())
        }
        (&Method::POST, [.., "projects", _, "queries"]) => page(&query(&body, results)?, takes_gzip),
        (&Method::GET, [.., "projects", _, "queries", _] | [.., "tables", _, "data"]) => {
            page(&results.page(wanted(head.uri.query().unwrap_or_default()))?, takes_gzip)
        }
        (&Method::POST, [.., "projects", project, "jobs"]) => {
            let request: Value = serde_json::from_slice(&body).unwrap_or_default();
            let id = request["jobReference"]["jobId"].as_str().unwrap_or("neutral");
            let sql = request["configuration"]["query"]["query"].as_str().unwrap_or_default();
            json(StatusCode::OK, results.job(project, id, sql))
        }
        (&Method::GET, [.., "projects", project, "jobs", id]) => json(StatusCode::OK, results.job(project, id, "")),
        (&Method::POST, [.., "jobs", _, "cancel"]) => json(StatusCode::OK, Bytes::from_static(b"{}")),
        _ => failed(StatusCode::NOT_FOUND, "NOT_FOUND", &format!("the neutral server has no {path}")),
    })
}

#[expect(clippy::disallowed_methods, reason = "the latency is what this server is for")]
async fn generate(body: &Bytes, services: &Services) -> io::Result<Answer> {
    let image = gemini::image(body);
    let (fate, latency) = {
        let mut traffic = services.traffic();
        (traffic.arrive(image.as_deref().unwrap_or_default(), Instant::now()), traffic.latency())
    };
    let _under_way = UnderWay(services);
    if fate == Fate::Refused {
        return Ok(failed(StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED", "Resource exhausted."));
    }
    tokio::time::sleep(latency).await;
    match fate {
        Fate::Answered => Ok(json(StatusCode::OK, gemini::answer(body, image.as_deref()).into())),
        Fate::Refused | Fate::Failed(Failure::Busy) => {
            Ok(failed(StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED", "Resource exhausted."))
        }
        Fate::Stalled => std::future::pending().await,
        Fate::Failed(Failure::Internal) => {
            Ok(failed(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "Internal error encountered."))
        }
        Fate::Failed(Failure::Unavailable) => {
            Ok(failed(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "The service is currently unavailable."))
        }
        Fate::Failed(Failure::Closed) => Err(io::Error::other("closed as the conditions say")),
        Fate::Failed(Failure::CutOff) => Ok(cut_off(gemini::answer(body, image.as_deref()))),
    }
}

impl Services {
    fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that arrived; it leaves however it ends.
struct UnderWay<'a>(&'a Services);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.traffic().leave();
    }
}

/// The first half of a body that is announced as a whole.
pub struct CutOff {
    half: Option<Bytes>,
    whole: u64,
}

impl Body for CutOff {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(Some(match self.half.take() {
            Some(half) => Ok(Frame::data(half)),
            None => Err(io::Error::other("cut off as the conditions say")),
        }))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.whole)
    }
}

/// A body that is in memory, in parts that are not copied.
pub struct Parts {
    left: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
    size: Option<u64>,
}

impl Body for Parts {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let part = self.left.pop_front().map(Frame::data);
        Poll::Ready(part.or_else(|| self.trailers.take().map(Frame::trailers)).map(Ok))
    }

    fn size_hint(&self) -> SizeHint {
        self.size.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn cut_off(mut body: Vec<u8>) -> Answer {
    let whole = u64::try_from(body.len()).unwrap_or(u64::MAX);
    body.truncate(body.len() / 2);
    json(StatusCode::OK, Bytes::new()).map(|_| Either::Right(Either::Left(CutOff { half: Some(body.into()), whole })))
}

fn failed(status: StatusCode, name: &str, message: &str) -> Answer {
    let error = serde_json::json!({"error": {"code": status.as_u16(), "message": message, "status": name}});
    json(status, error.to_string().into())
}

/// Answers `jobs.query`, in Arrow when it asks for that.
fn query(body: &[u8], results: &Results) -> io::Result<Vec<Piece>> {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let most = &request["maxResults"];
    let most = most.as_u64().or_else(|| most.as_str()?.parse().ok()).unwrap_or(table::PAGE);
    if request["queryResultsFormat"] != "ARROW" {
        return results.page(Wanted { start: 0, most, with_schema: true });
    }
    match request["arrowSerializationOptions"]["bufferCompression"].as_str() {
        None | Some("COMPRESSION_UNSPECIFIED") => results.arrow_page(most, Compression::Plain),
        Some("LZ4_FRAME") => results.arrow_page(most, Compression::Lz4),
        Some(other) => Err(io::Error::other(format!("the neutral server has no {other}"))),
    }
}

/// Answers a call of the Storage Read API.
fn read(method: &str, body: &[u8], messages: &Messages) -> io::Result<Answer> {
    let answer = Response::builder().header(CONTENT_TYPE, "application/grpc");
    let answer = match messages.call(method, body) {
        Ok(parts) => {
            let status = (HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
            let trailers = Some(HeaderMap::from_iter([status]));
            answer.body(Either::Right(Either::Right(Parts { left: parts, trailers, size: None })))
        }
        Err((status, message)) => answer
            .header("grpc-status", status)
            .header("grpc-message", message.replace(|letter: char| !(' '..='~').contains(&letter), " "))
            .body(Either::Left(Full::default())),
    };
    answer.map_err(io::Error::other)
}

/// What the query string of `jobs.getQueryResults` or `tabledata.list` wants.
fn wanted(query: &str) -> Wanted {
    let mut wanted = Wanted { start: 0, most: table::PAGE, with_schema: true };
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "maxResults" => wanted.most = value.parse().unwrap_or(table::PAGE),
            "startIndex" => wanted.start = value.parse().unwrap_or(0),
            "pageToken" => {
                wanted.start = start_of(&value).unwrap_or(0);
                wanted.with_schema = false;
            }
            "fields" => wanted.with_schema = value.contains("schema"),
            _ => {}
        }
    }
    wanted
}

fn page(pieces: &[Piece], takes_gzip: bool) -> Answer {
    let parts = VecDeque::from(pieces::body(pieces, takes_gzip));
    let size = parts.iter().map(|part| u64::try_from(part.len()).unwrap_or_default()).sum();
    let mut answer = json(StatusCode::OK, Bytes::new());
    if takes_gzip {
        answer.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    answer.map(|_| Either::Right(Either::Right(Parts { left: parts, trailers: None, size: Some(size) })))
}

fn json(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=UTF-8"));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_string_says_which_rows_and_whether_the_schema() {
        assert_eq!(wanted("maxResults=0&prettyPrint=false"), Wanted { start: 0, most: 0, with_schema: true });
        let later = Wanted { start: 20_000, most: table::PAGE, with_schema: false };
        assert_eq!(wanted("pageToken=row-20000&location=US"), later);
        assert_eq!(wanted("startIndex=20000&fields=rows%2CpageToken"), later);
    }
}
