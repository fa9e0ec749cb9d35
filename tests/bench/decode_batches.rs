//! `cargo bench -p streetlens-bench --bench decode_batches`: how long a message of the Storage Read API takes to become
//! Arrow, one thread, for each compression.

use bytes::{Bytes, BytesMut};
use std::io::{self, Write};
use std::time::Instant;

use streetlens_bench::columns::{Compression, serialized};
use streetlens_core::bigquery::arrow::ArrowDecoder;

const ROWS: u32 = 2_000;

fn main() -> io::Result<()> {
    for compression in [Compression::Plain, Compression::Lz4] {
        let message = serialized(0, u64::from(ROWS), compression).map_err(io::Error::other)?;
        let decoder = ArrowDecoder::new(&message.schema).map_err(io::Error::other)?;
        let mut times = Vec::new();
        for round in 0..201 {
            // A message starts anywhere within what was received.
            let mut received = BytesMut::zeroed(1 + round % 8);
            received.extend_from_slice(&message.batch);
            let received: Bytes = received.freeze().slice(1 + round % 8..);
            let start = Instant::now();
            let batches = decoder.decode(received).map_err(io::Error::other)?;
            times.push(start.elapsed().as_secs_f64() * 1e6 / f64::from(ROWS));
            assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 2_000);
        }
        times.sort_by(f64::total_cmp);
        let size = message.batch.len() / 2_000;
        writeln!(io::stdout(), "{compression:?}: {size} B/row, {:.3} us/row (fastest {:.3})", times[100], times[0])?;
    }
    Ok(())
}
