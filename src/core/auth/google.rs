//! Credentials found by the `gcp_auth` crate, without Python.

use async_trait::async_trait;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

use super::{Authorization, CLOUD_PLATFORM, TokenSource};
use crate::error::{Error, ErrorKind, Result};

/// `gcp_auth` has no timeouts of its own.
const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

/// Service account keys, gcloud's user credentials, the metadata server or the gcloud program.
#[derive(Default)]
pub struct GcpAuth {
    provider: Mutex<Option<Arc<dyn gcp_auth::TokenProvider>>>,
}

#[async_trait]
impl TokenSource for GcpAuth {
    async fn fetch(&self, force: bool) -> Result<Authorization> {
        let work = async {
            let provider = self.provider(force).await?;
            provider.token(&[CLOUD_PLATFORM]).await
        };
        let token = tokio::time::timeout(FETCH_TIMEOUT, work)
            .await
            .map_err(|_| Error::new(ErrorKind::Authentication, "the native credentials gave no token within 30 s"))?
            .map_err(|error| {
                Error::new(ErrorKind::Authentication, format!("the native credentials gave no token: {error}"))
                    .with_hint(
                        "`credentials=\"native\"` knows service account keys, `gcloud auth application-default login` \
                         and the metadata server; leave `credentials` out to use google-auth, which knows more kinds",
                    )
                    .with_source(error)
            })?;
        Authorization::bearer(token.as_str(), Some(SystemTime::from(token.expires_at())))
    }

    fn describe(&self) -> &'static str {
        "native credentials (gcp_auth)"
    }
}

impl GcpAuth {
    /// The crate keeps its tokens to itself and cannot be told that one is bad, so a forced fetch starts over.
    async fn provider(&self, force: bool) -> std::result::Result<Arc<dyn gcp_auth::TokenProvider>, gcp_auth::Error> {
        let mut slot = self.provider.lock().await;
        if let Some(provider) = slot.as_ref().filter(|_| !force) {
            return Ok(Arc::clone(provider));
        }
        let provider = gcp_auth::provider().await?;
        *slot = Some(Arc::clone(&provider));
        Ok(provider)
    }
}
