"""GEOGRAPHY functions: points, lines and polygons within a hemisphere, on BigQuery's sphere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.sql.coercion import IMPOSSIBLE, coerce, distance
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.signatures import Signature, signature
from streetlens.emulator.bigquery.sql.typed import Typed, boolean
from streetlens.emulator.bigquery.types import BOOL, GEOGRAPHY, STRING

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_TWO = "GEOGRAPHY, GEOGRAPHY -> "

FUNCTIONS: dict[str, list[Signature]] = {
    "ST_ASGEOJSON": [signature("GEOGRAPHY -> STRING", "bq_st_asgeojson({0})")],
    "ST_ASTEXT": [signature("GEOGRAPHY -> STRING", "{0}")],
    "ST_CONTAINS": [signature(f"{_TWO}BOOL", "bq_st_contains({0}, {1})")],
    "ST_COVEREDBY": [signature(f"{_TWO}BOOL", "bq_st_covers({1}, {0})")],
    "ST_COVERS": [signature(f"{_TWO}BOOL", "bq_st_covers({0}, {1})")],
    "ST_DISJOINT": [signature(f"{_TWO}BOOL", "(NOT bq_st_intersects({0}, {1}))")],
    "ST_DISTANCE": [signature(f"{_TWO}FLOAT64", "bq_st_distance({0}, {1})")],
    "ST_DWITHIN": [signature("GEOGRAPHY, GEOGRAPHY, FLOAT64 -> BOOL", "(bq_st_distance({0}, {1}) <= {2})")],
    "ST_GEOGPOINT": [signature("FLOAT64, FLOAT64 -> GEOGRAPHY", "bq_st_geogpoint({0}, {1})")],
    "ST_GEOMETRYTYPE": [signature("GEOGRAPHY -> STRING", "bq_st_geometrytype({0})")],
    "ST_INTERSECTS": [signature(f"{_TWO}BOOL", "bq_st_intersects({0}, {1})")],
    "ST_INTERSECTSBOX": [
        signature("GEOGRAPHY, FLOAT64, FLOAT64, FLOAT64, FLOAT64 -> BOOL", "bq_st_intersectsbox({all})")
    ],
    "ST_MAKELINE": [signature(f"{_TWO}GEOGRAPHY", "bq_st_makeline({0}, {1})")],
    "ST_MAKEPOLYGON": [signature("GEOGRAPHY -> GEOGRAPHY", "bq_st_makepolygon({0})")],
    "ST_WITHIN": [signature(f"{_TWO}BOOL", "bq_st_contains({1}, {0})")],
    "ST_X": [signature("GEOGRAPHY -> FLOAT64", "bq_st_x({0})")],
    "ST_Y": [signature("GEOGRAPHY -> FLOAT64", "bq_st_y({0})")],
}


def _reading(
    function: str, runtime: str, options: Sequence[str]
) -> Callable[[Sequence[Expr], Expr, Scope], Typed]:
    """Return the compiler of a function of one text with named Boolean options; `oriented` may be second, unnamed."""

    def compile_call(arguments: Sequence[Expr], node: Expr, scope: Scope) -> Typed:
        chosen = dict.fromkeys(options, boolean(False))
        plain = [argument for argument in arguments if not isinstance(argument, exp.Kwarg | exp.PropertyEQ)]
        if len(plain) == 2 and "oriented" in chosen:
            chosen["oriented"] = scope.expression(plain.pop())
        for argument in arguments:
            if isinstance(argument, exp.Kwarg | exp.PropertyEQ):
                name = argument.this.name.lower()
                if name not in chosen:
                    message = f"Named argument {name} not found in signature for call to function {function}"
                    raise scope.context.error(message, node)
                chosen[name] = scope.expression(argument.expression)
        text = scope.expression(plain[0]) if len(plain) == 1 else None
        if text is None or distance(text, STRING) >= IMPOSSIBLE:
            if text is not None and text.type.kind == "BYTES":
                raise unsupported(f"{function} of BYTES", scope.context.at(node).removeprefix(" at "))
            raise scope.context.error(f"No matching signature for function {function}", node)
        values = [coerce(text, STRING).sql, *(coerce(value, BOOL).sql for value in chosen.values())]
        return Typed(f"{runtime}({', '.join(values)})", GEOGRAPHY)

    return compile_call


SPECIAL: dict[str, Callable[[Sequence[Expr], Expr, Scope], Typed]] = {
    "ST_GEOGFROMTEXT": _reading("ST_GEOGFROMTEXT", "bq_st_geogfromwkt", ("oriented", "planar", "make_valid")),
    "ST_GEOGFROMGEOJSON": _reading("ST_GEOGFROMGEOJSON", "bq_st_geogfromgeojson", ("make_valid",)),
}
