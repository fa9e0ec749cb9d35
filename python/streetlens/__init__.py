"""Street View Insights in one import: query BigQuery, classify the images with Gemini, get every answer back."""

from __future__ import annotations

from streetlens._progress import Progress
from streetlens._streetlens import __version__  # noqa: TID251 - the version is the native module's
from streetlens.client import Client
from streetlens.exceptions import (
    AlreadyExists,
    AuthenticationError,
    Cancelled,
    ConfigurationError,
    ConnectionFailed,
    DeadlineExceeded,
    ImageError,
    InternalError,
    InvalidInput,
    InvalidRequest,
    InvalidUri,
    MalformedResponse,
    MissingLibrary,
    ModelUnavailable,
    NotFound,
    PermissionDenied,
    QueryError,
    QuotaExhausted,
    SchemaError,
    ServiceError,
    ServiceUnavailable,
    StreetlensError,
)
from streetlens.options import Endpoints, Parameter
from streetlens.results import Interval, LinkedDataset, QueryStats, Results, Table, Usage

__all__ = [
    "AlreadyExists",
    "AuthenticationError",
    "Cancelled",
    "Client",
    "ConfigurationError",
    "ConnectionFailed",
    "DeadlineExceeded",
    "Endpoints",
    "ImageError",
    "InternalError",
    "Interval",
    "InvalidInput",
    "InvalidRequest",
    "InvalidUri",
    "LinkedDataset",
    "MalformedResponse",
    "MissingLibrary",
    "ModelUnavailable",
    "NotFound",
    "Parameter",
    "PermissionDenied",
    "Progress",
    "QueryError",
    "QueryStats",
    "QuotaExhausted",
    "Results",
    "SchemaError",
    "ServiceError",
    "ServiceUnavailable",
    "StreetlensError",
    "Table",
    "Usage",
    "__version__",
]
