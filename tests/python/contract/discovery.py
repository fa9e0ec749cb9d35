"""Checks requests and responses against the discovery documents that google-api-python-client carries.

`check_request(...)` and `check_response(...)` return the list of problems, empty when there are none.
Services: bigquery, aiplatform, storage, analyticshub; the version (v1 or v1beta1) is read from the path.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from contract.messages import Schema, problems, scalar_problem

Service = Literal["bigquery", "aiplatform", "storage", "analyticshub"]

_UPLOAD_PARAMETERS = ("uploadType", "upload_id")
_ERROR_KEYS = {"code", "message", "status", "errors", "details"}
_ERROR_ENTRY_KEYS = {"message", "domain", "reason", "location", "locationType", "debugInfo", "extendedHelp"}


@dataclass(frozen=True)
class Method:
    """One method of a discovery document, and the pattern of the paths that reach it."""

    identifier: str
    verb: str
    pattern: re.Pattern[str]
    literal: int
    parameters: Mapping[str, Schema]
    request: Schema | None
    response: Schema | None
    media: bool


@dataclass(frozen=True)
class Document:
    """One discovery document."""

    schemas: Mapping[str, Schema]
    parameters: Mapping[str, Schema]
    methods: tuple[Method, ...]


def check_request(
    service: Service, method: str, path: str, query: Mapping[str, str] | None = None, body: object = None
) -> list[str]:
    """List what is wrong with a request: path, query and body; for uploads `body` is the JSON resource."""
    document = load(service, path)
    found = find(document, method, path)
    if found is None:
        return [f"{method} {path}: no method of {service} has this path"]
    return [*_query_problems(document, found, query or {}), *_body_problems(document, found, body)]


def check_response(service: Service, method: str, path: str, body: object, status: int = 200) -> list[str]:
    """List what is wrong with a JSON answer to a request; error answers are checked for Google's envelope."""
    document = load(service, path)
    found = find(document, method, path)
    if found is None:
        return [f"{method} {path}: no method of {service} has this path"]
    if status >= 400:
        return [f"{found.identifier}: {problem}" for problem in _error_problems(body, status)]
    if found.response is None:
        return [] if body in (None, "", b"") else [f"{found.identifier}: answers nothing, got {body!r}"]
    return [f"{found.identifier}: {text}" for text in problems(body, found.response, document.schemas)]


def method_id(service: Service, method: str, path: str) -> str | None:
    """Name the discovery method that a request reaches, such as `bigquery.jobs.query`."""
    found = find(load(service, path), method, path)
    return found.identifier if found else None


def load(service: Service, path: str) -> Document:
    """Load the document of `service` in the version that `path` names."""
    versions = {"bigquery": "v2", "storage": "v1"}
    beta = re.match(r"^/(upload/)?v1beta1/", path) is not None
    return _load(f"{service}.{versions.get(service, 'v1beta1' if beta else 'v1')}")


@cache
def _load(name: str) -> Document:
    source = files("googleapiclient.discovery_cache.documents").joinpath(f"{name}.json")
    raw = json.loads(source.read_text(encoding="utf-8"))
    base = "/" + raw["servicePath"].strip("/")
    methods = [method for node in _method_nodes(raw) for method in _methods(node, base.rstrip("/"))]
    return Document(raw["schemas"], raw.get("parameters", {}), tuple(methods))


def find(document: Document, verb: str, path: str) -> Method | None:
    """Return the method that a path reaches; the one with the most literal characters wins."""
    matching = [
        method for method in document.methods if method.verb == verb and method.pattern.fullmatch(path)
    ]
    return max(matching, key=lambda method: method.literal, default=None)


def _method_nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from node.get("methods", {}).values()
    for below in node.get("resources", {}).values():
        yield from _method_nodes(below)


