//! Query parameters: typed values to the `queryParameters` of a request. Never sends anything.

mod check;
mod json;

use serde_json::{Map, Value};
use std::collections::HashSet;

use crate::error::{Error, ErrorKind, Result};

/// A value for `@name`, or without a name for the next `?`.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Name without the `@`.
    pub name: Option<String>,
    /// What it stands for.
    pub value: ParameterValue,
}

/// A value of each type BigQuery has. Texts are sent as they are, in the form of a literal of their type.
#[derive(Debug, Clone, PartialEq)]
pub enum ParameterValue {
    /// NULL of a type.
    Null(ParameterType),
    /// BOOL.
    Bool(bool),
    /// INT64.
    Int64(i64),
    /// FLOAT64, infinities and NaN included.
    Float64(f64),
    /// STRING.
    String(String),
    /// BYTES.
    Bytes(Vec<u8>),
    /// DATE such as `2026-01-31`.
    Date(String),
    /// TIME such as `01:02:03.000004`.
    Time(String),
    /// DATETIME such as `2026-01-31T01:02:03.000004`.
    DateTime(String),
    /// TIMESTAMP such as `2026-01-31 01:02:03.000004+00:00`.
    Timestamp(String),
    /// NUMERIC such as `1.5`.
    Numeric(String),
    /// BIGNUMERIC such as `1.5`.
    BigNumeric(String),
    /// JSON text.
    Json(String),
    /// GEOGRAPHY as WKT.
    Geography(String),
    /// INTERVAL such as `1-2 3 4:5:6`.
    Interval(String),
    /// RANGE; an absent end is unbounded.
    Range {
        /// DATE, DATETIME or TIMESTAMP.
        element: ParameterType,
        /// First value within.
        start: Option<String>,
        /// First value after.
        end: Option<String>,
    },
    /// ARRAY, which may be empty; every item is of the element type.
    Array {
        /// Type of the items.
        element: ParameterType,
        /// The items in order.
        items: Vec<ParameterValue>,
    },
    /// STRUCT with its fields in order.
    Struct(Vec<(String, ParameterValue)>),
}

/// A BigQuery type, by its standard name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterType {
    /// BOOL.
    Bool,
    /// INT64.
    Int64,
    /// FLOAT64.
    Float64,
    /// STRING.
    String,
    /// BYTES.
    Bytes,
    /// DATE.
    Date,
    /// TIME.
    Time,
    /// DATETIME.
    DateTime,
    /// TIMESTAMP.
    Timestamp,
    /// NUMERIC.
    Numeric,
    /// BIGNUMERIC.
    BigNumeric,
    /// JSON.
    Json,
    /// GEOGRAPHY.
    Geography,
    /// INTERVAL.
    Interval,
    /// RANGE of an element type.
    Range(Box<ParameterType>),
    /// ARRAY of an element type.
    Array(Box<ParameterType>),
    /// STRUCT of named fields.
    Struct(Vec<(String, ParameterType)>),
}

/// The members `parameterMode` and `queryParameters` of a query request; none where there are no parameters.
///
/// Refuses (`InvalidInput`) named parameters among positional ones, a name given twice, items that are not of their
/// array's type, arrays of arrays, structs without fields, and anything nested deeper than BigQuery allows.
pub fn to_request(parameters: &[Parameter]) -> Result<Map<String, Value>> {
    let mut members = Map::new();
    let Some(first) = parameters.first() else {
        return Ok(members);
    };
    check_names(parameters, first.name.is_some())?;
    let encoded: Vec<Value> =
        parameters.iter().enumerate().map(|(index, given)| encode(index, given)).collect::<Result<_>>()?;
    members.insert("parameterMode".into(), if first.name.is_some() { "NAMED" } else { "POSITIONAL" }.into());
    members.insert("queryParameters".into(), encoded.into());
    Ok(members)
}

fn check_names(parameters: &[Parameter], are_named: bool) -> Result<()> {
    if parameters.iter().any(|parameter| parameter.name.is_some() != are_named) {
        return Err(invalid("some parameters have a name and some have none")
            .with_hint("give all of them a name and write `@name` in the SQL, or none and write `?`"));
    }
    let mut seen = HashSet::new();
    for name in parameters.iter().filter_map(|parameter| parameter.name.as_deref()) {
        if name.is_empty() || name.starts_with('@') {
            return Err(invalid(format!("`{name}` is no parameter name")).with_hint("give the name without the `@`"));
        }
        if !seen.insert(name.to_lowercase()) {
            return Err(invalid(format!("parameter `{name}` is given twice"))
                .with_hint("BigQuery does not tell upper from lower case in parameter names"));
        }
    }
    Ok(())
}

