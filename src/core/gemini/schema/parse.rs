//! Reads JSON Schema: references inlined, optional values found, and what Gemini cannot serve refused.

use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::HashSet;
use std::hash::Hash;

use super::{Kind, Property, Shape};
use crate::error::{Error, ErrorKind, Result};

const PASSED_ON: &[&str] = &["minimum", "maximum", "minItems", "maxItems", "title"];
const COUNTS: &[&str] = &["minItems", "maxItems"];
const STRING_FORMATS: &[&str] = &["date-time", "date", "time", "duration"];
const DEEPEST: usize = 12;
/// A few definitions that refer to each other often enough are a schema that fills the memory.
const MOST: usize = 10_000;

/// Reads a JSON Schema; refuses, naming the place below `root`, what Gemini would reject or silently empty.
pub fn parse(schema: &Value, root: &str) -> Result<Shape> {
    let definitions = ["$defs", "definitions"]
        .iter()
        .filter_map(|key| schema.get(key)?.as_object())
        .flat_map(|map| map.iter().map(|(name, value)| (name.clone(), value.clone())))
        .collect();
    let shape = Reader { definitions, read: Cell::new(0) }.shape(schema, root, &Trail::default())?;
    shape.check_size(root)?;
    Ok(shape)
}

struct Reader {
    definitions: Map<String, Value>,
    read: Cell<usize>,
}

/// How a place was come to: how deep it is, and the references followed.
#[derive(Default)]
struct Trail<'a> {
    depth: usize,
    references: Vec<&'a str>,
}

impl<'a> Trail<'a> {
    fn deeper(&self) -> Self {
        Self { depth: self.depth + 1, references: self.references.clone() }
    }

    fn after(&self, reference: &'a str) -> Self {
        let mut trail = self.deeper();
        trail.references.push(reference);
        trail
    }
}

