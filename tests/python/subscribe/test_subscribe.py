"""Subscribing: the guide's names or the caller's, once however often it is called, and what is in the way is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import streetlens as sl
from servers.answers import bigquery_error, gemini_error
from servers.scripted import Answer, Received, Script, ScriptedServer, json_answer
from streetlens.emulator import Emulator

Serve = Callable[[Script], ScriptedServer]
LISTING = (
    "projects/maps-platform-analytics-hub/locations/us/dataExchanges/imagery_insights_exchange_us"
    "/listings/imagery_insights_1234_5678__us"
)
DATASET = "imagery_insights___preview___us"


def starts(emulator: Emulator) -> list[Any]:
    return [entry for entry in emulator.requests.of("sharing") if entry.path.endswith(":subscribe")]


def test_the_names_are_those_of_the_guide(client: sl.Client, emulator: Emulator) -> None:
    linked = client.subscribe("1234-5678")
    assert linked.is_new
    assert (linked.project, linked.dataset, linked.location) == ("streetlens-demo", DATASET, "us")
    assert linked.listing == LISTING
    assert linked.subscription is not None
    assert linked.subscription.startswith("projects/streetlens-demo/locations/us/subscriptions/")
    assert str(linked) == f"streetlens-demo.{DATASET}"
    (request,) = starts(emulator)
    assert request.path == f"/v1/{LISTING}:subscribe"
    assert request.json["destinationDataset"] == {
        "location": "us",
        "datasetReference": {"projectId": "streetlens-demo", "datasetId": DATASET},
    }


def test_the_linked_data_set_can_be_queried_at_once(client: sl.Client) -> None:
    linked = client.subscribe("1234-5678")
    assert client.query(f"SELECT COUNT(*) AS n FROM `{linked}.latest_observations`")["n"] == [60]


def test_a_second_call_finds_what_the_first_made(client: sl.Client, emulator: Emulator) -> None:
    first = client.subscribe("1234-5678")
    again = client.subscribe("1234-5678")
    assert again == first._replace(is_new=False)
    assert len(starts(emulator)) == 1


def test_a_linked_data_set_of_another_name_is_found_too(client: sl.Client, emulator: Emulator) -> None:
    first = client.subscribe("1234-5678", dataset="my_signs")
    assert first.dataset == "my_signs"
    assert client.subscribe("1234-5678") == first._replace(is_new=False)
    assert len(starts(emulator)) == 1


def test_a_second_name_that_is_asked_for_is_made(client: sl.Client) -> None:
    client.subscribe("1234-5678")
    other = client.subscribe("1234-5678", dataset="my_signs")
    assert (other.is_new, other.dataset) == (True, "my_signs")


@pytest.mark.parametrize("customer", ["1234-5678", "1234_5678", " 1234-5678 \n"])
def test_dashes_and_white_space_of_the_customer_id_do_not_matter(client: sl.Client, customer: str) -> None:
    assert client.subscribe(customer).listing == LISTING


def test_every_name_can_be_given(serve: Serve) -> None:
    def answer(request: Received) -> Answer:
        if request.method == "GET":
            return json_answer({})
        return json_answer({"subscription": {"name": "projects/p/locations/us/subscriptions/s"}})

    server = serve(answer)
    client = sl.Client(project="demo-project", endpoint=server.url)
    linked = client.subscribe(
        "1",
        publisher="publisher-project",
        exchange="x",
        listing="y",
        dataset="d",
        dataset_project="other-project",
    )
    assert str(linked) == "other-project.d"
    assert server.received[-1].path == (
        "/v1/projects/publisher-project/locations/us/dataExchanges/x/listings/y:subscribe"
    )
    assert server.received[-1].json["destinationDataset"]["datasetReference"] == {
        "projectId": "other-project",
        "datasetId": "d",
    }


def test_the_location_eu_has_names_of_its_own(emulator: Emulator) -> None:
    client = sl.Client(project="streetlens-demo", location="eu", endpoint=emulator.url)
    linked = client.subscribe("1234-5678")
    assert linked.dataset == "imagery_insights___preview___eu"
    assert "/locations/eu/dataExchanges/imagery_insights_exchange_eu/" in linked.listing
    assert linked.listing.endswith("__eu")
    assert client.query(f"SELECT COUNT(*) AS n FROM `{linked}.latest_observations`").stats.location == "EU"


def test_an_ordinary_data_set_in_the_way_is_named(client: sl.Client, emulator: Emulator) -> None:
    emulator.world.engine.create_dataset("in_the_way", if_exists="keep")
    with pytest.raises(
        sl.AlreadyExists, match=r"streetlens-demo\.in_the_way` is an ordinary data set"
    ) as caught:
        client.subscribe("1234-5678", dataset="in_the_way")
    assert LISTING in str(caught.value)
    assert "dataset=" in str(caught.value.hint)


def test_a_data_set_of_another_source_is_named_with_it(client: sl.Client) -> None:
    client.subscribe("1234-5678")
    with pytest.raises(sl.AlreadyExists, match="is linked to `") as caught:
        client.subscribe("9876-5432", dataset=DATASET)
    assert "maps-platform-analytics-hub" in str(caught.value)


def test_a_listing_that_does_not_exist_is_a_404_that_names_it(client: sl.Client) -> None:
    with pytest.raises(sl.NotFound) as caught:
        client.subscribe("0000-1111")
    assert caught.value.status == 404
    assert "imagery_insights_0000_1111__us" in str(caught.value)
    assert caught.value.hint


def test_a_denied_permission_says_what_to_ask_for(client: sl.Client, emulator: Emulator) -> None:
    emulator.faults.add("403", service="sharing", match=":subscribe")
    with pytest.raises(sl.PermissionDenied, match=r"analyticshub\.listings\.subscribe") as caught:
        client.subscribe("1234-5678")
    assert "roles/analyticshub.subscriber" in str(caught.value)


def test_who_may_not_list_subscriptions_may_subscribe_all_the_same(
    client: sl.Client, emulator: Emulator
) -> None:
    emulator.faults.add("403", service="sharing", match="/subscriptions")
    assert client.subscribe("1234-5678").is_new


def test_somebody_who_subscribed_meanwhile_is_no_error(serve: Serve) -> None:
    """The list is empty at first, then `:subscribe` answers 409 and the other one's subscription is there."""
    other = {
        "name": "projects/p/locations/us/subscriptions/other",
        "listing": LISTING,
        "state": "STATE_ACTIVE",
        "linkedDatasetMap": {LISTING: {"linkedDataset": f"projects/12345/datasets/{DATASET}"}},
    }
    lists = [{}, {"subscriptions": [other]}]

    def answer(request: Received) -> Answer:
        if request.method == "GET":
            return json_answer(lists.pop(0))
        return gemini_error(409, "Requested entity already exists")

    linked = sl.Client(project="demo-project", endpoint=serve(answer).url).subscribe("1234-5678")
    assert (linked.is_new, linked.subscription, str(linked)) == (
        False,
        other["name"],
        f"demo-project.{DATASET}",
    )


