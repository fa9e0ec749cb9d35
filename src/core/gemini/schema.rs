//! The part of JSON Schema that Gemini serves: read, checked against answers, and written in the API's form.

mod dialect;
mod parse;

use serde_json::{Map, Value};

pub use dialect::Dialect;
pub use parse::parse;

/// A value's shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// What it is.
    pub kind: Kind,
    /// Whether it may be null.
    pub nullable: bool,
    /// What the model is told about it.
    pub description: Option<String>,
    /// Limits passed on as they are: `minimum`, `maximum`, `minItems`, `maxItems`, `format`, `title`; counts are numbers.
    pub limits: Map<String, Value>,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Text, or one of a list of texts when the list is not empty.
    Text(Vec<String>),
    /// A whole number, or one of a list of them when the list is not empty.
    Integer(Vec<i64>),
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    List(Box<Shape>),
    /// Named values in the order they are asked for.
    Object(Vec<Property>),
}

/// One named value of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Shape,
    /// Whether an answer must hold it.
    pub required: bool,
}

impl Shape {
    /// A shape without description and limits.
    #[must_use]
    pub fn of(kind: Kind) -> Self {
        Self { kind, nullable: false, description: None, limits: Map::new() }
    }

    /// An object with one required property that is one of these labels.
    #[must_use]
    pub fn labels(property: &str, labels: Vec<String>) -> Self {
        let shape = Self::of(Kind::Text(labels));
        Self::of(Kind::Object(vec![Property { name: property.to_owned(), shape, required: true }]))
    }

    /// Says where and why `value` does not fit, if it does not.
    #[must_use]
    pub fn misfit(&self, value: &Value) -> Option<String> {
        self.misfit_at(value, "$")
    }

    fn misfit_at(&self, value: &Value, path: &str) -> Option<String> {
        if value.is_null() {
            return (!self.nullable).then(|| format!("`{path}` is null"));
        }
        let expected = match (&self.kind, value) {
            (Kind::Text(allowed), Value::String(text)) => {
                let fits = allowed.is_empty() || allowed.contains(text);
                return (!fits).then(|| format!("`{path}` is `{}`, which is not an allowed value", shortened(text)));
            }
            (Kind::Number, Value::Number(_)) | (Kind::Boolean, Value::Bool(_)) => return None,
            (Kind::Integer(_), Value::Number(number)) if is_whole(number) => return None,
            (Kind::List(items), Value::Array(values)) => {
                let mut items_with_place = values.iter().enumerate();
                return items_with_place.find_map(|(at, item)| items.misfit_at(item, &format!("{path}[{at}]")));
            }
            (Kind::Object(properties), Value::Object(map)) => return object_misfit(properties, map, path),
            (kind, _) => kind.name(),
        };
        Some(format!("`{path}` is not {expected}"))
    }
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "a boolean",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

fn object_misfit(properties: &[Property], map: &Map<String, Value>, path: &str) -> Option<String> {
    properties.iter().find_map(|property| {
        let name = format!("{path}.{}", property.name);
        match map.get(&property.name) {
            // An optional value may be left out or be null; both are a null in its column.
            None | Some(Value::Null) if !property.required => None,
            None => Some(format!("`{name}` is missing")),
            Some(value) => property.shape.misfit_at(value, &name),
        }
    })
}

fn is_whole(number: &serde_json::Number) -> bool {
    number.is_i64() || number.as_f64().is_some_and(|value| value.fract() == 0.0 && value.abs() < 9.0e15)
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
