//! The limiter against simulated services, on simulated time.

use proptest::prelude::*;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::*;

type OverTime = fn(f64) -> f64;

/// A service with a quota of requests a second that is a function of time.
struct Service {
    quota: OverTime,
    bucket: f64,
    latency: fn(&mut Chance, f64) -> f64,
    refusal_latency: f64,
    noise: f64,
    tokens: fn(&mut Chance) -> f64,
    retry_after: Option<Duration>,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            quota: |_| 200.0,
            bucket: 20.0,
            latency: |chance, _| 0.4 + 0.2 * chance.next(),
            refusal_latency: 0.05,
            noise: 0.0,
            tokens: |chance| 1_000.0 + 600.0 * chance.next(),
            retry_after: None,
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "numbers of requests")]
fn number(count: usize) -> f64 {
    count as f64
}

/// Numbers from 0 up to 1 that are the same in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from(u32::try_from(self.0 >> 32).unwrap_or_default()) / f64::from(u32::MAX)
    }

    /// Lognormal with this median and 99th percentile.
    fn lognormal(&mut self, median: f64, p99: f64) -> f64 {
        let normal = (-2.0 * self.next().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * self.next()).cos();
        median * ((p99 / median).ln() / 2.326 * normal).exp()
    }
}

struct Return {
    at: f64,
    ticket: Ticket,
    is_refused: bool,
    tokens: f64,
}

impl PartialEq for Return {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}
impl Eq for Return {}
impl PartialOrd for Return {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Return {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.at.total_cmp(&self.at)
    }
}

/// What was sent and what became of it: time, tokens, whether it was refused.
#[derive(Default)]
struct Log {
    sent: Vec<(f64, f64, bool)>,
    peak_in_flight: usize,
}

impl Log {
    fn served(&self, from: f64, to: f64) -> f64 {
        number(self.sent.iter().filter(|(at, _, refused)| (from..to).contains(at) && !refused).count())
    }

    fn refused(&self, from: f64, to: f64) -> f64 {
        number(self.sent.iter().filter(|(at, _, refused)| (from..to).contains(at) && *refused).count())
    }

    fn refused_share(&self, from: f64, to: f64) -> f64 {
        self.refused(from, to) / self.served(from, to)
    }

    /// The most of a quantity in any window of a second.
    fn most_in_a_second(&self, amount: fn(&(f64, f64, bool)) -> f64) -> f64 {
        let (mut first, mut sum, mut most) = (0, 0.0, 0.0_f64);
        for entry in &self.sent {
            sum += amount(entry);
            while self.sent[first].0 <= entry.0 - 1.0 + 1e-9 {
                sum -= amount(&self.sent[first]);
                first += 1;
            }
            most = most.max(sum);
        }
        most
    }

    /// From when on every whole second served at least `rate`, counted from `from`.
    fn seconds_until(&self, rate: f64, from: f64) -> f64 {
        let mut at = from;
        while self.served(at, at + 1.0) < rate {
            at += 0.1;
            assert!(at < from + 100.0, "{rate}/s is never reached");
        }
        at - from
    }
}

