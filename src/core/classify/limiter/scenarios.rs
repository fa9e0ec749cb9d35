//! The limiter of one place against services of many kinds, over several seeds, latencies and quotas.

use proptest::prelude::*;
use std::time::Duration;

use super::simulation::{Chance, Fate, Service, Work, number, run};
use super::{ConcurrencyRange, Fleet, Limits, Verdict};

type Latency = fn(&mut Chance, f64) -> f64;

const LATENCIES: [(&str, Latency); 4] = [
    ("20 ms", |chance, _| 0.016 + 0.008 * chance.next()),
    ("50 ms", |chance, _| 0.04 + 0.02 * chance.next()),
    ("500 ms", |chance, _| 0.4 + 0.2 * chance.next()),
    ("lognormal", |chance, _| chance.lognormal(0.5, 3.0)),
];

/// Refusals at once, and refusals that take as long as answers.
const REFUSALS: [Option<f64>; 2] = [Some(0.05), None];

fn wide() -> Limits {
    Limits { concurrency: ConcurrencyRange { min: 4, start: 20, max: 2_000 }, ..Limits::default() }
}

/// The mean and the largest, or the mean and the smallest, of what some seeds gave.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / number(values.len())
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

/// For each seed, latency and kind of refusal: what one run measures.
fn each(seeds: u64, measure: impl Fn(Service, u64) -> f64, judge: impl Fn(&str, &[f64])) {
    for (name, latency) in LATENCIES {
        for refusal_latency in REFUSALS {
            let service = || Service { latency, refusal_latency, ..Service::default() };
            let values: Vec<f64> = (0..seeds).map(|seed| measure(service(), seed)).collect();
            judge(&format!("{name}, refusals after {refusal_latency:?}"), &values);
        }
    }
}

fn with_quota(rate: f64, mut service: Service) -> Service {
    let of_rate = Service::of(rate);
    (service.quota, service.bucket) = (of_rate.quota, of_rate.bucket);
    service
}

#[test]
fn a_steady_quota_is_used() {
    for (rate, seeds) in [(20.0, 4), (200.0, 2), (1_000.0, 1)] {
        let used = |service, seed| {
            run(&wide(), with_quota(rate, service), Work::Seconds(50.0), seed).served(10.0, 50.0) / (40.0 * rate)
        };
        let (mean_at_least, least_at_least) = if rate < 100.0 { (0.85, 0.4) } else { (0.975, 0.97) };
        each(seeds, used, |what, used| {
            assert!(mean(used) > mean_at_least && least(used) > least_at_least, "{rate}/s, {what}: {used:?} used");
        });
    }
}

#[test]
fn hardly_anything_is_refused_under_a_steady_quota() {
    for (rate, seeds, at_most) in [(20.0, 4, 0.08), (200.0, 2, 0.025), (1_000.0, 1, 0.025)] {
        let refused = |service, seed| {
            run(&wide(), with_quota(rate, service), Work::Seconds(60.0), seed).refused_share(25.0, 60.0)
        };
        each(seeds, refused, |what, refused| assert!(mean(refused) < at_most, "{rate}/s, {what}: {refused:?} refused"));
    }
}

#[test]
fn the_quota_of_the_target_is_kept_to_one_percent() {
    // 200 a second with a bucket of 20, answers in half a second, refusals at once.
    for seed in 0..4 {
        let log = run(&wide(), Service::default(), Work::Seconds(70.0), seed);
        let (used, refused) = (log.served(10.0, 70.0) / (60.0 * 200.0), log.refused_share(10.0, 70.0));
        assert!(used > 0.97 && refused < 0.01, "seed {seed}: {used} used, {refused} refused");
    }
}

