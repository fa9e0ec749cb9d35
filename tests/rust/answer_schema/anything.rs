//! JSON without rhyme or reason.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const KEYWORDS: &[&str] = &[
    "type",
    "properties",
    "items",
    "prefixItems",
    "enum",
    "const",
    "anyOf",
    "oneOf",
    "allOf",
    "$ref",
    "$defs",
    "required",
    "nullable",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "format",
    "title",
    "description",
    "additionalProperties",
    "a",
];
const WORDS: &[&str] = &[
    "object",
    "array",
    "string",
    "integer",
    "number",
    "boolean",
    "null",
    "OBJECT",
    "#/$defs/a",
    "#",
    "a",
    "",
    "date",
    "7",
    "\u{0}",
];

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => select(WORDS).prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(|number| json!(number)),
        1 => any::<bool>().prop_map(Value::from),
        1 => Just(Value::Null),
    ]
}

/// Any JSON, its keys mostly those of JSON Schema.
pub(crate) fn any_json() -> BoxedStrategy<Value> {
    let tree = scalar().prop_recursive(6, 60, 6, |inner| {
        let named = (prop_oneof![9 => select(KEYWORDS).prop_map(str::to_owned), 1 => any::<String>()], inner.clone());
        prop_oneof![
            1 => vec(inner, 0..5).prop_map(Value::from),
            3 => vec(named, 0..6).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    });
    tree.boxed()
}

/// Any JSON that has at least a type, so that some of it is read deeply.
pub(crate) fn any_schema() -> BoxedStrategy<Value> {
    let of = |name: &'static str, keyword: &'static str| {
        any_json().prop_map(
            move |inner| json!({"type": name, keyword: {"a": inner.clone(), "b": {"type": "string", "enum": inner}}}),
        )
    };
    prop_oneof![any_json(), of("object", "properties"), of("array", "items"), of("object", "$defs")].boxed()
}

/// Any text, also such that begins like an answer.
pub(crate) fn any_answer() -> BoxedStrategy<String> {
    let json = any_json().prop_map(|value| value.to_string());
    prop_oneof![
        any::<String>(),
        json.clone(),
        json.clone().prop_map(|text| format!("```json\n{text}\n```")),
        (json, any::<prop::sample::Index>())
            .prop_map(|(text, at)| text.chars().take(at.index(text.len() + 1)).collect()),
    ]
    .boxed()
}
