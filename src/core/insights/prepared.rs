//! A selection that has found its tables and its snapshot, and can be written as SQL.

use std::sync::Arc;

use super::catalog::{Catalog, Place, table_name};
use super::naming::{Entity, Meaning, Product, Scope};
use super::selection::{Selection, SnapshotChoice};
use super::shape::Shape;
use super::snapshots::{self, Snapshot};
use super::statement::{Statement, Tables, Writer};
use crate::bigquery::tables::DatasetName;
use crate::error::{Error, ErrorKind, Result};

/// A selection with its tables, pinned to a snapshot.
#[derive(Debug, Clone)]
pub struct Prepared {
    selection: Selection,
    rows: Arc<Shape>,
    observations: Option<Arc<Shape>>,
    assets: Option<Arc<Shape>>,
    earlier: Option<Arc<Shape>>,
    answered: Option<Arc<Shape>>,
    /// The snapshot that the rows are of; none where they are of all, or no table tells.
    pub snapshot: Option<Snapshot>,
    /// All snapshots that are there.
    pub snapshots: Vec<Snapshot>,
}

impl Prepared {
    /// The table that rows are read from.
    #[must_use]
    pub fn table(&self) -> &Shape {
        &self.rows
    }

    /// Whether the results that rows are compared with are not there yet.
    #[must_use]
    pub fn lacks_results(&self) -> bool {
        self.selection.unanswered_in.is_some() && self.answered.is_none()
    }

    /// The rows themselves.
    pub fn rows(&self) -> Result<Statement> {
        self.writer().rows()
    }

    /// How many rows there are.
    pub fn count(&self) -> Result<Statement> {
        self.writer().count()
    }

    /// What the selection holds: statements by what they tell.
    pub fn profile(&self) -> Result<Vec<(&'static str, Statement)>> {
        self.writer().profile(self.assets.as_deref())
    }

    /// How many rows each class of the snapshot has; none where the table knows no classes.
    pub fn classes(&self) -> Result<Option<Statement>> {
        if !self.rows.has("asset_type") {
            return Ok(None);
        }
        self.writer().classes(false).map(Some)
    }

    /// The observations that the earlier snapshot had and this one has not: the other side of a comparison.
    pub fn removed(&self) -> Result<Option<Statement>> {
        let (Some(_), Some(earlier)) = (&self.selection.since, &self.earlier) else { return Ok(None) };
        self.writer().removed(earlier).map(Some)
    }

    fn writer(&self) -> Writer<'_> {
        let tables = Tables {
            rows: &self.rows,
            observations: self.observations.as_deref(),
            earlier: self.earlier.as_deref(),
            answered: self.answered.as_deref(),
        };
        // A table of the user's own may hold no snapshots.
        let snapshot = self.snapshot.as_ref().filter(|_| self.rows.has("snapshot_id"));
        Writer { selection: &self.selection, tables, snapshot: snapshot.map(|snapshot| snapshot.id.as_str()) }
    }
}

/// Finds a selection's tables and its snapshot, and checks its columns; nothing is billed but the table of snapshots.
pub async fn prepare(catalog: &Catalog, place: &Place<'_>, selection: Selection) -> Result<Prepared> {
    let (dataset, table) = source(catalog, place, &selection).await?;
    let entity = selection.entity.unwrap_or(Entity::Observations);
    let meaning = table.as_deref().and_then(Meaning::of);
    let wanted = meaning.map_or(entity, |meaning| meaning.entity);
    let product = selection.product.or_else(|| meaning.and_then(|meaning| meaning.product));
    let old_scope = meaning.map(|meaning| meaning.scope);
    let (snapshots, snapshot) = pinned(catalog, place, &dataset, &selection, product, old_scope).await?;
    let scope = match &selection.snapshot {
        SnapshotChoice::Latest => old_scope.unwrap_or(Scope::Latest),
        // The newest is in the smaller table too.
        SnapshotChoice::Id(id) if snapshots::newest(&snapshots, product).is_some_and(|newest| newest.id == *id) => {
            Scope::Latest
        }
        SnapshotChoice::Id(_) | SnapshotChoice::All => Scope::All,
    };
    let own = table.as_deref().filter(|_| meaning.is_none());
    let rows = match own {
        Some(table) => catalog.own(place, &dataset, table).await?,
        None => catalog.find(place, &dataset, Meaning { entity: wanted, product, scope }).await?,
    };
    // What comes along is of the same product as the rows.
    let product = Meaning::of(&rows.table).map_or(product, |meaning| meaning.product);
    let beside = |entity, scope| Meaning { entity, product, scope };
    let asks_views = wanted == Entity::Assets && (selection.min_views.is_some() || selection.max_views.is_some());
    let observations = match wanted {
        Entity::Assets if own.is_none() => {
            let found = catalog.find_if_there(place, &dataset, beside(Entity::Observations, scope)).await?;
            if asks_views && found.is_none() {
                catalog.find(place, &dataset, beside(Entity::Observations, scope)).await?;
            }
            found
        }
        _ => None,
    };
    let assets = match wanted {
        Entity::LidarMetadata => None,
        _ if own.is_some() => None,
        _ => catalog.find_if_there(place, &dataset, beside(Entity::Assets, scope)).await?,
    };
    let earlier = match &selection.since {
        Some(since) => {
            snapshots::named(&snapshots, since)?;
            Some(catalog.find(place, &dataset, beside(wanted, Scope::All)).await?)
        }
        None => None,
    };
    let answered = match &selection.unanswered_in {
        Some(name) => answers(catalog, place, name, &rows).await?,
        None => None,
    };
    let prepared = Prepared { selection, rows, observations, assets, earlier, answered, snapshot, snapshots };
    // Every column and value is looked at before anything is asked.
    prepared.rows()?;
    Ok(prepared)
}

