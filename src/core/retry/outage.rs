//! Notices that the service is gone, holds everything back but a probe now and then, and gives up after a while.

use std::time::Duration;

use crate::error::{Error, ErrorKind, Scope};

/// Failures in a row, with no answer between them, of as many rows, that make an outage. A few images that the service
/// fails over again and again must not look like one.
const FAILURES: u32 = 20;
const ROWS: usize = 10;

/// Requests in a row that did not reach the service: these depend on no image.
const UNREACHED: u32 = 5;

/// Rows in a row that are told to come back in minutes.
const PUT_OFF: u32 = 3;

/// Waits between probes: the first doubles up to the last. Short at first, because a server that restarts breaks all its
/// connections and is back at once.
const FIRST_PROBE: Duration = Duration::from_millis(250);
const LAST_PROBE: Duration = Duration::from_secs(5);

/// Wait between probes for what takes minutes to pass.
const MINUTE: Duration = Duration::from_secs(60);

/// From this age on an outage is worth telling.
const WORTH_TELLING: Duration = Duration::from_secs(2);

/// How long a run waits for a service, and for one that it never reached: then the fault is more likely on this side.
const LIMIT: Duration = Duration::from_secs(600);
const LIMIT_NEVER_REACHED: Duration = Duration::from_secs(30);

/// The state of the service as the attempts of one run see it.
#[derive(Debug, Clone)]
pub struct Outage {
    limit: Duration,
    has_answered: bool,
    streak: Streak,
    /// Since when, where there is an outage.
    since: Option<Duration>,
    probe_at: Duration,
    wait: Duration,
    is_told: bool,
}

/// What failed since the last answer.
#[derive(Debug, Clone, Default)]
struct Streak {
    since: Duration,
    failures: u32,
    unreached: u32,
    put_off: u32,
    /// The first few different ones.
    rows: Vec<usize>,
}

/// What an attempt tells about the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It answers: also a refusal is an answer.
    Answers,
    /// It failed over this row, or did not answer in time.
    Fails(usize),
    /// It cannot be reached.
    Unreachable,
    /// It asks to come back in minutes.
    PutsOff,
}

/// Whether the next row may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Yes.
    Go,
    /// As a probe; call [`Outage::probed`] once it is sent.
    Probe,
    /// Ask again at this time, or after the next attempt has returned.
    NotBefore(Duration),
}

impl Sign {
    /// What the error of a row's attempt tells.
    #[must_use]
    pub fn of(error: &Error, row: usize) -> Self {
        match error.kind() {
            _ if error.takes_minutes() => Self::PutsOff,
            _ if error.is_unsent() => Self::Unreachable,
            ErrorKind::Unavailable | ErrorKind::Transport | ErrorKind::Timeout => Self::Fails(row),
            _ => Self::Answers,
        }
    }
}

impl Default for Outage {
    fn default() -> Self {
        Self::new(LIMIT)
    }
}

impl Outage {
    /// A service that is well until the signs say otherwise, and is given up after `limit` without an answer.
    #[must_use]
    pub fn new(limit: Duration) -> Self {
        Self {
            limit,
            has_answered: false,
            streak: Streak::default(),
            since: None,
            probe_at: Duration::ZERO,
            wait: FIRST_PROBE,
            is_told: false,
        }
    }

    /// Takes in what an attempt told; ask [`Outage::counts_against_row`] afterwards.
    pub fn observe(&mut self, now: Duration, sign: Sign) {
        if sign == Sign::Answers {
            self.has_answered = true;
            self.streak = Streak::default();
            self.since = None;
            self.is_told = false;
            return;
        }
        self.streak.take_in(now, sign);
        if self.since.is_none() && self.streak.is_outage() {
            self.since = Some(self.streak.since);
            self.wait = if self.streak.is_put_off() { MINUTE } else { FIRST_PROBE };
            self.probe_at = now + self.wait;
        }
    }

    /// Whether the next row may go; asked last, when nothing else holds it back.
    #[must_use]
    pub fn ask(&self, now: Duration) -> Permit {
        match self.since {
            None => Permit::Go,
            Some(_) if now >= self.probe_at => Permit::Probe,
            Some(_) => Permit::NotBefore(self.probe_at),
        }
    }

