//! From what a user calls an image to what is sent.

use bytes::Bytes;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::gemini::ImagePart;
use crate::storage::{GcsUri, StorageClient};

/// Google's limit for a file sent along with a request.
pub(super) const INLINE_LIMIT: usize = 7_000_000;

/// Longest name of an image in a message.
const SHOWN: usize = 300;

/// One image as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageSource {
    /// Text that should be a `gs://` URI.
    Uri(String),
    /// A file on this machine.
    File(PathBuf),
    /// A file's content.
    Bytes(Bytes),
    /// Nothing: a null in the input.
    Missing,
}

/// One image of an input, wherever the input keeps it.
#[derive(Debug, Clone, Copy)]
pub(super) enum ImageRef<'a> {
    /// See [`ImageSource::Uri`].
    Uri(&'a str),
    /// See [`ImageSource::File`].
    File(&'a Path),
    /// See [`ImageSource::Bytes`].
    Bytes(&'a [u8]),
    /// See [`ImageSource::Missing`].
    Missing,
}

impl ImageSource {
    /// The image as part of an example: one in Cloud Storage by its URI, another along. Reads a file; calls nothing.
    pub fn example(&self) -> Result<ImagePart> {
        let image = self.as_ref();
        image.check()?;
        match image {
            ImageRef::Uri(text) => {
                let uri = GcsUri::parse(text)?;
                let mime_type = match uri.extension().map(media_type_of) {
                    Some(MediaType::Supported(name)) => name,
                    // The data set holds JPEG only.
                    _ => "image/jpeg",
                };
                Ok(ImagePart::Uri { uri: uri.to_string(), mime_type: mime_type.to_owned() })
            }
            ImageRef::File(path) => {
                let shown = image.shown();
                let data = std::fs::read(path).map_err(|cause| {
                    Error::new(ErrorKind::Image, format!("the file `{shown}` cannot be read: {cause}"))
                        .with_source(cause)
                })?;
                inline(data.into(), &shown)
            }
            ImageRef::Bytes(data) => inline(Bytes::copy_from_slice(data), &image.shown()),
            ImageRef::Missing => Err(missing()),
        }
    }

    pub(super) fn as_ref(&self) -> ImageRef<'_> {
        match self {
            Self::Uri(text) => ImageRef::Uri(text),
            Self::File(path) => ImageRef::File(path),
            Self::Bytes(data) => ImageRef::Bytes(data),
            Self::Missing => ImageRef::Missing,
        }
    }
}

impl ImageRef<'_> {
    /// Checks what can be checked without reading or calling anything.
    pub(super) fn check(self) -> Result<()> {
        match self {
            Self::Uri(text) => {
                let uri = GcsUri::parse(text)?;
                match uri.extension().as_deref().map(media_type_of) {
                    Some(MediaType::Unsupported(name)) => Err(unsupported(&uri.to_string(), name)),
                    _ => Ok(()),
                }
            }
            Self::Missing => Err(missing()),
            Self::File(_) | Self::Bytes(_) => Ok(()),
        }
    }

    /// What the user calls it, as its column shows it; `None` for a null.
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Uri(text) => Some(text.to_owned()),
            Self::File(path) => Some(path.display().to_string()),
            // Two images of one length are two images, also where the column is the key of a table.
            Self::Bytes(data) => Some(format!("{} bytes {}", data.len(), fingerprint(data))),
            Self::Missing => None,
        }
    }

    /// What a message calls it: short, and without a query string, which may hold a signature.
    pub(super) fn shown(self) -> String {
        if let Self::Bytes(data) = self {
            return format!("{} bytes", data.len());
        }
        let text = self.text().unwrap_or_else(|| "null".to_owned());
        let named = if matches!(self, Self::Uri(_)) { text.split('?').next().unwrap_or_default() } else { &text };
        match named.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &named[..end]),
            None => named.to_owned(),
        }
    }
}

/// The first digits of the SHA-256 of an image.
fn fingerprint(data: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, data);
    let head = digest.as_ref().iter().take(6).fold(0_u64, |head, byte| head << 8 | u64::from(*byte));
    format!("{head:012x}")
}

pub(super) fn missing() -> Error {
    Error::new(ErrorKind::Image, "there is no image: the value is null")
}

