//! A shape in each of the forms in which Gemini takes a schema.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Kind, Property, Shape};

/// Counts are 64-bit integers of the API, which are strings in Google's JSON.
const COUNTS: &[&str] = &["minItems", "maxItems"];

/// How a model takes the schema of its answers; the catalogue says it for each model.
///
/// * `response_schema`: an OpenAPI subset with upper-case types and `propertyOrdering`. Every model takes it, so it is
///   also for models that the catalogue does not know, and for the 2.x models, which keep the order of properties
///   only by `propertyOrdering`.
/// * `response_json_schema`: JSON Schema, for the 3.x models. They keep the order in which properties are declared,
///   and take integer enums and `additionalProperties: false`, which `response_schema` has no plain form for.
/// * `response_format`: the same JSON Schema in the field that Google's API description of 2026-11-06 wants instead of
///   the two above, which it calls deprecated but still describes. No public exchange shows it at work yet, and
///   `generate_content` of Google's own google-genai 3.4 cannot send it, so no model of the catalogue uses it; a model
///   that refuses the old fields needs this word in the catalogue and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// `responseSchema` with `responseMimeType`.
    #[default]
    ResponseSchema,
    /// `responseJsonSchema` with `responseMimeType`.
    ResponseJsonSchema,
    /// `responseFormat`.
    ResponseFormat,
}

impl Shape {
    /// The fields of `generationConfig` that ask for answers of this shape.
    #[must_use]
    pub fn to_configuration(&self, dialect: Dialect) -> Map<String, Value> {
        let configuration = match dialect {
            Dialect::ResponseSchema => {
                vec![("responseMimeType", json!("application/json")), ("responseSchema", openapi(self))]
            }
            Dialect::ResponseJsonSchema => {
                vec![("responseMimeType", json!("application/json")), ("responseJsonSchema", json_schema(self))]
            }
            Dialect::ResponseFormat => {
                let text = json!({"mimeType": "APPLICATION_JSON", "schema": json_schema(self)});
                vec![("responseFormat", json!([{"text": text}]))]
            }
        };
        configuration.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }
}

fn openapi(shape: &Shape) -> Value {
    let mut schema = Map::new();
    let mut set = |key: &str, value: Value| drop(schema.insert(key.to_owned(), value));
    match &shape.kind {
        Kind::Text(allowed) => {
            set("type", json!("STRING"));
            if !allowed.is_empty() {
                set("format", json!("enum"));
                set("enum", json!(allowed));
            }
        }
        Kind::Integer(allowed) => {
            set("type", json!("INTEGER"));
            if !allowed.is_empty() {
                set("format", json!("enum"));
                set("enum", allowed.iter().map(i64::to_string).collect());
            }
        }
        Kind::Number => set("type", json!("NUMBER")),
        Kind::Boolean => set("type", json!("BOOLEAN")),
        Kind::List(items) => {
            set("type", json!("ARRAY"));
            set("items", openapi(items));
        }
        Kind::Object(properties) => {
            set("type", json!("OBJECT"));
            set("properties", each(properties, openapi));
            if let Some(required) = required(properties) {
                set("required", required);
            }
            if properties.len() > 1 {
                set("propertyOrdering", properties.iter().map(|property| property.name.as_str()).collect());
            }
        }
    }
    if shape.nullable {
        set("nullable", json!(true));
    }
    if let Some(description) = &shape.description {
        set("description", json!(description));
    }
    for (key, value) in &shape.limits {
        match value {
            Value::Number(count) if COUNTS.contains(&key.as_str()) => set(key, json!(count.to_string())),
            other => set(key, other.clone()),
        }
    }
    Value::Object(schema)
}

