//! An Arrow schema message as a schema, for the types that BigQuery has.

use arrow_ipc::{DateUnit, Endianness, IntervalUnit as IpcIntervalUnit, Precision, TimeUnit as IpcTimeUnit, Type};
use arrow_schema::{DataType, Field, Fields, IntervalUnit, Schema, TimeUnit};
use std::collections::HashMap;
use std::sync::Arc;

use super::malformed;
use crate::error::{Error, Result};

/// Reads a schema. A type that BigQuery does not send is an error that names the column.
pub(super) fn read(described: arrow_ipc::Schema<'_>) -> Result<Schema> {
    if described.endianness() != Endianness::Little {
        return Err(malformed("the Arrow batches are big-endian, which streetlens cannot read"));
    }
    let fields = described.fields().ok_or_else(|| malformed("the Arrow schema has no list of columns"))?;
    let fields: Vec<Field> = fields.iter().map(|field| read_field(field, "")).collect::<Result<_>>()?;
    Ok(Schema::new(fields))
}

fn read_field(described: arrow_ipc::Field<'_>, parent: &str) -> Result<Field> {
    let name = described.name().unwrap_or_default();
    let path = if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
    if described.dictionary().is_some() {
        return Err(unreadable(&path, "is dictionary-encoded"));
    }
    let data_type = data_type(described, &path)?;
    let metadata: HashMap<String, String> = described
        .custom_metadata()
        .into_iter()
        .flatten()
        .filter_map(|entry| Some((entry.key()?.to_owned(), entry.value()?.to_owned())))
        .collect();
    Ok(Field::new(name, data_type, described.nullable()).with_metadata(metadata))
}

fn data_type(field: arrow_ipc::Field<'_>, path: &str) -> Result<DataType> {
    let unknown = || unreadable(path, &format!("has the Arrow type {:?}", field.type_type()));
    let known = match field.type_type() {
        Type::Bool => Some(DataType::Boolean),
        Type::Int => field.type_as_int().and_then(integer),
        Type::FloatingPoint => field.type_as_floating_point().and_then(|float| match float.precision() {
            Precision::SINGLE => Some(DataType::Float32),
            Precision::DOUBLE => Some(DataType::Float64),
            _ => None,
        }),
        Type::Utf8 => Some(DataType::Utf8),
        Type::Binary => Some(DataType::Binary),
        Type::Date => field.type_as_date().filter(|date| date.unit() == DateUnit::DAY).map(|_| DataType::Date32),
        Type::Time => field.type_as_time().and_then(|time| match (time.bitWidth(), time.unit()) {
            (64, IpcTimeUnit::MICROSECOND) => Some(DataType::Time64(TimeUnit::Microsecond)),
            (64, IpcTimeUnit::NANOSECOND) => Some(DataType::Time64(TimeUnit::Nanosecond)),
            _ => None,
        }),
        Type::Timestamp => field.type_as_timestamp().and_then(|timestamp| {
            let zone = timestamp.timezone().map(Arc::from);
            match timestamp.unit() {
                IpcTimeUnit::MICROSECOND => Some(DataType::Timestamp(TimeUnit::Microsecond, zone)),
                IpcTimeUnit::NANOSECOND => Some(DataType::Timestamp(TimeUnit::Nanosecond, zone)),
                _ => None,
            }
        }),
        Type::Interval => field
            .type_as_interval()
            .filter(|interval| interval.unit() == IpcIntervalUnit::MONTH_DAY_NANO)
            .map(|_| DataType::Interval(IntervalUnit::MonthDayNano)),
        Type::Decimal => field.type_as_decimal().and_then(decimal),
        Type::List => match &children(field, path)?[..] {
            [item] => Some(DataType::List(Arc::new(item.clone()))),
            _ => None,
        },
        Type::Struct_ => {
            let children = children(field, path)?;
            // Without a field nothing would bound how many rows a few bytes stand for.
            (!children.is_empty()).then(|| DataType::Struct(Fields::from(children)))
        }
        _ => None,
    };
    known.ok_or_else(unknown)
}

fn children(field: arrow_ipc::Field<'_>, path: &str) -> Result<Vec<Field>> {
    field.children().into_iter().flatten().map(|child| read_field(child, path)).collect()
}

fn integer(integer: arrow_ipc::Int<'_>) -> Option<DataType> {
    match (integer.bitWidth(), integer.is_signed()) {
        (8, true) => Some(DataType::Int8),
        (16, true) => Some(DataType::Int16),
        (32, true) => Some(DataType::Int32),
        (64, true) => Some(DataType::Int64),
        _ => None,
    }
}

/// BigQuery says 77 digits for a BIGNUMERIC, as its whole digits are 38 and a part of the 39th.
fn decimal(decimal: arrow_ipc::Decimal<'_>) -> Option<DataType> {
    let precision = u8::try_from(decimal.precision()).ok().filter(|precision| *precision > 0)?;
    let scale = i8::try_from(decimal.scale()).ok().filter(|scale| *scale >= 0 && scale.unsigned_abs() <= precision)?;
    match decimal.bitWidth() {
        128 if precision <= 38 => Some(DataType::Decimal128(precision, scale)),
        256 if precision <= 77 => Some(DataType::Decimal256(precision, scale)),
        _ => None,
    }
}

fn unreadable(path: &str, problem: &str) -> Error {
    malformed(format!("column `{path}` {problem}, which streetlens cannot read"))
}
