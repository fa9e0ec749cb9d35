//! What an answer's text becomes: one text column, or typed columns after a schema.

use arrow_array::{ArrayRef, RecordBatch, StringArray, new_null_array};
use arrow_json::ReaderBuilder;
use arrow_schema::{DataType, Field, Fields, Schema};
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::sync::Arc;

use super::answers::RESULT_COLUMNS;
use crate::error::{Error, ErrorKind, Result};
use crate::gemini::schema::{self, Kind, Property, Shape};

/// The column of an answer without a schema, and of a list of labels.
pub const CLASSIFICATION: &str = "classification";

/// Answers that are decoded together: as trees they take ten times the memory of their columns.
const ROWS_AT_A_TIME: usize = 512;

/// What answers look like.
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerSchema {
    /// Free text.
    Text,
    /// An object whose properties become columns.
    Object(Shape),
}

impl AnswerSchema {
    /// One of these labels, in the column `classification`.
    pub fn labels(labels: Vec<String>) -> Result<Self> {
        let refused =
            |problem: String| Err(Error::new(ErrorKind::Schema, problem).with_hint("list distinct, non-empty labels"));
        if labels.is_empty() {
            return refused("the list of labels is empty".to_owned());
        }
        let mut known = HashSet::new();
        for (position, label) in labels.iter().enumerate() {
            if label.trim().is_empty() {
                return refused(format!("label {} is empty", position + 1));
            }
            if !known.insert(label.as_str()) {
                return refused(format!("the label `{label}` is listed twice"));
            }
        }
        let shape = Shape::labels(CLASSIFICATION, labels);
        shape.check_size("$")?;
        Ok(Self::Object(shape))
    }

    /// After a JSON Schema as text; errors call the whole of it `root`.
    pub fn from_json(text: &str, root: &str) -> Result<Self> {
        let json = serde_json::from_str(text).map_err(|cause| {
            Error::new(ErrorKind::Schema, format!("the schema is not JSON: {cause}")).with_source(cause)
        })?;
        Self::json_schema(&json, root)
    }

    /// After a JSON Schema; what is not an object goes into the column `classification`.
    pub fn json_schema(json: &Value, root: &str) -> Result<Self> {
        let shape = schema::parse(json, root)?;
        let Kind::Object(properties) = &shape.kind else {
            let property = Property { name: CLASSIFICATION.to_owned(), shape, required: true };
            return Ok(Self::Object(Shape::of(Kind::Object(vec![property]))));
        };
        if let Some(taken) = properties.iter().find(|property| RESULT_COLUMNS.contains(&property.name.as_str())) {
            let name = &taken.name;
            return Err(Error::new(
                ErrorKind::Schema,
                format!("the schema at `{root}` has the property `{name}`, which is the name of a results column"),
            )
            .with_hint(format!("rename it, for example to `answer_{name}`")));
        }
        Ok(Self::Object(shape))
    }

    /// The shape to ask for, if there is one.
    #[must_use]
    pub fn response_schema(&self) -> Option<Shape> {
        match self {
            Self::Text => None,
            Self::Object(shape) => Some(shape.clone()),
        }
    }

    /// What may go wrong with the schema without being sure to; `root` names the whole of it.
    #[must_use]
    pub fn warnings(&self, root: &str) -> Vec<String> {
        match self {
            Self::Text => Vec::new(),
            Self::Object(shape) => shape.warnings(root),
        }
    }

    /// Reads an answer's text; the error says why it does not fit.
    pub fn read(&self, text: &str) -> std::result::Result<Value, String> {
        let Self::Object(shape) = self else {
            return Ok(Value::String(text.trim().to_owned()));
        };
        let value: Value =
            serde_json::from_str(without_fence(text)).map_err(|cause| format!("the answer is not JSON: {cause}"))?;
        match shape.misfit(&value) {
            None => Ok(value),
            Some(misfit) => Err(format!("the answer does not fit the schema: {misfit}")),
        }
    }

