"""Options that are more than a value: service addresses, typed query parameters, and what a run may be told."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, TypedDict

if TYPE_CHECKING:
    from streetlens._progress import Progress
    from streetlens.queries import QueryProgress
    from streetlens.results import LinkedDataset

__all__ = [
    "Area",
    "Around",
    "Box",
    "ClassifyOptions",
    "Endpoints",
    "LoadMode",
    "NewColumns",
    "OnRetired",
    "Parameter",
    "QueryOptions",
    "Schema",
    "StorePlace",
]

OnRetired = Literal["raise", "replace", "allow"]

LoadMode = Literal["append", "upsert", "replace"]
"""What becomes of the rows that a table has when others are loaded."""

NewColumns = Literal["refuse", "add"]
"""What to do about columns that a table lacks."""

StorePlace: TypeAlias = "str | os.PathLike[str] | Literal[False] | None"
"""Where paid answers are kept: a file or its folder, False for nowhere, None for the default."""

Schema: TypeAlias = type[Any] | Mapping[str, Any] | Sequence[str]
"""What an answer looks like: a class (dataclass, TypedDict, Pydantic model, enum), a JSON Schema, or labels.

A dictionary of texts is labels with descriptions, unless it has a key that makes it a JSON Schema (`type`, `enum`,
`properties`, `$ref`, ...).
"""


class Endpoints(NamedTuple):
    """Base addresses of single services; a service that is left out is Google's own.

    Example:
        >>> Endpoints(vertex="https://vertex.example.com").vertex
        'https://vertex.example.com'
    """

    bigquery: str | None = None
    """BigQuery."""
    vertex: str | None = None
    """Vertex AI (Gemini)."""
    storage: str | None = None
    """Cloud Storage."""
    sharing: str | None = None
    """Analytics Hub."""
    bigquery_storage: str | None = None
    """BigQuery's Storage Read API, which is gRPC; where only `bigquery` is given, results come without it."""


class Box(NamedTuple):
    """An area between two meridians and two parallels; west is larger than east across the antimeridian.

    Example:
        >>> Box(west=-112.0, south=33.0, east=-111.5, north=33.5)
        Box(west=-112.0, south=33.0, east=-111.5, north=33.5)
    """

    west: float
    """Degrees."""
    south: float
    """Degrees."""
    east: float
    """Degrees."""
    north: float
    """Degrees."""


class Around(NamedTuple):
    """An area around a point.

    Example:
        >>> Around(latitude=33.3062, longitude=-111.8413, radius_m=500)
        Around(latitude=33.3062, longitude=-111.8413, radius_m=500)
    """

    latitude: float
    """Degrees."""
    longitude: float
    """Degrees."""
    radius_m: float
    """Metres on the sphere."""


class Parameter(NamedTuple):
    """A query parameter of a type that its Python value does not tell.

    The type is written as in SQL: `"DATE"`, `"GEOGRAPHY"`, `"ARRAY<STRING>"`, `"STRUCT<lat FLOAT64, lng FLOAT64>"`,
    `"RANGE<DATE>"`. Values of a scalar type may be given as text in the form of that type's literals.

    Example:
        >>> Parameter("POINT(-122 37)", "GEOGRAPHY")
        Parameter(value='POINT(-122 37)', type='GEOGRAPHY')
    """

    value: Any
    """The value; `None` is NULL."""
    type: str
    """Its GoogleSQL type."""


class QueryOptions(TypedDict, total=False):
    """The keyword options of queries; `Client.query` tells what each means.

    Example:
        >>> import streetlens as sl
        >>> from streetlens import emulator
        >>> frugal = sl.QueryOptions(maximum_bytes_billed=10**9, labels={"team": "signs"})
        >>> with emulator.start(observations=12) as server:
        ...     sl.Client(project="demo", endpoint=server.url).query("SELECT 1 AS one", **frugal).to_dicts()
        [{'one': 1}]
    """

    location: str | None
    """Where to run it."""
    page_size: int | None
    """Rows a page, at most."""
    timeout: float | None
    """Seconds for the whole query."""
    transport: Literal["auto", "arrow", "storage", "rest"]
    """How its rows come."""
    ordered: bool
    """Whether its rows keep their order."""
    maximum_bytes_billed: int | Literal[False] | None
    """Bytes to bill, at most; False for no limit."""
    labels: Mapping[str, Any] | None
    """Labels of the job, shown on the invoice."""
    default_dataset: str | LinkedDataset | None
    """The data set of tables that are named without one."""
    session: str | bool | None
    """The session to run it in; True begins one."""
    use_cache: bool
    """Whether a result that BigQuery has kept will do."""
    priority: Literal["interactive", "batch"]
    """`"batch"` waits for idle slots."""
    progress: Callable[[QueryProgress], Any] | None
    """Told how far it is."""


Area: TypeAlias = "Box | Around | tuple[float, float, float, float] | str | Mapping[str, Any] | Any"
"""Where: a box, a point with a radius, a polygon as WKT or GeoJSON, or an object with `__geo_interface__`."""


class ClassifyOptions(TypedDict, total=False):
    """The keyword options that `classify` and `start` share; `Client.classify` tells what each means.

    Example:
        >>> import streetlens as sl
        >>> from streetlens import emulator
        >>> careful = sl.ClassifyOptions(schema=["sign", "pole"], concurrency=4, progress=False)
        >>> with emulator.start(observations=12, subscribed=True) as server:
        ...     client = sl.Client(project=server.world.project, endpoint=server.url)
        ...     sql = "SELECT gcs_uri FROM `imagery_insights___preview___us.latest_observations` LIMIT 3"
        ...     len(client.classify(sql, "Is it a sign or a pole?", **careful))
        3
    """

    schema: Schema | None
    """What an answer looks like."""
    model: str | None
    """Model id."""
    uri_column: str
    """The column of URIs."""
    system_instruction: str | None
    """Instructions before the image."""
    examples: Iterable[tuple[Any, Any]] | None
    """Images with their right answers."""
    temperature: float | None
    """0 to 2."""
    max_output_tokens: int | None
    """Token limit of an answer."""
    media_resolution: str | None
    """`"low"`, `"medium"` or `"high"`."""
    thinking: str | int | None
    """A level, a token budget, `"off"` or `"default"`."""
    group_by: str | None
    """The column whose equal values make one request."""
    max_images: int
    """Most images of one request."""
    crop: str | None
    """The column of the boxes to cut out."""
    crop_margin: float
    """What is left around a box, as a share of its larger side."""
    image_mode: Literal["auto", "uri", "inline"]
    """How images reach Gemini."""
    concurrency: int | str
    """Requests under way at once."""
    requests_per_minute: float | None
    """Requests a minute, at most."""
    tokens_per_minute: float | None
    """Tokens a minute, at most."""
    max_cost_usd: float | None
    """US dollars to spend, at most."""
    max_error_ratio: float | None
    """Share of rows that may fail."""
    timeout: float
    """Seconds of one attempt."""
    deadline: float
    """Seconds of one row, all attempts and waits together."""
    hedge: bool | float
    """Whether slow requests are sent twice, or the share of requests that may be."""
    labels: Mapping[str, Any] | None
    """Labels of the requests, shown on the invoice."""
    store: StorePlace
    """Where paid answers are kept."""
    refresh: bool
    """Ask anew what the store knows."""
    only_new: bool | str
    """Leave out what the store, or a table of results, has an answer for."""
    into: str | None
    """A BigQuery table that takes the results, and gives the answers back to a later run."""
    progress: bool | Callable[[Progress], Any] | None
    """Whether or to whom progress is shown."""
