//! The limiter against simulated services, on simulated time.

use std::collections::BinaryHeap;
use std::time::Duration;

use super::*;

/// A service with a quota of requests a second that is a function of time.
struct Service {
    quota: fn(f64) -> f64,
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

/// Numbers from 0 up to 1 that are the same in every run.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
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
        self.sent.iter().filter(|(at, _, refused)| (from..to).contains(at) && !refused).count() as f64
    }

    fn refused(&self, from: f64, to: f64) -> f64 {
        self.sent.iter().filter(|(at, _, refused)| (from..to).contains(at) && *refused).count() as f64
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
            if at > from + 100.0 { return 100.0 }
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

fn report(name: &str, log: &Log, offered: f64, from: f64, to: f64) -> (f64, f64) {
    let used = log.served(from, to) / offered;
    let share = log.refused_share(from, to);
    eprintln!("{name}: {:.1} % of the quota, {:.2} % refused per answer", used * 100.0, share * 100.0);
    (used, share)
}

#[test]
fn a_steady_quota_is_used_and_hardly_anything_is_refused() {
    for (rate, quota) in
        [(200.0, (|_| 200.0) as fn(f64) -> f64), (50.0, |_| 50.0), (20.0, |_| 20.0), (5.0, |_| 5.0), (900.0, |_| 900.0)]
    {
        for bucket in [0.05, 0.2] {
            for refusal_latency in [0.05, 0.5] {
                let bucket = f64::max(bucket * rate, 2.0);
                let service = Service { quota, bucket, refusal_latency, ..Service::default() };
                let log = simulate(&wide(), &service, 130.0);
                let name = format!("steady {rate}/s, bucket {bucket}, 429 after {refusal_latency} s");
                report(&format!("{name}, first 10 s"), &log, rate * 10.0, 0.0, 10.0);
                eprintln!("    peak {}", log.peak_in_flight);
                let (used, share) = report(&name, &log, rate * 120.0, 10.0, 130.0);
            }
        }
    }
}

#[test]
fn a_changed_quota_is_followed() {
    for bucket in [0.05, 0.2] {
        for refusal_latency in [0.05, 0.5] {
            for (name, quota, after) in [
                ("halved", (|at| if at < 40.0 { 200.0 } else { 100.0 }) as fn(f64) -> f64, 100.0),
                ("doubled", |at| if at < 40.0 { 100.0 } else { 200.0 }, 200.0),
                ("trebled", |at| if at < 40.0 { 100.0 } else { 300.0 }, 300.0),
            ] {
                let service = Service { quota, bucket: bucket * 200.0, refusal_latency, ..Service::default() };
                let log = simulate(&wide(), &service, 60.0);
                eprintln!(
                    "{name} bucket {bucket} 429 after {refusal_latency}: up {:.1} s, refused in 10 s {}, used after {:.3}, share after 8 s {:.4}",
                    log.seconds_until(0.93 * after, 40.0),
                    log.refused(40.0, 50.0),
                    log.served(48.0, 60.0) / 12.0 / after,
                    log.refused_share(43.0, 60.0),
                );
            }
        }
    }
}

#[test]
fn other_weather() {
    let cases: Vec<(&str, Service, f64)> = vec![
        ("1 % noise, no quota", Service { quota: |_| 1e9, bucket: 1e9, noise: 0.01, ..Service::default() }, 2_000.0),
        ("1 % noise, 200/s", Service { noise: 0.01, ..Service::default() }, 200.0),
        ("lognormal", Service { latency: |c, _| c.lognormal(0.5, 3.0), ..Service::default() }, 200.0),
        ("drift", Service { latency: |c, at| 0.3 + at / 60.0 + 0.2 * c.next(), ..Service::default() }, 200.0),
        ("co-tenants", Service { quota: |at| if at % 10.0 < 2.0 { 60.0 } else { 200.0 }, ..Service::default() }, 172.0),
        ("co-tenants often", Service { quota: |at| if at % 2.0 < 0.5 { 60.0 } else { 200.0 }, ..Service::default() }, 165.0),
    ];
    for (name, service, offered) in cases {
        let log = simulate(&wide(), &service, 130.0);
        report(&format!("{name}, first 10 s"), &log, offered * 10.0, 0.0, 10.0);
        report(name, &log, offered * 120.0, 10.0, 130.0);
        eprintln!("   peak {}", log.peak_in_flight);
    }
}
