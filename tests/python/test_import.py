"""`import streetlens` brings nothing that a program may not need."""

from __future__ import annotations

import pytest

from child_process import printed_by

HEAVY = (
    "IPython",
    "aiohttp",
    "asyncio",
    "duckdb",
    "google",
    "numpy",
    "pandas",
    "polars",
    "pyarrow",
    "requests",
    "sqlglot",
    "tqdm",
)


@pytest.mark.parametrize("module", HEAVY)
def test_importing_streetlens_does_not_import(module: str) -> None:
    program = "import sys, streetlens; print(sys.argv[1] in sys.modules)"
    assert printed_by(program, module) == "False"


def test_a_client_and_a_query_import_no_table_library() -> None:
    program = """
        import sys
        import streetlens as sl

        client = sl.Client(project="demo", endpoint="http://127.0.0.1:9")
        try:
            client.query("SELECT 1", timeout=0.1)
        except sl.StreetlensError:
            pass
        print([name for name in ("numpy", "pandas", "polars", "pyarrow", "google") if name in sys.modules])
    """
    assert printed_by(program) == "[]"


def test_importing_starts_no_thread() -> None:
    program = """
        import os, streetlens
        print(len(os.listdir("/proc/self/task")))
    """
    assert printed_by(program) == "1"


def test_importing_reads_no_setting() -> None:
    """A wrong setting is told when a client is made, not when the package is imported."""
    program = "import streetlens; print(streetlens.__version__ != '')"
    assert printed_by(program, environment={"GOOGLE_CLOUD_PROJECT": "PROJECT_ID"}) == "True"
