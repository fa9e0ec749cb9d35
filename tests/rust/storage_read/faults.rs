//! Streams that break: every row arrives, once, in its order, or there is an error.

use bytes::Bytes;
use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;
use streetlens_core::error::{Error, ErrorKind};

use crate::server::{Breaking, Call, End, Reply, Server, trailers};
use crate::table::{self, ReadRowsRequest, STREAM};

/// Reads fifty rows from a server whose first answer is this; tells the rows or the error, and the offsets asked for.
async fn after(first: impl Fn(&Call) -> Reply + Send + Sync + 'static) -> (Result<Vec<i64>, Error>, Vec<i64>) {
    let server =
        Server::start(move |number, call| if number == 0 { first(call) } else { table::rows(call, 50, 7) }).await;
    let mut reader = table::client(&server.url).read_rows(STREAM.to_owned(), 0, None);
    let rows = table::read(&mut reader).await;
    let offsets = server.calls().iter().map(|call| call.read::<ReadRowsRequest>().offset).collect();
    (rows, offsets)
}

fn all() -> Vec<i64> {
    (0..50).collect()
}

/// Three responses of seven rows, and this end.
fn three(call: &Call, end: End) -> Reply {
    let offset = call.read::<ReadRowsRequest>().offset;
    Reply::messages(&table::responses(offset, 21, 7)).ending(end)
}

#[tokio::test]
async fn a_stream_without_faults_is_read_with_one_call() {
    let (rows, offsets) = after(|call| table::rows(call, 50, 7)).await;
    assert_eq!((rows.unwrap(), offsets), (all(), vec![0]));
}

#[tokio::test]
async fn a_status_that_passes_is_followed_by_the_rest_of_the_rows() {
    for (code, message) in [(1, ""), (2, ""), (4, ""), (10, ""), (13, "Received RST_STREAM with code 2"), (14, "")] {
        let (rows, offsets) = after(move |call| three(call, End::Trailers(trailers(code, message, None)))).await;
        assert_eq!((rows.unwrap(), offsets), (all(), vec![0, 21]), "status {code}");
    }
}

#[tokio::test]
async fn a_stream_that_is_reset_goes_on_behind_the_rows_that_came() {
    use h2::Reason;
    for reason in
        [Reason::NO_ERROR, Reason::CANCEL, Reason::INTERNAL_ERROR, Reason::REFUSED_STREAM, Reason::ENHANCE_YOUR_CALM]
    {
        let (rows, offsets) = after(move |call| three(call, End::Reset(reason))).await;
        assert_eq!(rows.unwrap(), all(), "{reason:?}");
        assert!(offsets.len() == 2 && offsets[1] % 7 == 0, "{reason:?}: {offsets:?}");
    }
}

#[tokio::test]
async fn an_end_without_a_status_is_no_end() {
    let (rows, offsets) = after(|call| three(call, End::WithoutTrailers)).await;
    assert_eq!((rows.unwrap(), offsets), (all(), vec![0, 21]));
}

/// How the first answer on a stream of this name ends, and after how many bytes: `1234-14` with a status.
fn named_end(stream: &str) -> (usize, End) {
    let (cut, status) = stream.rsplit_once('/').expect("a path").1.split_once('-').expect("a cut and an end");
    let end = match status {
        "" => End::WithoutTrailers,
        code => End::Trailers(trailers(code.parse().expect("a status"), "", None)),
    };
    (cut.parse().expect("a number"), end)
}

#[tokio::test]
async fn a_stream_that_ends_anywhere_goes_on_with_the_first_row_that_is_missing() {
    let seen = Mutex::new(HashSet::new());
    let server = Server::start(move |_, call| {
        let stream = call.read::<ReadRowsRequest>().stream;
        let (cut, end) = named_end(&stream);
        let is_first = seen.lock().unwrap().insert(stream);
        if is_first { three(call, end).cut(cut) } else { table::rows(call, 50, 7) }
    })
    .await;
    let client = table::client(&server.url);
    let length = Reply::messages(&table::responses(0, 21, 7)).body.len();
    for (cut, status) in (0..length).step_by(3).flat_map(|cut| [(cut, ""), (cut, "14"), (cut, "0")]) {
        // That is how a stream without rows ends, and rightly so.
        if (cut, status) == (0, "0") {
            continue;
        }
        let stream = format!("projects/p/locations/us/sessions/s/streams/{cut}-{status}");
        let whole_messages_and_ok = status == "0" && is_between(cut);
        let rows = table::read(&mut client.read_rows(stream, 0, None)).await.unwrap();
        if whole_messages_and_ok {
            assert_eq!(rows, (0..i64::try_from(rows.len()).unwrap()).collect::<Vec<_>>());
        } else {
            assert_eq!(rows, all(), "cut after {cut} bytes, then `{status}`");
        }
    }
}

/// Whether a stream of three responses that is cut there ends between two of them.
fn is_between(cut: usize) -> bool {
    let responses = table::responses(0, 21, 7);
    (0..3).any(|count| Reply::messages(&responses[..count]).body.len() == cut)
}

