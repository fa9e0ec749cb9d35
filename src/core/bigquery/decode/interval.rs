//! INTERVAL text to months, days and nanoseconds, and RANGE text to its two bounds.

use arrow_buffer::IntervalMonthDayNano;

const NANOSECONDS: i64 = 1_000_000_000;

/// `[-]Y-M [-]D [-]H:M:S[.F]`; `None` also where the time does not fit 64 bits of nanoseconds (292 years of hours).
pub(super) fn interval(text: &str) -> Option<IntervalMonthDayNano> {
    let mut parts = text.split(' ');
    let (calendar, days, time) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    Some(IntervalMonthDayNano::new(months(calendar)?, signed(days)?, nanoseconds(time)?))
}

fn months(text: &str) -> Option<i32> {
    let (sign, text) = sign(text);
    let (years, months) = text.split_once('-')?;
    let total = unsigned(years)?.checked_mul(12)?.checked_add(unsigned(months)?)?;
    i32::try_from(sign * total).ok()
}

fn signed(text: &str) -> Option<i32> {
    let (sign, digits) = sign(text);
    i32::try_from(sign * unsigned(digits)?).ok()
}

fn nanoseconds(text: &str) -> Option<i64> {
    let (sign, text) = sign(text);
    let (hours, rest) = text.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':')?;
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let minutes = unsigned(hours)?.checked_mul(60)?.checked_add(unsigned(minutes)?)?;
    let seconds = minutes.checked_mul(60)?.checked_add(unsigned(seconds)?)?;
    seconds.checked_mul(sign * NANOSECONDS)?.checked_add(sign * nanoseconds_after_point(fraction)?)
}

fn nanoseconds_after_point(digits: &str) -> Option<i64> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (kept, rest) = digits.split_at(digits.len().min(9));
    let is_exact = rest.bytes().all(|byte| byte == b'0');
    is_exact.then(|| format!("{kept:0<9}").parse().ok())?
}

fn sign(text: &str) -> (i64, &str) {
    text.strip_prefix('-').map_or((1, text), |rest| (-1, rest))
}

/// Up to 15 digits, so that a change of sign or unit can be checked without losing the number.
fn unsigned(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.len() <= 15 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// `[start, end)` as its two bounds; an unbounded one is `None`.
pub(super) fn range(text: &str) -> Option<(Option<&str>, Option<&str>)> {
    let (start, end) = text.strip_prefix('[')?.strip_suffix(')')?.split_once(',')?;
    Some((bound(start.trim()), bound(end.trim())))
}

fn bound(text: &str) -> Option<&str> {
    let is_unbounded = text.eq_ignore_ascii_case("UNBOUNDED") || text.eq_ignore_ascii_case("NULL");
    (!is_unbounded).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_an_interval_has_its_own_sign() {
        let cases = [
            ("0-0 0 0:0:0", (0, 0, 0)),
            ("1-2 3 4:5:6", (14, 3, 14_706 * NANOSECONDS)),
            ("-1-2 -3 -4:5:6.5", (-14, -3, -14_706 * NANOSECONDS - 500_000_000)),
            ("0-1 -1 0:0:0.000001", (1, -1, 1_000)),
            ("0-0 0 -0:0:0.123456789", (0, 0, -123_456_789)),
            ("-10000-0 3660000 0:0:0", (-120_000, 3_660_000, 0)),
            ("0-0 0 1:0:0.", (0, 0, 3_600 * NANOSECONDS)),
        ];
        for (text, (months, days, nanoseconds)) in cases {
            assert_eq!(interval(text), Some(IntervalMonthDayNano::new(months, days, nanoseconds)), "{text}");
        }
    }

    #[test]
    fn an_interval_beyond_64_bits_or_another_text_is_refused() {
        for text in [
            "0-0 0 87840000:0:0",
            "0-0 0 999999999999999:0:0",
            "",
            "1-2",
            "1-2 3",
            "1-2 3 4:5",
            "1-2 3 4:5:6 7",
            "1-2  3 4:5:6",
            "a-2 3 4:5:6",
            "1-2 +3 4:5:6",
            "1-2 99999999999 4:5:6",
            "0-0 0 0:0:0.1234567891",
            "0-0 0 0:0:0.é",
            "1 day",
        ] {
            assert_eq!(interval(text), None, "{text}");
        }
    }

    #[test]
    fn a_range_has_two_bounds_or_is_open() {
        assert_eq!(range("[2020-01-01, 2021-01-01)"), Some((Some("2020-01-01"), Some("2021-01-01"))));
        assert_eq!(range("[UNBOUNDED, 5)"), Some((None, Some("5"))));
        assert_eq!(range("[unbounded, NULL)"), Some((None, None)));
        for text in ["", "[", "[)", "[a)", "(a, b)", "[a, b]", "a, b"] {
            assert_eq!(range(text), None, "{text}");
        }
    }
}
