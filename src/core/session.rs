//! Wires everything once: the only constructor of a working client.

mod answer_columns;
mod answer_table;

pub use answer_table::RunInto;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use chrono::Utc;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::auth::TokenSource;
use crate::bigquery::BigQueryClient;
use crate::bigquery::load::{LoadOptions, LoadResult, Target};
use crate::bigquery::request::Query;
use crate::bigquery::result::{QueryEstimate, QueryResult};
use crate::bigquery::stream::QueryStream;
use crate::bigquery::table_rows::TableRows;
use crate::classify::{ImageAccess, KnownQuotas, Question, Run, RunOptions, Services};
use crate::error::Result;
use crate::gemini::catalogue::{OnRetired, Wish};
use crate::gemini::{Catalogue, GeminiClient, Generated, Place};
use crate::insights::{self, Catalog, LinkedDataset, Prepared, Selection, SubscribeOptions};
use crate::settings::{Settings, StoreLocation};
use crate::sharing::SharingClient;
use crate::stack::Stack;
use crate::storage::StorageClient;
use crate::store::Store;
use crate::transport::HttpPool;

/// Every service of one configuration.
#[derive(Clone)]
pub struct Session {
    settings: Settings,
    /// The data-plane of BigQuery.
    pub bigquery: BigQueryClient,
    /// Gemini on Vertex AI.
    pub gemini: GeminiClient,
    /// Cloud Storage.
    pub storage: StorageClient,
    /// Images, with what is known of their buckets.
    pub images: ImageAccess,
    /// What runs found out about quotas.
    pub quotas: KnownQuotas,
    /// Analytics Hub.
    pub sharing: SharingClient,
    /// What is known of data sets and their tables.
    catalog: Catalog,
    /// Files that are open, by their paths without links.
    stores: Arc<Mutex<HashMap<PathBuf, Store>>>,
}

/// Which model to ask, and what to do where that cannot be had.
#[derive(Debug, Clone, Default)]
pub struct ModelChoice {
    /// Model id; the catalogue's default otherwise.
    pub model: Option<String>,
    /// What to do about a retired model.
    pub on_retired: OnRetired,
    /// Refuse a location that does not serve the model instead of widening it.
    pub strict_region: bool,
}

impl Session {
    /// Wires the services; nothing is contacted.
    pub fn new(settings: Settings, source: Arc<dyn TokenSource>) -> Result<Self> {
        let stack = Stack::new(Arc::new(HttpPool::new(settings.ca_bundle.as_deref())?), source);
        let storage = StorageClient::new(stack.clone(), &settings)?;
        Ok(Self {
            bigquery: BigQueryClient::new(stack.clone(), &settings)?,
            images: ImageAccess::new(storage.clone()),
            quotas: KnownQuotas::default(),
            storage,
            sharing: SharingClient::new(stack.clone(), &settings)?,
            gemini: GeminiClient::new(stack, &settings, Catalogue::embedded()?),
            settings,
            catalog: Catalog::default(),
            stores: Arc::default(),
        })
    }

    /// The configuration.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The store of this configuration, opened when it is first asked for. Blocks.
    pub fn store(&self) -> Result<Store> {
        self.store_at(&self.settings.store)
    }

    /// The store at another place; a file is opened once. Blocks.
    pub fn store_at(&self, location: &StoreLocation) -> Result<Store> {
        let Some(path) = location.file()? else { return Ok(Store::in_memory()) };
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = Store::locate(path).and_then(|located| stores.get(&located)) {
            return Ok(store.clone());
        }
        let store = Store::open(path)?;
        if let Some(located) = store.path() {
            stores.insert(located.to_owned(), store.clone());
        }
        Ok(store)
    }

    /// Runs a query to its end.
    pub async fn query(&self, query: Query) -> Result<QueryResult> {
        self.bigquery.query(&self.located(query)).await
    }

    /// Runs a query and gives its rows as they come.
    pub async fn stream(&self, query: Query) -> Result<QueryStream> {
        self.bigquery.stream(&self.located(query)).await
    }

    /// Reads a table without a query, and gives its rows as they come.
    pub async fn table_rows(&self, wish: TableRows) -> Result<QueryStream> {
        self.bigquery.table_rows(&wish).await
    }

    /// Tells what a query would read, and runs nothing.
    pub async fn estimate(&self, query: Query) -> Result<QueryEstimate> {
        self.bigquery.estimate(&self.located(query)).await
    }

    fn located(&self, query: Query) -> Query {
        let location = query.location.or_else(|| self.settings.query_location.clone());
        Query { location, ..query }
    }

