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
        let mut same = Vec::new();
        while let Some(lot) = feed.lot().await {
            for fed in lot? {
                match fed {
                    Fed::Ask(row, ..) | Fed::Bad(row, _) => is_new[row as usize] = true,
                    Fed::Same(row, first) => same.push((row, first)),
                    Fed::Known(..) => {}
                }
            }
        }
        for (row, first) in same {
            is_new[row as usize] = is_new[first as usize];
        }
        let rows = (0_u32..).zip(is_new).filter_map(|(row, is_new)| is_new.then_some(row)).collect();
        self.of_rows(rows)
    }
}
