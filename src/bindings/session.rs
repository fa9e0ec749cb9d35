//! The services' verbs: convert, one core call, wrap.

use bytes::Bytes;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};
use std::path::PathBuf;
use std::time::Duration;
use streetlens_core::gemini::Place;
use streetlens_core::gemini::catalogue::OnRetired;
use streetlens_core::insights::{LinkedDataset, SubscribeOptions};
use streetlens_core::session::{ModelChoice, Session as CoreSession};
use streetlens_core::settings::{Settings, SettingsInput, StoreLocation, StoreWish};
use streetlens_core::sharing::wire::{DatasetReference, DestinationDataset};

use crate::call::Call;
use crate::credentials::Credentials;
use crate::error::to_python;

/// Everything of one configuration.
#[pyclass(frozen, module = "streetlens._streetlens")]
pub(crate) struct Session {
    pub(crate) core: CoreSession,
}

#[pymethods]
impl Session {
    #[new]
    fn new(py: Python<'_>, settings: &Bound<'_, PyDict>, credentials: Credentials) -> PyResult<Self> {
        let settings = resolve(py, settings)?;
        let source = credentials.into_source(py)?;
        let core = CoreSession::new(settings, source).map_err(|error| to_python(py, error))?;
        Ok(Self { core })
    }
}

/// Checks a configuration; gives the values in force. Contacts nothing.
#[pyfunction]
pub(crate) fn settings<'py>(py: Python<'py>, given: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyDict>> {
    let settings = resolve(py, given)?;
    let values = PyDict::new(py);
    values.set_item("project", &settings.project)?;
    values.set_item("region", &settings.region)?;
    values.set_item("more_regions", &settings.more_regions)?;
    values.set_item("location", &settings.location)?;
    values.set_item("is_loopback", settings.endpoints.are_loopback())?;
    let endpoints = &settings.endpoints;
    for (name, url) in [
        ("bigquery", &endpoints.bigquery),
        ("bigquery_storage", &endpoints.bigquery_storage),
        ("vertex", &endpoints.vertex),
        ("storage", &endpoints.storage),
        ("sharing", &endpoints.sharing),
    ] {
        values.set_item(name, url.as_ref().map(|url| url.as_str().trim_end_matches('/')))?;
    }
    let store = match &settings.store {
        StoreLocation::Memory | StoreLocation::Homeless => None,
        StoreLocation::File(path) => Some(path),
    };
    values.set_item("store", store)?;
    Ok(values)
}

fn resolve(py: Python<'_>, given: &Bound<'_, PyDict>) -> PyResult<Settings> {
    let text =
        |name: &str| -> PyResult<Option<String>> { given.get_item(name)?.map_or(Ok(None), |value| value.extract()) };
    let input = SettingsInput {
        project: text("project")?,
        region: text("region")?,
        more_regions: given.get_item("more_regions")?.map_or(Ok(Vec::new()), |value| value.extract())?,
        location: text("location")?,
        endpoint: text("endpoint")?,
        endpoints: given.get_item("endpoints")?.map_or(Ok(Vec::new()), |value| value.extract())?,
        store: given.get_item("store")?.map_or(Ok(StoreWish::Default), |value| store_wish(&value))?,
    };
    Settings::resolve(&input).map_err(|error| to_python(py, error))
}

/// `None` is the default, `False` no store, anything else a path.
pub(crate) fn store_wish(value: &Bound<'_, PyAny>) -> PyResult<StoreWish> {
    if value.is_none() {
        return Ok(StoreWish::Default);
    }
    if value.is_instance_of::<PyBool>() && !value.is_truthy()? {
        return Ok(StoreWish::Memory);
    }
    Ok(StoreWish::File(value.extract::<PathBuf>()?))
}

/// Subscribes to a customer's data set; the result is a dictionary.
#[pyfunction]
pub(crate) fn subscribe(session: &Session, customer_id: String, names: &Bound<'_, PyDict>) -> PyResult<Call> {
    let name =
        |key: &str| -> PyResult<Option<String>> { names.get_item(key)?.map_or(Ok(None), |value| value.extract()) };
    let options = SubscribeOptions {
        customer_id,
        project: session.core.settings().project.clone(),
        location: session.core.settings().location.clone(),
        publisher: name("publisher")?,
        exchange: name("exchange")?,
        listing: name("listing")?,
        dataset: name("dataset")?,
        dataset_project: name("dataset_project")?,
    };
    let core = session.core.clone();
    Ok(Call::new(async move { core.subscribe(&options).await }, wrap_linked))
}

fn wrap_linked(py: Python<'_>, linked: LinkedDataset) -> PyResult<Py<PyAny>> {
    let values = PyDict::new(py);
    values.set_item("project", linked.project)?;
    values.set_item("dataset", linked.dataset)?;
    values.set_item("location", linked.location)?;
    values.set_item("listing", linked.listing)?;
    values.set_item("subscription", linked.subscription)?;
    values.set_item("is_new", linked.is_new)?;
    Ok(values.into_any().unbind())
}

/// Subscribes one listing by its resource name; the result is the subscription's name and linked data set.
#[pyfunction]
pub(crate) fn subscribe_listing(
    session: &Session,
    listing: String,
    project: String,
    dataset: String,
    location: String,
    friendly_name: Option<String>,
    description: Option<String>,
) -> Call {
    let dataset_reference = DatasetReference { project_id: project, dataset_id: dataset };
    let destination = DestinationDataset { dataset_reference, location, friendly_name, description };
    let core = session.core.clone();
    Call::new(async move { core.sharing.subscribe(&listing, &destination).await }, |py, subscription| {
        Ok(subscription.name.into_pyobject(py)?.into_any().unbind())
    })
}

#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct ModelOptions {
    model: Option<String>,
    on_retired: String,
    strict_region: bool,
}

impl ModelOptions {
    pub(crate) fn choice(self) -> ModelChoice {
        let on_retired = match self.on_retired.as_str() {
            "replace" => OnRetired::Replace,
            "allow" => OnRetired::Allow,
            _ => OnRetired::Raise,
        };
        ModelChoice { model: self.model, on_retired, strict_region: self.strict_region }
    }
}

/// Where requests for a model go: model, location, notes. Contacts nothing.
#[pyfunction]
pub(crate) fn place(
    py: Python<'_>,
    session: &Session,
    choice: ModelOptions,
) -> PyResult<(String, String, Vec<String>)> {
    let place = session.core.place(&choice.choice()).map_err(|error| to_python(py, error))?;
    Ok((place.model, place.location, place.notes))
}

/// Sends a request body of the caller's own; the result is the answer's JSON.
#[pyfunction]
pub(crate) fn generate_content(session: &Session, model: String, location: String, body: String, timeout: f64) -> Call {
    let core = session.core.clone();
    let place = Place { model, location, notes: Vec::new() };
    Call::new(async move { core.generate(&place, Bytes::from(body), seconds(timeout)).await }, |py, generated| {
        Ok(String::from_utf8_lossy(&generated.json).into_pyobject(py)?.into_any().unbind())
    })
}

pub(crate) fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO)
}
