"""JSONPath: checks a GoogleSQL path such as `$.a['b'][0]` and writes it for DuckDB."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from streetlens.emulator.bigquery.errors import unsupported
from streetlens.emulator.bigquery.sql.scope import Scope

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_STEP = re.compile(r"""\.([A-Za-z_][\w-]*)|\[\s*(\d+)\s*\]|\."([^"]*)" """.strip())
_LEGACY_STEP = re.compile(r"""\.([A-Za-z_][\w-]*)|\[\s*(\d+)\s*\]|\[\s*'([^']*)'\s*\]""")


def read_path(path: str, legacy: bool, node: Expr, scope: Scope) -> str:
    """Return the path as DuckDB reads it; quotes are `."name"`, or `['name']` in the legacy JSON_EXTRACT functions."""
    rest = path.strip()
    if rest.startswith(("lax ", "strict ")):
        raise unsupported("A JSONPath mode", scope.context.at(node).removeprefix(" at "))
    if not rest.startswith("$"):
        raise scope.context.error(f"JSONPath must start with '$': {path}", node)
    rest, steps = rest[1:], ["$"]
    while rest:
        step = (_LEGACY_STEP if legacy else _STEP).match(rest)
        if step is None:
            raise scope.context.error(f"Invalid token in JSONPath at: {rest}", node)
        index = step.group(2)
        name = step.group(1) if step.group(1) is not None else step.group(3)
        steps.append(f"[{index}]" if index is not None else "." + json.dumps(name, ensure_ascii=False))
        rest = rest[step.end() :]
    return "".join(steps)
