//! One token for everybody: fetched once, renewed in the background before it expires.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;

use super::{Authorization, TokenSource};
use crate::error::{Error, ErrorKind, Result};

/// With less than this left a token is renewed in the background; google-auth's threshold (`REFRESH_THRESHOLD`).
const STALE_BELOW: Duration = Duration::from_secs(225);
/// With less than this left a request waits for the new token.
const INVALID_BELOW: Duration = Duration::from_secs(20);

/// A token that is expired when it comes is used for this long.
const EXPIRED_HOLDS: Duration = Duration::from_secs(10);

/// A failure is told to everybody who waited for the same fetch, and forgotten soon after.
const FAILURE_HOLDS: Duration = Duration::from_secs(2);

/// Longest wait for one fetch: sources that ask a person or another program take their time.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60);

/// Tells the wall-clock time; an argument, because a monotonic clock stands still while a laptop sleeps.
pub(crate) type Now = Arc<dyn Fn() -> SystemTime + Send + Sync>;

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
    stale_below: Duration,
    invalid_below: Duration,
}

impl TokenCache {
    /// A cache over `source`; nothing is fetched yet.
    #[must_use]
    pub fn new(source: Arc<dyn TokenSource>) -> Self {
        Self::with_clock(source, Arc::new(SystemTime::now))
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
            Some(left) if left <= lease.invalid_below => self.state.renew(lease.generation, false).await,
            Some(left) if left <= lease.stale_below => {
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

    #[expect(clippy::disallowed_methods, reason = "the renewal is for everybody, also when who caused it is cancelled")]
    fn renew_in_background(&self, generation: u64) {
        let is_under_way_or_failed_just_now =
            self.state.refresh.try_lock().map_or(true, |failure| self.state.recent_failure(failure.as_ref()).is_some());
        if is_under_way_or_failed_just_now {
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
        let credentials = self.source.describe();
        match fetch_patiently(self.source.as_ref(), force).await {
            Ok(authorization) => {
                let lease = Lease::new(authorization, seen + 1, (self.now)());
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some(lease.clone());
                *single_flight = None;
                let seconds_left = lease.time_left((self.now)()).map(|left| left.as_secs());
                tracing::debug!(credentials, forced = force, seconds_left, "got a token");
                Ok(lease)
            }
            Err(error) => {
                tracing::debug!(credentials, forced = force, %error, "got no token");
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
    /// A token that is short-lived from the start is renewed at half its life, not with every request.
    fn new(authorization: Authorization, generation: u64, now: SystemTime) -> Self {
        let mut lease = Self { authorization, generation, stale_below: STALE_BELOW, invalid_below: INVALID_BELOW };
        if lease.time_left(now).is_some_and(|lifetime| lifetime.is_zero()) {
            // Rather this clock is wrong than a new token old: the server tells, and few requests ask for another.
            lease.authorization.expires_at = Some(now + EXPIRED_HOLDS);
        }
        if let Some(lifetime) = lease.time_left(now) {
            lease.stale_below = STALE_BELOW.min(lifetime / 2);
            lease.invalid_below = INVALID_BELOW.min(lifetime / 10);
        }
        lease
    }

    fn time_left(&self, now: SystemTime) -> Option<Duration> {
        let expires_at = self.authorization.expires_at?;
        Some(expires_at.duration_since(now).unwrap_or(Duration::ZERO))
    }
}

#[expect(clippy::disallowed_methods, reason = "`retry` is above this module; tests pause tokio's clock")]
async fn fetch_patiently(source: &dyn TokenSource, force: bool) -> Result<Authorization> {
    let mut failed: Option<Error> = None;
    for pause in [None, Some(Duration::from_millis(200)), Some(Duration::from_secs(1))] {
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        match fetch_in_time(source, force).await {
            Err(error) if error.is_retryable() => {
                tracing::debug!(credentials = source.describe(), %error, "asking for the token again");
                failed = Some(error);
            }
            settled => return settled,
        }
    }
    Err(failed.unwrap_or_else(|| Error::new(ErrorKind::Internal, "no attempt to fetch a token was made")))
}

async fn fetch_in_time(source: &dyn TokenSource, force: bool) -> Result<Authorization> {
    tokio::time::timeout(FETCH_TIMEOUT, source.fetch(force)).await.unwrap_or_else(|_| {
        let seconds = FETCH_TIMEOUT.as_secs();
        let message = format!("the credentials ({}) gave no token within {seconds} s", source.describe());
        Err(Error::new(ErrorKind::Authentication, message))
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests wait for every task that they spawn")]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use std::collections::VecDeque;
    use std::sync::Mutex as Lock;
    use tokio::sync::Semaphore;

    const HOUR: u64 = 3600;

    type Answer = Result<(&'static str, Option<u64>)>;

    /// Gives its answers in order, each only when the gate lets it; then counts tokens of an hour up.
    struct Script {
        answers: Lock<VecDeque<Answer>>,
        forced: Lock<Vec<bool>>,
        gate: Semaphore,
        clock: Arc<Lock<SystemTime>>,
    }

    #[async_trait]
    impl TokenSource for Script {
        async fn fetch(&self, force: bool) -> Result<Authorization> {
            self.forced.lock().unwrap().push(force);
            self.gate.acquire().await.unwrap().forget();
            let next = self.answers.lock().unwrap().pop_front();
            let (token, seconds) = next.unwrap_or(Ok(("later", Some(HOUR))))?;
            let now = *self.clock.lock().unwrap();
            Authorization::bearer(token, seconds.map(|seconds| now + Duration::from_secs(seconds)))
        }

        fn describe(&self) -> &'static str {
            "a script"
        }
    }

    struct Bench {
        script: Arc<Script>,
        cache: Arc<TokenCache>,
    }

    impl Bench {
        fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
            let clock = Arc::new(Lock::new(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)));
            let script = Arc::new(Script {
                answers: Lock::new(answers.into_iter().collect()),
                forced: Lock::default(),
                gate: Semaphore::new(1000),
                clock: Arc::clone(&clock),
            });
            let now = Arc::new(move || *clock.lock().unwrap());
            let source: Arc<dyn TokenSource> = Arc::clone(&script) as _;
            Self { cache: Arc::new(TokenCache::with_clock(source, now)), script }
        }

        fn fetches(&self) -> usize {
            self.script.forced.lock().unwrap().len()
        }

        fn pass(&self, seconds: u64) {
            *self.script.clock.lock().unwrap() += Duration::from_secs(seconds);
        }

        fn shut(&self) {
            self.script.gate.forget_permits(usize::MAX);
        }

        fn open(&self) {
            self.script.gate.add_permits(1000);
        }

        async fn token(&self) -> String {
            token_of(&self.cache.current().await.unwrap())
        }

        /// Lets everything run that can.
        async fn settle(&self) {
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
    }

    fn token_of(lease: &Lease) -> String {
        let value = lease.authorization.headers["authorization"].to_str().unwrap();
        value.trim_start_matches("Bearer ").to_owned()
    }

    fn broken(kind: ErrorKind) -> Answer {
        Err(Error::new(kind, "the token server is closed"))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn two_hundred_tasks_share_one_fetch() {
        let bench = Bench::new([Ok(("first", Some(HOUR)))]);
        bench.shut();
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                let cache = Arc::clone(&bench.cache);
                tokio::spawn(async move { token_of(&cache.current().await.unwrap()) })
            })
            .collect();
        bench.open();
        for task in tasks {
            assert_eq!(task.await.unwrap(), "first");
        }
        assert_eq!(bench.fetches(), 1);
    }

    #[tokio::test]
    async fn a_fresh_token_is_not_fetched_again() {
        let bench = Bench::new([Ok(("first", Some(HOUR)))]);
        bench.token().await;
        bench.pass(HOUR - 226);
        assert_eq!((bench.token().await.as_str(), bench.fetches()), ("first", 1));
    }

    #[tokio::test]
    async fn a_token_without_an_expiry_is_kept() {
        let bench = Bench::new([Ok(("first", None))]);
        bench.token().await;
        bench.pass(1000 * HOUR);
        assert_eq!((bench.token().await.as_str(), bench.fetches()), ("first", 1));
    }

    #[tokio::test]
    async fn a_stale_token_is_used_at_once_and_renewed_in_the_background() {
        let bench = Bench::new([Ok(("first", Some(HOUR))), Ok(("second", Some(HOUR)))]);
        bench.token().await;
        bench.pass(HOUR - 100);
        bench.shut();
        assert_eq!(bench.token().await, "first");
        bench.open();
        bench.settle().await;
        assert_eq!((bench.token().await.as_str(), bench.fetches()), ("second", 2));
    }

    #[tokio::test]
    async fn one_background_renewal_serves_every_request() {
        let bench = Bench::new([Ok(("first", Some(HOUR)))]);
        bench.token().await;
        bench.pass(HOUR - 100);
        bench.shut();
        for _ in 0..50 {
            assert_eq!(bench.token().await, "first");
            bench.settle().await;
        }
        assert_eq!(bench.fetches(), 2);
    }

    #[tokio::test]
    async fn a_failed_background_renewal_leaves_the_old_token_and_waits_before_the_next() {
        let bench = Bench::new([Ok(("first", Some(HOUR))), broken(ErrorKind::Authentication)]);
        bench.token().await;
        bench.pass(HOUR - 100);
        for _ in 0..5 {
            assert_eq!(bench.token().await, "first");
            bench.settle().await;
        }
        assert_eq!(bench.fetches(), 2);
        bench.pass(3);
        bench.token().await;
        bench.settle().await;
        assert_eq!((bench.token().await.as_str(), bench.fetches()), ("later", 3));
    }

    #[tokio::test]
    async fn a_token_that_is_nearly_over_is_waited_for() {
        let bench = Bench::new([Ok(("first", Some(HOUR))), Ok(("second", Some(HOUR)))]);
        bench.token().await;
        bench.pass(HOUR - 19);
        assert_eq!(bench.token().await, "second");
    }

    #[tokio::test]
    async fn a_short_lived_token_is_renewed_at_half_its_life_and_not_with_every_request() {
        let bench = Bench::new([Ok(("first", Some(10))), Ok(("second", Some(10)))]);
        for _ in 0..20 {
            assert_eq!(bench.token().await, "first");
        }
        assert_eq!(bench.fetches(), 1);
        bench.pass(5);
        assert_eq!(bench.token().await, "first");
        bench.settle().await;
        assert_eq!((bench.token().await.as_str(), bench.fetches()), ("second", 2));
    }

    #[tokio::test]
    async fn a_token_that_came_expired_is_used_for_ten_seconds_and_fetched_again() {
        let bench = Bench::new([Ok(("first", Some(0))), Ok(("second", Some(HOUR)))]);
        for _ in 0..20 {
            assert_eq!(bench.token().await, "first");
        }
        bench.pass(10);
        assert_eq!((bench.token().await.as_str(), bench.fetches()), ("second", 2));
    }

    #[tokio::test]
    async fn a_failure_is_told_to_everybody_who_waited() {
        let bench = Bench::new([broken(ErrorKind::Authentication)]);
        bench.shut();
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let cache = Arc::clone(&bench.cache);
                tokio::spawn(async move { cache.current().await.map(|_| ()).unwrap_err() })
            })
            .collect();
        bench.settle().await;
        bench.open();
        for task in tasks {
            assert_eq!(task.await.unwrap().message(), "the token server is closed");
        }
        assert_eq!(bench.fetches(), 1);
    }

    #[tokio::test]
    async fn a_failure_is_forgotten_soon_after() {
        let bench = Bench::new([broken(ErrorKind::Authentication), Ok(("first", Some(HOUR)))]);
        assert!(bench.cache.current().await.is_err());
        assert!(bench.cache.current().await.is_err());
        assert_eq!(bench.fetches(), 1);
        bench.pass(3);
        assert_eq!(bench.token().await, "first");
    }

    #[tokio::test(start_paused = true)]
    async fn a_transient_failure_is_tried_three_times() {
        let bench = Bench::new([broken(ErrorKind::Transport), broken(ErrorKind::Transport), Ok(("first", None))]);
        assert_eq!((bench.token().await.as_str(), bench.fetches()), ("first", 3));
        let bench = Bench::new([ErrorKind::Unavailable; 4].map(broken));
        assert!(bench.cache.current().await.is_err());
        assert_eq!(bench.fetches(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_that_never_ends_is_given_up() {
        let bench = Bench::new([]);
        bench.shut();
        let error = bench.cache.current().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Authentication);
        assert_eq!(error.message(), "the credentials (a script) gave no token within 60 s");
    }

    #[tokio::test]
    async fn the_next_in_line_fetches_when_the_first_gives_up_waiting() {
        let bench = Bench::new([Ok(("first", None))]);
        bench.shut();
        let cache = Arc::clone(&bench.cache);
        let impatient = tokio::spawn(async move { cache.current().await.map(|_| ()) });
        bench.settle().await;
        impatient.abort();
        bench.open();
        assert_eq!((bench.token().await.as_str(), bench.fetches()), ("first", 2));
    }

    #[tokio::test]
    async fn many_refusals_of_one_token_force_one_new_token() {
        let bench = Bench::new([Ok(("first", Some(HOUR))), Ok(("second", Some(HOUR)))]);
        let refused = bench.cache.current().await.unwrap();
        for _ in 0..10 {
            assert_eq!(token_of(&bench.cache.renew_after(&refused).await.unwrap()), "second");
        }
        assert_eq!(*bench.script.forced.lock().unwrap(), [false, true]);
    }

    #[tokio::test]
    async fn a_refusal_of_the_new_token_forces_another() {
        let bench = Bench::new([Ok(("first", None)), Ok(("second", None)), Ok(("third", None))]);
        let first = bench.cache.current().await.unwrap();
        let second = bench.cache.renew_after(&first).await.unwrap();
        let third = bench.cache.renew_after(&second).await.unwrap();
        assert_eq!([&first, &second, &third].map(token_of), ["first", "second", "third"]);
        assert_eq!(bench.token().await, "third");
    }

    #[tokio::test]
    async fn a_lease_shows_no_secret() {
        let bench = Bench::new([Ok(("ya29.canary", Some(HOUR)))]);
        let lease = bench.cache.current().await.unwrap();
        let shown = format!("{lease:?} {:?}", lease.authorization.headers);
        assert!(!shown.contains("canary"), "{shown}");
    }
}
