//! The path of every request, in one visible order: retry → authorization → transport.

use http::{HeaderMap, StatusCode};
use std::sync::Arc;

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
            if response.status.is_success() { decode(&response) } else { Err((request.decode_error)(&response)) }
        })
        .await;
        Exchange { result, attempts }
    }

    /// One attempt; a 401 renews the token once and replays once, outside the retry budget. A 403 never does.
    async fn authorized(&self, request: &Request) -> Result<Response> {
        let lease = self.tokens.current().await?;
        let response = self.carry(request, &lease.authorization.headers).await?;
        if response.status != StatusCode::UNAUTHORIZED {
            return Ok(response);
        }
        if !self.tokens.source().can_refresh() {
            return Err(self.refused(request, &response));
        }
        let renewed = self.tokens.renew_after(&lease).await?;
        let response = self.carry(request, &renewed.authorization.headers).await?;
        if response.status == StatusCode::UNAUTHORIZED {
            return Err(self.refused(request, &response));
        }
        Ok(response)
    }

    async fn carry(&self, request: &Request, headers: &HeaderMap) -> Result<Response> {
        if request.url.scheme() != "https" && !headers.is_empty() && !is_loopback(&request.url) {
            let host = request.url.host_str().unwrap_or_default();
            return Err(Error::new(
                ErrorKind::Configuration,
                format!("refused to send a token to `{host}` over unencrypted http"),
            )
            .with_scope(crate::error::Scope::Run)
            .with_hint("use an https endpoint, a loopback address, or `credentials=\"anonymous\"`"));
        }
        self.transport.exchange(request, headers).await
    }

    fn refused(&self, request: &Request, response: &Response) -> Error {
        let said = (request.decode_error)(response);
        let source = self.tokens.source();
        let (problem, hint) = if source.describe() == "anonymous" {
            ("asks for credentials, and none were given", "leave `credentials` out to use google-auth, or pass some")
        } else if source.can_refresh() {
            ("refused the credentials, also after one renewal", "sign in again, or pass other credentials")
        } else {
            ("refused the access token, which may have expired", "pass a new token, or credentials that can renew it")
        };
        let mut message = format!("{} {problem} ({})", request.service, source.describe());
        if !said.message().is_empty() {
            message.push_str(": ");
            message.push_str(said.message());
        }
        Error::new(ErrorKind::Authentication, message)
            .with_service(request.service, 401)
            .with_reason(said.details().reason.clone())
            .with_scope(crate::error::Scope::Run)
            .with_hint(hint)
    }
}
