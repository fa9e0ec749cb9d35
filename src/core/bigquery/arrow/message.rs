//! The frame around every Arrow message: where its metadata and its body lie within a buffer.

use arrow_ipc::{Message, MetadataVersion, root_as_message};
use std::ops::Range;

use super::malformed;
use crate::error::Result;

const CONTINUATION: u32 = u32::MAX;

/// Where one message lies; both ranges are within the buffer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) metadata: Range<usize>,
    pub(super) body: Range<usize>,
}

/// The message that starts at `at`, or `None` at the end: that of the buffer, or a marker of the end of a stream.
pub(super) fn next(buffer: &[u8], at: usize) -> Result<Option<Frame>> {
    if at == buffer.len() {
        return Ok(None);
    }
    let mut start = at + 4;
    let mut length = number(buffer, at)?;
    // Before version 0.15 of Arrow, messages began with their length.
    if length == CONTINUATION {
        length = number(buffer, start)?;
        start += 4;
    }
    if length == 0 {
        return end_of_stream(&buffer[start..]);
    }
    let metadata = within(buffer, start, u64::from(length))?;
    let body_length = read(&buffer[metadata.clone()])?.bodyLength();
    let body_length = u64::try_from(body_length).map_err(|_| malformed("an Arrow message has a negative length"))?;
    let body = within(buffer, metadata.end, body_length)?;
    Ok(Some(Frame { metadata, body }))
}

/// The metadata of a message, checked to lie within its bytes.
pub(super) fn read(metadata: &[u8]) -> Result<Message<'_>> {
    let message = root_as_message(metadata).map_err(|_| malformed("the metadata of an Arrow message is damaged"))?;
    match message.version() {
        MetadataVersion::V4 | MetadataVersion::V5 => Ok(message),
        _ => Err(malformed("an Arrow message is of a version that streetlens cannot read")),
    }
}

fn number(buffer: &[u8], at: usize) -> Result<u32> {
    let bytes = buffer.get(at..).and_then(|rest| rest.first_chunk::<4>());
    bytes.map(|bytes| u32::from_le_bytes(*bytes)).ok_or_else(|| malformed("an Arrow message is cut off"))
}

fn within(buffer: &[u8], start: usize, length: u64) -> Result<Range<usize>> {
    let end = usize::try_from(length).ok().and_then(|length| start.checked_add(length));
    match end {
        Some(end) if end <= buffer.len() => Ok(start..end),
        _ => Err(malformed(format!(
            "an Arrow message of {length} bytes is cut off after {}",
            buffer.len().saturating_sub(start)
        ))),
    }
}

/// What follows the end would be rows that nobody reads.
fn end_of_stream(rest: &[u8]) -> Result<Option<Frame>> {
    if rest.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    Err(malformed("Arrow messages follow the end of their stream"))
}
