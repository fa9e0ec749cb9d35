//! Analytics Hub ("BigQuery sharing"): subscriptions to listings.

pub mod client;
pub mod error;
pub mod wire;

pub use client::{Listing, SharingClient};
pub use wire::Subscription;
