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
        row(&mut text, index);
    }
    text.push(']');
    text
}

fn row(text: &mut String, index: u64) {
    let mut random = Random(index);
    let (asset, observation) = (random.next(), random.next());
    let asset_id = format!("t1:{asset:016x}{:016x}:ffff005f", asset.rotate_left(17));
    let observation_id = format!("o1:{observation:016x}{:016x}:00110060", observation.rotate_left(29));
    let kind = ["ROAD_SIGN", "UTILITY_POLE", "MAINTENANCE_COVER"][usize::try_from(index % 3).unwrap_or_default()];
    let micros = 1_735_689_600_000_000 + index * 1_000_003;
    let (latitude, longitude) = (random.between(37.2, 37.9), random.between(-122.5, -121.7));
    let snapshot = "5a7c2d41-9d0f-4a63-8f8e-2f4c0b1d7e65";
    text.push_str(r#"{"f":["#);
    string(text, snapshot);
    string(text, &asset_id);
    string(text, &format!("ASSET_CLASS_{kind}"));
    floats(text, &[latitude, longitude]);
    string(text, &micros.to_string());
    string(text, &observation_id);
    text.push_str(r#"{"v":{"f":["#);
    let (left, top) = (random.between(0.0, 1500.0).floor(), random.between(0.0, 3000.0).floor());
    floats(text, &[left, top]);
    floats(text, &[left + 81.5, top + 159.25]);
    text.pop();
    text.push_str("]}},");
    // Every 97th observation has no pose, so that a null RECORD is part of what is compared.
    if index % 97 == 96 {
        text.push_str(r#"{"v":null},"#);
    } else {
        let pose = [
            latitude,
            longitude,
            random.between(0.0, 90.0),
            random.between(-3.0, 3.0),
            random.between(0.0, 360.0),
            0.5,
        ];
        floats(text, &pose);
    }
    string(text, &(micros - 86_400_000_000).to_string());
    string(text, &format!("gs://geoai_published__us/{snapshot}/v0/{observation_id}.jpg"));
    string(text, &format!("https://www.google.com/maps/@?api=1&map_action=pano&viewpoint={latitude},{longitude}"));
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
