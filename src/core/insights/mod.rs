//! The Street View Insights data set: how one gets it, what is in it, and how one asks for it. Knows no image and no model.

mod area;
mod catalog;
mod crossing;
#[cfg(test)]
mod fixtures;
pub mod naming;
mod polygon;
mod prepared;
mod profile;
pub mod selection;
mod shape;
pub mod snapshots;
mod statement;
pub mod subscribe;

pub use area::Area;
pub use catalog::{Catalog, Place};
pub use prepared::{Prepared, prepare, snapshots_of};
pub use selection::Selection;
pub use shape::{Column, Shape};
pub use snapshots::Snapshot;
pub use statement::Statement;
pub use subscribe::{LinkedDataset, SubscribeOptions, subscribe};
