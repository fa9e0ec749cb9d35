//! `bare_read URL STREAMS CODEC`: receives the rows of a query as the Storage Read API sends them and drops the bytes,
//! which is the limit of any client above it. 0 streams is the stream of the job, after the first page of the query;
//! the codec is 0 (none) or 1 (LZ4 frames). Prints the seconds it took as JSON; its processor time and memory are for
//! whoever started it to tell.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::time::Instant;

use streetlens_bench::storage_wire::{
    ArrowSerializationOptions, CreateReadSessionRequest, ReadRowsRequest, ReadSession, TableReadOptions,
};
use tokio::task::JoinSet;

const SERVICE: &str = "google.cloud.bigquery.storage.v1.BigQueryRead";
const PARENT: &str = "projects/bench-project";

/// What may be on its way for one stream; and one frame.
const WINDOW: u32 = 16 << 20;
const FRAME: u32 = 1 << 20;

#[tokio::main]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or_else(|| io::Error::other(format!("{what} is missing")));
    let url = next("the address")?;
    let streams: i32 = next("the number of streams")?.parse().map_err(io::Error::other)?;
    let codec: i32 = next("the codec")?.parse().map_err(io::Error::other)?;
    // An error means that a provider is installed already, which serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let started = Instant::now();
    let bytes = if streams == 0 { job(&url, codec).await? } else { session(&url, streams, codec).await? };
    let wall = started.elapsed().as_secs_f64();
    writeln!(io::stdout(), r#"{{"wall": {wall}, "processor": 0, "peak_memory": 0, "bytes": {bytes}}}"#)
}

/// Receives a query's first page, then the rest by the job's stream.
async fn job(url: &str, codec: i32) -> io::Result<usize> {
    let client = reqwest::Client::builder().no_proxy().no_gzip().build().map_err(io::Error::other)?;
    let compression = if codec == 1 { "LZ4_FRAME" } else { "COMPRESSION_UNSPECIFIED" };
    let query = json!({
        "query": "SELECT 1",
        "queryResultsFormat": "ARROW",
        "arrowSerializationOptions": {"bufferCompression": compression}
    });
    let address = format!("{url}/bigquery/v2/{PARENT}/queries");
    let page = client.post(address).body(query.to_string()).send().await.map_err(io::Error::other)?;
    let page = page.bytes().await.map_err(io::Error::other)?;
    let answer: Value = serde_json::from_slice(&page)?;
    let offset = answer["pageRowCount"].as_str().and_then(|rows| rows.parse().ok());
    let request = ReadRowsRequest {
        read_stream: format!("{PARENT}/locations/US/jobs/neutral/streams/_default"),
        offset: offset.ok_or_else(|| io::Error::other("the page does not say how many rows it has"))?,
        arrow_serialization_options: Some(ArrowSerializationOptions { buffer_compression: codec }),
    };
    Ok(page.len() + read(&client_of_grpc()?, url, &request).await?)
}

/// Receives a table by several streams at once.
async fn session(url: &str, streams: i32, codec: i32) -> io::Result<usize> {
    let options = ArrowSerializationOptions { buffer_compression: codec };
    let request = CreateReadSessionRequest {
        parent: PARENT.to_owned(),
        read_session: Some(ReadSession {
            data_format: 2,
            table: format!("{PARENT}/datasets/_neutral/tables/anonymous"),
            read_options: Some(TableReadOptions { arrow_serialization_options: Some(options) }),
            ..Default::default()
        }),
        max_stream_count: streams,
    };
    let client = client_of_grpc()?;
    let answer = call(&client, url, "CreateReadSession", &request).await?.bytes().await.map_err(io::Error::other)?;
    let session = ReadSession::decode(answer.get(5..).unwrap_or_default()).map_err(io::Error::other)?;
    let mut reading = JoinSet::new();
    for stream in session.streams {
        let (client, url) = (client.clone(), url.to_owned());
        reading.spawn(async move {
            let request = ReadRowsRequest { read_stream: stream.name, ..Default::default() };
            read(&client, &url, &request).await
        });
    }
    let mut bytes = 0;
    while let Some(ended) = reading.join_next().await {
        bytes += ended.map_err(io::Error::other)??;
    }
    Ok(bytes)
}

async fn read(client: &reqwest::Client, url: &str, request: &ReadRowsRequest) -> io::Result<usize> {
    let mut answer = call(client, url, "ReadRows", request).await?;
    let mut bytes = 0;
    while let Some(chunk) = answer.chunk().await.map_err(io::Error::other)? {
        bytes += chunk.len();
    }
    Ok(bytes)
}

async fn call(
    client: &reqwest::Client,
    url: &str,
    method: &str,
    request: &impl Message,
) -> io::Result<reqwest::Response> {
    let answer = client
        .post(format!("{url}/{SERVICE}/{method}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(framed(request))
        .send()
        .await
        .map_err(io::Error::other)?;
    match answer.headers().get("grpc-status") {
        Some(status) => Err(io::Error::other(format!("{method} ended with status {status:?}"))),
        None => Ok(answer),
    }
}

fn client_of_grpc() -> io::Result<reqwest::Client> {
    let builder = reqwest::Client::builder().no_proxy().http2_prior_knowledge();
    let builder = builder.http2_initial_stream_window_size(WINDOW).http2_initial_connection_window_size(4 * WINDOW);
    builder.http2_max_frame_size(FRAME).build().map_err(io::Error::other)
}

fn framed(message: &impl Message) -> Bytes {
    let body = message.encode_to_vec();
    let mut bytes = BytesMut::with_capacity(body.len() + 5);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(body.len()).unwrap_or(u32::MAX));
    bytes.put_slice(&body);
    bytes.freeze()
}
