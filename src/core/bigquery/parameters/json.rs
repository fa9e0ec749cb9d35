//! The REST form of a parameter's type and value.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value, json};

use super::{ParameterType, ParameterValue};

pub(super) fn of_type(kind: &ParameterType) -> Value {
    let mut described = json!({"type": kind.name()});
    match kind {
        ParameterType::Range(element) => described["rangeElementType"] = of_type(element),
        ParameterType::Array(element) => described["arrayType"] = of_type(element),
        ParameterType::Struct(fields) => {
            described["structTypes"] =
                fields.iter().map(|(name, kind)| json!({"name": name, "type": of_type(kind)})).collect();
        }
        _ => {}
    }
    described
}

pub(super) fn of_value(value: &ParameterValue) -> Value {
    match value {
        ParameterValue::Null(_) => json!({"value": null}),
        ParameterValue::Bool(value) => json!({"value": value.to_string()}),
        ParameterValue::Int64(value) => json!({"value": value.to_string()}),
        ParameterValue::Float64(value) => json!({"value": float(*value)}),
        ParameterValue::Bytes(value) => json!({"value": BASE64_STANDARD.encode(value)}),
        ParameterValue::String(text)
        | ParameterValue::Date(text)
        | ParameterValue::Time(text)
        | ParameterValue::DateTime(text)
        | ParameterValue::Timestamp(text)
        | ParameterValue::Numeric(text)
        | ParameterValue::BigNumeric(text)
        | ParameterValue::Json(text)
        | ParameterValue::Geography(text)
        | ParameterValue::Interval(text) => json!({"value": text}),
        ParameterValue::Range { start, end, .. } => {
            json!({"rangeValue": {"start": {"value": start}, "end": {"value": end}}})
        }
        ParameterValue::Array { items, .. } => {
            json!({"arrayValues": items.iter().map(of_value).collect::<Vec<_>>()})
        }
        ParameterValue::Struct(fields) => {
            let values = fields.iter().map(|(name, value)| (name.clone(), of_value(value)));
            json!({"structValues": values.collect::<Map<_, _>>()})
        }
    }
}

/// The shortest text that reads back as the same number.
fn float(value: f64) -> String {
    if value.is_nan() { "nan".into() } else { format!("{value:?}") }
}
