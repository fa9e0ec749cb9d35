//! Tables for tests.

use super::shape::Shape;
use crate::bigquery::tables::{DatasetName, TableDescription};
use crate::bigquery::wire::{TableFieldSchema, TableSchema};

fn field(name: &str, kind: &str, fields: Vec<TableFieldSchema>) -> TableFieldSchema {
    TableFieldSchema { name: name.into(), field_type: kind.into(), fields, ..TableFieldSchema::default() }
}

fn point(name: &str) -> TableFieldSchema {
    field(name, "RECORD", vec![field("latitude", "FLOAT", vec![]), field("longitude", "FLOAT", vec![])])
}

fn text(name: &str) -> TableFieldSchema {
    field(name, "STRING", vec![])
}

pub(super) fn shape(table: &str, fields: Vec<TableFieldSchema>) -> Shape {
    let dataset = DatasetName { project_id: "demo".into(), dataset_id: "imagery_insights___us".into() };
    let description =
        TableDescription { schema: TableSchema { fields }, location: Some("US".into()), ..TableDescription::default() };
    Shape::new(dataset, table.into(), description)
}

pub(super) fn observations_of(table: &str) -> Shape {
    let time = field("capture_time", "TIMESTAMP", vec![]);
    let names = ["gcs_uri", "snapshot_id", "asset_id", "asset_type", "observation_id"];
    shape(table, names.map(text).into_iter().chain([time, point("location")]).collect())
}

pub(super) fn observations() -> Shape {
    observations_of("cropped_observations_latest")
}

pub(super) fn assets() -> Shape {
    let names = ["snapshot_id", "asset_id", "asset_type"];
    shape("cropped_assets_latest", names.map(text).into_iter().chain([point("location")]).collect())
}

pub(super) fn panoramas() -> Shape {
    let names = ["capture_id", "observation_id", "snapshot_id", "gcs_uri"];
    shape("pano_observations_latest", names.map(text).into_iter().chain([point("capture_location")]).collect())
}

pub(super) fn results() -> Shape {
    shape("answers", ["observation_id", "gcs_uri", "status"].map(text).into())
}
