//! The outcome of every row, and the table they make.

use arrow_array::builder::{Float64Builder, Int64Builder, StringBuilder, StringDictionaryBuilder};
use arrow_array::types::Int32Type;
use arrow_array::{Array as _, ArrayRef, RecordBatch, new_null_array};
use arrow_schema::{Field, Schema};
use serde_json::Value;
use std::sync::Arc;

use super::columns::AnswerSchema;
use crate::error::{Error, ErrorKind, Result};
use crate::gemini::Usage;

/// Columns that follow the answer's own.
pub const RESULT_COLUMNS: [&str; 12] = [
    "status",
    "error",
    "model",
    "finish_reason",
    "input_tokens",
    "output_tokens",
    "thinking_tokens",
    "cached_tokens",
    "cost_usd",
    "latency_ms",
    "attempts",
    "source",
];

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// A good answer.
    Ok,
    /// Refused for safety, recitation and the like.
    Blocked,
    /// Cut by the token limit.
    Truncated,
    /// An answer that does not fit the schema.
    Invalid,
    /// The image cannot be read.
    ImageError,
    /// The service failed.
    Failed,
    /// Not asked: the run ended before.
    Skipped,
}

impl Status {
    /// The word users see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Blocked => "blocked",
            Self::Truncated => "truncated",
            Self::Invalid => "invalid",
            Self::ImageError => "image_error",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// It was asked in this run.
    Online,
    /// It was paid for earlier and kept.
    Store,
    /// Another row of this run asks the very same, and was answered.
    Duplicate,
    /// There is none.
    Nowhere,
}

impl Source {
    fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Store => "store",
            Self::Duplicate => "duplicate",
            Self::Nowhere => "none",
        }
    }
}

/// The outcome of one row.
#[derive(Debug, Clone)]
pub struct Row {
    /// What became of it.
    pub status: Status,
    /// The answer's text as the model gave it, also when it does not fit the schema.
    pub text: Option<Box<str>>,
    /// Why it is not a good answer.
    pub error: Option<Box<str>>,
    /// The model that answered.
    pub model: Option<Arc<str>>,
    /// Why it stopped.
    pub finish_reason: Option<Arc<str>>,
    /// Tokens.
    pub usage: Usage,
    /// List price in US dollars of what this run paid for the row.
    pub cost_usd: Option<f64>,
    /// From the first attempt to the answer, waits included.
    pub latency_ms: Option<f64>,
    /// How often the request was sent and not refused for the quota.
    pub attempts: u32,
    /// Where the answer came from.
    pub source: Source,
}

impl Row {
    /// A row without an answer.
    #[must_use]
    pub fn without_answer(status: Status, error: impl Into<String>) -> Self {
        Self {
            status,
            text: None,
            error: Some(error.into().into_boxed_str()),
            model: None,
            finish_reason: None,
            usage: Usage::default(),
            cost_usd: None,
            latency_ms: None,
            attempts: 0,
            source: Source::Nowhere,
        }
    }

    /// A row whose request failed.
    #[must_use]
    pub fn from_error(error: &Error) -> Self {
        let status = match error.kind() {
            ErrorKind::Image | ErrorKind::InvalidUri => Status::ImageError,
            _ => Status::Failed,
        };
        let attempts = error.details().attempts;
        let source = if attempts > 0 { Source::Online } else { Source::Nowhere };
        Self { attempts, source, ..Self::without_answer(status, error.to_string()) }
    }

    /// The outcome of another row that asks the very same; only the first one was paid for.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        if self.source == Source::Nowhere {
            return self.clone();
        }
        let cost_usd = self.cost_usd.map(|_| 0.0);
        Self { source: Source::Duplicate, attempts: 0, cost_usd, latency_ms: None, ..self.clone() }
    }

    /// The same answer read by another schema.
    #[must_use]
    pub fn read_by(self, schema: &AnswerSchema) -> Self {
        let Some(text) = self.text.as_deref().filter(|_| matches!(self.status, Status::Ok | Status::Invalid)) else {
            return self;
        };
        let (status, error) = match schema.read(text) {
            Ok(_) => (Status::Ok, None),
            Err(problem) => (Status::Invalid, Some(problem.into_boxed_str())),
        };
        Self { status, error, ..self }
    }

    /// What the answer is by `schema`: nothing where it does not fit, and text that was paid for where text is asked.
    fn value(&self, schema: &AnswerSchema) -> Option<Value> {
        let text = self.text.as_deref()?;
        match self.status {
            Status::Ok => schema.read(text).ok(),
            _ if *schema == AnswerSchema::Text => schema.read(text).ok(),
            _ => None,
        }
    }
}

