"""BigQuery's errors: one exception that carries the reason and status, and DuckDB's errors turned into it."""

from __future__ import annotations

import re
from typing import Any

import duckdb

STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
}

# A failed check inside the generated SQL casts this marker and its message to BOOLEAN, which DuckDB refuses by name.
FAILURE_MARKER = "!streetlens!"


class BigQueryError(Exception):
    """A request or job that fails: HTTP `status`, BigQuery `reason`, message, optional location, and `details`."""

    def __init__(self, status: int, reason: str, message: str, location: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.location = location
        self.details: list[BigQueryError] = []

    def error_proto(self) -> dict[str, Any]:
        """Return the ErrorProto that jobs carry in `status.errorResult`."""
        proto = {"reason": self.reason, "message": self.message}
        if self.location is not None:
            proto["location"] = self.location
        return proto

    def body(self) -> dict[str, Any]:
        """Return the HTTP error body."""
        detail: dict[str, Any] = {"message": self.message, "domain": "global", "reason": self.reason}
        if self.location is not None:
            detail |= {
                "location": self.location,
                "locationType": "parameter" if self.location != "query" else "other",
            }
        status = STATUS_NAMES.get(self.status, "UNKNOWN")
        return {"error": {"code": self.status, "message": self.message, "errors": [detail], "status": status}}


def invalid_query(message: str, reason: str = "invalidQuery") -> BigQueryError:
    """Return the 400 of a statement that BigQuery refuses."""
    return BigQueryError(400, reason, message, "query" if reason == "invalidQuery" else None)


def unsupported(feature: str, position: str = "") -> BigQueryError:
    """Return the 400 for something BigQuery has and this emulator has not, named so that nobody searches."""
    at = f" at {position}" if position else ""
    return invalid_query(f"{feature} is not supported by the streetlens emulator{at}")


def invalid(message: str) -> BigQueryError:
    """Return the 400 of a malformed request."""
    return BigQueryError(400, "invalid", message)


def not_found(message: str) -> BigQueryError:
    """Return the 404 of a thing that does not exist; `message` starts with what it is."""
    return BigQueryError(404, "notFound", f"Not found: {message}")


def duplicate(message: str) -> BigQueryError:
    """Return the 409 of a thing that exists already."""
    return BigQueryError(409, "duplicate", f"Already Exists: {message}")


def access_denied(message: str) -> BigQueryError:
    """Return the 403 of a permission that is missing."""
    return BigQueryError(403, "accessDenied", f"Access Denied: {message}")


def cancelled() -> BigQueryError:
    """Return the error of a job that somebody cancelled."""
    return BigQueryError(499, "stopped", "Job execution was cancelled: User requested cancellation")


_RUNTIME_TEXTS = (
    (r"Overflow in (\w+) of INT(?:64|128) \((.+?) ([-+*]) (.+?)\)", r"int64 overflow: \2 \3 \4"),
    (r"Division by zero in expression \((.+)\)\.", r"division by zero: \1"),
    (r"Could not convert string '(.*)' to INT64", r"Bad int64 value: \1"),
    (r"Could not convert string '(.*)' to DOUBLE", r"Bad double value: \1"),
    (r"Could not convert string \"(.*)\" to DECIMAL", r"Invalid NUMERIC value: \1"),
    (r"Could not convert string '(.*)' to BOOL", r"Bad bool value: \1"),
    (r"invalid date field format: \"(.*?)\"", r"Invalid date: '\1'"),
    (r"date field value out of range: \"(.*?)\"", r"Invalid date: '\1'"),
    (r"invalid timestamp field format: \"(.*?)\"", r"Invalid timestamp: '\1'"),
    (r"timestamp field value out of range: \"(.*?)\"", r"Invalid timestamp: '\1'"),
    (r"time field value out of range: \"(.*?)\"", r'Invalid time string "\1"'),
    (r"Type INT128 with value (\S+) can't be cast", r"int64 overflow: \1"),
    (
        r"Type DOUBLE with value (\S+) can't be cast because .* INT64",
        r"Illegal conversion of value \1 to INT64",
    ),
    (r"could not convert blob to UTF8 string", "Invalid cast of bytes to UTF8 string"),
    (r"Date out of range: (\S+)", r"Input calculates to invalid date: \1"),
    (r"Unknown TimeZone '(.*?)'", r"Invalid time zone: \1"),
    (r"Invalid UTF8 Codepoint (\d+)", r"Invalid codepoint \1"),
    (r"Invalid replacement string for regexp_replace: (.*)", r"Invalid REGEXP_REPLACE pattern: \1"),
    (
        r"Invalid Input Error: ((?:missing [])]|unexpected \)|bad repetition|no argument for repetition|invalid "
        r"(?:escape|character class|perl|repetition|named capture|UTF-8)|trailing \\).*)",
        r"Cannot parse regular expression: \1",
    ),
    (r"More than one row returned by a subquery", "Scalar subquery produced more than one element"),
    (r"cannot take square root of a negative number", "Floating point error in function: SQRT"),
    (r"cannot take logarithm of (?:zero|a negative number)", "Floating point error in function: LOG"),
    (r"NOT NULL constraint failed: \w+\.(\w+)", r"Required field \1 cannot be null"),
    (r"Malformed JSON.*?: (.*)", r"Invalid input to JSON: \1"),
)
_GROUPING = re.compile(r'column "?(.+?)"? must appear in the GROUP BY clause')


def from_duckdb(error: duckdb.Error) -> BigQueryError:
    """Return DuckDB's `error` in BigQuery's words; an unknown one keeps DuckDB's text, marked as such."""
    text = str(error)
    start = text.find(FAILURE_MARKER)
    if start >= 0:
        message = text[start + len(FAILURE_MARKER) :]
        end = message.find(FAILURE_MARKER)
        return invalid_query(message[:end] if end >= 0 else message)
    for pattern, replacement in _RUNTIME_TEXTS:
        found = re.search(pattern, text, re.DOTALL)
        if found:
            return invalid_query(found.expand(replacement))
    grouping = _GROUPING.search(text)
    if grouping:
        name = grouping.group(1)
        return invalid_query(
            f"SELECT list expression references column {name} which is neither grouped nor aggregated"
        )
    if isinstance(error, duckdb.InterruptException):
        return cancelled()
    if isinstance(error, duckdb.OutOfMemoryException):
        return invalid_query(
            "Resources exceeded during query execution: The query could not be executed in the allotted memory.",
            reason="resourcesExceeded",
        )
    first_line = text.split("\n", 1)[0]
    return unsupported(f"This query (its engine answered: {first_line})")
