//! Which Python exception an error of the core becomes. The classes are written in Python.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use streetlens_core::error::{Error, ErrorKind};

mod classes {
    //! The exceptions of `streetlens.exceptions`.
    use pyo3::import_exception;

    import_exception!(streetlens.exceptions, StreetlensError);
    import_exception!(streetlens.exceptions, ConfigurationError);
    import_exception!(streetlens.exceptions, InvalidInput);
    import_exception!(streetlens.exceptions, InvalidUri);
    import_exception!(streetlens.exceptions, AuthenticationError);
    import_exception!(streetlens.exceptions, PermissionDenied);
    import_exception!(streetlens.exceptions, NotFound);
    import_exception!(streetlens.exceptions, AlreadyExists);
    import_exception!(streetlens.exceptions, ImageError);
    import_exception!(streetlens.exceptions, QueryError);
    import_exception!(streetlens.exceptions, SchemaError);
    import_exception!(streetlens.exceptions, ModelUnavailable);
    import_exception!(streetlens.exceptions, InvalidRequest);
    import_exception!(streetlens.exceptions, QuotaExhausted);
    import_exception!(streetlens.exceptions, ServiceUnavailable);
    import_exception!(streetlens.exceptions, ConnectionFailed);
    import_exception!(streetlens.exceptions, DeadlineExceeded);
    import_exception!(streetlens.exceptions, MalformedResponse);
    import_exception!(streetlens.exceptions, TooManyErrors);
    import_exception!(streetlens.exceptions, BudgetExceeded);
    import_exception!(streetlens.exceptions, StoreError);
    import_exception!(streetlens.exceptions, Cancelled);
    import_exception!(streetlens.exceptions, InternalError);
}

/// The exception to raise for an error, with everything the service said as attributes.
pub(crate) fn to_python(py: Python<'_>, mut error: Error) -> PyErr {
    let cause = error.take_source().and_then(|source| source.downcast::<PyErr>().ok()).map(|cause| *cause);
    if let Some(cause) = &cause
        && cause.is_instance_of::<classes::StreetlensError>(py)
    {
        return cause.clone_ref(py);
    }
    let raised = raise(py, &error);
    if cause.is_some() {
        raised.set_cause(py, cause);
    }
    raised
}

fn raise(py: Python<'_>, error: &Error) -> PyErr {
    let class = class(py, error);
    let built = attributes(py, error).and_then(|attributes| class.call((error.message(),), Some(&attributes)));
    match built {
        Ok(exception) => PyErr::from_value(exception),
        Err(failure) => failure,
    }
}

fn class<'py>(py: Python<'py>, error: &Error) -> Bound<'py, pyo3::types::PyType> {
    use pyo3::PyTypeInfo;
    // A query error tells the job and location; what went wrong is in its reason.
    let is_bigquery = error.details().service == Some("BigQuery");
    match error.kind() {
        ErrorKind::Query => classes::QueryError::type_object(py),
        ErrorKind::NotFound if is_bigquery => classes::QueryError::type_object(py),
        ErrorKind::Configuration => classes::ConfigurationError::type_object(py),
        ErrorKind::InvalidInput => classes::InvalidInput::type_object(py),
        ErrorKind::InvalidUri => classes::InvalidUri::type_object(py),
        ErrorKind::Authentication => classes::AuthenticationError::type_object(py),
        ErrorKind::PermissionDenied => classes::PermissionDenied::type_object(py),
        ErrorKind::NotFound => classes::NotFound::type_object(py),
        ErrorKind::AlreadyExists => classes::AlreadyExists::type_object(py),
        ErrorKind::Image => classes::ImageError::type_object(py),
        ErrorKind::Schema => classes::SchemaError::type_object(py),
        ErrorKind::ModelUnavailable => classes::ModelUnavailable::type_object(py),
        ErrorKind::InvalidRequest => classes::InvalidRequest::type_object(py),
        ErrorKind::Throttled => classes::QuotaExhausted::type_object(py),
        ErrorKind::Unavailable => classes::ServiceUnavailable::type_object(py),
        ErrorKind::Transport => classes::ConnectionFailed::type_object(py),
        ErrorKind::Timeout => classes::DeadlineExceeded::type_object(py),
        ErrorKind::MalformedResponse => classes::MalformedResponse::type_object(py),
        ErrorKind::TooManyErrors => classes::TooManyErrors::type_object(py),
        ErrorKind::BudgetExceeded => classes::BudgetExceeded::type_object(py),
        ErrorKind::Store => classes::StoreError::type_object(py),
        ErrorKind::Cancelled => classes::Cancelled::type_object(py),
        ErrorKind::Internal => classes::InternalError::type_object(py),
    }
}

fn attributes<'py>(py: Python<'py>, error: &Error) -> PyResult<Bound<'py, PyDict>> {
    let details = error.details();
    let attributes = PyDict::new(py);
    attributes.set_item("hint", &details.hint)?;
    attributes.set_item("service", details.service)?;
    attributes.set_item("status", details.status)?;
    attributes.set_item("reason", &details.reason)?;
    attributes.set_item("location", &details.location)?;
    attributes.set_item("job_id", &details.job_id)?;
    attributes.set_item("attempts", details.attempts)?;
    Ok(attributes)
}
