//! Where and why an answer does not fit its shape, in words for a person and for the model that is asked once more.

use serde_json::{Map, Number, Value};

use super::{Kind, Property, Shape};

/// Longest path, value and list of allowed values in a message, in characters.
const LONGEST_PATH: usize = 120;
const LONGEST_VALUE: usize = 60;
const LONGEST_CHOICE: usize = 240;

/// The first problem of an answer: what it is, and the steps to its place, the innermost first.
struct Problem {
    steps: Vec<String>,
    told: String,
}

impl Problem {
    fn new(told: String) -> Self {
        Self { steps: Vec::new(), told }
    }

    fn inside(mut self, step: String) -> Self {
        self.steps.push(step);
        self
    }

    /// The end of a path says most.
    fn sentence(&self) -> String {
        let path: String = std::iter::once("$").chain(self.steps.iter().rev().map(String::as_str)).collect();
        let told = &self.told;
        match path.char_indices().rev().nth(LONGEST_PATH) {
            Some((start, _)) => format!("`…{}` {told}", &path[start..]),
            None => format!("`{path}` {told}"),
        }
    }
}

impl Shape {
    /// Says where and why `value` does not fit, if it does not: the first problem only, in a few hundred characters.
    #[must_use]
    pub fn misfit(&self, value: &Value) -> Option<String> {
        self.problem(value).map(|problem| problem.sentence())
    }

    fn problem(&self, value: &Value) -> Option<Problem> {
        let told = match (&self.kind, value) {
            (_, Value::Null) if self.nullable => None,
            (Kind::Text(allowed), Value::String(text)) => {
                let is_allowed = allowed.is_empty() || allowed.contains(text);
                (!is_allowed).then(|| not_allowed(text, allowed))
            }
            (Kind::Boolean, Value::Bool(_)) => None,
            (Kind::Number, Value::Number(number)) => self.outside(number),
            (Kind::Integer(allowed), Value::Number(number)) => match whole(number) {
                Some(whole) if allowed.is_empty() || allowed.contains(&whole) => self.outside(number),
                Some(whole) => Some(not_allowed(&whole.to_string(), allowed)),
                None => Some(self.kind.unlike(value)),
            },
            (Kind::List(items), Value::Array(values)) => match self.wrong_length(values.len()) {
                None => {
                    let mut placed = values.iter().enumerate();
                    return placed.find_map(|(at, item)| Some(items.problem(item)?.inside(format!("[{at}]"))));
                }
                told => told,
            },
            (Kind::Object(properties), Value::Object(map)) => {
                return properties.iter().find_map(|property| property.problem(map));
            }
            _ => Some(self.kind.unlike(value)),
        };
        told.map(Problem::new)
    }

    fn outside(&self, number: &Number) -> Option<String> {
        if self.limits.is_empty() {
            return None;
        }
        let value = number.as_f64()?;
        let limit = |name: &str| self.limits.get(name).and_then(Value::as_f64);
        let (bound, limit) = match (limit("minimum"), limit("maximum")) {
            (Some(least), _) if value < least => ("less than", least),
            (_, Some(most)) if value > most => ("more than", most),
            _ => return None,
        };
        Some(format!("is {number}, which is {bound} {limit}"))
    }

    fn wrong_length(&self, length: usize) -> Option<String> {
        let length = u64::try_from(length).ok()?;
        let limit = |name: &str| self.limits.get(name).and_then(Value::as_u64);
        let (bound, limit) = match (limit("minItems"), limit("maxItems")) {
            (Some(least), _) if length < least => ("fewer than", least),
            (_, Some(most)) if length > most => ("more than", most),
            _ => return None,
        };
        Some(format!("has {length} items, {bound} {limit}"))
    }
}

impl Property {
    fn problem(&self, map: &Map<String, Value>) -> Option<Problem> {
        let problem = match map.get(&self.name) {
            // An optional value may be left out or be null; both are a null in its column.
            None | Some(Value::Null) if !self.required => return None,
            None => Problem::new(format!("is missing, which must be {}", self.shape.kind.name())),
            Some(value) => self.shape.problem(value)?,
        };
        Some(problem.inside(format!(".{}", self.name)))
    }
}

