"""One query by every client, and what becomes of its rows."""

from __future__ import annotations

import importlib
import json
import resource
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from measuring import BINARIES, Measurement, children_seconds

SQL = "SELECT * FROM `bench-project.imagery_insights___preview___us.latest_observations`"
PROJECT = "bench-project"
STREAMS = 4


def streetlens(url: str, **options: Any) -> Any:
    """The rows as streetlens has them."""
    package = importlib.import_module("streetlens")
    client = package.Client(project=PROJECT, region="us-central1", endpoint=url)
    return client.query(SQL, **options)


def google(url: str) -> Any:
    """A client of google-cloud-bigquery."""
    from google.auth import credentials
    from google.cloud import bigquery

    anonymous = credentials.AnonymousCredentials()
    return bigquery.Client(PROJECT, credentials=anonymous, client_options={"api_endpoint": url})


def google_storage(url: str) -> Any:
    """A client of google-cloud-bigquery-storage, with the channel options it would choose itself."""
    import grpc
    from google.cloud import bigquery_storage
    from google.cloud.bigquery_storage_v1.services.big_query_read.transports import BigQueryReadGrpcTransport

    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    channel = grpc.insecure_channel(url.removeprefix("http://"), options=options)
    create: Callable[..., Any] = bigquery_storage.BigQueryReadClient
    return create(transport=BigQueryReadGrpcTransport(channel=channel))


def google_arrow(url: str) -> Any:
    """The rows in Arrow, through a query for Arrow, whose rest comes by the stream of the job."""
    from google.cloud.bigquery import enums

    rows = google(url).query_and_wait(
        SQL,
        query_results_format=enums.QueryResultsFormat.ARROW,
        compression_codec=enums.QueryResultsCompressionCodec.LZ4_FRAME,
    )
    return rows.to_arrow(bqstorage_client=google_storage(url))


ARROW: dict[str, Callable[[str], Any]] = {
    "google-cloud-bigquery, REST": lambda url: google(url).query(SQL).to_arrow(create_bqstorage_client=False),
    "google-cloud-bigquery, Storage": lambda url: (
        google(url).query(SQL).to_arrow(bqstorage_client=google_storage(url))
    ),
    "google-cloud-bigquery, Arrow": google_arrow,
    "streetlens, rest": lambda url: streetlens(url, transport="rest").to_arrow(),
    "streetlens, arrow": lambda url: streetlens(url, transport="arrow").to_arrow(),
    "streetlens, storage": lambda url: streetlens(url, transport="storage").to_arrow(),
    "streetlens, any order": lambda url: streetlens(url, transport="storage", ordered=False).to_arrow(),
}
"""To a pyarrow table."""

BARE = {
    "bytes alone, stream of the job": (0, 1),
    "bytes alone, 4 streams": (STREAMS, 1),
    "bytes alone, 4 streams, not compressed": (STREAMS, 0),
}
"""Receiving without decoding: streams (0 is the job's own) and codec."""

REST = "google-cloud-bigquery, REST"
STORAGE = "google-cloud-bigquery, Storage"


def to_polars(url: str) -> Any:
    """Google's rows as a polars data frame."""
    return importlib.import_module("polars").from_arrow(ARROW[STORAGE](url))


CONVERSIONS: dict[str, dict[str, Callable[[str], Any]]] = {
    "pandas": {
        STORAGE: lambda url: google(url).query(SQL).to_dataframe(bqstorage_client=google_storage(url)),
        "streetlens": lambda url: streetlens(url).to_pandas(),
    },
    "polars": {STORAGE: to_polars, "streetlens": lambda url: streetlens(url).to_polars()},
    "dictionaries": {
        STORAGE: lambda url: ARROW[STORAGE](url).to_pylist(),
        "streetlens": lambda url: streetlens(url).to_dicts(),
    },
}
"""To what data scientists work with, the query included."""


def iterated_by_google(url: str) -> int:
    """The rows of Google's client, batch by batch; none is kept."""
    batches = google(url).query(SQL).result().to_arrow_iterable(bqstorage_client=google_storage(url))
    return sum(batch.num_rows for batch in batches)


def iterated_by_streetlens(url: str) -> int:
    """The rows of a streamed query, batch by batch; none is kept."""
    return sum(len(batch) for batch in streetlens(url, stream=True))


STREAMED: dict[str, Callable[[str], int]] = {
    STORAGE: iterated_by_google,
    "streetlens": iterated_by_streetlens,
}
"""Number of rows, read without keeping them."""


def warm_up(client: str, target: str) -> None:
    """Imports what the call would import, so that it is not timed."""
    names = ["streetlens"] if client.startswith("streetlens") else ["google.cloud.bigquery"]
    if STORAGE in client or client.endswith("Arrow"):
        names += ["grpc", "google.cloud.bigquery_storage"]
    names += {"pandas": ["pandas", "pyarrow"], "polars": ["polars", "pyarrow"], "arrow": ["pyarrow"]}.get(
        target, []
    )
    if not client.startswith("streetlens"):
        names.append("pyarrow")
    for name in names:
        importlib.import_module(name)


def bare(url: str, streams: int, codec: int) -> Measurement:
    """Receives the bytes with reqwest and drops them."""
    command = [str(BINARIES / "bare_read"), url, str(streams), str(codec)]
    before = children_seconds()
    finished = subprocess.run(command, check=True, capture_output=True, text=True)
    processor = children_seconds() - before
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return Measurement(json.loads(finished.stdout)["wall"], processor, peak)


def in_order(table: Any) -> Any:
    """The table in one chunk, its rows by the one column that numbers them."""
    compute = importlib.import_module("pyarrow.compute")
    return table.take(compute.sort_indices(table["detection_time"])).combine_chunks()


def differences(names: Sequence[str], url: str) -> list[str]:
    """What each client's table differs in from that of Google's Storage client."""
    expected = in_order(ARROW[STORAGE](url))
    found = []
    for name, read in ((name, partial(ARROW[name], url)) for name in names if name != STORAGE):
        table = read()
        if not table.schema.equals(expected.schema, check_metadata=True):
            found.append(f"{name}: the types differ\n{table.schema}\n{expected.schema}")
        elif not in_order(table).equals(expected):
            found.append(f"{name}: the values differ")
    return found
