"""Subscriptions to a data set."""

from __future__ import annotations

from streetlens import _streetlens, _tracing
from streetlens._calls.call import Call
from streetlens._calls.session import Session
from streetlens.exceptions import ConfigurationError
from streetlens.results import LinkedDataset


def subscribe(session: Session, customer_id: str, **names: str | None) -> Call[LinkedDataset]:
    """A subscription to a customer's data set."""
    if not isinstance(customer_id, str):
        raise ConfigurationError(
            f"`customer_id` is a {type(customer_id).__name__}", hint='pass it as a text: "1234-5678"'
        )
    native = _streetlens.subscribe(session.native(), customer_id, names)
    return Call(native, lambda values: LinkedDataset(**values), operation=_tracing.subscription())


def subscribe_listing(
    session: Session,
    listing: str,
    *,
    project: str,
    dataset: str,
    location: str,
    friendly_name: str | None,
    description: str | None,
) -> Call[str]:
    """A subscription to one listing by its resource name; the result is the subscription's name."""
    native = _streetlens.subscribe_listing(
        session.native(), listing, project, dataset, location, friendly_name, description
    )
    return Call(native, str)
