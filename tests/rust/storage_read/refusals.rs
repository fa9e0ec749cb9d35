//! What tells a caller to take another way.

use async_trait::async_trait;
use http::StatusCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use streetlens_core::auth::{Authorization, StaticToken, TokenSource};
use streetlens_core::error::{Error, ErrorKind, Result};
use streetlens_core::settings::{Settings, SettingsInput};
use streetlens_core::stack::Stack;
use streetlens_core::transport::HttpPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use url::Url;

use crate::server::{End, Reply, Server};
use crate::table::{self, STREAM};

async fn refused(reply: impl Fn() -> Reply + Send + Sync + 'static) -> (Error, usize) {
    let server = Server::start(move |_, _| reply()).await;
    let mut reader = table::client(&server.url).read_rows(STREAM.to_owned(), 0, None);
    let error = table::read(&mut reader).await.unwrap_err();
    assert_eq!(reader.rows(), 0);
    (error, server.calls().len())
}

#[tokio::test]
async fn refusals_have_kinds_of_their_own_and_are_not_repeated() {
    for (code, kind, reason) in [
        (5, ErrorKind::NotFound, "NOT_FOUND"),
        (7, ErrorKind::PermissionDenied, "PERMISSION_DENIED"),
        (12, ErrorKind::InvalidRequest, "UNIMPLEMENTED"),
        (3, ErrorKind::InvalidRequest, "INVALID_ARGUMENT"),
    ] {
        let (error, calls) = refused(move || Reply::status(code, "no")).await;
        assert_eq!((error.kind(), calls), (kind, 1));
        assert_eq!(error.details().reason.as_deref(), Some(reason));
    }
}

#[tokio::test]
async fn a_server_without_grpc_is_told_from_one_that_refuses() {
    let page = |status, content_type| {
        move || Reply { status, content_type, ..Reply::status(0, "").ending(End::WithoutTrailers) }
    };
    let (error, calls) = refused(page(StatusCode::NOT_FOUND, "text/html")).await;
    assert_eq!((error.kind(), calls), (ErrorKind::InvalidRequest, 1));
    assert!(error.message().contains("does not speak it"), "{error}");
    let (error, _) = refused(page(StatusCode::OK, "text/html")).await;
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let (error, calls) = refused(page(StatusCode::SERVICE_UNAVAILABLE, "text/html")).await;
    assert_eq!((error.kind(), calls), (ErrorKind::Unavailable, 10));
}

#[tokio::test]
async fn a_server_that_knows_no_http_2_is_given_up_soon() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let mut server = JoinSet::new();
    server.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
            let _ = stream.write_all(b"HTTP/1.1 505 HTTP Version Not Supported\r\ncontent-length: 0\r\n\r\n").await;
        }
    });
    let mut reader = table::client(&url).read_rows(STREAM.to_owned(), 0, None);
    let error = table::read(&mut reader).await.unwrap_err();
    assert_eq!((error.kind(), error.details().attempts), (ErrorKind::Transport, 3), "{error}");
}

#[tokio::test]
async fn where_nobody_listens_the_request_is_unsent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let mut reader = table::client(&url).read_rows(STREAM.to_owned(), 0, None);
    let error = table::read(&mut reader).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Transport && error.is_unsent(), "{error}");
    assert_eq!(error.details().attempts, 3);
}

/// Gives `token-1`, `token-2`, and so on.
#[derive(Default)]
struct Counting(AtomicU32);

#[async_trait]
impl TokenSource for Counting {
    async fn fetch(&self, _force: bool) -> Result<Authorization> {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        Authorization::bearer(&format!("token-{number}"), None)
    }

    fn describe(&self) -> &'static str {
        "a counter"
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once() {
    let server = Server::start(|_, call| match call.header("authorization") {
        Some("Bearer token-2") => table::rows(call, 50, 7),
        _ => Reply::status(16, "expired"),
    })
    .await;
    let mut reader =
        table::client_with(&server.url, Arc::new(Counting::default())).read_rows(STREAM.to_owned(), 0, None);
    assert_eq!(table::read(&mut reader).await.unwrap().len(), 50);
    let tokens: Vec<_> = server.calls().iter().map(|call| call.header("authorization").map(str::to_owned)).collect();
    assert_eq!(tokens, [Some("Bearer token-1".to_owned()), Some("Bearer token-2".to_owned())]);
}

#[tokio::test]
async fn a_second_refusal_is_one_of_the_credentials() {
    let server = Server::start(|_, _| Reply::status(16, "expired")).await;
    let mut reader =
        table::client_with(&server.url, Arc::new(Counting::default())).read_rows(STREAM.to_owned(), 0, None);
    let error = table::read(&mut reader).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    let expected = "BigQuery Storage refused the credentials, also after one renewal (a counter)";
    assert!(error.message().starts_with(expected), "{error}");
    assert_eq!(server.calls().len(), 2);
}

#[tokio::test]
async fn a_token_that_cannot_be_renewed_is_not_sent_twice() {
    let server = Server::start(|_, _| Reply::status(16, "expired")).await;
    let source = Arc::new(StaticToken::new("given"));
    let mut reader = table::client_with(&server.url, source).read_rows(STREAM.to_owned(), 0, None);
    let error = table::read(&mut reader).await.unwrap_err();
    assert!(error.message().contains("may have expired") && !error.to_string().contains("given "), "{error}");
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn a_token_never_goes_over_plain_http_to_another_machine() {
    let url = Url::parse("http://bigquerystorage.example.com/").unwrap();
    let mut reader = table::client_with(&url, Arc::new(Counting::default())).read_rows(STREAM.to_owned(), 0, None);
    let error = table::read(&mut reader).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(error.message(), "refused to send a token to `bigquerystorage.example.com` over unencrypted http");
}

fn is_available(endpoints: &[(&str, &str)], environment: &[(&str, &str)]) -> bool {
    let input = SettingsInput {
        project: Some("demo".into()),
        endpoints: endpoints.iter().map(|(name, url)| ((*name).to_owned(), (*url).to_owned())).collect(),
        ..SettingsInput::default()
    };
    let settings = Settings::resolve_with(&input, &|name| {
        let home = [("HOME", "/me")];
        environment.iter().chain(&home).find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    });
    let stack = Stack::new(Arc::new(HttpPool::new(None).unwrap()), Arc::new(StaticToken::new("t")));
    streetlens_core::bigquery::read::ReadClient::new(stack, &settings.unwrap()).unwrap().is_available()
}

#[test]
fn rows_of_another_bigquery_are_not_looked_for_at_google() {
    const LOCAL: &str = "http://localhost:9050";
    assert!(is_available(&[], &[]));
    assert!(!is_available(&[("bigquery", LOCAL)], &[]));
    assert!(!is_available(&[], &[("BIGQUERY_EMULATOR_HOST", "localhost:9050")]));
    assert!(is_available(&[], &[("STREETLENS_ENDPOINT", LOCAL)]));
    assert!(is_available(&[("bigquery", LOCAL), ("bigquery_storage", LOCAL)], &[]));
}
