//! A range that a sum over many rows probably lies in, from a few of them.

/// From 2 counted rows on: how many standard errors to each side hold 95 % (Student's t, two-sided).
const STUDENT: [f64; 9] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

/// The same for more rows than are listed.
const NORMAL: f64 = 1.960;

/// The least and the most that something probably comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Interval {
    /// The least.
    pub low: f64,
    /// The most.
    pub high: f64,
}

impl Interval {
    /// Half of a guess to double of it.
    pub(super) fn around_guess(guess: f64) -> Self {
        Self { low: guess / 2.0, high: guess * 2.0 }
    }

    /// The mean of a `population` of which `sample` was taken: 95 % by Student's t, and no less than `least` (a share of
    /// the mean) to each side. One of many tells no spread, so it counts as a guess; `None` for an empty sample.
    pub(super) fn of_mean(sample: &[f64], population: usize, least: f64) -> Option<Self> {
        let mean = mean(sample)?;
        let count = sample.len();
        if count == 1 && population > 1 {
            return Some(Self::around_guess(mean));
        }
        let to_each_side = if count < population {
            let squares: f64 = sample.iter().map(|value| (value - mean).powi(2)).sum();
            let error = (squares / (number(count) - 1.0) / number(count)).sqrt();
            let left_out = number(population - count) / (number(population) - 1.0);
            STUDENT.get(count - 2).unwrap_or(&NORMAL) * error * left_out.sqrt()
        } else {
            0.0
        };
        let to_each_side = to_each_side.max(mean * least);
        Some(Self { low: (mean - to_each_side).max(0.0), high: mean + to_each_side })
    }

    /// The same for so many times as much.
    #[must_use]
    pub(super) fn times(self, factor: f64) -> Self {
        Self { low: self.low * factor, high: self.high * factor }
    }

    /// Both together.
    #[must_use]
    pub(super) fn and(self, other: Self) -> Self {
        Self { low: self.low + other.low, high: self.high + other.high }
    }

    /// Whichever is more, at each end.
    #[must_use]
    pub(super) fn or_more(self, other: Self) -> Self {
        Self { low: self.low.max(other.low), high: self.high.max(other.high) }
    }

    /// What holds both.
    #[must_use]
    pub(super) fn spanning(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// In whole numbers that leave nothing out.
    #[must_use]
    pub(super) fn whole(self) -> Self {
        Self { low: self.low.floor(), high: self.high.ceil() }
    }
}

/// The mean, where there is anything.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / number(values.len()))
}

/// A count to calculate with.
#[expect(clippy::cast_precision_loss, reason = "rows and tokens are counted far below 2^52")]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sample_without_spread_has_the_least_interval() {
        let interval = Interval::of_mean(&[200.0; 8], 1_000, 0.05).unwrap();
        assert_eq!(interval, Interval { low: 190.0, high: 210.0 });
    }

    #[test]
    fn a_spread_widens_the_interval_by_students_t() {
        let interval = Interval::of_mean(&[90.0, 110.0], 1_000_000, 0.05).unwrap();
        // Standard deviation 14.14, standard error 10, times 12.706.
        assert!((interval.high - 227.06).abs() < 0.01 && interval.low == 0.0, "{interval:?}");
    }

    #[test]
    fn who_counted_everything_need_not_guess() {
        let interval = Interval::of_mean(&[90.0, 110.0], 2, 0.05).unwrap();
        assert_eq!(interval, Interval { low: 95.0, high: 105.0 });
        assert_eq!(Interval::of_mean(&[100.0], 1, 0.05).unwrap(), Interval { low: 95.0, high: 105.0 });
    }

    #[test]
    fn one_of_many_is_a_guess_and_none_is_nothing() {
        assert_eq!(Interval::of_mean(&[100.0], 2, 0.05), Some(Interval { low: 50.0, high: 200.0 }));
        assert_eq!(Interval::of_mean(&[], 2, 0.05), None);
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_mean_of_the_sample(
            sample in proptest::collection::vec(1.0_f64..5_000.0, 1..20), others in 0_usize..1_000_000,
        ) {
            let interval = Interval::of_mean(&sample, sample.len() + others, 0.05).unwrap();
            let mean = mean(&sample).unwrap();
            prop_assert!(interval.low <= mean && mean <= interval.high && interval.low >= 0.0);
        }
    }
}
