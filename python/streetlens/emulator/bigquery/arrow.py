"""What a request says about Arrow, and whether this emulator can answer it: pyarrow is no part of its extra."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

from streetlens.emulator.bigquery.errors import invalid
from streetlens.emulator.faults import FaultRule

CODECS = {"COMPRESSION_UNSPECIFIED": None, "LZ4_FRAME": "lz4", "ZSTD": "zstd"}
"""BigQuery's names of buffer compressions, and Arrow's."""
PRECISIONS = (
    "TIMESTAMP_PRECISION_UNSPECIFIED",
    "TIMESTAMP_PRECISION_MICROS",
    "TIMESTAMP_PRECISION_NANOS",
    "TIMESTAMP_PRECISION_PICOS",
)
_FORMATS = ("QUERY_RESULTS_FORMAT_UNSPECIFIED", "STRUCT_ENCODING", "ARROW")


@dataclass(frozen=True)
class ArrowOptions:
    """How record batches are serialized: `codec` is Arrow's name of the buffer compression, or None.

    The precision asked for TIMESTAMP(12) is checked and has no effect: no type here is finer than microseconds.
    `fault` is a rule of the kind `arrow_malformed` or `arrow_not_inlined`.
    """

    codec: str | None = None
    fault: FaultRule | None = None

    @classmethod
    def read(cls, compression: str, precision: str) -> ArrowOptions:
        """Return the options of two enumeration names, empty for unset; raises `invalid` for an unknown one."""
        compression = compression or "COMPRESSION_UNSPECIFIED"
        if compression not in CODECS:
            raise invalid(f"Invalid value for bufferCompression: {compression} is not a valid value")
        if precision and precision not in PRECISIONS:
            raise invalid(f"Invalid value for picosTimestampPrecision: {precision} is not a valid value")
        return cls(CODECS[compression])


def arrow_available() -> bool:
    """Whether record batches can be built here."""
    return find_spec("pyarrow") is not None


def asked_for_arrow(body: Mapping[str, Any], fault: FaultRule | None) -> ArrowOptions | None:
    """Return the options of a QueryRequest that wants Arrow, or None; raises `invalid` for an unknown format.

    Without pyarrow, or by the fault `arrow_ignored`, the request is ignored, as by a server that does not know
    the field.
    """
    wanted = str(body.get("queryResultsFormat") or "")
    if wanted and wanted not in _FORMATS:
        raise invalid(f"Invalid value for queryResultsFormat: {wanted} is not a valid value")
    if wanted != "ARROW" or not arrow_available() or (fault is not None and fault.kind == "arrow_ignored"):
        return None
    options = body.get("arrowSerializationOptions") or {}
    read = ArrowOptions.read(
        str(options.get("bufferCompression") or ""), str(options.get("picosTimestampPrecision") or "")
    )
    return replace(read, fault=fault)


def damaged(message: bytes, fault: FaultRule) -> bytes:
    """Return the beginning of a record batch message, which no reader can take for a whole one."""
    return message[: int(fault.number("bytes", len(message) // 2))]
