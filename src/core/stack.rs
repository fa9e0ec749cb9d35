//! The path of every request, in one visible order: retry → authorization → transport.

use http::{HeaderMap, StatusCode};
use std::future::Future;
use std::sync::Arc;
use url::Url;

pub use crate::auth::Lease;

use crate::auth::{TokenCache, TokenSource};
use crate::error::{Error, ErrorKind, Result};
use crate::retry::{self, Clock, RetryPolicy, SystemClock};
use crate::settings::is_loopback;
use crate::transport::{Request, Response, Transport};

/// Sends requests for every service of one client.
#[derive(Clone)]
pub struct Stack {
    transport: Arc<dyn Transport>,
    tokens: Arc<TokenCache>,
    clock: Arc<dyn Clock>,
    policy: RetryPolicy,
}

/// A decoded answer and what it took to get it.
#[derive(Debug)]
pub struct Exchange<T> {
    /// The decoded answer, or the error of the last attempt.
    pub result: Result<T>,
    /// How often the request was sent.
    pub attempts: u32,
}

impl Stack {
    /// A stack over one transport and one source of tokens.
    #[must_use]
    pub fn new(transport: Arc<dyn Transport>, source: Arc<dyn TokenSource>) -> Self {
        Self {
            transport,
            tokens: Arc::new(TokenCache::new(source)),
            clock: Arc::new(SystemClock),
            policy: RetryPolicy::default(),
        }
    }