    /// A probe was sent. The next may follow whether or not this one comes back: a probe that stalls holds up nothing.
    pub fn probed(&mut self, now: Duration) {
        if !self.streak.is_put_off() {
            self.wait = (self.wait * 2).min(LAST_PROBE);
        }
        self.probe_at = now + self.wait;
    }

    /// Whether a failure is the row's own: not while the service is gone for everyone.
    #[must_use]
    pub fn counts_against_row(&self) -> bool {
        self.since.is_none()
    }

    /// Since when the service is gone, as far as that is worth telling.
    #[must_use]
    pub fn since(&self, now: Duration) -> Option<Duration> {
        self.since.filter(|since| now.saturating_sub(*since) >= WORTH_TELLING)
    }

    /// A sentence for the user, once in an outage.
    pub fn note(&mut self, now: Duration) -> Option<String> {
        self.since(now)?;
        if std::mem::replace(&mut self.is_told, true) {
            return None;
        }
        Some(if self.streak.is_put_off() {
            "Google is setting up the service agents that read images from Cloud Storage, once in a project; \
             this takes some minutes, and the run goes on by itself"
                .to_owned()
        } else {
            "the service does not answer; the run waits, tries again every few seconds, and goes on by itself"
                .to_owned()
        })
    }

    /// Whether the service has been gone for longer than the run waits.
    #[must_use]
    pub fn gave_up(&self, now: Duration) -> bool {
        let limit = if self.was_reached() { self.limit } else { self.limit.min(LIMIT_NEVER_REACHED) };
        self.since.is_some_and(|since| now.saturating_sub(since) >= limit)
    }

    /// The run's error after [`Outage::gave_up`], from what the last attempt met.
    #[must_use]
    pub fn error(&self, now: Duration, last: &Error) -> Error {
        let seconds = now.saturating_sub(self.since.unwrap_or(now)).as_secs();
        let hint = if self.was_reached() {
            "the finished rows are kept: call again when the service is back"
        } else {
            "check the network, the proxy, `region=` and `endpoint=`"
        };
        let hint = last.details().hint.clone().unwrap_or_else(|| hint.to_owned());
        last.without_source()
            .with_context(&format!("no request was answered for {seconds} s, and the run gave up"))
            .with_scope(Scope::Run)
            .with_hint(hint)
    }

    fn was_reached(&self) -> bool {
        self.has_answered || self.streak.unreached < self.streak.failures
    }
}

impl Streak {
    fn take_in(&mut self, now: Duration, sign: Sign) {
        if self.failures == 0 {
            self.since = now;
        }
        self.failures = self.failures.saturating_add(1);
        match sign {
            Sign::Answers => {}
            Sign::Unreachable => self.unreached = self.unreached.saturating_add(1),
            Sign::PutsOff => self.put_off = self.put_off.saturating_add(1),
            Sign::Fails(row) => {
                if self.rows.len() < ROWS && !self.rows.contains(&row) {
                    self.rows.push(row);
                }
            }
        }
    }

    fn is_outage(&self) -> bool {
        let is_failing = self.failures >= FAILURES && self.rows.len() >= ROWS;
        is_failing || self.unreached >= UNREACHED || self.is_put_off()
    }

