//! BigQuery: queries, jobs, tables.

pub mod client;
pub mod decode;
pub mod error;
pub mod estimate;
mod job;
pub mod parameters;
pub mod request;
pub mod schema;
pub mod tables;
pub mod wire;

pub use client::BigQueryClient;
