//! Rows into a table: one load job, or a staging table and one statement, so that nothing is written by halves or twice.

mod conform;
mod fit;
mod infer;
mod job;
mod keys;
mod parquet;
mod plan;
mod staging;
mod statements;
mod target;
mod upload;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use self::fit::Fitted;
use self::job::{Earlier, Job, JobName};
use self::plan::Prepared;
use self::staging::Staging;
pub use self::target::Target;
use self::upload::File;
use super::BigQueryClient;
use super::wire::{Int64, TableFieldSchema};
use crate::error::{Error, ErrorKind, Result};
use crate::transport::Response;

/// The column in which a run keeps its answers.
pub const ANSWERS: &str = "streetlens";

/// What becomes of the rows that the table has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoadMode {
    /// They stay.
    #[default]
    Append,
    /// Those with the keys of new rows get the values of these; the others stay.
    Upsert,
    /// They go, in the moment in which the new ones come.
    Replace,
}

/// What to do about columns that the table lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NewColumns {
    /// Refuse the rows.
    #[default]
    Refuse,
    /// Give the table the columns.
    Add,
}

/// How rows go into a table.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// What becomes of the rows that the table has.
    pub mode: LoadMode,
    /// The columns that tell rows apart in an upsert.
    pub key: Vec<String>,
    /// What to do about columns that the table lacks.
    pub new_columns: NewColumns,
    /// In an upsert, a row of the table that has this column keeps its values where the new row lacks it.
    pub kept_column: Option<String>,
    /// The same rows are appended once for each of these names.
    pub load_id: Option<String>,
}

/// What became of the rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LoadResult {
    /// Rows that were given.
    pub rows: u64,
    /// Rows that are new in the table.
    pub inserted: u64,
    /// Rows of the table that got new values.
    pub updated: u64,
    /// Bytes that were sent.
    pub bytes: u64,
    /// The job that wrote the rows.
    pub job_id: Option<String>,
    /// Where it ran.
    pub location: Option<String>,
    /// The table.
    pub table: String,
    /// An earlier call had appended the very same rows, and none was appended now.
    pub was_done_before: bool,
}

/// A load under way.
struct Load<'a> {
    client: &'a BigQueryClient,
    target: &'a Target,
    location: Option<String>,
    layout: Map<String, Value>,
    fitted: Fitted,
    prepared: Prepared,
}

impl BigQueryClient {
    /// Writes rows into a table, which is made where it is missing. Exactly once: repeated after any failure, also by
    /// another process, the rows are there once. Dropping the future cancels what it can.
    pub async fn load(
        &self,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
        target: &Target,
        options: &LoadOptions,
    ) -> Result<LoadResult> {
        let given = infer::columns(&schema)?;
        let location = self.location_of(target).await?;
        let table = self.existing_table(target).await?;
        let fitted = match &table {
            None => fit::new_table(&given)?,
            Some(table) => fit::existing_table(&given, table, target, options.new_columns)?,
        };
        let is_emptied = table.as_ref().is_some_and(|table| table.is_empty);
        if let Some(table) = &table
            && options.mode == LoadMode::Upsert
            && options.kept_column.is_none()
        {
            check_answers(&table.fields, &given, target)?;
        }
        let prepared = plan::prepare(batches, &fitted, options).await?;
        let table = match table {
            Some(table) => {
                if !fitted.added.is_empty() {
                    self.describe_table(target, &fitted.described).await?;
                    tracing::info!(table = %target, columns = fitted.added.join(", "), "the table got new columns");
                }
                table
            }
            None => self.made_table(target, &fitted.columns).await?,
        };
        let load = Load { client: self, target, location, layout: table.layout, fitted, prepared };
        let result = load.write(options, &table.created, is_emptied).await?;
        tracing::info!(
            table = result.table,
            job_id = result.job_id,
            rows = result.rows,
            inserted = result.inserted,
            updated = result.updated,
            bytes = result.bytes,
            "the rows are in the table",
        );
        Ok(result)
    }

