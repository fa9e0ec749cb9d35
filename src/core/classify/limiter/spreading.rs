//! A fleet of several places against simulated services.

use std::time::Duration;

use super::simulation::{Service, Work, run, simulate};
use super::{ConcurrencyRange, Fleet, Learned, Limits, Ticket, Verdict};

fn wide() -> Limits {
    Limits { concurrency: ConcurrencyRange { min: 4, start: 20, max: 1_000 }, ..Limits::default() }
}

fn at(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// The ticket of a request that must be allowed.
fn go(fleet: &mut Fleet, seconds: f64) -> Ticket {
    match fleet.ask(at(seconds)) {
        Verdict::Go(ticket) => ticket,
        other => panic!("{other:?} at {seconds}"),
    }
}

fn fixed(requests: usize, places: usize) -> Fleet {
    Fleet::new(&Limits { concurrency: ConcurrencyRange::fixed(requests), ..Limits::default() }, places)
}

/// Makes a place ill.
fn break_place(fleet: &mut Fleet, place: usize, seconds: f64) {
    let mut held = Vec::new();
    let mut failures = 0;
    while failures < 5 {
        let ticket = go(fleet, seconds);
        if ticket.place() == place {
            fleet.failed(&ticket, at(seconds), true);
            failures += 1;
        } else {
            held.push(ticket);
        }
    }
    for ticket in &held {
        fleet.answered(ticket, Some(1_000.0));
    }
}

#[test]
fn each_place_runs_at_its_own_quota() {
    let mut fleet = Fleet::new(&wide(), 3);
    let services = [Service::of(200.0), Service::of(100.0), Service::of(50.0)];
    let log = simulate(&mut fleet, &services, Work::Seconds(60.0), 0);
    for (place, quota) in [200.0, 100.0, 50.0].into_iter().enumerate() {
        let log = log.at_place(place);
        let (used, refused) = (log.served(15.0, 60.0) / (45.0 * quota), log.refused_share(15.0, 60.0));
        assert!(used > 0.9 && refused < 0.06, "place {place}: {used} used, {refused} refused");
    }
}

#[test]
fn what_a_place_cannot_take_goes_to_the_others() {
    let mut fleet = Fleet::new(&Limits::default(), 2);
    let services = [Service::of(10.0), Service::boundless()];
    let log = simulate(&mut fleet, &services, Work::Seconds(40.0), 0);
    // Two hundred under way, half a second each, are 400 a second.
    assert!(log.served(15.0, 40.0) > 25.0 * 330.0, "{} served", log.served(15.0, 40.0));
    assert!(log.peak_in_flight <= 200, "{} under way", log.peak_in_flight);
}

#[test]
fn an_ill_place_is_left_and_found_again() {
    let mut fleet = Fleet::new(&wide(), 2);
    let services = [Service { is_down: |at| (10.0..40.0).contains(&at), ..Service::of(100.0) }, Service::of(100.0)];
    let log = simulate(&mut fleet, &services, Work::Seconds(90.0), 0);
    let left = log.at_place(0);
    assert!(left.asked(12.0, 40.0) < 8.0, "{} asked of the ill place", left.asked(12.0, 40.0));
    assert!(log.at_place(1).served(20.0, 40.0) > 0.95 * 2_000.0, "{}", log.at_place(1).served(20.0, 40.0));
    assert!(left.served(70.0, 90.0) > 0.9 * 2_000.0, "{} served after its return", left.served(70.0, 90.0));
}

#[test]
fn caps_hold_for_all_places_together() {
    let limits = Limits { requests_per_minute: Some(3_000.0), ..wide() };
    let services = [Service::boundless(), Service::boundless(), Service::boundless()];
    let log = simulate(&mut Fleet::new(&limits, 3), &services, Work::Seconds(30.0), 0);
    let most = log.most_in_a_second(|_| 1.0);
    assert!(most <= 52.5, "{most} in a second");
    assert!(log.served(10.0, 30.0) > 0.95 * 1_000.0, "{} served", log.served(10.0, 30.0));
    assert!((0..3).all(|place| log.at_place(place).served(10.0, 30.0) > 200.0), "each place has its part");
}

#[test]
fn five_failures_in_a_row_make_a_place_ill_until_a_probe_is_answered() {
    let mut fleet = fixed(10, 2);
    break_place(&mut fleet, 1, 0.0);
    let states = fleet.place_states(at(0.0));
    assert!(states[0].healthy && !states[1].healthy && states[1].concurrency == 1);
    for _ in 0..10 {
        assert_eq!(go(&mut fleet, 4.9).place(), 0);
    }
    assert!(matches!(fleet.ask(at(4.9)), Verdict::Full));
}

#[test]
fn probes_of_an_ill_place_are_single_and_rarer_and_rarer() {
    let mut fleet = fixed(100, 2);
    break_place(&mut fleet, 0, 0.0);
    let mut now = 0.0;
    for wait in [5.0, 10.0, 20.0, 40.0, 60.0, 60.0] {
        assert_eq!(go(&mut fleet, now + wait - 0.01).place(), 1, "after {wait} s");
        now += wait;
        let probe = go(&mut fleet, now);
        assert_eq!(probe.place(), 0, "after {wait} s");
        assert_eq!(go(&mut fleet, now).place(), 1, "only one");
        fleet.failed(&probe, at(now), true);
    }
    let probe = go(&mut fleet, now + 60.0);
    fleet.answered(&probe, Some(1_000.0));
    assert!(fleet.place_states(at(now))[0].healthy);
}

#[test]
fn a_place_that_lacks_the_model_is_left_at_once() {
    let mut fleet = fixed(10, 2);
    let tickets = [go(&mut fleet, 0.0), go(&mut fleet, 0.0)];
    let lacking = tickets.iter().find(|ticket| ticket.place() == 1).unwrap();
    fleet.failed(lacking, at(0.1), false);
    fleet.leave(1, at(0.1));
    assert_eq!(fleet.place_states(at(0.1)).iter().map(|state| state.healthy).collect::<Vec<_>>(), [true, false]);
    for _ in 0..9 {
        assert_eq!(go(&mut fleet, 5.0).place(), 0);
    }
}

#[test]
fn when_all_places_are_ill_the_next_probe_is_named() {
    let mut fleet = fixed(10, 2);
    break_place(&mut fleet, 0, 0.0);
    fleet.leave(1, at(1.0));
    let Verdict::NotBefore(next) = fleet.ask(at(2.0)) else { panic!("there is no place to go") };
    assert_eq!(next, at(5.0));
    assert_eq!(go(&mut fleet, 5.0).place(), 0);
    assert!(matches!(fleet.ask(at(5.5)), Verdict::NotBefore(next) if next == at(6.0)));
}

#[test]
fn a_lone_place_is_never_left() {
    let mut fleet = fixed(1, 1);
    for _ in 0..10 {
        let ticket = go(&mut fleet, 1.0);
        fleet.failed(&ticket, at(1.0), true);
        fleet.leave(0, at(1.0));
    }
    assert!(fleet.place_states(at(1.0))[0].healthy);
}

#[test]
fn a_changed_concurrency_holds_from_the_next_request_on() {
    let mut fleet = fixed(2, 1);
    let tickets = [go(&mut fleet, 0.0), go(&mut fleet, 0.0)];
    assert!(matches!(fleet.ask(at(0.0)), Verdict::Full));
    fleet.set_concurrency(ConcurrencyRange::fixed(3));
    let third = go(&mut fleet, 0.0);
    assert!(matches!(fleet.ask(at(0.0)), Verdict::Full));
    fleet.set_concurrency(ConcurrencyRange::fixed(1));
    tickets.iter().chain([&third]).take(2).for_each(|ticket| fleet.answered(ticket, None));
    assert!(matches!(fleet.ask(at(0.0)), Verdict::Full));
    assert_eq!((fleet.in_flight(), fleet.concurrency()), (1, 1));
}

#[test]
fn a_fixed_number_has_no_rate_until_something_is_refused() {
    let fleet = fixed(10, 2);
    assert!(fleet.rate().is_infinite() && fleet.requests_per_second().is_none());
    let capped = Fleet::new(
        &Limits { concurrency: ConcurrencyRange::fixed(10), requests_per_minute: Some(120.0), ..Limits::default() },
        2,
    );
    assert!((capped.requests_per_second().unwrap() - 2.0).abs() < 1e-9);
}

#[test]
fn a_second_run_begins_at_the_quota_the_first_one_found() {
    let mut fleet = Fleet::new(&wide(), 1);
    assert_eq!(fleet.learned(), [None]);
    simulate(&mut fleet, &[Service::default()], Work::Seconds(60.0), 0);
    let learned = fleet.learned();
    let found = learned[0].unwrap();
    let per_second = found.tokens_per_second / found.tokens_per_request;
    assert!((180.0..220.0).contains(&per_second), "{per_second}");
    let mut second = Fleet::starting_from(&wide(), &learned);
    let log = simulate(&mut second, &[Service::default()], Work::Seconds(5.0), 1);
    assert!(log.served(1.0, 5.0) > 0.85 * 800.0, "{} served", log.served(1.0, 5.0));
    assert!(log.refused_share(0.0, 5.0) < 0.05, "{} refused", log.refused(0.0, 5.0));
    let first = run(&wide(), Service::default(), Work::Seconds(5.0), 1);
    assert!(first.refused(0.0, 5.0) > log.refused(0.0, 5.0), "a first run has to find it");
}

#[test]
fn what_was_learned_wrongly_is_not_used() {
    let learned = Learned { tokens_per_second: f64::NAN, tokens_per_request: 0.0 };
    let fleet = Fleet::starting_from(&Limits::default(), &[Some(learned)]);
    assert!((fleet.requests_per_second().unwrap() - 100.0).abs() < 1e-9);
}
