//! A server that answers every client alike and is never the bottleneck: Gemini under set conditions, BigQuery from memory.
//!
//! For measurements only. It checks nothing, loses nothing unless told to, and imports nothing of streetlens.

pub mod bigquery;
pub mod columns;
pub mod conditions;
pub mod gemini;
pub mod pieces;
pub mod server;
pub mod storage_read;
pub mod storage_wire;
pub mod table;
