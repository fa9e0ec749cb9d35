//! Notices when what rows meet is not their own trouble: a bucket nobody may read, a request that is wrong for every
//! row, more failures than the user accepts.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result, Scope};

/// Rows refused alike before a bucket counts as closed, none of it having been read.
const REFUSED_ROWS: u32 = 3;

/// As many where the refusal may also mean that single images are missing, which Cloud Storage does not tell apart for
/// callers who may not list the bucket.
const PERHAPS_MISSING_ROWS: u32 = 10;
const PERHAPS_MISSING: &str = "may not exist";

/// Rows with the same error in a row that stop the run: fewer while nothing was answered at all.
const ALIKE_AT_FIRST: u32 = 10;
const ALIKE_LATER: u32 = 20;

/// Rounds of refused credentials, after they were accepted, that stop the run: each begins with a request that was sent
/// after the last one was refused. A single one may be a token that was replaced just then, under many requests.
const REFUSED_ROUNDS: u32 = 3;

/// Finished rows before their failing share means anything.
const ENOUGH_ROWS: u64 = 20;

/// Different errors whose frequency is counted.
const MOST_KINDS: usize = 64;

/// What the finished rows of one run have met.
#[derive(Debug)]
pub struct Trouble {
    max_error_ratio: Option<f64>,
    sole_bucket: Option<String>,
    finished: u64,
    failed: u64,
    has_answered: bool,
    refused_rounds: u32,
    last_refused: Duration,
    alike: Alike,
    buckets: HashMap<String, Bucket>,
    frequency: HashMap<String, (u64, String)>,
}

