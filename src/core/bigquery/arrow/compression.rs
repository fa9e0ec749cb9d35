//! LZ4 frames of a batch's buffers, decompressed to the length they announce and no further.

use arrow_buffer::Buffer;
use lz4_flex::frame::FrameDecoder;
use std::io::Read as _;

use super::blocks::Blocks;
use super::malformed;
use crate::error::Result;

/// Most bytes that one answer of the service may decompress to; it sends up to 128 MB, most often about one.
const MAXIMUM_DECOMPRESSED: usize = 1 << 30;

/// The format cannot do better than this, so a greater length that is announced is a lie.
const MAXIMUM_RATIO: usize = 255;

/// Marks a buffer that did not become smaller and was left as it is.
const NOT_COMPRESSED: i64 = -1;

/// What is left of the bytes that an answer may decompress to.
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(MAXIMUM_DECOMPRESSED)
    }
}

/// Decompresses a buffer, which begins with the length of its contents.
pub(super) fn decompress(buffer: &Buffer, budget: &mut Budget) -> Result<Buffer> {
    let Some((prefix, frame)) = buffer.split_first_chunk::<8>() else {
        return Err(malformed("a compressed Arrow buffer is cut off"));
    };
    let announced = i64::from_le_bytes(*prefix);
    if announced == NOT_COMPRESSED {
        // A part of the answer would keep all of it in memory, for as long as the column is.
        return Ok(Buffer::from_slice_ref(&buffer[8..]));
    }
    let length = usize::try_from(announced)
        .ok()
        .filter(|length| *length <= frame.len().saturating_mul(MAXIMUM_RATIO))
        .ok_or_else(|| malformed("a compressed Arrow buffer announces an impossible length"))?;
    budget.0 = budget.0.checked_sub(length).ok_or_else(|| {
        malformed(format!("an answer with Arrow batches decompresses to more than {MAXIMUM_DECOMPRESSED} bytes"))
    })?;
    let damaged = || malformed("a compressed Arrow buffer is damaged");
    if let Some(blocks) = Blocks::of(frame) {
        let mut contents = vec![0; length];
        blocks.decompress(&mut contents).ok_or_else(damaged)?;
        return Ok(Buffer::from_vec(contents));
    }
    let mut contents = Vec::with_capacity(length);
    let limit = u64::try_from(length).unwrap_or(u64::MAX).saturating_add(1);
    FrameDecoder::new(frame).take(limit).read_to_end(&mut contents).map_err(|cause| damaged().with_source(cause))?;
    if contents.len() != length {
        return Err(malformed("a compressed Arrow buffer has another length than it announces"));
    }
    Ok(Buffer::from_vec(contents))
}
