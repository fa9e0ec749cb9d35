//! Reads JSON Schema: references inlined, optional values found, and what Gemini cannot serve refused.

use serde_json::{Map, Value};

use super::{Kind, Property, Shape};
use crate::error::{Error, ErrorKind, Result};

const PASSED_ON: &[&str] = &["minimum", "maximum", "minItems", "maxItems", "title"];
const COUNTS: &[&str] = &["minItems", "maxItems"];
const STRING_FORMATS: &[&str] = &["date-time", "date", "time", "duration"];
const DEEPEST: usize = 12;

/// Reads a JSON Schema; refuses, naming the place, what Gemini would reject or silently empty.
pub fn parse(schema: &Value) -> Result<Shape> {
    let definitions = ["$defs", "definitions"]
        .iter()
        .filter_map(|key| schema.get(key)?.as_object())
        .flat_map(|map| map.iter().map(|(name, value)| (name.clone(), value.clone())))
        .collect();
    Reader { definitions }.shape(schema, "$", 0)
}

struct Reader {
    definitions: Map<String, Value>,
}

impl Reader {
    fn shape(&self, schema: &Value, path: &str, depth: usize) -> Result<Shape> {
        if depth > DEEPEST {
            return Err(refused(path, "is nested too deeply or refers to itself", "flatten the schema"));
        }
        let map =
            schema.as_object().ok_or_else(|| refused(path, "is not a JSON Schema object", "write it as an object"))?;
        if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
            let mut shape = self.shape(self.definition(reference, path)?, path, depth + 1)?;
            shape.description = text(map, "description").or(shape.description);
            return Ok(shape);
        }
        if let Some(branches) = map.get("anyOf").or_else(|| map.get("oneOf")).and_then(Value::as_array) {
            return self.optional(map, branches, path, depth);
        }
        let (kind_name, null_in_type) = type_name(map, path)?;
        let kind = self.kind(&kind_name, map, path, depth)?;
        let null_in_enum =
            map.get("enum").and_then(Value::as_array).is_some_and(|values| values.contains(&Value::Null));
        let nullable = null_in_type || null_in_enum || map.get("nullable") == Some(&Value::Bool(true));
        Ok(Shape { kind, nullable, description: text(map, "description"), limits: limits(map, &kind_name) })
    }

    fn definition(&self, reference: &str, path: &str) -> Result<&Value> {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        self.definitions.get(name).ok_or_else(|| {
            refused(path, &format!("refers to `{reference}`, which the schema does not define"), "add it to `$defs`")
        })
    }

    /// `anyOf` with a null branch is an optional value; other unions are beyond typed columns.
    fn optional(&self, map: &Map<String, Value>, branches: &[Value], path: &str, depth: usize) -> Result<Shape> {
        let is_null = |branch: &&Value| branch.get("type").and_then(Value::as_str) == Some("null");
        let rest: Vec<&Value> = branches.iter().filter(|branch| !is_null(branch)).collect();
        let [only] = rest.as_slice() else {
            return Err(refused(path, "is a union of several types", "use one type, or one property for each"));
        };
        let mut shape = self.shape(only, path, depth + 1)?;
        shape.nullable |= rest.len() < branches.len();
        shape.description = text(map, "description").or(shape.description);
        Ok(shape)
    }

    fn kind(&self, name: &str, map: &Map<String, Value>, path: &str, depth: usize) -> Result<Kind> {
        Ok(match name {
            "string" => Kind::Text(allowed_texts(map, path)?),
            "integer" | "number" | "boolean" if map.contains_key("enum") || map.contains_key("const") => {
                return Err(refused(path, "lists allowed values that are not strings", "write them as strings"));
            }
            "integer" => Kind::Integer,
            "number" => Kind::Number,
            "boolean" => Kind::Boolean,
            "array" => {
                let items =
                    map.get("items").ok_or_else(|| refused(path, "is a list of anything", "give it `items`"))?;
                Kind::List(Box::new(self.shape(items, &format!("{path}[]"), depth + 1)?))
            }
            "object" => self.object(map, path, depth)?,
            other => return Err(refused(path, &format!("has the unknown type `{other}`"), "use a JSON Schema type")),
        })
    }

    fn object(&self, map: &Map<String, Value>, path: &str, depth: usize) -> Result<Kind> {
        let properties = map.get("properties").and_then(Value::as_object).filter(|properties| !properties.is_empty());
        let properties = properties.ok_or_else(|| {
            refused(
                path,
                "is an object without `properties`, which Gemini answers with an empty one",
                "name its properties",
            )
        })?;
        let required = map.get("required").and_then(Value::as_array);
        let is_required = |name: &String| required.is_some_and(|names| names.iter().any(|other| other == name));
        let read = |(name, schema): (&String, &Value)| -> Result<Property> {
            let shape = self.shape(schema, &format!("{path}.{name}"), depth + 1)?;
            Ok(Property { name: name.clone(), shape, required: is_required(name) })
        };
        Ok(Kind::Object(properties.iter().map(read).collect::<Result<_>>()?))
    }
}

