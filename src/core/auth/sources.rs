//! Credentials that need nobody: none at all, or a token given as it is.

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use super::{Authorization, TokenSource};
use crate::error::Result;

/// No credentials, for emulators.
#[derive(Debug, Default)]
pub struct Anonymous;

#[async_trait]
impl TokenSource for Anonymous {
    async fn fetch(&self, _force: bool) -> Result<Authorization> {
        Ok(Authorization::default())
    }

    fn describe(&self) -> &'static str {
        "anonymous"
    }

    fn can_refresh(&self) -> bool {
        false
    }
}

/// An access token given by the user, which nobody here can renew.
#[derive(Debug)]
pub struct StaticToken(SecretString);

impl StaticToken {
    /// Holds the token, which is never shown.
    pub fn new(token: impl Into<SecretString>) -> Self {
        Self(token.into())
    }
}

#[async_trait]
impl TokenSource for StaticToken {
    async fn fetch(&self, _force: bool) -> Result<Authorization> {
        Authorization::bearer(self.0.expose_secret().trim(), None)
    }

    fn describe(&self) -> &'static str {
        "a static access token"
    }

    fn can_refresh(&self) -> bool {
        false
    }
}
