//! DATE, TIME, DATETIME and TIMESTAMP text to days and microseconds.

use chrono::{Datelike, NaiveDate};

use super::decimal::{Excess, scaled};

const DAY: i64 = 86_400_000_000;
/// 0001-01-01 00:00:00 UTC.
const EARLIEST: i64 = -62_135_596_800_000_000;
/// 9999-12-31 23:59:59.999999 UTC.
const LATEST: i64 = 253_402_300_799_999_999;

/// `YYYY-MM-DD` as days since 1970-01-01.
pub(super) fn date(text: &str) -> Option<i32> {
    days(text.as_bytes())
}

/// `HH:MM:SS[.ffffff]` as microseconds since midnight.
pub(super) fn time(text: &str) -> Option<i64> {
    time_of_day(text.as_bytes(), Excess::Refuse)
}

/// `YYYY-MM-DDTHH:MM:SS[.ffffff]` as microseconds since 1970-01-01T00:00:00.
pub(super) fn datetime(text: &str) -> Option<i64> {
    instant(text.as_bytes(), Excess::Refuse)
}

/// Microseconds since the epoch, however the server writes them: as such, as seconds with a fraction or exponent,
/// or as an ISO 8601 text. Digits beyond microseconds are rounded (seconds) or cut (ISO, as BigQuery does).
pub(super) fn timestamp(text: &str) -> Option<i64> {
    let micros = match text.parse() {
        Ok(micros) => micros,
        Err(_) if is_iso(text) => zoned(text)?,
        Err(_) => scaled(text, 6, Excess::Round)?,
    };
    in_range(micros)
}

/// Microseconds since the epoch where BigQuery has such a timestamp.
pub(super) fn in_range(micros: i64) -> Option<i64> {
    (EARLIEST..=LATEST).contains(&micros).then_some(micros)
}

fn is_iso(text: &str) -> bool {
    matches!(text.as_bytes(), [_, _, _, _, b'-', _, _, b'-', _, _, b'T' | b't' | b' ', ..])
}

fn zoned(text: &str) -> Option<i64> {
    let (local, offset) = split_zone(text)?;
    instant(local.as_bytes(), Excess::Round)?.checked_sub(offset)
}

/// Splits off `Z`, ` UTC` or an offset, given as microseconds east of Greenwich; none means UTC.
fn split_zone(text: &str) -> Option<(&str, i64)> {
    if let Some(local) = text.strip_suffix(['Z', 'z']).or_else(|| text.strip_suffix(" UTC")) {
        return Some((local, 0));
    }
    match text.rfind(['+', '-']) {
        Some(at) if at >= 19 => Some((text[..at].trim_end(), offset(&text.as_bytes()[at..])?)),
        _ => Some((text, 0)),
    }
}

/// `+HH`, `+HHMM` or `+HH:MM`.
fn offset(zone: &[u8]) -> Option<i64> {
    let (hours, minutes) = match zone {
        [_, hours @ ..] if hours.len() == 2 => (hours, &b"00"[..]),
        [_, digits @ ..] if digits.len() == 4 => digits.split_at(2),
        [_, tens, ones, b':', minutes @ ..] => (&[*tens, *ones][..], minutes),
        _ => return None,
    };
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    if hours > 23 || minutes > 59 {
        return None;
    }
    let micros = i64::from(hours * 60 + minutes) * 60_000_000;
    Some(if zone[0] == b'-' { -micros } else { micros })
}

fn instant(text: &[u8], excess: Excess) -> Option<i64> {
    let (date, time) = text.split_at_checked(10)?;
    let [b'T' | b't' | b' ', time @ ..] = time else {
        return None;
    };
    Some(i64::from(days(date)?) * DAY + time_of_day(time, excess)?)
}

fn days(text: &[u8]) -> Option<i32> {
    if text.len() != 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let year = i32::try_from(number(&text[..4], 4)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year, number(&text[5..7], 2)?, number(&text[8..], 2)?)?;
    (year >= 1).then(|| date.num_days_from_ce() - 719_163)
}

