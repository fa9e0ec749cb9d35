//! Whether a place answers at all: an ill one is left, and asked again with one request now and then.

/// Service failures in a row after which a place counts as ill.
const FAILURES: u32 = 5;

/// Seconds before the first probe of an ill place, doubled by each that fails, up to the longest.
const FIRST_PROBE: f64 = 5.0;
const LONGEST_PROBE: f64 = 60.0;

/// Health of one place.
#[derive(Debug, Default)]
pub(super) struct Health {
    failures: u32,
    /// Times it was found ill since its last good answer.
    relapses: u32,
    illness: Option<Illness>,
}

#[derive(Debug, Clone, Copy)]
struct Illness {
    probe_at: f64,
    is_probing: bool,
}

impl Health {
    pub(super) fn is_ill(&self) -> bool {
        self.illness.is_some()
    }

    /// When the next probe may go; `None` for a healthy place, infinite while a probe is under way.
    pub(super) fn probe_at(&self) -> Option<f64> {
        self.illness.map(|illness| if illness.is_probing { f64::INFINITY } else { illness.probe_at })
    }

    /// A probe is sent.
    pub(super) fn probed(&mut self) {
        if let Some(illness) = &mut self.illness {
            illness.is_probing = true;
        }
    }

    /// A good answer came back.
    pub(super) fn answered(&mut self) {
        *self = Self::default();
    }

    /// It refused for the quota, which says nothing about its health: a probe is repeated.
    pub(super) fn throttled(&mut self, is_probe: bool, now: f64) {
        if let Some(illness) = self.probing(is_probe) {
            *illness = Illness { probe_at: now + FIRST_PROBE, is_probing: false };
        }
    }

    /// A request failed, through the service's trouble or through its own fault.
    pub(super) fn failed(&mut self, is_probe: bool, now: f64, is_service_trouble: bool) {
        if !is_service_trouble {
            // Only a service that works finds fault with a request.
            self.failures = 0;
            if self.probing(is_probe).is_some() {
                self.illness = None;
            }
            return;
        }
        self.failures = self.failures.saturating_add(1);
        if self.probing(is_probe).is_some() || (!self.is_ill() && self.failures >= FAILURES) {
            self.fall_ill(now);
        }
    }

    /// A probe was never sent.
    pub(super) fn unsent(&mut self, is_probe: bool) {
        if let Some(illness) = self.probing(is_probe) {
            illness.is_probing = false;
        }
    }

    /// The place cannot serve this run now.
    pub(super) fn leave(&mut self, now: f64) {
        if self.illness.is_none_or(|illness| illness.is_probing) {
            self.fall_ill(now);
        }
    }

    fn fall_ill(&mut self, now: f64) {
        let wait = (FIRST_PROBE * f64::from(1_u32 << self.relapses.min(8))).min(LONGEST_PROBE);
        self.relapses = self.relapses.saturating_add(1);
        self.illness = Some(Illness { probe_at: now + wait, is_probing: false });
    }

    fn probing(&mut self, is_probe: bool) -> Option<&mut Illness> {
        self.illness.as_mut().filter(|illness| is_probe && illness.is_probing)
    }
}
