//! Sends a file with the job that loads it: small ones in one request, others in pieces that can be sent again.

use bytes::{Bytes, BytesMut};
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::Mutex;
use url::Url;

use super::super::{BigQueryClient, error};
use super::job::Job;
use super::parquet::{Encoder, Rows};
use crate::error::{Error, ErrorKind, Result};
use crate::retry::RetryPolicy;
use crate::stack::Stack;
use crate::transport::{Request, Response};

/// Files below this size go in one request, as with Google's clients.
const MULTIPART_LIMIT: usize = 5 << 20;
/// Pieces of larger files; BigQuery takes multiples of 256 KiB.
const PIECE: usize = 8 << 20;
/// Time for one piece, on a slow line.
const TIMEOUT: Duration = Duration::from_secs(300);

const UPLOAD_TYPE: HeaderName = HeaderName::from_static("x-upload-content-type");

/// A file that is ready to be sent.
#[derive(Clone)]
pub(super) enum File {
    /// Written already.
    Whole(Bytes),
    /// Written while it is sent.
    Written(Rows),
}

/// Sends the job `body` with its file.
pub(super) async fn send(client: &BigQueryClient, body: Value, file: File) -> Result<Job> {
    match file {
        File::Whole(bytes) if bytes.len() < MULTIPART_LIMIT => multipart(client, &body, &bytes).await,
        file => {
            // A session that BigQuery forgot is no reason to give up: nothing of it counts before its last byte.
            let first = resumable(client, &body, file.clone()).await;
            match first {
                Err(error) if is_forgotten(&error) => resumable(client, &body, file).await,
                ended => ended,
            }
        }
    }
}

async fn multipart(client: &BigQueryClient, body: &Value, file: &Bytes) -> Result<Job> {
    let boundary = format!("streetlens{}", uuid::Uuid::new_v4().simple());
    let mut parts = BytesMut::with_capacity(file.len() + 4_096);
    let head = format!(
        "--{boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n{body}\r\n\
         --{boundary}\r\ncontent-type: */*\r\n\r\n"
    );
    parts.extend_from_slice(head.as_bytes());
    parts.extend_from_slice(file);
    parts.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    let url = address(client, "multipart")?;
    let mut request = Request::post("BigQuery", url, parts.freeze(), error::decode).with_timeout(TIMEOUT);
    request.headers.insert(header::CONTENT_TYPE, value(&format!("multipart/related; boundary={boundary}"))?);
    client.stack.send(&request, super::decode_json).await
}

async fn resumable(client: &BigQueryClient, body: &Value, file: File) -> Result<Job> {
    let mut request = Request::post("BigQuery", address(client, "resumable")?, body.to_string(), error::decode);
    request.headers.insert(UPLOAD_TYPE, HeaderValue::from_static("*/*"));
    let session = client.stack.send(&request.with_timeout(TIMEOUT), |response| session(client, response)).await?;
    let mut source = Source::new(file)?;
    let mut sent = 0;
    loop {
        let (piece, total) = source.piece().await?;
        let length = piece.len() as u64;
        let range = Range { start: sent, piece, total };
        if let Some(job) = carry(&client.stack, &session, range).await? {
            return Ok(job);
        }
        sent += length;
        if total.is_some() {
            return Err(Error::new(ErrorKind::MalformedResponse, "BigQuery took the whole file and made no job of it")
                .with_service("BigQuery", 308));
        }
    }
}

/// Some bytes of the file.
struct Range {
    start: u64,
    piece: Bytes,
    /// The length of the file, once it is known.
    total: Option<u64>,
}

