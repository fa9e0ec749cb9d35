//! Says when the next request may go: one dispatcher asks, nothing is promised in advance. Pure: time is an argument.

mod caps;
mod concurrency;
mod estimate;
mod fleet;
mod growth;
mod health;
mod history;
mod pace;
mod place;
mod quota;
#[cfg(test)]
mod scenarios;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod spreading;
mod trial;

pub use concurrency::ConcurrencyRange;
pub use fleet::{Fleet, PlaceState, Ticket, Verdict};

use crate::error::{Error, ErrorKind, Result};

/// What the user allows.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    /// Requests under way at once.
    pub concurrency: ConcurrencyRange,
    /// Requests a minute, spread evenly.
    pub requests_per_minute: Option<f64>,
    /// Input and output tokens a minute, spread evenly.
    pub tokens_per_minute: Option<f64>,
}

impl Limits {
    /// Refuses limits under which nothing could be sent.
    pub fn check(&self) -> Result<()> {
        self.concurrency.check()?;
        let named = [("requests_per_minute", self.requests_per_minute), ("tokens_per_minute", self.tokens_per_minute)];
        for (name, value) in named {
            if value.is_some_and(|value| !value.is_finite() || value <= 0.0) {
                let value = value.unwrap_or_default();
                return Err(Error::new(ErrorKind::Configuration, format!("`{name}={value}` is not a rate"))
                    .with_hint("pass a number above 0, or leave it out for no limit of your own"));
            }
        }
        Ok(())
    }
}

/// What a run found out about the quota of a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Learned {
    /// Tokens a second that were served when more were asked for.
    pub tokens_per_second: f64,
    /// Tokens of a request, on average.
    pub tokens_per_request: f64,
}

impl Learned {
    /// Whether both are rates one can send at.
    fn is_usable(&self) -> bool {
        [self.tokens_per_second, self.tokens_per_request].iter().all(|number| number.is_finite() && *number > 0.0)
    }
}
