"""Analytics Hub over REST, where the official clients cannot go: v1beta1, and requests that are wrong."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from streetlens.emulator import Emulator

EXCHANGE = "projects/maps-platform-analytics-hub/locations/us/dataExchanges/imagery_insights_exchange_us"
LISTING = f"{EXCHANGE}/listings/imagery_insights_1234_5678__us"


def body(**changes: Any) -> dict[str, Any]:
    reference = {"projectId": "streetlens-demo", "datasetId": "linked"}
    return {"destinationDataset": {"location": "US", "datasetReference": reference} | changes}


def test_v1beta1_subscribes_with_an_empty_answer(emulator: Emulator) -> None:
    answer = requests.post(f"{emulator.url}/v1beta1/{LISTING}:subscribe", json=body(), timeout=10)
    assert (answer.status_code, answer.json()) == (200, {})


def test_v1beta1_has_no_subscriptions(emulator: Emulator) -> None:
    answer = requests.get(f"{emulator.url}/v1beta1/projects/p/locations/us/subscriptions", timeout=10)
    assert answer.status_code == 501


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({}, "Destination dataset"),
        ({"destinationDataset": 5}, "Destination dataset"),
        (body(location=""), "destination_dataset.location"),
        (body(datasetReference={"projectId": "p"}), "dataset_id"),
        (body(datasetReference={"datasetId": "d"}), "project_id"),
        (body(datasetReference={"projectId": "p", "datasetId": "has-dash"}), "has-dash"),
        (body(datasetReference={"projectId": "a/b", "datasetId": "d"}), "a/b"),
        (body(datasetReference=["d"]), "dataset_reference"),
        (body(colour="red"), "colour"),
        ({"destination": {}}, "destination"),
    ],
)
@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_wrong_subscribe_request_is_a_400_that_names_the_field(
    emulator: Emulator, version: str, wrong: dict[str, Any], named: str
) -> None:
    answer = requests.post(f"{emulator.url}/{version}/{LISTING}:subscribe", json=wrong, timeout=10)
    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert named in answer.json()["error"]["message"]


def test_a_denied_customer_gets_the_permission_and_the_resource(emulator: Emulator) -> None:
    denied = LISTING.replace("1234_5678", "9999_5678")
    error = requests.post(f"{emulator.url}/v1/{denied}:subscribe", json=body(), timeout=10).json()["error"]
    assert error["details"][0]["metadata"] == {
        "permission": "analyticshub.listings.subscribe",
        "resource": f"//analyticshub.googleapis.com/{denied}",
    }


def test_a_project_that_may_not_create_data_sets_is_a_403(emulator: Emulator) -> None:
    reference = {"projectId": "forbidden-project", "datasetId": "linked"}
    answer = requests.post(
        f"{emulator.url}/v1/{LISTING}:subscribe", json=body(datasetReference=reference), timeout=10
    )
    assert answer.status_code == 403
    assert "bigquery.datasets.create" in answer.json()["error"]["message"]


@pytest.mark.parametrize("query", ["filter=nonsense", "pageSize=many", "pageToken=xyz"])
def test_a_wrong_list_parameter_is_a_400(emulator: Emulator, query: str) -> None:
    path = f"{emulator.url}/v1/projects/streetlens-demo/locations/us/subscriptions?{query}"
    assert requests.get(path, timeout=10).status_code == 400


def test_subscriptions_of_another_project_are_not_listed(emulator: Emulator) -> None:
    requests.post(f"{emulator.url}/v1/{LISTING}:subscribe", json=body(), timeout=10)
    path = f"{emulator.url}/v1/projects/another/locations/us/subscriptions"
    assert requests.get(path, timeout=10).json() == {}


def test_the_publisher_lists_who_subscribed(emulator: Emulator) -> None:
    requests.post(f"{emulator.url}/v1/{LISTING}:subscribe", json=body(), timeout=10)
    found = requests.get(f"{emulator.url}/v1/{LISTING}:listSubscriptions", timeout=10).json()
    assert [item["listing"] for item in found["sharedResourceSubscriptions"]] == [LISTING]
