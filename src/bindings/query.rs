//! Queries: their options in, their tables out.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use std::collections::BTreeMap;
use std::sync::Arc;
use streetlens_core::bigquery::request::{Query, SessionChoice, Transport};
use streetlens_core::bigquery::result::{QueryEstimate, QueryProgress, QueryResult, QueryStatistics};
use streetlens_core::bigquery::table_rows::TableRows;

use crate::call::Call;
use crate::parameters;
use crate::session::{Session, seconds};
use crate::stream::NativeStream;
use crate::table::NativeTable;

/// The options of a query; every key is there.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
#[expect(clippy::struct_excessive_bools, reason = "the switches of a query are independent of each other")]
pub(crate) struct QueryOptions<'py> {
    parameters: Vec<(Option<String>, Bound<'py, PyTuple>)>,
    location: Option<String>,
    page_size: Option<u32>,
    timeout: Option<f64>,
    transport: String,
    ordered: bool,
    maximum_bytes_billed: Option<u64>,
    labels: BTreeMap<String, String>,
    default_dataset: Option<String>,
    session: Option<String>,
    new_session: bool,
    use_cache: bool,
    batch: bool,
    progress: Option<Py<NativeQueryProgress>>,
}

impl QueryOptions<'_> {
    pub(crate) fn query(self, sql: String) -> PyResult<Query> {
        Ok(Query {
            sql,
            parameters: parameters::read(self.parameters)?,
            location: self.location,
            page_size: self.page_size,
            timeout: self.timeout.map(seconds),
            transport: transport(&self.transport),
            any_order: !self.ordered,
            maximum_bytes_billed: self.maximum_bytes_billed,
            labels: self.labels,
            default_dataset: self.default_dataset,
            session: match (self.session, self.new_session) {
                (Some(id), _) => SessionChoice::Existing(id),
                (None, true) => SessionChoice::New,
                (None, false) => SessionChoice::None,
            },
            skip_cache: !self.use_cache,
            is_batch: self.batch,
            progress: self.progress.map(|progress| Arc::clone(&progress.get().core)).unwrap_or_default(),
        })
    }
}

/// How far a query is, to be looked at while it is waited for.
#[pyclass(frozen, module = "streetlens._streetlens")]
pub(crate) struct NativeQueryProgress {
    core: Arc<QueryProgress>,
}

#[pymethods]
impl NativeQueryProgress {
    #[new]
    fn new() -> Self {
        Self { core: Arc::default() }
    }

    /// State in a word, rows so far, rows of the whole result.
    fn snapshot(&self) -> (&'static str, u64, Option<u64>) {
        (self.core.state(), self.core.rows(), self.core.total_rows())
    }
}

/// Runs a query; the result is `(NativeTable, statistics)`.
#[pyfunction]
pub(crate) fn query(session: &Session, sql: String, options: QueryOptions<'_>) -> PyResult<Call> {
    let query = options.query(sql)?;
    let core = session.core.clone();
    Ok(Call::new(async move { core.query(query).await }, wrap_result))
}

/// Checks a query and tells what it would read; the result is `(NativeTable, statistics)` without rows.
#[pyfunction]
pub(crate) fn estimate_query(session: &Session, sql: String, options: QueryOptions<'_>) -> PyResult<Call> {
    let query = options.query(sql)?;
    let core = session.core.clone();
    Ok(Call::new(async move { core.estimate(query).await }, |py, estimate: QueryEstimate| {
        let told = QueryStatistics {
            location: estimate.location,
            bytes_processed: Some(estimate.bytes_processed),
            statement_type: estimate.statement_type,
            ..QueryStatistics::default()
        };
        wrap_result(py, QueryResult { schema: estimate.schema, batches: Vec::new(), statistics: told })
    }))
}

/// Runs a query to the end of its job; the result is a `NativeStream` of its rows.
#[pyfunction]
pub(crate) fn stream_query(session: &Session, sql: String, options: QueryOptions<'_>) -> PyResult<Call> {
    let query = options.query(sql)?;
    let core = session.core.clone();
    Ok(Call::new(async move { core.stream(query).await }, |py, stream| {
        Ok(NativeStream::new(stream).into_pyobject(py)?.into_any().unbind())
    }))
}

/// Reads a table without a query; the result is a `NativeStream` of its rows.
#[pyfunction]
pub(crate) fn stream_table(
    session: &Session,
    table: String,
    columns: Vec<String>,
    transport: String,
    ordered: bool,
    page_size: Option<u32>,
) -> Call {
    let wish = TableRows { table, columns, transport: self::transport(&transport), any_order: !ordered, page_size };
    let core = session.core.clone();
    Call::new(async move { core.table_rows(wish).await }, |py, stream| {
        Ok(NativeStream::new(stream).into_pyobject(py)?.into_any().unbind())
    })
}

fn transport(name: &str) -> Transport {
    match name {
        "arrow" => Transport::Arrow,
        "storage" => Transport::Storage,
        "rest" => Transport::Rest,
        _ => Transport::Auto,
    }
}

fn wrap_result(py: Python<'_>, result: QueryResult) -> PyResult<Py<PyAny>> {
    let table = NativeTable { schema: result.schema, batches: result.batches };
    let statistics = statistics(py, &result.statistics)?;
    Ok((table, statistics).into_pyobject(py)?.into_any().unbind())
}

pub(crate) fn statistics<'py>(py: Python<'py>, statistics: &QueryStatistics) -> PyResult<Bound<'py, PyDict>> {
    let values = PyDict::new(py);
    values.set_item("job_id", &statistics.job_id)?;
    values.set_item("location", &statistics.location)?;
    values.set_item("bytes_processed", statistics.bytes_processed)?;
    values.set_item("bytes_billed", statistics.bytes_billed)?;
    values.set_item("slot_milliseconds", statistics.slot_milliseconds)?;
    values.set_item("cache_hit", statistics.cache_hit)?;
    values.set_item("statement_type", &statistics.statement_type)?;
    values.set_item("affected_rows", statistics.affected_rows)?;
    values.set_item("session_id", &statistics.session_id)?;
    values.set_item("route", statistics.route.to_string())?;
    values.set_item("notes", &statistics.notes)?;
    Ok(values)
}
