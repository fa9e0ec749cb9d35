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
mod tests {
    use super::*;
    use image::{ImageEncoder, Rgb};
    use proptest::prelude::*;

    const RED: Rgb<u8> = Rgb([250, 10, 10]);
    const BLUE: Rgb<u8> = Rgb([10, 10, 250]);

    /// Blue with a red rectangle.
    fn picture(width: u32, height: u32, red: (u32, u32, u32, u32)) -> RgbImage {
        let is_red = |x, y| x >= red.0 && y >= red.1 && x < red.2 && y < red.3;
        RgbImage::from_fn(width, height, |x, y| if is_red(x, y) { RED } else { BLUE })
    }

    fn encoded(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
        let mut data = Cursor::new(Vec::new());
        picture.write_to(&mut data, format).unwrap();
        data.into_inner()
    }

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        encoded(&picture(width, height, (10, 10, 30, 20)), ImageFormat::Jpeg)
    }

    fn bounds(left: f64, top: f64, right: f64, bottom: f64) -> PixelBox {
        PixelBox { left, top, right, bottom }
    }

    fn opened(data: &[u8]) -> RgbImage {
        assert_eq!(image::guess_format(data).unwrap(), ImageFormat::Jpeg);
        image::load_from_memory(data).unwrap().into_rgb8()
    }

    fn is_reddish(pixel: Rgb<u8>) -> bool {
        pixel.0[0] > 200 && pixel.0[2] < 80
    }

    /// A PNG that claims these sides and holds next to nothing.
    fn claiming(width: u32, height: u32) -> Vec<u8> {
        let mut data = encoded(&picture(1, 1, (0, 0, 0, 0)), ImageFormat::Png);
        data[16..20].copy_from_slice(&width.to_be_bytes());
        data[20..24].copy_from_slice(&height.to_be_bytes());
        let mut crc = flate2::Crc::new();
        crc.update(&data[12..29]);
        data[29..33].copy_from_slice(&crc.sum().to_be_bytes());
        data
    }

    #[test]
    fn the_box_is_cut_out_of_every_format_gemini_and_we_read() {
        let whole = picture(200, 100, (40, 30, 80, 50));
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let part = opened(&crop(&encoded(&whole, format), bounds(40.0, 30.0, 80.0, 50.0), 0.0).unwrap());
            assert_eq!(part.dimensions(), (40, 20));
            assert!(is_reddish(*part.get_pixel(20, 10)), "{format:?}");
            assert!(is_reddish(*part.get_pixel(3, 3)), "{format:?}");
        }
    }

    #[test]
    fn the_margin_is_a_share_of_the_larger_side_on_each_side() {
        let data = encoded(&picture(400, 400, (100, 100, 200, 150)), ImageFormat::Png);
        let part = opened(&crop(&data, bounds(100.0, 100.0, 200.0, 150.0), 0.15).unwrap());
        assert_eq!(part.dimensions(), (130, 80));
        assert!(!is_reddish(*part.get_pixel(5, 5)));
        assert!(is_reddish(*part.get_pixel(65, 40)));
    }

    #[test]
    fn a_box_over_the_edge_is_cut_at_the_edge() {
        let data = jpeg(60, 50);
        let part = opened(&crop(&data, bounds(-10.0, 40.0, 20.5, 70.0), 0.0).unwrap());
        assert_eq!(part.dimensions(), (21, 10));
        assert_eq!(opened(&crop(&data, bounds(0.0, 0.0, 60.0, 50.0), 3.0).unwrap()).dimensions(), (60, 50));
    }

    #[test]
    fn a_box_beside_the_image_is_refused_with_both_sizes() {
        for beside in [bounds(60.0, 0.0, 70.0, 10.0), bounds(-5.0, 0.0, 0.0, 10.0), bounds(0.0, 50.0, 5.0, 60.0)] {
            let Problem(problem) = crop(&jpeg(60, 50), beside, 0.15).unwrap_err();
            assert!(problem.contains("outside the image of 60 x 50 pixels"), "{problem}");
            assert!(problem.contains(&beside.to_string()), "{problem}");
        }
    }

    #[test]
    fn the_smallest_box_gives_a_pixel() {
        let part = opened(&crop(&jpeg(60, 50), bounds(10.2, 10.2, 10.3, 10.3), 0.0).unwrap());
        assert_eq!(part.dimensions(), (1, 1));
    }

    #[test]
    fn a_crop_too_long_for_use_is_scaled_down() {
        let data = encoded(&picture(4000, 500, (0, 0, 4000, 500)), ImageFormat::Jpeg);
        let part = opened(&crop(&data, bounds(0.0, 0.0, 4000.0, 500.0), 0.0).unwrap());
        assert_eq!(part.dimensions(), (3072, 384));
        assert!(is_reddish(*part.get_pixel(1500, 190)));
    }

    #[test]
    fn an_image_above_a_limit_is_scaled_down_until_it_fits() {
        let noise = RgbImage::from_fn(300, 200, |x, y| {
            let mixed = (x * 7919 + y * 104_729).wrapping_mul(2_654_435_761);
            Rgb([mixed.to_le_bytes()[1], mixed.to_le_bytes()[2], mixed.to_le_bytes()[3]])
        });
        let data = encoded(&noise, ImageFormat::Png);
        let small = shrink(&data, 20_000).unwrap();
        assert!(small.len() <= 20_000 && data.len() > 100_000, "{} of {}", small.len(), data.len());
        let (width, height) = opened(&small).dimensions();
        assert!((f64::from(width) / f64::from(height) - 1.5).abs() < 0.05, "{width} x {height}");
    }

    #[test]
    fn an_image_that_is_scaled_down_stands_as_the_camera_was_held() {
        let mut data = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut data, 95);
        // Little-endian TIFF with one entry: orientation 6, a quarter turn clockwise.
        encoder.set_exif_metadata(b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec()).unwrap();
        encoder.encode_image(&picture(60, 40, (0, 0, 20, 40))).unwrap();
        let upright = opened(&shrink(&data, 1_000_000).unwrap());
        assert_eq!(upright.dimensions(), (40, 60));
        assert!(is_reddish(*upright.get_pixel(20, 5)));
        // A box is in pixels of the image as it is stored.
        let part = opened(&crop(&data, bounds(0.0, 0.0, 20.0, 40.0), 0.0).unwrap());
        assert_eq!(part.dimensions(), (20, 40));
        assert!(is_reddish(*part.get_pixel(10, 35)));
    }

    #[test]
    fn a_decompression_bomb_is_refused_by_its_header() {
        let bomb = claiming(60_000, 60_000);
        assert!(bomb.len() < 200);
        let Problem(problem) = crop(&bomb, bounds(0.0, 0.0, 10.0, 10.0), 0.15).unwrap_err();
        assert!(problem.contains("too large to decode"), "{problem}");
        let Problem(problem) = header(&claiming(12_000, 12_000)).unwrap_err();
        assert!(problem.contains("12000 x 12000 pixels"), "{problem}");
        assert!(shrink(&bomb, 1000).is_err());
    }

    #[test]
    fn a_heic_image_is_refused_with_what_to_do() {
        let Problem(problem) = crop(b"\0\0\0\x18ftypheic\0\0\0\0mif1", bounds(0.0, 0.0, 1.0, 1.0), 0.0).unwrap_err();
        assert!(problem.contains("convert them to JPEG"), "{problem}");
    }

    #[test]
    fn a_jpeg_that_is_cut_off_is_not_filled_up_with_grey() {
        let data = jpeg(200, 200);
        let Problem(problem) = crop(&data[..data.len() - 40], bounds(0.0, 0.0, 9.0, 9.0), 0.0).unwrap_err();
        assert!(problem.contains("cut off"), "{problem}");
    }

    #[test]
    fn a_jpeg_cut_anywhere_is_an_error_and_no_panic() {
        let data = jpeg(64, 48);
        for length in 0..data.len() {
            assert!(crop(&data[..length], bounds(1.0, 1.0, 9.0, 9.0), 0.1).is_err(), "{length} of {}", data.len());
        }
        assert!(crop(&data, bounds(1.0, 1.0, 9.0, 9.0), 0.1).is_ok());
    }

    #[test]
    fn what_it_takes_to_work_on_an_image_is_known_from_its_header() {
        let grey = image::GrayImage::new(100, 80);
        let mut data = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut data);
        encoder.write_image(&grey, 100, 80, image::ExtendedColorType::L8).unwrap();
        assert_eq!(header(&data).unwrap(), Header { width: 100, height: 80, working_memory: 48_000 });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn arbitrary_bytes_are_an_answer_or_an_error_and_no_panic(
            start in prop::sample::select(vec![&b""[..], b"\xFF\xD8\xFF\xE0", b"\x89PNG\r\n\x1a\n", b"RIFF\x40\0\0\0WEBPVP8 "]),
            rest in prop::collection::vec(any::<u8>(), 0..400),
        ) {
            let data = [start, &rest].concat();
            let _ = crop(&data, bounds(0.0, 0.0, 5.0, 5.0), 0.15);
            let _ = shrink(&data, 1000);
        }

        #[test]
        fn a_damaged_image_is_an_answer_or_an_error_and_no_panic(
            format in prop::sample::select(vec![ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP]),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        ) {
            let mut data = encoded(&picture(40, 30, (5, 5, 20, 20)), format);
            for (place, value) in damage {
                let place = place.index(data.len());
                data[place] = value;
            }
            let _ = crop(&data, bounds(0.0, 0.0, 5.0, 5.0), 0.15);
        }

        #[test]
        fn any_box_gives_a_part_of_the_image_or_an_error(
            corners in prop::array::uniform4(-100.0_f64..200.0), margin in 0.0_f64..10.0,
        ) {
            let [left, top, right, bottom] = corners;
            if let Ok((left, top, right, bottom)) = region(bounds(left, top, right, bottom), margin, 90, 70) {
                prop_assert!(left < right && top < bottom && right <= 90 && bottom <= 70);
            }
        }
    }
}
