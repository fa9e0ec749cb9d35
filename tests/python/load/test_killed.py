"""A program killed in the middle of a write-back and started again ends with exactly its rows."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time

import pytest

import streetlens as sl
from child_process import clean_environment
from streetlens.emulator import Emulator

# `STREETLENS_KILLED_ROWS=200000` writes as many.
ROWS = int(os.environ.get("STREETLENS_KILLED_ROWS", "20000"))
KILLS = 10

WRITER = """
import sys
import warnings

import pyarrow as pa
import streetlens as sl

url, project, table, mode, rows = sys.argv[1:]
warnings.simplefilter("ignore")
made = pa.table(
    {
        "id": range(int(rows)),
        "text": [f"{number * 2654435761 % 2**64:x}" * 4 for number in range(int(rows))],
        "views": [[number, number + 1] for number in range(int(rows))],
    }
)
print("ready", flush=True)
client = sl.Client(project=project, endpoint=url)
client.load(made, table, mode=mode, key="id" if mode == "upsert" else None)
print("done", flush=True)
"""


def write(emulator: Emulator, table: str, mode: str, after: float | None) -> float:
    """Run the writer, kill it `after` seconds of writing; return the seconds it wrote."""
    arguments = [emulator.url, emulator.world.project, table, mode, str(ROWS)]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, text=True, env=clean_environment()
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        began = time.perf_counter()
        if after is None:
            assert writer.stdout.read() == "done\n"
            assert writer.wait(timeout=600) == 0
        else:
            try:
                writer.wait(timeout=after)
            except subprocess.TimeoutExpired:
                writer.kill()
        return time.perf_counter() - began


@pytest.mark.timeout(120 if ROWS <= 20_000 else 3_600)
@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_killed_at_random_and_started_again_it_ends_with_exactly_its_rows(
    emulator: Emulator, client: sl.Client, dataset: str, mode: str
) -> None:
    chance = random.Random(mode)
    seconds = write(emulator, f"{dataset}.measured", mode, None)
    table = f"{dataset}.rows"
    for _ in range(KILLS if ROWS > 20_000 else 4):
        write(emulator, table, mode, chance.uniform(0, seconds))
    write(emulator, table, mode, None)
    found = client.query(
        f"""
        SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS ids, MIN(id) AS first, MAX(id) AS last,
          SUM(ARRAY_LENGTH(views)) AS views
        FROM {dataset}.rows
        """
    ).to_dicts()
    assert found == [{"n": ROWS, "ids": ROWS, "first": 0, "last": ROWS - 1, "views": 2 * ROWS}]
    same = client.query(
        f"SELECT COUNT(*) AS n FROM {dataset}.rows JOIN {dataset}.measured USING (id, text)"
    ).to_dicts()
    assert same == [{"n": ROWS}]