    /// Writes rows into `dataset.table` or `project.dataset.table`, exactly once.
    pub async fn load(
        &self,
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
        table: &str,
        options: &LoadOptions,
    ) -> Result<LoadResult> {
        let target = Target::parse(table, &self.settings.project)?;
        self.bigquery.load(schema, batches, &target, options).await
    }

    /// Subscribes to a customer's data set, or returns the one that is there.
    pub async fn subscribe(&self, options: &SubscribeOptions) -> Result<LinkedDataset> {
        insights::subscribe(&self.sharing, &self.bigquery, options).await
    }

    /// Finds the tables and the snapshot of a selection of the data set, and checks its columns.
    pub async fn select(&self, selection: Selection) -> Result<Prepared> {
        let prepared = insights::prepare(&self.catalog, &self.data_place(), selection).await?;
        if !prepared.snapshots.is_empty() {
            self.images.snapshots().found(prepared.snapshots.iter().map(|snapshot| snapshot.id.clone()).collect());
        }
        Ok(prepared)
    }

    /// The statement that tells the snapshots of a data set, and where to run it.
    pub async fn snapshots(&self, dataset: Option<&str>) -> Result<(insights::Statement, Option<String>)> {
        insights::snapshots_of(&self.catalog, &self.data_place(), dataset).await
    }

    fn data_place(&self) -> insights::Place<'_> {
        insights::Place {
            bigquery: &self.bigquery,
            sharing: &self.sharing,
            project: &self.settings.project,
            location: &self.settings.location,
        }
    }

    /// Where requests for a model go.
    pub fn place(&self, choice: &ModelChoice) -> Result<Place> {
        self.place_in(&self.settings.region, choice)
    }

    /// The places that share the requests for a model, each once.
    pub fn places(&self, choice: &ModelChoice) -> Result<Vec<Place>> {
        let mut places = vec![self.place(choice)?];
        for region in &self.settings.more_regions {
            let place = self.place_in(region, choice)?;
            if places.iter().all(|other| other.location != place.location) {
                places.push(place);
            }
        }
        Ok(places)
    }

    fn place_in(&self, region: &str, choice: &ModelChoice) -> Result<Place> {
        let wish = Wish {
            model: choice.model.as_deref(),
            location: region,
            is_location_named: self.settings.is_region_named,
            on_retired: choice.on_retired,
            strict: choice.strict_region,
        };
        self.gemini.catalogue().place(&wish, Utc::now().date_naive())
    }

    /// Prepares a run; nothing is contacted.
    pub fn classify(&self, choice: &ModelChoice, question: Question, options: RunOptions) -> Result<Run> {
        let services =
            Services { gemini: self.gemini.clone(), images: self.images.clone(), quotas: self.quotas.clone() };
        Run::new(services, self.places(choice)?, question, options)
    }

    /// A run whose results go into a table, which doubles as a store. The first of `keys` that is a column of the
    /// results tells rows apart.
    pub fn run_into(&self, run: Run, table: &str, keys: &[String]) -> Result<RunInto> {
        let target = Target::parse(table, &self.settings.project)?;
        RunInto::new(run, self.bigquery.clone(), target, keys)
    }

    /// Sends a whole request of the user's own to a model.
    pub async fn generate(&self, place: &Place, body: Bytes, timeout: Duration) -> Result<Generated> {
        let address = self.gemini.address(place)?;
        self.gemini.generate(place, &address, body, timeout).await.result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Anonymous;
    use crate::settings::{SettingsInput, StoreWish};
    use crate::store::Key;

    fn session(store: StoreWish) -> Session {
        let input = SettingsInput { project: Some("demo".into()), store, ..SettingsInput::default() };
        Session::new(Settings::resolve_with(&input, &|_| None).unwrap(), Arc::new(Anonymous)).unwrap()
    }

    #[tokio::test]
    async fn a_file_is_opened_once_whatever_it_is_called() {
        let folder = std::env::temp_dir().join(format!("streetlens-session-{}", uuid::Uuid::new_v4().simple()));
        let session = session(StoreWish::File(folder.join("answers.sqlite")));
        assert!(!folder.exists());
        let store = session.store().unwrap();
        let same = session.clone().store_at(&StoreLocation::File(folder.clone())).unwrap();
        let other = session.store_at(&StoreLocation::File(folder.join("other.sqlite"))).unwrap();
        store.close();
        let key = Key::builder("test").finish();
        assert!(same.find(vec![key]).await.is_err());
        assert!(other.find(vec![key]).await.is_ok());
        other.close();
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn without_a_place_nothing_is_kept() {
        assert_eq!(session(StoreWish::Memory).store().unwrap().path(), None);
    }
}
