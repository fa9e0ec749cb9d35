"""Parquet files: the schema BigQuery finds in them, and the DuckDB SQL that turns their columns into a table's."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from streetlens.emulator.bigquery.errors import BigQueryError, invalid, unsupported
from streetlens.emulator.bigquery.loads.request import LoadRequest
from streetlens.emulator.bigquery.types import (
    Type,
    duckdb_type,
    from_rest_field,
    literal,
    quoted,
    scalar_type,
    to_rest_field,
)

# What a column of each natural type may be loaded into besides itself.
_ACCEPTED = {
    "BYTES": ("STRING",),
    "STRING": ("BYTES", "GEOGRAPHY"),
    "TIMESTAMP": ("DATETIME",),
    "NUMERIC": ("BIGNUMERIC", "STRING"),
    "BIGNUMERIC": ("NUMERIC", "STRING"),
}
_PHYSICAL = {"BOOLEAN": "BOOL", "INT32": "INT64", "INT64": "INT64", "INT96": "TIMESTAMP", "FLOAT": "FLOAT64",
             "DOUBLE": "FLOAT64", "BYTE_ARRAY": "BYTES", "FIXED_LEN_BYTE_ARRAY": "BYTES"}  # fmt: skip
_CPP_TYPES = {"FLOAT64": "DOUBLE", "BYTES": "STRING"}
_READING = "Error while reading data, error message:"


@dataclass
class Node:
    """A node of a Parquet schema: a column, or a group with its `children`."""

    name: str
    physical: str
    repetition: str
    logical: str
    converted: str
    precision: int
    scale: int
    children: list[Node] = field(default_factory=list)

    @property
    def is_list(self) -> bool:
        """Whether this group is annotated as a LIST."""
        return self.converted == "LIST" or self.logical.startswith("ListType")

    @property
    def element(self) -> Node:
        """The element of a LIST by the rules of Parquet's specification, which also knows older forms."""
        inner = self.children[0]
        one = len(inner.children) == 1 and inner.name not in ("array", f"{self.name}_tuple")
        return inner.children[0] if one else inner


def read_nodes(cursor: duckdb.DuckDBPyConnection, path: str) -> list[Node]:
    """Return the columns of a file; raises invalid for what is not a Parquet file."""
    columns = "name, type, repetition_type, logical_type, converted_type, precision, scale, num_children"
    try:
        found = cursor.execute(f"SELECT {columns} FROM parquet_schema({literal(path)})").fetchall()
    except duckdb.Error:
        raise invalid(f"{_READING} Input file is not in Parquet format.") from None
    lines = iter(found)
    return _node(lines).children


def _node(lines: Iterator[tuple[Any, ...]]) -> Node:
    *texts, precision, scale, count = next(lines)
    name, physical, repetition, logical, converted = (str(text or "") for text in texts)
    node = Node(name, physical, repetition, logical, converted, int(precision or 0), int(scale or 0))
    node.children = [_node(lines) for _ in range(int(count or 0))]
    return node


def found_schema(nodes: Sequence[Node], request: LoadRequest) -> list[dict[str, Any]]:
    """Return the schema that BigQuery finds in a file; raises for a type it does not load."""
    return [_field(node, request) for node in nodes]


def _field(node: Node, request: LoadRequest) -> dict[str, Any]:
    if node.is_list and request.infers_lists:
        return {**_field(node.element, request), "name": node.name, "mode": "REPEATED"}
    mode = "REPEATED" if node.repetition == "REPEATED" else "NULLABLE"
    mode = "REQUIRED" if node.repetition == "REQUIRED" else mode
    if not node.children:
        kind = _scalar_kind(node, request)
        type_ = scalar_type(kind)
        assert type_ is not None
        return to_rest_field(node.name, type_, mode)
    if node.converted.startswith("MAP"):
        raise unsupported(f"The Parquet MAP column {node.name}")
    return {"name": node.name, "type": "RECORD", "mode": mode, "fields": found_schema(node.children, request)}


def _scalar_kind(node: Node, request: LoadRequest) -> str:
    """Return the type of a column: https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-parquet ."""
    marks = {node.converted, node.logical.partition("(")[0]}
    if marks & {"DECIMAL", "DecimalType"}:
        return _decimal_kind(node, request)
    if marks & {"UTF8", "StringType"}:
        return "STRING"
    if marks & {"ENUM", "EnumType"}:
        return "STRING" if request.reads_enums_as_strings else "BYTES"
    if marks & {"DATE", "DateType"}:
        return "DATE"
    if "TimestampType" in marks or node.converted.startswith("TIMESTAMP_"):
        return "TIMESTAMP"
    if "TimeType" in marks or node.converted.startswith("TIME_"):
        return "TIME"
    known = not node.converted or node.converted.startswith(("INT_", "UINT_"))
    if not known or marks & {"JsonType", "UUIDType", "Float16Type", "VariantType"}:
        raise unsupported(f"The Parquet type {node.converted or node.logical} of column {node.name}")
    return _PHYSICAL[node.physical]


def _decimal_kind(node: Node, request: LoadRequest) -> str:
    if node.precision > 38:
        raise unsupported(f"A Parquet decimal of more than 38 digits (column {node.name})")
    whole = node.precision - node.scale
    for kind, digits, scale in (("NUMERIC", 29, 9), ("BIGNUMERIC", 38, 38)):
        if kind in request.decimal_targets and whole <= digits and node.scale <= scale:
            return kind
    if "STRING" in request.decimal_targets:
        return "STRING"
    return "BIGNUMERIC" if "BIGNUMERIC" in request.decimal_targets else "NUMERIC"


