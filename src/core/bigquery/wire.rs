//! BigQuery's REST shapes as received. Pure data; tolerant of numbers sent as strings and of explicit nulls.

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Columns of a result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TableSchema {
    /// Columns in order.
    #[serde(deserialize_with = "null_as_default")]
    pub fields: Vec<TableFieldSchema>,
}

/// One column, or one field of a RECORD.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TableFieldSchema {
    /// Name; BigQuery invents one for unnamed struct fields.
    #[serde(deserialize_with = "null_as_default")]
    pub name: String,
    /// Type by its legacy (`INTEGER`) or standard (`INT64`) name.
    #[serde(rename = "type", deserialize_with = "null_as_default")]
    pub field_type: String,
    /// `NULLABLE`, `REQUIRED` or `REPEATED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Fields of a RECORD.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<TableFieldSchema>,
    /// Element type of a RANGE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range_element_type: Option<RangeElementType>,
    /// Digits after the second of a TIMESTAMP: 6 unless said otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp_precision: Option<Int64>,
}

/// Element type of a RANGE.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeElementType {
    /// `DATE`, `DATETIME` or `TIMESTAMP`.
    #[serde(rename = "type")]
    pub element_type: String,
}

/// Where a job is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct JobReference {
    /// Project that pays for the job.
    pub project_id: Option<String>,
    /// Absent for a dry run.
    pub job_id: Option<String>,
    /// Must be echoed in later calls outside the US and EU multi-regions.
    pub location: Option<String>,
}

/// A job as `jobs.insert` and `jobs.get` give it, as far as anybody reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Job {
    /// Its name.
    pub job_reference: Option<JobReference>,
    /// What it was told to do.
    pub configuration: JobConfiguration,
    /// What it took.
    pub statistics: JobStatistics,
}

/// What a job took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct JobStatistics {
    /// Slot milliseconds used.
    pub total_slot_ms: Option<Int64>,
    /// The session the job created or ran in.
    pub session_info: Option<SessionInfo>,
    /// What only queries have.
    pub query: QueryJobStatistics,
}

/// What a query job took.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct QueryJobStatistics {
    /// For example `SELECT`.
    pub statement_type: Option<String>,
    /// Bytes the query costs.
    pub total_bytes_billed: Option<Int64>,
}

/// What a job was told to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct JobConfiguration {
    /// A query.
    pub query: Option<QueryConfiguration>,
}

/// What a query job was told to do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct QueryConfiguration {
    /// Where its rows are; an anonymous table that BigQuery made where nobody named one.
    pub destination_table: Option<TableReference>,
}

/// A table's name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TableReference {
    /// Project.
    pub project_id: String,
    /// Data set.
    pub dataset_id: String,
    /// Table.
    pub table_id: String,
}

/// One warning or error of a job.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ErrorProto {
    /// Short code, for example `invalidQuery`.
    pub reason: Option<String>,
    /// Where in the request.
    pub location: Option<String>,
    /// Text for people.
    pub message: Option<String>,
}

/// Counts of the rows a DML statement touched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DmlStats {
    /// Rows inserted.
    pub inserted_row_count: Option<Int64>,
    /// Rows deleted.
    pub deleted_row_count: Option<Int64>,
    /// Rows updated.
    pub updated_row_count: Option<Int64>,
}

/// The session a query created.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SessionInfo {
    /// Identifier to pass as the `session_id` connection property.
    pub session_id: Option<String>,
}

/// A 64-bit integer, which BigQuery sends as a string.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Int64(pub i64);

impl Int64 {
    /// The number where it counts something; a negative one counts nothing.
    #[must_use]
    pub fn count(self) -> u64 {
        u64::try_from(self.0).unwrap_or_default()
    }
}

impl Serialize for Int64 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Int64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Int64Visitor)
    }
}

struct Int64Visitor;

impl Visitor<'_> for Int64Visitor {
    type Value = Int64;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a 64-bit integer or a string of one")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Int64, E> {
        Ok(Int64(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Int64, E> {
        i64::try_from(value).map(Int64).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(value), &self))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Int64, E> {
        value.parse().map(Int64).map_err(|_| E::invalid_value(de::Unexpected::Str(value), &self))
    }
}

fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
