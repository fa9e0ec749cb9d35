//! Which snapshots there are, which of them is the newest, and when one expires.

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, RecordBatch};
use chrono::{DateTime, Duration, Utc};
use std::cmp::Reverse;

use super::naming::Product;
use super::shape::Shape;
use super::statement::Statement;
use crate::bigquery::BigQueryClient;
use crate::bigquery::request::Query;
use crate::error::{Error, ErrorKind, Result};

/// Days from a snapshot's creation to its removal. No page of Google's documents it: it is what Google's own package
/// `svi_geo` of the `insights-samples` repository reckons with.
pub const LIFETIME_DAYS: i64 = 35;

/// One state of the data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id, with which the path of each of its images begins.
    pub id: String,
    /// When it was made.
    pub created: Option<DateTime<Utc>>,
    /// What it has images of; nothing where its table does not say.
    pub product_types: Vec<String>,
}

impl Snapshot {
    /// When it is removed.
    #[must_use]
    pub fn expires(&self) -> Option<DateTime<Utc>> {
        self.created?.checked_add_signed(Duration::days(LIFETIME_DAYS))
    }

    fn has(&self, product: Option<Product>) -> bool {
        let Some(product) = product else { return true };
        self.product_types.is_empty() || self.product_types.iter().any(|name| Product::parse(name) == Some(product))
    }
}

/// The newest snapshot with images of a product.
#[must_use]
pub fn newest(snapshots: &[Snapshot], product: Option<Product>) -> Option<&Snapshot> {
    snapshots.iter().filter(|snapshot| snapshot.has(product)).max_by_key(|snapshot| snapshot.created)
}

/// The snapshot of an id. Fails with those that are there.
pub fn named<'a>(snapshots: &'a [Snapshot], id: &str) -> Result<&'a Snapshot> {
    snapshots.iter().find(|snapshot| snapshot.id == id).ok_or_else(|| {
        let ids: Vec<&str> = snapshots.iter().map(|snapshot| snapshot.id.as_str()).collect();
        let there = if ids.is_empty() { "none is there".to_owned() } else { format!("there are {}", ids.join(", ")) };
        Error::new(ErrorKind::NotFound, format!("there is no snapshot `{}`", id.escape_debug())).with_hint(format!(
            "{there}; a snapshot is removed about {LIFETIME_DAYS} days after it was made, with its rows and images"
        ))
    })
}

/// All snapshots of a data set, the newest first.
pub(super) async fn list(bigquery: &BigQueryClient, shape: &Shape) -> Result<Vec<Snapshot>> {
    let query = Query { sql: sql(shape)?, location: shape.location.clone(), ..Query::default() };
    let result = bigquery.query(&query).await?;
    let mut snapshots: Vec<Snapshot> = result.batches.iter().flat_map(read).collect();
    snapshots.sort_by_key(|snapshot| Reverse(snapshot.created));
    Ok(snapshots)
}

/// The snapshots with their ages, for people.
pub(super) fn overview(shape: &Shape) -> Result<Statement> {
    let products = if shape.has("product_types") { ",\n  product_types" } else { "" };
    let sql = format!(
        "SELECT
  snapshot_id,
  creation_time,
  creation_time = MAX(creation_time) OVER () AS is_latest,
  TIMESTAMP_ADD(creation_time, INTERVAL {LIFETIME_DAYS} DAY) AS expires,
  TIMESTAMP_DIFF(TIMESTAMP_ADD(creation_time, INTERVAL {LIFETIME_DAYS} DAY), CURRENT_TIMESTAMP(), HOUR) / 24 AS days_left{products}
FROM {}
ORDER BY creation_time DESC",
        shape.sql()?
    );
    Ok(Statement { sql, parameters: Vec::new() })
}

fn sql(shape: &Shape) -> Result<String> {
    let mut columns = vec!["snapshot_id", "creation_time"];
    if shape.has("product_types") {
        columns.push("product_types");
    }
    Ok(format!("SELECT {}\nFROM {}", columns.join(", "), shape.sql()?))
}

fn read(batch: &RecordBatch) -> Vec<Snapshot> {
    let ids = batch.column_by_name("snapshot_id").and_then(|column| column.as_string_opt::<i32>());
    let times =
        batch.column_by_name("creation_time").and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let products = batch.column_by_name("product_types").and_then(|column| column.as_list_opt::<i32>());
    let Some(ids) = ids else { return Vec::new() };
    (0..batch.num_rows())
        .filter(|row| ids.is_valid(*row))
        .map(|row| Snapshot {
            id: ids.value(row).to_owned(),
            created: times
                .filter(|times| times.is_valid(row))
                .and_then(|times| DateTime::from_timestamp_micros(times.value(row))),
            product_types: products.map_or_else(Vec::new, |lists| {
                let list = lists.value(row);
                list.as_string_opt::<i32>()
                    .map(|names| names.iter().flatten().map(str::to_owned).collect())
                    .unwrap_or_default()
            }),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(id: &str, day: u32, products: &[&str]) -> Snapshot {
        let text = format!("2026-11-{day:02}T00:00:00Z");
        Snapshot {
            id: id.into(),
            created: Some(text.parse().unwrap()),
            product_types: products.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn the_newest_snapshot_is_that_of_the_product() {
        let snapshots = [
            snapshot("old", 1, &["SV_CROPPED_ASSETS", "SV_PANO"]),
            snapshot("new", 20, &["SV_CROPPED_ASSETS"]),
            snapshot("middle", 9, &[]),
        ];
        assert_eq!(newest(&snapshots, Some(Product::Cropped)).unwrap().id, "new");
        assert_eq!(newest(&snapshots, Some(Product::Pano)).unwrap().id, "middle");
        assert_eq!(newest(&snapshots, None).unwrap().id, "new");
        assert_eq!(newest(&[], None), None);
    }

    #[test]
    fn a_snapshot_lives_for_five_weeks() {
        let expires = snapshot("a", 1, &[]).expires().unwrap();
        assert_eq!(expires.to_rfc3339(), "2026-12-06T00:00:00+00:00");
    }

    #[test]
    fn a_snapshot_that_is_gone_is_told_with_those_that_are_there() {
        let error = named(&[snapshot("abc", 1, &[])], "x").unwrap_err();
        assert_eq!(error.message(), "there is no snapshot `x`");
        assert!(error.details().hint.as_deref().unwrap().starts_with("there are abc; "), "{error}");
    }
}