#[tokio::test]
async fn a_connection_that_breaks_after_any_byte_costs_no_row() {
    let server = Server::start(|_, call| table::rows(call, 50, 7)).await;
    let mut bytes = 0;
    loop {
        let way = Breaking::start(&server, bytes).await;
        let client = table::client(&way.url);
        let mut reader = client.read_rows(STREAM.to_owned(), 0, None);
        assert_eq!(table::read(&mut reader).await.unwrap(), all(), "broken after {bytes} bytes");
        if way.passed().is_empty() {
            // The first connection is open still: it was not broken any more.
            break;
        }
        bytes += 23;
    }
    assert!(bytes > 3_000, "only {bytes} bytes were tried");
}

#[tokio::test]
async fn a_stream_that_always_breaks_is_given_up_after_ten_attempts_without_a_row() {
    let server = Server::start(|_, _| Reply::status(14, "later")).await;
    let mut reader = table::client(&server.url).read_rows(STREAM.to_owned(), 0, None);
    let error = table::read(&mut reader).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.message(), format!("reading the stream `{STREAM}`: later"));
    assert_eq!((error.details().attempts, server.calls().len()), (10, 10));
}

#[tokio::test]
async fn a_stream_that_breaks_after_every_response_is_read_to_its_end() {
    let server = Server::start(|_, call| {
        let offset = call.read::<ReadRowsRequest>().offset;
        let mut responses = table::responses(offset, 50, 1);
        responses.truncate(1);
        let end = if responses.is_empty() { 0 } else { 14 };
        Reply::messages(&responses).ending(End::Trailers(trailers(end, "", None)))
    })
    .await;
    let mut reader = table::client(&server.url).read_rows(STREAM.to_owned(), 0, None);
    assert_eq!(table::read(&mut reader).await.unwrap(), all());
    assert_eq!(server.calls().len(), 51);
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left_and_asked_again() {
    let server =
        Server::start(|number, call| if number == 0 { three(call, End::Silence) } else { table::rows(call, 50, 7) })
            .await;
    let client = table::client(&server.url).with_stall(Duration::from_millis(200));
    let mut reader = client.read_rows(STREAM.to_owned(), 0, None);
    assert_eq!(table::read(&mut reader).await.unwrap(), all());
    assert_eq!(server.calls().len(), 2);
}

#[tokio::test]
async fn a_reader_that_is_dropped_ends_its_call() {
    let server = Server::start(|_, call| three(call, End::Silence)).await;
    let client = table::client(&server.url);
    let mut reader = client.read_rows(STREAM.to_owned(), 0, None);
    assert_eq!(reader.next().await.unwrap().expect("rows").num_rows(), 7);
    assert_eq!(reader.rows(), 7);
    drop(reader);
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while server.resets() == 0 {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("the server hears of it");
}

#[tokio::test]
async fn rows_that_are_damaged_are_an_error_and_not_asked_for_again() {
    let (rows, offsets) = after(|call| {
        let mut responses = table::responses(call.read::<ReadRowsRequest>().offset, 21, 7);
        responses[2].batch = Some(table::Serialized { bytes: Bytes::from_static(b"not Arrow at all") });
        Reply::messages(&responses)
    })
    .await;
    let error = rows.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MalformedResponse);
    assert!(error.message().starts_with(&format!("reading the stream `{STREAM}`: ")), "{error}");
    assert_eq!(offsets, [0]);
}

#[tokio::test]
async fn a_response_that_counts_other_rows_than_it_has_is_an_error() {
    let (rows, _) = after(|call| {
        let mut responses = table::responses(call.read::<ReadRowsRequest>().offset, 21, 7);
        responses[1].rows = 8;
        Reply::messages(&responses)
    })
    .await;
    let error = rows.unwrap_err();
    assert_eq!(error.message(), format!("reading the stream `{STREAM}`: a response counts 8 rows and has 7"));
}

#[tokio::test]
async fn the_rows_before_a_failure_are_given_and_counted_and_the_failure_stays() {
    let server = Server::start(|_, call| three(call, End::Trailers(trailers(7, "no more", None)))).await;
    let mut reader = table::client(&server.url).read_rows(STREAM.to_owned(), 0, None);
    for _ in 0..3 {
        assert!(reader.next().await.unwrap().is_some());
    }
    assert_eq!(reader.next().await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!(reader.next().await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    assert_eq!((reader.rows(), server.calls().len()), (21, 1));
}

#[tokio::test]
async fn a_call_of_next_that_is_given_up_loses_no_row() {
    let server =
        Server::start(|number, call| if number == 0 { three(call, End::Silence) } else { table::rows(call, 50, 7) })
            .await;
    let client = table::client(&server.url).with_stall(Duration::from_millis(500));
    let mut reader = client.read_rows(STREAM.to_owned(), 0, None);
    for _ in 0..3 {
        assert_eq!(reader.next().await.unwrap().expect("rows").num_rows(), 7);
    }
    let fourth = tokio::time::timeout(Duration::from_millis(20), reader.next()).await;
    assert!(fourth.is_err(), "the server is silent");
    assert_eq!(table::read(&mut reader).await.unwrap(), (21..50).collect::<Vec<_>>());
}
