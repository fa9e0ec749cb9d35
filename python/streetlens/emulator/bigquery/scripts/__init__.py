"""Scripts: several statements in one job, with variables, blocks and conditions."""

from __future__ import annotations

from streetlens.emulator.bigquery.scripts.interpreter import Interpreter
from streetlens.emulator.bigquery.scripts.syntax import Part, read_script, statements_of

__all__ = ["Interpreter", "Part", "read_script", "statements_of"]