def _methods(node: Mapping[str, Any], base: str) -> Iterator[Method]:
    path = f"{base}/{node.get('flatPath') or node['path']}"
    yield _method(node, path, media=False)
    if node.get("useMediaDownloadService"):
        yield _method(node, f"/download{path}", media=False)
    for protocol in node.get("mediaUpload", {}).get("protocols", {}).values():
        # Resumable sessions go on with PUT at the same path.
        yield _method(node, protocol["path"], media=True)
        yield _method(node, protocol["path"], media=True, verb="PUT")


def _method(node: Mapping[str, Any], path: str, *, media: bool, verb: str | None = None) -> Method:
    pieces = re.split(r"\{\+?[\w]+\}", path)
    return Method(
        identifier=node["id"],
        verb=verb or node["httpMethod"],
        pattern=re.compile("[^/]+".join(re.escape(piece) for piece in pieces)),
        literal=sum(map(len, pieces)),
        parameters=node.get("parameters", {}),
        request=node.get("request"),
        response=node.get("response"),
        media=media,
    )


def _query_problems(document: Document, method: Method, query: Mapping[str, str]) -> Iterator[str]:
    known = {name: schema for name, schema in method.parameters.items() if schema["location"] == "query"}
    for name, text in query.items():
        schema = known.get(name) or document.parameters.get(name)
        if schema is None and not (method.media and name in _UPLOAD_PARAMETERS):
            yield f"{method.identifier}: unknown query parameter {name}"
        elif schema is not None:
            fault = _text_problem(text, schema)
            if fault:
                yield f"{method.identifier}: query parameter {name}: {fault}"
    for name, schema in known.items():
        if schema.get("required") and name not in query:
            yield f"{method.identifier}: required query parameter {name} is missing"


def _text_problem(text: str, schema: Schema) -> str | None:
    """Check a query parameter, which is always text on the wire."""
    kind = schema["type"]
    if kind == "boolean":
        return None if text.lower() in {"true", "false"} else f"{text!r} is not true or false"
    if kind == "integer":
        return scalar_problem(int(text), schema) if re.fullmatch(r"-?\d+", text) else f"{text!r} is no number"
    return scalar_problem(text, schema)


def _body_problems(document: Document, method: Method, body: object) -> Iterator[str]:
    if method.request is None:
        if body not in (None, "", b"", {}):
            yield f"{method.identifier}: takes no body, got {body!r}"
        return
    if body is None:
        if not method.media:
            yield f"{method.identifier}: the body is missing"
        return
    for text in problems(body, method.request, document.schemas):
        yield f"{method.identifier}: {text}"
    schema = document.schemas[method.request["$ref"]]
    for key, inner in schema.get("properties", {}).items():
        required = method.identifier in inner.get("annotations", {}).get("required", [])
        if required and isinstance(body, Mapping) and key not in body:
            yield f"{method.identifier}: $.{key} is required"
        if inner.get("readOnly") and isinstance(body, Mapping) and key in body:
            yield f"{method.identifier}: $.{key} is read-only and must not be sent"


def _error_problems(body: object, status: int) -> Iterator[str]:
    error = body.get("error") if isinstance(body, Mapping) and len(body) == 1 else None
    if not isinstance(error, Mapping):
        yield f'an error must read {{"error": {{...}}}}, got {body!r}'
        return
    for key in sorted(set(error) - _ERROR_KEYS):
        yield f"error.{key}: unknown key"
    if error.get("code") != status:
        yield f"error.code is {error.get('code')!r}, the HTTP status {status}"
    if not isinstance(error.get("message"), str) or not error["message"]:
        yield "error.message is missing"
    for index, entry in enumerate(error.get("errors", [])):
        for key in sorted(set(entry) - _ERROR_ENTRY_KEYS):
            yield f"error.errors[{index}].{key}: unknown key"
        for key in sorted({"message", "domain", "reason"} - set(entry)):
            yield f"error.errors[{index}].{key} is missing"
    for index, detail in enumerate(error.get("details", [])):
        if not str(detail.get("@type", "")).startswith("type.googleapis.com/"):
            yield f"error.details[{index}] has no @type"
