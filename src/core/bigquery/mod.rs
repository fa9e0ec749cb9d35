//! BigQuery: queries, jobs, tables.

pub mod decode;
pub mod schema;
pub mod wire;
