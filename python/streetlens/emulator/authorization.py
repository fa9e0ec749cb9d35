"""Decides whether a request may pass: with `require_token`, only tokens issued here and not expired."""

from __future__ import annotations

from streetlens.emulator.errors import ServiceError, error_info
from streetlens.emulator.services import Service
from streetlens.emulator.tokens import Verdict

_REALM = 'Bearer realm="https://accounts.google.com/"'
_EXPECTED = (
    "Expected OAuth 2 access token, login cookie or other valid authentication credential. "
    "See https://developers.google.com/identity/sign-in/web/devconsole-project."
)
_HOSTS: dict[Service, str] = {
    "bigquery": "bigquery.googleapis.com",
    "bigquery_storage": "bigquerystorage.googleapis.com",
    "gemini": "aiplatform.googleapis.com",
    "storage": "storage.googleapis.com",
    "sharing": "analyticshub.googleapis.com",
}
_REASONS: dict[Verdict, str] = {
    "expired": "ACCESS_TOKEN_EXPIRED",
    "unknown": "ACCESS_TOKEN_TYPE_UNSUPPORTED",
    "missing": "CREDENTIALS_MISSING",
}


def unauthenticated(service: Service, verdict: Verdict) -> ServiceError:
    """Build the 401 answer of `service` for a token that is expired, unknown or missing."""
    header = _REALM if verdict == "missing" else f'{_REALM}, error="invalid_token"'
    location = ("Authorization", "header")
    if service == "storage":
        missing = (
            "Anonymous caller does not have storage.objects.get access to the Google Cloud Storage object."
        )
        return ServiceError(
            service,
            401,
            missing if verdict == "missing" else "Invalid Credentials",
            reason="required" if verdict == "missing" else "authError",
            location=location,
            headers={"WWW-Authenticate": header},
        )
    opening = (
        "Request is missing required authentication credential."
        if verdict == "missing"
        else "Request had invalid authentication credentials."
    )
    return ServiceError(
        service,
        401,
        f"{opening} {_EXPECTED}",
        reason="required" if verdict == "missing" else "authError",
        location=location,
        details=[error_info(_REASONS[verdict], service=_HOSTS[service])],
        headers={"WWW-Authenticate": header},
    )
