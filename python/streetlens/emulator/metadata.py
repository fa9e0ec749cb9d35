"""The Compute Engine metadata server: project, default service account and its tokens.

Paths and the Metadata-Flavor rule: "About VM metadata" in the Compute Engine documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from streetlens.emulator.errors import json_response

if TYPE_CHECKING:
    from streetlens.emulator.world import World

FLAVOR = {"Metadata-Flavor": "Google", "Server": "Metadata Server for VM"}
SCOPES = ("https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/userinfo.email")
_ROOT = "/computeMetadata/v1"


def routes(world: World) -> list[web.AbstractRouteDef]:
    """List the metadata routes; `GET /` answers the ping by which clients detect a metadata server."""
    ledger = world.tokens

    def plain(text: str) -> web.Response:
        return web.Response(text=text, headers=FLAVOR, content_type="application/text")

    async def ping(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Metadata-Flavor") == "Google":
            return plain("computeMetadata/\n")
        return web.Response(text="streetlens emulator: stand-ins for Google services, on loopback only\n")

    async def value(request: web.Request) -> web.StreamResponse:
        if request.headers.get("Metadata-Flavor") != "Google":
            return web.Response(
                status=403,
                text="Missing required header: Metadata-Flavor",
                content_type="text/html",
                headers=FLAVOR,
            )
        path = request.match_info["path"].strip("/")
        texts = {
            "project/project-id": world.project,
            "project/numeric-project-id": "100000000001",
            "universe/universe-domain": "googleapis.com",
            "instance/zone": "projects/100000000001/zones/us-central1-a",
            "instance/id": "1000000000000000001",
        }
        if path in texts:
            return plain(texts[path])
        account = path.removeprefix("instance/service-accounts/")
        name, _, below = account.partition("/")
        if account == path or name not in {"default", ledger.email} or not ledger.signed_in:
            return _missing(path)
        return service_account(request, below)

    def service_account(request: web.Request, below: str) -> web.StreamResponse:
        if below == "token":
            ledger.count()
            wanted = request.query.get("scopes")
            token = ledger.cached(tuple(wanted.split(",")) if wanted else SCOPES)
            return json_response(
                {"access_token": token.value, "expires_in": token.expires_in, "token_type": "Bearer"},
                headers=FLAVOR,
            )
        if below == "email":
            return plain(ledger.email)
        if below == "scopes":
            return plain("\n".join(SCOPES) + "\n")
        if below == "" and request.query.get("recursive", "").lower() == "true":
            account = {"aliases": ["default"], "email": ledger.email, "scopes": list(SCOPES)}
            return json_response(account, headers=FLAVOR)
        if below == "":
            return plain("aliases\nemail\nscopes\ntoken\n")
        return _missing(request.path)

    return [web.get("/", ping), web.get(_ROOT + "/{path:.*}", value)]


def _missing(path: str) -> web.Response:
    text = f"<!DOCTYPE html>\n<title>Error 404 (Not Found)!!1</title>\n<p>The URL {path} was not found."
    return web.Response(status=404, text=text, headers=FLAVOR, content_type="text/html")