def column_expressions(
    nodes: Sequence[Node], fields: Sequence[Mapping[str, Any]], request: LoadRequest
) -> list[str]:
    """Return DuckDB SQL for each of the table's `fields`, read from a file's columns; raises invalid for a misfit."""
    offered = {node.name.lower(): node for node in nodes}
    expressions = []
    for item in fields:
        node, type_ = offered.get(str(item["name"]).lower()), from_rest_field(item)
        if node is None:
            if str(item.get("mode")).upper() == "REQUIRED":
                raise invalid(f"{_READING} Required column '{item['name']}' is missing in the Parquet file.")
            expressions.append(_absent(type_))
        else:
            expressions.append(_Columns(request, node.name).value(quoted(node.name), node, type_, 0))
    return expressions


def _absent(type_: Type) -> str:
    return f"CAST({'[]' if type_.kind == 'ARRAY' else 'NULL'} AS {duckdb_type(type_)})"


@dataclass(frozen=True)
class _Columns:
    request: LoadRequest
    column: str

    def value(self, sql: str, node: Node, type_: Type, depth: int) -> str:
        """Return the SQL of one column or field, converted to the type of the table."""
        if node.is_list and self.request.infers_lists:
            return self._array(sql, node.element, type_, depth)
        if node.is_list:
            return self._wrapped_list(sql, node, type_, depth)
        if node.repetition == "REPEATED":
            return self._array(sql, node, type_, depth)
        return self._single(sql, node, type_, depth)

    def _array(self, sql: str, element: Node, type_: Type, depth: int) -> str:
        if type_.kind != "ARRAY":
            raise self._levels(0, 1)
        name = f"e{depth}"
        item = self._single(name, element, type_.item, depth + 1)
        return f"coalesce(list_transform({sql}, lambda {name}: {item}), CAST([] AS {duckdb_type(type_)}))"

    def _wrapped_list(self, sql: str, node: Node, type_: Type, depth: int) -> str:
        """Without list inference, a LIST is the STRUCT of its groups: STRUCT<list ARRAY<STRUCT<element T>>>."""
        inner = node.children[0]
        if type_.kind != "STRUCT":
            raise self._levels(1 if type_.kind == "ARRAY" else 0, 0)
        if len(inner.children) != 1 or len(type_.fields) != 1 or type_.fields[0].type.kind != "ARRAY":
            raise unsupported(f"This form of a Parquet LIST without list inference (column {self.column})")
        outer, item = type_.fields[0], type_.fields[0].type.item
        if item.kind != "STRUCT" or len(item.fields) != 1:
            raise self._misfit(node, type_)
        name = f"e{depth}"
        value = self.value(name, inner.children[0], item.fields[0].type, depth + 1)
        wrapped = f"{{{literal(str(item.fields[0].name))}: {value}}}"
        items = f"list_transform({sql}, lambda {name}: {wrapped})"
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE {{{literal(str(outer.name))}: {items}}} END"

    def _single(self, sql: str, node: Node, type_: Type, depth: int) -> str:
        if type_.kind == "ARRAY":
            raise self._levels(1, 0)
        if not node.children:
            return self._scalar(sql, node, type_)
        if type_.kind != "STRUCT":
            raise self._misfit(node, type_)
        offered = {child.name.lower(): child for child in node.children}
        parts = []
        for sub in type_.fields:
            child = offered.get(str(sub.name).lower())
            inner = f"({sql}).{quoted(child.name)}" if child is not None else ""
            value = self.value(inner, child, sub.type, depth) if child is not None else _absent(sub.type)
            parts.append(f"{literal(str(sub.name))}: {value}")
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE {{{', '.join(parts)}}} END"

    def _scalar(self, sql: str, node: Node, type_: Type) -> str:
        natural = _scalar_kind(node, self.request)
        if type_.kind == "JSON":
            # https://github.com/googleapis/python-bigquery/issues/2377
            raise invalid("Unsupported field type: JSON")
        if type_.kind != natural and type_.kind not in _ACCEPTED.get(natural, ()):
            raise self._misfit(node, type_)
        if type_.kind == "GEOGRAPHY":
            return f"bq_st_geogfromtext({sql})"
        if (natural, type_.kind) == ("STRING", "BYTES"):
            return f"encode({sql})"
        if (natural, type_.kind) == ("BYTES", "STRING"):
            return f"decode(CAST({sql} AS BLOB))"
        if natural in ("NUMERIC", "BIGNUMERIC") and type_.kind in ("BIGNUMERIC", "STRING"):
            return f"bq_numeric_text({sql})"
        return f"CAST({sql} AS {duckdb_type(type_)})"

    def _levels(self, wanted: int, found: int) -> BigQueryError:
        message = (
            f"Schema mismatch: referenced variable '{self.column}' has array levels of {wanted}, while the "
        )
        return invalid(
            f"{_READING} {message}corresponding field path to Parquet column has {found} repeated fields"
        )

    def _misfit(self, node: Node, type_: Type) -> BigQueryError:
        found = node.physical or "group"
        wanted = _CPP_TYPES.get(type_.kind, type_.kind)
        message = f"Parquet column '{self.column}' has type {found} which does not match the target cpp_type"
        return invalid(f"{_READING} {message} {wanted}.")
