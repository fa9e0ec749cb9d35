//! Cloud Storage: what an object is, and its bytes. Never writes one.

pub mod client;
pub mod error;
pub mod uri;

pub use client::{LARGEST_OBJECT, StorageClient};
pub use uri::GcsUri;
