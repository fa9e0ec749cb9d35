//! Cloud Storage: what an object is. Never downloads one.

pub mod client;
pub mod error;
pub mod uri;

pub use client::StorageClient;
pub use uri::GcsUri;
