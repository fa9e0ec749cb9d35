"""What Google's own clients send and what the emulator answers both fit Google's discovery documents."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client
from google.oauth2.credentials import Credentials
from googleapiclient import discovery

from contract.discovery import check_response
from contract.logged import check_logged
from streetlens.emulator import Emulator

EXCHANGE = "projects/maps-platform-analytics-hub/locations/us/dataExchanges/imagery_insights_exchange_us"
LISTING = f"{EXCHANGE}/listings/imagery_insights_1234_5678__us"
SUBSCRIBE: dict[str, Any] = {
    "destinationDataset": {
        "location": "us",
        "datasetReference": {"projectId": "streetlens-demo", "datasetId": "contract"},
    }
}


def logged_problems(emulator: Emulator) -> list[str]:
    return [problem for entry in emulator.requests for problem in check_logged(entry)]


def test_requests_of_google_cloud_storage_fit(emulator: Emulator) -> None:
    emulator.world.objects.delete_bucket("contract-bucket")
    options = {"api_endpoint": emulator.url}
    with Client(project="p", credentials=AnonymousCredentials(), client_options=options) as client:
        bucket = client.create_bucket("contract-bucket")
        bucket.blob("a:b/c d.jpg").upload_from_string(b"small", content_type="image/jpeg")
        bucket.blob("large", chunk_size=256 * 1024).upload_from_string(bytes(600_000))
        bucket.blob("a:b/c d.jpg").download_as_bytes()
        bucket.blob("large").exists()
        list(client.list_blobs("contract-bucket", prefix="a", delimiter="/"))
        bucket.delete(force=True)
    assert len(emulator.requests) > 8
    assert logged_problems(emulator) == []


def test_requests_of_the_analytics_hub_rest_client_fit(emulator: Emulator) -> None:
    with discovery.build(
        "analyticshub",
        "v1",
        static_discovery=True,
        credentials=Credentials("a-token"),
        client_options={"api_endpoint": emulator.url},
    ) as service:
        locations = service.projects().locations()
        locations.dataExchanges().listings().subscribe(name=LISTING, body=SUBSCRIBE).execute()
        locations.subscriptions().list(parent="projects/p/locations/us", pageSize=3).execute()
    assert len(emulator.requests) == 2
    assert logged_problems(emulator) == []


def subscribe(emulator: Emulator) -> str:
    answer = requests.post(f"{emulator.url}/v1/{LISTING}:subscribe", json=SUBSCRIBE, timeout=10)
    return str(answer.json()["subscription"]["name"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", f"/v1/{LISTING}"),
        ("GET", f"/v1beta1/{LISTING}"),
        ("GET", f"/v1/{EXCHANGE}"),
        ("GET", f"/v1beta1/{EXCHANGE}"),
        ("GET", f"/v1/{EXCHANGE}/listings"),
        ("GET", f"/v1beta1/{EXCHANGE}/listings"),
        ("GET", f"/v1/{EXCHANGE.partition('/dataExchanges')[0]}/dataExchanges"),
        ("GET", "/v1/projects/streetlens-demo/locations/us/subscriptions"),
        ("GET", f"/v1/{LISTING}:listSubscriptions"),
        ("GET", "/v1/{subscription}"),
        ("POST", "/v1/{subscription}:refresh"),
        ("POST", "/v1/{subscription}:revoke"),
        ("DELETE", "/v1/{subscription}"),
        ("GET", f"/v1/{LISTING}0000"),
    ],
)
def test_answers_of_the_emulated_analytics_hub_fit(emulator: Emulator, method: str, path: str) -> None:
    path = path.replace("{subscription}", subscribe(emulator))
    body: dict[str, Any] | None = {} if method == "POST" else None
    answer = requests.request(method, emulator.url + path, json=body, timeout=10)
    assert check_response("analyticshub", method, path, answer.json(), answer.status_code) == []


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_the_answer_to_subscribe_fits_its_version(emulator: Emulator, version: str) -> None:
    path = f"/{version}/{LISTING}:subscribe"
    answer = requests.post(emulator.url + path, json=SUBSCRIBE, timeout=10)
    assert check_response("analyticshub", "POST", path, answer.json()) == []


@pytest.mark.parametrize(
    "path",
    [
        "/storage/v1/b?project=p",
        "/storage/v1/b/contract-answers",
        "/storage/v1/b/contract-answers/o",
        "/storage/v1/b/contract-answers/o/a%2Fb:c.jpg",
        "/storage/v1/b/contract-answers/o/missing",
        "/storage/v1/b/forbidden-answers/o",
    ],
)
def test_answers_of_the_emulated_cloud_storage_fit(emulator: Emulator, path: str) -> None:
    emulator.world.objects.put(
        "contract-answers", "a/b:c.jpg", b"x", "image/jpeg", custom={"metadata": {"k": "v"}}
    )
    answer = requests.get(emulator.url + path, timeout=10)
    where = path.partition("?")[0]
    assert check_response("storage", "GET", where, answer.json(), answer.status_code) == []


@pytest.mark.parametrize("service", ["bigquery", "storage", "aiplatform", "analyticshub"])
@pytest.mark.parametrize(
    "kind", ["400", "401", "403", "404", "409", "429", "500", "503", "504", "expired_token"]
)
def test_every_injected_error_fits_googles_envelope(emulator: Emulator, service: Any, kind: str) -> None:
    paths = {
        "bigquery": ("GET", "/bigquery/v2/projects/p/queries/job"),
        "storage": ("GET", "/storage/v1/b/b/o/o"),
        "aiplatform": ("POST", "/v1/projects/p/locations/us/publishers/google/models/m:generateContent"),
        "analyticshub": ("POST", f"/v1/{LISTING}:subscribe"),
    }
    method, path = paths[service]
    emulator.faults.add(kind)
    answer = requests.request(method, emulator.url + path, timeout=10)
    assert answer.status_code == (401 if kind == "expired_token" else int(kind))
    assert check_response(service, method, path, answer.json(), answer.status_code) == []