/// Runs a limiter with endless work against a service; timers wake on the next millisecond.
fn simulate(limits: &Limits, service: &Service, seconds: f64) -> Log {
    let mut chance = Chance(0x9E37_79B9_7F4A_7C15);
    let (mut limiter, mut returns, mut log) = (Limiter::new(limits), BinaryHeap::<Return>::new(), Log::default());
    let (mut now, mut level, mut refilled) = (0.0_f64, service.bucket, 0.0);
    while now < seconds {
        let wake = loop {
            match limiter.ask(Duration::from_secs_f64(now)) {
                Verdict::Go(ticket) => {
                    level = (level + (now - refilled) * (service.quota)(now)).min(service.bucket);
                    refilled = now;
                    let is_refused = level < 1.0 || chance.next() < service.noise;
                    level -= f64::from(u8::from(!is_refused));
                    let latency =
                        if is_refused { service.refusal_latency } else { (service.latency)(&mut chance, now) };
                    let tokens = (service.tokens)(&mut chance);
                    log.sent.push((now, tokens, is_refused));
                    returns.push(Return { at: now + latency, ticket, is_refused, tokens });
                    log.peak_in_flight = log.peak_in_flight.max(returns.len());
                }
                Verdict::NotBefore(at) => break (at.as_secs_f64() * 1_000.0).floor() / 1_000.0 + 0.001,
                Verdict::Full => break f64::INFINITY,
            }
        };
        let next = returns.peek().map_or(f64::INFINITY, |first| first.at);
        now = wake.min(next).max(now);
        assert!(now.is_finite(), "nothing under way and nothing may go: a deadlock");
        while returns.peek().is_some_and(|first| first.at <= now) {
            let Some(Return { ticket, is_refused, tokens, .. }) = returns.pop() else { break };
            if is_refused {
                limiter.throttled(&ticket, Duration::from_secs_f64(now), service.retry_after);
            } else {
                limiter.answered(&ticket, Some(tokens));
            }
        }
    }
    log
}

fn wide() -> Limits {
    Limits { concurrency: ConcurrencyRange { min: 4, start: 20, max: 1_000 }, ..Limits::default() }
}

/// Shares of the quota that were used, and of the answers' number that were refused.
fn used_and_refused(log: &Log, offered: f64, from: f64, to: f64) -> (f64, f64) {
    (log.served(from, to) / (offered * (to - from)), log.refused_share(from, to))
}

fn halved(at: f64) -> f64 {
    if at < 40.0 { 200.0 } else { 100.0 }
}

fn doubled(at: f64) -> f64 {
    if at < 40.0 { 100.0 } else { 200.0 }
}

#[test]
fn a_steady_quota_is_used_and_hardly_anything_is_refused() {
    for bucket in [10.0, 20.0] {
        let log = simulate(&wide(), &Service { bucket, ..Service::default() }, 310.0);
        let (used, refused) = used_and_refused(&log, 200.0, 10.0, 310.0);
        assert!(used > 0.97 && refused < 0.01, "bucket {bucket}: {used} used, {refused} refused");
        let (used, _) = used_and_refused(&log, 200.0, 0.0, 10.0);
        assert!(used > 0.80, "bucket {bucket}: {used} used in the first ten seconds");
    }
}

#[test]
fn small_and_large_quotas_are_used_as_well() {
    let quotas: [(f64, OverTime); 3] = [(20.0, |_| 20.0), (50.0, |_| 50.0), (900.0, |_| 900.0)];
    for (rate, quota) in quotas {
        let service = Service { quota, bucket: rate / 10.0, ..Service::default() };
        let (used, refused) = used_and_refused(&simulate(&wide(), &service, 130.0), rate, 10.0, 130.0);
        assert!(used > 0.95 && refused < 0.03, "{rate}/s: {used} used, {refused} refused");
    }
}

#[test]
fn a_halved_quota_is_followed_within_three_seconds() {
    let log = simulate(&wide(), &Service { quota: halved, ..Service::default() }, 70.0);
    assert!(log.refused(40.0, 43.0) < 100.0, "{} refused", log.refused(40.0, 43.0));
    let (used, refused) = used_and_refused(&log, 100.0, 43.0, 70.0);
    assert!(used > 0.95 && refused < 0.04, "{used} used, {refused} refused");
}

#[test]
fn a_doubled_quota_is_found_within_nine_seconds() {
    let log = simulate(&wide(), &Service { quota: doubled, ..Service::default() }, 70.0);
    let seconds = log.seconds_until(0.93 * 200.0, 40.0);
    assert!(seconds < 9.0, "{seconds} s");
    let (used, refused) = used_and_refused(&log, 200.0, 50.0, 70.0);
    assert!(used > 0.95 && refused < 0.03, "{used} used, {refused} refused");
}

