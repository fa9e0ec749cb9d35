"""The Analytics Hub operations on JSON resources; the REST and the gRPC face both call these."""

from __future__ import annotations

import itertools
import re
import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from streetlens.emulator.errors import ServiceError
from streetlens.emulator.sharing.catalog import (
    PUBLISHER_PROJECT,
    Listing,
    denied,
    exchange_id,
    find_exchange,
    find_listing,
    invalid,
    missing,
    parse_parent,
)

if TYPE_CHECKING:
    from streetlens.emulator.world import World

Resource = dict[str, Any]

_DESTINATION_FIELDS = {
    "datasetReference",
    "friendlyName",
    "description",
    "labels",
    "location",
    "replicaLocations",
}
_FILTER = re.compile(r"^\s*(?P<field>listing|data_exchange|dataExchange)\s*=\s*\"?(?P<value>[^\"]+?)\"?\s*$")
_PROJECT_ID = re.compile(r"^[A-Za-z0-9.:-]{1,100}$")
_DATASET_ID = re.compile(r"^\w{1,1024}$", re.ASCII)
_OFFERED_CUSTOMER = "1234_5678"
"""The customer whose listing `listings.list` shows; every other id of digits and dashes works as well."""


class Sharing:
    """Subscriptions and the linked data sets behind them; safe to use from several threads."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._subscriptions: dict[str, Resource] = {}
        self._identifiers = itertools.count(1)
        self._lock = threading.RLock()

    def subscribe(self, name: str, request: Resource) -> Resource:
        """Create the linked data set and return the subscription. Raises 400, 403, 404, or 409: exists."""
        listing = find_listing(name)
        destination = _destination(request)
        reference = destination["datasetReference"]
        location = str(destination["location"])
        if location.lower() != listing.location.lower():
            raise invalid(
                f"Destination dataset location {location} does not match the location {listing.location} of "
                f"listing {name}."
            )
        project, dataset_id = str(reference["projectId"]), str(reference["datasetId"])
        if "forbidden" in project:
            raise denied("bigquery.datasets.create", f"projects/{project}")
        with self._lock:
            self._world.link_dataset(project, dataset_id, listing.location)
            return self._record(listing, project, dataset_id, destination)

    def _record(self, listing: Listing, project: str, dataset_id: str, destination: Resource) -> Resource:
        moment = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        linked = f"projects/{project}/datasets/{dataset_id}"
        identifier = f"{dataset_id}_{next(self._identifiers):06x}"
        subscription: Resource = {
            "name": f"projects/{project}/locations/{listing.location}/subscriptions/{identifier}",
            "creationTime": moment,
            "lastModifyTime": moment,
            "organizationId": "",
            "organizationDisplayName": "",
            "state": "STATE_ACTIVE",
            "linkedDatasetMap": {listing.name: {"linkedDataset": linked, "listing": listing.name}},
            "linkedResources": [{"linkedDataset": linked, "listing": listing.name}],
            "listing": listing.name,
            "resourceType": "BIGQUERY_DATASET",
            "destinationDataset": destination,
        }
        self._subscriptions[subscription["name"]] = subscription
        return subscription

    def get(self, name: str) -> Resource:
        """Return one subscription. Raises 404."""
        subscription = self._subscriptions.get(name)
        if subscription is None:
            raise missing(f"Subscription {name} was not found.")
        return subscription

    def list(self, parent: str, expression: str = "", page_size: int = 0, page_token: str = "") -> Resource:
        """List the subscriptions of a project and location, filtered by `listing="..."`."""
        project, location = parse_parent(parent)
        wanted = _parse_filter(expression)
        prefix = f"projects/{project}/locations/"
        with self._lock:
            found = [
                subscription
                for name, subscription in sorted(self._subscriptions.items())
                if name.startswith(prefix)
                and location in {"-", name.removeprefix(prefix).partition("/")[0]}
                and all(subscription.get(field) == value for field, value in wanted.items())
            ]
        return paged("subscriptions", found, page_size, page_token)

    def list_of_listing(self, resource: str, page_size: int = 0, page_token: str = "") -> Resource:
        """List every subscription of one listing: the publisher's view."""
        find_listing(resource)
        with self._lock:
            found = [item for _, item in sorted(self._subscriptions.items()) if item["listing"] == resource]
        return paged("sharedResourceSubscriptions", found, page_size, page_token)

    def delete(self, name: str) -> Resource:
        """Remove the subscription and its linked data set; return a finished operation."""
        with self._lock:
            self._unlink(self.get(name))
            del self._subscriptions[name]
        return _operation(name, "delete", {"@type": "type.googleapis.com/google.protobuf.Empty"})

    def revoke(self, name: str) -> Resource:
        """Take the data away from a subscriber, as the publisher does."""
        with self._lock:
            subscription = self.get(name)
            self._unlink(subscription)
            subscription["state"] = "STATE_INACTIVE"
            subscription["linkedDatasetMap"] = {}
            subscription["linkedResources"] = []
        return {}

    def refresh(self, name: str) -> Resource:
        """Refuse: only subscriptions to a whole data exchange can be refreshed; none is offered here."""
        self.get(name)
        raise ServiceError(
            "sharing",
            400,
            f"Subscription {name} is of a listing; only data exchange subscriptions can be refreshed.",
            canonical="FAILED_PRECONDITION",
        )

    def get_listing(self, name: str, version: str) -> Resource:
        """Return one listing. Raises 404 or 403."""
        return find_listing(name).resource(version)

    def list_listings(self, parent: str, version: str, page_size: int = 0, page_token: str = "") -> Resource:
        """List the listings of one exchange."""
        find_exchange(parent)
        location = parent.split("/")[3]
        name = f"{parent}/listings/imagery_insights_{_OFFERED_CUSTOMER}__{location}"
        return paged("listings", [find_listing(name).resource(version)], page_size, page_token)

    def get_exchange(self, name: str) -> Resource:
        """Return one data exchange. Raises 404."""
        return find_exchange(name)

    def list_exchanges(self, parent: str, page_size: int = 0, page_token: str = "") -> Resource:
        """List the exchanges of a project: the publisher has one per location, nobody else has any."""
        project, location = parse_parent(parent)
        found = (
            [find_exchange(f"{parent}/dataExchanges/{exchange_id(location)}")]
            if project == PUBLISHER_PROJECT
            else []
        )
        return paged("dataExchanges", found, page_size, page_token)

    def reset(self) -> None:
        """Remove every subscription with its linked data set."""
        with self._lock:
            for subscription in self._subscriptions.values():
                self._unlink(subscription)
            self._subscriptions.clear()

    def _unlink(self, subscription: Resource) -> None:
        for linked in subscription["linkedResources"]:
            _, project, _, dataset_id = linked["linkedDataset"].split("/")
            self._world.unlink_dataset(project, dataset_id)


