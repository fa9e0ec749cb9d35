//! A result's schema: BigQuery's REST description to Arrow, with the types google-cloud-bigquery gives.
//!
//! The mapping is that of `google.cloud.bigquery._pandas_helpers.bq_to_arrow_schema` (3.47). Never reads a row.

use arrow_schema::{DataType, Field, FieldRef, Fields, IntervalUnit, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

use super::wire::{TableFieldSchema, TableSchema};
use crate::error::{Error, ErrorKind, Result};

/// BigQuery itself stops at 15 nested RECORDs; the limit keeps recursion over a schema far from the stack's end.
const MAXIMUM_DEPTH: usize = 20;

/// What is needed to decode the rows of a result, made once from its first page.
#[derive(Debug, Clone)]
pub struct DecodeSchema {
    pub(super) columns: Arc<[Arc<Column>]>,
    arrow: SchemaRef,
}

impl DecodeSchema {
    /// Reads a REST schema. A type this version does not know is a `Query` error that names column and type.
    pub fn new(table: &TableSchema) -> Result<Self> {
        let columns = columns(&table.fields, &mut Vec::new())?;
        let arrow = Arc::new(Schema::new(fields(&columns)));
        Ok(Self { columns: columns.into(), arrow })
    }

    /// The Arrow schema of every batch decoded with this.
    #[must_use]
    pub fn arrow(&self) -> &SchemaRef {
        &self.arrow
    }
}

/// One column, or one field of a RECORD.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) is_repeated: bool,
    pub(super) field: FieldRef,
}

/// BigQuery's types.
#[derive(Debug)]
pub(super) enum Kind {
    Int64,
    Float64,
    Numeric,
    BigNumeric,
    Boolean,
    String,
    Bytes,
    Date,
    Time,
    DateTime,
    Timestamp,
    Geography,
    Json,
    Interval,
    Range(RangeElement),
    Record(Vec<Arc<Column>>),
}

/// Element types of a RANGE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RangeElement {
    Date,
    DateTime,
    Timestamp,
}

impl Kind {
    /// The type's name in BigQuery's schemas, for messages.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Int64 => "INTEGER",
            Self::Float64 => "FLOAT",
            Self::Numeric => "NUMERIC",
            Self::BigNumeric => "BIGNUMERIC",
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Bytes => "BYTES",
            Self::Date => "DATE",
            Self::Time => "TIME",
            Self::DateTime => "DATETIME",
            Self::Timestamp => "TIMESTAMP",
            Self::Geography => "GEOGRAPHY",
            Self::Json => "JSON",
            Self::Interval => "INTERVAL",
            Self::Range(RangeElement::Date) => "RANGE<DATE>",
            Self::Range(RangeElement::DateTime) => "RANGE<DATETIME>",
            Self::Range(RangeElement::Timestamp) => "RANGE<TIMESTAMP>",
            Self::Record(_) => "RECORD",
        }
    }

    fn data_type(&self) -> DataType {
        match self {
            Self::Int64 => DataType::Int64,
            Self::Float64 => DataType::Float64,
            Self::Numeric => DataType::Decimal128(38, 9),
            Self::BigNumeric => DataType::Decimal256(76, 38),
            Self::Boolean => DataType::Boolean,
            Self::String | Self::Geography | Self::Json => DataType::Utf8,
            Self::Bytes => DataType::Binary,
            Self::Date => DataType::Date32,
            Self::Time => DataType::Time64(TimeUnit::Microsecond),
            Self::DateTime => DataType::Timestamp(TimeUnit::Microsecond, None),
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
            Self::Range(element) => DataType::Struct(element.fields()),
            Self::Record(columns) => DataType::Struct(fields(columns)),
        }
    }

    /// The keys the Storage Read API and google-cloud-bigquery put on such columns.
    fn metadata(&self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Geography => &[
                ("ARROW:extension:name", "google:sqlType:geography"),
                ("ARROW:extension:metadata", r#"{"encoding": "WKT"}"#),
            ],
            Self::DateTime => &[("ARROW:extension:name", "google:sqlType:datetime")],
            Self::Json => &[("ARROW:extension:name", "google:sqlType:json")],
            _ => &[],
        }
    }
}

