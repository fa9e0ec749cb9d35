//! The table every client reads: the eleven columns of `latest_observations`, three of them RECORDs, made from a row's number.

use serde_json::{Value, json};
use std::fmt::Write;

/// Rows of one page.
pub const PAGE: u64 = 10_000;

/// The schema as BigQuery's REST API describes it.
#[must_use]
pub fn schema() -> Value {
    let field = |name: &str, kind: &str| json!({"name": name, "type": kind, "mode": "NULLABLE"});
    let record =
        |name: &str, fields: Vec<Value>| json!({"name": name, "type": "RECORD", "mode": "NULLABLE", "fields": fields});
    let floats = |names: &[&str]| names.iter().map(|name| field(name, "FLOAT")).collect();
    json!({"fields": [
        field("snapshot_id", "STRING"),
        field("asset_id", "STRING"),
        field("asset_type", "STRING"),
        record("location", floats(&["latitude", "longitude"])),
        field("detection_time", "TIMESTAMP"),
        field("observation_id", "STRING"),
        record("bbox", vec![record("lo", floats(&["x", "y"])), record("hi", floats(&["x", "y"]))]),
        record("camera_pose", floats(&["latitude", "longitude", "altitude", "pitch", "heading", "roll"])),
        field("capture_time", "TIMESTAMP"),
        field("gcs_uri", "STRING"),
        field("map_url", "STRING"),
    ]})
}

/// The JSON list of the rows from `start` to before `end`.
#[must_use]
pub fn rows(start: u64, end: u64) -> String {
    let mut text = String::with_capacity(usize::try_from(end - start).unwrap_or_default() * 840);
    text.push('[');
    for index in start..end {
        if index > start {
            text.push(',');
        }
        row(&mut text, &Observation::new(index));
    }
    text.push(']');
    text
}

/// One row, from which its JSON and its Arrow are made.
#[expect(clippy::struct_field_names, reason = "the fields are the columns")]
pub(crate) struct Observation {
    pub(crate) snapshot_id: &'static str,
    pub(crate) asset_id: String,
    pub(crate) asset_type: &'static str,
    /// Latitude and longitude.
    pub(crate) location: [f64; 2],
    pub(crate) detection_time: i64,
    pub(crate) observation_id: String,
    /// The lower corner's x and y, then the higher one's.
    pub(crate) bbox: [f64; 4],
    /// Latitude, longitude, altitude, pitch, heading, roll. Every 97th observation has none, so that a null RECORD is
    /// part of what is compared.
    pub(crate) camera_pose: Option<[f64; 6]>,
    pub(crate) capture_time: i64,
    pub(crate) gcs_uri: String,
    pub(crate) map_url: String,
}

impl Observation {
    /// The row of this number.
    pub(crate) fn new(index: u64) -> Self {
        const KINDS: [&str; 3] = ["ASSET_CLASS_ROAD_SIGN", "ASSET_CLASS_UTILITY_POLE", "ASSET_CLASS_MAINTENANCE_COVER"];
        const MIDNIGHT: i64 = 1_735_689_600_000_000;
        let mut random = Random(index);
        let (asset, observation) = (random.next(), random.next());
        let observation_id = format!("o1:{observation:016x}{:016x}:00110060", observation.rotate_left(29));
        let detection_time = MIDNIGHT + i64::try_from(index).unwrap_or_default() * 1_000_003;
        let (latitude, longitude) = (random.between(37.2, 37.9), random.between(-122.5, -121.7));
        let (left, top) = (random.between(0.0, 1500.0).floor(), random.between(0.0, 3000.0).floor());
        let mut pose = || {
            let (altitude, pitch) = (random.between(0.0, 90.0), random.between(-3.0, 3.0));
            [latitude, longitude, altitude, pitch, random.between(0.0, 360.0), 0.5]
        };
        let snapshot_id = "5a7c2d41-9d0f-4a63-8f8e-2f4c0b1d7e65";
        Self {
            snapshot_id,
            asset_id: format!("t1:{asset:016x}{:016x}:ffff005f", asset.rotate_left(17)),
            asset_type: KINDS[usize::try_from(index % 3).unwrap_or_default()],
            location: [latitude, longitude],
            detection_time,
            bbox: [left, top, left + 81.5, top + 159.25],
            camera_pose: (index % 97 != 96).then(&mut pose),
            capture_time: detection_time - 86_400_000_000,
            gcs_uri: format!("gs://geoai_published__us/{snapshot_id}/v0/{observation_id}.jpg"),
            map_url: format!("https://www.google.com/maps/@?api=1&map_action=pano&viewpoint={latitude},{longitude}"),
            observation_id,
        }
    }
}

fn row(text: &mut String, row: &Observation) {
    text.push_str(r#"{"f":["#);
    string(text, row.snapshot_id);
    string(text, &row.asset_id);
    string(text, row.asset_type);
    floats(text, &row.location);
    string(text, &row.detection_time.to_string());
    string(text, &row.observation_id);
    text.push_str(r#"{"v":{"f":["#);
    floats(text, &row.bbox[..2]);
    floats(text, &row.bbox[2..]);
    text.pop();
    text.push_str("]}},");
    match &row.camera_pose {
        Some(pose) => floats(text, pose),
        None => text.push_str(r#"{"v":null},"#),
    }
    string(text, &row.capture_time.to_string());
    string(text, &row.gcs_uri);
    string(text, &row.map_url);
    text.pop();
    text.push_str("]}");
}

/// A cell; none of the texts needs escaping.
fn string(text: &mut String, value: &str) {
    text.push_str(r#"{"v":""#);
    text.push_str(value);
    text.push_str("\"},");
}

fn floats(text: &mut String, values: &[f64]) {
    text.push_str(r#"{"v":{"f":["#);
    for (index, value) in values.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(text, r#"{comma}{{"v":"{value:?}"}}"#);
    }
    text.push_str("]}},");
}

/// `SplitMix64`: the same numbers for the same row everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
        let unit = (self.next() >> 11) as f64 / 9_007_199_254_740_992.0;
        low + unit * (high - low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_json_of_the_schema_s_width_and_the_size_of_real_ones() {
        let text = rows(0, 1_000);
        let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(rows.len(), 1_000);
        assert!(rows.iter().all(|row| row["f"].as_array().unwrap().len() == 11));
        assert!((780..850).contains(&(text.len() / 1_000)), "{}", text.len() / 1_000);
    }
}
