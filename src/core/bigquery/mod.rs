//! BigQuery: queries, jobs, tables.

pub mod arrow;
pub mod client;
pub mod decode;
pub mod error;
mod job;
pub mod load;
mod pages;
pub mod parameters;
pub mod read;
pub mod request;
pub mod result;
pub mod schema;
mod source;
mod start;
pub mod stream;
pub mod table_rows;
pub mod tables;
pub mod wire;

pub use client::BigQueryClient;
