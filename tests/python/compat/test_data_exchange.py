"""Messages are filled in as Google's are, and a subscription is made once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import streetlens as sl
from streetlens.compat import bigquery_data_exchange_v1beta1 as data_exchange
from streetlens.emulator import Emulator

EXCHANGE = "projects/maps-platform-analytics-hub/locations/us/dataExchanges/imagery_insights_exchange_us"
LISTING = f"{EXCHANGE}/listings/imagery_insights_1234_5678__us"
REFERENCE = {"dataset_id": "linked", "project_id": "streetlens-demo"}


@pytest.fixture
def client(emulator: Emulator) -> Iterator[data_exchange.AnalyticsHubServiceClient]:
    options = {"api_endpoint": emulator.url}
    with data_exchange.AnalyticsHubServiceClient(client_options=options) as made:
        yield made


def request(**changes: Any) -> data_exchange.SubscribeListingRequest:
    destination = {"dataset_reference": REFERENCE, "location": "us", **changes}
    return data_exchange.SubscribeListingRequest(destination_dataset=destination, name=LISTING)


def test_nested_fields_are_there_from_the_beginning() -> None:
    destination = data_exchange.DestinationDataset()
    destination.dataset_reference.dataset_id = "linked"
    destination.dataset_reference.project_id = "streetlens-demo"
    destination.location = "us"
    assert destination == data_exchange.DestinationDataset(dataset_reference=REFERENCE, location="us")


def test_messages_nest_as_objects_and_as_dictionaries() -> None:
    as_objects = data_exchange.DestinationDataset(
        dataset_reference=data_exchange.DatasetReference(REFERENCE), location="us"
    )
    as_dictionaries = data_exchange.DestinationDataset({"dataset_reference": REFERENCE, "location": "us"})
    assert as_objects == as_dictionaries


def test_a_request_keeps_its_own_copy_of_the_destination() -> None:
    destination = data_exchange.DestinationDataset(location="us")
    made = data_exchange.SubscribeListingRequest(destination_dataset=destination, name=LISTING)
    destination.location = "eu"
    assert made.destination_dataset.location == "us"


def test_a_field_that_would_have_no_effect_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="`labels`; it implements dataset_reference"):
        data_exchange.DestinationDataset(labels={"team": "poles"})


def test_a_field_of_another_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"`DatasetReference\.dataset_id` is a text, not a int"):
        data_exchange.DatasetReference(dataset_id=7)


def test_subscribing_links_the_data_set(
    emulator: Emulator, client: data_exchange.AnalyticsHubServiceClient
) -> None:
    response = client.subscribe_listing(request=request(friendly_name="Poles and signs"))
    assert str(response.linked_dataset) == "streetlens-demo.linked"
    body = next(logged.json for logged in emulator.requests if logged.path.endswith(":subscribe"))
    assert body["destinationDataset"]["datasetReference"] == {
        "projectId": "streetlens-demo",
        "datasetId": "linked",
    }
    assert body["destinationDataset"]["friendlyName"] == "Poles and signs"


def test_a_dictionary_is_a_request_too(client: data_exchange.AnalyticsHubServiceClient) -> None:
    response = client.subscribe_listing(request().to_dict())
    assert response.linked_dataset.is_new


def test_a_second_run_returns_what_the_first_has_linked(
    client: data_exchange.AnalyticsHubServiceClient,
) -> None:
    first = client.subscribe_listing(request=request()).linked_dataset
    second = client.subscribe_listing(request=request()).linked_dataset
    assert second == first._replace(is_new=False)


def test_a_data_set_of_another_listing_is_an_error_that_names_it(
    client: data_exchange.AnalyticsHubServiceClient,
) -> None:
    client.subscribe_listing(request=request())
    other = data_exchange.SubscribeListingRequest(request(), name=LISTING.replace("1234", "4321"))
    with pytest.raises(sl.AlreadyExists, match=r"streetlens-demo\.linked"):
        client.subscribe_listing(request=other)


def test_a_listing_that_is_not_there_is_a_404(client: data_exchange.AnalyticsHubServiceClient) -> None:
    with pytest.raises(sl.NotFound):
        client.subscribe_listing(request=request(), name=LISTING.replace("1234", "0000"))


@pytest.mark.parametrize("name", ["", "imagery_insights_1234_5678__us", f"{LISTING}/more"])
def test_a_malformed_name_is_refused_before_any_call(
    client: data_exchange.AnalyticsHubServiceClient, name: str
) -> None:
    made = data_exchange.SubscribeListingRequest(request(), name=name)
    with pytest.raises(sl.InvalidInput, match="not the name of a listing"):
        client.subscribe_listing(request=made)


def test_the_placeholder_project_is_refused(client: data_exchange.AnalyticsHubServiceClient) -> None:
    made = request(dataset_reference={**REFERENCE, "project_id": "PROJECT_ID"})
    with pytest.raises(sl.ConfigurationError, match="placeholder"):
        client.subscribe_listing(request=made)
