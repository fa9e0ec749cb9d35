//! `cargo bench -p streetlens-bench`: how long a page of the eleven-column table takes to become Arrow, one thread.

use std::io::{self, Write};
use std::time::Instant;

use streetlens_bench::table::{PAGE, rows, schema};
use streetlens_core::bigquery::decode;

fn main() -> io::Result<()> {
    let body = format!(r#"{{"schema":{},"rows":{}}}"#, schema(), rows(0, PAGE));
    let first = decode::page(body.as_bytes(), None).map_err(io::Error::other)?;
    let mut times = Vec::new();
    for _ in 0..41 {
        let start = Instant::now();
        let page = decode::page(body.as_bytes(), first.schema.as_ref()).map_err(io::Error::other)?;
        times.push(start.elapsed().as_secs_f64() * 1e6 / 10_000.0);
        assert_eq!(page.batch, first.batch);
    }
    times.sort_by(f64::total_cmp);
    writeln!(io::stdout(), "{} B/row, {:.2} us/row (fastest {:.2})", body.len() / 10_000, times[20], times[0])
}
