//! Which data set and which tables there are: asked for once, and kept.

use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex;

use super::naming::{Meaning, SNAPSHOTS};
use super::shape::Shape;
use super::subscribe;
use crate::bigquery::BigQueryClient;
use crate::bigquery::tables::DatasetName;
use crate::error::{Error, ErrorKind, Result};
use crate::sharing::SharingClient;

/// What is known of data sets; clones know the same.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    /// The data set where the user names none.
    default: Option<DatasetName>,
    tables: HashMap<DatasetName, Arc<[String]>>,
    shapes: HashMap<(DatasetName, String), Arc<Shape>>,
}

/// Where to ask, and for whom.
pub struct Place<'a> {
    /// BigQuery.
    pub bigquery: &'a BigQueryClient,
    /// Analytics Hub.
    pub sharing: &'a SharingClient,
    /// The user's project.
    pub project: &'a str,
    /// The user's location, for example `us`.
    pub location: &'a str,
}

impl Catalog {
    /// The data set of a wish, or the subscribed one.
    pub(super) async fn dataset(&self, place: &Place<'_>, named: Option<&str>) -> Result<DatasetName> {
        if let Some(name) = named {
            return dataset_name(name, place.project);
        }
        let mut known = self.known.lock().await;
        if let Some(default) = &known.default {
            return Ok(default.clone());
        }
        let found = find(place).await?;
        tracing::debug!(project = found.project_id, dataset = found.dataset_id, "found the data set");
        known.default = Some(found.clone());
        Ok(found)
    }

    /// The table of a meaning, by whatever name this data set gives it. Fails with the tables that are there.
    pub(super) async fn find(&self, place: &Place<'_>, dataset: &DatasetName, meaning: Meaning) -> Result<Arc<Shape>> {
        if let Some(shape) = self.find_if_there(place, dataset, meaning).await? {
            return Ok(shape);
        }
        Err(missing(dataset, &describe(meaning), &self.tables(place, dataset, false).await?))
    }

    /// The same, for a table that may be missing.
    pub(super) async fn find_if_there(
        &self,
        place: &Place<'_>,
        dataset: &DatasetName,
        meaning: Meaning,
    ) -> Result<Option<Arc<Shape>>> {
        self.first(place, dataset, &meaning.names()).await
    }

    /// The table of snapshots, where there is one.
    pub(super) async fn snapshots(&self, place: &Place<'_>, dataset: &DatasetName) -> Result<Option<Arc<Shape>>> {
        self.first(place, dataset, &[SNAPSHOTS.to_owned()]).await
    }

    /// A table of exactly this name. Fails with the tables that are there.
    pub(super) async fn named(&self, place: &Place<'_>, dataset: &DatasetName, table: &str) -> Result<Arc<Shape>> {
        if let Some(shape) = self.first(place, dataset, &[table.to_owned()]).await? {
            return Ok(shape);
        }
        let what = format!("table `{}`", table.escape_debug());
        Err(missing(dataset, &what, &self.tables(place, dataset, false).await?))
    }

    /// A table of the user's own. Fails with the tables that are there.
    pub(super) async fn own(&self, place: &Place<'_>, dataset: &DatasetName, table: &str) -> Result<Arc<Shape>> {
        if let Some(shape) = self.fresh(place, dataset, table).await? {
            return Ok(Arc::new(shape));
        }
        let what = format!("table `{}`", table.escape_debug());
        Err(missing(dataset, &what, &self.tables(place, dataset, true).await?))
    }

    /// Fails where there is no such data set.
    pub(super) async fn check(&self, place: &Place<'_>, dataset: &DatasetName) -> Result<()> {
        self.tables(place, dataset, true).await.map(drop)
    }