fn time_of_day(text: &[u8], excess: Excess) -> Option<i64> {
    if text.len() < 8 || text[2] != b':' || text[5] != b':' {
        return None;
    }
    let (hour, minute, second) = (number(&text[..2], 2)?, number(&text[3..5], 2)?, number(&text[6..8], 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let micros = match &text[8..] {
        [] => 0,
        [b'.', digits @ ..] => fraction(digits, excess)?,
        _ => return None,
    };
    Some(i64::from((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)
}

/// Digits after the point as microseconds. Beyond six they must be zero, or are cut where the type has more.
fn fraction(digits: &[u8], excess: Excess) -> Option<i64> {
    let (kept, rest) = digits.split_at(digits.len().min(6));
    if kept.is_empty() || !rest.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if excess == Excess::Refuse && rest.iter().any(|digit| *digit != b'0') {
        return None;
    }
    let micros = number(kept, kept.len())?;
    Some(i64::from(micros * 10_u32.pow(6 - u32::try_from(kept.len()).ok()?)))
}

/// Exactly `length` digits, nine at most.
fn number(text: &[u8], length: usize) -> Option<u32> {
    if text.len() != length || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(text.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_cover_the_years_1_to_9999() {
        assert_eq!(date("1970-01-01"), Some(0));
        assert_eq!(date("0001-01-01"), Some(-719_162));
        assert_eq!(date("9999-12-31"), Some(2_932_896));
        assert_eq!(date("2024-02-29"), Some(19_782));
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in ["2023-02-29", "0000-01-01", "2024-13-01", "2024-1-1", "20240101", "2024-01-01 ", "", "２０２４-01"]
        {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn times_have_up_to_six_digits_after_the_second() {
        assert_eq!(time("00:00:00"), Some(0));
        assert_eq!(time("01:02:03"), Some(3_723_000_000));
        assert_eq!(time("23:59:59.999999"), Some(DAY - 1));
        assert_eq!(time("00:00:00.5"), Some(500_000));
        assert_eq!(time("00:00:00.123456000"), Some(123_456));
    }

    #[test]
    fn times_that_do_not_exist_are_refused() {
        for text in
            ["24:00:00", "00:60:00", "00:00:60", "1:02:03", "00:00:00.", "00:00:00.1234567", "00:00", "", "00:00:00.x"]
        {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn datetimes_may_have_a_space_and_never_a_zone() {
        assert_eq!(datetime("1970-01-02T00:00:01"), Some(DAY + 1_000_000));
        assert_eq!(datetime("1970-01-02 00:00:01.25"), Some(DAY + 1_250_000));
        assert_eq!(datetime("1969-12-31T23:59:59.999999"), Some(-1));
        assert_eq!(datetime("1970-01-02T00:00:01Z"), None);
        assert_eq!(datetime("1970-01-02"), None);
    }

    #[test]
    fn timestamps_are_microseconds_seconds_or_iso_text() {
        let expected = Some(1_735_689_600_123_456);
        for text in [
            "1735689600123456",
            "1735689600.123456",
            "1.735689600123456E9",
            "1.735689600123456e+09",
            "2025-01-01T00:00:00.123456Z",
            "2025-01-01T00:00:00.123456789012Z",
            "2025-01-01 00:00:00.123456 UTC",
            "2025-01-01 00:00:00.123456+00",
            "2025-01-01 05:30:00.123456+05:30",
            "2024-12-31T19:00:00.123456-0500",
            "2025-01-01T00:00:00.123456",
        ] {
            assert_eq!(timestamp(text), expected, "{text}");
        }
        assert_eq!(timestamp("1.4E9"), Some(1_400_000_000_000_000));
        assert_eq!(timestamp("-0.000001"), Some(-1));
    }

    #[test]
    fn timestamps_end_where_bigquery_s_end() {
        assert_eq!(timestamp("-62135596800000000"), Some(EARLIEST));
        assert_eq!(timestamp("0001-01-01T00:00:00Z"), Some(EARLIEST));
        assert_eq!(timestamp("9999-12-31T23:59:59.999999Z"), Some(LATEST));
        assert_eq!(timestamp("253402300800000000"), None);
        assert_eq!(timestamp("0001-01-01T00:00:00+01:00"), None);
    }

    #[test]
    fn text_that_is_no_timestamp_is_refused() {
        for text in [
            "",
            "NaN",
            "inf",
            "today",
            "2025-01-01",
            "2025-01-01T00:00:00+24:00",
            "2025-01-01T00:00:00+1",
            "1e999",
            "٣",
        ] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }
}
