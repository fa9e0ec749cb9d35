//! BigQuery: queries, jobs, tables.

pub mod arrow;
pub mod client;
pub mod decode;
pub mod error;
mod job;
pub mod parameters;
pub mod read;
pub mod request;
pub mod schema;
pub mod wire;

pub use client::BigQueryClient;