def test_subscriptions_on_a_later_page_are_found(serve: Serve) -> None:
    mine = {
        "name": "projects/p/locations/us/subscriptions/mine",
        "listing": LISTING,
        "state": "STATE_ACTIVE",
        "linkedDatasetMap": {LISTING: {"linkedDataset": f"projects/demo-project/datasets/{DATASET}"}},
    }

    def answer(request: Received) -> Answer:
        if request.query.get("pageToken") == "two":
            return json_answer({"subscriptions": [mine]})
        return json_answer(
            {"subscriptions": [{**mine, "listing": LISTING + "_other"}], "nextPageToken": "two"}
        )

    server = serve(answer)
    linked = sl.Client(project="demo-project", endpoint=server.url).subscribe("1234-5678")
    assert (linked.is_new, linked.subscription) == (False, mine["name"])
    assert {request.method for request in server.received} == {"GET"}


def test_pages_of_subscriptions_that_never_end_do_not_keep_us(serve: Serve) -> None:
    def answer(request: Received) -> Answer:
        if request.method == "GET":
            return json_answer({"subscriptions": [], "nextPageToken": "again"})
        return json_answer({"subscription": {"name": "projects/p/locations/us/subscriptions/s"}})

    server = serve(answer)
    assert sl.Client(project="demo-project", endpoint=server.url).subscribe("1234-5678").is_new
    assert len(server.received) <= 3


