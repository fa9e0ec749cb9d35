//! One token for everybody: fetched once, renewed in the background before it expires.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

use super::{Authorization, TokenSource};
use crate::error::{Error, Result};

/// With less than this left a token is renewed in the background; google-auth's threshold (`REFRESH_THRESHOLD`).
const STALE_BELOW: Duration = Duration::from_secs(225);
/// With less than this left a request waits for the new token.
const INVALID_BELOW: Duration = Duration::from_secs(20);

/// A failure is told to everybody who waited for the same fetch, and forgotten soon after.
const FAILURE_HOLDS: Duration = Duration::from_secs(2);

/// Tells the wall-clock time; an argument, because a monotonic clock stands still while a laptop sleeps.
pub(crate) type Now = fn() -> SystemTime;

/// Hands out the current authorization of one [`TokenSource`].
pub struct TokenCache {
    state: Arc<State>,
}

struct State {
    source: Arc<dyn TokenSource>,
    current: RwLock<Option<Lease>>,
    /// Held by the one who fetches; remembers a failure for those who waited meanwhile.
    refresh: Mutex<Option<(SystemTime, Error)>>,
    now: Now,
}

/// An authorization and its generation, which tells whether somebody renewed it meanwhile.
#[derive(Clone, Debug)]
pub struct Lease {
    /// The headers to send.
    pub authorization: Authorization,
    generation: u64,
}

impl TokenCache {
    /// A cache over `source`; nothing is fetched yet.
    #[must_use]
    pub fn new(source: Arc<dyn TokenSource>) -> Self {
        Self::with_clock(source, SystemTime::now)
    }

    /// [`TokenCache::new`] with the clock as an argument.
    #[must_use]
    pub(crate) fn with_clock(source: Arc<dyn TokenSource>, now: Now) -> Self {
        let state = State { source, current: RwLock::new(None), refresh: Mutex::new(None), now };
        Self { state: Arc::new(state) }
    }

    /// The source behind the cache.
    #[must_use]
    pub fn source(&self) -> &dyn TokenSource {
        self.state.source.as_ref()
    }

    /// A usable authorization; waits only where there is none.
    pub async fn current(&self) -> Result<Lease> {
        let Some(lease) = self.state.read() else {
            return self.state.renew(0, false).await;
        };
        match lease.time_left((self.state.now)()) {
            Some(left) if left < INVALID_BELOW => self.state.renew(lease.generation, false).await,
            Some(left) if left < STALE_BELOW => {
                self.renew_in_background(lease.generation);
                Ok(lease)
            }
            _ => Ok(lease),
        }
    }

    /// A new authorization, unless somebody renewed `refused` meanwhile.
    pub async fn renew_after(&self, refused: &Lease) -> Result<Lease> {
        self.state.renew(refused.generation, true).await
    }

    fn renew_in_background(&self, generation: u64) {
        if self.state.refresh.try_lock().is_err() {
            return;
        }
        let state = Arc::clone(&self.state);
        tokio::spawn(async move {
            if let Err(error) = state.renew(generation, false).await {
                // The old token still holds; the request that finds it expired reports the failure.
                tracing::warn!(credentials = state.source.describe(), %error, "the token could not be renewed ahead of time");
            }
        });
    }
}

impl State {
    fn read(&self) -> Option<Lease> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn renew(&self, seen: u64, force: bool) -> Result<Lease> {
        let mut single_flight = self.refresh.lock().await;
        if let Some(lease) = self.read().filter(|lease| lease.generation > seen) {
            return Ok(lease);
        }
        if let Some(error) = self.recent_failure(single_flight.as_ref()) {
            return Err(error);
        }
        match fetch_patiently(self.source.as_ref(), force).await {
            Ok(authorization) => {
                let lease = Lease { authorization, generation: seen + 1 };
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(lease.clone());
                *single_flight = None;
                Ok(lease)
            }
            Err(error) => {
                *single_flight = Some(((self.now)(), error.without_source()));
                Err(error)
            }
        }
    }

    fn recent_failure(&self, failure: Option<&(SystemTime, Error)>) -> Option<Error> {
        let (failed_at, error) = failure?;
        let age = (self.now)().duration_since(*failed_at).unwrap_or(Duration::MAX);
        (age < FAILURE_HOLDS).then(|| error.without_source())
    }
}

impl Lease {
    fn time_left(&self, now: SystemTime) -> Option<Duration> {
        let expires_at = self.authorization.expires_at?;
        Some(expires_at.duration_since(now).unwrap_or(Duration::ZERO))
    }
}

async fn fetch_patiently(source: &dyn TokenSource, force: bool) -> Result<Authorization> {
    let mut failed: Option<Error> = None;
    for pause in [Duration::ZERO, Duration::from_millis(200), Duration::from_secs(1)] {
        tokio::time::sleep(pause).await;
        match source.fetch(force).await {
            Err(error) if error.is_retryable() => failed = Some(error),
            settled => return settled,
        }
    }
    Err(failed.unwrap_or_else(|| Error::new(crate::error::ErrorKind::Internal, "no attempt to fetch a token was made")))
}
