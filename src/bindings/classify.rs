//! A question as Python asks it becomes a run.

use arrow_array::StringArray;
use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::pybacked::{PyBackedBytes, PyBackedStr};
use std::path::PathBuf;
use streetlens_core::classify::{
    AnswerSchema, Crop, ImageOptions, ImageSource, Input, Limits, Prompt, Question, RunOptions,
};
use streetlens_core::error::Result;
use streetlens_core::gemini::{Example, GenerateOptions, View};
use streetlens_core::retry::RetryPolicy;
use streetlens_core::session::Session as CoreSession;
use streetlens_core::settings::StoreLocation;
use streetlens_core::store::Store;

use crate::error::to_python;
use crate::run::Run;
use crate::session::{ModelOptions, Session, seconds};
use crate::table::NativeTable;

/// How a run goes about its rows; the Python side has every key.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct ClassifyOptions {
    system_instruction: Option<String>,
    examples: Vec<(OneImage, String)>,
    temperature: Option<f64>,
    max_output_tokens: Option<u32>,
    media_resolution: Option<String>,
    thinking: Option<String>,
    request_labels: Vec<(String, String)>,
    group_by: Option<String>,
    max_images: usize,
    crop: Option<String>,
    crop_margin: f64,
    image_mode: String,
    concurrency: String,
    requests_per_minute: Option<f64>,
    tokens_per_minute: Option<f64>,
    max_cost_usd: Option<f64>,
    max_error_ratio: Option<f64>,
    timeout: f64,
    deadline: f64,
    hedge: f64,
    store: StoreChoice,
    refresh: bool,
    /// A table that takes the results, and the columns of which the first that is there tells rows apart.
    into: Option<(String, Vec<String>)>,
}

/// Where this run keeps its answers: the client's place, nowhere, or a file.
#[derive(FromPyObject)]
pub(crate) enum StoreChoice {
    #[pyo3(transparent)]
    Named(Option<PathBuf>),
    #[pyo3(transparent)]
    Memory(bool),
}

/// Refuses a schema that Gemini could not serve, and returns what may go wrong with it; messages call the whole of it
/// `root`. Contacts nothing.
#[pyfunction]
pub(crate) fn check_schema(py: Python<'_>, schema: Schema, root: &str) -> PyResult<Vec<String>> {
    schema.into_core(root).map(|schema| schema.warnings(root)).map_err(|error| to_python(py, error))
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
        let input = images.into_input()?.with_options(options.images()?)?;
        let prompt = Prompt::parse(prompt, input.table().schema_ref())?;
        let question = Question { input, prompt, schema: Schema::or_text(schema)? };
        let core = session.core.clone();
        // Opening a store waits for the disk.
        py.detach(move || {
            let into = options.into.clone();
            let run = core.classify(&choice.choice(), question, options.into_core(&core)?)?;
            match into {
                Some((table, keys)) => Ok(Run::into_table(core.run_into(run.clone(), &table, &keys)?, run)),
                None => Ok(Run::new(run)),
            }
        })
    };
    prepare().map_err(|error| to_python(py, error))
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
    fn images(&self) -> Result<ImageOptions> {
        let crop = self.crop.clone().map(|column| Crop { column, margin: self.crop_margin });
        let mode = self.image_mode.parse()?;
        Ok(ImageOptions { group_by: self.group_by.clone(), max_images: self.max_images, crop, mode })
    }

    fn into_core(self, session: &CoreSession) -> Result<RunOptions> {
        let limits = Limits {
            concurrency: self.concurrency.parse()?,
            requests_per_minute: self.requests_per_minute,
            tokens_per_minute: self.tokens_per_minute,
        };
        let examples = self.examples.into_iter().map(|(image, answer)| {
            let image = image.into_source().example()?;
            Ok(Example { view: View { caption: None, image }, answer })
        });
        let generate = GenerateOptions {
            system_instruction: self.system_instruction,
            temperature: self.temperature,
            max_output_tokens: self.max_output_tokens,
            media_resolution: self.media_resolution,
            thinking: self.thinking,
            labels: self.request_labels,
            examples: examples.collect::<Result<_>>()?,
            ..GenerateOptions::default()
        };
        Ok(RunOptions {
            limits,
            timeout: seconds(self.timeout),
            policy: RetryPolicy::default().with_limits(None, Some(seconds(self.deadline)))?,
            generate,
            store: self.store.open(session, self.into.is_some())?,
            refresh: self.refresh,
            hedge: self.hedge,
            max_cost_usd: self.max_cost_usd,
            max_error_ratio: self.max_error_ratio,
        })
    }
}

impl StoreChoice {
    /// Answers on their way into a table are held where no file keeps them.
    fn open(self, session: &CoreSession, is_on_the_way: bool) -> Result<Store> {
        let store = match self {
            Self::Named(None) | Self::Memory(true) => session.store()?,
            Self::Named(Some(path)) => session.store_at(&StoreLocation::File(path))?,
            Self::Memory(false) => Store::in_memory(),
        };
        Ok(if is_on_the_way && store.path().is_none() { Store::held() } else { store })
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
