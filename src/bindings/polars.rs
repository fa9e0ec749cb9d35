//! Columns that polars cannot take in, as ones it can: without this it would panic.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal256Type, IntervalMonthDayNanoType};
use arrow_array::{
    Array, ArrayRef, Int32Array, Int64Array, IntervalMonthDayNanoArray, ListArray, RecordBatch, StringArray,
    StructArray,
};
use arrow_schema::{DataType, Field, FieldRef, Fields, IntervalUnit, Schema};
use pyo3::PyResult;
use std::sync::Arc;

use crate::convert::{cast, positional};

/// The schema with a text for each BIGNUMERIC and a struct of months, days and nanoseconds for each INTERVAL.
pub(crate) fn schema(schema: &Schema) -> Schema {
    Schema::new_with_metadata(fields(schema.fields()), schema.metadata().clone())
}

/// The rows in the form of [`schema`].
pub(crate) fn batch(schema: &Arc<Schema>, batch: &RecordBatch) -> PyResult<RecordBatch> {
    let columns = batch.columns().iter().map(column).collect::<PyResult<Vec<_>>>()?;
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options).map_err(unfit)
}

fn fields(fields: &Fields) -> Fields {
    fields.iter().map(field).collect()
}

fn field(field: &FieldRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(data_type(field.data_type())))
}

fn data_type(kind: &DataType) -> DataType {
    match kind {
        DataType::Decimal256(..) => DataType::Utf8,
        DataType::Interval(_) => DataType::Struct(interval_fields()),
        DataType::List(item) => DataType::List(field(item)),
        DataType::Struct(inner) => DataType::Struct(fields(inner)),
        other => other.clone(),
    }
}

fn interval_fields() -> Fields {
    let part = |name, kind| Field::new(name, kind, true);
    Fields::from(vec![
        part("months", DataType::Int32),
        part("days", DataType::Int32),
        part("nanoseconds", DataType::Int64),
    ])
}

fn column(array: &ArrayRef) -> PyResult<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Decimal256(_, scale) => decimals(array, i32::from(*scale)),
        DataType::Interval(_) => {
            let wide = cast(array, &DataType::Interval(IntervalUnit::MonthDayNano))?;
            intervals(wide.as_primitive::<IntervalMonthDayNanoType>())?
        }
        DataType::List(item) => {
            let lists = array.as_list::<i32>();
            let values = column(lists.values())?;
            let made = ListArray::try_new(field(item), lists.offsets().clone(), values, lists.nulls().cloned());
            Arc::new(made.map_err(unfit)?)
        }
        DataType::Struct(inner) => {
            let structs = array.as_struct();
            let columns = structs.columns().iter().map(column).collect::<PyResult<Vec<_>>>()?;
            let made = StructArray::try_new_with_length(fields(inner), columns, structs.nulls().cloned(), array.len());
            Arc::new(made.map_err(unfit)?)
        }
        _ => Arc::clone(array),
    })
}

fn decimals(array: &ArrayRef, scale: i32) -> ArrayRef {
    let numbers = array.as_primitive::<Decimal256Type>().iter();
    let texts = numbers.map(|number| number.map(|number| without_zeros(positional(&number.to_string(), scale))));
    Arc::new(texts.collect::<StringArray>())
}

fn without_zeros(text: String) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn intervals(array: &IntervalMonthDayNanoArray) -> PyResult<ArrayRef> {
    let months: Int32Array = array.iter().map(|interval| interval.map(|interval| interval.months)).collect();
    let days: Int32Array = array.iter().map(|interval| interval.map(|interval| interval.days)).collect();
    let nanoseconds: Int64Array = array.iter().map(|interval| interval.map(|interval| interval.nanoseconds)).collect();
    let columns: Vec<ArrayRef> = vec![Arc::new(months), Arc::new(days), Arc::new(nanoseconds)];
    let made = StructArray::try_new(interval_fields(), columns, array.nulls().cloned());
    Ok(Arc::new(made.map_err(unfit)?))
}

fn unfit(error: arrow_schema::ArrowError) -> pyo3::PyErr {
    pyo3::exceptions::PyTypeError::new_err(format!("{error}; use `to_arrow()`"))
}
