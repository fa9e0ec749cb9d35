//! The columns a table has, so that a filter on another one is refused before anything is billed.

use crate::bigquery::tables::{DatasetName, TableDescription};
use crate::bigquery::wire::TableFieldSchema;
use crate::error::{Error, ErrorKind, Result};

/// A table with its columns.
#[derive(Debug, Clone)]
pub struct Shape {
    /// The data set.
    pub dataset: DatasetName,
    /// The table's id.
    pub table: String,
    /// Where it is.
    pub location: Option<String>,
    columns: Vec<TableFieldSchema>,
}

/// A column, or a field of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// How SQL names it.
    pub sql: String,
    /// Its path, as the table spells it.
    pub path: String,
    /// Its type by the standard name; `STRUCT` for a record.
    pub kind: &'static str,
    /// Whether it holds several values.
    pub is_repeated: bool,
}

impl Shape {
    /// A table as BigQuery describes it.
    #[must_use]
    pub fn new(dataset: DatasetName, table: String, description: TableDescription) -> Self {
        Self { dataset, table, location: description.location, columns: description.schema.fields }
    }

    /// The name of the table in SQL.
    pub fn sql(&self) -> Result<String> {
        quoted_table(&self.dataset, &self.table)
    }

    /// Names of its columns.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// Whether it has a column, or a field such as `location.latitude`.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// A column or field by its path. Fails with the closest name there is.
    pub fn column(&self, path: &str) -> Result<Column> {
        self.find(path).ok_or_else(|| self.unknown(path))
    }

    fn find(&self, path: &str) -> Option<Column> {
        let mut fields = &self.columns;
        let mut found: Option<&TableFieldSchema> = None;
        let (mut names, mut is_repeated) = (Vec::new(), false);
        for part in path.split('.') {
            let part = part.trim().trim_matches('`');
            // A field of a repeated record has no value of its own.
            if is_repeated {
                return None;
            }
            let field = fields.iter().find(|field| field.name.eq_ignore_ascii_case(part))?;
            names.push(field.name.as_str());
            is_repeated = field.mode.as_deref() == Some("REPEATED");
            (fields, found) = (&field.fields, Some(field));
        }
        let sql = names.iter().map(|name| quoted_column(name)).collect::<Option<Vec<_>>>()?.join(".");
        Some(Column { sql, path: names.join("."), kind: standard_type(&found?.field_type), is_repeated })
    }

    fn unknown(&self, path: &str) -> Error {
        let all = paths(&self.columns, "");
        let message = format!("`{}` has no column `{}`", self.table, path.escape_debug());
        let error = Error::new(ErrorKind::InvalidInput, message);
        match closest(path, &all) {
            Some(close) => {
                error.with_hint(format!("did you mean `{close}`? its columns are {}", self.names().join(", ")))
            }
            None => error.with_hint(format!("its columns are {}", self.names().join(", "))),
        }
    }
}

/// A table's name between backticks. Fails where it holds what would end them.
pub(super) fn quoted_table(dataset: &DatasetName, table: &str) -> Result<String> {
    let name = format!("{}.{}.{table}", dataset.project_id, dataset.dataset_id);
    if name.chars().any(|letter| letter == '`' || letter == '\\' || letter.is_control()) {
        return Err(Error::new(ErrorKind::InvalidInput, format!("`{}` is no name of a table", name.escape_debug()))
            .with_hint("pass `dataset` or `project.dataset`, and a table's bare name"));
    }
    Ok(format!("`{name}`"))
}

/// A column as SQL names it: between backticks unless it is one of the documented ones, none of which needs them.
fn quoted_column(name: &str) -> Option<String> {
    if DOCUMENTED.contains(&name) {
        return Some(name.to_owned());
    }
    let is_plain =
        !name.is_empty() && !name.chars().any(|letter| letter == '`' || letter == '\\' || letter.is_control());
    is_plain.then(|| format!("`{name}`"))
}

const DOCUMENTED: [&str; 33] = [
    "altitude",
    "asset_id",
    "asset_type",
    "bbox",
    "camera_pose",
    "capture_id",
    "capture_location",
    "capture_time",
    "classification",
    "creation_time",
    "detection_time",
    "error",
    "gcs_uri",
    "heading",
    "hi",
    "latitude",
    "lo",
    "location",
    "longitude",
    "map_url",
    "model",
    "observation_id",
    "pano_id",
    "pitch",
    "product_types",
    "roll",
    "snapshot_id",
    "source",
    "status",
    "subscription_id",
    "views",
    "x",
    "y",
];

