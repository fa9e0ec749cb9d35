//! How many tokens a request will take, before any answer has told.

use super::catalogue::{ImageTokens, Model};
use super::schema::{Kind, Shape};

/// Characters of a token in Latin scripts.
const CHARACTERS: u64 = 4;

/// Tokens of a short structured answer, which is what classifying gives.
const ANSWER: u64 = 100;

/// Tokens of a number, a label, or the marks around a name.
const VALUE: u64 = 4;

/// Tokens of a short text.
const TEXT: u64 = 16;

/// Items of a list.
const ITEMS: u64 = 3;

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

/// Output tokens of an answer, thoughts included: the user's limit where it is low, else the usual length, or what the
/// fields of a large schema take.
#[must_use]
pub fn output_tokens(max_output_tokens: Option<u32>, shape: Option<&Shape>) -> u64 {
    let usual = shape.map_or(ANSWER, |shape| filled_tokens(shape).max(ANSWER));
    match max_output_tokens {
        Some(limit) if limit <= TELLING_LIMIT => u64::from(limit),
        Some(limit) => usual.min(u64::from(limit)),
        None => usual,
    }
}

/// Tokens of an answer that fills a schema with short values.
fn filled_tokens(shape: &Shape) -> u64 {
    match &shape.kind {
        Kind::Text(choices) if choices.is_empty() => TEXT,
        Kind::Text(_) | Kind::Integer(_) | Kind::Number | Kind::Boolean => VALUE,
        Kind::List(item) => VALUE + ITEMS * filled_tokens(item),
        Kind::Object(properties) => properties
            .iter()
            .map(|property| {
                let name = u64::try_from(property.name.chars().count()).unwrap_or(u64::MAX);
                VALUE.saturating_add(name.div_ceil(CHARACTERS)).saturating_add(filled_tokens(&property.shape))
            })
            .fold(VALUE, u64::saturating_add),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::Catalogue;
    use crate::gemini::schema::Property;
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
        assert_eq!(
            [None, Some(16), Some(500), Some(8_192)].map(|limit| output_tokens(limit, None)),
            [100, 16, 500, 100]
        );
    }

    #[test]
    fn a_large_schema_makes_long_answers_up_to_the_limit() {
        let property = |number: usize| Property {
            name: format!("field_{number:03}"),
            shape: Shape::of(Kind::Integer(Vec::new())),
            required: true,
        };
        let shape = |fields: usize| Shape::of(Kind::Object((0..fields).map(property).collect()));
        assert_eq!(output_tokens(None, Some(&shape(3))), 100);
        assert_eq!(output_tokens(None, Some(&shape(200))), 4 + 200 * 11);
        assert_eq!(output_tokens(Some(1_000), Some(&shape(200))), 1_000);
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