impl Reader {
    fn shape<'a>(&'a self, schema: &'a Value, path: &str, trail: &Trail<'a>) -> Result<Shape> {
        if trail.depth > DEEPEST {
            return Err(refused(path, "is nested too deeply", "flatten the schema"));
        }
        self.read.set(self.read.get() + 1);
        if self.read.get() > MOST {
            let problem = format!("is one of more than {MOST} places, with references written out");
            return Err(refused(path, &problem, "split the schema"));
        }
        let map =
            schema.as_object().ok_or_else(|| refused(path, "is not a JSON Schema object", "write it as an object"))?;
        if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
            if trail.references.contains(&reference) {
                let problem = format!("refers to `{reference}` again, so answers could nest without end");
                return Err(refused(path, &problem, "write out the levels that are wanted"));
            }
            let mut shape = self.shape(self.definition(reference, path)?, path, &trail.after(reference))?;
            shape.description = text(map, "description").or(shape.description);
            return Ok(shape);
        }
        let branches = ["anyOf", "oneOf", "allOf"].iter().find_map(|key| map.get(*key)?.as_array());
        if let Some(branches) = branches {
            return self.optional(map, branches, path, trail);
        }
        let (kind_name, null_in_type) = type_name(map, path)?;
        let kind = self.kind(&kind_name, map, path, trail)?;
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
    fn optional<'a>(
        &'a self,
        map: &Map<String, Value>,
        branches: &'a [Value],
        path: &str,
        trail: &Trail<'a>,
    ) -> Result<Shape> {
        let is_null = |branch: &&Value| branch.get("type").and_then(Value::as_str) == Some("null");
        let rest: Vec<&'a Value> = branches.iter().filter(|branch| !is_null(branch)).collect();
        let [only] = rest.as_slice() else {
            return Err(refused(path, "is a union of several types", "use one type, or one property for each"));
        };
        let mut shape = self.shape(only, path, &trail.deeper())?;
        shape.nullable |= rest.len() < branches.len();
        shape.description = text(map, "description").or(shape.description);
        Ok(shape)
    }

    fn kind<'a>(&'a self, name: &str, map: &'a Map<String, Value>, path: &str, trail: &Trail<'a>) -> Result<Kind> {
        Ok(match name {
            "string" => Kind::Text(allowed_texts(map, path)?),
            "integer" => Kind::Integer(allowed_integers(map, path)?),
            "number" | "boolean" if map.contains_key("enum") || map.contains_key("const") => {
                return Err(refused(
                    path,
                    "lists allowed values that are neither strings nor integers",
                    "write them as strings, with the type `string`",
                ));
            }
            "number" => Kind::Number,
            "boolean" => Kind::Boolean,
            "array" => Kind::List(Box::new(self.items(map, path, trail)?)),
            "object" => self.object(map, path, trail)?,
            other => return Err(refused(path, &format!("has the unknown type `{other}`"), "use a JSON Schema type")),
        })
    }

    /// What a list holds; a tuple is a list whose places hold the same.
    fn items<'a>(&'a self, map: &'a Map<String, Value>, path: &str, trail: &Trail<'a>) -> Result<Shape> {
        let inside = format!("{path}[]");
        if let Some(items) = map.get("items").filter(|items| items.is_object()) {
            return self.shape(items, &inside, &trail.deeper());
        }
        let places = map.get("prefixItems").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let Some((first, others)) = places.split_first() else {
            return Err(refused(path, "is a list of anything", "say what it holds: give it `items`"));
        };
        if others.iter().any(|other| other != first) {
            return Err(refused(path, "is a list of several types", "use an object with a name for each"));
        }
        self.shape(first, &inside, &trail.deeper())
    }

    fn object<'a>(&'a self, map: &'a Map<String, Value>, path: &str, trail: &Trail<'a>) -> Result<Kind> {
        let properties = map.get("properties").and_then(Value::as_object).filter(|properties| !properties.is_empty());
        let properties = properties.ok_or_else(|| {
            refused(
                path,
                "is an object without named properties, which Gemini answers with an empty one",
                "name its properties, or make it a list of objects with a name and a value",
            )
        })?;
        let describes = |key: &str| map.get(key).and_then(Value::as_object).is_some_and(|others| !others.is_empty());
        if let Some(key) = ["additionalProperties", "patternProperties"].into_iter().find(|key| describes(key)) {
            let problem = format!("has `{key}`, whose names nobody knows before, so that they have no columns");
            return Err(refused(path, &problem, "name them all, or use a list of objects with a name and a value"));
        }
        let required = map.get("required").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let is_unknown = |name: &&Value| name.as_str().is_none_or(|name| !properties.contains_key(name));
        if let Some(unknown) = required.iter().find(is_unknown) {
            let problem = format!("requires {unknown}, which is not among its properties");
            return Err(refused(path, &problem, "require names of `properties` only"));
        }
        let is_required = |name: &String| required.iter().any(|other| other == name);
        let read = |(name, schema): (&'a String, &'a Value)| -> Result<Property> {
            if name.trim().is_empty() || name.chars().any(char::is_control) {
                let problem = format!("has a property named {name:?}");
                return Err(refused(path, &problem, "name properties without control characters: they name columns"));
            }
            let shape = self.shape(schema, &format!("{path}.{name}"), &trail.deeper())?;
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
        _ => Err(refused(path, "has no type, so it could be anything", "give it one, for example a string")),
    }
}

/// What `enum` or `const` allows, if either is there.
fn allowed(map: &Map<String, Value>) -> Option<&[Value]> {
    match (map.get("const"), map.get("enum")) {
        (Some(value), _) => Some(std::slice::from_ref(value)),
        (None, Some(Value::Array(values))) => Some(values.as_slice()),
        _ => None,
    }
}

fn allowed_texts(map: &Map<String, Value>, path: &str) -> Result<Vec<String>> {
    let read = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    distinct(map, path, "a text", "write it as a non-empty string", read)
}

/// Whole numbers, also as the strings that Google's own form has for them.
fn allowed_integers(map: &Map<String, Value>, path: &str) -> Result<Vec<i64>> {
    let read = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
    distinct(map, path, "a whole number", "list whole numbers, or use the type `string`", read)
}

fn distinct<T: Clone + Eq + Hash>(
    map: &Map<String, Value>,
    path: &str,
    wanted: &str,
    fix: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<T>> {
    let Some(values) = allowed(map) else { return Ok(Vec::new()) };
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    for value in values.iter().filter(|value| !value.is_null()) {
        let read =
            read(value).ok_or_else(|| refused(path, &format!("allows `{value}`, which is not {wanted}"), fix))?;
        if !known.insert(read.clone()) {
            return Err(refused(path, &format!("allows `{value}` twice"), "list each value once"));
        }
        found.push(read);
    }
    if found.is_empty() {
        return Err(refused(path, "allows no value at all", "list at least one"));
    }
    Ok(found)
}

fn limits(map: &Map<String, Value>, kind: &str) -> Map<String, Value> {
    let mut limits: Map<String, Value> = map
        .iter()
        .filter(|(key, _)| PASSED_ON.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), limit(key, value)))
        .collect();
    let format = map.get("format").and_then(Value::as_str);
    if let Some(format) = format.filter(|format| kind == "string" && STRING_FORMATS.contains(format)) {
        limits.insert("format".into(), Value::String(format.to_owned()));
    }
    limits
}