enum MediaType {
    Supported(&'static str),
    Unsupported(&'static str),
    Unknown,
}

/// The formats Gemini reads, and those it is known not to.
fn media_type_of(extension: impl AsRef<str>) -> MediaType {
    match extension.as_ref() {
        "jpg" | "jpeg" | "jpe" | "jfif" => MediaType::Supported("image/jpeg"),
        "png" => MediaType::Supported("image/png"),
        "webp" => MediaType::Supported("image/webp"),
        "heic" => MediaType::Supported("image/heic"),
        "heif" => MediaType::Supported("image/heif"),
        "gif" => MediaType::Unsupported("image/gif"),
        "bmp" => MediaType::Unsupported("image/bmp"),
        "tif" | "tiff" => MediaType::Unsupported("image/tiff"),
        "svg" => MediaType::Unsupported("image/svg+xml"),
        _ => MediaType::Unknown,
    }
}

/// The media type of an object by its name, or else by its metadata.
pub(super) async fn uri_media_type(uri: &GcsUri, storage: &StorageClient) -> Result<String> {
    match uri.extension().map(media_type_of) {
        Some(MediaType::Supported(name)) => return Ok(name.to_owned()),
        Some(MediaType::Unsupported(name)) => return Err(unsupported(&uri.to_string(), name)),
        Some(MediaType::Unknown) | None => {}
    }
    let stored = match storage.content_type(uri).await {
        Ok(stored) => stored,
        // Google's own agent reads the image, so that the caller need not be allowed to; the data set holds JPEG only.
        Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied) => return Ok("image/jpeg".to_owned()),
        Err(error) => return Err(error),
    };
    match stored.as_deref() {
        Some("image/jpg") => Ok("image/jpeg".to_owned()),
        Some(name @ ("image/jpeg" | "image/png" | "image/webp" | "image/heic" | "image/heif")) => Ok(name.to_owned()),
        Some(name) => Err(unsupported(&uri.to_string(), name)),
        None => Err(unsupported(&uri.to_string(), "an unknown type")),
    }
}

/// The image as it is sent along.
pub(super) fn inline(data: Bytes, shown: &str) -> Result<ImagePart> {
    inline_as(data, shown, media_type_by_name(shown))
}

fn media_type_by_name(name: &str) -> Option<MediaType> {
    let extension = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
    Some(media_type_of(extension))
}

fn inline_as(data: Bytes, shown: &str, by_name: Option<MediaType>) -> Result<ImagePart> {
    if data.is_empty() {
        return Err(Error::new(ErrorKind::Image, format!("{shown}: the image is empty")));
    }
    if data.len() > INLINE_LIMIT {
        let kilobytes = data.len().div_ceil(1000);
        return Err(Error::new(
            ErrorKind::Image,
            format!("{shown}: the image has {kilobytes} kB, and Gemini takes 7000 kB along"),
        )
        .with_hint(
            "copy it to Cloud Storage and pass its `gs://` URI, or scale it down with `image_mode=\"inline\"`",
        ));
    }
    // The content tells more surely than the name.
    let mime_type = match (media_type_by_content(&data), by_name) {
        (Some(name), _) | (None, Some(MediaType::Supported(name))) => name,
        (None, Some(MediaType::Unsupported(name))) => return Err(unsupported(shown, name)),
        (None, _) => return Err(unsupported(shown, "an unknown type")),
    };
    Ok(ImagePart::Inline { data, mime_type: mime_type.to_owned() })
}

fn media_type_by_content(data: &[u8]) -> Option<&'static str> {
    match data {
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'h', b'e', b'i', b'c' | b'x', ..] => Some("image/heic"),
        [_, _, _, _, b'f', b't', b'y', b'p', b'm', b'i', b'f', b'1', ..] => Some("image/heif"),
        _ => None,
    }
}

fn unsupported(shown: &str, media_type: &str) -> Error {
    Error::new(ErrorKind::Image, format!("{shown}: `{media_type}` is not a format Gemini reads"))
        .with_hint("Gemini reads JPEG, PNG, WebP, HEIC and HEIF")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_tells_more_surely_than_the_name() {
        let part = inline(Bytes::from_static(b"\x89PNG\r\n\x1a\n"), "sign.jpg").unwrap();
        assert!(matches!(part, ImagePart::Inline { mime_type, .. } if mime_type == "image/png"));
    }

    #[test]
    fn a_format_gemini_does_not_read_is_refused_without_a_call() {
        let error = ImageRef::Uri("gs://bucket/a.gif").check().unwrap_err();
        assert!(error.message().contains("`image/gif`"), "{error}");
        assert!(inline(Bytes::from_static(b"hello"), "the bytes given").is_err());
        assert!(inline(Bytes::new(), "the bytes given").is_err());
    }

    #[test]
    fn a_message_names_an_image_shortly_and_without_its_signature() {
        assert_eq!(ImageRef::Uri("https://host/a.jpg?sig=secret").shown(), "https://host/a.jpg");
        assert_eq!(ImageRef::Uri(&"x".repeat(1000)).shown().chars().count(), 301);
        assert_eq!(ImageRef::Bytes(b"12345").shown(), "5 bytes");
    }
}
