//! Rows into a table: their options in, what became of them out.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::sync::Arc;
use streetlens_core::bigquery::load::{LoadMode, LoadOptions, LoadResult, NewColumns};

use crate::call::Call;
use crate::session::Session;
use crate::table::NativeTable;

/// Options of a load, checked by Python.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Options {
    mode: String,
    key: Vec<String>,
    new_columns: String,
    load_id: Option<String>,
}

impl Options {
    fn into_core(self) -> LoadOptions {
        LoadOptions {
            mode: match self.mode.as_str() {
                "upsert" => LoadMode::Upsert,
                "replace" => LoadMode::Replace,
                _ => LoadMode::Append,
            },
            key: self.key,
            new_columns: if self.new_columns == "add" { NewColumns::Add } else { NewColumns::Refuse },
            kept_column: None,
            load_id: self.load_id,
        }
    }
}

/// Writes rows into a table; the result is a dictionary.
#[pyfunction]
pub(crate) fn load(session: &Session, rows: &NativeTable, table: String, options: Options) -> Call {
    let (schema, batches) = (Arc::clone(&rows.schema), rows.batches.clone());
    let (core, options) = (session.core.clone(), options.into_core());
    Call::new(async move { core.load(schema, batches, &table, &options).await }, wrap)
}

fn wrap(py: Python<'_>, result: LoadResult) -> PyResult<Py<PyAny>> {
    let values = PyDict::new(py);
    values.set_item("rows", result.rows)?;
    values.set_item("inserted", result.inserted)?;
    values.set_item("updated", result.updated)?;
    values.set_item("bytes", result.bytes)?;
    values.set_item("job_id", result.job_id)?;
    values.set_item("location", result.location)?;
    values.set_item("table", result.table)?;
    values.set_item("was_done_before", result.was_done_before)?;
    Ok(values.into_any().unbind())
}
