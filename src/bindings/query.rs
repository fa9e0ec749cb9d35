//! Queries: their options in, their tables out.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use streetlens_core::bigquery::client::{QueryResult, QueryStatistics};
use streetlens_core::bigquery::request::Query;

use crate::call::Call;
use crate::parameters;
use crate::session::{Session, seconds};
use crate::table::NativeTable;

/// Runs a query; the result is `(NativeTable, statistics)`.
#[pyfunction]
#[pyo3(signature = (session, sql, parameters, location, page_size, timeout))]
pub(crate) fn query(
    session: &Session,
    sql: String,
    parameters: Vec<(Option<String>, Bound<'_, PyTuple>)>,
    location: Option<String>,
    page_size: Option<u32>,
    timeout: Option<f64>,
) -> PyResult<Call> {
    let parameters = parameters::read(parameters)?;
    let query = Query { sql, parameters, location, page_size, timeout: timeout.map(seconds) };
    let core = session.core.clone();
    Ok(Call::new(async move { core.query(query).await }, wrap_result))
}

fn wrap_result(py: Python<'_>, result: QueryResult) -> PyResult<Py<PyAny>> {
    let table = NativeTable { schema: result.schema, batches: result.batches };
    let statistics = statistics(py, &result.statistics)?;
    Ok((table, statistics).into_pyobject(py)?.into_any().unbind())
}

fn statistics<'py>(py: Python<'py>, statistics: &QueryStatistics) -> PyResult<Bound<'py, PyDict>> {
    let values = PyDict::new(py);
    values.set_item("job_id", &statistics.job_id)?;
    values.set_item("location", &statistics.location)?;
    values.set_item("bytes_processed", statistics.bytes_processed)?;
    values.set_item("bytes_billed", statistics.bytes_billed)?;
    values.set_item("slot_milliseconds", statistics.slot_milliseconds)?;
    values.set_item("cache_hit", statistics.cache_hit)?;
    values.set_item("statement_type", &statistics.statement_type)?;
    values.set_item("affected_rows", statistics.affected_rows)?;
    Ok(values)
}
