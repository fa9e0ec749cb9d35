//! The table that rows go to: its name, checked and quoted, and what BigQuery knows of it.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;
use url::Url;

use super::super::wire::{Int64, TableFieldSchema, TableSchema};
use super::super::{BigQueryClient, error};
use crate::error::{Error, ErrorKind, Result};
use crate::transport::Request;

const TIMEOUT: Duration = Duration::from_secs(60);

/// Names longer than this are refused by BigQuery.
const LONGEST_NAME: usize = 1_024;

/// A table's full name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Project.
    pub project: String,
    /// Data set id.
    pub dataset: String,
    /// Table id.
    pub table: String,
}

/// A table as BigQuery describes it.
#[derive(Debug, Clone)]
pub(super) struct ExistingTable {
    /// Its columns.
    pub(super) fields: Vec<TableFieldSchema>,
    /// The same columns with everything that BigQuery tells of them.
    pub(super) described: Vec<Value>,
    /// Milliseconds since 1970: another table of the same name has another one.
    pub(super) created: String,
    /// Whether it has no rows, those included that were inserted lately.
    pub(super) is_empty: bool,
    /// How it is partitioned and clustered, as a load job has to repeat it.
    pub(super) layout: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TableResource {
    #[serde(rename = "type", default)]
    kind: Option<String>,
    #[serde(default)]
    schema: Option<Value>,
    #[serde(default)]
    creation_time: Option<Int64>,
    #[serde(default)]
    num_rows: Option<Int64>,
    #[serde(default)]
    streaming_buffer: Option<serde::de::IgnoredAny>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

impl Target {
    /// Reads `dataset.table` or `project.dataset.table`, with backticks or without.
    pub fn parse(name: &str, default_project: &str) -> Result<Self> {
        let plain = name.trim().replace('`', "");
        let mut parts = plain.rsplitn(3, '.');
        let (table, dataset, project) = (parts.next(), parts.next(), parts.next().unwrap_or(default_project));
        let (Some(table), Some(dataset)) = (table, dataset) else {
            return Err(unusable(name, "names no data set"));
        };
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if dataset.is_empty() || dataset.len() > LONGEST_NAME || !dataset.chars().all(is_word) {
            return Err(unusable(name, "has a data set id that is not made of letters, digits and `_`"));
        }
        let is_in_tables = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | ' ');
        if table.is_empty() || table.len() > LONGEST_NAME || !table.chars().all(is_in_tables) {
            return Err(unusable(name, "has a table id that is not made of letters, digits, `_`, `-` and spaces"));
        }
        let is_in_projects = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.' | ':' | '_');
        if project.is_empty() || !project.chars().all(is_in_projects) {
            return Err(unusable(name, "has a project id that cannot be one"));
        }
        Ok(Self { project: project.to_owned(), dataset: dataset.to_owned(), table: table.to_owned() })
    }

    /// The name as SQL takes it.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("`{}`.`{}`.`{}`", self.project, self.dataset, self.table)
    }

    /// Another table of the same data set.
    pub(super) fn beside(&self, table: String) -> Self {
        Self { table, ..self.clone() }
    }

    /// The name as requests take it.
    pub(super) fn reference(&self) -> Value {
        json!({"projectId": self.project, "datasetId": self.dataset, "tableId": self.table})
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}.{}", self.project, self.dataset, self.table)
    }
}

fn unusable(name: &str, problem: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, format!("the table `{name}` {problem}"))
        .with_hint("name it `dataset.table` or `project.dataset.table`")
}

