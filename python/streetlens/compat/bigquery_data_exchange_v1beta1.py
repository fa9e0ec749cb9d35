"""Stands in for `google.cloud.bigquery_data_exchange_v1beta1`: subscribing to a listing of Analytics Hub."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NoReturn

from streetlens import _calls
from streetlens.client import Client
from streetlens.compat._absent import absent_member, module_getattr, refuse_options
from streetlens.compat._endpoint import from_client_options
from streetlens.compat._messages import Message
from streetlens.exceptions import AlreadyExists, InvalidInput
from streetlens.options import Endpoints
from streetlens.results import LinkedDataset

__all__ = [
    "AnalyticsHubServiceClient",
    "DatasetReference",
    "DestinationDataset",
    "SubscribeListingRequest",
    "SubscribeListingResponse",
]

_INSTEAD = "`streetlens.Client.subscribe` does the same from a customer id."
_LISTING = re.compile(r"projects/([^/]+)/locations/([^/]+)/dataExchanges/([^/]+)/listings/([^/]+)")


class DatasetReference(Message):
    """Names a data set."""

    dataset_id: str
    """Data set id."""
    project_id: str
    """Project."""


class DestinationDataset(Message):
    """The data set that a subscription creates."""

    dataset_reference: DatasetReference
    """Its name."""
    friendly_name: str
    """Its name for people."""
    description: str
    """What it is."""
    location: str
    """BigQuery location, for example `"us"`."""


class SubscribeListingRequest(Message):
    """A listing and where to link it."""

    destination_dataset: DestinationDataset
    """The data set to create."""
    name: str
    """The listing's resource name."""


class SubscribeListingResponse:
    """The original's is empty; this one tells the linked data set."""

    def __init__(self, linked_dataset: LinkedDataset) -> None:
        self.linked_dataset = linked_dataset
        """The data set, and whether this call created it."""

    def __repr__(self) -> str:
        return f"SubscribeListingResponse({self.linked_dataset!r})"


class AnalyticsHubServiceClient:
    """Analytics Hub. The project is that of the request's destination data set.

    Raises:
        NotImplementedError: An option of the original is given that is not implemented.
    """

    def __init__(self, *, credentials: Any = None, client_options: Any = None, **others: Any) -> None:
        refuse_options("AnalyticsHubServiceClient", others, ("credentials", "client_options"), _INSTEAD)
        self._credentials = credentials
        endpoint = from_client_options(client_options)
        self._endpoints = Endpoints(sharing=endpoint, bigquery=endpoint) if endpoint else None

    def subscribe_listing(
        self,
        request: SubscribeListingRequest | Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        **others: Any,
    ) -> SubscribeListingResponse:
        """Links the listing's data set, or returns it where a run before this one has linked it.

        Raises:
            InvalidInput: The listing's name is malformed.
            AlreadyExists: A data set of that name is something else; the message says what.
            NotFound: There is no such listing.
            PermissionDenied: The publisher or the project does not allow it.
        """
        refuse_options(
            "subscribe_listing", others, ("request", "name"), "Requests are repeated where it is safe."
        )
        wanted = request if isinstance(request, SubscribeListingRequest) else SubscribeListingRequest(request)
        listing = (name or wanted.name).strip()
        found = _LISTING.fullmatch(listing)
        if found is None:
            raise InvalidInput(
                f"`{listing}` is not the name of a listing",
                hint="write `projects/…/locations/…/dataExchanges/…/listings/…`",
            )
        publisher, listing_location, exchange, listing_id = found.groups()
        destination = wanted.destination_dataset
        location = destination.location or listing_location
        client = Client(
            project=destination.dataset_reference.project_id or None,
            location=location,
            credentials=self._credentials,
            endpoint=self._endpoints,
        )
        dataset = destination.dataset_reference.dataset_id.strip()
        try:
            subscription = _subscribe(client, listing, destination, dataset)
        except AlreadyExists:
            # A second run of the cell: what is there is returned if it is of this listing, and named if it is not.
            return SubscribeListingResponse(
                client.subscribe(
                    "any", publisher=publisher, exchange=exchange, listing=listing_id, dataset=dataset
                )
            )
        return SubscribeListingResponse(
            LinkedDataset(
                client.project, dataset, client.location, listing, subscription or None, is_new=True
            )
        )

    def __enter__(self) -> AnalyticsHubServiceClient:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""

    def __getattr__(self, name: str) -> NoReturn:
        raise absent_member(self, name, _INSTEAD)


def _subscribe(client: Client, listing: str, destination: DestinationDataset, dataset: str) -> str:
    session = client._session  # noqa: SLF001 - the public verb has no `friendly_name` and `description`
    return _calls.subscribe_listing(
        session,
        listing,
        project=client.project,
        dataset=dataset,
        location=client.location,
        friendly_name=destination.friendly_name or None,
        description=destination.description or None,
    ).wait()


__getattr__ = module_getattr("bigquery_data_exchange_v1beta1", __all__, _INSTEAD)
