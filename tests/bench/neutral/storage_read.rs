//! BigQuery's Storage Read API over the same table: messages made before the first request, sent as they are.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use std::collections::VecDeque;
use std::io;
use std::thread;

use crate::columns::{Compression, serialized};
use crate::storage_wire::{
    ArrowRecordBatch, ArrowSchema, CreateReadSessionRequest, ReadRowsRequest, ReadRowsResponse, ReadSession, ReadStream,
};

/// Rows of one message, which is about a megabyte.
const ROWS: u64 = 2_000;

/// Streams of a session whose client leaves the number to the server.
const STREAMS: u64 = 4;

/// Every message of the table, in both forms a client may ask for.
#[derive(Debug)]
pub struct Messages {
    rows: u64,
    plain: Vec<Bytes>,
    lz4: Vec<Bytes>,
}

/// Why a call is refused: gRPC's status and a message.
pub type Refusal = (u16, String);

const INVALID_ARGUMENT: u16 = 3;
const UNIMPLEMENTED: u16 = 12;
const INTERNAL: u16 = 13;

impl Messages {
    /// Makes those of a table of `rows` rows.
    pub fn new(rows: u64) -> io::Result<Self> {
        let all = |compression| {
            let starts = (0..rows).step_by(usize::try_from(ROWS).unwrap_or(usize::MAX));
            starts.map(|start| message(start, rows.min(start + ROWS), compression)).collect::<io::Result<Vec<_>>>()
        };
        let (plain, lz4) = thread::scope(|scope| {
            let lz4 = scope.spawn(|| all(Compression::Lz4));
            (all(Compression::Plain), lz4.join())
        });
        let lz4 = lz4.map_err(|_| io::Error::other("the messages were not made"))?;
        Ok(Self { rows, plain: plain?, lz4: lz4? })
    }

    /// The messages that answer one call, which is named by the last part of its path.
    pub fn call(&self, method: &str, body: &[u8]) -> Result<VecDeque<Bytes>, Refusal> {
        // The first five bytes say whether it is compressed, and how long it is.
        let body = body.get(5..).unwrap_or_default();
        let invalid = |error: prost::DecodeError| (INVALID_ARGUMENT, error.to_string());
        match method {
            "CreateReadSession" => self.session(&CreateReadSessionRequest::decode(body).map_err(invalid)?),
            "ReadRows" => self.rows(&ReadRowsRequest::decode(body).map_err(invalid)?),
            _ => Err((UNIMPLEMENTED, format!("the neutral server has no {method}"))),
        }
    }

    fn session(&self, request: &CreateReadSessionRequest) -> Result<VecDeque<Bytes>, Refusal> {
        let wanted = request.read_session.as_ref().ok_or((INVALID_ARGUMENT, "no read_session".to_owned()))?;
        let options = wanted.read_options.as_ref().and_then(|options| options.arrow_serialization_options);
        let codec = codec(options.map_or(0, |options| options.buffer_compression))?;
        let streams = match u64::try_from(request.max_stream_count) {
            Ok(0) | Err(_) => STREAMS,
            Ok(most) => most,
        };
        // Whole messages for each stream, so that none has to be made for the occasion.
        let share = self.rows.div_ceil(ROWS).div_ceil(streams).max(1) * ROWS;
        let name = format!("{}/locations/us/sessions/neutral", request.parent);
        let starts = (0..self.rows).step_by(usize::try_from(share).unwrap_or(usize::MAX));
        let stream = |start: u64| {
            let end = self.rows.min(start + share);
            ReadStream { name: format!("{name}/streams/{codec}-{start}-{end}") }
        };
        let session = ReadSession {
            streams: starts.map(stream).collect(),
            name: name.clone(),
            data_format: wanted.data_format,
            arrow_schema: Some(schema().map_err(|error| internal(&error))?),
            table: wanted.table.clone(),
            read_options: wanted.read_options.clone(),
            estimated_row_count: i64::try_from(self.rows).unwrap_or(i64::MAX),
        };
        Ok(VecDeque::from([framed(&session)]))
    }

    fn rows(&self, request: &ReadRowsRequest) -> Result<VecDeque<Bytes>, Refusal> {
        let (start, end, codec) = self.stream(request)?;
        let start = start + u64::try_from(request.offset).unwrap_or_default();
        let mut messages = VecDeque::new();
        let mut at = start;
        while at < end {
            let after = end.min(at - at % ROWS + ROWS);
            let whole = at.is_multiple_of(ROWS) && (after - at == ROWS || after == self.rows);
            let ready = if codec == "lz4" { &self.lz4 } else { &self.plain };
            let ready = usize::try_from(at / ROWS).ok().and_then(|index| ready.get(index)).filter(|_| whole);
            messages.push_back(match ready {
                Some(message) => message.clone(),
                None => message(at, after, compression(codec)).map_err(|error| internal(&error))?,
            });
            at = after;
        }
        // The first message of a stream has the schema as well; fields of one message may be written one after another.
        if let Some(first) = messages.pop_front() {
            let schema = ReadRowsResponse {
                arrow_schema: Some(schema().map_err(|error| internal(&error))?),
                ..Default::default()
            };
            let schema = schema.encode_to_vec();
            let body = first.slice(5..);
            let mut head = BytesMut::with_capacity(schema.len() + 5);
            head.put_u8(0);
            head.put_u32(u32::try_from(schema.len() + body.len()).unwrap_or(u32::MAX));
            head.put_slice(&schema);
            messages.push_front(body);
            messages.push_front(head.freeze());
        }
        Ok(messages)
    }

