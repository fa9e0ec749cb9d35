//! The limits the user sets, which hold for the whole run, wherever its requests go.

use super::Limits;
use super::pace::Meter;

/// Meters of requests and of tokens.
#[derive(Debug)]
pub(super) struct Caps {
    requests: Option<Meter>,
    tokens: Option<Meter>,
}

impl Caps {
    /// The caps of `limits`, for requests of about `unit` tokens.
    pub(super) fn new(limits: &Limits, unit: f64) -> Self {
        Self {
            requests: limits.requests_per_minute.map(|rate| Meter::cap(rate / 60.0, 1.0)),
            tokens: limits.tokens_per_minute.map(|rate| Meter::cap(rate / 60.0, unit)),
        }
    }

    /// When the next request may go.
    pub(super) fn ready_at(&self) -> f64 {
        [&self.requests, &self.tokens].into_iter().flatten().map(Meter::ready_at).fold(0.0, f64::max)
    }

    /// Tokens a second for requests of about `unit` tokens; infinite without a cap.
    pub(super) fn rate(&self, unit: f64) -> f64 {
        let requests = self.requests.as_ref().map_or(f64::INFINITY, |meter| meter.rate() * unit);
        self.tokens.as_ref().map_or(requests, |meter| requests.min(meter.rate()))
    }

    /// A request goes now that will probably use so many tokens.
    pub(super) fn reserve(&mut self, now: f64, tokens: f64) {
        for (cap, amount) in [(&mut self.requests, 1.0), (&mut self.tokens, tokens)] {
            if let Some(cap) = cap {
                cap.reserve(now, amount);
            }
        }
    }

    /// Corrects a reservation of tokens by what is now known.
    pub(super) fn settle(&mut self, difference: f64) {
        if let Some(tokens) = &mut self.tokens {
            tokens.settle(difference);
        }
    }

    /// Gives back what a request reserved that was never sent.
    pub(super) fn unsent(&mut self, tokens: f64) {
        self.settle(-tokens);
        if let Some(requests) = &mut self.requests {
            requests.settle(-1.0);
        }
    }

    /// Adapts to requests of about `unit` tokens.
    pub(super) fn resize(&mut self, unit: f64) {
        if let Some(tokens) = &mut self.tokens {
            tokens.resize(unit);
        }
    }
}