/// The statement that tells the snapshots of a data set, and where to run it.
pub async fn snapshots_of(
    catalog: &Catalog,
    place: &Place<'_>,
    dataset: Option<&str>,
) -> Result<(Statement, Option<String>)> {
    let dataset = catalog.dataset(place, dataset).await?;
    let shape = catalog.named(place, &dataset, super::naming::SNAPSHOTS).await?;
    Ok((snapshots::overview(&shape)?, shape.location.clone()))
}

/// The data set, and the table where the user names one.
async fn source(catalog: &Catalog, place: &Place<'_>, selection: &Selection) -> Result<(DatasetName, Option<String>)> {
    let table = selection.table.as_deref().map(str::trim);
    if let Some(name) = table.filter(|name| name.contains('.')) {
        let (dataset, table) = table_name(name, place.project)?;
        return Ok((dataset, Some(table)));
    }
    let dataset = catalog.dataset(place, selection.dataset.as_deref()).await?;
    Ok((dataset, table.map(|name| name.trim_matches('`').to_owned())))
}

async fn pinned(
    catalog: &Catalog,
    place: &Place<'_>,
    dataset: &DatasetName,
    selection: &Selection,
    product: Option<Product>,
    scope: Option<Scope>,
) -> Result<(Vec<Snapshot>, Option<Snapshot>)> {
    let Some(shape) = catalog.snapshots(place, dataset).await? else {
        return match &selection.snapshot {
            // The rows themselves still say which snapshot they are of.
            SnapshotChoice::Id(id) => {
                let snapshot = Snapshot { id: id.clone(), created: None, product_types: Vec::new() };
                Ok((Vec::new(), Some(snapshot)))
            }
            _ => Ok((Vec::new(), None)),
        };
    };
    let snapshots = snapshots::list(place.bigquery, &shape).await?;
    let snapshot = match &selection.snapshot {
        SnapshotChoice::All => None,
        SnapshotChoice::Latest if scope == Some(Scope::All) => None,
        SnapshotChoice::Latest => snapshots::newest(&snapshots, product).cloned(),
        SnapshotChoice::Id(id) => Some(snapshots::named(&snapshots, id)?.clone()),
    };
    Ok((snapshots, snapshot))
}

/// The table of results; before the first run there is none, and nothing is answered.
async fn answers(catalog: &Catalog, place: &Place<'_>, name: &str, rows: &Shape) -> Result<Option<Arc<Shape>>> {
    let (dataset, table) = table_name(name, place.project)?;
    let Some(shape) = catalog.fresh(place, &dataset, &table).await? else {
        // A data set that is not there is a slip of the pen.
        catalog.check(place, &dataset).await?;
        return Ok(None);
    };
    if let (Some(here), Some(there)) = (&rows.location, &shape.location)
        && !here.eq_ignore_ascii_case(there)
    {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("the results `{name}` are in {there}, and the data set is in {here}: one query cannot read both"),
        )
        .with_hint("copy the results into a data set of the same location, or classify without `only_new`"));
    }
    Ok(Some(Arc::new(shape)))
}