    /// The first row of a stream, the row after its last one, and its codec.
    fn stream<'a>(&self, request: &'a ReadRowsRequest) -> Result<(u64, u64, &'a str), Refusal> {
        let (name, stream) = request.read_stream.rsplit_once('/').unwrap_or_default();
        if name.contains("/jobs/") && stream == "_default" {
            let options = request.arrow_serialization_options.unwrap_or_default();
            return Ok((0, self.rows, codec(options.buffer_compression)?));
        }
        let mut parts = stream.split('-');
        let unknown = || (INVALID_ARGUMENT, format!("there is no stream {}", request.read_stream));
        let codec = parts.next().ok_or_else(unknown)?;
        let mut row = || parts.next().and_then(|row| row.parse().ok()).ok_or_else(unknown);
        Ok((row()?, row()?, codec))
    }
}

fn codec(number: i32) -> Result<&'static str, Refusal> {
    match number {
        0 => Ok("plain"),
        1 => Ok("lz4"),
        _ => Err((UNIMPLEMENTED, "the neutral server has LZ4_FRAME and no other compression".to_owned())),
    }
}

fn compression(codec: &str) -> Compression {
    if codec == "lz4" { Compression::Lz4 } else { Compression::Plain }
}

fn schema() -> io::Result<ArrowSchema> {
    let serialized = serialized(0, 0, Compression::Plain).map_err(io::Error::other)?;
    Ok(ArrowSchema { serialized_schema: serialized.schema })
}

fn internal(error: &impl ToString) -> Refusal {
    (INTERNAL, error.to_string())
}

fn message(start: u64, end: u64, compression: Compression) -> io::Result<Bytes> {
    let rows = i64::try_from(end - start).unwrap_or(i64::MAX);
    let serialized = serialized(start, end, compression).map_err(io::Error::other)?;
    let batch = ArrowRecordBatch { serialized_record_batch: serialized.batch, row_count: rows };
    Ok(framed(&ReadRowsResponse { arrow_record_batch: Some(batch), row_count: rows, arrow_schema: None }))
}

fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(length + 5);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    bytes.put_slice(&message.encode_to_vec());
    bytes.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of each message, and which messages have the schema.
    fn read(messages: &Messages, stream: &str, offset: i64) -> (Vec<i64>, Vec<bool>) {
        let request = ReadRowsRequest { read_stream: stream.to_owned(), offset, arrow_serialization_options: None };
        let answer = messages.call("ReadRows", &framed(&request)).unwrap();
        let all: Vec<u8> = answer.iter().flatten().copied().collect();
        let (mut rest, mut responses) = (all.as_slice(), Vec::new());
        while let Some((head, tail)) = rest.split_first_chunk::<5>() {
            let length = usize::try_from(u32::from_be_bytes([head[1], head[2], head[3], head[4]])).unwrap();
            responses.push(ReadRowsResponse::decode(&tail[..length]).unwrap());
            rest = &tail[length..];
        }
        responses.iter().map(|response| (response.row_count, response.arrow_schema.is_some())).unzip()
    }

    #[test]
    fn a_job_s_stream_starts_at_any_row_and_names_the_schema_once() {
        let messages = Messages::new(5_000).unwrap();
        let job = "projects/p/locations/US/jobs/j/streams/_default";
        assert_eq!(read(&messages, job, 0), (vec![2_000, 2_000, 1_000], vec![true, false, false]));
        assert_eq!(read(&messages, job, 3_999), (vec![1, 1_000], vec![true, false]));
        assert_eq!(read(&messages, job, 5_000), (vec![], vec![]));
    }

    #[test]
    fn the_streams_of_a_session_are_the_table_once() {
        let messages = Messages::new(9_000).unwrap();
        let request = CreateReadSessionRequest {
            read_session: Some(ReadSession::default()),
            max_stream_count: 3,
            ..Default::default()
        };
        let answer = messages.call("CreateReadSession", &framed(&request)).unwrap();
        let session = ReadSession::decode(&answer[0][5..]).unwrap();
        let rows = session.streams.iter().map(|stream| read(&messages, &stream.name, 0).0.iter().sum::<i64>());
        assert_eq!(rows.collect::<Vec<_>>(), [4_000, 4_000, 1_000]);
    }
}
