//! The Storage Read API against a server that speaks HTTP/2 by hand, and breaks off wherever a test wants it to.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "test support: a failed expectation fails the test")]

mod faults;
mod refusals;
mod requests;
mod server;
mod table;
