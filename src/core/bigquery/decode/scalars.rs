//! BOOLEAN and BYTES text, and JSON numbers where another form is expected.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The largest whole number up to which every one is a float.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// `true`, `t` or `1`, `false`, `f` or `0`, in any case.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ if ["true", "t", "1"].iter().any(|word| text.eq_ignore_ascii_case(word)) => Some(true),
        _ if ["false", "f", "0"].iter().any(|word| text.eq_ignore_ascii_case(word)) => Some(false),
        _ => None,
    }
}

/// Decodes base64 into the buffer, which is emptied first.
pub(super) fn bytes(text: &str, buffer: &mut Vec<u8>) -> Option<()> {
    buffer.clear();
    BASE64.decode_vec(text, buffer).ok()
}

/// A JSON number such as `5.0` or `5e3` as the integer it is.
pub(super) fn whole(value: f64) -> Option<i64> {
    let is_whole = value.fract() == 0.0 && value.abs() <= EXACT;
    #[expect(clippy::cast_possible_truncation, reason = "the bound was checked")]
    is_whole.then_some(value as i64)
}

/// A JSON number as decimal text, where the detour through a float cannot have changed it.
pub(super) fn exact_decimal(value: f64) -> Option<String> {
    let text = format!("{value:e}");
    let digits = text.bytes().take_while(|byte| *byte != b'e').filter(u8::is_ascii_digit).count();
    (value.is_finite() && digits <= 15).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_come_in_several_spellings() {
        for (text, expected) in [
            ("true", Some(true)),
            ("TRUE", Some(true)),
            ("t", Some(true)),
            ("1", Some(true)),
            ("false", Some(false)),
            ("False", Some(false)),
            ("F", Some(false)),
            ("0", Some(false)),
            ("yes", None),
            ("", None),
        ] {
            assert_eq!(boolean(text), expected, "{text}");
        }
    }

    #[test]
    fn base64_may_lack_its_padding() {
        let decoded = |text| {
            let mut buffer = vec![9];
            bytes(text, &mut buffer).map(|()| buffer)
        };
        assert_eq!(decoded("").as_deref(), Some(&b""[..]));
        assert_eq!(decoded("AQI=").as_deref(), Some(&[1, 2][..]));
        assert_eq!(decoded("AQI").as_deref(), Some(&[1, 2][..]));
        assert_eq!(decoded("A"), None);
        assert_eq!(decoded("!!!!"), None);
    }

    #[test]
    fn a_float_is_an_integer_only_where_nothing_is_lost() {
        assert_eq!(whole(5e3), Some(5_000));
        assert_eq!(whole(0.5), None);
        assert_eq!(whole(1e17), None);
        assert_eq!(whole(f64::NAN), None);
    }

    #[test]
    fn a_float_is_a_decimal_only_where_nothing_is_lost() {
        assert_eq!(exact_decimal(1.5).as_deref(), Some("1.5e0"));
        assert_eq!(exact_decimal(-0.000_1).as_deref(), Some("-1e-4"));
        assert_eq!(exact_decimal(123_456_789.123_456_79), None);
    }
}
