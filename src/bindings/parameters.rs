//! Query parameters as `streetlens._parameters` writes them: tuples that begin with a type's name.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use streetlens_core::bigquery::parameters::{Parameter, ParameterType, ParameterValue};

/// Reads `(name or None, value)` pairs.
pub(crate) fn read(parameters: Vec<(Option<String>, Bound<'_, PyTuple>)>) -> PyResult<Vec<Parameter>> {
    parameters.into_iter().map(|(name, value)| Ok(Parameter { name, value: read_value(&value)? })).collect()
}

/// Reads one value.
pub(crate) fn read_value(tagged: &Bound<'_, PyTuple>) -> PyResult<ParameterValue> {
    let kind: String = tagged.get_item(0)?.extract()?;
    let value = tagged.get_item(1)?;
    Ok(match kind.as_str() {
        "NULL" => ParameterValue::Null(read_type(&value.cast_into::<PyTuple>()?)?),
        "BOOL" => ParameterValue::Bool(value.extract()?),
        "INT64" => ParameterValue::Int64(value.extract()?),
        "FLOAT64" => ParameterValue::Float64(value.extract()?),
        "BYTES" => ParameterValue::Bytes(value.extract()?),
        "STRING" => ParameterValue::String(value.extract()?),
        "DATE" => ParameterValue::Date(value.extract()?),
        "TIME" => ParameterValue::Time(value.extract()?),
        "DATETIME" => ParameterValue::DateTime(value.extract()?),
        "TIMESTAMP" => ParameterValue::Timestamp(value.extract()?),
        "NUMERIC" => ParameterValue::Numeric(value.extract()?),
        "BIGNUMERIC" => ParameterValue::BigNumeric(value.extract()?),
        "JSON" => ParameterValue::Json(value.extract()?),
        "GEOGRAPHY" => ParameterValue::Geography(value.extract()?),
        "INTERVAL" => ParameterValue::Interval(value.extract()?),
        "RANGE" => ParameterValue::Range {
            element: read_type(&value.cast_into::<PyTuple>()?)?,
            start: tagged.get_item(2)?.extract()?,
            end: tagged.get_item(3)?.extract()?,
        },
        "ARRAY" => ParameterValue::Array {
            element: read_type(&value.cast_into::<PyTuple>()?)?,
            items: read_items(&tagged.get_item(2)?)?,
        },
        "STRUCT" => ParameterValue::Struct(read_fields(&value)?),
        other => return Err(unknown(other)),
    })
}

fn read_items(items: &Bound<'_, PyAny>) -> PyResult<Vec<ParameterValue>> {
    items.try_iter()?.map(|item| read_value(&item?.cast_into::<PyTuple>()?)).collect()
}

fn read_fields(fields: &Bound<'_, PyAny>) -> PyResult<Vec<(String, ParameterValue)>> {
    let pairs: Vec<(String, Bound<'_, PyTuple>)> = fields.extract()?;
    pairs.into_iter().map(|(name, value)| Ok((name, read_value(&value)?))).collect()
}

fn read_type(tagged: &Bound<'_, PyTuple>) -> PyResult<ParameterType> {
    let kind: String = tagged.get_item(0)?.extract()?;
    let element = || read_type(&tagged.get_item(1)?.cast_into::<PyTuple>()?).map(Box::new);
    Ok(match kind.as_str() {
        "BOOL" => ParameterType::Bool,
        "INT64" => ParameterType::Int64,
        "FLOAT64" => ParameterType::Float64,
        "BYTES" => ParameterType::Bytes,
        "STRING" => ParameterType::String,
        "DATE" => ParameterType::Date,
        "TIME" => ParameterType::Time,
        "DATETIME" => ParameterType::DateTime,
        "TIMESTAMP" => ParameterType::Timestamp,
        "NUMERIC" => ParameterType::Numeric,
        "BIGNUMERIC" => ParameterType::BigNumeric,
        "JSON" => ParameterType::Json,
        "GEOGRAPHY" => ParameterType::Geography,
        "INTERVAL" => ParameterType::Interval,
        "RANGE" => ParameterType::Range(element()?),
        "ARRAY" => ParameterType::Array(element()?),
        "STRUCT" => {
            let pairs: Vec<(String, Bound<'_, PyTuple>)> = tagged.get_item(1)?.extract()?;
            let fields = pairs.into_iter().map(|(name, kind)| Ok((name, read_type(&kind)?)));
            ParameterType::Struct(fields.collect::<PyResult<_>>()?)
        }
        other => return Err(unknown(other)),
    })
}

fn unknown(name: &str) -> PyErr {
    PyValueError::new_err(format!("`{name}` is not a type of a query parameter"))
}
