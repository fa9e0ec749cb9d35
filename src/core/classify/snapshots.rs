//! Which snapshots of the published data set are there, as far as somebody told: what explains an image that is gone.

use std::sync::{Arc, Mutex, PoisonError};

use crate::storage::GcsUri;

/// The snapshots that are there; clones know the same.
#[derive(Debug, Clone, Default)]
pub struct KnownSnapshots {
    ids: Arc<Mutex<Vec<String>>>,
}

impl KnownSnapshots {
    /// Remembers the snapshots that were found.
    pub fn found(&self, ids: Vec<String>) {
        *self.ids.lock().unwrap_or_else(PoisonError::into_inner) = ids;
    }

    /// Why a published image is gone; `None` for an image of the user's own.
    pub(super) fn explain(&self, uri: &GcsUri) -> Option<String> {
        let snapshot = uri.snapshot()?;
        let known = self.ids.lock().unwrap_or_else(PoisonError::into_inner);
        if known.iter().any(|id| id == snapshot) {
            return Some(format!("its snapshot {snapshot} is still there, and only this image of it is missing"));
        }
        if known.is_empty() {
            return Some(format!(
                "its path begins with the snapshot {snapshot}, and snapshots are removed about 35 days after they were \
                 made: `client.snapshots()` tells those that are there"
            ));
        }
        Some(format!(
            "its snapshot {snapshot} was removed, and its images with it; there are {}: select the observations anew",
            known.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(known: &[&str], uri: &str) -> Option<String> {
        let snapshots = KnownSnapshots::default();
        snapshots.found(known.iter().map(|&id| id.to_owned()).collect());
        snapshots.explain(&GcsUri::parse(uri).unwrap())
    }

    #[test]
    fn a_removed_snapshot_is_told_with_those_that_are_there() {
        let uri = "gs://bucket/abc/v0/o1:12:34.jpg";
        assert!(explained(&[], uri).unwrap().contains("`client.snapshots()` tells"));
        assert!(explained(&["def"], uri).unwrap().contains("abc was removed, and its images with it; there are def"));
        assert!(explained(&["def", "abc"], uri).unwrap().contains("is still there"));
        assert_eq!(explained(&["def"], "gs://bucket/mine/sign.jpg"), None);
    }
}