fn encode(index: usize, parameter: &Parameter) -> Result<Value> {
    let about = |problem: String| {
        let which = parameter.name.as_ref().map_or_else(|| format!("{}", index + 1), |name| format!("`{name}`"));
        invalid(format!("parameter {which} {problem}"))
    };
    let mut encoded = Map::new();
    if let Some(name) = &parameter.name {
        encoded.insert("name".into(), name.as_str().into());
    }
    let kind = check::type_of(&parameter.value, 0).map_err(about)?;
    encoded.insert("parameterType".into(), json::of_type(&kind));
    encoded.insert("parameterValue".into(), json::of_value(&parameter.value));
    Ok(encoded.into())
}

impl ParameterType {
    fn name(&self) -> &'static str {
        match self {
            Self::Bool => "BOOL",
            Self::Int64 => "INT64",
            Self::Float64 => "FLOAT64",
            Self::String => "STRING",
            Self::Bytes => "BYTES",
            Self::Date => "DATE",
            Self::Time => "TIME",
            Self::DateTime => "DATETIME",
            Self::Timestamp => "TIMESTAMP",
            Self::Numeric => "NUMERIC",
            Self::BigNumeric => "BIGNUMERIC",
            Self::Json => "JSON",
            Self::Geography => "GEOGRAPHY",
            Self::Interval => "INTERVAL",
            Self::Range(_) => "RANGE",
            Self::Array(_) => "ARRAY",
            Self::Struct(_) => "STRUCT",
        }
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn named(value: ParameterValue) -> Parameter {
        Parameter { name: Some("a".into()), value }
    }

    fn encoded(value: ParameterValue) -> Value {
        let members = to_request(&[named(value)]).unwrap();
        assert_eq!(members["parameterMode"], "NAMED");
        members["queryParameters"][0].clone()
    }

    fn refused(parameters: &[Parameter]) -> String {
        let error = to_request(parameters).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        error.message().to_owned()
    }

    fn text(text: &str) -> String {
        text.to_owned()
    }

    /// The bodies google-cloud-bigquery 3.47 sends, except that it sends finite floats as JSON numbers.
    #[test]
    fn scalars_have_the_form_google_cloud_bigquery_gives_them() {
        for (value, kind, expected) in [
            (ParameterValue::Bool(true), "BOOL", "true"),
            (ParameterValue::Int64(-5), "INT64", "-5"),
            (ParameterValue::Float64(1.5), "FLOAT64", "1.5"),
            (ParameterValue::Float64(f64::INFINITY), "FLOAT64", "inf"),
            (ParameterValue::Float64(f64::NEG_INFINITY), "FLOAT64", "-inf"),
            (ParameterValue::Float64(f64::NAN), "FLOAT64", "nan"),
            (ParameterValue::String(text("x")), "STRING", "x"),
            (ParameterValue::Bytes(vec![0, 255]), "BYTES", "AP8="),
            (ParameterValue::Date(text("2026-01-31")), "DATE", "2026-01-31"),
            (ParameterValue::Time(text("01:02:03.000004")), "TIME", "01:02:03.000004"),
            (ParameterValue::DateTime(text("2026-01-31T01:02:03")), "DATETIME", "2026-01-31T01:02:03"),
            (ParameterValue::Timestamp(text("2026-01-31 01:02:03+00:00")), "TIMESTAMP", "2026-01-31 01:02:03+00:00"),
            (ParameterValue::Numeric(text("1.5")), "NUMERIC", "1.5"),
            (ParameterValue::BigNumeric(text("1.5")), "BIGNUMERIC", "1.5"),
            (ParameterValue::Json(text("{}")), "JSON", "{}"),
            (ParameterValue::Geography(text("POINT(1 2)")), "GEOGRAPHY", "POINT(1 2)"),
            (ParameterValue::Interval(text("1-2 3 4:5:6")), "INTERVAL", "1-2 3 4:5:6"),
        ] {
            assert_eq!(
                encoded(value),
                json!({"name": "a", "parameterType": {"type": kind}, "parameterValue": {"value": expected}})
            );
        }
    }

    #[test]
    fn a_null_keeps_its_type() {
        assert_eq!(
            encoded(ParameterValue::Null(ParameterType::Array(Box::new(ParameterType::Date)))),
            json!({"name": "a", "parameterType": {"type": "ARRAY", "arrayType": {"type": "DATE"}}, "parameterValue": {"value": null}})
        );
    }

    #[test]
    fn an_array_may_be_empty_because_it_says_its_type() {
        assert_eq!(
            encoded(ParameterValue::Array { element: ParameterType::String, items: vec![] }),
            json!({"name": "a", "parameterType": {"type": "ARRAY", "arrayType": {"type": "STRING"}}, "parameterValue": {"arrayValues": []}})
        );
    }

