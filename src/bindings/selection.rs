//! Selections of the data set: what the user wants in, SQL and its parameters out.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};
use streetlens_core::bigquery::parameters::{Parameter, ParameterType, ParameterValue};
use streetlens_core::error::{Error, ErrorKind, Result};
use streetlens_core::insights::naming::{Entity, Product};
use streetlens_core::insights::selection::{Columns, Condition, Sample, SnapshotChoice};
use streetlens_core::insights::{Area, Prepared, Selection, Snapshot, Statement};

use crate::call::Call;
use crate::error::to_python;
use crate::parameters::read_value;
use crate::session::Session;

/// What is wanted of the data set, checked as far as that goes without asking anybody.
#[pyclass(frozen, module = "streetlens._streetlens")]
pub(crate) struct NativeSelection {
    core: Selection,
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Wish<'py> {
    entity: String,
    dataset: Option<String>,
    table: Option<String>,
    product: Option<String>,
    snapshot: Option<String>,
    kinds: Vec<String>,
    captured_after: Option<String>,
    captured_before: Option<String>,
    within: Option<Place>,
    min_views: Option<i64>,
    max_views: Option<i64>,
    conditions: Vec<Comparison<'py>>,
    columns: Option<Vec<String>>,
    limit: Option<i64>,
    sample: Option<(i64, String, Option<String>)>,
    since: Option<String>,
    unanswered_in: Option<String>,
    unanswered_by: Option<String>,
}

/// A column, how it is compared, and with which values.
type Comparison<'py> = (String, String, Vec<Option<Bound<'py, PyTuple>>>);

/// An area: a box, a point with a radius, or text.
#[derive(FromPyObject)]
enum Place {
    #[pyo3(transparent)]
    Box((f64, f64, f64, f64)),
    #[pyo3(transparent)]
    Around((f64, f64, f64)),
    #[pyo3(transparent)]
    Text(String),
}

#[pymethods]
impl NativeSelection {
    #[new]
    fn new(py: Python<'_>, wish: Wish<'_>) -> PyResult<Self> {
        let conditions = wish.conditions.iter().map(read_condition).collect::<PyResult<_>>()?;
        let core = Selection {
            entity: Some(if wish.entity == "assets" { Entity::Assets } else { Entity::Observations }),
            dataset: wish.dataset,
            table: wish.table,
            product: wish.product.map(|name| product(&name)).transpose().map_err(|error| to_python(py, error))?,
            snapshot: match wish.snapshot.as_deref() {
                None | Some("latest") => SnapshotChoice::Latest,
                Some("all") => SnapshotChoice::All,
                Some(id) => SnapshotChoice::Id(id.to_owned()),
            },
            kinds: wish.kinds,
            captured_after: wish.captured_after,
            captured_before: wish.captured_before,
            within: wish.within.map(Place::into_area).transpose().map_err(|error| to_python(py, error))?,
            min_views: wish.min_views,
            max_views: wish.max_views,
            conditions,
            columns: match wish.columns {
                None => Columns::Usual,
                Some(names) if names == ["*"] => Columns::All,
                Some(names) => Columns::Named(names),
            },
            limit: wish.limit,
            sample: wish.sample.map(|(rows, seed, stratify_by)| Sample { rows, seed, stratify_by }),
            since: wish.since,
            unanswered_in: wish.unanswered_in,
            unanswered_by: wish.unanswered_by,
        };
        Ok(Self { core })
    }

    /// Finds the tables and the snapshot; the result is a `PreparedSelection`.
    fn prepare(&self, session: &Session) -> Call {
        let (core, selection) = (session.core.clone(), self.core.clone());
        Call::new(async move { Box::pin(core.select(selection)).await }, |py, core| {
            Ok(PreparedSelection { core }.into_pyobject(py)?.into_any().unbind())
        })
    }
}

impl Place {
    fn into_area(self) -> Result<Area> {
        match self {
            Self::Box((west, south, east, north)) => Area::bounded(west, south, east, north),
            Self::Around((latitude, longitude, radius_m)) => Area::around(latitude, longitude, radius_m),
            Self::Text(text) => Area::parse(&text),
        }
    }
}

fn product(name: &str) -> Result<Product> {
    Product::parse(name).ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, format!("`{}` is no product", name.escape_debug()))
            .with_hint("the products are `cropped`, `full_frame` and `pano`")
    })
}

fn read_condition((path, form, values): &Comparison<'_>) -> PyResult<(String, Condition)> {
    let mut values =
        values.iter().map(|value| value.as_ref().map(read_value).transpose()).collect::<PyResult<Vec<_>>>()?;
    let condition = match form.as_str() {
        "any" => Condition::AnyOf(values.into_iter().flatten().collect()),
        "between" => {
            let most = values.pop().flatten();
            Condition::Between(values.pop().flatten(), most)
        }
        _ => values.pop().flatten().map_or(Condition::IsNull, Condition::Equals),
    };
    Ok((path.clone(), condition))
}

/// A selection that knows its tables and its snapshot.
#[pyclass(frozen, module = "streetlens._streetlens")]
pub(crate) struct PreparedSelection {
    core: Prepared,
}

/// SQL, and its parameters as `(name, type, value)`.
type NativeStatement = (String, Vec<(String, String, Py<PyAny>)>);

#[pymethods]
impl PreparedSelection {
    /// The table that rows are read from, as `project.dataset.table`.
    #[getter]
    fn table(&self) -> String {
        let shape = self.core.table();
        format!("{}.{}.{}", shape.dataset.project_id, shape.dataset.dataset_id, shape.table)
    }

    /// Where the table is.
    #[getter]
    fn location(&self) -> Option<&str> {
        self.core.table().location.as_deref()
    }

