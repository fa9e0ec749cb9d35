//! Temporary.
mod answer;
mod key;
use crate::error::Result;
pub use answer::StoredAnswer;
pub use key::{Key, KeyBuilder};
/// Temporary.
#[derive(Clone)]
pub struct Store;
impl Store {
    /// t
    pub fn in_memory() -> Self {
        Self
    }
    /// t
    pub async fn find(&self, keys: Vec<Key>) -> Result<Vec<Option<StoredAnswer>>> {
        Ok(vec![None; keys.len()])
    }
    /// t
    pub async fn put(&self, _answers: Vec<(Key, StoredAnswer)>) -> Result<()> {
        Ok(())
    }
}
