//! Arrow messages as BigQuery sends them, and as no server should, against the batches they must become.
#![expect(clippy::expect_used, clippy::panic, reason = "test support: a failed expectation fails the test")]

mod anything;
mod canonical;
mod damage;
mod messages;
mod wire;
