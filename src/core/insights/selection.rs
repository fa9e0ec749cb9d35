//! What a user selects of the data set, before it is known which tables there are.

use super::area::Area;
use super::naming::{Entity, Product};
use super::shape::{Column, Shape};
use crate::bigquery::parameters::{ParameterType, ParameterValue};
use crate::error::{Error, ErrorKind, Result};

/// Rows of one of the data set's tables.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// What the rows are.
    pub entity: Option<Entity>,
    /// The data set as `dataset`, `project.dataset` or `project.dataset.table`; the subscribed one otherwise.
    pub dataset: Option<String>,
    /// A table by a name of any generation, or one of the user's own.
    pub table: Option<String>,
    /// The form of the images; the first of cropped, full frame and panorama that is there otherwise.
    pub product: Option<Product>,
    /// Which state of the data set.
    pub snapshot: SnapshotChoice,
    /// Classes of assets, as the user writes them; all of them otherwise.
    pub kinds: Vec<String>,
    /// Captured at this time or later; TIMESTAMP text.
    pub captured_after: Option<String>,
    /// Captured before this time; TIMESTAMP text.
    pub captured_before: Option<String>,
    /// Where.
    pub within: Option<Area>,
    /// Observations of an asset, at least.
    pub min_views: Option<i64>,
    /// Observations of an asset, at most.
    pub max_views: Option<i64>,
    /// What else is asked of columns.
    pub conditions: Vec<(String, Condition)>,
    /// Which columns to read.
    pub columns: Columns,
    /// Rows, at most.
    pub limit: Option<i64>,
    /// Rows drawn by chance.
    pub sample: Option<Sample>,
    /// Only observations that this earlier snapshot did not have.
    pub since: Option<String>,
    /// Only rows that this table of results has no good answer for.
    pub unanswered_in: Option<String>,
    /// The column that tells which row an answer is of; `observation_id` or `gcs_uri` otherwise.
    pub unanswered_by: Option<String>,
}

/// Which state of the data set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum SnapshotChoice {
    /// The newest.
    #[default]
    Latest,
    /// All that are there, each with its own rows.
    All,
    /// One by its id.
    Id(String),
}

/// What is asked of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// It has no value.
    IsNull,
    /// It is this.
    Equals(ParameterValue),
    /// It is one of these.
    AnyOf(Vec<ParameterValue>),
    /// It is not below the first and not above the second.
    Between(Option<ParameterValue>, Option<ParameterValue>),
}

/// Which columns to read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Columns {
    /// Those that a run over images needs, as far as the table has them.
    #[default]
    Usual,
    /// Every one.
    All,
    /// These.
    Named(Vec<String>),
}

/// Rows drawn by chance; the same ones for the same seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// How many; of each value where it is stratified.
    pub rows: i64,
    /// Other rows for another one.
    pub seed: String,
    /// The column of whose every value so many rows are drawn.
    pub stratify_by: Option<String>,
}

/// Columns that a run over images needs.
pub(super) const USUAL_COLUMNS: [&str; 10] = [
    "gcs_uri",
    "asset_id",
    "observation_id",
    "asset_type",
    "capture_id",
    "capture_time",
    "location",
    "capture_location",
    "bbox",
    "camera_pose",
];

impl Columns {
    pub(super) fn of(&self, shape: &Shape) -> Result<Vec<Column>> {
        match self {
            Self::All => shape.names().into_iter().map(|name| shape.column(name)).collect(),
            Self::Usual => {
                let usual: Vec<&str> = USUAL_COLUMNS.into_iter().filter(|name| shape.has(name)).collect();
                // A table of the user's own may have none of them.
                let names = if usual.is_empty() { shape.names() } else { usual };
                names.into_iter().map(|name| shape.column(name)).collect()
            }
            Self::Named(names) => {
                if names.is_empty() {
                    return Err(Error::new(ErrorKind::InvalidInput, "no column is selected")
                        .with_hint("name at least one in `columns`, or leave it out for those that a run needs"));
                }
                names.iter().map(|name| shape.column(name)).collect()
            }
        }
    }
}

/// A value in the type of the column it is compared with. Fails where the two cannot be compared.
pub(super) fn fitting(value: &ParameterValue, column: &Column) -> Result<ParameterValue> {
    use ParameterValue as V;
    let fitted = match (column.kind, value) {
        _ if column.is_repeated => None,
        ("STRING", V::String(_))
        | ("BOOL", V::Bool(_))
        | ("INT64", V::Int64(_))
        | ("FLOAT64", V::Float64(_))
        | ("TIMESTAMP", V::Timestamp(_))
        | ("DATE", V::Date(_))
        | ("DATETIME", V::DateTime(_))
        | ("TIME", V::Time(_))
        | ("NUMERIC", V::Numeric(_))
        | ("BIGNUMERIC", V::BigNumeric(_) | V::Numeric(_))
        | ("BYTES", V::Bytes(_)) => Some(value.clone()),
        #[expect(clippy::cast_precision_loss, reason = "what a FLOAT64 column holds is as coarse")]
        ("FLOAT64", V::Int64(number)) => Some(V::Float64(*number as f64)),
        ("NUMERIC" | "BIGNUMERIC", V::Int64(number)) => Some(V::Numeric(number.to_string())),
        ("TIMESTAMP", V::Date(day)) => Some(V::Timestamp(format!("{day} 00:00:00+00:00"))),
        // A time without a zone is in UTC, as everywhere in BigQuery.
        ("TIMESTAMP", V::DateTime(time)) => Some(V::Timestamp(format!("{time}+00:00"))),
        ("TIMESTAMP", V::String(text)) => Some(V::Timestamp(text.clone())),
        ("DATE", V::String(text)) => Some(V::Date(text.clone())),
        ("DATETIME", V::String(text)) => Some(V::DateTime(text.clone())),
        _ => None,
    };
    fitted.ok_or_else(|| incomparable(column))
}

fn incomparable(column: &Column) -> Error {
    let repeated = if column.is_repeated { "repeated " } else { "" };
    let error = Error::new(
        ErrorKind::InvalidInput,
        format!(
            "the column `{}` is a {repeated}{}, which the value in `where` cannot be compared with",
            column.path, column.kind
        ),
    );
    match column.kind {
        "STRUCT" => error.with_hint(format!("name one of its fields, as in `{}.{}`", column.path, "latitude")),
        kind => error.with_hint(format!("pass a value of the type {kind}")),
    }
}

/// The type of a value that has one without being told.
pub(super) fn type_of(column: &Column) -> Result<ParameterType> {
    Ok(match column.kind {
        "STRING" => ParameterType::String,
        "BOOL" => ParameterType::Bool,
        "INT64" => ParameterType::Int64,
        "FLOAT64" => ParameterType::Float64,
        "TIMESTAMP" => ParameterType::Timestamp,
        "DATE" => ParameterType::Date,
        "DATETIME" => ParameterType::DateTime,
        "TIME" => ParameterType::Time,
        "NUMERIC" => ParameterType::Numeric,
        "BIGNUMERIC" => ParameterType::BigNumeric,
        "BYTES" => ParameterType::Bytes,
        _ => return Err(incomparable(column)),
    })
}
