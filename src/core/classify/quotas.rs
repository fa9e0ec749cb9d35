//! What the runs of a session found out about quotas, so that the next one need not.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::limiter::Learned;
use crate::gemini::Place;

/// The quota of each place, as the last run that met it left it.
#[derive(Debug, Clone, Default)]
pub struct KnownQuotas {
    known: Arc<Mutex<HashMap<(String, String), Learned>>>,
}

impl KnownQuotas {
    /// What is known of a place.
    #[must_use]
    pub fn of(&self, place: &Place) -> Option<Learned> {
        let key = (place.model.clone(), place.location.clone());
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).copied()
    }

    pub(super) fn remember(&self, place: &Place, learned: Learned) {
        let key = (place.model.clone(), place.location.clone());
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, learned);
    }
}
