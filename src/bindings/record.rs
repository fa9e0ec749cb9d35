//! Rows as dictionaries: many with the same keys, one after another.

use arrow_array::ArrayRef;
use arrow_schema::Fields;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::convert::Column;

/// The columns of a table or of a STRUCT, made ready to be read row by row.
pub(crate) struct Record<'py> {
    columns: Vec<(Bound<'py, PyString>, Column<'py>)>,
    /// Every key, without a value. A copy of it has its final size at once, where a dictionary that gets one key after
    /// another is moved as it grows.
    template: Bound<'py, PyDict>,
}

impl<'py> Record<'py> {
    pub(crate) fn new(py: Python<'py>, fields: &Fields, arrays: &[ArrayRef]) -> PyResult<Self> {
        let template = PyDict::new(py);
        let mut columns = Vec::with_capacity(fields.len());
        for (field, array) in fields.iter().zip(arrays) {
            let name = PyString::intern(py, field.name());
            template.set_item(&name, py.None())?;
            columns.push((name, Column::new(py, array)?));
        }
        Ok(Self { columns, template })
    }

    /// One row.
    pub(crate) fn get(&self, py: Python<'py>, row: usize) -> PyResult<Bound<'py, PyDict>> {
        let dict = self.template.copy()?;
        for (name, column) in &self.columns {
            dict.set_item(name, column.get(py, row)?)?;
        }
        Ok(dict)
    }
}

/// Makes many objects at once, Python's garbage collector off for that long. New objects are no garbage, and looking
/// through all of them again and again takes longer than making them.
pub(crate) fn without_collecting<T>(py: Python<'_>, convert: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    let collector = py.import("gc")?;
    if !collector.call_method0("isenabled")?.is_truthy()? {
        return convert();
    }
    collector.call_method0("disable")?;
    let made = convert();
    collector.call_method0("enable")?;
    made
}