    /// Names of all of its columns.
    #[getter]
    fn columns(&self) -> Vec<&str> {
        self.core.table().names()
    }

    /// Id, creation and expiry of the snapshot that rows are of; the times as ISO 8601.
    #[getter]
    fn snapshot(&self) -> Option<(String, Option<String>, Option<String>)> {
        self.core.snapshot.as_ref().map(describe)
    }

    /// The same of every snapshot that is there, the newest first.
    #[getter]
    fn snapshots(&self) -> Vec<(String, Option<String>, Option<String>)> {
        self.core.snapshots.iter().map(describe).collect()
    }

    /// Whether the results that rows are compared with are not there yet.
    #[getter]
    fn lacks_results(&self) -> bool {
        self.core.lacks_results()
    }

    fn rows(&self, py: Python<'_>) -> PyResult<NativeStatement> {
        written(py, self.core.rows())
    }

    fn count(&self, py: Python<'_>) -> PyResult<NativeStatement> {
        written(py, self.core.count())
    }

    fn classes(&self, py: Python<'_>) -> PyResult<Option<NativeStatement>> {
        let statement = self.core.classes().map_err(|error| to_python(py, error))?;
        statement.map(|statement| written(py, Ok(statement))).transpose()
    }

    fn removed(&self, py: Python<'_>) -> PyResult<Option<NativeStatement>> {
        let statement = self.core.removed().map_err(|error| to_python(py, error))?;
        statement.map(|statement| written(py, Ok(statement))).transpose()
    }

    /// Statements by what they tell of the selection.
    fn profile(&self, py: Python<'_>) -> PyResult<Vec<(&'static str, NativeStatement)>> {
        let statements = self.core.profile().map_err(|error| to_python(py, error))?;
        statements.into_iter().map(|(name, statement)| Ok((name, written(py, Ok(statement))?))).collect()
    }
}

fn describe(snapshot: &Snapshot) -> (String, Option<String>, Option<String>) {
    let created = snapshot.created.map(|time| time.to_rfc3339());
    (snapshot.id.clone(), created, snapshot.expires().map(|time| time.to_rfc3339()))
}

fn written(py: Python<'_>, statement: Result<Statement>) -> PyResult<NativeStatement> {
    let Statement { sql, parameters } = statement.map_err(|error| to_python(py, error))?;
    let parameters = parameters.into_iter().map(|parameter| named(py, parameter)).collect::<PyResult<_>>()?;
    Ok((sql, parameters))
}

fn named(py: Python<'_>, parameter: Parameter) -> PyResult<(String, String, Py<PyAny>)> {
    let (kind, value) = shown(py, parameter.value)?;
    Ok((parameter.name.unwrap_or_default(), kind, value))
}

fn shown(py: Python<'_>, value: ParameterValue) -> PyResult<(String, Py<PyAny>)> {
    use ParameterValue as V;
    let (kind, text) = match value {
        V::Bool(value) => return Ok(("BOOL".into(), value.into_pyobject(py)?.to_owned().into_any().unbind())),
        V::Int64(value) => return Ok(("INT64".into(), value.into_pyobject(py)?.into_any().unbind())),
        V::Float64(value) => return Ok(("FLOAT64".into(), value.into_pyobject(py)?.into_any().unbind())),
        V::Bytes(value) => return Ok(("BYTES".into(), PyBytes::new(py, &value).into_any().unbind())),
        V::Array { element, items } => {
            let items = items.into_iter().map(|item| Ok(shown(py, item)?.1)).collect::<PyResult<Vec<_>>>()?;
            return Ok((format!("ARRAY<{}>", type_name(&element)), items.into_pyobject(py)?.into_any().unbind()));
        }
        V::String(text) => ("STRING", text),
        V::Timestamp(text) => ("TIMESTAMP", text),
        V::Date(text) => ("DATE", text),
        V::DateTime(text) => ("DATETIME", text),
        V::Time(text) => ("TIME", text),
        V::Numeric(text) => ("NUMERIC", text),
        V::BigNumeric(text) => ("BIGNUMERIC", text),
        V::Json(text) => ("JSON", text),
        V::Geography(text) => ("GEOGRAPHY", text),
        V::Interval(text) => ("INTERVAL", text),
        V::Null(_) | V::Range { .. } | V::Struct(_) => {
            let error = Error::new(ErrorKind::Internal, "a selection has a parameter of a type that none has");
            return Err(to_python(py, error));
        }
    };
    Ok((kind.into(), text.into_pyobject(py)?.into_any().unbind()))
}

fn type_name(kind: &ParameterType) -> &'static str {
    match kind {
        ParameterType::Bool => "BOOL",
        ParameterType::Int64 => "INT64",
        ParameterType::Float64 => "FLOAT64",
        ParameterType::Bytes => "BYTES",
        ParameterType::Date => "DATE",
        ParameterType::Time => "TIME",
        ParameterType::DateTime => "DATETIME",
        ParameterType::Timestamp => "TIMESTAMP",
        ParameterType::Numeric => "NUMERIC",
        ParameterType::BigNumeric => "BIGNUMERIC",
        _ => "STRING",
    }
}

/// The statement that tells a data set's snapshots, and where to run it.
#[pyfunction]
pub(crate) fn snapshots(session: &Session, dataset: Option<String>) -> Call {
    let core = session.core.clone();
    Call::new(async move { core.snapshots(dataset.as_deref()).await }, |py, (statement, location)| {
        let (sql, parameters) = written(py, Ok(statement))?;
        Ok((sql, parameters, location).into_pyobject(py)?.into_any().unbind())
    })
}
