//! Keeps what the core tells about its work until somebody fetches it: filtered by level, bounded, without secrets.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};

/// Nobody needs more of what happened between two fetches, a twentieth of a second apart.
const KEPT: usize = 10_000;

/// A service's answer may be quoted in an error, and may be long.
const LONGEST_VALUE: usize = 1_000;

/// The threshold that no event reaches.
pub const NOTHING: u8 = u8::MAX;

/// Collects events; the `tracing` subscriber of a process that has somebody to tell them to.
#[derive(Debug)]
pub struct Events {
    threshold: AtomicU8,
    kept: Mutex<Kept>,
}

/// Events that nobody fetched yet.
#[derive(Debug, Default)]
pub struct Kept {
    events: VecDeque<Event>,
    dropped: u64,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When.
    pub moment: SystemTime,
    /// 10, 20, 30 or 40 for debug, info, warning and error; 5 for less than debug.
    pub level: u8,
    /// The part of the core that tells it, for example `auth`.
    pub area: &'static str,
    /// What happened, in words that never vary.
    pub message: String,
    /// What varies.
    pub fields: Vec<(&'static str, Value)>,
    /// Source file.
    pub file: &'static str,
    /// Line of the source file.
    pub line: u32,
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Yes or no.
    Bool(bool),
    /// A number without a fraction.
    Integer(i128),
    /// A number.
    Float(f64),
    /// Anything else.
    Text(String),
}

impl Default for Events {
    fn default() -> Self {
        Self { threshold: AtomicU8::new(NOTHING), kept: Mutex::default() }
    }
}

impl Events {
    /// Keeps events of this level and above from now on.
    pub fn keep_from(&self, level: u8) {
        self.threshold.store(level, Ordering::Relaxed);
    }

    /// Hands over what was kept, and how many older events had to be dropped.
    pub fn take(&self) -> (Vec<Event>, u64) {
        let mut kept = self.hold();
        (kept.events.drain(..).collect(), std::mem::take(&mut kept.dropped))
    }

    /// Holds up whoever has something to tell: a process must not be forked while a thread is telling it.
    pub fn hold(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Forgets everything: a forked child does not tell what happened in its parent.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    fn push(&mut self, event: Event) {
        if self.events.len() == KEPT {
            self.events.pop_front();
            self.dropped += 1;
        }
        self.events.push_back(event);
    }
}

impl Subscriber for Events {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.is_event() && area(metadata).is_some() { Interest::sometimes() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && level(*metadata.level()) >= self.threshold.load(Ordering::Relaxed)
            && area(metadata).is_some()
    }

    fn event(&self, event: &tracing::Event<'_>) {
        let metadata = event.metadata();
        let Some(area) = area(metadata) else {
            return;
        };
        let mut told = Event {
            moment: SystemTime::now(),
            level: level(*metadata.level()),
            area,
            message: String::new(),
            fields: Vec::new(),
            file: metadata.file().filter(|_| is_ours(metadata)).unwrap_or_default(),
            line: metadata.line().unwrap_or_default(),
        };
        event.record(&mut told);
        self.hold().push(told);
    }

    // Spans are not told: what an event belongs to is in its fields.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

impl Event {
    fn add(&mut self, field: &Field, value: Value) {
        match value {
            Value::Text(text) if field.name() == "message" => self.message = text,
            value => self.fields.push((field.name(), value)),
        }
    }
}

impl Visit for Event {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, Value::Bool(value));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Value::Integer(value.into()));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, Value::Integer(value.into()));
    }
    fn record_u128(&mut self, field: &Field, value: u128) {
        self.add(field, Value::Integer(i128::try_from(value).unwrap_or(i128::MAX)));
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, Value::Float(value));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, Value::Text(presentable(value)));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, Value::Text(presentable(&format!("{value:?}"))));
    }
}

fn level(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG => 10,
        Level::TRACE => 5,
    }
}

fn is_ours(metadata: &Metadata<'_>) -> bool {
    metadata.target().starts_with(concat!(env!("CARGO_CRATE_NAME"), "::"))
}

/// The module at the top of the core, `http` for what carries requests, or `auth` for the warnings of `gcp_auth`, which tells its reasons nowhere else.
fn area<'a>(metadata: &Metadata<'a>) -> Option<&'a str> {
    if is_ours(metadata) {
        return metadata.target().split("::").nth(1).map(|module| match module {
            "stack" | "transport" | "envelope" => "http",
            module => module,
        });
    }
    let is_warning_of_gcp_auth = metadata.target().starts_with("gcp_auth") && *metadata.level() <= Level::WARN;
    is_warning_of_gcp_auth.then_some("auth")
}

