"""Implicit conversions: which type a value becomes on its own, and the common type of several values."""

from __future__ import annotations

from collections.abc import Sequence

from streetlens.emulator.bigquery.sql.casts import cast_sql
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.types import Field, Type, array_of, duckdb_type, field_keys, literal, quoted

# From https://cloud.google.com/bigquery/docs/reference/standard-sql/conversion_rules; a lower number is preferred.
_WIDENING = {
    "INT64": {"FLOAT64": 2, "NUMERIC": 3, "BIGNUMERIC": 4},
    "NUMERIC": {"BIGNUMERIC": 3, "FLOAT64": 6},
    "BIGNUMERIC": {"FLOAT64": 7},
    "DATE": {"DATETIME": 2},
}
_LITERALS = {
    "string": ("DATE", "TIMESTAMP", "DATETIME", "TIME", "BYTES"),
    "float": ("NUMERIC", "BIGNUMERIC"),
}
IMPOSSIBLE = 1000


def distance(value: Typed, target: Type) -> int:
    """Return how far `value` is from `target`: 0 is exact, `IMPOSSIBLE` means no implicit conversion."""
    if value.form == "null":
        return 1
    if value.form == "empty_array":
        return 1 if target.kind == "ARRAY" else IMPOSSIBLE
    if same(value.type, target):
        return 0
    if value.form == "array" and target.kind == "ARRAY":
        return max((distance(item, target.item) for item in value.items), default=1)
    if value.type.kind == target.kind == "STRUCT" and len(value.type.fields) == len(target.fields):
        items = value.items or tuple(Typed("", field.type) for field in value.type.fields)
        return 1 + max(distance(item, field.type) for item, field in zip(items, target.fields, strict=True))
    widening = _WIDENING.get(value.type.kind, {})
    if target.kind in widening:
        return widening[target.kind]
    if target.kind in _LITERALS.get(value.form, ()) or (
        value.form == "parameter" and value.type.kind == "STRING" and target.kind in _LITERALS["string"]
    ):
        return 1
    return IMPOSSIBLE


def coerce(value: Typed, target: Type) -> Typed:
    """Return `value` as `target`; the caller has checked that `distance` allows it."""
    if value.form in ("null", "empty_array"):
        text = "[]" if value.form == "empty_array" else "NULL"
        return Typed(f"CAST({text} AS {duckdb_type(target)})", target)
    if value.form == "array" and not same(value.type, target):
        items = ", ".join(coerce(item, target.item).sql for item in value.items)
        return Typed(f"CAST([{items}] AS {duckdb_type(target)})", target)
    if value.type == target:
        return value
    if value.form == "struct" and value.items:
        parts = zip(field_keys(target), value.items, target.fields, strict=True)
        packed = ", ".join(f"{literal(key)}: {coerce(item, field.type).sql}" for key, item, field in parts)
        return Typed("{" + packed + "}", target)
    if same(value.type, target) and target.kind in ("STRUCT", "ARRAY"):
        return Typed(renamed(value.sql, value.type, target), target)
    return Typed(cast_sql(value.sql, value.type, target), target)


def renamed(sql: str, source: Type, target: Type) -> str:
    """Return a STRUCT or ARRAY value with the field names and types of `target`, matched by position."""
    if source == target:
        return sql
    if source.kind == "ARRAY" and target.kind == "ARRAY":
        return f"list_transform({sql}, lambda e: {renamed('e', source.item, target.item)})"
    if source.kind == "STRUCT" and target.kind == "STRUCT":
        parts = ", ".join(
            f"{literal(new)}: {renamed(f'({sql}).{quoted(old)}', old_field.type, new_field.type)}"
            for old, old_field, new, new_field in zip(
                field_keys(source), source.fields, field_keys(target), target.fields, strict=True
            )
        )
        return f"CASE WHEN {sql} IS NULL THEN NULL ELSE {{{parts}}} END"
    return cast_sql(sql, source, target)


def same(left: Type, right: Type) -> bool:
    """Whether two types are equal but for the field names of STRUCTs."""
    if left.kind != right.kind:
        return False
    if left.kind == "STRUCT":
        return len(left.fields) == len(right.fields) and all(
            same(one.type, other.type) for one, other in zip(left.fields, right.fields, strict=True)
        )
    return left.element is None or right.element is None or same(left.element, right.element)


def supertype(values: Sequence[Typed]) -> Type | None:
    """Return the type that every value coerces to, preferring a type that is already there; None when there is none."""
    solid = [value for value in values if value.form not in ("null", "empty_array")]
    if not solid:
        arrays = [value.type for value in values if value.form == "empty_array"]
        return arrays[0] if arrays else values[0].type if values else None
    candidates: list[Type] = []
    # A literal gives way to an expression of the same family, so expressions propose their types first.
    for value in sorted(solid, key=lambda value: value.form in ("integer", "float", "string", "parameter")):
        if value.type not in candidates:
            candidates.append(value.type)
    merged = _merged_struct(solid)
    if merged is not None:
        candidates.insert(0, merged)
    for candidate in candidates:
        if all(distance(value, candidate) < IMPOSSIBLE for value in values):
            return candidate
    return None


def _merged_struct(values: Sequence[Typed]) -> Type | None:
    first = values[0].type
    if first.kind == "ARRAY" and all(value.form == "array" for value in values):
        inner = supertype([item for value in values for item in value.items])
        return array_of(inner) if inner else None
    if first.kind != "STRUCT" or any(
        value.type.kind != "STRUCT" or len(value.type.fields) != len(first.fields) for value in values
    ):
        return None
    fields = []
    for index, field in enumerate(first.fields):
        parts = [
            value.items[index] if value.items else Typed("", value.type.fields[index].type)
            for value in values
        ]
        inner = supertype(parts)
        if inner is None:
            return None
        fields.append(Field(field.name, inner))
    return Type("STRUCT", tuple(fields))
