//! A server that answers every client alike and is never the bottleneck: Gemini after a set time, BigQuery from memory.
//!
//! For measurements only. It checks nothing, loses nothing and imports nothing of streetlens.

pub mod bigquery;
pub mod gemini;
pub mod server;
pub mod table;
