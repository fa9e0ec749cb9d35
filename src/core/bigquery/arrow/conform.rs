//! The rows of a batch under another schema that says the same.

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, make_array};
use arrow_data::ArrayData;
use arrow_schema::{DataType, Fields, SchemaRef};

use super::malformed;
use crate::error::{Error, Result};

/// Rows of one batch under another schema that says the same: metadata, nullability, the names of list items, the number
/// of digits and the name of UTC may differ. Anything else is a `MalformedResponse` that names the column.
pub fn conform(batch: RecordBatch, target: &SchemaRef) -> Result<RecordBatch> {
    let is_masked = batch.columns().iter().any(|column| column.data_type().is_nested() && is_masked(&column.to_data()));
    if batch.schema_ref() == target && !is_masked {
        return Ok(batch);
    }
    let given = batch.schema();
    check_names(given.fields(), target.fields(), "the batch")?;
    let columns = batch
        .columns()
        .iter()
        .zip(target.fields())
        .map(|(column, field)| conform_column(column, field.data_type(), field.name()))
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(SchemaRef::clone(target), columns, &options)
        .map_err(|cause| malformed("the rows do not fit the columns that were announced").with_source(cause))
}

fn conform_column(column: &ArrayRef, target: &DataType, path: &str) -> Result<ArrayRef> {
    if column.data_type() == target && !column.data_type().is_nested() {
        return Ok(ArrayRef::clone(column));
    }
    Ok(make_array(conform_data(column.to_data(), target, path)?))
}

fn conform_data(data: ArrayData, target: &DataType, path: &str) -> Result<ArrayData> {
    let given = data.data_type().clone();
    if given == *target && !is_masked(&data) {
        return Ok(data);
    }
    let children = match (&given, target) {
        (DataType::List(_), DataType::List(item)) => {
            let children = data.child_data().iter();
            children.map(|child| conform_data(child.clone(), item.data_type(), path)).collect::<Result<Vec<_>>>()?
        }
        (DataType::Struct(fields), DataType::Struct(target_fields)) => {
            check_names(fields, target_fields, &format!("column `{path}`"))?;
            let children = data.child_data().iter().zip(target_fields);
            children
                .map(|(child, field)| {
                    let child = if field.is_nullable() { child.clone() } else { unmasked(child.clone(), &data) };
                    conform_data(child, field.data_type(), &format!("{path}.{}", field.name()))
                })
                .collect::<Result<Vec<_>>>()?
        }
        (DataType::Decimal128(_, scale), DataType::Decimal128(_, same))
        | (DataType::Decimal256(_, scale), DataType::Decimal256(_, same))
            if scale == same =>
        {
            Vec::new()
        }
        (DataType::Timestamp(unit, Some(zone)), DataType::Timestamp(same, Some(other)))
            if unit == same && is_utc(zone) && is_utc(other) =>
        {
            Vec::new()
        }
        _ => return Err(different(path, &given, target)),
    };
    let builder = data.into_builder().data_type(target.clone()).child_data(children);
    builder.build().map_err(|cause| different(path, &given, target).with_source(cause))
}

/// Whether a field that is never null has nulls where its record is.
fn is_masked(data: &ArrayData) -> bool {
    let is_own = match data.data_type() {
        DataType::Struct(fields) => {
            data.child_data().iter().zip(fields).any(|(child, field)| !field.is_nullable() && child.null_count() > 0)
        }
        _ => false,
    };
    is_own || data.child_data().iter().any(is_masked)
}

/// The field without these nulls: Arrow allows them, and pyarrow refuses to compute with them. Nulls of its own stay, and
/// are refused.
fn unmasked(child: ArrayData, record: &ArrayData) -> ArrayData {
    let (Some(nulls), Some(of_record)) = (child.nulls(), record.nulls()) else {
        return child;
    };
    if nulls.len() == of_record.len() && nulls.iter().zip(of_record).all(|(child, record)| child || !record) {
        let plain = child.clone().into_builder().nulls(None).build();
        return plain.unwrap_or(child);
    }
    child
}

fn check_names(given: &Fields, target: &Fields, owner: &str) -> Result<()> {
    if given.len() != target.len() {
        let (given, target) = (given.len(), target.len());
        return Err(malformed(format!("{owner} has {given} columns and {target} were announced")));
    }
    match given.iter().zip(target).find(|(given, target)| given.name() != target.name()) {
        Some((given, target)) => {
            let (given, target) = (given.name(), target.name());
            Err(malformed(format!("{owner} has a column `{given}` where `{target}` was announced")))
        }
        None => Ok(()),
    }
}

fn is_utc(zone: &str) -> bool {
    matches!(zone, "UTC" | "Etc/UTC" | "Z" | "+00:00")
}

fn different(path: &str, given: &DataType, target: &DataType) -> Error {
    malformed(format!("column `{path}` came as {given} and was announced as {target}"))
}