#[test]
fn refusals_that_have_nothing_to_do_with_the_rate_do_not_lower_it() {
    let service = Service { quota: |_| 1.0e9, bucket: 1.0e9, noise: 0.01, ..Service::default() };
    let log = simulate(&wide(), &service, 70.0);
    // A thousand under way, half a second each.
    let (used, _) = used_and_refused(&log, 2_000.0, 20.0, 70.0);
    assert!(used > 0.95, "{used} of what the concurrency allows");
    let log = simulate(&wide(), &Service { noise: 0.01, ..Service::default() }, 130.0);
    let (used, refused) = used_and_refused(&log, 200.0, 10.0, 130.0);
    assert!(used > 0.95 && refused < 0.03, "{used} used, {refused} refused");
}

#[test]
fn many_refusals_that_stay_whatever_the_rate_do_not_stop_a_run() {
    let service = Service { quota: |_| 1.0e9, bucket: 1.0e9, noise: 0.3, ..Service::default() };
    let log = simulate(&Limits::default(), &service, 60.0);
    assert!(log.served(20.0, 60.0) > 40.0 * 100.0, "{} served", log.served(20.0, 60.0));
}

#[test]
fn slow_answers_do_not_hide_the_quota() {
    let latencies: [fn(&mut Chance, f64) -> f64; 2] =
        [|chance, _| chance.lognormal(0.5, 3.0), |chance, at| 0.3 + at / 60.0 + 0.2 * chance.next()];
    for latency in latencies {
        let log = simulate(&wide(), &Service { latency, ..Service::default() }, 130.0);
        let (used, refused) = used_and_refused(&log, 200.0, 10.0, 130.0);
        assert!(used > 0.97 && refused < 0.015, "{used} used, {refused} refused");
    }
}

#[test]
fn what_bursty_neighbours_leave_is_used_without_a_storm() {
    // For two of every ten seconds others take 70 % of the quota.
    let quota = |at: f64| if at % 10.0 < 2.0 { 60.0 } else { 200.0 };
    let log = simulate(&wide(), &Service { quota, ..Service::default() }, 130.0);
    let (used, refused) = used_and_refused(&log, 172.0, 10.0, 130.0);
    assert!(used > 0.6 && refused < 0.05, "{used} used, {refused} refused");
}

#[test]
fn a_limit_of_the_users_is_used_and_never_exceeded_by_more_than_five_percent() {
    let boundless = Service { quota: |_| 1.0e9, bucket: 1.0e9, tokens: |_| 1_300.0, ..Service::default() };
    for per_second in [2.0, 10.0, 50.0, 300.0] {
        let limits = Limits { requests_per_minute: Some(per_second * 60.0), ..wide() };
        let log = simulate(&limits, &boundless, 40.0);
        let most = log.most_in_a_second(|_| 1.0);
        assert!(most <= per_second * 1.05, "{most} requests in a second of {per_second}");
        assert!(log.served(10.0, 40.0) > 0.95 * per_second * 30.0, "{} of {per_second}/s", log.served(10.0, 40.0));
        let limits = Limits { tokens_per_minute: Some(per_second * 60.0 * 1_300.0), ..wide() };
        let log = simulate(&limits, &boundless, 40.0);
        let most = log.most_in_a_second(|(_, tokens, _)| *tokens) / 1_300.0;
        // The first requests are sent on a guess, so that a second may hold one more than it should.
        assert!(
            most <= (per_second * 1.05).max(per_second + 1.0) + 1e-6,
            "tokens of {most} requests in a second of {per_second}"
        );
        assert!(log.served(10.0, 40.0) > 0.95 * per_second * 30.0, "{} of {per_second}/s", log.served(10.0, 40.0));
    }
}

#[test]
fn a_new_run_does_not_begin_with_a_spike() {
    let boundless = Service { quota: |_| 1.0e9, bucket: 1.0e9, ..Service::default() };
    let log = simulate(&Limits::default(), &boundless, 5.0);
    let seconds: Vec<f64> = (0..4).map(|second| log.served(f64::from(second), f64::from(second) + 1.0)).collect();
    assert!(seconds[0] <= 150.0 && seconds.windows(2).all(|pair| pair[1] <= 4.0 * pair[0]), "{seconds:?}");
    assert!(log.peak_in_flight <= 200);
}

