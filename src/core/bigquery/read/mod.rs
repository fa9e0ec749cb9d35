//! The Storage Read API: rows as Arrow batches over gRPC.
//!
//! Two kinds of streams. A *read session* on a table has any number of streams that share its rows in no order
//! (`CreateReadSession`, then `ReadRows` for each). A *job's default stream*, `projects/*/locations/*/jobs/*/streams/
//! _default`, has the rows of a query's result in their order, and needs no session; it exists where the query named no
//! destination table, and takes the options of its batches with every `ReadRows` (field 5).
//!
//! Documented by Google: <https://cloud.google.com/bigquery/docs/reference/storage/rpc/google.cloud.bigquery.storage.v1>
//! (a stream is read from any offset again, and its responses go on from there; sessions last six hours; a response has
//! up to 128 MB), and the job stream in google-cloud-bigquery 3.47 (`_arrow_query.py`). What resumes and what does not
//! follows google-cloud-bigquery-storage 2.43 (`reader.py`) and the crate google-cloud-bigquery 0.19; see `resume`.

mod client;
mod codec;
mod reader;
mod resume;
mod status;
mod wire;

pub use client::{ReadClient, ReadSession, SessionOptions, TableName};
pub use reader::RowReader;