#[test]
fn a_halved_quota_is_followed_within_three_seconds() {
    let halved = |at: f64| Box::new(move |now: f64| if now < at { 200.0 } else { 100.0 });
    let at = |seed: u64| 40.0 + 0.7 * Chance::of(seed).next();
    let used = |service, seed| {
        let log = run(&wide(), Service { quota: halved(at(seed)), ..service }, Work::Seconds(60.0), seed);
        log.served(at(seed) + 3.0, at(seed) + 13.0) / 1_000.0
    };
    each(3, used, |what, used| assert!(mean(used) > 0.95 && least(used) > 0.9, "{what}: {used:?} used"));
    let refused = |service, seed| {
        let log = run(&wide(), Service { quota: halved(at(seed)), ..service }, Work::Seconds(60.0), seed);
        log.refused_share(at(seed) + 3.0, at(seed) + 13.0)
    };
    each(3, refused, |what, refused| assert!(mean(refused) < 0.06, "{what}: {refused:?} refused"));
}

#[test]
fn a_doubled_quota_is_found() {
    let seconds = |service, seed: u64| {
        let at = 40.0 + 5.0 * Chance::of(seed).next();
        let quota = Box::new(move |now: f64| if now < at { 100.0 } else { 200.0 });
        run(&wide(), Service { quota, ..service }, Work::Seconds(70.0), seed).seconds_until(0.93 * 200.0, at)
    };
    each(3, seconds, |what, seconds| {
        assert!(mean(seconds) < 8.0 && most(seconds) < 12.0, "{what}: after {seconds:?} s");
    });
}

#[test]
fn a_short_run_hardly_suffers_from_refusals_at_random() {
    let latencies: [(f64, Latency); 3] =
        [(0.005, |chance, _| 0.004 + 0.002 * chance.next()), (0.05, LATENCIES[1].1), (0.5, LATENCIES[2].1)];
    for concurrency in ["4-20-200", "20"] {
        for (seconds, latency) in latencies {
            for (rows, noise) in
                [60, 300, 2_000].into_iter().flat_map(|rows| [0.01, 0.05, 0.1, 0.3].map(|noise| (rows, noise)))
            {
                let limits = Limits { concurrency: concurrency.parse().unwrap(), ..Limits::default() };
                let service = || Service { latency, refusal_latency: None, noise, ..Service::boundless() };
                let took: Vec<f64> = (0..4).map(|seed| run(&limits, service(), Work::Rows(rows), seed).ended).collect();
                let unlimited = number(rows) / (1.0 - noise) * seconds / 20.0;
                let what = format!("{concurrency}, {rows} rows of {seconds} s, {noise} refused: {took:?} s");
                assert!(mean(&took) < 3.0 * unlimited + 4.0, "{what}");
                assert!(most(&took) < 3.0 * unlimited + 20.0, "{what}");
            }
        }
    }
}

#[test]
fn refusals_at_random_do_not_press_a_long_run_down() {
    for noise in [0.01, 0.1, 0.3] {
        let service = || Service { noise, ..Service::boundless() };
        let asked: Vec<f64> =
            (0..2).map(|seed| run(&wide(), service(), Work::Seconds(30.0), seed).asked(20.0, 30.0) / 10.0).collect();
        // Two thousand under way, half a second each, are 4,000 a second.
        assert!(mean(&asked) > 3_000.0 && least(&asked) > 500.0, "{noise}: {asked:?} a second");
    }
}

#[test]
fn refusals_at_random_never_press_the_rate_below_the_floor() {
    for seed in 0..8 {
        let service = Service { latency: LATENCIES[2].1, noise: 0.3, ..Service::boundless() };
        let log = run(&Limits::default(), service, Work::Seconds(15.0), seed);
        for second in 0..14 {
            let second = f64::from(second);
            assert!(log.asked(second, second + 1.0) >= 3.0, "seed {seed}: {} asked", log.asked(second, second + 1.0));
        }
    }
}

#[test]
fn a_quota_behind_refusals_at_random_is_used() {
    for noise in [0.01, 0.1, 0.3] {
        for seed in 0..2 {
            let log = run(&wide(), Service { noise, ..Service::default() }, Work::Seconds(130.0), seed);
            let (used, refused) = (log.served(10.0, 130.0) / (120.0 * 200.0), log.refused_share(10.0, 130.0));
            assert!(used > 0.8 && refused < 1.2 * noise + 0.13, "{noise}, seed {seed}: {used} used, {refused} refused");
        }
    }
}

