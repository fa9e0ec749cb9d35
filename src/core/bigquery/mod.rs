//! BigQuery: queries, jobs, tables.

pub mod client;
pub mod decode;
pub mod error;
mod job;
mod pages;
pub mod parameters;
pub mod request;
pub mod result;
pub mod schema;
mod source;
mod start;
pub mod stream;
pub mod wire;

pub use client::BigQueryClient;