    #[test]
    fn arrays_and_structs_nest() {
        let point = ParameterValue::Struct(vec![
            (text("x"), ParameterValue::Int64(1)),
            (
                text("y"),
                ParameterValue::Array { element: ParameterType::Bool, items: vec![ParameterValue::Bool(true)] },
            ),
        ]);
        let element = ParameterType::Struct(vec![
            (text("x"), ParameterType::Int64),
            (text("y"), ParameterType::Array(Box::new(ParameterType::Bool))),
        ]);
        assert_eq!(
            encoded(ParameterValue::Array { element, items: vec![point] }),
            json!({
                "name": "a",
                "parameterType": {"type": "ARRAY", "arrayType": {"type": "STRUCT", "structTypes": [
                    {"name": "x", "type": {"type": "INT64"}},
                    {"name": "y", "type": {"type": "ARRAY", "arrayType": {"type": "BOOL"}}}]}},
                "parameterValue": {"arrayValues": [
                    {"structValues": {"x": {"value": "1"}, "y": {"arrayValues": [{"value": "true"}]}}}]}
            })
        );
    }

    #[test]
    fn a_range_may_be_open() {
        let range = ParameterValue::Range { element: ParameterType::Date, start: Some(text("2026-01-01")), end: None };
        assert_eq!(
            encoded(range),
            json!({
                "name": "a",
                "parameterType": {"type": "RANGE", "rangeElementType": {"type": "DATE"}},
                "parameterValue": {"rangeValue": {"start": {"value": "2026-01-01"}, "end": {"value": null}}}
            })
        );
    }

    #[test]
    fn positional_parameters_have_no_name_and_no_parameters_say_nothing() {
        let members = to_request(&[Parameter { name: None, value: ParameterValue::Int64(1) }]).unwrap();
        assert_eq!(members["parameterMode"], "POSITIONAL");
        assert!(members["queryParameters"][0].get("name").is_none());
        assert!(to_request(&[]).unwrap().is_empty());
    }

    #[test]
    fn names_are_all_there_or_none_is_and_each_is_there_once() {
        let nameless = Parameter { name: None, value: ParameterValue::Int64(1) };
        let upper = Parameter { name: Some("A".into()), value: ParameterValue::Int64(1) };
        let first = named(ParameterValue::Int64(1));
        assert_eq!(refused(&[first.clone(), nameless.clone()]), "some parameters have a name and some have none");
        assert_eq!(refused(&[nameless, first.clone()]), "some parameters have a name and some have none");
        assert_eq!(refused(&[first, upper]), "parameter `A` is given twice");
        for name in ["", "@a"] {
            let parameter = Parameter { name: Some(name.into()), value: ParameterValue::Int64(1) };
            assert_eq!(refused(&[parameter]), format!("`{name}` is no parameter name"));
        }
    }

    #[test]
    fn what_bigquery_has_no_type_for_is_refused_with_the_parameter_s_name() {
        let array = |element, items| ParameterValue::Array { element, items };
        let twice = vec![(text("x"), ParameterValue::Int64(1)), (text("X"), ParameterValue::Int64(1))];
        let range = ParameterType::Range(Box::new(ParameterType::Int64));
        for (value, problem) in [
            (
                array(ParameterType::Int64, vec![ParameterValue::Int64(1), ParameterValue::Bool(true)]),
                "is an ARRAY<INT64> whose item 2 is of type BOOL",
            ),
            (
                array(ParameterType::Array(Box::new(ParameterType::Bool)), vec![]),
                "is an array of arrays, which BigQuery does not have; put each inner array into a struct",
            ),
            (ParameterValue::Struct(vec![]), "is a struct without fields"),
            (
                ParameterValue::Struct(vec![(text(""), ParameterValue::Int64(1))]),
                "is a struct with a field that has no name",
            ),
            (ParameterValue::Struct(twice), "is a struct that has the field `X` twice"),
            (ParameterValue::Null(range), "is a RANGE<INT64>; only DATE, DATETIME and TIMESTAMP have ranges"),
        ] {
            assert_eq!(refused(&[named(value)]), format!("parameter `a` {problem}"));
        }
        let nameless = Parameter { name: None, value: ParameterValue::Struct(vec![]) };
        assert_eq!(refused(&[nameless]), "parameter 1 is a struct without fields");
    }

    #[test]
    fn nesting_ends_where_bigquery_s_ends() {
        let nested = |depth| {
            (0..depth).fold(ParameterValue::Int64(1), |value, _| ParameterValue::Struct(vec![(text("x"), value)]))
        };
        assert!(to_request(&[named(nested(15))]).is_ok());
        assert!(refused(&[named(nested(1_000))]).contains("nested deeper than the 15 levels"));
    }
}
