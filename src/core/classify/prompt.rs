//! A question that may name columns of its row: `Captured {capture_time}: which sign is this?`

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::Schema;
use std::borrow::Cow;

use crate::error::{Error, ErrorKind, Result};

/// A prompt split at its column names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Column(usize),
}

impl Prompt {
    /// A prompt that is sent as it is.
    pub fn verbatim(text: &str) -> Result<Self> {
        check_not_empty(text)?;
        Ok(Self { pieces: vec![Piece::Text(text.to_owned())] })
    }

    /// A prompt that may name columns; `{{name}}` stands for `{name}` itself, and other braces stay as they are.
    pub fn parse(text: &str, columns: &Schema) -> Result<Self> {
        check_not_empty(text)?;
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(start) = rest.find('{') {
            plain.push_str(&rest[..start]);
            let (piece, after) = next_piece(&rest[start..], columns)?;
            match piece {
                Piece::Text(text) => plain.push_str(&text),
                Piece::Column(index) => {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    pieces.push(Piece::Column(index));
                }
            }
            rest = after;
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Ok(Self { pieces })
    }

    /// The prompt of one row; a null reads `unknown`.
    pub fn render(&self, table: &RecordBatch, row: usize) -> Result<Cow<'_, str>> {
        if let Some(same) = self.same_for_all() {
            return Ok(Cow::Borrowed(same));
        }
        let mut prompt = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => prompt.push_str(text),
                Piece::Column(index) => prompt.push_str(&cell(table, *index, row)?),
            }
        }
        Ok(Cow::Owned(prompt))
    }

    /// The prompt of every row, where it names no column.
    pub(super) fn same_for_all(&self) -> Option<&str> {
        match self.pieces.as_slice() {
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether it names this column.
    pub(super) fn names_column(&self, index: usize) -> bool {
        self.pieces.contains(&Piece::Column(index))
    }
}

fn check_not_empty(text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(
            Error::new(ErrorKind::InvalidInput, "the prompt is empty").with_hint("ask something about the image")
        );
    }
    Ok(())
}

/// Reads what begins at an opening brace; gives it with the rest.
fn next_piece<'a>(text: &'a str, columns: &Schema) -> Result<(Piece, &'a str)> {
    let literal = |length: usize| (Piece::Text(text[..length].to_owned()), &text[length..]);
    if let Some(name) = name_in_braces(&text[1..]).filter(|_| text[1..].starts_with('{')) {
        let length = name.len() + 4;
        if text[..length.min(text.len())].ends_with("}}") {
            return Ok((Piece::Text(format!("{{{name}}}")), &text[length..]));
        }
    }
    let Some(name) = name_in_braces(text) else {
        return Ok(literal(1));
    };
    match columns.index_of(name) {
        Ok(index) => Ok((Piece::Column(index), &text[name.len() + 2..])),
        Err(_) => Err(unknown_column(name, columns)),
    }
}

/// The identifier between braces at the start of the text, if that is what stands there.
fn name_in_braces(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('{')?.split_once('}')?;
    let is_identifier = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    is_identifier.then_some(name)
}

fn unknown_column(name: &str, columns: &Schema) -> Error {
    let known: Vec<String> = columns.fields().iter().map(|field| format!("`{}`", field.name())).collect();
    Error::new(ErrorKind::InvalidInput, format!("the prompt names the column `{name}`, which the input does not have"))
        .with_hint(format!("columns: {}; write `{{{{{name}}}}}` for the text `{{{name}}}` itself", known.join(", ")))
}

fn cell(table: &RecordBatch, column: usize, row: usize) -> Result<String> {
    let options = FormatOptions::default().with_null("unknown");
    let formatter = ArrayFormatter::try_new(table.column(column).as_ref(), &options).map_err(|cause| {
        let name = table.schema_ref().field(column).name().clone();
        Error::new(ErrorKind::InvalidInput, format!("the column `{name}` cannot be part of a prompt"))
            .with_source(cause)
    })?;
    Ok(formatter.value(row).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{Int64Array, StringArray};
    use arrow_schema::{DataType, Field};
    use std::sync::Arc;

    fn table() -> RecordBatch {
        let fields = vec![Field::new("kind", DataType::Utf8, true), Field::new("views", DataType::Int64, true)];
        let kinds = Arc::new(StringArray::from(vec![Some("sign"), None]));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), vec![kinds, Arc::new(Int64Array::from(vec![3, 4]))])
            .unwrap()
    }

    fn render(text: &str, row: usize) -> String {
        let table = table();
        Prompt::parse(text, table.schema_ref()).unwrap().render(&table, row).unwrap().into_owned()
    }

    #[test]
    fn a_named_column_is_filled_in_for_each_row() {
        assert_eq!(render("A {kind} seen {views} times?", 0), "A sign seen 3 times?");
        assert_eq!(render("A {kind}?", 1), "A unknown?");
    }

    #[test]
    fn json_in_a_prompt_stays_as_it_is() {
        let text = "Answer {\"label\": {\"a\": 1}} or { } or {1}";
        assert_eq!(render(text, 0), text);
    }

    #[test]
    fn doubled_braces_stand_for_the_name_itself() {
        assert_eq!(render("{{kind}} is {kind}", 0), "{kind} is sign");
    }

    #[test]
    fn a_column_that_is_not_there_is_refused_by_name() {
        let error = Prompt::parse("{photo_of_pole}", table().schema_ref()).unwrap_err();
        assert!(error.to_string().contains("`photo_of_pole`") && error.to_string().contains("`kind`"), "{error}");
    }
}
