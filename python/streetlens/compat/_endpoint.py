"""Reads the service address that Google's clients take as `client_options` or `api_endpoint`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from streetlens.compat._absent import refuse_options

__all__ = ["address", "from_client_options"]


def from_client_options(client_options: Any) -> str | None:
    """The address in a dictionary or a `ClientOptions` object.

    Raises:
        NotImplementedError: It sets anything else.
    """
    if client_options is None:
        return None
    options = dict(client_options) if isinstance(client_options, dict) else dict(vars(client_options))
    endpoint = options.pop("api_endpoint", None)
    # google.api_core's object always carries this default.
    options.pop("universe_domain", None)
    refuse_options("client_options", options, ["api_endpoint"], "Pass credentials as `credentials=`.")
    return None if endpoint is None else address(str(endpoint))


def address(endpoint: str) -> str | None:
    """A base URL; `None` for Google's own hosts, which follow from the location.

    Google's clients take a bare host and mean https, except for this machine.
    """
    text = endpoint.strip()
    url = urlsplit(text if "://" in text else f"//{text}")
    host = url.hostname or ""
    if host.endswith(".googleapis.com"):
        return None
    if url.scheme:
        return text
    is_local = host in {"localhost", "::1"} or host.startswith("127.") or host.endswith(".localhost")
    return f"{'http' if is_local else 'https'}://{text}"