/// Sends a piece until BigQuery has all of it. After trouble it is asked first how much of the piece arrived.
async fn carry(stack: &Stack, session: &Url, range: Range) -> Result<Option<Job>> {
    let once = stack.clone().with_policy(RetryPolicy::once());
    let end = range.start + range.piece.len() as u64;
    let progress = Mutex::new(Progress { arrived: range.start, is_in_doubt: false });
    let (once, progress, range) = (&once, &progress, &range);
    stack
        .repeat(|| async move {
            let mut progress = progress.lock().await;
            if progress.is_in_doubt {
                let asked = put(session, Bytes::new(), &format!("bytes */{}", in_words(range.total)))?;
                match once.send(&asked, taken).await? {
                    Taken::All(job) => return Ok(Some(*job)),
                    Taken::UpTo(byte) if byte < range.start => return Err(lost()),
                    Taken::UpTo(byte) => progress.arrived = byte.min(end),
                }
            }
            progress.is_in_doubt = true;
            while progress.arrived < end {
                let offset = usize::try_from(progress.arrived - range.start).unwrap_or_default();
                let content = format!("bytes {}-{}/{}", progress.arrived, end - 1, in_words(range.total));
                match once.send(&put(session, range.piece.slice(offset..), &content)?, taken).await? {
                    Taken::All(job) => return Ok(Some(*job)),
                    Taken::UpTo(byte) if byte > progress.arrived => progress.arrived = byte.min(end),
                    Taken::UpTo(_) => {
                        return Err(Error::new(ErrorKind::Unavailable, "BigQuery took nothing of a piece of the file")
                            .with_service("BigQuery", 308));
                    }
                }
            }
            Ok(None)
        })
        .await
}

struct Progress {
    /// Bytes of the file that arrived.
    arrived: u64,
    /// Whether more may have arrived than is known.
    is_in_doubt: bool,
}

/// Pieces that had arrived are gone: as good as a session that is.
fn lost() -> Error {
    Error::new(ErrorKind::NotFound, "BigQuery lost a part of the file").with_service("BigQuery", 410)
}

fn in_words(total: Option<u64>) -> String {
    total.map_or_else(|| "*".to_owned(), |total| total.to_string())
}

/// What BigQuery has of the file.
enum Taken {
    All(Box<Job>),
    UpTo(u64),
}

fn taken(response: &Response) -> Result<Taken> {
    if response.status != StatusCode::PERMANENT_REDIRECT {
        return super::decode_json(response).map(|job| Taken::All(Box::new(job)));
    }
    let range = response.headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let last = range.and_then(|range| range.rsplit('-').next()).and_then(|last| last.trim().parse::<u64>().ok());
    // Without a range nothing has arrived.
    Ok(Taken::UpTo(last.map_or(0, |last| last + 1)))
}

fn put(session: &Url, piece: Bytes, range: &str) -> Result<Request> {
    let mut request = Request::post("BigQuery", session.clone(), piece, error::decode).with_timeout(TIMEOUT);
    request.method = Method::PUT;
    request.content_type = "*/*";
    request.headers.insert(header::CONTENT_RANGE, value(range)?);
    if request.body.is_empty() {
        request.headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    request.is_answer = |status| status.is_success() || status == StatusCode::PERMANENT_REDIRECT;
    Ok(request)
}

/// Where the pieces go. The token goes along, so it has to be Google or the server that was asked.
fn session(client: &BigQueryClient, response: &Response) -> Result<Url> {
    let told = response.headers.get(header::LOCATION).and_then(|location| location.to_str().ok());
    let asked = client.address(&[])?;
    let session = told.and_then(|location| asked.join(location).ok()).filter(|session| {
        let is_googles = session.scheme() == "https"
            && session.host_str().is_some_and(|host| host == "googleapis.com" || host.ends_with(".googleapis.com"));
        session.origin() == asked.origin() || is_googles
    });
    session.ok_or_else(|| {
        Error::new(ErrorKind::MalformedResponse, "BigQuery began an upload and named no address for it")
            .with_service("BigQuery", response.status.as_u16())
    })
}

/// A session lasts a week; one that is gone answers so. A job of the same name has other words.
fn is_forgotten(error: &Error) -> bool {
    matches!(error.details().status, Some(404 | 410)) && error.kind() != ErrorKind::AlreadyExists
}

fn address(client: &BigQueryClient, upload_type: &str) -> Result<Url> {
    let mut url = client.address(&["projects", &client.project, "jobs"])?;
    let path = url.path().replacen("/bigquery/v2/", "/upload/bigquery/v2/", 1);
    url.set_path(&path);
    url.query_pairs_mut().append_pair("uploadType", upload_type);
    Ok(url)
}

fn value(text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text)
        .map_err(|cause| Error::new(ErrorKind::Internal, "a header of an upload").with_source(cause))
}

