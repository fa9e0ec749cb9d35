"""The Arrow members of a QueryResponse: the schema, and as many rows as a response carries itself."""

from __future__ import annotations

import base64
from typing import Any

from streetlens.emulator.bigquery.arrow import ArrowOptions, damaged
from streetlens.emulator.bigquery.arrow_batches import ArrowRows, serialized_batch, serialized_schema
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.outcomes import Outcome


def arrow_page(
    engine: Engine, outcome: Outcome, options: ArrowOptions, limit: int | None
) -> tuple[dict[str, Any], int]:
    """Return the members and the index of the first row that is not in them; raises what Arrow cannot hold."""
    assert outcome.physical is not None
    assert outcome.columns is not None
    rows = ArrowRows.of_result(engine, outcome.physical, outcome.columns)
    members: dict[str, Any] = {"arrowSchema": {"serializedSchema": _text(serialized_schema(rows.schema))}}
    fault = options.fault
    if fault is not None and fault.kind == "arrow_not_inlined":
        # What the service does with a cached result that is too large: only the page token says there are rows.
        return members | {"totalRows": "0", "pageRowCount": "0"}, 0
    batch = rows.page(0, limit) if limit != 0 else None
    if batch is None:
        return members | {"pageRowCount": "0"}, 0
    message = serialized_batch(batch, options)
    if fault is not None and fault.kind == "arrow_malformed":
        message = damaged(message, fault)
    members["arrowRecordBatch"] = {"serializedRecordBatch": _text(message)}
    return members | {"pageRowCount": str(batch.num_rows)}, int(batch.num_rows)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
