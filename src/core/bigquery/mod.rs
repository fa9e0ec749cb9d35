//! BigQuery: queries, jobs, tables.

pub mod client;
pub mod decode;
pub mod error;
mod job;
pub mod load;
pub mod parameters;
pub mod request;
pub mod schema;
pub mod wire;

pub use client::BigQueryClient;