    /// The same stack with other retry limits.
    #[must_use]
    pub fn with_policy(mut self, policy: RetryPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// The same stack with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The retry limits in force.
    #[must_use]
    pub fn policy(&self) -> RetryPolicy {
        self.policy
    }

    /// The kind of credentials in words.
    #[must_use]
    pub fn describe_credentials(&self) -> String {
        self.tokens.source().describe().to_owned()
    }

    /// Sends a request until `decode` accepts an answer; an unreadable answer counts as a failed attempt.
    pub async fn send<T>(&self, request: &Request, decode: impl Fn(&Response) -> Result<T>) -> Result<T> {
        self.exchange(request, decode).await.result
    }

    /// [`Stack::send`] that also tells the number of attempts.
    pub async fn exchange<T>(&self, request: &Request, decode: impl Fn(&Response) -> Result<T>) -> Exchange<T> {
        let decode = &decode;
        let (result, attempts) = retry::run(&self.policy, self.clock.as_ref(), || async move {
            let response = self.authorized(request).await?;
            if (request.is_answer)(response.status) {
                decode(&response)
            } else {
                Err((request.decode_error)(&response))
            }
        })
        .await;
        Exchange { result, attempts }
    }

    /// Repeats an operation of several requests under the limits of one; its requests must not be repeated themselves.
    pub async fn repeat<T, Operation, Attempt>(&self, operation: Operation) -> Result<T>
    where
        Operation: FnMut() -> Attempt,
        Attempt: Future<Output = Result<T>>,
    {
        retry::run(&self.policy, self.clock.as_ref(), operation).await.0
    }

    /// Calls `send` with the headers that authorize it until it succeeds or the policy ends it: the way of requests that
    /// the transport does not carry, as gRPC calls. An `Authentication` error renews the token once and replays once.
    pub async fn call<T, Answer: Future<Output = Result<T>>>(
        &self,
        service: &'static str,
        url: &Url,
        send: impl Fn(HeaderMap) -> Answer,
    ) -> Result<T> {
        let send = &send;
        let (result, _) = retry::run(&self.policy, self.clock.as_ref(), || async move {
            let lease = self.lease(url).await?;
            match send(lease.authorization.headers.clone()).await {
                Err(error) if error.kind() == ErrorKind::Authentication => {
                    let renewed = self.renew(service, &lease, error).await?;
                    let replayed = send(renewed.authorization.headers.clone()).await;
                    replayed.map_err(|error| self.unless_refused(service, error))
                }
                other => other,
            }
        })
        .await;
        result
    }

    /// The headers that authorize a stream, checked to be fit for where they are sent.
    pub async fn lease(&self, url: &Url) -> Result<Lease> {
        let lease = self.tokens.current().await.map_err(without_token)?;
        check_encrypted(url, &lease.authorization.headers)?;
        Ok(lease)
    }

    /// Other headers than those that were refused with `refusal`, or the error that this is.
    pub async fn renew(&self, service: &'static str, refused: &Lease, refusal: Error) -> Result<Lease> {
        if !self.tokens.source().can_refresh() {
            return Err(self.refused(service, &refusal));
        }
        tracing::debug!(service, "the token was refused, and is renewed");
        self.tokens.renew_after(refused).await.map_err(without_token)
    }

    /// What an error is after the token was renewed: another refusal is one of the credentials.
    #[must_use]
    pub fn unless_refused(&self, service: &'static str, error: Error) -> Error {
        if error.kind() == ErrorKind::Authentication { self.refused(service, &error) } else { error }
    }

    /// Time and chance, for those who wait between attempts of their own.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }

    /// One attempt; a 401 renews the token once and replays once, outside the retry budget. A 403 never does.
    async fn authorized(&self, request: &Request) -> Result<Response> {
        let lease = self.tokens.current().await.map_err(without_token)?;
        let response = self.carry(request, &lease.authorization.headers).await?;
        if response.status != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        if !self.tokens.source().can_refresh() {
            return Err(self.refused(request.service, &(request.decode_error)(&response)));
        }
        tracing::debug!(service = request.service, "the token was refused, and is renewed");
        let renewed = self.tokens.renew_after(&lease).await.map_err(without_token)?;
        let response = self.carry(request, &renewed.authorization.headers).await?;
        if response.status == StatusCode::UNAUTHORIZED {
            return Err(self.refused(request.service, &(request.decode_error)(&response)));
        }
        Ok(response)
    }

    async fn carry(&self, request: &Request, headers: &HeaderMap) -> Result<Response> {
        check_encrypted(&request.url, headers)?;
        let sent = self.clock.now();
        let result = self.transport.exchange(request, headers).await;
        let milliseconds = (self.clock.now() - sent).as_millis();
        // The query of an address may hold a signature.
        let (service, host, path) = (request.service, request.url.host_str(), request.url.path());
        match &result {
            Ok(response) => {
                let (status, bytes) = (response.status.as_u16(), response.body.len());
                tracing::debug!(service, method = %request.method, host, path, status, bytes, milliseconds, "answered");
            }
            Err(error) => {
                tracing::debug!(service, method = %request.method, host, path, milliseconds, %error, "not answered");
            }
        }
        result
    }

    fn refused(&self, service: &'static str, said: &Error) -> Error {
        let source = self.tokens.source();
        let (problem, hint) = if source.describe() == "anonymous" {
            ("asks for credentials, and none were given", "leave `credentials` out to use google-auth, or pass some")
        } else if source.can_refresh() {
            ("refused the credentials, also after one renewal", "sign in again, or pass other credentials")
        } else {
            ("refused the access token, which may have expired", "pass a new token, or credentials that can renew it")
        };
        let mut message = format!("{service} {problem} ({})", source.describe());
        if !said.message().is_empty() {
            message.push_str(": ");
            message.push_str(said.message());
        }
        Error::new(ErrorKind::Authentication, message)
            .with_service(service, 401)
            .with_reason(said.details().reason.clone())
            .with_scope(crate::error::Scope::Run)
            .with_hint(hint)
    }
}

/// A token never goes over plain http except to this machine.
fn check_encrypted(url: &Url, headers: &HeaderMap) -> Result<()> {
    if url.scheme() == "https" || headers.is_empty() || is_loopback(url) {
        return Ok(());
    }
    let host = url.host_str().unwrap_or_default();
    let message = format!("refused to send a token to `{host}` over unencrypted http");
    Err(Error::new(ErrorKind::Configuration, message)
        .with_scope(crate::error::Scope::Run)
        .with_hint("use an https endpoint, a loopback address, or `credentials=\"anonymous\"`"))
}

/// Without a token no request of a run can go.
fn without_token(error: Error) -> Error {
    error.with_scope(crate::error::Scope::Run)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Anonymous, Authorization, StaticToken};
    use async_trait::async_trait;
    use bytes::Bytes;
    use std::collections::VecDeque;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};
    use url::Url;

    /// Answers with the given statuses in order, then with 200, and remembers what authorized each request.
    #[derive(Default)]
    struct Script {
        statuses: Mutex<VecDeque<u16>>,
        seen: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Transport for Script {
        async fn exchange(&self, _request: &Request, headers: &HeaderMap) -> Result<Response> {
            let authorization = headers.get("authorization").map_or("", |value| value.to_str().unwrap());
            self.seen.lock().unwrap().push(authorization.to_owned());
            let status = self.statuses.lock().unwrap().pop_front().unwrap_or(200);
            let status = StatusCode::from_u16(status).unwrap();
            Ok(Response { status, headers: HeaderMap::new(), body: Bytes::from_static(b"said the server") })
        }
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

    fn decode_error(response: &Response) -> Error {
        let kind = if response.status == StatusCode::FORBIDDEN {
            ErrorKind::PermissionDenied
        } else {
            ErrorKind::InvalidRequest
        };
        Error::new(kind, String::from_utf8_lossy(&response.body))
    }

    async fn ask(statuses: &[u16], source: Arc<dyn TokenSource>, url: &str) -> (Result<()>, Vec<String>) {
        let script = Arc::new(Script::default());
        script.statuses.lock().unwrap().extend(statuses);
        let stack = Stack::new(Arc::clone(&script) as _, source);
        let request = Request::get("BigQuery", Url::parse(url).unwrap(), decode_error);
        let result = stack.send(&request, |_| Ok(())).await;
        let seen = script.seen.lock().unwrap().clone();
        (result, seen)
    }

    const GOOGLE: &str = "https://bigquery.googleapis.com/";

    #[tokio::test]
    async fn a_401_renews_the_token_once_and_replays_once() {
        let (result, seen) = ask(&[401], Arc::new(Counting::default()), GOOGLE).await;
        assert!(result.is_ok());
        assert_eq!(seen, ["Bearer token-1", "Bearer token-2"]);
    }

    #[tokio::test]
    async fn a_second_401_is_an_authentication_error_that_names_the_credentials_and_what_was_said() {
        let (result, seen) = ask(&[401, 401], Arc::new(Counting::default()), GOOGLE).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication);
        assert_eq!(
            error.message(),
            "BigQuery refused the credentials, also after one renewal (a counter): said the server"
        );
        assert!(error.stops_the_run());
        assert_eq!(seen.len(), 2);
    }

    #[tokio::test]
    async fn a_replay_that_is_answered_otherwise_is_read_as_any_answer() {
        let (result, seen) = ask(&[401, 403], Arc::new(Counting::default()), GOOGLE).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(seen.len(), 2);
    }

    #[tokio::test]
    async fn a_403_never_renews_the_token() {
        let (result, seen) = ask(&[403], Arc::new(Counting::default()), GOOGLE).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(seen, ["Bearer token-1"]);
    }

    #[tokio::test]
    async fn a_static_token_is_not_tried_again() {
        let (result, seen) = ask(&[401], Arc::new(StaticToken::new("given")), GOOGLE).await;
        let error = result.unwrap_err();
        assert!(error.message().contains("may have expired"), "{error}");
        assert_eq!(error.details().hint.as_deref(), Some("pass a new token, or credentials that can renew it"));
        assert_eq!(seen, ["Bearer given"]);
    }

    #[tokio::test]
    async fn without_credentials_a_401_says_that_none_were_given() {
        let (result, seen) = ask(&[401], Arc::new(Anonymous), GOOGLE).await;
        let error = result.unwrap_err();
        assert!(error.message().contains("none were given"), "{error}");
        assert_eq!(seen, [""]);
    }

    #[tokio::test]
    async fn credentials_that_give_no_token_stop_a_run_before_anything_is_sent() {
        let (result, seen) = ask(&[], Arc::new(StaticToken::new("two\nlines")), GOOGLE).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication);
        assert!(error.stops_the_run());
        assert_eq!(seen, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_token_never_goes_over_plain_http_to_another_machine() {
        let (result, seen) = ask(&[], Arc::new(Counting::default()), "http://bigquery.example.com/").await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert_eq!(error.message(), "refused to send a token to `bigquery.example.com` over unencrypted http");
        assert_eq!(seen, Vec::<String>::new());
    }

    #[tokio::test]
    async fn a_token_goes_over_plain_http_to_this_machine() {
        for url in ["http://127.0.0.1:9050/", "http://[::1]:9050/", "http://localhost:9050/", "http://a.localhost/"] {
            let (result, seen) = ask(&[], Arc::new(Counting::default()), url).await;
            assert!(result.is_ok(), "{url}");
            assert_eq!(seen, ["Bearer token-1"]);
        }
    }

    #[tokio::test]
    async fn plain_http_without_a_token_is_nobodys_business() {
        let (result, seen) = ask(&[], Arc::new(Anonymous), "http://bigquery.example.com/").await;
        assert!(result.is_ok());
        assert_eq!(seen, [""]);
    }
}
