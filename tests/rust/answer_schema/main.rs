//! Any schema and any answer: what fits is in the columns exactly, what does not fit is told, and nothing panics.
#![expect(clippy::panic, clippy::unwrap_used, reason = "test support: a failed expectation fails the test")]

mod anything;
mod form;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use streetlens_core::classify::AnswerSchema;
use streetlens_core::gemini::schema::{self, Dialect};

use anything::{any_answer, any_json, any_schema};
use form::{answers, forms};

/// The value of one cell, read from the Arrow column without the code under test.
fn cell(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Utf8 => json!(column.as_string::<i32>().value(row)),
        DataType::Dictionary(..) => {
            let column = column.as_dictionary::<Int32Type>();
            json!(column.values().as_string::<i32>().value(column.key(row).unwrap()))
        }
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => json!(column.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => json!(column.as_boolean().value(row)),
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            (0..items.len()).map(|at| cell(&items, at)).collect()
        }
        DataType::Struct(fields) => {
            let column = column.as_struct();
            fields
                .iter()
                .zip(column.columns())
                .map(|(field, column)| (field.name().clone(), cell(column, row)))
                .collect()
        }
        other => panic!("no answer has a column of {other}"),
    }
}

/// What the columns of some answers hold, one object a row.
fn rows(schema: &AnswerSchema, answers: &[Option<Value>]) -> Vec<Value> {
    let (fields, columns) = schema.columns(answers.iter().cloned()).unwrap();
    let row = |at: usize| -> Map<String, Value> {
        fields.iter().zip(&columns).map(|(field, column)| (field.name().clone(), cell(column, at))).collect()
    };
    (0..answers.len()).map(|at| Value::Object(row(at))).collect()
}

/// The value with something else at one of its places.
fn mutated(value: &Value, place: &mut usize, other: &Value) -> Value {
    if *place == 0 {
        *place = usize::MAX;
        return other.clone();
    }
    *place -= 1;
    match value {
        Value::Array(values) => values.iter().map(|value| mutated(value, place, other)).collect(),
        Value::Object(map) => map.iter().map(|(name, value)| (name.clone(), mutated(value, place, other))).collect(),
        scalar => scalar.clone(),
    }
}

proptest! {
    #[test]
    fn what_fits_is_in_the_columns_exactly(
        (form, values) in forms().prop_flat_map(|form| (answers(&form), Just(form))).prop_map(|(values, form)| (form, values))
    ) {
        let schema = AnswerSchema::json_schema(&form.to_json_schema(), "$").unwrap();
        let mut read = Vec::new();
        for value in &values {
            match schema.read(&value.to_string()) {
                Ok(answer) => read.push(Some(answer)),
                Err(problem) => prop_assert!(false, "{problem}: {value} after {}", form.to_json_schema()),
            }
        }
        read.push(None);
        let rows = rows(&schema, &read);
        for (row, value) in rows.iter().zip(&values) {
            prop_assert_eq!(row, &form.completed(value));
        }
        prop_assert!(rows[values.len()].as_object().unwrap().values().all(Value::is_null));
    }

    #[test]
    fn every_dialect_asks_for_the_same_shape(form in forms()) {
        let shape = schema::parse(&form.to_json_schema(), "$").unwrap();
        let sent = |dialect: Dialect| Value::Object(shape.to_configuration(dialect));
        let json_schema = &sent(Dialect::ResponseJsonSchema)["responseJsonSchema"];
        prop_assert_eq!(&schema::parse(json_schema, "$").unwrap(), &shape);
        prop_assert_eq!(&sent(Dialect::ResponseFormat)["responseFormat"][0]["text"]["schema"], json_schema);
        prop_assert_eq!(&schema::parse(&sent(Dialect::ResponseSchema)["responseSchema"], "$").unwrap(), &shape);
    }

    #[test]
    fn a_changed_answer_is_told_or_still_has_its_place_in_the_columns(
        (form, values) in forms().prop_flat_map(|form| (answers(&form), Just(form))).prop_map(|(values, form)| (form, values)),
        place in 0..20_usize,
        other in any_json(),
    ) {
        let schema = AnswerSchema::json_schema(&form.to_json_schema(), "$").unwrap();
        let changed = mutated(&values[0], &mut place.clone(), &other);
        match schema.read(&changed.to_string()) {
            Ok(answer) => prop_assert_eq!(rows(&schema, &[Some(answer)]).len(), 1),
            Err(problem) => prop_assert!(problem.chars().count() < 1_000, "{problem}"),
        }
    }

    #[test]
    fn no_schema_is_too_odd_to_be_read_or_refused(schema in any_schema()) {
        if let Ok(schema) = AnswerSchema::json_schema(&schema, "$") {
            let _ = schema.warnings("$");
            prop_assert!(schema.columns([None].into_iter()).is_ok());
            let shape = schema.response_schema().unwrap();
            prop_assert_eq!(shape.to_configuration(Dialect::ResponseSchema).len(), 2);
        }
    }

    #[test]
    fn no_answer_is_too_odd_to_be_read_or_refused(form in forms(), text in any_answer()) {
        for schema in [AnswerSchema::Text, AnswerSchema::json_schema(&form.to_json_schema(), "$").unwrap()] {
            if let Ok(answer) = schema.read(&text) {
                prop_assert!(schema.columns([Some(answer)].into_iter()).is_ok());
            }
        }
    }
}