def _destination(request: Resource) -> Resource:
    destination = request.get("destinationDataset")
    if not isinstance(destination, dict):
        raise invalid("Destination dataset must be specified.")
    for unknown in sorted(set(destination) - _DESTINATION_FIELDS):
        raise invalid(
            f"Invalid JSON payload received. Unknown name \"{unknown}\" at 'destination_dataset': "
            "Cannot find field."
        )
    reference = destination.get("datasetReference") or {}
    if not isinstance(reference, dict):
        raise invalid("Invalid value at 'destination_dataset.dataset_reference'.")
    for field, value in (
        ("destination_dataset.location", destination.get("location")),
        ("destination_dataset.dataset_reference.project_id", reference.get("projectId")),
        ("destination_dataset.dataset_reference.dataset_id", reference.get("datasetId")),
    ):
        if not value or not isinstance(value, str):
            raise invalid(f"The field {field} must be specified.")
    if not _PROJECT_ID.match(reference["projectId"]):
        raise invalid(f'Invalid project ID "{reference["projectId"]}".')
    if not _DATASET_ID.match(reference["datasetId"]):
        raise invalid(
            f'Invalid dataset ID "{reference["datasetId"]}". Dataset IDs must be alphanumeric (plus '
            "underscores) and must be at most 1024 characters long."
        )
    return destination


def _parse_filter(expression: str) -> dict[str, str]:
    if not expression.strip():
        return {}
    wanted: dict[str, str] = {}
    for clause in re.split(r"\s+AND\s+", expression):
        match = _FILTER.match(clause)
        if match is None:
            raise invalid(f"Invalid filter: {expression}")
        wanted["listing" if match["field"] == "listing" else "dataExchange"] = match["value"]
    return wanted


def paged(key: str, found: list[Resource], page_size: int, page_token: str) -> Resource:
    """Cut one page out of `found`; the token is the offset of the next page. Raises 400 for another token."""
    if page_token and not page_token.isdigit():
        raise invalid(f"Invalid page token: {page_token}")
    start = int(page_token or 0)
    end = start + (page_size if 0 < page_size <= 1000 else 1000)
    page: Resource = {key: found[start:end]} if found[start:end] else {}
    return page | ({"nextPageToken": str(end)} if end < len(found) else {})


def _operation(target: str, verb: str, response: Resource) -> Resource:
    moment = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    project, location = target.split("/")[1], target.split("/")[3]
    return {
        "name": f"projects/{project}/locations/{location}/operations/operation-{uuid4()}",
        "metadata": {
            "@type": "type.googleapis.com/google.cloud.bigquery.analyticshub.v1.OperationMetadata",
            "createTime": moment,
            "endTime": moment,
            "target": target,
            "verb": verb,
            "apiVersion": "v1",
        },
        "done": True,
        "response": response,
    }
