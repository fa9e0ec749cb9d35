//! Pages of BigQuery results, as recorded and as no server should send them, against the Arrow they must become.
#![expect(
    clippy::expect_used,
    clippy::needless_pass_by_value,
    clippy::panic,
    reason = "test support: a failed expectation fails the test"
)]

mod cells;
mod misfits;
mod pages;
mod round_trip;
mod schemas;
mod support;
mod tables;