impl BigQueryClient {
    /// Where the target's data set is.
    pub(super) async fn location_of(&self, target: &Target) -> Result<Option<String>> {
        match self.dataset(&target.project, &target.dataset).await {
            Ok(dataset) => Ok(dataset.location),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let name = format!("{}.{}", target.project, target.dataset);
                let hint = format!("create it where its data shall be: client.query(\"CREATE SCHEMA `{name}`\")");
                let missing = Error::new(ErrorKind::NotFound, format!("there is no data set `{name}`"));
                Err(missing.with_service("BigQuery", 404).with_hint(hint).with_source(error))
            }
            Err(error) => Err(may_not_write(error)),
        }
    }

    /// The target's description, or `None` where there is no such table.
    pub(super) async fn existing_table(&self, target: &Target) -> Result<Option<ExistingTable>> {
        let url = self.table_address(target)?;
        let request = Request::get("BigQuery", url, error::decode).with_timeout(TIMEOUT);
        let resource: TableResource = match self.stack.send(&request, super::decode_json).await {
            Ok(resource) => resource,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(may_not_write(error)),
        };
        if let Some(kind) = resource.kind.as_deref().filter(|kind| *kind != "TABLE") {
            let problem = format!("`{target}` is a {}, which takes no rows", kind.to_lowercase().replace('_', " "));
            return Err(Error::new(ErrorKind::InvalidInput, problem).with_hint("name a table of your own"));
        }
        let schema = resource.schema.unwrap_or_else(|| json!({"fields": []}));
        let described = schema.get("fields").and_then(Value::as_array).cloned().unwrap_or_default();
        let table: TableSchema = serde_json::from_value(schema).map_err(|cause| {
            Error::new(ErrorKind::MalformedResponse, format!("the schema of `{target}` cannot be read"))
                .with_source(cause)
        })?;
        let mut layout = resource.others;
        layout.retain(|name, _| matches!(name.as_str(), "timePartitioning" | "rangePartitioning" | "clustering"));
        let created = resource.creation_time.unwrap_or_default().0.to_string();
        let is_empty = resource.num_rows == Some(Int64(0)) && resource.streaming_buffer.is_none();
        Ok(Some(ExistingTable { fields: table.fields, described, created, is_empty, layout }))
    }

    /// Makes a table with these columns, for good or until `expiration`, in milliseconds since 1970. One that is there
    /// already is left as it is.
    pub(super) async fn create_table(
        &self,
        target: &Target,
        fields: &[TableFieldSchema],
        expiration: Option<i64>,
    ) -> Result<()> {
        let mut resource = json!({"tableReference": target.reference(), "schema": {"fields": fields}});
        if let Some(expiration) = expiration {
            resource["expirationTime"] = json!(expiration.to_string());
        }
        let url = self.address(&["projects", &target.project, "datasets", &target.dataset, "tables"])?;
        let request = Request::post("BigQuery", url, resource.to_string(), error::decode).with_timeout(TIMEOUT);
        match self.stack.send(&request, |_| Ok(())).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            created => created.map_err(may_not_write),
        }
    }

    /// Gives a table columns that it lacks; `described` are all its columns.
    pub(super) async fn describe_table(&self, target: &Target, described: &[Value]) -> Result<()> {
        let body = json!({"schema": {"fields": described}}).to_string();
        let mut request = Request::post("BigQuery", self.table_address(target)?, body, error::decode);
        request.method = Method::PATCH;
        self.stack.send(&request.with_timeout(TIMEOUT), |_| Ok(())).await.map_err(may_not_write)
    }

    /// Removes a table; one that is gone already is as good.
    pub(super) async fn delete_table(&self, target: &Target) -> Result<()> {
        let mut request = Request::get("BigQuery", self.table_address(target)?, error::decode);
        request.method = Method::DELETE;
        match self.stack.send(&request.with_timeout(TIMEOUT), |_| Ok(())).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            deleted => deleted,
        }
    }

    fn table_address(&self, target: &Target) -> Result<Url> {
        self.address(&["projects", &target.project, "datasets", &target.dataset, "tables", &target.table])
    }
}

/// What a refusal to write asks for is more than what a query needs.
pub(super) fn may_not_write(error: Error) -> Error {
    if error.kind() == ErrorKind::PermissionDenied && error.details().reason.as_deref() == Some("accessDenied") {
        return error.with_hint(
            "grant yourself `roles/bigquery.jobUser` on the project and `roles/bigquery.dataEditor` on the data set",
        );
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_project_or_gets_one() {
        let target = Target::parse("signs.answers", "demo").unwrap();
        assert_eq!(target.quoted(), "`demo`.`signs`.`answers`");
        let target = Target::parse("`example.com:proj.signs.answers`", "demo").unwrap();
        assert_eq!(target.to_string(), "example.com:proj.signs.answers");
    }

    #[test]
    fn a_name_that_could_end_its_quotes_is_refused() {
        for name in ["answers", "signs.", ".answers", "si-gns.answers", "signs.a;DROP", "signs.a\\", "p!.signs.a"] {
            assert_eq!(Target::parse(name, "demo").unwrap_err().kind(), ErrorKind::InvalidInput, "{name}");
        }
    }
}
