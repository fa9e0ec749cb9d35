"""What a load job asks for, read from its JobConfigurationLoad; what the emulator cannot do is refused by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from streetlens.emulator.bigquery.destinations import Destination
from streetlens.emulator.bigquery.errors import BigQueryError, invalid, unsupported
from streetlens.emulator.bigquery.http import flag, whole
from streetlens.emulator.bigquery.loading import normalized_field

_FORMATS = ("PARQUET", "NEWLINE_DELIMITED_JSON", "CSV")
_WRITE = ("WRITE_APPEND", "WRITE_TRUNCATE", "WRITE_EMPTY")
_CREATE = ("CREATE_IF_NEEDED", "CREATE_NEVER")
_UPDATES = frozenset({"ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION"})
# These say what the rows mean, so ignoring them would load something else than what was asked for.
_REFUSED = (
    "hivePartitioningOptions", "projectionFields", "fileSetSpecType", "jsonExtension", "preserveAsciiControlCharacters",
    "sourceColumnMatch", "timestampFormat", "dateFormat", "datetimeFormat", "timeFormat", "timeZone",
    "columnNameCharacterMap", "referenceFileSchemaUri",
)  # fmt: skip


@dataclass(frozen=True)
class CsvOptions:
    """How a CSV file is written."""

    delimiter: str = ","
    quote: str = '"'
    skipped_rows: int = 0
    null_markers: tuple[str, ...] = ()
    allows_jagged_rows: bool = False


@dataclass(frozen=True)
class LoadRequest:
    """One load job: the file's format, where its rows go, and how much the table's schema may change."""

    destination: Destination
    source_format: str
    fields: list[dict[str, Any]] | None
    autodetect: bool = False
    schema_updates: frozenset[str] = frozenset()
    infers_lists: bool = False
    reads_enums_as_strings: bool = False
    decimal_targets: tuple[str, ...] = ("NUMERIC",)
    bad_records: int = 0
    ignores_unknown: bool = False
    encoding: str = "utf-8"
    csv: CsvOptions = field(default_factory=CsvOptions)
    properties: Mapping[str, Any] = field(default_factory=dict)


def read_load(load: Mapping[str, Any], project: str) -> LoadRequest:
    """Return the request of a JobConfigurationLoad; raises what BigQuery answers to a malformed one."""
    if load.get("sourceUris"):
        raise unsupported("A load job from sourceUris (upload the file with the job)")
    for name in _REFUSED:
        if load.get(name):
            raise unsupported(f"The load option {name}")
    source_format = str(load.get("sourceFormat") or "CSV").upper()
    if source_format not in _FORMATS:
        raise unsupported(f"A load job of the format {source_format}")
    parquet = load.get("parquetOptions") or {}
    if parquet.get("mapTargetType") not in (None, "", "MAP_TARGET_TYPE_UNSPECIFIED"):
        raise unsupported("The load option parquetOptions.mapTargetType")
    encoding = str(load.get("encoding") or "UTF-8").upper()
    if encoding not in ("UTF-8", "ISO-8859-1"):
        raise unsupported(f"The encoding {encoding}")
    fields = (load.get("schema") or {}).get("fields")
    return LoadRequest(
        _destination(load, project),
        source_format,
        [normalized_field(item) for item in fields] if fields else None,
        flag(load.get("autodetect")),
        _schema_updates(load),
        flag(parquet.get("enableListInference")),
        flag(parquet.get("enumAsString")),
        tuple(str(name).upper() for name in load.get("decimalTargetTypes") or ("NUMERIC",)),
        whole(load.get("maxBadRecords"), "maxBadRecords", 0) or 0,
        flag(load.get("ignoreUnknownValues")),
        encoding.lower(),
        _csv(load),
        load.get("destinationTableProperties") or {},
    )


def _destination(load: Mapping[str, Any], project: str) -> Destination:
    table = load.get("destinationTable") or {}
    for name in ("datasetId", "tableId"):
        if not table.get(name):
            where = f"configuration.load.destinationTable.{name}"
            raise BigQueryError(400, "required", f"Required parameter is missing: {where}")
    write = str(load.get("writeDisposition") or "WRITE_APPEND").upper()
    create = str(load.get("createDisposition") or "CREATE_IF_NEEDED").upper()
    if write not in _WRITE:
        raise invalid(f"Invalid value for writeDisposition: {write}")
    if create not in _CREATE:
        raise invalid(f"Invalid value for createDisposition: {create}")
    owner = str(table.get("projectId") or project)
    return Destination(owner, str(table["datasetId"]), str(table["tableId"]), write, create)


def _schema_updates(load: Mapping[str, Any]) -> frozenset[str]:
    wanted = frozenset(str(name).upper() for name in load.get("schemaUpdateOptions") or ())
    unknown = wanted - _UPDATES
    if unknown:
        raise invalid(f"Invalid value for schemaUpdateOptions: {sorted(unknown)[0]}")
    if wanted and str(load.get("writeDisposition") or "WRITE_APPEND").upper() != "WRITE_APPEND":
        message = "Schema update options should only be specified with WRITE_APPEND disposition, or with "
        raise invalid(f"{message}WRITE_TRUNCATE disposition on a table partition.")
    return wanted


def _csv(load: Mapping[str, Any]) -> CsvOptions:
    delimiter = str(load.get("fieldDelimiter") or ",")
    quote = load.get("quote")
    markers = [str(marker) for marker in load.get("nullMarkers") or ()]
    if load.get("nullMarker"):
        markers.append(str(load["nullMarker"]))
    return CsvOptions(
        "\t" if delimiter in ("\\t", "tab") else delimiter,
        '"' if quote is None else str(quote),
        whole(load.get("skipLeadingRows"), "skipLeadingRows", 0) or 0,
        tuple(markers),
        flag(load.get("allowJaggedRows")),
    )
