//! What data sets and tables there are, and which columns a table has. All of it is free of charge.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::HashSet;

use super::client::{BigQueryClient, decode_json};
use super::error;
use super::wire::{Int64, TableSchema};
use crate::error::{Error, ErrorKind, Result};
use crate::transport::Request;

const ENTRIES_A_PAGE: &str = "1000";

/// A data set as a listing names it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListedDataset {
    /// Its name.
    pub dataset_reference: DatasetName,
    /// Where its tables are.
    pub location: Option<String>,
}

/// A data set's name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct DatasetName {
    /// Project.
    pub project_id: String,
    /// Data set id.
    pub dataset_id: String,
}

/// A table or view as a listing names it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ListedTable {
    /// Its name.
    pub table_reference: TableName,
}

/// A table's name within its data set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TableName {
    /// Table id.
    pub table_id: String,
}

/// A table or view.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TableDescription {
    /// Its columns.
    pub schema: TableSchema,
    /// Where it is.
    pub location: Option<String>,
    /// `TABLE`, `VIEW`, `EXTERNAL`, ...
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Rows of a table.
    pub num_rows: Option<Int64>,
    /// Rows that were inserted lately and are not counted.
    pub streaming_buffer: Option<serde::de::IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DatasetList {
    datasets: Vec<ListedDataset>,
    next_page_token: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TableList {
    tables: Vec<ListedTable>,
    next_page_token: Option<String>,
}

impl BigQueryClient {
    /// The data sets of a project that the credentials may see.
    pub async fn datasets(&self, project: &str) -> Result<Vec<ListedDataset>> {
        self.entries(&["projects", project, "datasets"], |page: DatasetList| (page.datasets, page.next_page_token))
            .await
    }

    /// The tables and views of a data set.
    pub async fn tables(&self, dataset: &DatasetName) -> Result<Vec<ListedTable>> {
        let DatasetName { project_id, dataset_id } = dataset;
        let path = ["projects", project_id, "datasets", dataset_id, "tables"];
        self.entries(&path, |page: TableList| (page.tables, page.next_page_token)).await
    }

    /// The columns of a table or view, and where it is.
    pub async fn table(&self, dataset: &DatasetName, table: &str) -> Result<TableDescription> {
        let DatasetName { project_id, dataset_id } = dataset;
        let url = self.address(&["projects", project_id, "datasets", dataset_id, "tables", table])?;
        self.stack.send(&Request::get("BigQuery", url, error::decode), decode_json).await
    }

    async fn entries<P: DeserializeOwned, E>(
        &self,
        path: &[&str],
        split: impl Fn(P) -> (Vec<E>, Option<String>),
    ) -> Result<Vec<E>> {
        let mut entries = Vec::new();
        let mut token: Option<String> = None;
        let mut seen = HashSet::new();
        loop {
            let mut url = self.address(path)?;
            url.query_pairs_mut().append_pair("maxResults", ENTRIES_A_PAGE);
            if let Some(token) = &token {
                url.query_pairs_mut().append_pair("pageToken", token);
            }
            let page = self.stack.send(&Request::get("BigQuery", url, error::decode), decode_json).await?;
            let (more, next) = split(page);
            entries.extend(more);
            let Some(next) = next.filter(|next| !next.is_empty()) else { return Ok(entries) };
            if !seen.insert(next.clone()) {
                return Err(Error::new(ErrorKind::MalformedResponse, "BigQuery repeats the same page of a listing"));
            }
            token = Some(next);
        }
    }
}