#[test]
fn a_named_wait_is_kept_by_the_whole_run_when_most_is_refused() {
    let quota = |at: f64| if (5.0..6.0).contains(&at) { 0.0 } else { 200.0 };
    let retry_after = Some(Duration::from_secs(4));
    let log = simulate(&wide(), &Service { quota, retry_after, ..Service::default() }, 20.0);
    let first = log.sent.iter().find(|(at, _, refused)| *at > 5.0 && *refused).map_or(0.0, |(at, ..)| *at);
    let asked = |from: f64, to: f64| log.served(from, to) + log.refused(from, to);
    assert!(asked(first + 1.5, first + 4.0) < 1.0, "{} sent", asked(first + 1.5, first + 4.0));
    assert!(log.served(12.0, 20.0) > 8.0 * 100.0, "{} served after the pause", log.served(12.0, 20.0));
}

#[test]
fn an_outage_ends_the_haste_and_its_end_is_noticed() {
    let quota = |at: f64| if (20.0..50.0).contains(&at) { 0.0 } else { 200.0 };
    let log = simulate(&wide(), &Service { quota, ..Service::default() }, 90.0);
    assert!(log.refused(25.0, 50.0) < 25.0 * 6.0, "{} refused in the outage", log.refused(25.0, 50.0));
    let seconds = log.seconds_until(180.0, 50.0);
    assert!(seconds < 30.0, "{seconds} s");
}

#[derive(Debug, Clone)]
enum Event {
    Answered(f64),
    Throttled(Option<u64>),
    Failed,
    Unsent,
}

fn events() -> impl Strategy<Value = Vec<(usize, Event, u64)>> {
    let event = prop_oneof![
        (0.0..1.0e6_f64).prop_map(Event::Answered),
        proptest::option::of(0..100_000_u64).prop_map(Event::Throttled),
        Just(Event::Failed),
        Just(Event::Unsent),
    ];
    proptest::collection::vec((any::<usize>(), event, 0..20_000_u64), 1..300)
}

proptest! {
    /// Whatever comes back, in whatever order: there is always something under way or a time at which to ask again.
    #[test]
    fn it_never_locks_up(
        events in events(),
        fixed in any::<bool>(),
        requests_per_minute in proptest::option::of(0.1..1.0e6_f64),
        tokens_per_minute in proptest::option::of(10.0..1.0e9_f64),
    ) {
        let concurrency = if fixed { ConcurrencyRange::fixed(3) } else { ConcurrencyRange { min: 1, start: 2, max: 9 } };
        let mut limiter = Limiter::new(&Limits { concurrency, requests_per_minute, tokens_per_minute });
        let (mut now, mut under_way) = (Duration::ZERO, Vec::new());
        for (pick, event, milliseconds) in events {
            for _ in 0..50 {
                match limiter.ask(now) {
                    Verdict::Go(ticket) => under_way.push(ticket),
                    Verdict::Full => {
                        prop_assert!(!under_way.is_empty());
                        break;
                    }
                    Verdict::NotBefore(at) => {
                        prop_assert!(at > now && at <= now + Duration::from_secs(3_601));
                        if !under_way.is_empty() {
                            break;
                        }
                        now = at;
                    }
                }
            }
            prop_assert!(under_way.len() <= limiter.concurrency().max(9));
            now += Duration::from_millis(milliseconds);
            if under_way.is_empty() {
                continue;
            }
            let ticket = under_way.swap_remove(pick % under_way.len());
            match event {
                Event::Answered(tokens) => limiter.answered(&ticket, Some(tokens)),
                Event::Throttled(wait) => limiter.throttled(&ticket, now, wait.map(Duration::from_millis)),
                Event::Failed => limiter.failed(&ticket, now, false),
                Event::Unsent => limiter.unsent(&ticket),
            }
        }
    }
}
