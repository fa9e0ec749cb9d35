//! The part of a run that the store has no answers for.

use std::sync::Arc;

use super::feed::{Fed, Feed};
use super::run::Run;
use crate::error::Result;

impl Run {
    /// The same question for the rows that the store has no answer for; none of them is asked yet.
    pub async fn unanswered(&self) -> Result<Self> {
        let store = self.asked.options.store.clone();
        let mut feed = Feed::start(Arc::clone(&self.work), store, self.asked.refresh.clone());
        let mut is_new = vec![false; self.work.input.len()];
        while let Some(lot) = feed.lot().await {
            for fed in lot? {
                match fed {
                    Fed::Ask(row, ..) | Fed::Bad(row, _) => is_new[row as usize] = true,
                    // It comes after the row that asks the same, but maybe in the same lot.
                    Fed::Same(row, first) => is_new[row as usize] = is_new[first as usize],
                    Fed::Known(..) => {}
                }
            }
        }
        let rows = (0_u32..).zip(is_new).filter_map(|(row, is_new)| is_new.then_some(row)).collect();
        self.of_rows(rows)
    }
}
