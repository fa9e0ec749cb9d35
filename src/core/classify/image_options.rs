//! How the images of an input are sent: in groups or alone, whole or cropped, named or along.

use std::str::FromStr;

use crate::error::{Error, ErrorKind, Result};

/// Most images of one request.
const MOST_IMAGES: usize = 100;

/// How the images of an input are sent.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageOptions {
    /// Column whose equal values make one request; a row is one otherwise.
    pub group_by: Option<String>,
    /// Most images of a request.
    pub max_images: usize,
    /// What is cut out of each image; the whole otherwise.
    pub crop: Option<Crop>,
    /// How images in Cloud Storage reach Gemini.
    pub mode: ImageMode,
}

/// The part of an image that is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Crop {
    /// Column of the boxes, in pixels of the stored image.
    pub column: String,
    /// What is left around the box, as a share of its larger side, on each side.
    pub margin: f64,
}

/// How images in Cloud Storage reach Gemini.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImageMode {
    /// By URI, until Gemini may not read a bucket.
    #[default]
    Auto,
    /// By URI.
    Uri,
    /// Fetched with the caller's credentials and sent along.
    Inline,
}

impl FromStr for ImageMode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "uri" => Ok(Self::Uri),
            "inline" => Ok(Self::Inline),
            _ => Err(Error::new(
                ErrorKind::Configuration,
                format!("`image_mode=\"{text}\"` is not one of `auto`, `uri`, `inline`"),
            )),
        }
    }
}

impl Default for ImageOptions {
    fn default() -> Self {
        Self { group_by: None, max_images: 4, crop: None, mode: ImageMode::Auto }
    }
}

impl ImageOptions {
    /// Refuses numbers out of range.
    pub(super) fn check(&self) -> Result<()> {
        let problem = match &self.crop {
            _ if !(1..=MOST_IMAGES).contains(&self.max_images) => {
                format!("`max_images={}` is not between 1 and {MOST_IMAGES}", self.max_images)
            }
            Some(crop) if !(0.0..=10.0).contains(&crop.margin) => {
                format!("`crop_margin={}` is not between 0 and 10", crop.margin)
            }
            _ => return Ok(()),
        };
        Err(Error::new(ErrorKind::Configuration, problem))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_nobody_knows_is_refused_with_those_there_are() {
        assert_eq!("inline".parse::<ImageMode>().unwrap(), ImageMode::Inline);
        assert!("base64".parse::<ImageMode>().unwrap_err().message().contains("`inline`"));
    }
}
