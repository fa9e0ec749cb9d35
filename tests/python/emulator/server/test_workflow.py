"""The whole workflow of the guide with Google's own clients, unmodified, against one emulator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
import requests
from google import genai
from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery_data_exchange_v1beta1 as dataexchange
from google.cloud.bigquery import Client
from google.cloud.storage import Client as StorageClient
from google.genai import types
from google.oauth2.credentials import Credentials

from streetlens.emulator import Emulator

EXCHANGE = "projects/maps-platform-analytics-hub/locations/us/dataExchanges/imagery_insights_exchange_us"
LISTING = f"{EXCHANGE}/listings/imagery_insights_1234_5678__us"
LINKED = "imagery_insights___preview___us"
TABLE = f"`streetlens-demo.{LINKED}.latest_observations`"
SQL = f"SELECT gcs_uri, asset_type FROM {TABLE} WHERE gcs_uri IS NOT NULL"


@pytest.fixture
def bigquery(emulator: Emulator) -> Iterator[Any]:
    options = {"api_endpoint": emulator.url}
    with Client(
        project="streetlens-demo", credentials=AnonymousCredentials(), client_options=options
    ) as client:
        yield client


def subscribe(emulator: Emulator) -> None:
    with grpc.insecure_channel(f"127.0.0.1:{emulator.grpc_port()}") as channel:
        transport = dataexchange.AnalyticsHubServiceClient.get_transport_class("grpc")(channel=channel)
        client = dataexchange.AnalyticsHubServiceClient(transport=transport)
        destination = dataexchange.DestinationDataset()
        destination.dataset_reference.dataset_id = LINKED
        destination.dataset_reference.project_id = "streetlens-demo"
        destination.location = "us"
        client.subscribe_listing(
            request=dataexchange.SubscribeListingRequest(destination_dataset=destination, name=LISTING)
        )


def test_before_subscribing_the_table_is_missing_and_named(bigquery: Any) -> None:
    with pytest.raises(NotFound, match=LINKED):
        list(bigquery.query(SQL).result())


def test_after_subscribing_the_table_has_the_published_rows(emulator: Emulator, bigquery: Any) -> None:
    subscribe(emulator)
    published = emulator.world.dataset.tables["latest_observations"].rows
    wanted = sorted(row["gcs_uri"] for row in published if row["gcs_uri"])
    assert sorted(row["gcs_uri"] for row in bigquery.query(SQL).result()) == wanted


def test_the_linked_data_set_says_what_it_is_linked_to(emulator: Emulator, bigquery: Any) -> None:
    subscribe(emulator)
    path = f"/bigquery/v2/projects/streetlens-demo/datasets/{LINKED}"
    found = requests.get(emulator.url + path, timeout=10).json()
    assert found["type"] == "LINKED"
    assert found["linkedDatasetSource"]["sourceDataset"]["projectId"] == "maps-platform-analytics-hub"
    assert LINKED in [dataset.dataset_id for dataset in bigquery.list_datasets()]


def test_what_is_published_is_not_among_the_callers_data_sets(emulator: Emulator, bigquery: Any) -> None:
    subscribe(emulator)
    assert [item.dataset_id for item in bigquery.list_datasets() if "published" in item.dataset_id] == []


def test_unsubscribing_takes_the_table_away(emulator: Emulator, bigquery: Any) -> None:
    subscribe(emulator)
    emulator.world.sharing.reset()
    with pytest.raises(NotFound, match=LINKED):
        list(bigquery.query(SQL).result())


def test_every_picture_of_the_table_can_be_downloaded(emulator: Emulator, bigquery: Any) -> None:
    subscribe(emulator)
    uris = [row["gcs_uri"] for row in bigquery.query(f"{SQL} ORDER BY gcs_uri LIMIT 5").result()]
    options = {"api_endpoint": emulator.url}
    with StorageClient(project="p", credentials=AnonymousCredentials(), client_options=options) as client:
        for uri in uris:
            bucket, _, name = uri.removeprefix("gs://").partition("/")
            assert client.bucket(bucket).blob(name).download_as_bytes().startswith(b"\xff\xd8")
    assert len(uris) == 5


def test_the_stand_in_answers_for_the_rows_of_the_query(emulator: Emulator, bigquery: Any) -> None:
    subscribe(emulator)
    rows = [dict(row) for row in bigquery.query(f"{SQL} ORDER BY gcs_uri LIMIT 8").result()]
    client = genai.Client(
        vertexai=True,
        project="streetlens-demo",
        location="us",
        credentials=Credentials("a-token"),
        http_options={"base_url": emulator.url, "api_version": "v1"},
    )
    answers = []
    for row in rows:
        contents: Any = [
            types.Part.from_uri(file_uri=row["gcs_uri"], mime_type="image/jpeg"),
            "Is this a road sign or a utility pole?",
        ]
        config = types.GenerateContentConfig(
            response_mime_type="text/x.enum",
            response_schema={"type": "STRING", "enum": ["road sign", "utility pole"]},
        )
        answer = client.models.generate_content(
            model="gemini-3.5-flash-lite", contents=contents, config=config
        )
        answers.append(answer.text)
    client.close()
    wanted = [row["asset_type"].removeprefix("ASSET_CLASS_").replace("_", " ").lower() for row in rows]
    right = sum(answer == expected for answer, expected in zip(answers, wanted, strict=True))
    assert right >= 6


def test_a_fault_on_bigquery_is_retried_by_its_client(emulator: Emulator, bigquery: Any) -> None:
    subscribe(emulator)
    rule = emulator.faults.add("503", service="bigquery", times=1)
    assert len(list(bigquery.query(f"{SQL} LIMIT 3").result())) == 3
    assert rule.struck == 1
