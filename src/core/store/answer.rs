//! One paid answer, and what of it may be kept.

use bytes::Bytes;
use std::sync::Arc;

/// How much of a prompt is kept for people who look into the store.
const PREVIEW_CHARACTERS: usize = 200;

/// A paid answer. Holds no image, no token and no signed address.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoredAnswer {
    /// The answer's JSON as it came.
    pub body: Bytes,
    /// The model that was asked.
    pub model: Arc<str>,
    /// Where it was asked.
    pub location: Arc<str>,
    /// The version that answered, where the service tells it.
    pub model_version: Option<String>,
    /// The service's id of the answer.
    pub response_id: Option<String>,
    /// What the user calls the image: a URI, a file name, "123 bytes".
    pub image: String,
    /// The prompt; its beginning is kept.
    pub prompt_preview: String,
    /// The run that paid for it.
    pub run: Arc<str>,
    /// List price in US dollars.
    pub cost_usd: Option<f64>,
    /// Input tokens, cached ones included.
    pub input_tokens: Option<i64>,
    /// Output tokens.
    pub output_tokens: Option<i64>,
    /// Thinking tokens.
    pub thinking_tokens: Option<i64>,
    /// Input tokens read from the cache.
    pub cached_tokens: Option<i64>,
    /// How often the request was sent.
    pub attempts: u32,
    /// From the first attempt to the answer, waits included.
    pub latency_ms: f64,
    /// When it was asked, in milliseconds since 1970.
    pub asked_at: i64,
    /// When the answer came, in milliseconds since 1970.
    pub answered_at: i64,
    /// What the answer meant when it came: `ok`, `truncated`, `blocked`, `invalid`, ...
    pub status: String,
}

impl StoredAnswer {
    /// What is kept of a prompt: its beginning.
    #[must_use]
    pub fn preview(prompt: &str) -> &str {
        prompt.char_indices().nth(PREVIEW_CHARACTERS).map_or(prompt, |(end, _)| &prompt[..end])
    }

    /// The answer without what must not be kept: content in the image's name, signatures, the rest of the prompt.
    pub(super) fn cleaned(mut self) -> Self {
        clean_image(&mut self.image);
        self.prompt_preview.truncate(Self::preview(&self.prompt_preview).len());
        self
    }
}

fn clean_image(image: &mut String) {
    let starts_with = |scheme: &str| image.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    if starts_with("data:") {
        // What follows the media type is the image itself.
        let end = image.find([';', ',']).unwrap_or("data:".len());
        image.truncate(end);
        return;
    }
    // Names in a bucket and on a disk may have a question mark; only a web address has a query, which may be a signature.
    if !starts_with("https://") && !starts_with("http://") {
        return;
    }
    if let Some(end) = image.find(['?', '#']) {
        image.truncate(end);
    }
    let host = image.find("://").map_or(0, |position| position + 3);
    let end_of_host = image[host..].find('/').map_or(image.len(), |position| host + position);
    if let Some(at) = image[host..end_of_host].rfind('@') {
        image.replace_range(host..=host + at, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(image: &str) -> String {
        StoredAnswer { image: image.to_owned(), ..StoredAnswer::default() }.cleaned().image
    }

    #[test]
    fn a_signed_address_is_cut_before_its_signature() {
        assert_eq!(
            kept("https://storage.googleapis.com/b/a.jpg?X-Goog-Signature=abc"),
            "https://storage.googleapis.com/b/a.jpg"
        );
        assert_eq!(kept("HTTPS://example.com/a.jpg#token=1"), "HTTPS://example.com/a.jpg");
    }

    #[test]
    fn a_password_in_an_address_is_taken_out() {
        assert_eq!(kept("https://user:secret@example.com/a@b.jpg"), "https://example.com/a@b.jpg");
        assert_eq!(kept("https://user:secret@example.com"), "https://example.com");
    }

    #[test]
    fn an_image_within_its_name_is_not_kept() {
        assert_eq!(kept("data:image/jpeg;base64,/9j/4AAQ"), "data:image/jpeg");
        assert_eq!(kept("data:AAAA"), "data:");
    }

    #[test]
    fn other_names_are_kept_as_they_are() {
        for name in ["gs://bucket/what?.jpg", "street?.jpg", "123 bytes", "", "ünïcode\u{0}.jpg", "é"] {
            assert_eq!(kept(name), name);
        }
    }

    #[test]
    fn of_a_prompt_the_first_200_characters_are_kept() {
        let answer = StoredAnswer { prompt_preview: "é".repeat(300), ..StoredAnswer::default() };
        assert_eq!(answer.cleaned().prompt_preview, "é".repeat(200));
        let answer = StoredAnswer { prompt_preview: "é".repeat(200), ..StoredAnswer::default() };
        assert_eq!(answer.cleaned().prompt_preview, "é".repeat(200));
    }
}
