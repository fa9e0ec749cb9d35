//! From what a user calls an image to what is sent.

use bytes::Bytes;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::gemini::ImagePart;
use crate::storage::{GcsUri, StorageClient};

/// Google's limit for a file sent along with a request.
const INLINE_LIMIT: usize = 7_000_000;

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

impl ImageSource {
    /// Checks what can be checked without reading or calling anything.
    pub fn check(&self) -> Result<()> {
        match self {
            Self::Uri(text) => {
                let uri = GcsUri::parse(text)?;
                match uri.extension().as_deref().map(media_type_of) {
                    Some(MediaType::Unsupported(name)) => Err(unsupported(&uri.to_string(), name)),
                    _ => Ok(()),
                }
            }
            Self::Missing => Err(Error::new(ErrorKind::Image, "there is no image: the value is null")),
            Self::File(_) | Self::Bytes(_) => Ok(()),
        }
    }

    /// Reads what must be read to send the image.
    pub async fn resolve(&self, storage: &StorageClient) -> Result<ImagePart> {
        match self {
            Self::Uri(text) => {
                let uri = GcsUri::parse(text)?;
                let mime_type = uri_media_type(&uri, storage).await?;
                Ok(ImagePart::Uri { uri: uri.to_string(), mime_type })
            }
            Self::File(path) => {
                let path = path.clone();
                let shown = path.display().to_string();
                let read = tokio::task::spawn_blocking(move || std::fs::read(path)).await;
                let data = read.map_err(std::io::Error::other).and_then(|read| read).map_err(|cause| {
                    Error::new(ErrorKind::Image, format!("the file `{shown}` cannot be read: {cause}"))
                        .with_source(cause)
                })?;
                inline(data.into(), &shown, media_type_by_name(&shown))
            }
            Self::Bytes(data) => inline(data.clone(), "the bytes given", None),
            Self::Missing => Err(Error::new(ErrorKind::Image, "there is no image: the value is null")),
        }
    }
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

async fn uri_media_type(uri: &GcsUri, storage: &StorageClient) -> Result<String> {
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

fn media_type_by_name(name: &str) -> Option<MediaType> {
    let extension = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
    Some(media_type_of(extension))
}

fn inline(data: Bytes, shown: &str, by_name: Option<MediaType>) -> Result<ImagePart> {
    if data.is_empty() {
        return Err(Error::new(ErrorKind::Image, format!("{shown}: the image is empty")));
    }
    if data.len() > INLINE_LIMIT {
        let kilobytes = data.len().div_ceil(1000);
        return Err(Error::new(
            ErrorKind::Image,
            format!("{shown}: the image has {kilobytes} kB, and Gemini takes 7000 kB along"),
        )
        .with_hint("copy it to Cloud Storage and pass its `gs://` URI"));
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
        let part =
            inline(Bytes::from_static(b"\x89PNG\r\n\x1a\n"), "sign.jpg", media_type_by_name("sign.jpg")).unwrap();
        assert!(matches!(part, ImagePart::Inline { mime_type, .. } if mime_type == "image/png"));
    }

    #[test]
    fn a_format_gemini_does_not_read_is_refused_without_a_call() {
        let error = ImageSource::Uri("gs://bucket/a.gif".into()).check().unwrap_err();
        assert!(error.message().contains("`image/gif`"), "{error}");
        assert!(inline(Bytes::from_static(b"hello"), "the bytes given", None).is_err());
        assert!(inline(Bytes::new(), "the bytes given", None).is_err());
    }
}
