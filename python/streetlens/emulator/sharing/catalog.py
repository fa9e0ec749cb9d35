"""What the publisher offers: one exchange per location, and one listing per customer in it.

Names follow the Street View Insights guide: exchange `imagery_insights_exchange_{location}`, listing
`imagery_insights_{customer}__{location}` with the dashes of the customer id written as underscores.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from streetlens.emulator.errors import ServiceError, error_info

PUBLISHER_PROJECT = "maps-platform-analytics-hub"
UNKNOWN_CUSTOMERS = "0000"
DENIED_CUSTOMERS = "9999"
"""Customer ids that begin so get 404 and 403: the two refusals a subscriber meets in practice."""

_LISTING = re.compile(
    r"^projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/dataExchanges/(?P<exchange>[^/]+)"
    r"/listings/(?P<listing>[^/]+)$"
)
_EXCHANGE = re.compile(
    r"^projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/dataExchanges/(?P<exchange>[^/]+)$"
)
_PARENT = re.compile(r"^projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)$")
_CUSTOMER = re.compile(r"^imagery_insights_(?P<customer>[0-9_]*[0-9])__(?P<location>.+)$")


@dataclass(frozen=True)
class Listing:
    """One listing that may be subscribed to."""

    name: str
    location: str
    customer: str

    @property
    def exchange(self) -> str:
        """The resource name of its exchange."""
        return self.name.partition("/listings/")[0]

    def resource(self, version: str) -> dict[str, object]:
        """Render the listing for one API version."""
        resource: dict[str, object] = {
            "name": self.name,
            "displayName": f"Imagery Insights for {self.customer}",
            "description": "A synthetic stand-in for the published data set.",
            "state": "ACTIVE",
            "bigqueryDataset": {
                "dataset": f"projects/{PUBLISHER_PROJECT}/datasets/{source_dataset(self.location)}"
            },
            "categories": ["CATEGORY_GEOSPATIAL"],
            "publisher": {"name": "streetlens emulator"},
        }
        if version == "v1":
            resource |= {"resourceType": "BIGQUERY_DATASET", "discoveryType": "DISCOVERY_TYPE_PRIVATE"}
        return resource


def source_dataset(location: str) -> str:
    """Name the published data set of one location, in the publisher's project."""
    return f"imagery_insights___published___{location.lower().replace('-', '_')}"


def linked_dataset(location: str, generation: int | None) -> str:
    """Name the data set that a customer links; generation 3 dropped "preview" from it."""
    preview = "" if generation is not None and generation >= 3 else "preview___"
    return f"imagery_insights___{preview}{location.lower().replace('-', '_')}"


def find_listing(name: str) -> Listing:
    """Return the listing. Raises 404 when nothing is published under `name`, 403 for denied customers."""
    match = _LISTING.match(name)
    if match is None:
        raise invalid(f"Invalid resource name: {name}")
    exchange, location = match["exchange"], match["location"]
    known = _CUSTOMER.match(match["listing"])
    if match["project"] != PUBLISHER_PROJECT or exchange != exchange_id(location):
        raise missing(f"Data exchange {name.partition('/listings/')[0]} was not found.")
    if known is None or known["location"] != location or known["customer"].startswith(UNKNOWN_CUSTOMERS):
        raise missing(f"Listing {name} was not found.")
    if known["customer"].startswith(DENIED_CUSTOMERS):
        raise denied("analyticshub.listings.subscribe", name)
    return Listing(name, location, known["customer"])


def find_exchange(name: str) -> dict[str, object]:
    """Return the data exchange resource. Raises 404."""
    match = _EXCHANGE.match(name)
    if match is None:
        raise invalid(f"Invalid resource name: {name}")
    if match["project"] != PUBLISHER_PROJECT or match["exchange"] != exchange_id(match["location"]):
        raise missing(f"Data exchange {name} was not found.")
    return {
        "name": name,
        "displayName": "Imagery Insights",
        "description": "A synthetic stand-in for the publisher's exchange.",
        "listingCount": 1,
    }


def exchange_id(location: str) -> str:
    """Name the exchange of one location."""
    return f"imagery_insights_exchange_{location}"


def parse_parent(parent: str) -> tuple[str, str]:
    """Split `projects/{project}/locations/{location}`. Raises 400."""
    match = _PARENT.match(parent)
    if match is None:
        raise invalid(f"Invalid resource name: {parent}")
    return match["project"], match["location"]


def invalid(message: str) -> ServiceError:
    """Build a 400 answer."""
    return ServiceError("sharing", 400, message)


def missing(message: str) -> ServiceError:
    """Build a 404 answer."""
    return ServiceError("sharing", 404, message)


def denied(permission: str, resource: str) -> ServiceError:
    """Build a 403 answer that names the permission and the resource."""
    full = f"//analyticshub.googleapis.com/{resource}"
    return ServiceError(
        "sharing",
        403,
        f"Permission '{permission}' denied on resource '{full}' (or it may not exist).",
        details=[
            error_info(
                "IAM_PERMISSION_DENIED", "analyticshub.googleapis.com", permission=permission, resource=full
            )
        ],
    )
