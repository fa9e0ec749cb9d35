//! The part of JSON Schema that Gemini serves: read, checked against answers, and written in the forms of the API.

mod dialect;
mod misfit;
mod parse;
mod size;

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
}