fn standard_type(name: &str) -> &'static str {
    match name.to_ascii_uppercase().as_str() {
        "STRING" => "STRING",
        "INTEGER" | "INT64" => "INT64",
        "FLOAT" | "FLOAT64" => "FLOAT64",
        "BOOLEAN" | "BOOL" => "BOOL",
        "TIMESTAMP" => "TIMESTAMP",
        "DATE" => "DATE",
        "DATETIME" => "DATETIME",
        "TIME" => "TIME",
        "NUMERIC" => "NUMERIC",
        "BIGNUMERIC" => "BIGNUMERIC",
        "BYTES" => "BYTES",
        "RECORD" | "STRUCT" => "STRUCT",
        "GEOGRAPHY" => "GEOGRAPHY",
        "JSON" => "JSON",
        "INTERVAL" => "INTERVAL",
        _ => "RANGE",
    }
}

fn paths(fields: &[TableFieldSchema], above: &str) -> Vec<String> {
    let mut found = Vec::new();
    for field in fields {
        let path = format!("{above}{}", field.name);
        found.extend(paths(&field.fields, &format!("{path}.")));
        found.push(path);
    }
    found
}

/// The name with the fewest letters to change, where those are less than half of it; or one that ends with it.
pub(super) fn closest<'a>(name: &str, others: &'a [String]) -> Option<&'a String> {
    let name = name.trim().to_lowercase();
    let by_end =
        others.iter().find(|other| other.rsplit('.').next().is_some_and(|end| end.eq_ignore_ascii_case(&name)));
    by_end.or_else(|| {
        let measured = others.iter().map(|other| (distance(&name, &other.to_lowercase()), other));
        let (changes, other) = measured.min_by_key(|(changes, _)| *changes)?;
        (changes * 2 < name.chars().count().max(2)).then_some(other)
    })
}

/// Letters to insert, remove or replace.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, letter) in left.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, other) in right.iter().enumerate() {
            let replaced = above[column] + usize::from(letter != *other);
            current.push(replaced.min(above[column + 1] + 1).min(current[column] + 1));
        }
        above = current;
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::observations;
    use super::*;

    #[test]
    fn a_field_of_a_record_is_found_by_its_path() {
        let column = observations().column("location.Latitude").unwrap();
        assert_eq!((column.sql.as_str(), column.kind), ("location.latitude", "FLOAT64"));
        assert!(!observations().has("location.altitude"));
    }

    #[test]
    fn an_unknown_column_is_refused_with_the_closest_name() {
        for (name, close) in
            [("capture_tim", "capture_time"), ("asettype", "asset_type"), ("latitude", "location.latitude")]
        {
            let error = observations().column(name).unwrap_err();
            assert_eq!(error.message(), format!("`cropped_observations_latest` has no column `{name}`"));
            let hint = error.details().hint.clone().unwrap();
            assert!(hint.starts_with(&format!("did you mean `{close}`?")), "{hint}");
        }
        let hint = observations().column("zzzzzzzz").unwrap_err().details().hint.clone().unwrap();
        assert!(hint.starts_with("its columns are gcs_uri"), "{hint}");
    }

    #[test]
    fn a_column_that_is_not_documented_is_put_between_backticks() {
        assert_eq!(quoted_column("select").unwrap(), "`select`");
        assert_eq!(quoted_column("asset_id").unwrap(), "asset_id");
        assert_eq!(quoted_column("a`b"), None);
    }

    #[test]
    fn a_name_cannot_end_its_backticks() {
        let dataset = DatasetName { project_id: "demo".into(), dataset_id: "d".into() };
        assert_eq!(quoted_table(&dataset, "t").unwrap(), "`demo.d.t`");
        for table in ["t` WHERE TRUE --", "t\\", "t\n"] {
            assert!(quoted_table(&dataset, table).is_err());
        }
    }

    #[test]
    fn the_documented_names_are_sorted() {
        assert!(DOCUMENTED.is_sorted());
    }
}
