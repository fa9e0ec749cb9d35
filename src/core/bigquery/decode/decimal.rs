//! Decimal text to scaled integers: NUMERIC, BIGNUMERIC and seconds with a fraction.

use arrow_array::ArrowNativeTypeOp;
use arrow_array::types::{Decimal128Type, DecimalType};
use arrow_buffer::i256;

/// What to do with digits beyond the scale.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    /// They must be zero.
    Refuse,
    /// The nearest number is taken, halves away from zero.
    Round,
}

/// A NUMERIC: 29 digits before the point, 9 after.
pub(super) fn numeric(text: &str) -> Option<i128> {
    let value = scaled::<i128>(text, 9, Excess::Refuse)?;
    Decimal128Type::is_valid_decimal_precision(value, 38).then_some(value)
}

/// A BIGNUMERIC: 38 digits after the point and up to 39 before; the 77th digit is partial, as is 256 bits.
pub(super) fn bignumeric(text: &str) -> Option<i256> {
    scaled(text, 38, Excess::Refuse)
}

/// `value` x 10^`scale` of decimal text with optional sign, fraction and exponent; `None` where it is none or does not fit.
pub(super) fn scaled<T: ArrowNativeTypeOp>(text: &str, scale: i64, excess: Excess) -> Option<T> {
    let number = Decimal::parse(text.as_bytes())?;
    let given = number.integer.len() + number.fraction.len();
    let kept = i64::try_from(number.integer.len()).ok()? + number.exponent + scale;
    let digits = || number.integer.iter().chain(number.fraction);
    if digits().all(|digit| *digit == b'0') {
        return Some(T::ZERO);
    }
    let within = usize::try_from(kept).unwrap_or(0).min(given);
    let mut value = T::ZERO;
    for digit in digits().take(within) {
        value = push(value, usize::from(digit - b'0'), number.is_negative)?;
    }
    let mut rest = digits().skip(within);
    match excess {
        Excess::Refuse if !rest.all(|digit| *digit == b'0') => return None,
        Excess::Round if kept >= 0 && rest.next().is_some_and(|digit| *digit >= b'5') => {
            value = add(value, 1, number.is_negative)?;
        }
        _ => {}
    }
    for _ in i64::try_from(given).ok()?..kept {
        // A number that is not zero overflows after 77 rounds at the latest, so that a huge exponent ends soon.
        value = push(value, 0, number.is_negative)?;
    }
    Some(value)
}

/// Digits are subtracted from negative numbers, because the smallest number has no positive counterpart.
fn push<T: ArrowNativeTypeOp>(value: T, digit: usize, is_negative: bool) -> Option<T> {
    add(value.mul_checked(T::usize_as(10)).ok()?, digit, is_negative)
}

fn add<T: ArrowNativeTypeOp>(value: T, digit: usize, is_negative: bool) -> Option<T> {
    let digit = T::usize_as(digit);
    if is_negative { value.sub_checked(digit).ok() } else { value.add_checked(digit).ok() }
}

struct Decimal<'a> {
    is_negative: bool,
    integer: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

impl<'a> Decimal<'a> {
    fn parse(text: &'a [u8]) -> Option<Self> {
        let (is_negative, text) = signed(text);
        let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => (&text[..at], exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (integer, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
            Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
            None => (mantissa, &[][..]),
        };
        let is_number =
            !(integer.is_empty() && fraction.is_empty()) && integer.iter().chain(fraction).all(u8::is_ascii_digit);
        is_number.then_some(Self { is_negative, integer, fraction, exponent })
    }
}

fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

fn exponent(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = signed(text);
    if digits.is_empty() || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'));
    Some(if is_negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_numeric_is_scaled_by_nine_digits() {
        assert_eq!(numeric("1.5"), Some(1_500_000_000));
        assert_eq!(numeric("-0.000000001"), Some(-1));
        assert_eq!(numeric("+12"), Some(12_000_000_000));
        assert_eq!(numeric(".5"), Some(500_000_000));
        assert_eq!(numeric("5."), Some(5_000_000_000));
        assert_eq!(numeric("1.2300000000000000"), Some(1_230_000_000));
    }

    #[test]
    fn exponents_move_the_point() {
        assert_eq!(numeric("1.5E3"), Some(1_500_000_000_000));
        assert_eq!(numeric("15e-1"), Some(1_500_000_000));
        assert_eq!(numeric("0E999999999"), Some(0));
        assert_eq!(numeric("1E999999999"), None);
        assert_eq!(numeric("1000E-12"), Some(1));
        assert_eq!(numeric("1E-999999999"), None);
        assert_eq!(numeric("1E9999999999"), None);
    }

    #[test]
    fn the_bounds_of_numeric_hold_and_nothing_beyond_them() {
        let largest = "99999999999999999999999999999.999999999";
        assert_eq!(numeric(largest), Some(10_i128.pow(38) - 1));
        assert_eq!(numeric(&format!("-{largest}")), Some(1 - 10_i128.pow(38)));
        assert_eq!(numeric("100000000000000000000000000000"), None);
        assert_eq!(numeric("0.0000000001"), None);
    }

    #[test]
    fn the_bounds_of_bignumeric_hold_all_77_digits() {
        let largest = "578960446186580977117854925043439539266.34992332820282019728792003956564819967";
        let smallest = "-578960446186580977117854925043439539266.34992332820282019728792003956564819968";
        assert_eq!(bignumeric(largest), Some(i256::MAX));
        assert_eq!(bignumeric(smallest), Some(i256::MIN));
        assert_eq!(bignumeric(&smallest[1..]), None);
        assert_eq!(bignumeric("1e-38"), Some(i256::ONE));
        assert_eq!(bignumeric("1e-39"), None);
    }

    #[test]
    fn text_that_is_no_number_is_none() {
        for text in ["", ".", "-", "1.2.3", "abc", "1e", "e5", "NaN", "inf", "0x10", "1 ", "--1", "1e+-2", "１"] {
            assert_eq!(numeric(text), None, "{text}");
        }
    }

    #[test]
    fn rounding_takes_the_nearest() {
        let micros = |text| scaled::<i64>(text, 6, Excess::Round);
        assert_eq!(micros("1.4E9"), Some(1_400_000_000_000_000));
        assert_eq!(micros("1735689600.1234565"), Some(1_735_689_600_123_457));
        assert_eq!(micros("-1.00000049"), Some(-1_000_000));
        assert_eq!(micros("9e-7"), Some(1));
        assert_eq!(micros("9e-8"), Some(0));
        assert_eq!(micros("1e13"), None);
    }
}