fn type_name(map: &Map<String, Value>, path: &str) -> Result<(String, bool)> {
    match map.get("type") {
        Some(Value::String(name)) => Ok((name.to_ascii_lowercase(), false)),
        Some(Value::Array(names)) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            let rest: Vec<&str> = names.iter().copied().filter(|name| *name != "null").collect();
            match rest.as_slice() {
                [only] => Ok(((*only).to_ascii_lowercase(), rest.len() < names.len())),
                _ => Err(refused(path, "has several types", "use one type, or one property for each")),
            }
        }
        _ if map.contains_key("properties") => Ok(("object".to_owned(), false)),
        _ if map.contains_key("enum") || map.contains_key("const") => Ok(("string".to_owned(), false)),
        _ => Err(refused(path, "has no `type`", "give it one")),
    }
}

fn allowed_texts(map: &Map<String, Value>, path: &str) -> Result<Vec<String>> {
    let values = match (map.get("const"), map.get("enum")) {
        (Some(value), _) => std::slice::from_ref(value),
        (None, Some(Value::Array(values))) => values.as_slice(),
        _ => return Ok(Vec::new()),
    };
    let mut texts = Vec::new();
    for value in values.iter().filter(|value| !value.is_null()) {
        match value.as_str() {
            Some(text) if !text.is_empty() => texts.push(text.to_owned()),
            _ => {
                return Err(refused(path, &format!("allows `{value}`, which is not a text"), "list non-empty strings"));
            }
        }
    }
    if texts.is_empty() {
        return Err(refused(path, "allows no value at all", "list at least one string"));
    }
    Ok(texts)
}

fn limits(map: &Map<String, Value>, kind: &str) -> Map<String, Value> {
    let mut limits: Map<String, Value> = map
        .iter()
        .filter(|(key, _)| PASSED_ON.contains(&key.as_str()))
        .map(|(k, v)| (k.clone(), limit(k, v)))
        .collect();
    let format = map.get("format").and_then(Value::as_str);
    if let Some(format) = format.filter(|format| kind == "string" && STRING_FORMATS.contains(format)) {
        limits.insert("format".into(), Value::String(format.to_owned()));
    }
    limits
}

/// 64-bit integers are strings in Google's JSON.
fn limit(key: &str, value: &Value) -> Value {
    match value {
        Value::Number(count) if COUNTS.contains(&key) => Value::String(count.to_string()),
        other => other.clone(),
    }
}

fn text(map: &Map<String, Value>, key: &str) -> Option<String> {
    map.get(key)?.as_str().map(str::to_owned)
}

fn refused(path: &str, problem: &str, fix: &str) -> Error {
    Error::new(ErrorKind::Schema, format!("the schema at `{path}` {problem}")).with_hint(fix)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_are_inlined_and_optionals_become_nullable() {
        let shape = parse(&json!({
            "type": "object",
            "$defs": {"Colour": {"enum": ["red", "white"], "type": "string"}},
            "properties": {
                "colour": {"$ref": "#/$defs/Colour"},
                "speed": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "tags": {"type": "array", "minItems": 1, "items": {"type": ["string", "null"]}}
            },
            "required": ["colour"]
        }))
        .unwrap();
        assert_eq!(
            shape.to_response_schema(),
            json!({
                "type": "OBJECT",
                "properties": {
                    "colour": {"type": "STRING", "format": "enum", "enum": ["red", "white"]},
                    "speed": {"type": "INTEGER", "nullable": true},
                    "tags": {"type": "ARRAY", "minItems": "1", "items": {"type": "STRING", "nullable": true}}
                },
                "required": ["colour"],
                "propertyOrdering": ["colour", "speed", "tags"]
            })
        );
    }

    #[test]
    fn what_gemini_would_empty_or_reject_is_refused_with_its_place() {
        for (schema, place) in [
            (json!({"type": "object"}), "`$`"),
            (json!({"type": "object", "properties": {"a": {"type": "object"}}}), "`$.a`"),
            (
                json!({"type": "object", "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}}),
                "`$.a`",
            ),
            (json!({"type": "object", "properties": {"a": {"type": "array"}}}), "`$.a`"),
            (json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/B"}}}), "`$.a`"),
            (json!({"type": "object", "properties": {"a": {"type": "integer", "enum": [1, 2]}}}), "`$.a`"),
            (json!({"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}), "`$`"),
        ] {
            let error = parse(&schema).unwrap_err();
            assert!(error.kind() == ErrorKind::Schema && error.message().contains(place), "{error}");
        }
    }

    #[test]
    fn a_misfit_is_told_with_its_place() {
        let shape = parse(&json!({
            "type": "object",
            "properties": {"label": {"enum": ["STOP"]}, "count": {"type": "integer"}, "note": {"type": "string"}},
            "required": ["label", "count"]
        }))
        .unwrap();
        assert_eq!(shape.misfit(&json!({"label": "STOP", "count": 2})), None);
        assert_eq!(shape.misfit(&json!({"label": "STOP", "count": 2.0, "note": null})), None);
        for (value, told) in [
            (json!({"label": "GO", "count": 2}), "`$.label` is `GO`, which is not an allowed value"),
            (json!({"label": "STOP"}), "`$.count` is missing"),
            (json!({"label": "STOP", "count": "2"}), "`$.count` is not a whole number"),
            (json!("STOP"), "`$` is not an object"),
        ] {
            assert_eq!(shape.misfit(&value).as_deref(), Some(told));
        }
    }
}