/// Google writes counts as strings, and so may those who copy its schemas.
fn limit(key: &str, value: &Value) -> Value {
    match value {
        Value::String(count) if COUNTS.contains(&key) => {
            count.parse::<u64>().map_or_else(|_| value.clone(), Value::from)
        }
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
        let shape = parse(
            &json!({
                "type": "object",
                "$defs": {"Colour": {"enum": ["red", "white"], "type": "string"}},
                "properties": {
                    "colour": {"$ref": "#/$defs/Colour"},
                    "speed": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                    "tags": {"type": "array", "minItems": 1, "items": {"type": ["string", "null"]}}
                },
                "required": ["colour"]
            }),
            "$",
        )
        .unwrap();
        let Kind::Object(properties) = shape.kind else { panic!("{shape:?}") };
        assert_eq!(properties[0].shape.kind, Kind::Text(vec!["red".into(), "white".into()]));
        assert!(properties[1].shape.nullable && properties[1].shape.kind == Kind::Integer(vec![]));
        assert_eq!(properties[2].shape.limits["minItems"], 1);
        assert!(matches!(&properties[2].shape.kind, Kind::List(items) if items.nullable));
        assert_eq!(properties.iter().map(|property| property.required).collect::<Vec<_>>(), [true, false, false]);
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
            (json!({"type": "object", "properties": {"a": {"type": "integer", "enum": [1, "x"]}}}), "`$.a`"),
            (json!({"$defs": {"A": {"$ref": "#/$defs/A"}}, "$ref": "#/$defs/A"}), "`$`"),
            (json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["b"]}), "`$`"),
            (json!({"type": "object", "properties": {"a\n": {"type": "string"}}}), "`$`"),
            (
                json!({"properties": {"a": {"type": "string"}}, "additionalProperties": {"type": "string"}}),
                "`additionalProperties`",
            ),
            (json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}]}), "`$`"),
        ] {
            let error = parse(&schema, "$").unwrap_err();
            assert!(error.kind() == ErrorKind::Schema && error.message().contains(place), "{error}");
        }
    }

    #[test]
    fn a_schema_inside_itself_is_refused_where_it_begins_anew() {
        let node =
            json!({"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}}});
        let error = parse(&json!({"$defs": {"Node": node}, "$ref": "#/$defs/Node"}), "Node").unwrap_err();
        assert_eq!(
            error.message(),
            "the schema at `Node.children[]` refers to `#/$defs/Node` again, so answers could nest without end"
        );
    }

    #[test]
    fn a_tuple_of_one_type_is_a_list_and_a_lone_branch_is_itself() {
        let tuple = json!({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "integer"}], "maxItems": 2});
        let list = json!({"type": "array", "items": {"allOf": [{"type": "integer"}]}, "maxItems": 2});
        assert_eq!(parse(&tuple, "$").unwrap(), parse(&list, "$").unwrap());
    }

    #[test]
    fn definitions_that_multiply_are_refused_before_they_fill_the_memory() {
        let of = |name: &str| -> Value {
            let properties: Map<String, Value> =
                (0..100).map(|at| (format!("p{at}"), json!({"$ref": format!("#/$defs/{name}")}))).collect();
            json!({"type": "object", "properties": properties})
        };
        let last = json!({"type": "string"});
        let schema =
            json!({"$ref": "#/$defs/A", "$defs": {"A": of("B"), "B": of("C"), "C": of("D"), "D": of("E"), "E": last}});
        assert!(parse(&schema, "$").unwrap_err().message().contains("10000 places"));
    }

    #[test]
    fn a_value_listed_twice_or_none_at_all_is_refused() {
        for schema in [json!({"enum": ["a", "a"]}), json!({"enum": [null]}), json!({"type": "integer", "enum": [1, 1]})]
        {
            assert!(parse(&schema, "$").unwrap_err().message().contains("allows"), "{schema}");
        }
    }
}
