//! The Street View Insights data set: how one gets it. Knows no image and no model.

pub mod subscribe;

pub use subscribe::{LinkedDataset, SubscribeOptions, subscribe};
