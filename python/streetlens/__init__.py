"""Street View Insights in one import: query BigQuery, classify the images with Gemini, get every answer back."""

from __future__ import annotations

from typing import Any

from streetlens._progress import Progress
from streetlens._streetlens import __version__  # noqa: TID251 - the version is the native module's
from streetlens.client import Client
from streetlens.exceptions import (
    AlreadyExists,
    AuthenticationError,
    BudgetExceeded,
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
    StoreError,
    StreetlensError,
    TooManyErrors,
)
from streetlens.observations import AsyncSelection, Selection
from streetlens.options import Around, Box, ClassifyOptions, Endpoints, Parameter, QueryOptions, Schema
from streetlens.plan import Estimate, Plan
from streetlens.profile import Profile, QueryEstimate, Snapshot
from streetlens.queries import QueryProgress, QueryStats, RowStream
from streetlens.results import Interval, LinkedDataset, LoadStats, Results, Table, Usage
from streetlens.run import Answer, Run
from streetlens.store import Store, open_store

__all__ = [
    "AlreadyExists",
    "Answer",
    "Around",
    "AsyncSelection",
    "AuthenticationError",
    "Box",
    "BudgetExceeded",
    "Cancelled",
    "ClassifyOptions",
    "Client",
    "ConfigurationError",
    "ConnectionFailed",
    "DeadlineExceeded",
    "Endpoints",
    "Estimate",
    "ImageError",
    "InternalError",
    "Interval",
    "InvalidInput",
    "InvalidRequest",
    "InvalidUri",
    "LinkedDataset",
    "LoadStats",
    "MalformedResponse",
    "MissingLibrary",
    "ModelUnavailable",
    "NotFound",
    "Parameter",
    "PermissionDenied",
    "Plan",
    "Profile",
    "Progress",
    "QueryError",
    "QueryEstimate",
    "QueryOptions",
    "QueryProgress",
    "QueryStats",
    "QuotaExhausted",
    "Results",
    "RowStream",
    "Run",
    "Schema",
    "SchemaError",
    "Selection",
    "ServiceError",
    "ServiceUnavailable",
    "Snapshot",
    "Store",
    "StoreError",
    "StreetlensError",
    "Table",
    "TooManyErrors",
    "Usage",
    "__version__",
    "open_store",
]


def load_ipython_extension(ipython: Any) -> None:  # noqa: ARG001 - IPython hands over its shell
    """Registers the drop-in under Google's names: what `%load_ext streetlens` does; see `compat.install`."""
    from streetlens.compat.installation import announce, install  # noqa: PLC0415 - most programs never need it

    announce(install())


def unload_ipython_extension(ipython: Any) -> None:  # noqa: ARG001 - IPython hands over its shell
    """Takes the drop-in's names away again: what `%unload_ext streetlens` does."""
    from streetlens.compat.installation import uninstall  # noqa: PLC0415 - most programs never need it

    uninstall()
