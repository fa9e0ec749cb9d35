//! What a run tells those who keep its answers elsewhere: what names them, and where they are.

use arrow_array::RecordBatch;

use super::answers;
use super::run::Run;
use crate::error::Result;
use crate::store::{Key, Store};

impl Run {
    /// What names the answer of each row; `None` for a row that cannot be asked.
    #[must_use]
    pub fn keys(&self) -> Vec<Option<Key>> {
        (0..self.work.input.len()).map(|row| self.key(row)).collect()
    }

    /// The same for some rows.
    #[must_use]
    pub fn keys_of(&self, rows: &[u32]) -> Vec<Option<Key>> {
        rows.iter().map(|row| self.key(*row as usize)).collect()
    }

    fn key(&self, row: usize) -> Option<Key> {
        self.work.input.check(row).and_then(|()| self.work.key(row)).ok()
    }

    /// What names the question that all rows share.
    #[must_use]
    pub fn question(&self) -> Key {
        self.work.key.clone().finish()
    }

    /// The columns that the rows came with.
    #[must_use]
    pub fn input(&self) -> &RecordBatch {
        self.work.input.table()
    }

    /// The results of no row, whose columns are those of all.
    pub fn no_results(&self) -> Result<RecordBatch> {
        answers::table(&self.input().slice(0, 0), &self.work.schema, std::iter::empty(), "")
    }

    /// Where its answers are kept.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.asked.options.store
    }
}
