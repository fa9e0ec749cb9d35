//! Everything a page says besides its rows, read in the same pass.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

use super::super::schema::DecodeSchema;
use super::super::wire::{DmlStats, ErrorProto, Int64, JobReference, SessionInfo, TableSchema};
use super::columns::BatchBuilder;
use super::rows::Rows;
use crate::error::Error;

/// What a page says about the job and about the pages after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The job; absent where BigQuery made none, without an id for a dry run.
    pub job_reference: Option<JobReference>,
    /// Identifier of a query that ran without a job.
    pub query_id: Option<String>,
    /// Where the query ran.
    pub location: Option<String>,
    /// Rows of the whole result; absent for DDL and DML.
    pub total_rows: Option<u64>,
    /// Asks for the next page; absent on the last.
    pub page_token: Option<String>,
    /// False while the job still runs; absent in `tabledata.list`.
    pub job_complete: Option<bool>,
    /// Warnings, and errors of a job that went on. A failed query is an HTTP error instead.
    pub errors: Vec<ErrorProto>,
    /// Whether the result came from the cache.
    pub cache_hit: Option<bool>,
    /// Bytes the query read, or would read.
    pub total_bytes_processed: Option<u64>,
    /// Bytes the query costs.
    pub total_bytes_billed: Option<u64>,
    /// Slot milliseconds used.
    pub total_slot_ms: Option<u64>,
    /// For example `SELECT`.
    pub statement_type: Option<String>,
    /// Rows a DML statement touched.
    pub num_dml_affected_rows: Option<u64>,
    /// The same by kind.
    pub dml_stats: Option<DmlStats>,
    /// The session the query created.
    pub session_info: Option<SessionInfo>,
    /// Rows that came as Arrow, and their columns.
    pub arrow: ArrowPart,
}

/// What of a page came as Arrow: messages of an IPC stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ArrowPart {
    /// The schema message; absent where the server did not answer with Arrow.
    pub schema: Option<Bytes>,
    /// The record batch messages.
    pub batches: Option<Bytes>,
    /// How many rows these have.
    pub rows: Option<u64>,
}

/// One reading of a page's body.
#[derive(Default)]
pub(super) struct Reading {
    pub(super) envelope: Envelope,
    /// The schema given, or the one the page brought.
    pub(super) schema: Option<DecodeSchema>,
    pub(super) batch: Option<BatchBuilder>,
    /// Whether the rows were begun and not ended.
    pub(super) is_within_rows: bool,
    /// Rows that came before any schema and were passed over.
    pub(super) skipped_rows: usize,
    /// Why the page's schema cannot be used.
    pub(super) schema_error: Option<Error>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "camelCase")]
enum Key {
    Rows,
    Schema,
    JobReference,
    QueryId,
    Location,
    TotalRows,
    PageToken,
    JobComplete,
    Errors,
    CacheHit,
    TotalBytesProcessed,
    TotalBytesBilled,
    TotalSlotMs,
    StatementType,
    NumDmlAffectedRows,
    DmlStats,
    SessionInfo,
    ArrowSchema,
    ArrowRecordBatch,
    PageRowCount,
    #[serde(other)]
    Other,
}

impl<'de> DeserializeSeed<'de> for &mut Reading {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Reading {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a page of results")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key()? {
            match key {
                Key::Rows => self.rows(&mut map)?,
                Key::Schema => self.table_schema(&mut map)?,
                other => self.envelope.read(&other, &mut map)?,
            }
        }
        Ok(())
    }
}

impl Reading {
    fn rows<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        let Some(schema) = &self.schema else {
            let rows = map.next_value::<Option<Vec<IgnoredAny>>>()?;
            self.skipped_rows += rows.unwrap_or_default().len();
            return Ok(());
        };
        if self.batch.is_some() {
            return Err(A::Error::duplicate_field("rows"));
        }
        self.is_within_rows = true;
        map.next_value_seed(Rows(self.batch.insert(BatchBuilder::new(schema))))?;
        self.is_within_rows = false;
        Ok(())
    }

    fn table_schema<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        if self.schema.is_some() {
            map.next_value::<IgnoredAny>()?;
            return Ok(());
        }
        let Some(table) = map.next_value::<Option<TableSchema>>()? else {
            return Ok(());
        };
        match DecodeSchema::new(&table) {
            Ok(schema) => self.schema = Some(schema),
            Err(error) => {
                let text = A::Error::custom(&error);
                self.schema_error = Some(error);
                return Err(text);
            }
        }
        Ok(())
    }
}

impl Envelope {
    fn read<'de, A: MapAccess<'de>>(&mut self, key: &Key, map: &mut A) -> Result<(), A::Error> {
        match key {
            Key::JobReference => self.job_reference = map.next_value()?,
            Key::QueryId => self.query_id = map.next_value()?,
            Key::Location => self.location = map.next_value()?,
            Key::TotalRows => self.total_rows = count(map)?,
            Key::PageToken => self.page_token = map.next_value::<Option<String>>()?.filter(|token| !token.is_empty()),
            Key::JobComplete => self.job_complete = map.next_value()?,
            Key::Errors => self.errors = map.next_value::<Option<_>>()?.unwrap_or_default(),
            Key::CacheHit => self.cache_hit = map.next_value()?,
            Key::TotalBytesProcessed => self.total_bytes_processed = count(map)?,
            Key::TotalBytesBilled => self.total_bytes_billed = count(map)?,
            Key::TotalSlotMs => self.total_slot_ms = count(map)?,
            Key::StatementType => self.statement_type = map.next_value()?,
            Key::NumDmlAffectedRows => self.num_dml_affected_rows = count(map)?,
            Key::DmlStats => self.dml_stats = map.next_value()?,
            Key::SessionInfo => self.session_info = map.next_value()?,
            Key::ArrowSchema => self.arrow.schema = serialized(map)?,
            Key::ArrowRecordBatch => self.arrow.batches = serialized(map)?,
            Key::PageRowCount => self.arrow.rows = count(map)?,
            Key::Rows | Key::Schema | Key::Other => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

fn count<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<u64>, A::Error> {
    Ok(map.next_value::<Option<Int64>>()?.map(Int64::count))
}

#[derive(Deserialize)]
struct Serialized<'a> {
    #[serde(borrow, alias = "serializedSchema", alias = "serializedRecordBatch", default)]
    content: Cow<'a, str>,
}

fn serialized<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Bytes>, A::Error> {
    let Some(Serialized { content }) = map.next_value::<Option<Serialized<'de>>>()? else {
        return Ok(None);
    };
    let decoded = STANDARD.decode(content.as_ref()).map_err(|_| A::Error::custom("Arrow data that is not base64"))?;
    Ok((!decoded.is_empty()).then(|| decoded.into()))
}
