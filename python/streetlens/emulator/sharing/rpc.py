"""The gRPC face of Analytics Hub, v1 and v1beta1, for Google's own clients, which speak nothing else.

For development and tests only: it needs grpcio and Google's published message classes, and it takes no part
in the emulator's faults and token checks.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streetlens.emulator.errors import ServiceError
from streetlens.emulator.extra import missing
from streetlens.emulator.sharing.subscriptions import Resource

if TYPE_CHECKING:
    from streetlens.emulator.rpc import RpcServer
    from streetlens.emulator.world import World

DISTRIBUTIONS = {
    "grpc": "grpcio",
    "google.cloud.bigquery_analyticshub_v1": "google-cloud-bigquery-analyticshub",
    "google.cloud.bigquery_data_exchange_v1beta1": "google-cloud-bigquery-data-exchange",
}
_CODES = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    501: "UNIMPLEMENTED",
}


@dataclass(frozen=True)
class Method:
    """One remote procedure: its request and response message names, and what answers it."""

    request: str
    response: str
    answer: Callable[[Resource], Resource]


def serve(server: RpcServer, world: World) -> None:
    """Add both versions to the gRPC server; without Google's classes nothing is added."""
    if missing(DISTRIBUTIONS):
        return
    service = _Service(world)
    for version, package, name in (
        ("v1", "google.cloud.bigquery_analyticshub_v1", "google.cloud.bigquery.analyticshub.v1"),
        (
            "v1beta1",
            "google.cloud.bigquery_data_exchange_v1beta1",
            "google.cloud.bigquery.dataexchange.v1beta1",
        ),
    ):
        full_name = f"{name}.AnalyticsHubService"
        server.add(full_name, service.handlers(importlib.import_module(package), full_name, version))


class _Service:
    def __init__(self, world: World) -> None:
        self._grpc: Any = importlib.import_module("grpc")
        self._world = world

    def handlers(self, classes: Any, full_name: str, version: str) -> dict[str, Any]:
        return {
            name: self._handler(classes, f"/{full_name}/{name}", method)
            for name, method in _methods(self._world, version).items()
        }

    def _handler(self, classes: Any, path: str, method: Method) -> Any:
        request_type = getattr(classes, method.request)
        deserialize, serialize = request_type.deserialize, self._serializer(classes, method.response)

        def call(message: Any, context: Any) -> bytes:
            text = request_type.to_json(message, always_print_fields_with_no_presence=False)
            entry = self._world.request_log.record("POST", path, {}, {}, text.encode())
            try:
                body = method.answer(json.loads(text))
            except ServiceError as error:
                entry.status = error.status
                context.set_code(self._code(error))
                context.set_details(error.message)
                return b""
            entry.status = 200
            return serialize(body)

        return self._grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=deserialize, response_serializer=None
        )

    @staticmethod
    def _serializer(classes: Any, name: str) -> Callable[[Resource], bytes]:
        if name == "Operation":
            operations = importlib.import_module("google.longrunning.operations_pb2")
            # The metadata message must be known to the descriptor pool before JSON can be parsed into it.
            importlib.import_module("google.protobuf.empty_pb2")
            parse = importlib.import_module("google.protobuf.json_format").ParseDict
            return lambda body: bytes(parse(body, operations.Operation()).SerializeToString())
        response_type = getattr(classes, name)
        return lambda body: bytes(response_type.serialize(response_type.from_json(json.dumps(body))))

    def _code(self, error: ServiceError) -> Any:
        canonical = error.body["error"].get("status")
        name = canonical if canonical == "FAILED_PRECONDITION" else _CODES.get(error.status, "INTERNAL")
        return getattr(self._grpc.StatusCode, name)


def _methods(world: World, version: str) -> dict[str, Method]:
    """List the procedures of one version; a procedure that is missing answers UNIMPLEMENTED by itself."""
    sharing = world.sharing

    def subscribe(request: Resource) -> Resource:
        subscription = sharing.subscribe(request.get("name", ""), request)
        return {"subscription": subscription} if version == "v1" else {}

    def page(request: Resource) -> tuple[int, str]:
        return int(request.get("pageSize", 0)), str(request.get("pageToken", ""))

    methods = {
        "SubscribeListing": Method("SubscribeListingRequest", "SubscribeListingResponse", subscribe),
        "GetListing": Method(
            "GetListingRequest", "Listing", lambda request: sharing.get_listing(request["name"], version)
        ),
        "ListListings": Method(
            "ListListingsRequest",
            "ListListingsResponse",
            lambda request: sharing.list_listings(request["parent"], version, *page(request)),
        ),
        "GetDataExchange": Method(
            "GetDataExchangeRequest", "DataExchange", lambda request: sharing.get_exchange(request["name"])
        ),
        "ListDataExchanges": Method(
            "ListDataExchangesRequest",
            "ListDataExchangesResponse",
            lambda request: sharing.list_exchanges(request["parent"], *page(request)),
        ),
    }
    if version == "v1beta1":
        return methods
    return methods | {
        "GetSubscription": Method(
            "GetSubscriptionRequest", "Subscription", lambda request: sharing.get(request["name"])
        ),
        "ListSubscriptions": Method(
            "ListSubscriptionsRequest",
            "ListSubscriptionsResponse",
            lambda request: sharing.list(request["parent"], request.get("filter", ""), *page(request)),
        ),
        "ListSharedResourceSubscriptions": Method(
            "ListSharedResourceSubscriptionsRequest",
            "ListSharedResourceSubscriptionsResponse",
            lambda request: sharing.list_of_listing(request["resource"], *page(request)),
        ),
        "RevokeSubscription": Method(
            "RevokeSubscriptionRequest",
            "RevokeSubscriptionResponse",
            lambda request: sharing.revoke(request["name"]),
        ),
        "DeleteSubscription": Method(
            "DeleteSubscriptionRequest", "Operation", lambda request: sharing.delete(request["name"])
        ),
        "RefreshSubscription": Method(
            "RefreshSubscriptionRequest", "Operation", lambda request: sharing.refresh(request["name"])
        ),
    }