    /// The columns of answers that [`AnswerSchema::read`] accepted; `None` is a row without one.
    pub fn columns(&self, answers: impl Iterator<Item = Option<Value>>) -> Result<(Fields, Vec<ArrayRef>)> {
        match self {
            Self::Text => {
                let text = |answer: Option<Value>| match answer {
                    Some(Value::String(text)) => Some(text),
                    _ => None,
                };
                let texts: StringArray = answers.map(text).collect();
                Ok((vec![Field::new(CLASSIFICATION, DataType::Utf8, true)].into(), vec![Arc::new(texts)]))
            }
            Self::Object(shape) => typed_columns(shape, answers),
        }
    }
}

/// Models without enforced schemas like to wrap JSON in a Markdown fence.
fn without_fence(text: &str) -> &str {
    let text = text.trim_start_matches('\u{feff}').trim();
    let inner = text.strip_prefix("```json").or_else(|| text.strip_prefix("```"));
    inner.and_then(|inner| inner.strip_suffix("```")).map_or(text, str::trim)
}

fn typed_columns(shape: &Shape, mut answers: impl Iterator<Item = Option<Value>>) -> Result<(Fields, Vec<ArrayRef>)> {
    let Kind::Object(properties) = &shape.kind else {
        return Err(Error::new(ErrorKind::Internal, "the root of an answer schema is an object"));
    };
    let plain = Arc::new(Schema::new(fields(properties)));
    let mut parts = Vec::new();
    loop {
        let rows: Vec<Value> = answers.by_ref().take(ROWS_AT_A_TIME).map(|answer| object(answer, shape)).collect();
        if rows.is_empty() {
            break;
        }
        parts.push(decode(&plain, &rows)?);
    }
    let whole = arrow_select::concat::concat_batches(&plain, &parts).map_err(internal)?;
    drop(parts);
    let mut columns = Vec::with_capacity(properties.len());
    for (property, column) in properties.iter().zip(whole.columns()) {
        columns.push(arrow_cast::cast(column, &column_type(&property.shape)).map_err(internal)?);
    }
    let typed = properties.iter().map(|property| Field::new(&property.name, column_type(&property.shape), true));
    Ok((typed.collect(), columns))
}

/// A row without an answer has no values, and neither has one that answers `null` where the schema allows it.
fn object(answer: Option<Value>, shape: &Shape) -> Value {
    let answer = answer.filter(Value::is_object);
    answer.map_or_else(|| Value::Object(Map::new()), |answer| normal(&answer, shape))
}

fn decode(schema: &Arc<Schema>, rows: &[Value]) -> Result<RecordBatch> {
    let mut decoder =
        ReaderBuilder::new(Arc::clone(schema)).with_batch_size(rows.len()).build_decoder().map_err(internal)?;
    decoder.serialize(rows).map_err(internal)?;
    let batch = decoder.flush().map_err(internal)?;
    batch.map_or_else(|| all_null(schema, rows.len()), Ok)
}

fn all_null(schema: &Arc<Schema>, rows: usize) -> Result<RecordBatch> {
    let columns = schema.fields().iter().map(|field| new_null_array(field.data_type(), rows)).collect();
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(internal)
}

/// The value with only what the shape names, and whole numbers written as such (`2.0` is one in JSON Schema).
fn normal(value: &Value, shape: &Shape) -> Value {
    match (&shape.kind, value) {
        (Kind::Integer(_), Value::Number(number)) if !number.is_i64() => {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "`Shape::misfit` accepts whole numbers of this size only"
            )]
            let whole = number.as_f64().map(|number| number as i64);
            whole.map_or(Value::Null, Value::from)
        }
        (Kind::List(items), Value::Array(values)) => values.iter().map(|value| normal(value, items)).collect(),
        (Kind::Object(properties), Value::Object(map)) => {
            let kept = properties.iter().filter_map(|property| {
                let value = map.get(&property.name)?;
                Some((property.name.clone(), normal(value, &property.shape)))
            });
            Value::Object(kept.collect())
        }
        _ => value.clone(),
    }
}

fn fields(properties: &[Property]) -> Fields {
    properties.iter().map(|property| Field::new(&property.name, plain_type(&property.shape), true)).collect()
}