fn json_schema(shape: &Shape) -> Value {
    let mut schema = Map::new();
    let mut set = |key: &str, value: Value| drop(schema.insert(key.to_owned(), value));
    match &shape.kind {
        Kind::Text(allowed) => {
            set("type", json!("string"));
            if !allowed.is_empty() {
                set("enum", json!(allowed));
            }
        }
        Kind::Integer(allowed) => {
            set("type", json!("integer"));
            if !allowed.is_empty() {
                set("enum", json!(allowed));
            }
        }
        Kind::Number => set("type", json!("number")),
        Kind::Boolean => set("type", json!("boolean")),
        Kind::List(items) => {
            set("type", json!("array"));
            set("items", json_schema(items));
        }
        Kind::Object(properties) => {
            set("type", json!("object"));
            set("properties", each(properties, json_schema));
            if let Some(required) = required(properties) {
                set("required", required);
            }
            set("additionalProperties", json!(false));
        }
    }
    for (key, value) in &shape.limits {
        set(key, value.clone());
    }
    if shape.nullable {
        // Batch prediction fails as a whole on a list of types and on a null in `enum`, so it is a branch of its own.
        schema = Map::from_iter([("anyOf".to_owned(), json!([schema, {"type": "null"}]))]);
    }
    if let Some(description) = &shape.description {
        schema.insert("description".to_owned(), json!(description));
    }
    Value::Object(schema)
}

fn each(properties: &[Property], write: fn(&Shape) -> Value) -> Value {
    let shapes = properties.iter().map(|property| (property.name.clone(), write(&property.shape)));
    Value::Object(shapes.collect())
}

fn required(properties: &[Property]) -> Option<Value> {
    let names: Vec<&str> =
        properties.iter().filter(|property| property.required).map(|property| property.name.as_str()).collect();
    (!names.is_empty()).then(|| json!(names))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::schema::parse;

    fn shape() -> Shape {
        let schema = json!({
            "type": "object",
            "$defs": {"Colour": {"enum": ["red", "white"], "type": "string"}},
            "properties": {
                "colour": {"$ref": "#/$defs/Colour", "description": "of the sign"},
                "speed": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "in mph"},
                "lanes": {"type": "integer", "enum": [1, 2]},
                "tags": {"type": "array", "minItems": 1, "items": {"type": ["string", "null"]}}
            },
            "required": ["colour"]
        });
        parse(&schema, "$").unwrap()
    }

    #[test]
    fn response_schema_is_openapi_with_the_order_of_properties() {
        assert_eq!(
            Value::Object(shape().to_configuration(Dialect::ResponseSchema)),
            json!({"responseMimeType": "application/json", "responseSchema": {
                "type": "OBJECT",
                "properties": {
                    "colour": {"type": "STRING", "format": "enum", "enum": ["red", "white"], "description": "of the sign"},
                    "speed": {"type": "INTEGER", "nullable": true, "description": "in mph"},
                    "lanes": {"type": "INTEGER", "format": "enum", "enum": ["1", "2"]},
                    "tags": {"type": "ARRAY", "minItems": "1", "items": {"type": "STRING", "nullable": true}}
                },
                "required": ["colour"],
                "propertyOrdering": ["colour", "speed", "lanes", "tags"]
            }})
        );
    }

    fn expected_json_schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "colour": {"type": "string", "enum": ["red", "white"], "description": "of the sign"},
                "speed": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "in mph"},
                "lanes": {"type": "integer", "enum": [1, 2]},
                "tags": {"type": "array", "minItems": 1, "items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}
            },
            "required": ["colour"],
            "additionalProperties": false
        })
    }

    #[test]
    fn response_json_schema_is_json_schema_in_declared_order() {
        let configuration = shape().to_configuration(Dialect::ResponseJsonSchema);
        assert_eq!(configuration["responseMimeType"], "application/json");
        let sent = &configuration["responseJsonSchema"];
        assert_eq!(*sent, expected_json_schema());
        let names: Vec<&String> = sent["properties"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["colour", "speed", "lanes", "tags"]);
    }

    #[test]
    fn response_format_carries_the_same_json_schema_and_no_other_field() {
        assert_eq!(
            Value::Object(shape().to_configuration(Dialect::ResponseFormat)),
            json!({"responseFormat": [{"text": {"mimeType": "APPLICATION_JSON", "schema": expected_json_schema()}}]})
        );
    }

    #[test]
    fn every_dialect_is_read_back_as_the_shape_it_was_written_from() {
        let shape = shape();
        assert_eq!(parse(&json_schema(&shape), "$").unwrap(), shape);
        assert_eq!(parse(&openapi(&shape), "$").unwrap(), shape);
    }
}
