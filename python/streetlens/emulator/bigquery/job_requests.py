"""What a query job asks for, read from a QueryRequest or a JobConfigurationQuery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from streetlens.emulator.bigquery.destinations import Destination
from streetlens.emulator.bigquery.errors import BigQueryError, invalid, unsupported
from streetlens.emulator.bigquery.http import flag, whole
from streetlens.emulator.bigquery.outcomes import StatementRequest
from streetlens.emulator.bigquery.parameters import read_parameters

# What a QueryRequest has in common with the configuration of its job.
QUERY_KEYS = ("query", "useLegacySql", "defaultDataset", "parameterMode", "queryParameters", "maximumBytesBilled",
              "useQueryCache", "createSession", "connectionProperties")  # fmt: skip


def statement_request(project: str, query: Mapping[str, Any], location: str | None) -> StatementRequest:
    """Return the statement of a QueryRequest or JobConfigurationQuery; raises for what this emulator cannot do."""
    if not query.get("query"):
        raise BigQueryError(400, "required", "Required parameter is missing: query")
    if flag(query.get("useLegacySql", True)):
        raise unsupported("Legacy SQL (useLegacySql is true unless it is sent as false)")
    properties = _connection_properties(query)
    named, positional = read_parameters(query.get("parameterMode"), query.get("queryParameters") or ())
    default = query.get("defaultDataset") or {}
    dataset = (
        (str(default.get("projectId") or project), str(default["datasetId"]))
        if default.get("datasetId")
        else None
    )
    stored = bool(query.get("destinationTable"))
    limit = whole(query.get("maximumBytesBilled"), "maximumBytesBilled")
    return StatementRequest(
        str(query["query"]),
        project,
        named,
        positional,
        dataset,
        location,
        stored,
        limit,
        session_id=properties.get("session_id"),
        creates_session=flag(query.get("createSession")),
        uses_cache=flag(query.get("useQueryCache", True)),
    )


def _connection_properties(query: Mapping[str, Any]) -> dict[str, str]:
    """Return the connection properties; raises for one given twice and for those that would change the result."""
    found: dict[str, str] = {}
    for item in query.get("connectionProperties") or ():
        key, value = str(item.get("key")), str(item.get("value") or "")
        if key in found:
            raise invalid(f"Duplicate connection property: {key}")
        if key in ("dataset_project_id", "time_zone") and value not in ("", "UTC"):
            raise unsupported(f"The connection property {key}")
        found[key] = value
    if "session_id" in found and flag(query.get("createSession")):
        raise invalid("createSession cannot be set together with the connection property session_id")
    return found


def destination(query: Mapping[str, Any], project: str) -> Destination | None:
    """Return the destination table of a JobConfigurationQuery, None for the anonymous one."""
    table = query.get("destinationTable")
    if not table:
        return None
    return Destination(
        str(table.get("projectId") or project),
        str(table["datasetId"]),
        str(table["tableId"]),
        str(query.get("writeDisposition") or "WRITE_EMPTY"),
        str(query.get("createDisposition") or "CREATE_IF_NEEDED"),
    )