/// The results of a run: the input's columns, the answer's, and those that tell how it came.
pub fn table(
    input: &RecordBatch,
    schema: &AnswerSchema,
    rows: impl Iterator<Item = Option<Row>> + Clone,
    why_skipped: &str,
) -> Result<RecordBatch> {
    let skipped = Row::without_answer(Status::Skipped, why_skipped);
    // One after the other, and row by row: all rows unpacked, or what decoding takes, are as large as the table.
    let (answer_fields, answer_columns) = schema.columns(rows.clone().map(|row| row?.value(schema)))?;
    let mut accounts = Accounts::of(input.num_rows());
    rows.for_each(|row| accounts.add(row.as_ref().unwrap_or(&skipped)));
    let taken = |name: &str| RESULT_COLUMNS.contains(&name) || answer_fields.iter().any(|field| field.name() == name);
    let mut fields: Vec<Field> = Vec::new();
    for field in input.schema_ref().fields() {
        let name = free_name(field.name(), &taken, &fields, input.schema_ref());
        fields.push(field.as_ref().clone().with_name(name));
    }
    let mut columns: Vec<ArrayRef> = input.columns().to_vec();
    fields.extend(answer_fields.iter().map(|field| field.as_ref().clone()));
    columns.extend(answer_columns);
    for (name, column) in RESULT_COLUMNS.iter().zip(accounts.columns()) {
        let nullable = !matches!(*name, "status" | "attempts" | "source");
        fields.push(Field::new(*name, column.data_type().clone(), nullable));
        columns.push(column);
    }
    RecordBatch::try_new(Arc::new(Schema::new_with_metadata(fields, input.schema_ref().metadata().clone())), columns)
        .map_err(|cause| Error::new(ErrorKind::Internal, "the results make no table").with_source(cause))
}

/// An input column that has the name of a results column is kept as `input_<name>`, so that results can be asked about again.
fn free_name(name: &str, taken: &dyn Fn(&str) -> bool, used: &[Field], input: &Schema) -> String {
    let mut free = name.to_owned();
    let is_used = |name: &str| used.iter().any(|field| field.name() == name);
    while taken(&free) || is_used(&free) || (free != name && input.index_of(&free).is_ok()) {
        free = format!("input_{free}");
    }
    free
}

/// The columns that follow the answer's own, as they grow.
struct Accounts {
    status: StringDictionaryBuilder<Int32Type>,
    error: StringBuilder,
    model: StringBuilder,
    finish_reason: StringBuilder,
    tokens: [Int64Builder; 4],
    cost_usd: Float64Builder,
    latency_ms: Float64Builder,
    attempts: Int64Builder,
    source: StringBuilder,
}

impl Accounts {
    fn of(rows: usize) -> Self {
        let texts = |bytes_a_row: usize| StringBuilder::with_capacity(rows, rows * bytes_a_row);
        let counts = || Int64Builder::with_capacity(rows);
        Self {
            status: StringDictionaryBuilder::new(),
            error: texts(0),
            model: texts(24),
            finish_reason: texts(4),
            tokens: [counts(), counts(), counts(), counts()],
            cost_usd: Float64Builder::with_capacity(rows),
            latency_ms: Float64Builder::with_capacity(rows),
            attempts: counts(),
            source: texts(6),
        }
    }

    fn add(&mut self, row: &Row) {
        self.status.append_value(row.status.as_str());
        self.error.append_option(row.error.as_deref());
        self.model.append_option(row.model.as_deref());
        self.finish_reason.append_option(row.finish_reason.as_deref());
        let usage = &row.usage;
        let counts = [usage.input_tokens, usage.output_tokens, usage.thinking_tokens, usage.cached_tokens];
        for (column, count) in self.tokens.iter_mut().zip(counts) {
            column.append_option(count);
        }
        self.cost_usd.append_option(row.cost_usd);
        self.latency_ms.append_option(row.latency_ms);
        self.attempts.append_value(i64::from(row.attempts));
        self.source.append_value(row.source.as_str());
    }

    /// In the order of [`RESULT_COLUMNS`].
    fn columns(mut self) -> [ArrayRef; 12] {
        let [input, output, thinking, cached] = self.tokens.each_mut().map(|tokens| light(Arc::new(tokens.finish())));
        [
            Arc::new(self.status.finish()),
            light(Arc::new(self.error.finish())),
            Arc::new(self.model.finish()),
            Arc::new(self.finish_reason.finish()),
            input,
            output,
            thinking,
            cached,
            Arc::new(self.cost_usd.finish()),
            Arc::new(self.latency_ms.finish()),
            Arc::new(self.attempts.finish()),
            Arc::new(self.source.finish()),
        ]
    }
}

/// A column of nothing but nulls as one whose memory is never written, and so takes none.
fn light(column: ArrayRef) -> ArrayRef {
    let is_empty = column.null_count() == column.len();
    if is_empty { new_null_array(column.data_type(), column.len()) } else { column }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::StringArray;
    use arrow_schema::DataType;

    #[test]
    fn results_can_be_the_input_of_another_run() {
        let schema = Arc::new(Schema::new(vec![
            Field::new("gcs_uri", DataType::Utf8, true),
            Field::new("status", DataType::Utf8, true),
            Field::new("input_status", DataType::Utf8, true),
        ]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        let input = RecordBatch::try_new(schema, vec![Arc::clone(&texts), Arc::clone(&texts), texts]).unwrap();
        let results = table(&input, &AnswerSchema::Text, [None].into_iter(), "").unwrap();
        let names: Vec<String> = results.schema().fields().iter().take(4).map(|field| field.name().clone()).collect();
        assert_eq!(names, ["gcs_uri", "input_input_status", "input_status", "classification"]);
    }
}
