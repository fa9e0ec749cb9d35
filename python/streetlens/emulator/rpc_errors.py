"""Errors of gRPC methods: a canonical code, a message and google.rpc details, as Google's services send them."""

from __future__ import annotations

import importlib
from typing import Any

from streetlens.emulator.errors import CANONICAL, ServiceError

HTTP_STATUS = {name: status for status, name in CANONICAL.items()} | {
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNKNOWN": 500,
    "ABORTED": 409,
}
_DETAILS = "grpc-status-details-bin"


class RpcError(Exception):
    """A call that fails; `details` are JSON objects with an `@type` of google.rpc."""

    def __init__(self, code: str, message: str, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details or []

    @property
    def http_status(self) -> int:
        """The status that the REST side would give."""
        return HTTP_STATUS[self.code]

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        """Return the google.rpc.Status that carries the details, or nothing without details."""
        if not self.details:
            return ()
        parse = importlib.import_module("google.protobuf.json_format").ParseDict
        # The details' own messages must be known to the descriptor pool before JSON can be parsed into them.
        importlib.import_module("google.rpc.error_details_pb2")
        codes = importlib.import_module("google.rpc.code_pb2")
        status = importlib.import_module("google.rpc.status_pb2").Status()
        number = codes.Code.Value(self.code)
        parse({"code": number, "message": self.message, "details": self.details}, status)
        return ((_DETAILS, status.SerializeToString()),)


def of_service_error(error: ServiceError) -> RpcError:
    """Return the gRPC form of an error answer of a REST service."""
    body = error.body["error"]
    code = body.get("status") or CANONICAL.get(error.status, "UNKNOWN")
    return RpcError(code, error.message, body.get("details"))