    async fn made_table(&self, target: &Target, columns: &[TableFieldSchema]) -> Result<target::ExistingTable> {
        self.create_table(target, columns, None).await?;
        let made = self.existing_table(target).await?;
        made.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("`{target}` was made, and is gone")))
    }
}

/// Rows that come without the answers of the rows they cover would leave these beside other results.
fn check_answers(known: &[TableFieldSchema], given: &[TableFieldSchema], target: &Target) -> Result<()> {
    let holds = |fields: &[TableFieldSchema]| {
        let answers = fields.iter().find(|field| field.name == ANSWERS);
        answers.is_some_and(|answers| answers.fields.iter().any(|field| field.name == "question"))
    };
    if !holds(known) || holds(given) {
        return Ok(());
    }
    let problem = format!("`{target}` takes the results of runs by `into=`, with their answers");
    Err(Error::new(ErrorKind::InvalidInput, problem)
        .with_hint("write to another table, or pass `into=` to the run that asks"))
}

impl Load<'_> {
    async fn write(&self, options: &LoadOptions, created: &str, is_emptied: bool) -> Result<LoadResult> {
        let is_nothing = self.prepared.rows.count() == 0 && options.mode != LoadMode::Replace;
        if is_nothing {
            return Ok(LoadResult { location: self.location.clone(), ..self.nothing() });
        }
        // The whole schema goes with a file that replaces a table, so the file has to have all of it.
        let is_whole = self.fitted.columns.len() == self.fitted.described.len();
        let is_staged = options.mode == LoadMode::Upsert
            || self.prepared.is_converted
            || (options.mode == LoadMode::Replace && !is_whole);
        let (name, first_attempt) = match options.mode {
            LoadMode::Append => {
                let name = self.name(&plan::append_name(self.target, created, options, &self.prepared));
                match job::earlier(self.client, &name, is_emptied).await? {
                    Earlier::Done(job) => return Ok(self.repeated(&job)),
                    Earlier::Next(attempt) => (name, attempt),
                }
            }
            LoadMode::Upsert => (self.name(&format!("streetlens_upsert_{}", Uuid::new_v4().simple())), 0),
            LoadMode::Replace => (self.name(&format!("streetlens_replace_{}", Uuid::new_v4().simple())), 0),
        };
        if is_staged {
            self.through_staging(options, &name, first_attempt).await
        } else {
            self.directly(options, &name, first_attempt).await
        }
    }

    async fn directly(&self, options: &LoadOptions, name: &JobName, first_attempt: u32) -> Result<LoadResult> {
        let is_append = options.mode == LoadMode::Append;
        let disposition = if is_append { "WRITE_APPEND" } else { "WRITE_TRUNCATE" };
        let fields: Vec<Value> = match options.mode {
            // Descriptions and policy tags would be lost with a schema that lacks them.
            LoadMode::Replace => self.fitted.described.clone(),
            LoadMode::Append | LoadMode::Upsert => self.fitted.columns.iter().map(|column| json!(column)).collect(),
        };
        let mut configuration = load_configuration(self.target, &fields, disposition);
        if let Some(load) = configuration["load"].as_object_mut() {
            load.extend(self.layout.clone());
        }
        let job = self.load_file(name, first_attempt, &configuration).await?;
        let rows = self.prepared.rows.count() as u64;
        Ok(LoadResult { inserted: rows, ..self.done(&job) })
    }

    async fn through_staging(&self, options: &LoadOptions, name: &JobName, first_attempt: u32) -> Result<LoadResult> {
        let columns = statements::staged(&self.fitted.columns);
        let mut staging = Staging::create(self.client, self.target, &columns).await?;
        let outcome = self.staged(options, name, first_attempt, &columns, staging.table()).await;
        staging.remove().await;
        outcome
    }

    async fn staged(
        &self,
        options: &LoadOptions,
        name: &JobName,
        first_attempt: u32,
        columns: &[TableFieldSchema],
        staging: &Target,
    ) -> Result<LoadResult> {
        let fields: Vec<Value> = columns.iter().map(|column| json!(column)).collect();
        let stage = self.name(&format!("streetlens_stage_{}", Uuid::new_v4().simple()));
        self.load_file(&stage, 0, &load_configuration(staging, &fields, "WRITE_EMPTY")).await?;
        let columns = &self.fitted.columns;
        let sql = match options.mode {
            LoadMode::Append => statements::insert(self.target, staging, columns),
            LoadMode::Replace => statements::replace(self.target, staging, columns),
            LoadMode::Upsert => {
                let matching = statements::Matching {
                    keys: &self.prepared.key,
                    has_null_keys: self.prepared.has_null_keys,
                    kept_column: options.kept_column.as_deref(),
                };
                statements::merge(self.target, staging, columns, &matching)
            }
        };
        let configuration = json!({"query": {"query": sql, "useLegacySql": false}});
        let job = job::run(self.client, name, first_attempt, &configuration, |body| job::insert(self.client, body));
        let job = job.await?;
        let counts = job.statistics.query.as_ref().and_then(|query| query.dml_stats.as_ref());
        let count = |number: Option<Int64>| number.map_or(0, Int64::count);
        Ok(LoadResult {
            inserted: counts.map_or(0, |counts| count(counts.inserted_row_count)),
            updated: counts.map_or(0, |counts| count(counts.updated_row_count)),
            ..self.done(&job)
        })
    }

    /// Loads the file into the table that the configuration names.
    async fn load_file(&self, name: &JobName, first_attempt: u32, configuration: &Value) -> Result<Job> {
        let file = match &self.prepared.file {
            Some(file) => File::Whole(file.clone()),
            None => File::Written(self.prepared.rows.clone()),
        };
        let send = |body| upload::send(self.client, body, file.clone());
        let job = job::run(self.client, name, first_attempt, configuration, send).await?;
        let rows = self.prepared.rows.count() as u64;
        let loaded = job.statistics.load.as_ref().and_then(|load| load.output_rows).map(Int64::count);
        match loaded.filter(|loaded| *loaded != rows) {
            None => Ok(job),
            Some(loaded) => {
                let problem = format!("BigQuery loaded {loaded} of {rows} rows");
                Err(Error::new(ErrorKind::MalformedResponse, problem)
                    .with_job(job.reference.job_id.clone(), job.reference.location.clone()))
            }
        }
    }

    fn name(&self, base: &str) -> JobName {
        JobName { base: base.to_owned(), location: self.location.clone() }
    }

    fn nothing(&self) -> LoadResult {
        LoadResult { table: self.target.to_string(), ..LoadResult::default() }
    }

    fn done(&self, job: &Job) -> LoadResult {
        LoadResult {
            rows: self.prepared.rows.count() as u64,
            bytes: self.prepared.bytes,
            job_id: Some(job.id().to_owned()),
            location: job.reference.location.clone().or_else(|| self.location.clone()),
            ..self.nothing()
        }
    }

    fn repeated(&self, job: &Job) -> LoadResult {
        LoadResult { bytes: 0, was_done_before: true, ..self.done(job) }
    }
}

fn load_configuration(target: &Target, fields: &[Value], disposition: &str) -> Value {
    json!({
        "load": {
            "destinationTable": target.reference(),
            "sourceFormat": "PARQUET",
            "schema": {"fields": fields},
            "createDisposition": "CREATE_NEVER",
            "writeDisposition": disposition,
            "parquetOptions": {"enableListInference": true},
        }
    })
}

fn decode_json<T: serde::de::DeserializeOwned>(response: &Response) -> Result<T> {
    serde_json::from_slice(&response.body).map_err(|cause| {
        Error::new(ErrorKind::MalformedResponse, "BigQuery answered with unreadable JSON").with_source(cause)
    })
}
