//! What a query would read, found out by a dry run.

use arrow_schema::{Schema, SchemaRef};
use serde_json::Value;
use std::sync::Arc;

use super::client::{BigQueryClient, PAGE_TIMEOUT};
use super::request::Query;
use super::{decode, error};
use crate::error::{Error, ErrorKind, Result};
use crate::transport::Request;

/// What a query would read.
#[derive(Debug, Clone)]
pub struct QueryEstimate {
    /// Bytes that would be read.
    pub bytes_processed: u64,
    /// Columns of the result.
    pub schema: SchemaRef,
}

impl BigQueryClient {
    /// Tells what a query would read, and runs nothing.
    pub async fn estimate(&self, query: &Query) -> Result<QueryEstimate> {
        let url = self.address(&["projects", &self.project, "queries"])?;
        let unreadable = |cause| Error::new(ErrorKind::Internal, "the query cannot be encoded").with_source(cause);
        let mut body: Value = serde_json::from_slice(&query.body("")?).map_err(unreadable)?;
        if let Some(members) = body.as_object_mut() {
            members.remove("requestId");
            members.insert("dryRun".to_owned(), Value::Bool(true));
        }
        let body = serde_json::to_vec(&body).map_err(unreadable)?;
        let request = Request::post("BigQuery", url, body, error::decode).with_timeout(PAGE_TIMEOUT);
        let page = self.stack.send(&request, |response| decode::page(&response.body, None)).await?;
        let bytes_processed = page.envelope.total_bytes_processed.ok_or_else(|| {
            Error::new(ErrorKind::MalformedResponse, "BigQuery did not tell how much the query would read")
        })?;
        let schema = page.schema.map_or_else(|| Arc::new(Schema::empty()), |schema| Arc::clone(schema.arrow()));
        Ok(QueryEstimate { bytes_processed, schema })
    }
}
