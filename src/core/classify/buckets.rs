//! Which way each bucket's images go: read by Gemini's service agent, or fetched with the caller's credentials.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::image_options::ImageMode;

/// Downloads that may be refused, and none allowed, before a bucket is given up: one object may have gone.
const PROBES: u32 = 3;

/// What is known of one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bucket {
    /// Nothing was asked of it.
    #[default]
    Unknown,
    /// Gemini reads it.
    Uri,
    /// Gemini may not read it; whether the caller may is being tried, with so many refusals.
    Probing(u32),
    /// Gemini may not read it, the caller may.
    Inline,
    /// Nobody may.
    Neither,
}

/// What to do with a row whose image Gemini was not allowed to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Build its request anew: the image goes along.
    SendInline,
    /// The refusal is the row's outcome.
    GiveUp,
}

/// What is known of every bucket, shared by the runs of a session.
#[derive(Debug, Clone, Default)]
pub struct BucketAccess {
    known: Arc<Mutex<HashMap<String, Bucket>>>,
}

impl BucketAccess {
    /// What is known of a bucket.
    #[must_use]
    pub fn of(&self, bucket: &str) -> Bucket {
        self.known().get(bucket).copied().unwrap_or_default()
    }

    /// Gemini has read an image of the bucket.
    pub fn accepted(&self, bucket: &str) {
        self.change(bucket, |state| if state == Bucket::Unknown { Bucket::Uri } else { state });
    }

    /// Gemini may not read an image of the bucket that was sent by its URI.
    #[must_use]
    pub fn after_refusal(&self, bucket: &str) -> Next {
        let state = self.change(bucket, |state| match state {
            Bucket::Unknown => Bucket::Probing(0),
            state => state,
        });
        match state {
            // Where others of the bucket were read, the object has permissions of its own.
            Bucket::Uri | Bucket::Neither => Next::GiveUp,
            Bucket::Unknown | Bucket::Probing(_) | Bucket::Inline => Next::SendInline,
        }
    }

    /// The caller has read an object of the bucket.
    pub(super) fn downloaded(&self, bucket: &str) {
        self.change(bucket, |state| match state {
            Bucket::Probing(_) | Bucket::Neither => Bucket::Inline,
            state => state,
        });
    }

    /// The caller may not read an object of the bucket.
    pub(super) fn download_refused(&self, bucket: &str) {
        self.change(bucket, |state| match state {
            Bucket::Probing(refused) if refused + 1 >= PROBES => Bucket::Neither,
            Bucket::Probing(refused) => Bucket::Probing(refused + 1),
            state => state,
        });
    }

    /// Whether an image of the bucket is sent along.
    pub(super) fn goes_inline(&self, bucket: &str, mode: ImageMode) -> bool {
        match mode {
            ImageMode::Uri => false,
            ImageMode::Inline => true,
            ImageMode::Auto => matches!(self.of(bucket), Bucket::Probing(_) | Bucket::Inline),
        }
    }

    fn change(&self, bucket: &str, next: impl FnOnce(Bucket) -> Bucket) -> Bucket {
        let mut known = self.known();
        let state = next(known.get(bucket).copied().unwrap_or_default());
        if known.get(bucket) != Some(&state) {
            known.insert(bucket.to_owned(), state);
        }
        state
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Bucket>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gemini_may_not_read_is_fetched_from_then_on() {
        let buckets = BucketAccess::default();
        assert!(!buckets.goes_inline("private", ImageMode::Auto));
        assert_eq!(buckets.after_refusal("private"), Next::SendInline);
        assert!(buckets.goes_inline("private", ImageMode::Auto));
        buckets.downloaded("private");
        assert_eq!(buckets.of("private"), Bucket::Inline);
        assert!(!buckets.goes_inline("another", ImageMode::Auto));
    }

    #[test]
    fn a_bucket_neither_may_read_is_given_up() {
        let buckets = BucketAccess::default();
        for _ in 0..PROBES {
            assert_eq!(buckets.after_refusal("closed"), Next::SendInline);
            buckets.download_refused("closed");
        }
        assert_eq!(buckets.of("closed"), Bucket::Neither);
        assert_eq!(buckets.after_refusal("closed"), Next::GiveUp);
        assert!(!buckets.goes_inline("closed", ImageMode::Auto));
    }

    #[test]
    fn an_object_the_caller_may_not_read_does_not_close_a_bucket_that_was_read() {
        let buckets = BucketAccess::default();
        assert_eq!(buckets.after_refusal("private"), Next::SendInline);
        buckets.downloaded("private");
        for _ in 0..10 {
            buckets.download_refused("private");
        }
        assert_eq!(buckets.of("private"), Bucket::Inline);
    }

    #[test]
    fn a_refused_object_of_a_bucket_that_gemini_reads_is_that_objects_own_trouble() {
        let buckets = BucketAccess::default();
        buckets.accepted("open");
        assert_eq!(buckets.after_refusal("open"), Next::GiveUp);
        assert_eq!(buckets.of("open"), Bucket::Uri);
    }

    #[test]
    fn a_refusal_that_comes_late_is_sent_again_like_the_others() {
        let buckets = BucketAccess::default();
        assert_eq!(buckets.after_refusal("private"), Next::SendInline);
        buckets.downloaded("private");
        buckets.accepted("private");
        assert_eq!(buckets.after_refusal("private"), Next::SendInline);
    }

    #[test]
    fn what_was_learned_is_known_to_the_next_run_of_the_session() {
        let buckets = BucketAccess::default();
        assert_eq!(buckets.clone().after_refusal("private"), Next::SendInline);
        assert!(buckets.goes_inline("private", ImageMode::Auto));
    }
}
