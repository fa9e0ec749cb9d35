"""Reads `macros.sql`, the DuckDB macros with BigQuery's semantics."""

from __future__ import annotations

from importlib import resources

from streetlens.emulator.bigquery.errors import FAILURE_MARKER


def statements() -> list[str]:
    """Return the CREATE MACRO statements in the order they depend on each other."""
    text = resources.files(__package__).joinpath("macros.sql").read_text(encoding="utf-8")
    return [part for part in text.replace("{failure}", FAILURE_MARKER).split(";\n") if "CREATE MACRO" in part]
