"""Issues and checks access tokens: the OAuth token endpoint, and the ledger that the API routes ask.

Grants: JWT bearer (RFC 7523, as service account keys use), refresh token (RFC 6749 section 6). Signatures are
not verified, because the emulator does not know the caller's key.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs

from aiohttp import web

from streetlens.emulator import metadata
from streetlens.emulator.errors import ServiceError, json_response

if TYPE_CHECKING:
    from streetlens.emulator.world import World

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"

Verdict = Literal["valid", "expired", "unknown", "missing"]


@dataclass
class Token:
    """One access token that was handed out; `expires_at` is in seconds since the epoch."""

    value: str
    principal: str
    scopes: tuple[str, ...]
    expires_at: float

    @property
    def expires_in(self) -> int:
        """Whole seconds of life left."""
        return max(0, int(self.expires_at - time.time()))


class TokenLedger:
    """Every token that was issued, and how new ones are issued; safe to use from several threads.

    `lifetime`: seconds a new token lives. `signed_in`: False answers 404 for the default service account, as
    a Colab runtime does before `authenticate_user()`. `requests`: how many tokens were asked for.
    """

    def __init__(self, project: str) -> None:
        self.project = project
        self.email = f"streetlens-emulator@{project}.iam.gserviceaccount.com"
        self.lifetime = 3599.0
        self.signed_in = True
        self.requests = 0
        self._tokens: dict[str, Token] = {}
        self._cached: dict[tuple[str, ...], Token] = {}
        self._lock = threading.Lock()

    def issue(self, principal: str | None = None, scopes: tuple[str, ...] = (CLOUD_PLATFORM,)) -> Token:
        """Hand out a new token."""
        value = f"ya29.emulator-{secrets.token_urlsafe(24)}"
        token = Token(value, principal or self.email, scopes, time.time() + self.lifetime)
        with self._lock:
            self._tokens[value] = token
        return token

    def cached(self, scopes: tuple[str, ...]) -> Token:
        """Hand out the metadata server's token: the same one until less than five minutes of it are left."""
        with self._lock:
            token = self._cached.get(scopes)
        if token is None or token.expires_in < min(300.0, self.lifetime / 2):
            token = self.issue(scopes=scopes)
            with self._lock:
                self._cached[scopes] = token
        return token

    def count(self) -> None:
        """Count one request for a token."""
        with self._lock:
            self.requests += 1

    def expire_all(self) -> None:
        """Make every token handed out so far expired."""
        with self._lock:
            self._cached.clear()
            for token in self._tokens.values():
                token.expires_at = 0.0

    def expire(self, value: str) -> None:
        """Make one token expired; a value that was never issued here is remembered as an expired token."""
        with self._lock:
            self._tokens.setdefault(value, Token(value, self.email, (), 0.0)).expires_at = 0.0
            self._cached = {scopes: token for scopes, token in self._cached.items() if token.value != value}

    def check(self, authorization: str | None) -> Verdict:
        """Judge an Authorization header."""
        if not authorization:
            return "missing"
        value = bearer(authorization)
        token = self._tokens.get(value) if value else None
        if token is None:
            return "unknown"
        return "valid" if token.expires_at > time.time() else "expired"

    def reset(self) -> None:
        """Forget every token and go back to the defaults."""
        with self._lock:
            self._tokens.clear()
            self._cached.clear()
            self.lifetime, self.signed_in, self.requests = 3599.0, True, 0


def bearer(authorization: str) -> str | None:
    """Return the token of a Bearer header, or None for another scheme."""
    scheme, _, value = authorization.partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def routes(world: World) -> list[web.AbstractRouteDef]:
    """List the token endpoint and the metadata server."""
    ledger = world.tokens

    async def token(request: web.Request) -> web.StreamResponse:
        ledger.count()
        form = {key: values[0] for key, values in parse_qs(await request.text()).items()}
        grant = form.get("grant_type")
        if grant == JWT_BEARER:
            return _answer(_jwt_grant(ledger, form))
        if grant == "refresh_token":
            issued = _refresh_grant(ledger, form)
            return _answer(issued, scope=" ".join(issued.scopes))
        raise _refused("unsupported_grant_type", f"Invalid grant_type: {grant}")

    return [web.post("/token", token), *metadata.routes(world)]


def _jwt_grant(ledger: TokenLedger, form: dict[str, str]) -> Token:
    claims = _claims(form.get("assertion", ""))
    now = time.time()
    issued_at, expires_at = claims.get("iat"), claims.get("exp")
    if not isinstance(issued_at, (int, float)) or not isinstance(expires_at, (int, float)):
        raise _refused("invalid_grant", "Invalid JWT: iat and exp must be numbers.")
    if expires_at < now or issued_at > now + 300 or expires_at - issued_at > 3600:
        raise _refused(
            "invalid_grant",
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. "
            "Check your iat and exp values in the JWT claim.",
        )
    if not claims.get("iss"):
        raise _refused("invalid_grant", "Invalid JWT: the iss claim is missing.")
    if "target_audience" in claims:
        raise _refused("invalid_request", "the emulator issues access tokens only, no identity tokens")
    scopes = str(claims.get("scope", "")).split()
    if not scopes:
        raise _refused("invalid_scope", "Empty or missing scope not allowed.")
    return ledger.issue(str(claims.get("sub") or claims["iss"]), tuple(scopes))


def _claims(assertion: str) -> dict[str, Any]:
    parts = assertion.split(".")
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)) if len(parts) == 3 else b""
        claims = json.loads(payload)
    except (binascii.Error, ValueError):
        claims = None
    if not isinstance(claims, dict):
        raise _refused("invalid_grant", "Invalid JWT Signature.")
    return claims


def _refresh_grant(ledger: TokenLedger, form: dict[str, str]) -> Token:
    for name in ("refresh_token", "client_id", "client_secret"):
        if not form.get(name):
            raise _refused("invalid_request", f"Missing required parameter: {name}")
    if form["refresh_token"].startswith("revoked"):
        raise _refused("invalid_grant", "Token has been expired or revoked.")
    scopes = tuple(form.get("scope", "").split()) or (CLOUD_PLATFORM,)
    return ledger.issue("someone@example.com", scopes)


def _answer(token: Token, **extra: str) -> web.Response:
    body = {"access_token": token.value, "expires_in": token.expires_in, **extra, "token_type": "Bearer"}
    return json_response(body, headers={"Cache-Control": "no-cache, no-store, max-age=0, must-revalidate"})


def _refused(reason: str, message: str) -> ServiceError:
    return ServiceError("token", 401 if reason == "invalid_client" else 400, message, reason=reason)
