//! How large a schema is for the service, which turns it into an automaton of a limited number of states.

use super::{Kind, Property, Shape};
use crate::error::{Error, ErrorKind, Result};

/// About as many states as the service serves.
///
/// Google publishes no number. Measured in public with gemini-3-flash-preview (googleapis/python-genai#2170 and #2133):
/// lists whose `maxItems` add up to 952 are taken and to 972 refused, each property weighing about two; enums of 225
/// texts of about four tokens are taken and of 240 or 300 refused; and a list of eight objects with an enum of eight
/// file names, refused, shows that a list holds its items as often as it may be long. That is one budget of about 950.
const SERVED: u64 = 950;
/// Models and modes differ, so only a schema ten times as large is refused here, and a smaller one is warned about.
const REFUSED: u64 = 10 * SERVED;
/// A tokenizer's usual length of a token in characters.
const TOKEN: u64 = 4;
/// What limits of a number and the format of a text weigh: Google names them as causes without a number.
const MATCHER: u64 = 4;

impl Shape {
    /// Refuses what is far too large to be served; `root` names the whole schema.
    pub fn check_size(&self, root: &str) -> Result<()> {
        let states = self.states();
        if states <= REFUSED {
            return Ok(());
        }
        let (place, cause) = self.heaviest(root);
        let problem = format!("the schema at `{place}` has too many states for serving: {cause}");
        Err(Error::new(ErrorKind::Schema, problem).with_hint(REMEDY))
    }

    /// What may go wrong with this schema without being sure to, one sentence each; `root` names the whole of it.
    #[must_use]
    pub fn warnings(&self, root: &str) -> Vec<String> {
        if self.states() <= SERVED {
            return Vec::new();
        }
        let (place, cause) = self.heaviest(root);
        vec![format!(
            "the schema may be refused as having too many states, most of them at `{place}`: {cause}; {REMEDY}"
        )]
    }

    /// An estimate of the automaton's states.
    fn states(&self) -> u64 {
        let inner = match &self.kind {
            Kind::Text(allowed) => allowed.iter().map(|text| tokens(text)).fold(0, u64::saturating_add).max(1),
            Kind::Integer(allowed) => u64::try_from(allowed.len()).unwrap_or(u64::MAX).max(1),
            Kind::Number | Kind::Boolean => 1,
            Kind::List(items) => items.states().saturating_mul(self.copies()),
            Kind::Object(properties) => properties.iter().map(Property::states).fold(1, u64::saturating_add),
        };
        let matchers = ["minimum", "maximum", "format"].iter().filter(|name| self.limits.contains_key(**name));
        matchers.fold(inner, |states, _| states.saturating_add(MATCHER))
    }

    /// How often a list's items are written out.
    fn copies(&self) -> u64 {
        let count = |name: &str| self.limits.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
        count("maxItems").max(count("minItems")).max(1)
    }

    /// Where most of the states come from, and why.
    fn heaviest(&self, path: &str) -> (String, String) {
        match &self.kind {
            Kind::List(items) if self.copies() > 1 && items.states() <= SERVED => {
                let count = self.copies();
                (path.to_owned(), format!("a list of up to {count} items holds each of them on its own"))
            }
            Kind::List(items) => items.heaviest(&format!("{path}[]")),
            Kind::Object(properties) => {
                let heaviest = properties.iter().max_by_key(|property| property.states());
                match heaviest.filter(|property| property.states() > self.states() / 2) {
                    Some(property) => property.shape.heaviest(&format!("{path}.{}", property.name)),
                    None => (path.to_owned(), format!("it has {} properties", properties.len())),
                }
            }
            Kind::Text(allowed) => (path.to_owned(), format!("it allows {} texts", allowed.len())),
            Kind::Integer(allowed) => (path.to_owned(), format!("it allows {} numbers", allowed.len())),
            Kind::Number | Kind::Boolean => (path.to_owned(), "it is nested in long lists".to_owned()),
        }
    }
}

const REMEDY: &str =
    "shorten or drop enum values (list them in the prompt instead), lower `maxItems`, or split the schema";

impl Property {
    fn states(&self) -> u64 {
        // One for the name's end, and the way past a property that may be left out.
        let skipped = u64::from(!self.required);
        let name = tokens(&self.name).div_ceil(TOKEN);
        self.shape.states().saturating_add(name).saturating_add(skipped)
    }
}

fn tokens(text: &str) -> u64 {
    u64::try_from(text.chars().count()).unwrap_or(u64::MAX).div_ceil(TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemini::schema::parse;
    use serde_json::{Map, Value, json};

    fn of(count: usize, kind: &Value) -> Value {
        let properties: Map<String, Value> = (0..count).map(|at| (format!("field_{at}"), kind.clone())).collect();
        json!({"type": "object", "properties": properties})
    }

    fn labels(count: usize, text: &str) -> Value {
        let values: Vec<String> = (0..count).map(|at| format!("{text}{at}")).collect();
        json!({"type": "string", "enum": values})
    }

    #[test]
    fn two_hundred_fields_are_served_without_a_word() {
        for kind in [json!({"type": "string"}), json!({"type": ["integer", "null"]}), json!({"type": "boolean"})] {
            assert_eq!(parse(&of(200, &kind), "$").unwrap().warnings("$"), Vec::<String>::new());
        }
        parse(&of(200, &labels(10, "a longer label ")), "$").unwrap();
    }

    #[test]
    fn what_was_measured_to_be_refused_is_warned_about_and_what_was_taken_is_not() {
        let list = |most: u64| json!({"type": "array", "maxItems": most, "items": {"type": "string"}});
        let names = labels(8, &"n".repeat(96));
        let pinned = of(1, &json!({"type": "array", "maxItems": 8, "items": of(1, &names)}));
        for (schema, is_warned) in [
            (of(1, &list(900)), false),
            (of(1, &list(972)), true),
            (of(1, &labels(200, "change_request")), false),
            (of(1, &labels(300, "change_request")), true),
            (pinned, true),
        ] {
            let warnings = parse(&schema, "$").unwrap().warnings("$");
            assert_eq!(warnings.len(), usize::from(is_warned), "{warnings:?}");
        }
    }

    #[test]
    fn what_cannot_be_served_is_refused_where_it_is_heaviest() {
        let inner = json!({"type": "array", "maxItems": 1000, "items": {"type": "integer"}});
        let nested = json!({"type": "array", "maxItems": 1000, "items": inner});
        for (schema, place, cause) in [
            (of(2, &labels(5_000, "a label of some words ")), "`Sign`", "2 properties"),
            (of(1, &labels(5_000, "a label of some words ")), "`Sign.field_0`", "5000 texts"),
            (of(1, &nested), "`Sign.field_0[]`", "up to 1000 items"),
        ] {
            let error = parse(&schema, "Sign").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Schema);
            assert!(error.message().contains(place) && error.message().contains(cause), "{error}");
        }
    }
}
