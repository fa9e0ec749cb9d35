//! Responses decoded from one buffer that is used again and again.

use tonic::codec::{BufferSettings, Codec};
use tonic_prost::ProstCodec;

use super::wire::{ReadRowsRequest, ReadRowsResponse};

/// Room for some responses of the usual size, which is below a megabyte. tonic's own 8 KiB would grow to each anew, and
/// fresh memory takes longer than what is done with it.
const ROOM: usize = 4 << 20;

type Prost = ProstCodec<ReadRowsRequest, ReadRowsResponse>;

/// The codec of `ReadRows`.
pub(super) struct ReadRowsCodec;

impl Codec for ReadRowsCodec {
    type Encode = ReadRowsRequest;
    type Decode = ReadRowsResponse;
    type Encoder = <Prost as Codec>::Encoder;
    type Decoder = <Prost as Codec>::Decoder;

    fn encoder(&mut self) -> Self::Encoder {
        Prost::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        Prost::raw_decoder(BufferSettings::new(ROOM, ROOM))
    }
}
