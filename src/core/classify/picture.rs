//! Pictures as pixels: decoded within bounds, cropped to a box, scaled down, and encoded again. Pure; blocks.

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{crop_imm, thumbnail};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use std::io::Cursor;

/// Longest side of a picture that is decoded.
const LONGEST_SIDE: u32 = 20_000;

/// Most bytes of a decoded picture.
pub(super) const LARGEST_DECODED: u64 = 256_000_000;

/// Longest side of a crop as it is sent.
const LONGEST_CROP: u32 = 3_072;

const JPEG_QUALITY: u8 = 90;

/// A box in pixels of the stored image, from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PixelBox {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

/// Why a picture cannot be worked on; reads on after the image's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem(pub(super) String);

/// What a picture's header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) width: u32,
    pub(super) height: u32,
    /// Bytes that working on the picture may take.
    pub(super) working_memory: u64,
}

impl PixelBox {
    /// Area in square pixels.
    pub(super) fn area(&self) -> f64 {
        (self.right - self.left) * (self.bottom - self.top)
    }

    /// Whether it is a box at all: finite, and neither empty nor turned inside out.
    pub(super) fn is_sound(&self) -> bool {
        let corners = [self.left, self.top, self.right, self.bottom];
        corners.iter().all(|value| value.is_finite()) && self.left < self.right && self.top < self.bottom
    }
}

impl std::fmt::Display for PixelBox {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "({}, {}) to ({}, {})", self.left, self.top, self.right, self.bottom)
    }
}

/// Reads the header, and refuses a picture that would not fit into memory.
pub(super) fn header(data: &[u8]) -> Result<Header, Problem> {
    let decoder = decoder(data)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let size = decoder.total_bytes().max(pixels * 3);
    if size > LARGEST_DECODED {
        return Err(too_large(width, height));
    }
    // The decoded picture, and its RGB copy or its crop.
    Ok(Header { width, height, working_memory: size + pixels * 3 })
}

/// The part of the picture in the box and a margin around it, as JPEG. The margin is a share of the box's larger side,
/// on each side; what of it lies outside the picture is left out.
pub(super) fn crop(data: &[u8], bounds: PixelBox, margin: f64) -> Result<Bytes, Problem> {
    let picture = decode(data)?;
    let (left, top, right, bottom) = region(bounds, margin, picture.width(), picture.height())?;
    let part = if (left, top) == (0, 0) && (right, bottom) == picture.dimensions() {
        picture
    } else {
        crop_imm(&picture, left, top, right - left, bottom - top).to_image()
    };
    encode(&fitted(part, LONGEST_CROP))
}

/// The whole picture as a JPEG of at most `limit` bytes, scaled down as far as that takes.
pub(super) fn shrink(data: &[u8], limit: usize) -> Result<Bytes, Problem> {
    let orientation = decoder(data)?.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut upright = DynamicImage::ImageRgb8(decode(data)?);
    // Encoding drops the note of how the camera was held.
    upright.apply_orientation(orientation);
    let mut picture = upright.into_rgb8();
    let mut side = picture.width().max(picture.height());
    loop {
        picture = fitted(picture, side);
        let encoded = encode(&picture)?;
        if encoded.len() <= limit || side <= 1 {
            return Ok(encoded);
        }
        side = side * 3 / 4;
    }
}

/// The pixels of the box and its margin that the picture has.
fn region(bounds: PixelBox, margin: f64, width: u32, height: u32) -> Result<(u32, u32, u32, u32), Problem> {
    let (across, down) = (f64::from(width), f64::from(height));
    let is_inside = bounds.left < across && bounds.top < down && bounds.right > 0.0 && bounds.bottom > 0.0;
    if !bounds.is_sound() || !is_inside {
        return Err(Problem(format!("the box {bounds} lies outside the image of {width} x {height} pixels")));
    }
    let around = margin * (bounds.right - bounds.left).max(bounds.bottom - bounds.top);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the picture's own sides")]
    let clamped = |value: f64, side: f64| value.clamp(0.0, side) as u32;
    Ok((
        clamped((bounds.left - around).floor(), across - 1.0),
        clamped((bounds.top - around).floor(), down - 1.0),
        clamped((bounds.right + around).ceil(), across),
        clamped((bounds.bottom + around).ceil(), down),
    ))
}

fn decode(data: &[u8]) -> Result<RgbImage, Problem> {
    header(data)?;
    if is_cut_off(data) {
        return Err(Problem("the image is cut off: its end is missing".into()));
    }
    let picture = DynamicImage::from_decoder(decoder(data)?).map_err(unreadable)?;
    Ok(picture.into_rgb8())
}

fn decoder(data: &[u8]) -> Result<impl ImageDecoder + '_, Problem> {
    let format = match image::guess_format(data) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) => format,
        _ if is_heif(data) => {
            return Err(Problem(
                "HEIC and HEIF images cannot be cropped or scaled here; convert them to JPEG, or pass them whole"
                    .into(),
            ));
        }
        _ => return Err(Problem("the image is neither JPEG, PNG nor WebP, and cannot be cropped or scaled".into())),
    };
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(LARGEST_DECODED);
    let mut reader = ImageReader::with_format(Cursor::new(data), format);
    reader.limits(limits);
    reader.into_decoder().map_err(unreadable)
}

fn is_heif(data: &[u8]) -> bool {
    matches!(data, [_, _, _, _, b'f', b't', b'y', b'p', b'h' | b'm', b'e' | b'i', ..])
}

/// A decoder fills what is missing of a JPEG with grey. Its end marker cannot occur within the picture's data.
fn is_cut_off(data: &[u8]) -> bool {
    let last = |marker: u8| data.windows(2).rposition(|pair| pair == [0xFF, marker]);
    data.starts_with(&[0xFF, 0xD8]) && last(0xD9) < last(0xDA)
}

fn fitted(picture: RgbImage, longest: u32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let side = width.max(height);
    if side <= longest {
        return picture;
    }
    let scaled = |length: u32| {
        let exact = u64::from(length) * u64::from(longest) / u64::from(side);
        u32::try_from(exact).unwrap_or(longest).max(1)
    };
    // Averages whole pixels, which takes no second picture of floating-point numbers.
    thumbnail(&picture, scaled(width), scaled(height))
}

fn encode(picture: &RgbImage) -> Result<Bytes, Problem> {
    let mut encoded = Vec::new();
    JpegEncoder::new_with_quality(&mut encoded, JPEG_QUALITY)
        .encode_image(picture)
        .map_err(|cause| Problem(format!("the image cannot be encoded as JPEG: {cause}")))?;
    Ok(encoded.into())
}

fn unreadable(cause: image::ImageError) -> Problem {
    match cause {
        image::ImageError::Limits(_) => {
            Problem(format!("the image is too large to decode: over {LONGEST_SIDE} pixels a side, or 256 MB in all"))
        }
        cause => Problem(format!("the image cannot be decoded: {cause}")),
    }
}

fn too_large(width: u32, height: u32) -> Problem {
    Problem(format!("the image is too large to decode: {width} x {height} pixels take over 256 MB"))
}

#[cfg(test)]
mod tests {}