/// What became of a finished row.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// A good answer.
    Answered,
    /// An answer that is of no use, and what is wrong with it: blocked, cut, not fitting the schema.
    Unusable(&'a str),
    /// No answer.
    Failed(&'a Error),
}

/// What the run does next.
#[derive(Debug)]
pub enum Verdict {
    /// Goes on.
    Continue,
    /// Goes on without the row's bucket, about which this is to be told; its rows get [`Trouble::broken`].
    SkipBucket(String),
    /// Ends with the row's own error, which every other row would meet.
    StopWithIt,
    /// Ends with this error.
    Stop(Error),
}

/// The same error, row after row.
#[derive(Debug, Default)]
struct Alike {
    pattern: String,
    rows: u32,
}

#[derive(Debug, Default)]
struct Bucket {
    is_readable: bool,
    refusals: Alike,
    broken: Option<Error>,
}

impl Trouble {
    /// `max_error_ratio` is the share of failed rows that stops the run, once twenty are finished; without it no share
    /// does. `sole_bucket` names the bucket that all images of the run are in, where that is so.
    pub fn new(max_error_ratio: Option<f64>, sole_bucket: Option<String>) -> Result<Self> {
        if let Some(ratio) = max_error_ratio.filter(|ratio| !(0.0..=1.0).contains(ratio)) {
            let said = format!("`max_error_ratio={ratio}` is not a share from 0 to 1");
            return Err(Error::new(ErrorKind::InvalidInput, said)
                .with_hint("pass for example 0.1 to stop when more than a tenth of the rows fail"));
        }
        Ok(Self {
            max_error_ratio,
            sole_bucket,
            finished: 0,
            failed: 0,
            has_answered: false,
            refused_rounds: 0,
            last_refused: Duration::ZERO,
            alike: Alike::default(),
            buckets: HashMap::new(),
            frequency: HashMap::new(),
        })
    }

    /// Takes in a finished row. `bucket` is the one that all its images are in; `None` when there are several or none.
    pub fn finished(&mut self, bucket: Option<&str>, outcome: Outcome<'_>) -> Verdict {
        self.finished += 1;
        let verdict = match outcome {
            Outcome::Answered => {
                self.answered(bucket);
                return self.check_ratio();
            }
            Outcome::Unusable(problem) => {
                self.answered(bucket);
                self.count(problem, problem);
                Verdict::Continue
            }
            Outcome::Failed(error) => {
                self.count(error.message(), &error.to_string());
                self.judge(bucket, error)
            }
        };
        if matches!(verdict, Verdict::Continue) { self.check_ratio() } else { verdict }
    }

    /// Whether an attempt was refused credentials that were good before, and may be good again in a moment.
    pub fn may_be_accepted_again(&mut self, error: &Error, sent: Duration, now: Duration) -> bool {
        if !self.has_answered || error.kind() != ErrorKind::Authentication || error.details().status != Some(401) {
            return false;
        }
        if self.refused_rounds == 0 || sent >= self.last_refused {
            self.refused_rounds += 1;
            self.last_refused = now;
        }
        self.refused_rounds < REFUSED_ROUNDS
    }

    /// Whether there are buckets that cannot be read.
    #[must_use]
    pub fn has_broken_buckets(&self) -> bool {
        self.buckets.values().any(|bucket| bucket.broken.is_some())
    }

    /// The outcome of every further row of a bucket that cannot be read; it need not be sent.
    #[must_use]
    pub fn broken(&self, bucket: &str) -> Option<&Error> {
        self.buckets.get(bucket)?.broken.as_ref()
    }

    fn answered(&mut self, bucket: Option<&str>) {
        self.has_answered = true;
        self.refused_rounds = 0;
        self.alike = Alike::default();
        if let Some(name) = bucket
            && self.buckets.get(name).is_none_or(|bucket| !bucket.is_readable)
        {
            self.buckets.entry(name.to_owned()).or_default().is_readable = true;
        }
    }

    fn count(&mut self, message: &str, shown: &str) {
        self.failed += 1;
        let pattern = pattern(message);
        if let Some((rows, _)) = self.frequency.get_mut(&pattern) {
            *rows += 1;
        } else if self.frequency.len() < MOST_KINDS {
            self.frequency.insert(pattern, (1, shown.to_owned()));
        }
    }

    fn judge(&mut self, bucket: Option<&str>, error: &Error) -> Verdict {
        match error.scope() {
            Scope::Run => Verdict::StopWithIt,
            Scope::Bucket => bucket.map_or(Verdict::Continue, |name| self.judge_bucket(name, error)),
            Scope::Request if is_about_the_request(error) => self.judge_request(error),
            Scope::Request => Verdict::Continue,
        }
    }

    fn judge_bucket(&mut self, name: &str, error: &Error) -> Verdict {
        let bucket = self.buckets.entry(name.to_owned()).or_default();
        if bucket.is_readable || bucket.broken.is_some() {
            return Verdict::Continue;
        }
        let enough = if error.message().contains(PERHAPS_MISSING) { PERHAPS_MISSING_ROWS } else { REFUSED_ROWS };
        if bucket.refusals.count(error) < enough {
            return Verdict::Continue;
        }
        if self.sole_bucket.as_deref() == Some(name) {
            let is_missing = error.details().status == Some(404);
            let kind = if is_missing { ErrorKind::NotFound } else { ErrorKind::PermissionDenied };
            return Verdict::Stop(closed(kind, name, error).with_scope(Scope::Run));
        }
        let broken = closed(ErrorKind::Image, name, error);
        let note = format!("{broken}\nits further rows are not sent");
        bucket.broken = Some(broken);
        Verdict::SkipBucket(note)
    }

    fn judge_request(&mut self, error: &Error) -> Verdict {
        let rows = self.alike.count(error);
        if rows < if self.has_answered { ALIKE_LATER } else { ALIKE_AT_FIRST } {
            return Verdict::Continue;
        }
        let which = if self.has_answered { "rows in a row" } else { "first rows" };
        let context = format!("the {rows} {which} met the same error, so the run was stopped");
        Verdict::Stop(error.without_source().with_context(&context).with_scope(Scope::Run))
    }

    fn check_ratio(&self) -> Verdict {
        let Some(ratio) = self.max_error_ratio else {
            return Verdict::Continue;
        };
        #[expect(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^52")]
        let share = self.failed as f64 / self.finished as f64;
        if self.finished < ENOUGH_ROWS || share <= ratio {
            return Verdict::Continue;
        }
        let said = format!(
            "{} of {} finished rows failed, more than `max_error_ratio={ratio}` allows{}",
            self.failed,
            self.finished,
            self.most_frequent()
        );
        Verdict::Stop(
            Error::new(ErrorKind::TooManyErrors, said)
                .with_scope(Scope::Run)
                .with_hint("the finished rows are kept; mend what the rows met, or allow a larger share"),
        )
    }

    fn most_frequent(&self) -> String {
        let most = self.frequency.values().max_by_key(|(rows, text)| (*rows, Reverse(text)));
        most.map_or_else(String::new, |(rows, text)| format!("; most often ({rows} of them): {text}"))
    }
}

impl Alike {
    /// Rows in a row that met this error, this one included.
    fn count(&mut self, error: &Error) -> u32 {
        let pattern = format!("{:?} {}", error.kind(), pattern(error.message()));
        if self.pattern == pattern {
            self.rows += 1;
        } else {
            *self = Self { pattern, rows: 1 };
        }
        self.rows
    }
}

/// Whether the service found fault with the request's form or sender, which rows share, and not with its image.
fn is_about_the_request(error: &Error) -> bool {
    let kind = error.kind();
    let is_shared = matches!(
        kind,
        ErrorKind::InvalidRequest | ErrorKind::PermissionDenied | ErrorKind::NotFound | ErrorKind::Schema
    );
    is_shared && !error.is_retryable()
}

/// What an error says about each of many rows: without numbers and addresses, in which rows differ.
fn pattern(message: &str) -> String {
    let words = message.split_whitespace().map(|word| {
        let is_own = word.contains("://") || word.bytes().any(|byte| byte.is_ascii_digit());
        if is_own { "…" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn closed(kind: ErrorKind, bucket: &str, error: &Error) -> Error {
    let details = error.details();
    let is_missing = details.status == Some(404);
    let hint = if is_missing {
        "check the bucket's name in the images' URIs"
    } else if details.service == Some("Gemini") {
        "grant `roles/storage.objectViewer` on the bucket to the Vertex AI service agent \
         `service-PROJECT_NUMBER@gcp-sa-aiplatform.iam.gserviceaccount.com`, or pass `image_mode=\"inline\"` to send the \
         images along with your own credentials"
    } else {
        "grant yourself `roles/storage.objectViewer` on the bucket"
    };
    let closed = Error::new(kind, format!("no image of the bucket `{bucket}` can be read: {}", error.message()))
        .with_reason(details.reason.clone())
        .with_hint(hint);
    match (details.service, details.status) {
        (Some(service), Some(status)) => closed.with_service(service, status),
        _ => closed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn trouble(ratio: Option<f64>) -> Trouble {
        Trouble::new(ratio, None).unwrap()
    }

    fn denied() -> Error {
        Error::new(ErrorKind::Image, "Permission denied while accessing input file.")
            .with_service("Gemini", 403)
            .with_scope(Scope::Bucket)
    }

    fn broken_image() -> Error {
        Error::new(ErrorKind::Image, "Provided image is not valid.").with_service("Gemini", 400)
    }

    fn invalid(text: &str) -> Error {
        Error::new(ErrorKind::InvalidRequest, text).with_service("Gemini", 400)
    }

    fn goes_on(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Continue)
    }

    /// Rows until a verdict other than to go on, and that verdict.
    fn until(mut next: impl FnMut(usize) -> Verdict) -> Option<(usize, Verdict)> {
        (1..=1_000).map(|row| (row, next(row))).find(|(_, verdict)| !goes_on(verdict))
    }

    #[test]
    fn what_every_row_would_meet_stops_at_once() {
        let error = Error::new(ErrorKind::ModelUnavailable, "").with_scope(Scope::Run);
        assert!(matches!(trouble(None).finished(None, Outcome::Failed(&error)), Verdict::StopWithIt));
    }

    #[test]
    fn three_refused_rows_close_a_bucket_and_it_is_told_once() {
        let mut trouble = trouble(None);
        let (row, verdict) = until(|_| trouble.finished(Some("closed"), Outcome::Failed(&denied()))).unwrap();
        let Verdict::SkipBucket(note) = verdict else { unreachable!("{verdict:?}") };
        assert_eq!(row, 3);
        assert!(note.contains("`closed`") && note.contains("not sent"), "{note}");
        let broken = trouble.broken("closed").unwrap();
        assert_eq!(broken.kind(), ErrorKind::Image);
        let text = broken.to_string();
        for part in ["roles/storage.objectViewer", "@gcp-sa-aiplatform.iam", "image_mode=\"inline\"", "Gemini 403"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(trouble.broken("open").is_none());
        assert!(goes_on(&trouble.finished(Some("closed"), Outcome::Failed(&denied()))));
    }

    #[test]
    fn a_bucket_of_which_an_image_was_read_is_not_closed() {
        let mut trouble = trouble(None);
        trouble.finished(Some("mixed"), Outcome::Answered);
        assert!(until(|_| trouble.finished(Some("mixed"), Outcome::Failed(&denied()))).is_none());
        trouble.finished(Some("blocked"), Outcome::Unusable("blocked: SAFETY"));
        assert!(until(|_| trouble.finished(Some("blocked"), Outcome::Failed(&denied()))).is_none());
    }

    #[test]
    fn a_refusal_that_may_mean_a_missing_image_takes_ten_rows() {
        let error = Error::new(ErrorKind::PermissionDenied, "denied on resource (or it may not exist).")
            .with_service("Cloud Storage", 403)
            .with_scope(Scope::Bucket);
        let mut trouble = trouble(None);
        let (row, _) = until(|_| trouble.finished(Some("bucket"), Outcome::Failed(&error))).unwrap();
        assert_eq!(row, 10);
        assert!(trouble.broken("bucket").unwrap().to_string().contains("grant yourself"));
    }

    #[test]
    fn the_only_bucket_being_closed_stops_the_run() {
        let mut trouble = Trouble::new(None, Some("all".into())).unwrap();
        let (row, verdict) = until(|_| trouble.finished(Some("all"), Outcome::Failed(&denied()))).unwrap();
        let Verdict::Stop(error) = verdict else { unreachable!("{verdict:?}") };
        assert_eq!((row, error.kind(), error.stops_the_run()), (3, ErrorKind::PermissionDenied, true));
    }

    #[test]
    fn a_missing_bucket_is_not_a_matter_of_permissions() {
        let error = Error::new(ErrorKind::Image, "The specified bucket does not exist.")
            .with_service("Gemini", 404)
            .with_scope(Scope::Bucket);
        let mut trouble = Trouble::new(None, Some("typo".into())).unwrap();
        let Some((3, Verdict::Stop(error))) = until(|_| trouble.finished(Some("typo"), Outcome::Failed(&error))) else {
            unreachable!("three rows stop it")
        };
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("check the bucket's name"), "{error}");
    }

    #[test]
    fn ten_first_rows_with_the_same_error_stop_the_run_with_it() {
        let mut trouble = trouble(None);
        let refused = |row: usize| invalid(&format!("Unsupported field at position {row}."));
        let (row, verdict) = until(|row| trouble.finished(None, Outcome::Failed(&refused(row)))).unwrap();
        let Verdict::Stop(error) = verdict else { unreachable!("{verdict:?}") };
        assert_eq!((row, error.kind(), error.details().status), (10, ErrorKind::InvalidRequest, Some(400)));
        assert!(error.message().starts_with("the 10 first rows met the same error"), "{error}");
    }

    #[test]
    fn later_it_takes_twenty_in_a_row_and_an_answer_starts_anew() {
        let mut trouble = trouble(None);
        trouble.finished(None, Outcome::Answered);
        (0..19).for_each(|_| assert!(goes_on(&trouble.finished(None, Outcome::Failed(&invalid("no"))))));
        trouble.finished(None, Outcome::Answered);
        let (row, _) = until(|_| trouble.finished(None, Outcome::Failed(&invalid("no")))).unwrap();
        assert_eq!(row, 20);
    }

    #[test]
    fn credentials_that_were_accepted_before_are_refused_for_good_after_three_rounds_without_an_answer() {
        let refused = Error::new(ErrorKind::Authentication, "refused").with_service("Gemini", 401);
        let at = Duration::from_secs;
        let mut trouble = trouble(None);
        assert!(!trouble.may_be_accepted_again(&refused, at(0), at(1)));
        for _ in 0..2 {
            trouble.finished(None, Outcome::Answered);
            (0..200).for_each(|_| assert!(trouble.may_be_accepted_again(&refused, at(1), at(2))));
            (0..200).for_each(|_| assert!(trouble.may_be_accepted_again(&refused, at(2), at(3))));
        }
        assert!(!trouble.may_be_accepted_again(&refused, at(3), at(4)));
    }

    #[test]
    fn different_errors_in_turn_are_the_rows_own() {
        let mut trouble = trouble(None);
        let refused = |row: usize| invalid(if row.is_multiple_of(2) { "too long" } else { "too short" });
        assert!(until(|row| trouble.finished(None, Outcome::Failed(&refused(row)))).is_none());
    }

    #[test]
    fn broken_images_and_a_failing_service_stop_nothing_without_a_ratio() {
        let mut trouble = trouble(None);
        for error in [broken_image(), Error::new(ErrorKind::Unavailable, "busy"), invalid("x").with_retryable(true)] {
            assert!(until(|_| trouble.finished(Some("bucket"), Outcome::Failed(&error))).is_none(), "{error}");
        }
    }

    #[test]
    fn too_many_broken_images_stop_the_run_where_the_user_says_so() {
        let mut trouble = trouble(Some(0.5));
        let (row, verdict) = until(|row| match row % 4 {
            0 => trouble.finished(Some("bucket"), Outcome::Answered),
            1 => trouble.finished(Some("bucket"), Outcome::Unusable("blocked: SAFETY")),
            _ => trouble.finished(Some("bucket"), Outcome::Failed(&broken_image())),
        })
        .unwrap();
        let Verdict::Stop(error) = verdict else { unreachable!("{verdict:?}") };
        assert_eq!((row, error.kind()), (20, ErrorKind::TooManyErrors));
        assert_eq!(
            error.message(),
            "15 of 20 finished rows failed, more than `max_error_ratio=0.5` allows; \
             most often (10 of them): Provided image is not valid. (Gemini 400)"
        );
    }

    #[test]
    fn a_share_that_is_reached_and_not_exceeded_is_accepted() {
        let mut trouble = trouble(Some(0.25));
        let failed = until(|row| {
            let outcome = broken_image();
            trouble.finished(None, if row % 4 == 0 { Outcome::Failed(&outcome) } else { Outcome::Answered })
        });
        assert!(failed.is_none());
    }

    #[test]
    fn a_ratio_that_is_no_share_is_refused() {
        for ratio in [-0.1, 1.1, f64::NAN] {
            assert!(Trouble::new(Some(ratio), None).is_err(), "{ratio}");
        }
    }

    proptest! {
        #[test]
        fn the_ratio_stops_exactly_the_runs_that_exceed_it(
            ratio in 0.0_f64..1.0,
            rows in proptest::collection::vec(any::<bool>(), 0..120),
        ) {
            let mut trouble = trouble(Some(ratio));
            let (mut finished, mut failed) = (0.0, 0.0);
            for is_failed in rows {
                finished += 1.0;
                failed += if is_failed { 1.0 } else { 0.0 };
                let error = broken_image();
                let verdict = trouble.finished(None, if is_failed { Outcome::Failed(&error) } else { Outcome::Answered });
                prop_assert_eq!(goes_on(&verdict), finished < 20.0 || failed / finished <= ratio);
            }
        }

        #[test]
        fn a_bucket_is_closed_only_if_none_of_it_was_read_before(
            rows in proptest::collection::vec((0_usize..3, any::<bool>()), 0..200),
        ) {
            let names = ["first", "second", "third"];
            let mut trouble = trouble(None);
            let mut readable = [false; 3];
            for (which, is_denied) in rows {
                let error = denied();
                let was_broken = trouble.broken(names[which]).is_some();
                readable[which] |= !is_denied && !was_broken;
                trouble.finished(Some(names[which]), if is_denied { Outcome::Failed(&error) } else { Outcome::Answered });
                if !was_broken && trouble.broken(names[which]).is_some() {
                    prop_assert!(!readable[which]);
                }
            }
        }
    }
}
