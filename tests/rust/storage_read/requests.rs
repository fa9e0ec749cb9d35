//! What is asked for, and how.

use arrow_schema::{DataType, Field, Schema};
use async_trait::async_trait;
use bytes::Bytes;
use std::sync::Arc;
use streetlens_core::auth::{Authorization, TokenSource};
use streetlens_core::bigquery::arrow::ArrowDecoder;
use streetlens_core::bigquery::read::{ReadClient, SessionOptions, TableName};
use streetlens_core::error::{ErrorKind, Result};

use crate::server::{Call, Reply, Server};
use crate::table::{self, Options, ReadRowsRequest, STREAM, Serialized};

#[derive(Clone, PartialEq, prost::Message)]
struct ReadOptions {
    #[prost(string, repeated, tag = "1")]
    columns: Vec<String>,
    #[prost(string, tag = "2")]
    restriction: String,
    #[prost(message, optional, tag = "3")]
    options: Option<Options>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Stream {
    #[prost(string, tag = "1")]
    name: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Session {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(int32, tag = "3")]
    format: i32,
    #[prost(message, optional, tag = "5")]
    schema: Option<Serialized>,
    #[prost(string, tag = "6")]
    table: String,
    #[prost(message, optional, tag = "8")]
    read_options: Option<ReadOptions>,
    #[prost(message, repeated, tag = "10")]
    streams: Vec<Stream>,
    #[prost(int64, tag = "14")]
    rows: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
struct CreateReadSession {
    #[prost(string, tag = "1")]
    parent: String,
    #[prost(message, optional, tag = "2")]
    session: Option<Session>,
    #[prost(int32, tag = "3")]
    streams: i32,
}

fn options() -> SessionOptions {
    SessionOptions {
        parent_project: "billed".into(),
        table: TableName { project: "p".into(), dataset: "d".into(), table: "t".into() },
        columns: vec!["n".into(), "text".into()],
        row_restriction: Some("n > 3".into()),
        maximum_streams: 4,
    }
}

fn session(streams: &[&str]) -> Session {
    Session {
        name: "projects/p/locations/us/sessions/s".into(),
        schema: Some(table::serialized_schema(&table::schema())),
        streams: streams.iter().map(|name| Stream { name: (*name).to_owned() }).collect(),
        rows: 50,
        ..Session::default()
    }
}

#[tokio::test]
async fn a_session_is_asked_for_in_arrow_with_its_columns_and_condition() {
    let server = Server::start(|_, _| Reply::messages(&[session(&["a", "b"])])).await;
    let opened = table::client(&server.url).create_session(&options()).await.unwrap();
    assert_eq!((opened.streams, opened.estimated_rows), (vec!["a".to_owned(), "b".to_owned()], 50));
    assert_eq!(opened.decoder.schema(), &table::schema());
    let call = server.calls().remove(0);
    assert_eq!(call.path, "/google.cloud.bigquery.storage.v1.BigQueryRead/CreateReadSession");
    assert_eq!(
        call.header("x-goog-request-params"),
        Some("read_session.table=projects%2Fp%2Fdatasets%2Fd%2Ftables%2Ft")
    );
    let asked: CreateReadSession = call.read();
    assert_eq!((asked.parent.as_str(), asked.streams), ("projects/billed", 4));
    let asked = asked.session.expect("a session");
    assert_eq!((asked.table.as_str(), asked.format), ("projects/p/datasets/d/tables/t", 2));
    let read = asked.read_options.expect("options");
    assert_eq!((read.columns, read.restriction.as_str()), (vec!["n".to_owned(), "text".to_owned()], "n > 3"));
    assert_eq!(read.options, Some(Options { compression: 1, precision: 1 }));
}

#[tokio::test]
async fn a_session_that_is_unavailable_at_first_is_opened() {
    let server =
        Server::start(|number, _| if number < 2 { Reply::status(14, "") } else { Reply::messages(&[session(&[])]) })
            .await;
    let opened = table::client(&server.url).create_session(&options()).await.unwrap();
    assert_eq!((opened.streams.len(), server.calls().len()), (0, 3));
}

#[tokio::test]
async fn a_session_that_is_refused_names_the_table_and_what_to_do() {
    let server = Server::start(|_, _| Reply::status(7, "Permission denied")).await;
    let error = table::client(&server.url).create_session(&options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(
        error.message(),
        "opening a read session on the table `projects/p/datasets/d/tables/t`: Permission denied"
    );
    assert!(error.details().hint.as_deref().is_some_and(|hint| hint.contains("readSessionUser")));
}

#[tokio::test]
async fn a_table_that_does_not_exist_is_told_with_what_to_check() {
    let server = Server::start(|_, _| Reply::status(5, "Not found: Table p:d.t")).await;
    let error = table::client(&server.url).create_session(&options()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.details().hint.as_deref(), Some("check the project, data set and table"));
}

async fn asked(stream: &str, offset: u64) -> Call {
    let server = Server::start(|_, call| table::rows(call, 50, 7)).await;
    let decoder = ArrowDecoder::new(&table::serialized_schema(&table::schema()).bytes).unwrap();
    let mut reader = table::client(&server.url).read_rows(stream.to_owned(), offset, Some(decoder));
    let rows = table::read(&mut reader).await.unwrap();
    assert_eq!(rows.len(), usize::try_from(50 - offset).unwrap());
    assert_eq!(reader.rows(), 50);
    server.calls().remove(0)
}

#[tokio::test]
async fn a_jobs_stream_is_asked_for_with_the_options_of_its_batches_and_a_sessions_stream_without() {
    let job = ReadClient::job_stream("p", "US", "job_1");
    assert_eq!(job, "projects/p/locations/US/jobs/job_1/streams/_default");
    let call = asked(&job, 0).await;
    assert_eq!(call.read::<ReadRowsRequest>().options, Some(Options { compression: 1, precision: 1 }));
    assert_eq!(asked(STREAM, 0).await.read::<ReadRowsRequest>().options, None);
}

#[tokio::test]
async fn a_stream_is_read_from_the_row_that_is_asked_for() {
    let call = asked(STREAM, 30).await;
    assert_eq!(call.read::<ReadRowsRequest>().offset, 30);
    assert_eq!(call.path, "/google.cloud.bigquery.storage.v1.BigQueryRead/ReadRows");
    let encoded = STREAM.replace('/', "%2F");
    assert_eq!(call.header("x-goog-request-params"), Some(format!("read_stream={encoded}").as_str()));
    assert_eq!(call.header("te"), Some("trailers"));
    assert_eq!(call.header("content-type"), Some("application/grpc"));
    assert_eq!(call.header("accept-encoding"), None);
}

#[tokio::test]
async fn a_stream_without_rows_ends_at_once_and_has_no_columns() {
    let server = Server::start(|_, _| Reply::messages::<table::ReadRowsResponse>(&[])).await;
    let mut reader = table::client(&server.url).read_rows(STREAM.to_owned(), 0, None);
    assert!(reader.next().await.unwrap().is_none());
    assert!(reader.next().await.unwrap().is_none());
    assert!(reader.schema().is_none());
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn rows_without_columns_are_an_error() {
    let server = Server::start(|_, _| Reply::messages(&[table::response(0..3)])).await;
    let mut reader = table::client(&server.url).read_rows(STREAM.to_owned(), 0, None);
    let error = reader.next().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedResponse);
    assert!(error.message().ends_with("it has rows and told no columns"), "{error}");
}

#[tokio::test]
async fn other_columns_than_before_are_an_error() {
    let other = Schema::new(vec![Field::new("other", DataType::Int64, true)]);
    let server = Server::start(|_, call| table::rows(call, 50, 7)).await;
    let decoder = ArrowDecoder::new(&table::serialized_schema(&other).bytes).unwrap();
    let mut reader = table::client(&server.url).read_rows(STREAM.to_owned(), 0, Some(decoder));
    let error = reader.next().await.unwrap_err();
    assert!(error.message().ends_with("its columns are others than before"), "{error}");
}

#[tokio::test]
async fn a_response_without_rows_is_read_over() {
    let server = Server::start(|_, call| {
        let mut responses = table::responses(call.read::<ReadRowsRequest>().offset, 50, 7);
        responses.insert(3, table::ReadRowsResponse { batch: None, rows: 0, schema: None });
        responses.push(table::ReadRowsResponse {
            batch: Some(Serialized { bytes: Bytes::new() }),
            rows: 0,
            schema: None,
        });
        Reply::messages(&responses)
    })
    .await;
    let mut reader = table::client(&server.url).read_rows(STREAM.to_owned(), 0, None);
    assert_eq!(table::read(&mut reader).await.unwrap().len(), 50);
}

/// A token with the project that its quota is taken from, as google-auth gives it.
struct WithQuotaProject;

#[async_trait]
impl TokenSource for WithQuotaProject {
    async fn fetch(&self, _force: bool) -> Result<Authorization> {
        let pairs = [("authorization", "Bearer secret"), ("x-goog-user-project", "quota")];
        Authorization::from_pairs(&pairs.map(|(name, value)| (name.to_owned(), value.to_owned())), None)
    }

    fn describe(&self) -> &'static str {
        "a user"
    }
}

#[tokio::test]
async fn the_token_and_the_quota_project_go_along() {
    let server = Server::start(|_, call| table::rows(call, 50, 7)).await;
    let client = table::client_with(&server.url, Arc::new(WithQuotaProject));
    table::read(&mut client.read_rows(STREAM.to_owned(), 0, None)).await.unwrap();
    let call = server.calls().remove(0);
    assert_eq!(call.header("authorization"), Some("Bearer secret"));
    assert_eq!(call.header("x-goog-user-project"), Some("quota"));
}

#[tokio::test]
async fn several_streams_are_read_side_by_side() {
    let server = Server::start(|_, call| table::rows(call, 2_000, 7)).await;
    let client = table::client(&server.url);
    let mut readers: Vec<_> =
        ["a", "b", "c"].map(|name| client.read_rows(name.to_owned(), 0, None)).into_iter().collect();
    let [first, second, third] = &mut readers[..] else { panic!("three readers") };
    let read = tokio::join!(table::read(first), table::read(second), table::read(third));
    for rows in [read.0, read.1, read.2] {
        assert_eq!(rows.unwrap(), (0..2_000).collect::<Vec<_>>());
    }
}
