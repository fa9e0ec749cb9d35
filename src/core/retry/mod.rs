//! Whether to try again, how long to wait, and the loop that does it. Reads the error, never the service.

mod attempt;
mod backoff;
pub mod budget;
pub mod outage;
mod policy;

pub use attempt::run;
pub use backoff::Backoff;
pub use budget::{Retry, RetryBudget};
pub use outage::{Outage, Permit, Sign};
pub use policy::RetryPolicy;

use async_trait::async_trait;
use std::time::Duration;
use tokio::time::Instant;

/// Time and chance, as an argument so that tests can simulate both.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The current instant.
    fn now(&self) -> Instant;
    /// Waits.
    async fn sleep(&self, duration: Duration);
    /// A number from 0 up to 1.
    fn chance(&self) -> f64;
}

/// The machine's clock and random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    #[expect(clippy::disallowed_methods, reason = "the clock that the others use")]
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn chance(&self) -> f64 {
        rand::random::<f64>()
    }
}
