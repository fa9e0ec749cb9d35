"""What works with nothing but streetlens installed, and what each optional library's absence says."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from streetlens.emulator import Emulator

BLOCKER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"{{name}} is blocked for this test")

sys.meta_path.insert(0, Blocker())
import streetlens as sl
client = sl.Client(project="demo-project", endpoint={url!r})
"""
EVERY = ("pandas", "pyarrow", "polars", "numpy", "IPython", "tqdm")


def run(emulator: Emulator, code: str, *blocked: str) -> str:
    """The output of `code` in an interpreter where the blocked libraries are not installed."""
    package = Path(sys.modules["streetlens"].__file__ or "").parents[1]
    script = BLOCKER.format(blocked=set(blocked), url=emulator.url) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(package)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_dictionaries_rows_columns_and_texts_need_no_library(emulator: Emulator) -> None:
    code = """
        table = client.query("SELECT 1 AS i, [NUMERIC '1.5'] AS n, STRUCT(DATE '2026-01-02' AS d) AS r")
        print(table.to_dicts())
        print([row["i"] for row in table], table["i"], len(table))
        assert "1 row" in repr(table) and "<table" in table._repr_html_()
    """
    assert run(emulator, code, *EVERY).splitlines() == [
        "[{'i': 1, 'n': [Decimal('1.500000000')], 'r': {'d': datetime.date(2026, 1, 2)}}]",
        "[1] [1] 1",
    ]


def test_classifying_needs_no_library(emulator: Emulator) -> None:
    uri = next(iter(emulator.world.dataset.truth))
    code = f"""
        results = client.classify([{uri!r}], "What is this?", schema=["sign", "pole"])
        print(results.status_counts, results.usage.input_tokens > 0, len(results.errors))
    """
    assert run(emulator, code, *EVERY) == "{'ok': 1} True 0"


def test_pandas_works_without_pyarrow(emulator: Emulator) -> None:
    code = """
        frame = client.query("SELECT x, [x] AS a FROM UNNEST([1, 2]) AS x ORDER BY x").to_pandas()
        print(frame["x"].tolist(), frame["a"].tolist(), list(frame.columns))
        print(client.query("SELECT 1 AS x LIMIT 0").to_pandas().columns.tolist())
    """
    assert run(emulator, code, "pyarrow", "polars").splitlines() == ["[1, 2] [[1], [2]] ['x', 'a']", "['x']"]


def test_a_pandas_frame_is_classified_without_pyarrow_or_says_what_to_install(emulator: Emulator) -> None:
    uri = next(iter(emulator.world.dataset.truth))
    code = f"""
        import pandas
        frame = pandas.DataFrame({{"gcs_uri": [{uri!r}]}})
        try:
            results = client.classify(frame, "What is this?")
        except sl.InvalidInput as error:
            print("streetlens[" in str(error))
        else:
            print(len(results) == 1)
    """
    assert run(emulator, code, "pyarrow", "polars") == "True"


def test_each_missing_library_is_named_with_what_to_install(emulator: Emulator) -> None:
    code = """
        table = client.query("SELECT 1 AS x")
        for convert in (table.to_arrow, table.to_pandas, table.to_polars):
            try:
                convert()
            except ImportError as error:
                assert isinstance(error, sl.StreetlensError)
                print(str(error).replace("\\n", " "))
    """
    assert run(emulator, code, *EVERY).splitlines() == [
        'pyarrow is not installed hint: run `pip install "streetlens[arrow]"`',
        'pandas is not installed hint: run `pip install "streetlens[pandas]"`',
        'polars is not installed hint: run `pip install "streetlens[polars]"`',
    ]


def test_importing_streetlens_imports_none_of_them(emulator: Emulator) -> None:
    code = """
        table = client.query("SELECT 1 AS x")
        repr(table), table.to_dicts()
        print(sorted({"pandas", "pyarrow", "polars", "IPython", "numpy", "google.auth"} & set(sys.modules)))
    """
    assert run(emulator, code) == "[]"
