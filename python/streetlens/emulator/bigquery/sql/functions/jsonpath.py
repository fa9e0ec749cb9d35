"""JSONPath: checks a GoogleSQL path such as `$.a['b'][0]` and writes it for DuckDB."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from streetlens.emulator.bigquery.sql.scope import Scope

if TYPE_CHECKING:
    from sqlglot.expressions import Expression

_STEP = re.compile(
    r"""\.([A-Za-z_][\w-]*)|\[\s*(\d+)\s*\]|\[\s*'([^']*)'\s*\]|\["([^"]*)"\]|\."([^"]*)" """.strip()
)


def read_path(path: str, node: Expression, scope: Scope) -> str:
    """Return the path as DuckDB reads it; raises invalidQuery for one BigQuery refuses."""
    rest = path.strip()
    if not rest.startswith("$"):
        raise scope.context.error(f"Invalid JSONPath: {path}; it must start with '$'", node)
    rest, steps = rest[1:], ["$"]
    while rest:
        step = _STEP.match(rest)
        if step is None:
            raise scope.context.error(f"Unsupported JSONPath: {path}", node)
        index = step.group(2)
        name = next((group for group in (step.group(1), *step.groups()[2:]) if group is not None), None)
        steps.append(f"[{index}]" if index is not None else "." + json.dumps(name, ensure_ascii=False))
        rest = rest[step.end() :]
    return "".join(steps)