fn presentable(text: &str) -> String {
    let text = without_secrets(text);
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// Addresses lose their query, which may hold a signature, and their password, which a proxy's may have.
fn without_secrets(text: &str) -> Cow<'_, str> {
    if !text.contains("://") {
        return Cow::Borrowed(text);
    }
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("://") {
        let (scheme, after) = rest.split_at(start + "://".len());
        told.push_str(scheme);
        let end = after.find(|c: char| c.is_whitespace() || "\"'`<>".contains(c)).unwrap_or(after.len());
        let (address, after) = after.split_at(end);
        let (place, query) = match address.split_once(['?', '#']) {
            // A `gs://` name has no query: a question mark belongs to it.
            Some((place, _)) if !scheme.ends_with("gs://") => (place, "?…"),
            _ => (address, ""),
        };
        let authority = place.find('/').unwrap_or(place.len());
        let host = place[..authority].rfind('@').map_or(0, |at| at + 1);
        told.push_str(&place[host..]);
        told.push_str(query);
        rest = after;
    }
    told.push_str(rest);
    Cow::Owned(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn told_from(level: u8, tell: impl FnOnce()) -> (Vec<Event>, u64) {
        let events = Arc::new(Events::default());
        events.keep_from(level);
        tracing::subscriber::with_default(Arc::clone(&events), tell);
        events.take()
    }

    #[test]
    fn an_event_comes_with_its_fields_and_the_area_that_tells_it() {
        let (events, _) = told_from(10, || {
            tracing::warn!(target: "streetlens_core::auth::cache", attempts = 2, ratio = 0.5, last = true, "no token");
        });
        let event = &events[0];
        assert_eq!((event.level, event.area, event.message.as_str()), (30, "auth", "no token"));
        assert_eq!(
            event.fields,
            [("attempts", Value::Integer(2)), ("ratio", Value::Float(0.5)), ("last", Value::Bool(true))]
        );
    }

    #[test]
    fn what_carries_requests_is_told_as_http() {
        let (events, _) = told_from(10, || {
            tracing::debug!(target: "streetlens_core::stack", "answered");
            tracing::debug!(target: "streetlens_core::transport::pool", "opened");
        });
        assert_eq!(events.iter().map(|event| event.area).collect::<Vec<_>>(), ["http", "http"]);
    }

    #[test]
    fn an_event_below_the_threshold_is_not_kept() {
        let (events, _) = told_from(30, || {
            tracing::info!("quiet");
            tracing::error!("loud");
        });
        assert_eq!(events.iter().map(|event| event.message.as_str()).collect::<Vec<_>>(), ["loud"]);
    }

    #[test]
    fn nothing_is_kept_until_somebody_asks() {
        assert_eq!(told_from(NOTHING, || tracing::error!("loud")).0, []);
    }

    #[test]
    fn what_a_library_says_is_not_told_but_for_the_warnings_of_gcp_auth() {
        let (events, _) = told_from(0, || {
            tracing::error!(target: "h2::codec", "a frame");
            tracing::debug!(target: "gcp_auth::types", "a step");
            tracing::warn!(target: "gcp_auth::types", "token request failed");
        });
        let told: Vec<_> = events.iter().map(|event| (event.area, event.file, event.message.as_str())).collect();
        assert_eq!(told, [("auth", "", "token request failed")]);
    }

    #[test]
    fn the_oldest_event_goes_where_there_are_too_many_and_is_counted() {
        let (events, dropped) =
            told_from(10, || (0..KEPT + 3).for_each(|number| tracing::info!(number, "one of many")));
        assert_eq!((events.len(), dropped), (KEPT, 3));
        assert_eq!(events[0].fields, [("number", Value::Integer(3))]);
    }

    #[test]
    fn what_was_dropped_is_counted_once() {
        let events = Events::default();
        events.hold().dropped = 3;
        assert_eq!((events.take().1, events.take().1), (3, 0));
    }

    #[test]
    fn a_signed_address_loses_its_query() {
        let text = "cannot read `https://storage.googleapis.com/b/o.jpg?X-Goog-Signature=abc&x=1`: refused";
        assert_eq!(without_secrets(text), "cannot read `https://storage.googleapis.com/b/o.jpg?…`: refused");
    }

    #[test]
    fn an_address_loses_its_password() {
        assert_eq!(without_secrets("via http://me:secret@proxy:3128 or x@y"), "via http://proxy:3128 or x@y");
    }

    #[test]
    fn every_address_of_a_text_loses_its_query() {
        assert_eq!(without_secrets("http://a/?b=1 http://c/d#e"), "http://a/?… http://c/d?…");
    }

    #[test]
    fn an_object_keeps_the_question_mark_in_its_name() {
        assert_eq!(without_secrets("gs://bucket/what?.jpg"), "gs://bucket/what?.jpg");
    }

    #[test]
    fn a_long_value_is_cut_between_two_characters() {
        let told = presentable(&"ü".repeat(LONGEST_VALUE + 1));
        assert_eq!(told, format!("{}…", "ü".repeat(LONGEST_VALUE)));
    }

    #[test]
    fn a_second_subscriber_of_a_thread_is_no_trouble() {
        let (outer, inner) = (Arc::new(Events::default()), Arc::new(Events::default()));
        outer.keep_from(10);
        inner.keep_from(10);
        tracing::subscriber::with_default(Arc::clone(&outer), || {
            tracing::subscriber::with_default(Arc::clone(&inner), || tracing::info!("inside"));
            tracing::info!("outside");
        });
        assert_eq!((outer.take().0.len(), inner.take().0.len()), (1, 1));
    }
}
