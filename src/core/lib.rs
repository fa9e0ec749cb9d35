//! The behaviour of streetlens: queries to BigQuery and questions to Gemini about street imagery. Knows no Python.

pub mod error;
pub mod events;
pub mod settings;

pub mod store;
pub mod transport;

pub mod retry;

pub mod auth;

pub mod stack;

mod envelope;

pub mod bigquery;
pub mod gemini;
pub mod sharing;
pub mod storage;

pub mod insights;

pub mod classify;

pub mod session;
