//! Arrow values as Python objects.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, Decimal256Type, DurationMicrosecondType, Float64Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, Time64MicrosecondType, TimestampMicrosecondType, UInt64Type,
};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Decimal256Array,
    DurationMicrosecondArray, Float64Array, Int64Array, IntervalMonthDayNanoArray, Time64MicrosecondArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow_buffer::NullBuffer;
use arrow_cast::CastOptions;
use arrow_schema::{DataType, IntervalUnit, TimeUnit};
use chrono::TimeDelta;
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::imports;
use crate::record::Record;
use crate::texts::Texts;

/// A column made ready to be read value by value.
pub(crate) struct Column<'py> {
    nulls: Option<NullBuffer>,
    values: Values<'py>,
}

enum Values<'py> {
    Null,
    Boolean(BooleanArray),
    Signed(Int64Array),
    Unsigned(UInt64Array),
    Float(Float64Array),
    Text(Texts),
    Binary(BinaryArray),
    Date(Date32Array),
    Time(Time64MicrosecondArray),
    Instant(TimestampMicrosecondArray, bool),
    Duration(DurationMicrosecondArray),
    Decimal128(Decimal128Array, i32, Bound<'py, PyAny>),
    Decimal256(Decimal256Array, i32, Bound<'py, PyAny>),
    Interval(IntervalMonthDayNanoArray, Bound<'py, PyAny>),
    /// Each distinct value is made once.
    Labels(Vec<usize>, Vec<Py<PyAny>>),
    List(Vec<(usize, usize)>, Box<Column<'py>>),
    Struct(Record<'py>),
}

impl<'py> Column<'py> {
    /// Casts what differs in width only, so that few kinds are left to read.
    pub(crate) fn new(py: Python<'py>, array: &ArrayRef) -> PyResult<Self> {
        let cast = |kind: DataType| cast(array, &kind);
        let values = match array.data_type() {
            DataType::Null => Values::Null,
            DataType::Boolean => Values::Boolean(array.as_boolean().clone()),
            DataType::UInt64 => Values::Unsigned(array.as_primitive::<UInt64Type>().clone()),
            kind if kind.is_integer() => Values::Signed(cast(DataType::Int64)?.as_primitive::<Int64Type>().clone()),
            kind if kind.is_floating() => Values::Float(cast(DataType::Float64)?.as_primitive::<Float64Type>().clone()),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
                Values::Text(Texts::new(cast(DataType::Utf8)?.as_string::<i32>().clone()))
            }
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
                Values::Binary(cast(DataType::Binary)?.as_binary::<i32>().clone())
            }
            DataType::Date32 | DataType::Date64 => Values::Date(cast(DataType::Date32)?.as_primitive().clone()),
            DataType::Time32(_) | DataType::Time64(_) => {
                let micros = cast(DataType::Time64(TimeUnit::Microsecond))?;
                Values::Time(micros.as_primitive::<Time64MicrosecondType>().clone())
            }
            DataType::Timestamp(_, zone) => {
                let micros = cast(DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
                Values::Instant(micros.as_primitive::<TimestampMicrosecondType>().clone(), zone.is_some())
            }
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale) => decimal(py, array, *scale)?,
            DataType::Duration(_) => {
                let micros = cast(DataType::Duration(TimeUnit::Microsecond))?;
                Values::Duration(micros.as_primitive::<DurationMicrosecondType>().clone())
            }
            DataType::Interval(_) => {
                let interval = cast(DataType::Interval(IntervalUnit::MonthDayNano))?;
                Values::Interval(interval.as_primitive::<IntervalMonthDayNanoType>().clone(), imports::interval(py)?)
            }
            DataType::Dictionary(_, values) => {
                labels(py, &cast(DataType::Dictionary(DataType::Int32.into(), values.clone()))?)?
            }
            DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
                list(py, &cast(DataType::List(item.clone()))?)?
            }
            DataType::Struct(fields) => Values::Struct(Record::new(py, fields, array.as_struct().columns())?),
            other => {
                return Err(PyTypeError::new_err(format!(
                    "a column of type {other} has no Python form; use `to_arrow()`"
                )));
            }
        };
        Ok(Self { nulls: array.nulls().cloned(), values })
    }

    /// One value; a null is `None`.
    pub(crate) fn get(&self, py: Python<'py>, row: usize) -> PyResult<Py<PyAny>> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return Ok(py.None());
        }
        Ok(match &self.values {
            Values::Null => py.None(),
            Values::Boolean(values) => values.value(row).into_pyobject(py)?.to_owned().into_any().unbind(),
            Values::Signed(values) => values.value(row).into_pyobject(py)?.into_any().unbind(),
            Values::Unsigned(values) => values.value(row).into_pyobject(py)?.into_any().unbind(),
            Values::Float(values) => values.value(row).into_pyobject(py)?.into_any().unbind(),
            Values::Text(texts) => texts.get(py, row).into_any(),
            Values::Binary(values) => PyBytes::new(py, values.value(row)).into_any().unbind(),
            Values::Date(values) => in_range(values.value_as_date(row))?.into_pyobject(py)?.into_any().unbind(),
            Values::Time(values) => in_range(values.value_as_time(row))?.into_pyobject(py)?.into_any().unbind(),
            Values::Instant(values, has_zone) => {
                let moment = in_range(values.value_as_datetime(row))?;
                if *has_zone {
                    moment.and_utc().into_pyobject(py)?.into_any().unbind()
                } else {
                    moment.into_pyobject(py)?.into_any().unbind()
                }
            }
            Values::Duration(values) => {
                TimeDelta::microseconds(values.value(row)).into_pyobject(py)?.into_any().unbind()
            }
            Values::Decimal128(values, scale, class) => {
                class.call1((positional(&values.value(row).to_string(), *scale),))?.unbind()
            }
            Values::Decimal256(values, scale, class) => {
                class.call1((positional(&values.value(row).to_string(), *scale),))?.unbind()
            }
            Values::Interval(values, class) => {
                let interval = values.value(row);
                class.call1((interval.months, interval.days, interval.nanoseconds))?.unbind()
            }
            Values::Labels(keys, labels) => labels[keys[row]].clone_ref(py),
            Values::List(ranges, items) => items.list(py, ranges[row])?,
            Values::Struct(record) => record.get(py, row)?.into_any().unbind(),
        })
    }

    fn list(&self, py: Python<'py>, (start, stop): (usize, usize)) -> PyResult<Py<PyAny>> {
        let list = PyList::empty(py);
        for row in start..stop {
            list.append(self.get(py, row)?)?;
        }
        Ok(list.into_any().unbind())
    }
}