    fn is_put_off(&self) -> bool {
        self.put_off >= PUT_OFF
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    fn after(signs: impl IntoIterator<Item = Sign>) -> Outage {
        let mut outage = Outage::default();
        outage.observe(at(0.0), Sign::Answers);
        signs.into_iter().for_each(|sign| outage.observe(at(1.0), sign));
        outage
    }

    #[test]
    fn five_unreached_requests_in_a_row_are_an_outage_and_four_are_none() {
        assert_eq!(after([Sign::Unreachable; 4]).ask(at(1.0)), Permit::Go);
        let outage = after([Sign::Unreachable; 5]);
        assert_eq!(outage.ask(at(1.0)), Permit::NotBefore(at(1.25)));
        assert!(!outage.counts_against_row());
    }

    #[test]
    fn many_failures_of_a_few_rows_are_their_own() {
        let outage = after((0..200).map(|turn| Sign::Fails(turn % 9)));
        assert_eq!(outage.ask(at(9.0)), Permit::Go);
        assert!(outage.counts_against_row());
        assert!(!after((0..20).map(|turn| Sign::Fails(turn % 10))).counts_against_row());
    }

    #[test]
    fn an_answer_between_failures_and_one_during_an_outage_end_it() {
        let mut outage = after((0..19).map(Sign::Fails));
        outage.observe(at(1.0), Sign::Answers);
        (0..19).for_each(|row| outage.observe(at(1.0), Sign::Fails(row)));
        assert_eq!(outage.ask(at(1.0)), Permit::Go);
        outage.observe(at(1.0), Sign::Fails(19));
        assert_ne!(outage.ask(at(1.0)), Permit::Go);
        outage.observe(at(2.0), Sign::Answers);
        assert_eq!(outage.ask(at(2.0)), Permit::Go);
    }

    #[test]
    fn the_waits_between_probes_double_up_to_five_seconds() {
        let mut outage = after([Sign::Unreachable; 5]);
        let (mut now, mut waits) = (at(1.0), Vec::new());
        for _ in 0..7 {
            let Permit::NotBefore(next) = outage.ask(now) else { unreachable!("a probe was just sent") };
            waits.push(next.saturating_sub(now).as_secs_f64());
            assert_eq!(outage.ask(next), Permit::Probe);
            outage.probed(next);
            outage.observe(next, Sign::Unreachable);
            now = next;
        }
        assert_eq!(waits, [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]);
    }

    /// A run of `rows` against a service that fails like this from second 5 to second 35: six attempts each.
    fn run_through_half_a_minute(rows: usize, in_flight: usize, fail: fn() -> Error) -> (usize, Duration, usize) {
        let mut outage = Outage::default();
        let policy = super::super::RetryPolicy::default();
        let mut waiting: Vec<(Duration, usize)> = (0..rows).map(|row| (at(0.0), row)).collect();
        let (mut attempts, mut lost, mut sent, mut now) = (vec![0_u32; rows], 0, 0, at(0.0));
        while !waiting.is_empty() {
            waiting.sort_unstable();
            for _ in 0..in_flight {
                let permit = outage.ask(now);
                let is_due = waiting.first().is_some_and(|(due, _)| *due <= now);
                if matches!(permit, Permit::NotBefore(_)) || !is_due {
                    break;
                }
                if permit == Permit::Probe {
                    outage.probed(now);
                }
                let (_, row) = waiting.remove(0);
                sent += 1;
                if !(at(5.0)..at(35.0)).contains(&now) {
                    outage.observe(now, Sign::Answers);
                    continue;
                }
                let error = fail();
                outage.observe(now, Sign::of(&error, row));
                attempts[row] += u32::from(outage.counts_against_row());
                #[expect(clippy::cast_precision_loss, reason = "small numbers")]
                let chance = (row * 37 % 100) as f64 / 100.0;
                match policy.next_wait(&error, attempts[row].max(1), attempts[row], now, chance) {
                    Some(wait) => waiting.push((now + wait, row)),
                    None => lost += 1,
                }
            }
            now += Duration::from_millis(50);
        }
        (lost, now, sent)
    }

    #[test]
    fn a_server_that_is_gone_for_half_a_minute_costs_no_row_and_few_requests() {
        let refused: fn() -> Error = || Error::new(ErrorKind::Transport, "refused").with_unsent();
        let busy: fn() -> Error = || Error::new(ErrorKind::Unavailable, "busy");
        for (rows, in_flight, fail) in
            [(2_000, 10, refused), (2_000, 10, busy), (40_000, 256, refused), (40_000, 256, busy)]
        {
            let (lost, ended, sent) = run_through_half_a_minute(rows, in_flight, fail);
            assert_eq!(lost, 0, "{rows} rows");
            assert!((8..40).contains(&(sent - rows)), "{} requests in vain", sent - rows);
            assert!(ended < at(110.0), "{ended:?}");
        }
    }

    #[test]
    fn it_is_told_once_and_only_when_it_lasts() {
        let mut outage = after([Sign::Unreachable; 5]);
        assert_eq!((outage.since(at(1.5)), outage.note(at(1.5))), (None, None));
        assert_eq!(outage.since(at(4.0)), Some(SECOND));
        assert!(outage.note(at(4.0)).is_some());
        assert!(outage.note(at(5.0)).is_none());
    }

    #[test]
    fn service_agents_being_set_up_are_probed_by_the_minute_at_no_row_s_cost() {
        let error = Error::new(ErrorKind::Unavailable, "being provisioned").with_minutes_to_pass();
        let mut outage = Outage::default();
        (0..3).for_each(|row| outage.observe(at(0.0), Sign::of(&error, row)));
        assert_eq!(outage.ask(at(30.0)), Permit::NotBefore(at(60.0)));
        outage.probed(at(60.0));
        assert_eq!(outage.ask(at(100.0)), Permit::NotBefore(at(120.0)));
        assert!(!outage.gave_up(at(599.0)) && outage.gave_up(at(600.0)));
        assert!(outage.note(at(60.0)).unwrap().contains("service agents"));
    }

    #[test]
    fn a_service_that_was_never_reached_is_given_up_after_half_a_minute_and_another_after_ten() {
        let mut never = Outage::default();
        (0..5).for_each(|_| never.observe(at(0.0), Sign::Unreachable));
        assert!(!never.gave_up(at(29.0)) && never.gave_up(at(30.0)));
        let failed = Error::new(ErrorKind::Transport, "connection refused");
        assert!(never.error(at(30.0), &failed).to_string().contains("check the network"));
        let mut failing = Outage::default();
        (0..20).for_each(|row| failing.observe(at(0.0), Sign::Fails(row)));
        assert!(!failing.gave_up(at(599.0)) && failing.gave_up(at(600.0)));
        let once = after([Sign::Unreachable; 5]);
        assert!(!once.gave_up(at(600.0)) && once.gave_up(at(601.0)));
        let error = once.error(at(601.0), &failed);
        assert!(error.stops_the_run());
        assert!(error.message().ends_with("for 600 s, and the run gave up: connection refused"), "{error}");
    }

    #[test]
    fn a_refusal_is_a_sign_of_life() {
        for kind in [ErrorKind::Throttled, ErrorKind::Image, ErrorKind::MalformedResponse] {
            assert_eq!(Sign::of(&Error::new(kind, ""), 0), Sign::Answers);
        }
    }

    proptest! {
        #[test]
        fn whatever_happened_an_answer_lets_everything_go(signs in proptest::collection::vec(0_usize..40, 0..300)) {
            let mut outage = Outage::default();
            for (turn, sign) in signs.into_iter().enumerate() {
                let sign = match sign {
                    30..35 => Sign::Unreachable,
                    35..40 => Sign::PutsOff,
                    row => Sign::Fails(row),
                };
                outage.observe(SECOND * u32::try_from(turn).unwrap(), sign);
            }
            outage.observe(SECOND * 400, Sign::Answers);
            prop_assert_eq!(outage.ask(SECOND * 400), Permit::Go);
            prop_assert!(outage.counts_against_row() && !outage.gave_up(SECOND * 4_000));
        }

        #[test]
        fn an_outage_always_names_a_time_for_the_next_probe_within_a_minute(probes in 0_u32..50, unreached in 5_u32..50) {
            let mut outage = Outage::default();
            (0..unreached).for_each(|_| outage.observe(SECOND, Sign::Unreachable));
            (0..probes).for_each(|_| outage.probed(SECOND));
            let Permit::NotBefore(next) = outage.ask(SECOND) else { return Err(TestCaseError::fail("no wait")) };
            prop_assert!(next > SECOND && next <= SECOND * 7);
            prop_assert_eq!(outage.ask(next), Permit::Probe);
        }
    }
}
