//! How many tokens a request will take, before any answer has told.

use super::catalogue::{ImageTokens, Model};

/// Characters of a token in Latin scripts.
const CHARACTERS: u64 = 4;

/// Tokens of a short structured answer, which is what classifying gives.
const ANSWER: u64 = 100;

/// Up to here the user's limit tells more about the length of the answer than the usual length does.
const TELLING_LIMIT: u32 = 500;

/// Input tokens of a request: its texts (prompt, system instruction and schema together) and its images. A ceiling for
/// the images, so that what is reserved by it is rarely too little.
#[must_use]
pub fn input_tokens(prompt_chars: usize, images: usize, media_resolution: Option<&str>, model: Option<&Model>) -> u64 {
    let text = u64::try_from(prompt_chars).unwrap_or(u64::MAX).div_ceil(CHARACTERS);
    let images = u64::try_from(images).unwrap_or(u64::MAX);
    text.saturating_add(images.saturating_mul(image_tokens(media_resolution, model)))
}

/// Input tokens of one image; the default resolution is the highest.
#[must_use]
pub fn image_tokens(media_resolution: Option<&str>, model: Option<&Model>) -> u64 {
    let tokens = model.map_or_else(ImageTokens::default, |model| model.image_tokens);
    let resolution = media_resolution.map(|name| name.trim().to_ascii_lowercase());
    u64::from(match resolution.as_deref() {
        Some("low") => tokens.low,
        Some("medium") => tokens.medium,
        _ => tokens.high,
    })
}

/// Output tokens of an answer, thoughts included: the user's limit where it is low, else the usual length.
#[must_use]
pub fn output_tokens(max_output_tokens: Option<u32>) -> u64 {
    max_output_tokens.filter(|limit| *limit <= TELLING_LIMIT).map_or(ANSWER, u64::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::Catalogue;
    use proptest::prelude::*;

    #[test]
    fn an_image_of_gemini_3_costs_by_its_resolution_and_the_highest_is_the_default() {
        let catalogue = Catalogue::embedded().unwrap();
        let model = catalogue.find("gemini-3.5-flash-lite");
        let tokens = |resolution| image_tokens(resolution, model);
        assert_eq!([Some("low"), Some("MEDIUM"), Some("high"), None].map(tokens), [280, 560, 1_120, 1_120]);
    }

    #[test]
    fn an_older_model_counts_tiles_and_an_unknown_one_is_taken_for_new() {
        let catalogue = Catalogue::embedded().unwrap();
        assert_eq!(image_tokens(Some("low"), catalogue.find("gemini-2.5-flash")), 258);
        assert_eq!(image_tokens(None, catalogue.find("gemini-2.5-flash-lite")), 1_806);
        assert_eq!(image_tokens(None, catalogue.find("gemini-9-nova")), 1_120);
    }

    #[test]
    fn a_request_is_its_text_and_its_images() {
        assert_eq!(input_tokens(401, 2, Some("low"), None), 101 + 560);
        assert_eq!(input_tokens(0, 0, None, None), 0);
    }

    #[test]
    fn a_low_limit_is_the_estimate_of_the_output_and_a_generous_one_is_not() {
        assert_eq!([None, Some(16), Some(500), Some(8_192)].map(output_tokens), [100, 16, 500, 100]);
    }

    proptest! {
        #[test]
        fn more_to_read_never_costs_less(characters in 0_usize..1_000_000, images in 0_usize..3_000) {
            let less = input_tokens(characters, images, None, None);
            prop_assert!(input_tokens(characters + 4, images, None, None) > less);
            prop_assert!(input_tokens(characters, images + 1, None, None) > less);
        }
    }
}
