"""Google's clients of BigQuery and of its Storage Read API, both on the emulator's one port."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery, bigquery_storage

from streetlens.emulator import Emulator

PROJECT = "streetlens-demo"

storage: Any = bigquery_storage  # its message classes carry no annotations
OpenSession = Callable[..., Any]


def open_reader(url: str) -> Any:
    """Return Google's client on a new connection; its channel is `transport.grpc_channel`."""
    transport = storage.BigQueryReadClient.get_transport_class("grpc")
    # Channels to one address share a connection unless told otherwise, and some tests cut theirs.
    alone = [("grpc.use_local_subchannel_pool", 1)]
    return storage.BigQueryReadClient(
        transport=transport(channel=grpc.insecure_channel(url.removeprefix("http://"), options=alone))
    )


@pytest.fixture
def reader(emulator: Emulator) -> Iterator[Any]:
    """Return a client of the Storage Read API."""
    client = open_reader(emulator.url)
    yield client
    client.transport.close()


@pytest.fixture
def client(emulator: Emulator) -> Iterator[bigquery.Client]:
    """Return a client of the REST API."""
    options = {"api_endpoint": emulator.url}
    with bigquery.Client(PROJECT, credentials=AnonymousCredentials(), client_options=options) as made:
        yield made


@pytest.fixture
def result_table(client: bigquery.Client) -> Callable[[str], str]:
    """Return a function that runs a query and names its result table as the Storage Read API does."""

    def named(sql: str) -> str:
        job = client.query(sql)
        job.result()
        table = job.destination
        return f"projects/{table.project}/datasets/{table.dataset_id}/tables/{table.table_id}"

    return named


@pytest.fixture
def open_session(reader: Any) -> OpenSession:
    """Return a function that makes a read session."""

    def opened(table: str, streams: int = 1, **options: Any) -> Any:
        asked = storage.ReadSession(
            table=table,
            data_format=storage.DataFormat.ARROW,
            read_options=storage.ReadSession.TableReadOptions(**options),
        )
        return reader.create_read_session(
            parent=f"projects/{PROJECT}", read_session=asked, max_stream_count=streams, retry=None
        )

    return opened
