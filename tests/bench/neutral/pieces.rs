//! Bodies put together from pieces that were compressed before, so that one set of rows serves every kind of page.

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress};
use std::io;
use std::sync::Arc;

/// Ten bytes before a gzip body: no name, no time, no system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// An empty block that is the last one.
const LAST_BLOCK: [u8; 2] = [3, 0];

/// Part of a body, as it is and compressed.
#[derive(Debug, Clone)]
pub struct Piece {
    plain: Bytes,
    /// Whole blocks that refer to nothing before them.
    deflated: Bytes,
    checksum: Arc<Crc>,
}

impl Piece {
    /// Compresses a piece.
    pub fn new(plain: impl Into<Bytes>) -> io::Result<Self> {
        let plain = plain.into();
        let mut compress = Compress::new(Compression::default(), false);
        let mut deflated = Vec::with_capacity(plain.len() / 2 + 1_024);
        // The flush is complete when it leaves room.
        while deflated.len() == deflated.capacity() || deflated.is_empty() {
            deflated.reserve(1_024 + deflated.len() / 2);
            let read = usize::try_from(compress.total_in()).map_err(io::Error::other)?;
            compress.compress_vec(&plain[read..], &mut deflated, FlushCompress::Full).map_err(io::Error::other)?;
        }
        let mut checksum = Crc::new();
        checksum.update(&plain);
        Ok(Self { checksum: checksum.into(), deflated: deflated.into(), plain })
    }
}

/// A body of these pieces, in parts.
pub fn body(pieces: &[Piece], takes_gzip: bool) -> Vec<Bytes> {
    if !takes_gzip {
        return pieces.iter().map(|piece| piece.plain.clone()).collect();
    }
    let mut checksum = Crc::new();
    let mut parts = vec![Bytes::from_static(&HEADER)];
    for piece in pieces {
        checksum.combine(&piece.checksum);
        parts.push(piece.deflated.clone());
    }
    let end = [&LAST_BLOCK[..], &checksum.sum().to_le_bytes(), &checksum.amount().to_le_bytes()].concat();
    parts.push(end.into());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::GzDecoder;
    use std::io::Read;

    #[test]
    fn a_compressed_body_is_one_gzip_member_of_all_pieces() {
        let noise: Vec<u8> = (0..300_000_u32).map(|index| index.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        let pieces = [Piece::new("{}").unwrap(), Piece::new("").unwrap(), Piece::new(noise.clone()).unwrap()];
        let mut read = Vec::new();
        GzDecoder::new(body(&pieces, true).concat().as_slice()).read_to_end(&mut read).unwrap();
        assert_eq!(read, [b"{}".as_slice(), &noise].concat());
        assert_eq!(read, body(&pieces, false).concat());
    }
}
