"""Reads the DuckDB macros beside it: BigQuery's semantics, for everything that plain SQL can express."""

from __future__ import annotations

from importlib import resources

from streetlens.emulator.bigquery.errors import FAILURE_MARKER

_FILES = ("failures", "numbers", "texts", "arrays", "times", "json", "geography")


def statements() -> list[str]:
    """Return the CREATE MACRO statements."""
    texts = (
        resources.files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8") for name in _FILES
    )
    parts = (part for text in texts for part in text.replace("{failure}", FAILURE_MARKER).split(";\n"))
    return [part for part in parts if "CREATE MACRO" in part]