#[test]
fn a_quota_below_the_floor_is_respected() {
    let refused: Vec<f64> = (0..8)
        .map(|seed| {
            let service = Service { latency: LATENCIES[1].1, ..Service::of(1.0) };
            run(&Limits::default(), service, Work::Seconds(150.0), seed).refused_share(30.0, 150.0)
        })
        .collect();
    assert!(mean(&refused) < 0.35 && most(&refused) < 0.5, "{refused:?} refused");
}

#[test]
fn what_bursty_neighbours_leave_is_used_without_a_storm() {
    // For two of every ten seconds others take 70 % of the quota.
    for seed in 0..3 {
        let quota = Box::new(|at: f64| if at % 10.0 < 2.0 { 60.0 } else { 200.0 });
        let log = run(&wide(), Service { quota, ..Service::default() }, Work::Seconds(70.0), seed);
        let (used, refused) = (log.served(10.0, 70.0) / (60.0 * 172.0), log.refused_share(10.0, 70.0));
        assert!(used > 0.35 && refused < 0.12, "seed {seed}: {used} used, {refused} refused");
    }
}

#[test]
fn slower_and_slower_answers_do_not_hide_the_quota() {
    for seed in 0..3 {
        let latency: Latency = |chance, at| 0.3 + at / 60.0 + 0.2 * chance.next();
        let log = run(&wide(), Service { latency, ..Service::default() }, Work::Seconds(70.0), seed);
        let (used, refused) = (log.served(10.0, 70.0) / (60.0 * 200.0), log.refused_share(10.0, 70.0));
        assert!(used > 0.97 && refused < 0.015, "seed {seed}: {used} used, {refused} refused");
    }
}

#[test]
fn a_fixed_number_of_requests_starts_at_once_and_finds_the_quota() {
    for seed in 0..3 {
        let limits = Limits { concurrency: ConcurrencyRange::fixed(64), ..Limits::default() };
        let service = || Service { latency: LATENCIES[1].1, ..Service::default() };
        let log = run(&limits, service(), Work::Rows(4_000), seed);
        let first = number(log.sent.iter().filter(|sent| sent.at <= 0.0).count());
        assert!(first >= 64.0, "{first} at once");
        let used = 4_000.0 / (log.ended * 200.0);
        let refused = log.refused_share(10.0, log.ended);
        assert!(used > 0.93 && refused < 0.05, "seed {seed}: {used} used, {refused} refused");
    }
}