impl Kind {
    fn unlike(&self, value: &Value) -> String {
        format!("is {}, not {}", described(value), self.name())
    }

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

fn not_allowed(value: &str, allowed: &[impl ToString]) -> String {
    let mut named: Vec<String> = Vec::new();
    let mut length = 0;
    for each in allowed {
        let each = format!("`{}`", shortened(&each.to_string(), LONGEST_VALUE));
        length += each.chars().count();
        if length > LONGEST_CHOICE {
            break;
        }
        named.push(each);
    }
    let others = allowed.len() - named.len();
    let mut choice = named.join(", ");
    if others > 0 {
        choice.push_str(" or ");
        choice.push_str(&others.to_string());
        choice.push_str(" others");
    }
    format!("is `{}`, which is not an allowed value: {choice}", shortened(value, LONGEST_VALUE))
}

/// A value short enough to be read, with its kind where quotes alone would not tell it.
fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
        Value::String(text) => format!("the string `{}`", shortened(text, LONGEST_VALUE)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Numbers that are whole, also written as `2.0`, as far as a number of either form holds them exactly.
fn whole(number: &Number) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "whole, and far below 2^63")]
    number.as_i64().or_else(|| {
        let value = number.as_f64()?;
        (value.fract() == 0.0 && value.abs() < 9.0e15).then_some(value as i64)
    })
}

fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::schema::parse;
    use serde_json::json;

    fn told(schema: &Value, value: &Value) -> Option<String> {
        let schema = json!({"type": "object", "properties": {"v": schema}, "required": ["v"]});
        parse(&schema, "$").unwrap().misfit(value)
    }

    #[test]
    fn a_misfit_says_where_it_is_and_what_was_found_and_expected() {
        let label = json!({"enum": ["STOP", "YIELD"]});
        let list = json!({"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 2});
        let sure = json!({"type": "number", "minimum": 0, "maximum": 1});
        let lanes = json!({"type": "integer", "enum": [1, 2]});
        for (schema, value, problem) in [
            (&label, json!({"v": "GO"}), "`$.v` is `GO`, which is not an allowed value: `STOP`, `YIELD`"),
            (&label, json!({}), "`$.v` is missing, which must be a string"),
            (&label, json!({"v": null}), "`$.v` is null, not a string"),
            (&label, json!("STOP"), "`$` is the string `STOP`, not an object"),
            (&list, json!({"v": ["2"]}), "`$.v[0]` is the string `2`, not a whole number"),
            (&list, json!({"v": [1, 2.5]}), "`$.v[1]` is `2.5`, not a whole number"),
            (&list, json!({"v": []}), "`$.v` has 0 items, fewer than 1"),
            (&list, json!({"v": [1, 2, 3]}), "`$.v` has 3 items, more than 2"),
            (&sure, json!({"v": 1.5}), "`$.v` is 1.5, which is more than 1"),
            (&sure, json!({"v": -1}), "`$.v` is -1, which is less than 0"),
            (&sure, json!({"v": true}), "`$.v` is `true`, not a number"),
            (&lanes, json!({"v": 3}), "`$.v` is `3`, which is not an allowed value: `1`, `2`"),
            (&lanes, json!({"v": "1"}), "`$.v` is the string `1`, not a whole number"),
        ] {
            assert_eq!(told(schema, &value).as_deref(), Some(problem));
        }
    }

    #[test]
    fn what_fits_has_no_misfit() {
        for (schema, value) in [
            (json!({"type": "integer"}), json!({"v": 2.0})),
            (json!({"type": "integer", "enum": [1, 2]}), json!({"v": 2.0, "extra": 1})),
            (json!({"type": ["string", "null"]}), json!({"v": null})),
            (json!({"type": "number", "minimum": 0, "maximum": 1}), json!({"v": 1})),
        ] {
            assert_eq!(told(&schema, &value), None);
        }
    }

    #[test]
    fn a_misfit_is_short_whatever_the_schema_and_the_answer_are() {
        let long = "ä".repeat(5_000);
        let labels: Vec<String> = (0..5_000).map(|number| format!("{long}{number}")).collect();
        let shape = Shape::labels(&long, labels);
        let problem = shape.misfit(&json!({long.clone(): long})).unwrap();
        assert!(problem.chars().count() < 700, "{problem}");
        assert!(problem.ends_with("others"), "{problem}");
    }
}
