//! A question as Python asks it becomes a run.

use arrow_array::StringArray;
use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use std::path::PathBuf;
use std::time::Duration;
use streetlens_core::classify::{AnswerSchema, ImageSource, Input, Limits, Prompt, Question, RunOptions};
use streetlens_core::error::Result;
use streetlens_core::gemini::GenerateOptions;
use streetlens_core::retry::RetryPolicy;
use streetlens_core::store::Store;

use crate::error::to_python;
use crate::run::Run;
use crate::session::{ModelOptions, Session, seconds};
use crate::table::NativeTable;

/// How a run goes about its rows; the Python side has every key.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct ClassifyOptions {
    concurrency: String,
    requests_per_minute: Option<f64>,
    tokens_per_minute: Option<f64>,
    timeout: f64,
    deadline: f64,
    system_instruction: Option<String>,
    temperature: Option<f64>,
    max_output_tokens: Option<u32>,
    media_resolution: Option<String>,
    thinking: Option<String>,
    request_labels: Vec<(String, String)>,
    refresh: bool,
}

/// Refuses a schema that Gemini could not serve; the message calls the whole of it `root`. Contacts nothing.
#[pyfunction]
pub(crate) fn check_schema(py: Python<'_>, schema: Schema, root: &str) -> PyResult<()> {
    schema.into_core(root).map(drop).map_err(|error| to_python(py, error))
}

/// Prepares a run. `schema` is `None`, a list of labels, or JSON Schema as text.
#[pyfunction]
pub(crate) fn classify(
    py: Python<'_>,
    session: &Session,
    images: Images<'_>,
    prompt: &str,
    schema: Option<Schema>,
    choice: ModelOptions,
    options: ClassifyOptions,
) -> PyResult<Run> {
    let prepare = || {
        let input = images.into_input()?;
        let prompt = Prompt::parse(prompt, input.table().schema_ref())?;
        let question = Question { input, prompt, schema: Schema::or_text(schema)? };
        session.core.classify(&choice.choice(), question, options.into_core()?)
    };
    prepare().map(Run::new).map_err(|error| to_python(py, error))
}

#[derive(FromPyObject)]
pub(crate) enum Schema {
    #[pyo3(transparent)]
    JsonSchema(String),
    #[pyo3(transparent)]
    Labels(Vec<String>),
}

impl Schema {
    /// Free text where there is none.
    pub(crate) fn or_text(schema: Option<Self>) -> Result<AnswerSchema> {
        schema.map_or(Ok(AnswerSchema::Text), |schema| schema.into_core("$"))
    }

    fn into_core(self, root: &str) -> Result<AnswerSchema> {
        match self {
            Self::Labels(labels) => AnswerSchema::labels(labels),
            Self::JsonSchema(json) => AnswerSchema::from_json(&json, root),
        }
    }
}

impl ClassifyOptions {
    fn into_core(self) -> Result<RunOptions> {
        let limits = Limits {
            concurrency: self.concurrency.parse()?,
            requests_per_minute: self.requests_per_minute,
            tokens_per_minute: self.tokens_per_minute,
        };
        let generate = GenerateOptions {
            system_instruction: self.system_instruction,
            temperature: self.temperature,
            max_output_tokens: self.max_output_tokens,
            media_resolution: self.media_resolution,
            thinking: self.thinking,
            labels: self.request_labels,
            ..GenerateOptions::default()
        };
        Ok(RunOptions {
            limits,
            timeout: seconds(self.timeout),
            policy: RetryPolicy {
                deadline: Duration::max(seconds(self.deadline), seconds(self.timeout)),
                ..RetryPolicy::default()
            },
            generate,
            store: Store::in_memory(),
            refresh: self.refresh,
        })
    }
}

/// Images: a table with the name of its URI column, a list of URIs, or a list of anything.
#[derive(FromPyObject)]
pub(crate) enum Images<'py> {
    #[pyo3(transparent)]
    Table((PyRef<'py, NativeTable>, String)),
    #[pyo3(transparent)]
    Uris(Vec<Option<PyBackedStr>>),
    #[pyo3(transparent)]
    List(Vec<OneImage>),
}

/// One image of a list: a URI, `("file", path)`, content, or `None`.
#[derive(FromPyObject)]
pub(crate) enum OneImage {
    #[pyo3(transparent)]
    Uri(Option<String>),
    #[pyo3(transparent)]
    Named((String, PathBuf)),
    #[pyo3(transparent)]
    Content(PyBackedBytes),
}

impl Images<'_> {
    fn into_input(self) -> Result<Input> {
        match self {
            Self::Table((table, column)) => Input::from_table(&table.schema, &table.batches, &column),
            Self::Uris(uris) => Input::from_uris(uris.into_iter().collect::<StringArray>()),
            Self::List(images) => Input::from_list(images.into_iter().map(OneImage::into_source).collect()),
        }
    }
}

impl OneImage {
    fn into_source(self) -> ImageSource {
        match self {
            Self::Uri(Some(uri)) => ImageSource::Uri(uri),
            Self::Uri(None) => ImageSource::Missing,
            Self::Named((_, path)) => ImageSource::File(path),
            Self::Content(data) => ImageSource::Bytes(Bytes::copy_from_slice(&data)),
        }
    }
}
