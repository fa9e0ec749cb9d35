//! `gs://` URIs, checked before anything is sent.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// A well-formed `gs://bucket/object`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct GcsUri {
    bucket: String,
    object: String,
}

impl GcsUri {
    /// Reads a URI; the error says what is wrong with it and what was probably meant.
    pub fn parse(text: &str) -> Result<Self> {
        parts(text).map(|(bucket, object)| Self { bucket: bucket.to_owned(), object: object.to_owned() })
    }

    /// The bucket of a URI that [`GcsUri::parse`] reads.
    pub fn bucket_of(text: &str) -> Result<&str> {
        parts(text).map(|(bucket, _)| bucket)
    }

    /// The bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.bucket
    }

    /// The object's name, which may hold colons and slashes.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.object
    }

    /// The snapshot that a published image belongs to: `<snapshot>/v0/<observation>.jpg`.
    #[must_use]
    pub fn snapshot(&self) -> Option<&str> {
        let (snapshot, image) = self.object.split_once("/v0/")?;
        let is_published = image.starts_with("o1:") && !image.contains('/');
        (is_published && !snapshot.is_empty() && !snapshot.contains('/')).then_some(snapshot)
    }

    /// The extension of the object's name in lower case.
    #[must_use]
    pub fn extension(&self) -> Option<String> {
        let name = self.object.rsplit('/').next()?;
        let (stem, extension) = name.rsplit_once('.')?;
        (!stem.is_empty() && !extension.is_empty()).then(|| extension.to_ascii_lowercase())
    }
}

/// Bucket and object of a URI; the error says what is wrong with it and what was probably meant.
fn parts(text: &str) -> Result<(&str, &str)> {
    let trimmed = text.trim();
    let Some(rest) = trimmed.strip_prefix("gs://") else {
        return Err(invalid(trimmed, "does not start with `gs://`", Some(guess(trimmed))));
    };
    let Some((bucket, object)) = rest.split_once('/').filter(|(_, object)| !object.is_empty()) else {
        return Err(invalid(trimmed, "names no object", Some("write `gs://bucket/object`".to_owned())));
    };
    if let Some(problem) = bucket_problem(bucket) {
        return Err(invalid(trimmed, problem, None));
    }
    if object.len() > 1024 {
        return Err(invalid(trimmed, "has an object name of over 1,024 bytes", None));
    }
    if object.contains(['\r', '\n', '\0']) || object == "." || object == ".." {
        return Err(invalid(trimmed, "has an object name that Cloud Storage does not allow", None));
    }
    Ok((bucket, object))
}

impl fmt::Display for GcsUri {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "gs://{}/{}", self.bucket, self.object)
    }
}

fn bucket_problem(bucket: &str) -> Option<&'static str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    let edge = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let bytes = bucket.as_bytes();
    if !(3..=222).contains(&bytes.len()) {
        return Some("has a bucket name that is not 3 to 222 characters long");
    }
    let well_formed = bytes.iter().copied().all(allowed) && edge(bytes.first().copied()) && edge(bytes.last().copied());
    (!well_formed).then_some("has a bucket name with characters that Cloud Storage does not allow")
}

fn guess(text: &str) -> String {
    let path =
        ["https://storage.googleapis.com/", "https://storage.cloud.google.com/", "gs:/", "gs//", "GS://", "gcs://"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix));
    match path {
        Some(rest) => {
            let object = rest.trim_start_matches('/').split('?').next().unwrap_or_default();
            format!("write `gs://{object}`")
        }
        None if text.starts_with("http") => "copy the image to Cloud Storage, or pass its bytes".to_owned(),
        None => "write `gs://bucket/object`; local files are read when `images` is a list".to_owned(),
    }
}

fn invalid(text: &str, problem: &str, hint: Option<String>) -> Error {
    // A query string may hold a signature.
    let shown: String = text.split('?').next().unwrap_or_default().chars().take(120).collect();
    let error = Error::new(ErrorKind::InvalidUri, format!("`{shown}` {problem}"));
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_image_names_its_snapshot() {
        let uri = |text: &str| GcsUri::parse(text).unwrap();
        assert_eq!(uri("gs://bucket/5f78/v0/o1:12:34.jpg").snapshot(), Some("5f78"));
        for text in ["gs://bucket/v0/o1:12.jpg", "gs://bucket/a/b/v0/o1:12.jpg", "gs://bucket/a/v0/mine.jpg"] {
            assert_eq!(uri(text).snapshot(), None, "{text}");
        }
    }

    #[test]
    fn an_object_name_may_hold_colons_and_slashes() {
        let uri = GcsUri::parse(" gs://geoai_published__us/snap/v0/o1:0a:ff.JPG\n").unwrap();
        assert_eq!((uri.bucket(), uri.object()), ("geoai_published__us", "snap/v0/o1:0a:ff.JPG"));
        assert_eq!(uri.extension().as_deref(), Some("jpg"));
    }

    #[test]
    fn a_dot_in_a_folder_is_no_extension() {
        assert_eq!(GcsUri::parse("gs://bucket/v1.2/image").unwrap().extension(), None);
    }

    #[test]
    fn malformed_uris_are_refused() {
        for text in [
            "",
            "gs://",
            "gs://bucket",
            "gs://bucket/",
            "gs://B/o",
            "gs://ab/o",
            "gs:/bucket/o",
            "s3://b/o",
            "gs://-ab/o",
            "gs://buc/a\nb",
        ] {
            assert_eq!(GcsUri::parse(text).unwrap_err().kind(), ErrorKind::InvalidUri, "{text:?}");
        }
    }

    #[test]
    fn the_error_says_what_was_probably_meant_and_hides_the_signature() {
        let error = GcsUri::parse("https://storage.googleapis.com/bucket/a.jpg?X-Goog-Signature=abc").unwrap_err();
        assert_eq!(error.details().hint.as_deref(), Some("write `gs://bucket/a.jpg`"));
        assert!(!error.to_string().contains("Signature"));
    }
}