impl RangeElement {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Date => Kind::Date,
            Self::DateTime => Kind::DateTime,
            Self::Timestamp => Kind::Timestamp,
        }
    }

    /// Fields of the struct a RANGE becomes; an unbounded end is null.
    pub(super) fn fields(self) -> Fields {
        let bound = |name| Field::new(name, self.kind().data_type(), true);
        Fields::from(vec![bound("start"), bound("end")])
    }
}

fn fields(columns: &[Arc<Column>]) -> Fields {
    columns.iter().map(|column| Arc::clone(&column.field)).collect()
}

fn columns<'a>(described: &'a [TableFieldSchema], path: &mut Vec<&'a str>) -> Result<Vec<Arc<Column>>> {
    described
        .iter()
        .map(|field| {
            path.push(&field.name);
            let column = column(field, path)?;
            path.pop();
            Ok(Arc::new(column))
        })
        .collect()
}

fn column<'a>(described: &'a TableFieldSchema, path: &mut Vec<&'a str>) -> Result<Column> {
    if path.len() > MAXIMUM_DEPTH {
        return Err(unreadable(path, described, "and is nested deeper than BigQuery allows"));
    }
    let kind = kind(described, path)?;
    let is_repeated = mode_is(described, "REPEATED");
    let mut data_type = kind.data_type();
    if is_repeated {
        data_type = DataType::List(Arc::new(Field::new("item", data_type, true)));
    }
    let metadata = kind.metadata().iter().map(|(key, value)| ((*key).into(), (*value).into()));
    // REQUIRED columns are nullable as well, as in google-cloud-bigquery (its issue 1692).
    let field = Field::new(&described.name, data_type, !is_repeated).with_metadata(metadata.collect());
    Ok(Column { name: described.name.clone(), kind, is_repeated, field: Arc::new(field) })
}

fn mode_is(described: &TableFieldSchema, mode: &str) -> bool {
    described.mode.as_deref().is_some_and(|given| given.eq_ignore_ascii_case(mode))
}

fn kind<'a>(described: &'a TableFieldSchema, path: &mut Vec<&'a str>) -> Result<Kind> {
    Ok(match described.field_type.to_ascii_uppercase().as_str() {
        "INTEGER" | "INT64" => Kind::Int64,
        "FLOAT" | "FLOAT64" => Kind::Float64,
        "NUMERIC" | "DECIMAL" => Kind::Numeric,
        "BIGNUMERIC" | "BIGDECIMAL" => Kind::BigNumeric,
        "BOOLEAN" | "BOOL" => Kind::Boolean,
        "STRING" => Kind::String,
        "BYTES" => Kind::Bytes,
        "DATE" => Kind::Date,
        "TIME" => Kind::Time,
        "DATETIME" => Kind::DateTime,
        "TIMESTAMP" => Kind::Timestamp,
        "GEOGRAPHY" => Kind::Geography,
        "JSON" => Kind::Json,
        "INTERVAL" => Kind::Interval,
        "RANGE" => Kind::Range(range_element(described, path)?),
        "RECORD" | "STRUCT" => Kind::Record(columns(&described.fields, path)?),
        _ => return Err(unreadable(path, described, "which streetlens cannot read")),
    })
}

fn range_element(described: &TableFieldSchema, path: &[&str]) -> Result<RangeElement> {
    let element = described.range_element_type.as_ref().map(|element| element.element_type.to_ascii_uppercase());
    match element.as_deref() {
        Some("DATE") => Ok(RangeElement::Date),
        Some("DATETIME") => Ok(RangeElement::DateTime),
        Some("TIMESTAMP") => Ok(RangeElement::Timestamp),
        _ => Err(unreadable(
            path,
            described,
            &format!("whose element type is `{}`, not DATE, DATETIME or TIMESTAMP", element.unwrap_or_default()),
        )),
    }
}

fn unreadable(path: &[&str], described: &TableFieldSchema, problem: &str) -> Error {
    let message = format!("column `{}` has type `{}`, {problem}", path.join("."), described.field_type);
    Error::new(ErrorKind::Query, message)
        .with_hint("leave the column out of the query or cast it, for example to STRING")
}
