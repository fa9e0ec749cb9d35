//! Credentials: where a token comes from, and one cache that refreshes it once for everybody.

mod cache;
mod google;
mod sources;

use async_trait::async_trait;
use http::HeaderMap;
use std::time::SystemTime;

pub use cache::{Lease, TokenCache};
pub use google::GcpAuth;
pub use sources::{Anonymous, StaticToken};

use crate::error::Result;

/// OAuth scope every service of this crate is covered by.
pub const CLOUD_PLATFORM: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Gives the headers that authorize a request.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// Fetches headers; `force` asks for new ones although the old ones look valid.
    async fn fetch(&self, force: bool) -> Result<Authorization>;

    /// The kind of credentials in words, without any secret.
    fn describe(&self) -> &str;

    /// Whether fetching again can give another token.
    fn can_refresh(&self) -> bool {
        true
    }
}

/// Headers that authorize a request, all marked sensitive, and how long they hold.
#[derive(Clone, Default)]
pub struct Authorization {
    /// Headers to send.
    pub headers: HeaderMap,
    /// Wall-clock end of validity; `None` means unknown or never.
    pub expires_at: Option<SystemTime>,
}

impl Authorization {
    /// Headers from names and values, as credentials libraries give them.
    pub fn from_pairs(pairs: &[(String, String)], expires_at: Option<SystemTime>) -> Result<Self> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name = name.parse::<http::HeaderName>().map_err(|_| malformed("header name"))?;
            let mut value = value.parse::<http::HeaderValue>().map_err(|_| malformed("token"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(Self { headers, expires_at })
    }

    /// A bearer token.
    pub fn bearer(token: &str, expires_at: Option<SystemTime>) -> Result<Self> {
        Self::from_pairs(&[("authorization".to_owned(), format!("Bearer {token}"))], expires_at)
    }
}

impl std::fmt::Debug for Authorization {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Authorization")
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

fn malformed(what: &str) -> crate::error::Error {
    crate::error::Error::new(
        crate::error::ErrorKind::Authentication,
        format!("the credentials gave a {what} that cannot be sent in an HTTP header"),
    )
    .with_hint("pass the bare access token, without line breaks")
}
