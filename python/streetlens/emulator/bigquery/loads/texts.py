"""Newline-delimited JSON and CSV files: their rows as Python values."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from streetlens.emulator.bigquery.loads.request import LoadRequest


@dataclass
class Row:
    """One row of a file: its values by column, or what is wrong with it, and where it starts."""

    values: dict[str, Any]
    position: int
    problem: str | None = None


def json_rows(data: bytes, request: LoadRequest) -> Iterator[Row]:
    """Yield the rows of newline-delimited JSON; their positions are bytes."""
    position = 0
    for line in data.split(b"\n"):
        if line.strip():
            try:
                value = json.loads(line.decode(request.encoding))
            except ValueError:
                yield Row({}, position, "Parser terminated before end of string")
            else:
                problem = None if isinstance(value, dict) else "Value encountered without start of object."
                yield Row(value if problem is None else {}, position, problem)
        position += len(line) + 1


def csv_lines(data: bytes, request: LoadRequest) -> Iterator[list[str]]:
    """Yield the cells of each line of a CSV file."""
    text = io.StringIO(data.decode(request.encoding).removeprefix("\ufeff"), newline="")
    quote = request.csv.quote
    if not quote:
        return csv.reader(text, delimiter=request.csv.delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(text, delimiter=request.csv.delimiter, quotechar=quote)


def csv_rows(data: bytes, columns: Sequence[str], request: LoadRequest) -> Iterator[Row]:
    """Yield the rows of a CSV file under `columns`, every value a text; their positions are lines."""
    options = request.csv
    for place, cells in enumerate(csv_lines(data, request)):
        if place < options.skipped_rows or not cells:
            continue
        values = {
            name: None if cell in options.null_markers else cell
            for name, cell in zip(columns, cells, strict=False)
        }
        problem = None
        if len(cells) > len(columns) and not request.ignores_unknown:
            problem = "Too many values in row."
        elif len(cells) < len(columns) and not options.allows_jagged_rows:
            problem = "Too few values in row."
        yield Row(values, place, problem)