/// Refuses what does not fit instead of making it null.
pub(crate) fn cast(array: &ArrayRef, kind: &DataType) -> PyResult<ArrayRef> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    arrow_cast::cast_with_options(array, kind, &options)
        .map_err(|error| PyTypeError::new_err(format!("{error}; use `to_arrow()`")))
}

fn decimal<'py>(py: Python<'py>, array: &ArrayRef, scale: i8) -> PyResult<Values<'py>> {
    let (class, places) = (imports::decimal(py)?, i32::from(scale));
    if let DataType::Decimal256(..) = array.data_type() {
        return Ok(Values::Decimal256(array.as_primitive::<Decimal256Type>().clone(), places, class));
    }
    let wide = cast(array, &DataType::Decimal128(38, scale))?;
    Ok(Values::Decimal128(wide.as_primitive::<Decimal128Type>().clone(), places, class))
}

/// The number `unscaled` stands for. Arrow's own formatting cuts digits beyond the declared precision, and a
/// BIGNUMERIC has up to 77 where Arrow declares 76.
pub(crate) fn positional(unscaled: &str, scale: i32) -> String {
    if scale <= 0 {
        return format!("{unscaled}E{}", -scale);
    }
    let (sign, digits) = unscaled.strip_prefix('-').map_or(("", unscaled), |digits| ("-", digits));
    let places = usize::try_from(scale).unwrap_or_default();
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    format!("{sign}{whole}.{fraction}")
}

fn labels<'py>(py: Python<'py>, array: &ArrayRef) -> PyResult<Values<'py>> {
    let dictionary = array.as_dictionary::<Int32Type>();
    let column = Column::new(py, dictionary.values())?;
    let labels = (0..dictionary.values().len()).map(|index| column.get(py, index)).collect::<PyResult<_>>()?;
    let keys = dictionary.keys().iter().map(|key| usize::try_from(key.unwrap_or(0)).unwrap_or(0)).collect();
    Ok(Values::Labels(keys, labels))
}

fn list<'py>(py: Python<'py>, array: &ArrayRef) -> PyResult<Values<'py>> {
    let lists = array.as_list::<i32>();
    let position = |offset: i32| usize::try_from(offset).unwrap_or(0);
    let ranges = lists.offsets().windows(2).map(|pair| (position(pair[0]), position(pair[1]))).collect();
    Ok(Values::List(ranges, Box::new(Column::new(py, lists.values())?)))
}

fn in_range<T>(value: Option<T>) -> PyResult<T> {
    value.ok_or_else(|| PyOverflowError::new_err("a date or time is beyond what Python can hold; use `to_arrow()`"))
}