#[test]
fn a_limit_of_the_users_is_used_and_never_exceeded_by_more_than_five_percent() {
    let boundless = || Service { tokens: |_| 1_300.0, ..Service::boundless() };
    for per_second in [2.0, 10.0, 50.0, 300.0] {
        let limits = Limits { requests_per_minute: Some(per_second * 60.0), ..wide() };
        let log = run(&limits, boundless(), Work::Seconds(40.0), 0);
        let most = log.most_in_a_second(|_| 1.0);
        assert!(most <= per_second * 1.05, "{most} requests in a second of {per_second}");
        assert!(log.served(10.0, 40.0) > 0.95 * per_second * 30.0, "{} of {per_second}/s", log.served(10.0, 40.0));
        let limits = Limits { tokens_per_minute: Some(per_second * 60.0 * 1_300.0), ..wide() };
        let log = run(&limits, boundless(), Work::Seconds(40.0), 0);
        let most = log.most_in_a_second(|sent| sent.tokens) / 1_300.0;
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
    let log = run(&Limits::default(), Service::boundless(), Work::Seconds(5.0), 0);
    let seconds: Vec<f64> = (0..4).map(|second| log.served(f64::from(second), f64::from(second) + 1.0)).collect();
    assert!(seconds[0] <= 150.0 && seconds.windows(2).all(|pair| pair[1] <= 4.0 * pair[0]), "{seconds:?}");
    assert!(log.peak_in_flight <= 200);
}

#[test]
fn a_named_wait_is_kept_by_the_whole_run_when_most_is_refused() {
    let quota = Box::new(|at: f64| if (5.0..6.0).contains(&at) { 0.0 } else { 200.0 });
    let retry_after = Some(Duration::from_secs(4));
    let log = run(&wide(), Service { quota, retry_after, ..Service::default() }, Work::Seconds(20.0), 0);
    let first = log.sent.iter().find(|sent| sent.at > 5.0 && sent.fate == Fate::Refused).map_or(0.0, |sent| sent.at);
    assert!(log.asked(first + 1.5, first + 4.0) < 1.0, "{} sent", log.asked(first + 1.5, first + 4.0));
    assert!(log.served(12.0, 20.0) > 8.0 * 100.0, "{} served after the pause", log.served(12.0, 20.0));
}

#[test]
fn an_outage_ends_the_haste_and_its_end_is_noticed() {
    for seed in 0..3 {
        let quota = Box::new(|at: f64| if (20.0..50.0).contains(&at) { 0.0 } else { 200.0 });
        let log = run(&wide(), Service { quota, ..Service::default() }, Work::Seconds(110.0), seed);
        assert!(log.refused(25.0, 50.0) < 25.0 * 14.0, "seed {seed}: {} refused", log.refused(25.0, 50.0));
        let seconds = log.seconds_until(180.0, 50.0);
        assert!(seconds < 40.0, "seed {seed}: {seconds} s");
    }
}

#[derive(Debug, Clone)]
enum Event {
    Answered(f64),
    Throttled(Option<u64>),
    Failed(bool),
    Unsent,
    Left,
    Changed(usize),
}

fn events() -> impl Strategy<Value = Vec<(usize, Event, u64)>> {
    let event = prop_oneof![
        8 => (0.0..1.0e6_f64).prop_map(Event::Answered),
        8 => proptest::option::of(0..100_000_u64).prop_map(Event::Throttled),
        4 => any::<bool>().prop_map(Event::Failed),
        2 => Just(Event::Unsent),
        1 => Just(Event::Left),
        1 => (1..12_usize).prop_map(Event::Changed),
    ];
    proptest::collection::vec((any::<usize>(), event, 0..20_000_u64), 1..300)
}

proptest! {
    /// Whatever comes back, in whatever order: there is always something under way or a time at which to ask again.
    #[test]
    fn it_never_locks_up(
        events in events(),
        places in 1..4_usize,
        fixed in any::<bool>(),
        requests_per_minute in proptest::option::of(0.1..1.0e6_f64),
        tokens_per_minute in proptest::option::of(10.0..1.0e9_f64),
    ) {
        let concurrency = if fixed { ConcurrencyRange::fixed(3) } else { ConcurrencyRange { min: 1, start: 2, max: 9 } };
        let mut fleet = Fleet::new(&Limits { concurrency, requests_per_minute, tokens_per_minute }, places);
        let (mut now, mut under_way) = (Duration::ZERO, Vec::new());
        for (pick, event, milliseconds) in events {
            for _ in 0..50 {
                match fleet.ask(now) {
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
            let is_served = fleet.place_states(now).iter().any(|place| place.healthy);
            prop_assert!(if is_served { fleet.rate() > 0.0 } else { fleet.rate() == 0.0 }, "{}", fleet.rate());
            prop_assert_eq!(fleet.in_flight(), under_way.len());
            prop_assert!(under_way.len() <= 12, "{} under way", under_way.len());
            now += Duration::from_millis(milliseconds);
            if under_way.is_empty() {
                continue;
            }
            let ticket = under_way.swap_remove(pick % under_way.len());
            match event {
                Event::Answered(tokens) => fleet.answered(&ticket, Some(tokens)),
                Event::Throttled(wait) => fleet.throttled(&ticket, now, wait.map(Duration::from_millis)),
                Event::Failed(is_service_trouble) => fleet.failed(&ticket, now, is_service_trouble),
                Event::Unsent => fleet.unsent(&ticket),
                Event::Left => {
                    fleet.failed(&ticket, now, false);
                    fleet.leave(ticket.place(), now);
                }
                Event::Changed(requests) => {
                    fleet.set_concurrency(ConcurrencyRange::fixed(requests));
                    fleet.unsent(&ticket);
                }
            }
        }
        under_way.drain(..).for_each(|ticket| fleet.answered(&ticket, None));
        prop_assert_eq!(fleet.in_flight(), 0);
    }
}
