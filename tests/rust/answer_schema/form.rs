//! Generated schemas with the answers that fit them.

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

/// What is asked for, apart from the core's own types.
#[derive(Debug, Clone)]
pub(crate) enum Form {
    Text,
    Choice(Vec<String>),
    Count(Vec<i64>),
    Integer,
    Between(i32, i32),
    Number,
    Boolean,
    List(Box<Part>, usize),
    Object(Vec<(String, Part)>),
}

/// A form in its place.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) form: Form,
    pub(crate) nullable: bool,
    pub(crate) required: bool,
}

impl Form {
    pub(crate) fn to_json_schema(&self) -> Value {
        match self {
            Self::Text => json!({"type": "string"}),
            Self::Choice(texts) => json!({"type": "string", "enum": texts}),
            Self::Count(numbers) => json!({"type": "integer", "enum": numbers}),
            Self::Integer => json!({"type": "integer"}),
            Self::Between(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
            Self::Number => json!({"type": "number"}),
            Self::Boolean => json!({"type": "boolean"}),
            Self::List(part, most) => json!({"type": "array", "items": part.to_json_schema(), "maxItems": most}),
            Self::Object(parts) => {
                let properties: Map<String, Value> =
                    parts.iter().map(|(name, part)| (name.clone(), part.to_json_schema())).collect();
                let required: Vec<&String> =
                    parts.iter().filter(|(_, part)| part.required).map(|(name, _)| name).collect();
                json!({"type": "object", "properties": properties, "required": required})
            }
        }
    }

    /// The value as its row of columns: what was left out is null.
    pub(crate) fn completed(&self, value: &Value) -> Value {
        match (self, value) {
            (_, Value::Null) => Value::Null,
            (Self::List(part, _), Value::Array(values)) => {
                values.iter().map(|value| part.form.completed(value)).collect()
            }
            (Self::Object(parts), Value::Object(map)) => {
                let completed = parts.iter().map(|(name, part)| {
                    (name.clone(), map.get(name).map_or(Value::Null, |value| part.form.completed(value)))
                });
                Value::Object(completed.collect())
            }
            _ => value.clone(),
        }
    }
}

impl Part {
    fn to_json_schema(&self) -> Value {
        let schema = self.form.to_json_schema();
        if self.nullable { json!({"anyOf": [schema, {"type": "null"}]}) } else { schema }
    }
}

/// Forms of a whole answer.
pub(crate) fn forms() -> BoxedStrategy<Form> {
    let leaf = prop_oneof![
        Just(Form::Text),
        btree_set(".{1,12}", 1..6).prop_map(|texts| Form::Choice(texts.into_iter().collect())),
        btree_set(any::<i64>(), 1..6).prop_map(|numbers| Form::Count(numbers.into_iter().collect())),
        Just(Form::Integer),
        (-9..0_i32, 0..9_i32).prop_map(|(least, most)| Form::Between(least, most)),
        Just(Form::Number),
        Just(Form::Boolean),
    ];
    let inner = leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            (part(inner.clone()), 0..4_usize).prop_map(|(part, most)| Form::List(Box::new(part), most)),
            object(inner)
        ]
    });
    object(inner).boxed()
}

fn part(form: impl Strategy<Value = Form>) -> impl Strategy<Value = Part> {
    (form, any::<bool>(), any::<bool>()).prop_map(|(form, nullable, required)| Part { form, nullable, required })
}

fn object(form: impl Strategy<Value = Form> + Clone + 'static) -> impl Strategy<Value = Form> + Clone {
    btree_set("[a-zäß][a-z_ .\"]{0,6}", 1..6)
        .prop_flat_map(move |names| {
            let parts = vec(part(form.clone()), names.len());
            // In another order than that of the alphabet.
            let names: Vec<String> = names.into_iter().rev().map(|name| format!("v{name}")).collect();
            parts.prop_map(move |parts| Form::Object(names.iter().cloned().zip(parts).collect()))
        })
        .boxed()
}

/// A few answers of a form.
pub(crate) fn answers(form: &Form) -> BoxedStrategy<Vec<Value>> {
    vec(answer(form), 1..4).boxed()
}

fn answer(form: &Form) -> BoxedStrategy<Value> {
    match form {
        Form::Text => any::<String>().prop_map(Value::from).boxed(),
        Form::Choice(texts) => proptest::sample::select(texts.clone()).prop_map(Value::from).boxed(),
        Form::Count(numbers) => proptest::sample::select(numbers.clone()).prop_map(Value::from).boxed(),
        Form::Integer => any::<i64>().prop_map(Value::from).boxed(),
        Form::Between(least, most) => (*least..=*most).prop_map(Value::from).boxed(),
        Form::Number => {
            any::<f64>().prop_filter("JSON has no other", |number| number.is_finite()).prop_map(Value::from).boxed()
        }
        Form::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        Form::List(part, most) => vec(present(part), 0..=*most).prop_map(Value::from).boxed(),
        Form::Object(parts) => {
            let values: Vec<_> = parts.iter().map(|(_, part)| held(part)).collect();
            let names: Vec<String> = parts.iter().map(|(name, _)| name.clone()).collect();
            let object = move |values: Vec<Option<Value>>| -> Map<String, Value> {
                names.iter().cloned().zip(values).filter_map(|(name, value)| Some((name, value?))).collect()
            };
            values.prop_map(object).prop_map(Value::Object).boxed()
        }
    }
}

fn present(part: &Part) -> BoxedStrategy<Value> {
    if part.nullable {
        prop_oneof![3 => answer(&part.form), 1 => Just(Value::Null)].boxed()
    } else {
        answer(&part.form)
    }
}

/// A property's value, which may be left out or null when it is not required.
fn held(part: &Part) -> BoxedStrategy<Option<Value>> {
    let present = present(part).prop_map(Some);
    if part.required {
        return present.boxed();
    }
    prop_oneof![3 => present, 1 => Just(None), 1 => Just(Some(Value::Null))].boxed()
}
