"""Autodetect: the schema found in JSON and CSV files, https://cloud.google.com/bigquery/docs/schema-detect ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from streetlens.emulator.bigquery.loads.request import LoadRequest
from streetlens.emulator.bigquery.loads.texts import csv_lines, json_rows

_SAMPLED_ROWS = 500
_TEXT_TYPES = (
    ("DATE", re.compile(r"\d{4}-\d{1,2}-\d{1,2}")),
    (
        "TIMESTAMP",
        re.compile(
            r"\d{4}-\d{1,2}-\d{1,2}[ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)? ?(UTC|Z|[+-]\d{2}(:?\d{2})?)?"
        ),
    ),
    ("TIME", re.compile(r"\d{1,2}:\d{2}:\d{2}(\.\d{1,6})?")),
)
_CSV_TYPES = (
    ("INTEGER", re.compile(r"[+-]?\d{1,18}")),
    ("FLOAT", re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")),
    ("BOOLEAN", re.compile(r"true|false", re.IGNORECASE)),
    *_TEXT_TYPES,
)

Field = dict[str, Any]


def detected_json(data: bytes, request: LoadRequest) -> list[Field]:
    """Return the schema of newline-delimited JSON, from its first 500 rows."""
    rows = [row.values for _, row in zip(range(_SAMPLED_ROWS), json_rows(data, request), strict=False)]
    return _record(rows)


def _record(rows: Iterable[dict[str, Any]]) -> list[Field]:
    values: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            values.setdefault(name, []).append(value)
    return [_field(name, found) for name, found in values.items()]


def _field(name: str, values: Sequence[Any]) -> Field:
    present = [value for value in values if value is not None]
    mode = "NULLABLE"
    if any(isinstance(value, list) for value in present):
        mode = "REPEATED"
        lists = [value if isinstance(value, list) else [value] for value in present]
        present = [item for value in lists for item in value if item is not None]
    if present and all(isinstance(value, dict) for value in present):
        return {"name": name, "type": "RECORD", "mode": mode, "fields": _record(present)}
    kinds = {_kind(value) for value in present}
    if kinds == {"INTEGER", "FLOAT"}:
        kinds = {"FLOAT"}
    return {"name": name, "type": kinds.pop() if len(kinds) == 1 else "STRING", "mode": mode}


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "BOOLEAN"
    if isinstance(value, int):
        return "INTEGER"
    if isinstance(value, float):
        return "FLOAT"
    return _matching(str(value), _TEXT_TYPES)


def _matching(text: str, types: Sequence[tuple[str, re.Pattern[str]]]) -> str:
    return next((kind for kind, pattern in types if pattern.fullmatch(text)), "STRING")


def detected_csv(data: bytes, request: LoadRequest) -> tuple[list[Field], int]:
    """Return the schema of a CSV file and how many lines are its header: one that differs in type from the rest."""
    lines = [
        line for _, line in zip(range(_SAMPLED_ROWS + 1), csv_lines(data, request), strict=False) if line
    ]
    skipped = request.csv.skipped_rows
    if not lines or len(lines) < skipped:
        return [], skipped
    header = skipped or (1 if len(lines) > 1 and _is_header(lines) else 0)
    names = lines[header - 1] if header else [f"string_field_{place}" for place in range(len(lines[0]))]
    columns = [[line[place] for line in lines[header:] if place < len(line)] for place in range(len(names))]
    fields = []
    for place, (name, cells) in enumerate(zip(names, columns, strict=True)):
        kind = _column_kind(cells)
        shown = re.sub(r"\W", "_", name) if header else f"{kind.lower()}_field_{place}"
        fields.append({"name": shown, "type": kind, "mode": "NULLABLE"})
    return fields, header


def _is_header(lines: Sequence[Sequence[str]]) -> bool:
    """Whether the first line is all text while another line is not."""
    first = {_matching(cell, _CSV_TYPES) for cell in lines[0]}
    later = {_matching(cell, _CSV_TYPES) for line in lines[1:] for cell in line}
    return first == {"STRING"} and later != {"STRING"}


def _column_kind(cells: Iterable[str]) -> str:
    kinds = {_matching(cell, _CSV_TYPES) for cell in cells if cell != ""}
    if kinds == {"INTEGER", "FLOAT"}:
        return "FLOAT"
    return kinds.pop() if len(kinds) == 1 else "STRING"
