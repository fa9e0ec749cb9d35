"""Compiles GoogleSQL to DuckDB SQL: names, types and functions are resolved here, DuckDB only runs the result."""

from __future__ import annotations