/// The file's next bytes, and whether they are the last.
struct Source {
    /// Written, and not sent yet.
    rest: Bytes,
    encoder: Option<Encoder>,
    taken: u64,
}

impl Source {
    fn new(file: File) -> Result<Self> {
        Ok(match file {
            File::Whole(bytes) => Self { rest: bytes, encoder: None, taken: 0 },
            File::Written(rows) => Self { rest: Bytes::new(), encoder: Some(Encoder::new(rows)?), taken: 0 },
        })
    }

    /// The next piece, with the length of the file where it is the last one.
    async fn piece(&mut self) -> Result<(Bytes, Option<u64>)> {
        while self.rest.len() <= PIECE {
            let Some(mut encoder) = self.encoder.take() else { break };
            let missing = PIECE + 1 - self.rest.len();
            // Writing keeps a thread busy, which is none of those that serve the network.
            let written = tokio::task::spawn_blocking(move || encoder.piece(missing).map(|piece| (piece, encoder)));
            let (piece, encoder) = written.await.map_err(|cause| {
                Error::new(ErrorKind::Internal, "the rows could not be written").with_source(cause)
            })??;
            if let Some(piece) = piece {
                self.rest = if self.rest.is_empty() { piece } else { [&self.rest[..], &piece[..]].concat().into() };
                self.encoder = Some(encoder);
            }
        }
        let piece = self.rest.split_to(PIECE.min(self.rest.len()));
        self.taken += piece.len() as u64;
        let is_last = self.rest.is_empty() && self.encoder.is_none();
        Ok((piece, is_last.then_some(self.taken)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;

    fn answered(status: StatusCode, range: Option<&'static str>) -> Response {
        let mut headers = HeaderMap::new();
        if let Some(range) = range {
            headers.insert(header::RANGE, HeaderValue::from_static(range));
        }
        Response { status, headers, body: Bytes::from_static(b"{\"status\": {\"state\": \"DONE\"}}") }
    }

    #[test]
    fn what_has_arrived_is_read_from_the_range() {
        let up_to = |range| match taken(&answered(StatusCode::PERMANENT_REDIRECT, range)).unwrap() {
            Taken::UpTo(byte) => byte,
            Taken::All(_) => panic!("an unfinished upload is no job"),
        };
        assert_eq!(up_to(Some("bytes=0-524287")), 524_288);
        assert_eq!(up_to(Some("0-0")), 1);
        assert_eq!(up_to(None), 0);
        assert!(matches!(taken(&answered(StatusCode::OK, None)).unwrap(), Taken::All(_)));
    }

    #[tokio::test]
    async fn a_file_is_cut_into_pieces_and_the_last_one_knows_the_length() {
        let mut source = Source::new(File::Whole(Bytes::from(vec![0; PIECE + 3]))).unwrap();
        let (first, total) = source.piece().await.unwrap();
        assert_eq!((first.len(), total), (PIECE, None));
        let (last, total) = source.piece().await.unwrap();
        assert_eq!((last.len(), total), (3, Some(PIECE as u64 + 3)));
    }

    #[tokio::test]
    async fn a_file_that_fills_its_last_piece_has_no_empty_one_after_it() {
        let mut source = Source::new(File::Whole(Bytes::from(vec![0; PIECE]))).unwrap();
        let (only, total) = source.piece().await.unwrap();
        assert_eq!((only.len(), total), (PIECE, Some(PIECE as u64)));
    }
}
