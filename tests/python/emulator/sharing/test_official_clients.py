"""Google's own Analytics Hub clients, unmodified: two gRPC packages, and the discovery REST client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.api_core.exceptions import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    MethodNotImplemented,
    NotFound,
    PermissionDenied,
)
from google.cloud import bigquery_analyticshub_v1 as analyticshub
from google.cloud import bigquery_data_exchange_v1beta1 as dataexchange
from google.oauth2.credentials import Credentials
from googleapiclient import discovery
from googleapiclient.errors import HttpError

from streetlens.emulator import Emulator

PARENT = "projects/streetlens-demo/locations/us"
EXCHANGE = "projects/maps-platform-analytics-hub/locations/us/dataExchanges/imagery_insights_exchange_us"
LISTING = f"{EXCHANGE}/listings/imagery_insights_1234_5678__us"


@pytest.fixture
def channel(emulator: Emulator) -> Iterator[Any]:
    with grpc.insecure_channel(f"127.0.0.1:{emulator.grpc_port()}") as channel:
        yield channel


@pytest.fixture
def hub(channel: Any) -> Any:
    transport = analyticshub.AnalyticsHubServiceClient.get_transport_class("grpc")(channel=channel)
    return analyticshub.AnalyticsHubServiceClient(transport=transport)


@pytest.fixture
def exchange(channel: Any) -> Any:
    transport = dataexchange.AnalyticsHubServiceClient.get_transport_class("grpc")(channel=channel)
    return dataexchange.AnalyticsHubServiceClient(transport=transport)


@pytest.fixture
def rest(emulator: Emulator) -> Iterator[Any]:
    with discovery.build(
        "analyticshub",
        "v1",
        static_discovery=True,
        credentials=Credentials("a-token"),
        client_options={"api_endpoint": emulator.url},
    ) as service:
        yield service.projects().locations()


def destination(module: Any, dataset_id: str = "linked") -> Any:
    target = module.DestinationDataset()
    target.dataset_reference.dataset_id = dataset_id
    target.dataset_reference.project_id = "streetlens-demo"
    target.location = "us"
    return target


def subscribe(client: Any, module: Any, listing: str = LISTING, dataset_id: str = "linked") -> Any:
    request = module.SubscribeListingRequest(
        destination_dataset=destination(module, dataset_id), name=listing
    )
    return client.subscribe_listing(request=request)


def test_the_v1_client_subscribes_and_gets_the_subscription(hub: Any) -> None:
    subscription = subscribe(hub, analyticshub).subscription
    assert subscription.state == analyticshub.Subscription.State.STATE_ACTIVE
    assert (
        subscription.linked_dataset_map[LISTING].linked_dataset == "projects/streetlens-demo/datasets/linked"
    )


def test_the_v1beta1_client_subscribes_as_the_guide_does(exchange: Any, hub: Any) -> None:
    assert not dataexchange.SubscribeListingResponse.to_dict(subscribe(exchange, dataexchange))
    assert [found.listing for found in hub.list_subscriptions(parent=PARENT)] == [LISTING]


def test_subscribing_twice_to_one_destination_is_already_exists(hub: Any) -> None:
    subscribe(hub, analyticshub)
    with pytest.raises(AlreadyExists, match="linked"):
        subscribe(hub, analyticshub)


@pytest.mark.parametrize(
    "listing",
    [
        f"{EXCHANGE}/listings/imagery_insights_0000_1111__us",
        f"{EXCHANGE}/listings/imagery_insights_1234_5678__eu",
        f"{EXCHANGE}/listings/something_else",
        LISTING.replace("exchange_us", "exchange_eu"),
    ],
)
def test_a_listing_that_is_not_published_is_not_found_and_named(hub: Any, listing: str) -> None:
    with pytest.raises(NotFound) as caught:
        subscribe(hub, analyticshub, listing)
    assert listing.partition("/listings/")[0] in str(caught.value)


def test_a_customer_without_permission_is_denied(hub: Any) -> None:
    with pytest.raises(PermissionDenied, match=r"analyticshub\.listings\.subscribe"):
        subscribe(hub, analyticshub, f"{EXCHANGE}/listings/imagery_insights_9999_1111__us")


def test_a_destination_in_another_location_is_refused(hub: Any) -> None:
    target = destination(analyticshub)
    target.location = "EU"
    with pytest.raises(InvalidArgument, match="location EU"):
        hub.subscribe_listing(
            request=analyticshub.SubscribeListingRequest(destination_dataset=target, name=LISTING)
        )


def test_a_subscription_is_listed_by_its_listing_over_several_pages(hub: Any) -> None:
    for number in range(5):
        subscribe(hub, analyticshub, dataset_id=f"linked_{number}")
    subscribe(hub, analyticshub, f"{EXCHANGE}/listings/imagery_insights_42__us", "other")
    request = analyticshub.ListSubscriptionsRequest(parent=PARENT, filter=f'listing="{LISTING}"', page_size=2)
    found = [subscription.destination_dataset for subscription in hub.list_subscriptions(request=request)]
    assert [item.dataset_reference.dataset_id for item in found] == [
        f"linked_{number}" for number in range(5)
    ]


def test_deleting_a_subscription_removes_the_linked_data_set(hub: Any) -> None:
    name = subscribe(hub, analyticshub).subscription.name
    hub.delete_subscription(name=name).result()
    with pytest.raises(NotFound, match=name):
        hub.get_subscription(name=name)
    assert subscribe(hub, analyticshub).subscription.state == analyticshub.Subscription.State.STATE_ACTIVE


def test_a_revoked_subscription_is_inactive_and_links_nothing(hub: Any) -> None:
    name = subscribe(hub, analyticshub).subscription.name
    hub.revoke_subscription(name=name)
    found = hub.get_subscription(name=name)
    assert (found.state, len(found.linked_resources)) == (analyticshub.Subscription.State.STATE_INACTIVE, 0)


def test_refreshing_a_listing_subscription_fails_its_precondition(hub: Any) -> None:
    name = subscribe(hub, analyticshub).subscription.name
    with pytest.raises(FailedPrecondition, match="data exchange"):
        hub.refresh_subscription(name=name)


def test_what_the_publisher_offers_can_be_read(hub: Any, exchange: Any) -> None:
    publisher = "projects/maps-platform-analytics-hub/locations/us"
    assert [found.name for found in hub.list_data_exchanges(parent=publisher)] == [EXCHANGE]
    assert [found.name for found in exchange.list_listings(parent=EXCHANGE)] == [LISTING]
    assert hub.get_listing(name=LISTING).bigquery_dataset.dataset.startswith("projects/maps-platform")


def test_a_procedure_that_is_not_emulated_is_unimplemented(hub: Any) -> None:
    with pytest.raises(MethodNotImplemented):
        hub.delete_listing(name=LISTING)


def test_the_rest_client_subscribes_and_reads_it_back(rest: Any) -> None:
    body = {
        "destinationDataset": {
            "location": "us",
            "datasetReference": {"projectId": "streetlens-demo", "datasetId": "linked"},
        }
    }
    answer = rest.dataExchanges().listings().subscribe(name=LISTING, body=body).execute()
    found = rest.subscriptions().list(parent=PARENT, filter=f'listing="{LISTING}"').execute()
    assert found == {"subscriptions": [answer["subscription"]]}


def test_the_rest_client_sees_googles_envelope_on_a_404(rest: Any) -> None:
    with pytest.raises(HttpError) as caught:
        rest.dataExchanges().listings().get(name=LISTING.replace("1234", "0000")).execute()
    assert (caught.value.resp.status, caught.value.resp["content-type"]) == (
        404,
        "application/json; charset=UTF-8",
    )
    assert "imagery_insights_0000_5678__us was not found" in caught.value.reason


def test_the_rest_client_deletes_with_a_finished_operation(rest: Any) -> None:
    body = {
        "destinationDataset": {
            "location": "us",
            "datasetReference": {"projectId": "streetlens-demo", "datasetId": "linked"},
        }
    }
    name = (
        rest.dataExchanges().listings().subscribe(name=LISTING, body=body).execute()["subscription"]["name"]
    )
    assert rest.subscriptions().delete(name=name).execute()["done"] is True
