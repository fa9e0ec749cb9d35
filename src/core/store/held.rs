//! Answers that are held in memory until they are kept elsewhere.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Key, StoredAnswer};

/// The answers that nobody released yet.
#[derive(Default)]
pub(super) struct Held(Mutex<HashMap<Key, StoredAnswer>>);

impl Held {
    pub(super) fn find(&self, keys: &[Key]) -> Vec<Option<StoredAnswer>> {
        let answers = self.answers();
        keys.iter().map(|key| answers.get(key).cloned()).collect()
    }

    pub(super) fn put(&self, answers: Vec<(Key, StoredAnswer)>) {
        self.answers().extend(answers.into_iter().map(|(key, answer)| (key, answer.cleaned())));
    }

    pub(super) fn release(&self, keys: &[Key]) {
        let mut answers = self.answers();
        for key in keys {
            answers.remove(key);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.answers().len() as u64
    }

    fn answers(&self) -> MutexGuard<'_, HashMap<Key, StoredAnswer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
