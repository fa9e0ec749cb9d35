//! What the holder of a run may tell it while it goes.

use super::limiter::ConcurrencyRange;

/// The wishes in force.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Control {
    pub(super) stop: Option<Stop>,
    pub(super) concurrency: Option<ConcurrencyRange>,
}

/// How to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Ask no other row, and take in the answers under way for a few seconds.
    AfterAnswersUnderWay,
    /// At once.
    Now,
}

impl Control {
    pub(super) fn is_cancelled(self) -> bool {
        self.stop.is_some()
    }

    pub(super) fn is_hurried(self) -> bool {
        self.stop == Some(Stop::Now)
    }
}
