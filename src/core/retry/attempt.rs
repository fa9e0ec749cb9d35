//! The retry loop.

use std::future::Future;

use super::{Clock, RetryPolicy};
use crate::error::Result;

/// Calls `operation` until it succeeds or the policy ends it; gives the result with the number of attempts.
pub async fn run<T, Operation, Attempt>(
    policy: &RetryPolicy,
    clock: &dyn Clock,
    mut operation: Operation,
) -> (Result<T>, u32)
where
    Operation: FnMut() -> Attempt,
    Attempt: Future<Output = Result<T>>,
{
    let started = clock.now();
    let mut attempts = 0;
    let mut spent = 0;
    loop {
        attempts += 1;
        let error = match operation().await {
            Ok(value) => return (Ok(value), attempts),
            Err(error) => error,
        };
        // Being asked to slow down is no failure of the request: only the deadline ends that.
        spent += u32::from(error.costs_an_attempt());
        let elapsed = clock.now() - started;
        match policy.next_wait(&error, attempts, spent, elapsed, clock.chance()) {
            Some(wait) => {
                let (service, status) = (error.details().service, error.details().status);
                tracing::debug!(service, status, attempts, wait_ms = wait.as_millis(), %error, "trying again");
                clock.sleep(wait).await;
            }
            None => return (Err(error.with_attempts(attempts)), attempts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};
    use async_trait::async_trait;
    use std::sync::Mutex;
    use std::time::Duration;
    use tokio::time::Instant;

    /// Sleeps by moving its own time, and remembers the waits.
    struct SimulatedClock {
        start: Instant,
        waits: Mutex<Vec<Duration>>,
    }

    impl SimulatedClock {
        fn new() -> Self {
            Self { start: Instant::now(), waits: Mutex::default() }
        }

        fn waits(&self) -> Vec<Duration> {
            self.waits.lock().unwrap().clone()
        }
    }

    #[async_trait]
    impl Clock for SimulatedClock {
        fn now(&self) -> Instant {
            self.start + self.waits().iter().sum::<Duration>()
        }
        async fn sleep(&self, duration: Duration) {
            self.waits.lock().unwrap().push(duration);
        }
        fn chance(&self) -> f64 {
            0.5
        }
    }

    async fn fail_with(make: impl Fn() -> Error, policy: RetryPolicy) -> (Error, Vec<Duration>) {
        let clock = SimulatedClock::new();
        let (result, _) = run(&policy, &clock, || async { Err::<(), _>(make()) }).await;
        (result.unwrap_err(), clock.waits())
    }

    #[tokio::test]
    async fn a_transient_failure_is_followed_by_a_success() {
        let clock = SimulatedClock::new();
        let mut failures = 2;
        let (result, attempts) = run(&RetryPolicy::default(), &clock, || {
            let failed = failures > 0;
            failures -= i32::from(failed);
            async move { if failed { Err(Error::new(ErrorKind::Unavailable, "")) } else { Ok(7) } }
        })
        .await;
        assert_eq!((result.unwrap(), attempts), (7, 3));
    }

    #[tokio::test]
    async fn a_permanent_failure_is_not_repeated() {
        let (error, waits) = fail_with(|| Error::new(ErrorKind::PermissionDenied, ""), RetryPolicy::default()).await;
        assert_eq!((error.details().attempts, waits.len()), (1, 0));
    }

    #[tokio::test]
    async fn the_attempts_are_limited_and_the_waits_grow() {
        let (error, waits) = fail_with(|| Error::new(ErrorKind::Unavailable, ""), RetryPolicy::default()).await;
        assert_eq!(error.details().attempts, 6);
        assert_eq!(waits, [0.5, 1.0, 2.0, 4.0, 8.0].map(Duration::from_secs_f64));
    }

    #[tokio::test]
    async fn the_server_names_the_wait_where_it_does() {
        let make = || Error::new(ErrorKind::Throttled, "").with_retry_after(Some(Duration::from_secs(30)));
        let policy = RetryPolicy { deadline: Duration::from_secs(40), ..RetryPolicy::default() };
        let (_, waits) = fail_with(make, policy).await;
        assert_eq!(waits, [Duration::from_millis(30_500)]);
    }

    #[tokio::test]
    async fn being_throttled_costs_no_attempt_and_ends_with_the_deadline() {
        let policy = RetryPolicy { max_attempts: 1, deadline: Duration::from_secs(20), ..RetryPolicy::default() };
        let (_, waits) = fail_with(|| Error::new(ErrorKind::Throttled, ""), policy).await;
        assert_eq!(waits.len(), 5);
    }

    #[tokio::test]
    async fn the_deadline_ends_the_attempts() {
        let policy = RetryPolicy { deadline: Duration::from_secs(3), ..RetryPolicy::default() };
        let (error, waits) = fail_with(|| Error::new(ErrorKind::Timeout, ""), policy).await;
        assert_eq!((error.details().attempts, waits.len()), (3, 2));
    }
}