    /// A table that may change its columns, or come and go: never kept.
    pub(super) async fn fresh(&self, place: &Place<'_>, dataset: &DatasetName, table: &str) -> Result<Option<Shape>> {
        match place.bigquery.table(dataset, table).await {
            Ok(description) => Ok(Some(Shape::new(dataset.clone(), table.to_owned(), description))),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The first of several names that is there. A listing in which none is may be older than a subscription.
    async fn first(&self, place: &Place<'_>, dataset: &DatasetName, names: &[String]) -> Result<Option<Arc<Shape>>> {
        for is_again in [false, true] {
            let tables = self.tables(place, dataset, is_again).await?;
            let found = names.iter().find_map(|name| tables.iter().find(|table| table.eq_ignore_ascii_case(name)));
            if let Some(table) = found {
                return self.shape(place, dataset, table).await.map(Some);
            }
        }
        Ok(None)
    }

    async fn tables(&self, place: &Place<'_>, dataset: &DatasetName, again: bool) -> Result<Arc<[String]>> {
        let mut known = self.known.lock().await;
        if let (Some(tables), false) = (known.tables.get(dataset), again) {
            return Ok(Arc::clone(tables));
        }
        let listed = place.bigquery.tables(dataset).await.map_err(|error| not_there(error, dataset))?;
        let tables: Arc<[String]> = listed.into_iter().map(|table| table.table_reference.table_id).collect();
        known.tables.insert(dataset.clone(), Arc::clone(&tables));
        Ok(tables)
    }

    async fn shape(&self, place: &Place<'_>, dataset: &DatasetName, table: &str) -> Result<Arc<Shape>> {
        let mut known = self.known.lock().await;
        let key = (dataset.clone(), table.to_owned());
        if let Some(shape) = known.shapes.get(&key) {
            return Ok(Arc::clone(shape));
        }
        let description = place.bigquery.table(dataset, table).await?;
        let shape = Arc::new(Shape::new(dataset.clone(), table.to_owned(), description));
        known.shapes.insert(key, Arc::clone(&shape));
        Ok(shape)
    }
}

/// The subscribed data set: the documented names first, then whatever a subscription is linked to.
async fn find(place: &Place<'_>) -> Result<DatasetName> {
    let location = place.location.to_ascii_lowercase().replace('-', "_");
    let listed = place.bigquery.datasets(place.project).await?;
    let ids: Vec<&str> = listed.iter().map(|dataset| dataset.dataset_reference.dataset_id.as_str()).collect();
    // Where both are there, the one without "preview" is the newer.
    let documented = [format!("imagery_insights___{location}"), format!("imagery_insights___preview___{location}")];
    if let Some(id) = documented.iter().find(|name| ids.contains(&name.as_str())) {
        return Ok(DatasetName { project_id: place.project.to_owned(), dataset_id: id.clone() });
    }
    match subscribe::linked_datasets(place.sharing, place.project, place.location).await {
        Ok(linked) => {
            if let Some(dataset) = linked.into_iter().next() {
                return Ok(dataset);
            }
        }
        // Who may read the data set need not be allowed to list subscriptions.
        Err(error) => tracing::debug!(%error, "the subscriptions could not be listed"),
    }
    Err(nothing_subscribed(place, &ids))
}

fn nothing_subscribed(place: &Place<'_>, ids: &[&str]) -> Error {
    let Place { project, location, .. } = place;
    let error = Error::new(
        ErrorKind::NotFound,
        format!("the project `{project}` has no Street View Insights data set in the location `{location}`"),
    );
    let similar: Vec<&str> = ids.iter().copied().filter(|id| id.contains("imagery_insights")).collect();
    if let Some(other) = similar.first() {
        let elsewhere = other.rsplit("___").next().unwrap_or_default();
        return error.with_hint(format!(
            "there is {}: pass `dataset=\"{other}\"`, or make the client with `location=\"{elsewhere}\"`",
            similar.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
        ));
    }
    error.with_hint("subscribe with `client.subscribe(\"your-customer-id\")`, or name the data set with `dataset=`")
}

/// `dataset` or `project.dataset`; a project may have dots only before a colon.
pub(super) fn dataset_name(name: &str, project: &str) -> Result<DatasetName> {
    let name = name.trim().trim_matches('`');
    let (project, dataset) = name.rsplit_once('.').unwrap_or((project, name));
    let is_id = !dataset.is_empty() && dataset.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    let is_project =
        !project.is_empty() && project.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.:".contains(letter));
    if is_id && is_project {
        return Ok(DatasetName { project_id: project.to_owned(), dataset_id: dataset.to_owned() });
    }
    Err(Error::new(ErrorKind::InvalidInput, format!("`{}` is no name of a data set", name.escape_debug()))
        .with_hint("pass `dataset` or `project.dataset`"))
}

/// A table as `dataset.table` or `project.dataset.table`.
pub(super) fn table_name(name: &str, project: &str) -> Result<(DatasetName, String)> {
    let trimmed = name.trim().trim_matches('`');
    let wrong = || {
        Error::new(ErrorKind::InvalidInput, format!("`{}` is no name of a table", trimmed.escape_debug()))
            .with_hint("pass `dataset.table` or `project.dataset.table`")
    };
    let (dataset, table) = trimmed.rsplit_once('.').ok_or_else(wrong)?;
    if table.is_empty() || table.chars().any(|letter| letter == '`' || letter == '\\' || letter.is_control()) {
        return Err(wrong());
    }
    Ok((dataset_name(dataset, project)?, table.to_owned()))
}

fn describe(meaning: Meaning) -> String {
    let Meaning { entity, product, scope } = meaning;
    let product = product.map_or_else(String::new, |product| format!("{product} "));
    format!("table of {product}{entity} ({scope})")
}

fn missing(dataset: &DatasetName, what: &str, tables: &[String]) -> Error {
    let DatasetName { project_id, dataset_id } = dataset;
    let error = Error::new(ErrorKind::NotFound, format!("the data set `{project_id}.{dataset_id}` has no {what}"));
    if tables.is_empty() {
        return error.with_hint("it is empty: the subscription may have been revoked, or be of another product");
    }
    let mut named: Vec<String> = tables.iter().take(20).map(|table| format!("`{table}`")).collect();
    named.sort();
    let more = if tables.len() > named.len() { ", …" } else { "" };
    let camel = tables.iter().any(|table| table.eq_ignore_ascii_case("urls_view"));
    let old = if camel {
        "; these are the views of the 2025 sandbox, whose columns have other names: query them with SQL"
    } else {
        ""
    };
    error.with_hint(format!("its tables are {}{more}{old}", named.join(", ")))
}

fn not_there(error: Error, dataset: &DatasetName) -> Error {
    if !is_missing(&error) {
        return error;
    }
    let message = error.message().to_owned();
    Error::new(ErrorKind::NotFound, message).with_source(error).with_hint(format!(
        "`{}` is looked for in the project `{}`: name another with `dataset=\"project.dataset\"`",
        dataset.dataset_id, dataset.project_id
    ))
}

/// Whether BigQuery knows no such data set or table.
fn is_missing(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound || error.details().status == Some(404)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_set_may_name_its_project() {
        for (name, expected) in
            [("d_1", ("mine", "d_1")), ("a-b.d", ("a-b", "d")), ("`example.com:p.d`", ("example.com:p", "d"))]
        {
            let found = dataset_name(name, "mine").unwrap();
            assert_eq!((found.project_id.as_str(), found.dataset_id.as_str()), expected);
        }
        for name in ["", "a b", "d`; DROP", "p..", "p.d-e", "a/b.c"] {
            assert!(dataset_name(name, "mine").is_err(), "{name}");
        }
    }

    #[test]
    fn a_table_is_named_with_its_data_set() {
        let (dataset, table) = table_name("p.d.t-1", "mine").unwrap();
        assert_eq!((dataset.project_id.as_str(), dataset.dataset_id.as_str(), table.as_str()), ("p", "d", "t-1"));
        assert_eq!(table_name("d.t", "mine").unwrap().0.project_id, "mine");
        for name in ["t", "d.", "d.t`x", "d.t\nx"] {
            assert!(table_name(name, "mine").is_err(), "{name}");
        }
    }

    #[test]
    fn a_missing_table_is_told_with_those_that_are_there() {
        let dataset = DatasetName { project_id: "p".into(), dataset_id: "d".into() };
        let error = missing(&dataset, "table of pano observations (latest)", &["b".into(), "a".into()]);
        assert_eq!(error.message(), "the data set `p.d` has no table of pano observations (latest)");
        assert_eq!(error.details().hint.as_deref(), Some("its tables are `a`, `b`"));
    }
}
