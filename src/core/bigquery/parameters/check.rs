//! Whether a parameter is one BigQuery can take, and of which type it is.

use std::collections::HashSet;

use super::{ParameterType, ParameterValue};

/// BigQuery's own limit for nested types.
const MAXIMUM_DEPTH: usize = 15;

type Result<T> = std::result::Result<T, String>;

/// The type of a value that has been found sound, or what is wrong with it.
pub(super) fn type_of(value: &ParameterValue, depth: usize) -> Result<ParameterType> {
    if depth > MAXIMUM_DEPTH {
        return Err(format!("is nested deeper than the {MAXIMUM_DEPTH} levels BigQuery allows"));
    }
    Ok(match value {
        ParameterValue::Null(kind) => {
            check(kind, depth)?;
            kind.clone()
        }
        ParameterValue::Bool(_) => ParameterType::Bool,
        ParameterValue::Int64(_) => ParameterType::Int64,
        ParameterValue::Float64(_) => ParameterType::Float64,
        ParameterValue::String(_) => ParameterType::String,
        ParameterValue::Bytes(_) => ParameterType::Bytes,
        ParameterValue::Date(_) => ParameterType::Date,
        ParameterValue::Time(_) => ParameterType::Time,
        ParameterValue::DateTime(_) => ParameterType::DateTime,
        ParameterValue::Timestamp(_) => ParameterType::Timestamp,
        ParameterValue::Numeric(_) => ParameterType::Numeric,
        ParameterValue::BigNumeric(_) => ParameterType::BigNumeric,
        ParameterValue::Json(_) => ParameterType::Json,
        ParameterValue::Geography(_) => ParameterType::Geography,
        ParameterValue::Interval(_) => ParameterType::Interval,
        ParameterValue::Range { element, .. } => checked(ParameterType::Range(Box::new(element.clone())), depth)?,
        ParameterValue::Array { element, items } => array_type(element, items, depth)?,
        ParameterValue::Struct(fields) => {
            let types = fields.iter().map(|(name, value)| Ok((name.clone(), type_of(value, depth + 1)?)));
            checked(ParameterType::Struct(types.collect::<Result<_>>()?), depth)?
        }
    })
}

fn array_type(element: &ParameterType, items: &[ParameterValue], depth: usize) -> Result<ParameterType> {
    let array = checked(ParameterType::Array(Box::new(element.clone())), depth)?;
    for (index, item) in items.iter().enumerate() {
        let found = type_of(item, depth + 1)?;
        if found != *element {
            return Err(format!(
                "is an ARRAY<{}> whose item {} is of type {}",
                element.name(),
                index + 1,
                found.name()
            ));
        }
    }
    Ok(array)
}

fn checked(kind: ParameterType, depth: usize) -> Result<ParameterType> {
    check(&kind, depth)?;
    Ok(kind)
}

fn check(kind: &ParameterType, depth: usize) -> Result<()> {
    if depth > MAXIMUM_DEPTH {
        return Err(format!("is nested deeper than the {MAXIMUM_DEPTH} levels BigQuery allows"));
    }
    match kind {
        ParameterType::Array(element) if matches!(**element, ParameterType::Array(_)) => {
            Err("is an array of arrays, which BigQuery does not have; put each inner array into a struct".into())
        }
        ParameterType::Array(element) => check(element, depth + 1),
        ParameterType::Range(element) => match **element {
            ParameterType::Date | ParameterType::DateTime | ParameterType::Timestamp => Ok(()),
            _ => Err(format!("is a RANGE<{}>; only DATE, DATETIME and TIMESTAMP have ranges", element.name())),
        },
        ParameterType::Struct(fields) => check_fields(fields, depth),
        _ => Ok(()),
    }
}

fn check_fields(fields: &[(String, ParameterType)], depth: usize) -> Result<()> {
    if fields.is_empty() {
        return Err("is a struct without fields".into());
    }
    let mut seen = HashSet::new();
    for (name, kind) in fields {
        if name.is_empty() {
            return Err("is a struct with a field that has no name".into());
        }
        if !seen.insert(name.to_lowercase()) {
            return Err(format!("is a struct that has the field `{name}` twice"));
        }
        check(kind, depth + 1)?;
    }
    Ok(())
}
