//! Simulated services on simulated time, for the tests of the limiter.

use std::collections::BinaryHeap;
use std::time::Duration;

use super::{Fleet, Limits, Ticket, Verdict};

/// A service with a quota of requests a second that is a function of time.
pub(super) struct Service {
    pub(super) quota: Box<dyn Fn(f64) -> f64>,
    pub(super) bucket: f64,
    pub(super) latency: fn(&mut Chance, f64) -> f64,
    /// `None` where refusals take as long as answers.
    pub(super) refusal_latency: Option<f64>,
    /// Share refused whatever the rate.
    pub(super) noise: f64,
    pub(super) tokens: fn(&mut Chance) -> f64,
    pub(super) retry_after: Option<Duration>,
    /// Whether every request fails.
    pub(super) is_down: fn(f64) -> bool,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            quota: Box::new(|_| 200.0),
            bucket: 20.0,
            latency: |chance, _| 0.4 + 0.2 * chance.next(),
            refusal_latency: Some(0.05),
            noise: 0.0,
            tokens: |chance| 1_000.0 + 600.0 * chance.next(),
            retry_after: None,
            is_down: |_| false,
        }
    }
}

impl Service {
    /// A service without a quota.
    pub(super) fn boundless() -> Self {
        Self { bucket: 1.0e12, ..Self::of(1.0e12) }
    }

    /// A quota of `rate` requests a second, and a tenth of a second's requests at once.
    pub(super) fn of(rate: f64) -> Self {
        Self { quota: Box::new(move |_| rate), bucket: (rate / 10.0).max(3.0), ..Self::default() }
    }
}

pub(super) fn number(count: usize) -> f64 {
    super::concurrency::as_number(count)
}

/// Numbers from 0 up to 1 that are the same in every run.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn of(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub(super) fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        f64::from(u32::try_from(self.0 >> 32).unwrap_or_default()) / f64::from(u32::MAX)
    }

    /// Lognormal with this median and 99th percentile.
    pub(super) fn lognormal(&mut self, median: f64, p99: f64) -> f64 {
        let normal = (-2.0 * self.next().max(1e-12).ln()).sqrt() * (std::f64::consts::TAU * self.next()).cos();
        median * ((p99 / median).ln() / 2.326 * normal).exp()
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Answered,
    Refused,
    Failed,
}

struct Return {
    at: f64,
    ticket: Ticket,
    fate: Fate,
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

/// A request as it was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) at: f64,
    pub(super) place: usize,
    pub(super) tokens: f64,
    pub(super) fate: Fate,
}

/// Everything that was sent, and when the last answer came.
#[derive(Default)]
pub(super) struct Log {
    pub(super) sent: Vec<Sent>,
    pub(super) peak_in_flight: usize,
    pub(super) ended: f64,
}

impl Log {
    fn count(&self, from: f64, to: f64, fate: Fate) -> f64 {
        number(self.sent.iter().filter(|sent| (from..to).contains(&sent.at) && sent.fate == fate).count())
    }

    pub(super) fn served(&self, from: f64, to: f64) -> f64 {
        self.count(from, to, Fate::Answered)
    }

    pub(super) fn refused(&self, from: f64, to: f64) -> f64 {
        self.count(from, to, Fate::Refused)
    }

    pub(super) fn asked(&self, from: f64, to: f64) -> f64 {
        number(self.sent.iter().filter(|sent| (from..to).contains(&sent.at)).count())
    }

    pub(super) fn at_place(&self, place: usize) -> Self {
        Self { sent: self.sent.iter().filter(|sent| sent.place == place).copied().collect(), ..Self::default() }
    }

    /// Refused of all that was sent.
    pub(super) fn refused_share(&self, from: f64, to: f64) -> f64 {
        self.refused(from, to) / self.asked(from, to).max(1.0)
    }

    /// The most of a quantity in any window of a second.
    pub(super) fn most_in_a_second(&self, amount: fn(&Sent) -> f64) -> f64 {
        let (mut first, mut sum, mut most) = (0, 0.0, 0.0_f64);
        for entry in &self.sent {
            sum += amount(entry);
            while self.sent[first].at <= entry.at - 1.0 + 1e-9 {
                sum -= amount(&self.sent[first]);
                first += 1;
            }
            most = most.max(sum);
        }
        most
    }

    /// From when on a whole second served at least `rate`, counted from `from`.
    pub(super) fn seconds_until(&self, rate: f64, from: f64) -> f64 {
        let mut at = from;
        while self.served(at, at + 1.0) < rate {
            at += 0.1;
            assert!(at < from + 200.0, "{rate}/s is never reached");
        }
        at - from
    }
}

/// What there is to do: this many rows, or as many as go in so many seconds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Work {
    Rows(usize),
    Seconds(f64),
}

/// Runs a fleet against a service for each of its places; timers wake on the next millisecond.
pub(super) fn simulate(fleet: &mut Fleet, services: &[Service], work: Work, seed: u64) -> Log {
    let (rows, seconds) = match work {
        Work::Rows(rows) => (rows, 3_600.0),
        Work::Seconds(seconds) => (usize::MAX, seconds),
    };
    let mut chance = Chance::of(seed);
    let (mut returns, mut log) = (BinaryHeap::<Return>::new(), Log::default());
    let mut levels: Vec<(f64, f64)> = services.iter().map(|service| (service.bucket, 0.0)).collect();
    let (mut now, mut answers) = (0.0_f64, 0);
    while now < seconds && answers < rows {
        let wake = loop {
            if answers.saturating_add(returns.len()) >= rows {
                break f64::INFINITY;
            }
            match fleet.ask(Duration::from_secs_f64(now)) {
                Verdict::Go(ticket) => {
                    let service = &services[ticket.place()];
                    let (level, refilled) = &mut levels[ticket.place()];
                    *level = (*level + (now - *refilled) * (service.quota)(now)).min(service.bucket.max(1.0));
                    *refilled = now;
                    let fate = if (service.is_down)(now) {
                        Fate::Failed
                    } else if *level < 1.0 || chance.next() < service.noise {
                        Fate::Refused
                    } else {
                        *level -= 1.0;
                        Fate::Answered
                    };
                    let latency = match service.refusal_latency.filter(|_| fate == Fate::Refused) {
                        Some(latency) => latency,
                        None => (service.latency)(&mut chance, now),
                    };
                    let tokens = (service.tokens)(&mut chance);
                    log.sent.push(Sent { at: now, place: ticket.place(), tokens, fate });
                    returns.push(Return { at: now + latency, ticket, fate, tokens });
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
            let Some(Return { ticket, fate, tokens, .. }) = returns.pop() else { break };
            let time = Duration::from_secs_f64(now);
            match fate {
                Fate::Answered => {
                    answers += 1;
                    fleet.answered(&ticket, Some(tokens));
                }
                Fate::Refused => fleet.throttled(&ticket, time, services[ticket.place()].retry_after),
                Fate::Failed => fleet.failed(&ticket, time, true),
            }
        }
    }
    log.ended = now;
    log
}

/// Runs one place.
pub(super) fn run(limits: &Limits, service: Service, work: Work, seed: u64) -> Log {
    simulate(&mut Fleet::new(limits, 1), &[service], work, seed)
}
