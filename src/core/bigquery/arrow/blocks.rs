//! The blocks of an LZ4 frame, each decompressed to its place. The reader of frames of `lz4_flex` decompresses to a buffer
//! of its own first, which it makes anew for each of the many frames of a batch.
//!
//! The format: <https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md>.

use lz4_flex::block::{decompress_into, decompress_into_with_dict};

const MAGIC: [u8; 4] = 0x184D_2204_u32.to_le_bytes();

/// Flags of a frame's descriptor.
const INDEPENDENT: u8 = 0b0010_0000;
const CONTENT_LENGTH: u8 = 0b0000_1000;
/// The version; without the two flags above, nothing else may be set.
const VERSION_1: u8 = 0b0100_0000;

/// Marks a block that did not become smaller and was left as it is.
const NOT_COMPRESSED: u32 = 1 << 31;

/// How far back a block refers to those before it.
const REACH: usize = 64 << 10;

/// The blocks of one frame.
pub(super) struct Blocks<'a> {
    rest: &'a [u8],
    are_linked: bool,
}

impl<'a> Blocks<'a> {
    /// The blocks of a frame as Arrow's implementations write it: without checksums or a dictionary. `None` for others,
    /// and for what is no frame.
    pub(super) fn of(frame: &'a [u8]) -> Option<Self> {
        let ([flags, _], rest) = frame.strip_prefix(&MAGIC)?.split_first_chunk::<2>()?;
        if flags & !(INDEPENDENT | CONTENT_LENGTH) != VERSION_1 {
            return None;
        }
        // The length of the contents is what the batch has announced, or they do not fit; then follows a checksum.
        let skipped = if flags & CONTENT_LENGTH == 0 { 1 } else { 9 };
        Some(Self { rest: rest.get(skipped..)?, are_linked: flags & INDEPENDENT == 0 })
    }

    /// Fills `contents`; `None` where the blocks are damaged or have another length.
    pub(super) fn decompress(mut self, contents: &mut [u8]) -> Option<()> {
        let mut filled = 0;
        loop {
            let (header, rest) = self.rest.split_first_chunk::<4>()?;
            let header = u32::from_le_bytes(*header);
            if header == 0 {
                return (filled == contents.len()).then_some(());
            }
            let length = usize::try_from(header & !NOT_COMPRESSED).ok()?;
            let (block, rest) = rest.split_at_checked(length)?;
            let (done, open) = contents.split_at_mut(filled);
            filled += if header & NOT_COMPRESSED != 0 {
                open.get_mut(..length)?.copy_from_slice(block);
                length
            } else if self.are_linked && filled > 0 {
                decompress_into_with_dict(block, open, &done[filled.saturating_sub(REACH)..]).ok()?
            } else {
                decompress_into(block, open).ok()?
            };
            self.rest = rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lz4_flex::frame::{BlockMode, BlockSize, FrameEncoder, FrameInfo};
    use proptest::prelude::*;
    use std::io::Write as _;

    fn compressed(contents: &[u8], info: FrameInfo) -> Vec<u8> {
        let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
        encoder.write_all(contents).unwrap();
        encoder.finish().unwrap()
    }

    fn info(is_linked: bool, length: Option<u64>) -> FrameInfo {
        let mode = if is_linked { BlockMode::Linked } else { BlockMode::Independent };
        FrameInfo::new().block_mode(mode).block_size(BlockSize::Max64KB).content_size(length)
    }

    /// Words that come back after some time, and now and then what cannot be compressed.
    fn contents() -> impl Strategy<Value = Vec<u8>> {
        let word = prop_oneof![
            proptest::sample::select(vec![
                b"ASSET_CLASS_UTILITY_POLE".to_vec(),
                vec![0; 300],
                b"gs://bucket/".to_vec()
            ]),
            proptest::collection::vec(any::<u8>(), 0..200),
        ];
        (proptest::collection::vec(word, 0..40), 0_usize..80).prop_map(|(words, times)| words.concat().repeat(times))
    }

    proptest! {
        #[test]
        fn blocks_of_every_kind_become_what_was_compressed(
            contents in contents(), is_linked: bool, tells_length: bool
        ) {
            let length = tells_length.then_some(contents.len() as u64);
            let frame = compressed(&contents, info(is_linked, length));
            let mut read = vec![0; contents.len()];
            prop_assert_eq!(Blocks::of(&frame).unwrap().decompress(&mut read), Some(()));
            prop_assert!(read == contents);
            for wrong in [contents.len() + 1, contents.len().wrapping_sub(1)].iter().filter(|wrong| **wrong < 1 << 40) {
                prop_assert_eq!(Blocks::of(&frame).unwrap().decompress(&mut vec![0; *wrong]), None);
            }
        }

        #[test]
        fn a_frame_that_is_cut_off_is_damaged(contents in contents(), is_linked: bool, cut: proptest::sample::Index) {
            let frame = compressed(&contents, info(is_linked, None));
            let cut = &frame[..cut.index(frame.len())];
            let read = Blocks::of(cut).and_then(|blocks| blocks.decompress(&mut vec![0; contents.len()]));
            prop_assert_eq!(read, None);
        }
    }

    #[test]
    fn a_frame_with_checksums_is_left_to_others() {
        assert!(Blocks::of(&compressed(b"text", info(false, None).content_checksum(true))).is_none());
        assert!(Blocks::of(&compressed(b"text", info(true, None).block_checksums(true))).is_none());
        assert!(Blocks::of(b"").is_none() && Blocks::of(b"no frame at all").is_none());
    }
}