def test_an_ended_subscription_is_not_taken_for_one(serve: Serve) -> None:
    ended = {
        "name": "projects/p/locations/us/subscriptions/ended",
        "listing": LISTING,
        "state": "STATE_INACTIVE",
        "linkedDatasetMap": {LISTING: {"linkedDataset": f"projects/demo-project/datasets/{DATASET}"}},
    }

    def answer(request: Received) -> Answer:
        if request.method == "GET":
            return json_answer({"subscriptions": [ended]})
        return json_answer({"subscription": {**ended, "name": "projects/p/locations/us/subscriptions/new"}})

    linked = sl.Client(project="demo-project", endpoint=serve(answer).url).subscribe("1234-5678")
    assert (linked.is_new, linked.subscription) == (True, "projects/p/locations/us/subscriptions/new")


@pytest.mark.parametrize("kind", ["503", "429", "reset", "cut_body", "bad_json", "html"])
def test_what_may_pass_is_tried_again(client: sl.Client, emulator: Emulator, kind: str) -> None:
    rule = emulator.faults.add(kind, service="sharing", times=1)
    assert client.subscribe("1234-5678").dataset == DATASET
    assert rule.struck == 1


def test_an_answer_lost_after_the_data_set_was_made_is_no_failure(
    client: sl.Client, emulator: Emulator
) -> None:
    rule = emulator.faults.add("cut_body", service="sharing", match=":subscribe", times=1)
    linked = client.subscribe("1234-5678")
    assert (linked.dataset, rule.struck) == (DATASET, 1)


@pytest.mark.parametrize("customer", ["", "  ", "CUSTOMER_ID", "12/34", "1234 5678", "../x", "ümläut"])
def test_what_cannot_be_a_customer_id_is_refused_before_anything_is_sent(
    client: sl.Client, emulator: Emulator, customer: str
) -> None:
    with pytest.raises(sl.ConfigurationError, match="customer id"):
        client.subscribe(customer)
    assert len(emulator.requests) == 0


@pytest.mark.parametrize("customer", [None, 12345678])
def test_a_customer_id_that_is_no_text_is_refused(client: sl.Client, customer: Any) -> None:
    with pytest.raises(sl.ConfigurationError, match="customer_id"):
        client.subscribe(customer)


@pytest.mark.parametrize("name", ["publisher", "exchange", "listing", "dataset", "dataset_project"])
def test_a_path_for_a_name_is_refused(client: sl.Client, emulator: Emulator, name: str) -> None:
    with pytest.raises(sl.ConfigurationError):
        client.subscribe("1234-5678", **{name: "projects/x/y"})
    assert len(emulator.requests) == 0


def test_a_data_set_id_bigquery_would_refuse_is_refused_by_bigquery_or_us(client: sl.Client) -> None:
    with pytest.raises(sl.StreetlensError):
        client.subscribe("1234-5678", dataset="with-dashes")


def test_bigquerys_answer_about_what_is_in_the_way_need_not_come(serve: Serve) -> None:
    def answer(request: Received) -> Answer:
        if "/bigquery/" in request.path:
            return bigquery_error(403, "accessDenied", "Access Denied")
        if request.method == "GET":
            return json_answer({})
        return gemini_error(409, "Requested entity already exists")

    with pytest.raises(sl.AlreadyExists, match="already exists"):
        sl.Client(project="demo-project", endpoint=serve(answer).url).subscribe("1234-5678")