fn plain_type(shape: &Shape) -> DataType {
    match &shape.kind {
        Kind::Text(_) => DataType::Utf8,
        Kind::Integer(_) => DataType::Int64,
        Kind::Number => DataType::Float64,
        Kind::Boolean => DataType::Boolean,
        Kind::List(items) => DataType::List(Arc::new(Field::new("item", plain_type(items), true))),
        Kind::Object(properties) => DataType::Struct(fields(properties)),
    }
}

/// A column of labels holds each label once.
fn column_type(shape: &Shape) -> DataType {
    match &shape.kind {
        Kind::Text(allowed) if !allowed.is_empty() => {
            DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
        }
        _ => plain_type(shape),
    }
}

fn internal(cause: arrow_schema::ArrowError) -> Error {
    Error::new(ErrorKind::Internal, format!("the answers do not fit their columns: {cause}")).with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Int32Type, Int64Type};
    use serde_json::json;

    #[test]
    fn answers_become_typed_columns_with_nulls_where_there_is_none() {
        let schema = AnswerSchema::json_schema(&json!({
            "type": "object",
            "properties": {"label": {"enum": ["a", "b"]}, "speed": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}}},
            "required": ["label"]
        }), "$")
        .unwrap();
        let answers =
            [Some(json!({"label": "b", "speed": 30.0, "tags": ["x"], "extra": 1})), None, Some(json!({"label": "a"}))];
        let (fields, columns) = schema.columns(answers.into_iter()).unwrap();
        assert_eq!(fields.iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["label", "speed", "tags"]);
        assert_eq!(columns[1].as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(30), None, None]);
        assert!(matches!(fields[0].data_type(), DataType::Dictionary(..)));
    }

    #[test]
    fn many_answers_make_one_column_that_holds_each_label_once() {
        let schema = AnswerSchema::labels(vec!["a".into(), "b".into()]).unwrap();
        let rows = 2 * ROWS_AT_A_TIME + 1;
        let answer = |row: usize| {
            (!row.is_multiple_of(3)).then(|| json!({"classification": if row.is_multiple_of(2) { "a" } else { "b" }}))
        };
        let (_, columns) = schema.columns((0..rows).map(answer)).unwrap();
        let labels = columns[0].as_dictionary::<Int32Type>();
        assert_eq!(labels.values().len(), 2);
        let read: Vec<Option<&str>> = labels.downcast_dict::<StringArray>().unwrap().into_iter().collect();
        for (row, label) in read.into_iter().enumerate() {
            assert_eq!(label, answer(row).as_ref().and_then(|answer| answer["classification"].as_str()), "row {row}");
        }
    }

    #[test]
    fn an_answer_that_is_null_whole_has_no_values() {
        let schema = AnswerSchema::json_schema(
            &json!({"type": ["object", "null"], "properties": {"a": {"type": "string"}}}),
            "$",
        );
        let (schema, answers) = (schema.unwrap(), [Some(Value::Null), Some(json!({"a": "x"}))]);
        assert!(schema.read("null").is_ok());
        assert_eq!(schema.columns(answers.into_iter()).unwrap().1[0].null_count(), 1);
    }

    #[test]
    fn no_answer_at_all_still_has_every_column() {
        let schema = AnswerSchema::labels(vec!["a".into()]).unwrap();
        for answers in [vec![], vec![None, None]] {
            let rows = answers.len();
            assert_eq!(schema.columns(answers.into_iter()).unwrap().1[0].len(), rows);
        }
    }

    #[test]
    fn a_fenced_answer_is_read_and_prose_is_not() {
        let schema = AnswerSchema::labels(vec!["a".into()]).unwrap();
        assert!(schema.read("```json\n{\"classification\": \"a\"}\n```").is_ok());
        assert!(schema.read("It is a").unwrap_err().contains("not JSON"));
    }

    #[test]
    fn names_of_results_columns_are_refused() {
        let error =
            AnswerSchema::json_schema(&json!({"type": "object", "properties": {"status": {"type": "string"}}}), "$");
        assert!(error.unwrap_err().to_string().contains("`status`"));
        assert!(AnswerSchema::labels(vec!["a".into(), "a".into()]).is_err());
    }
}
