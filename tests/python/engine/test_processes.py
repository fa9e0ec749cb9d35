"""Runs in several processes: on one store, after a fork, spawned, and when the interpreter ends."""

from __future__ import annotations

import json
import sqlite3
import textwrap
from collections import Counter
from pathlib import Path

import pytest

import streetlens as sl
from child_process import printed_by, run_python
from engine.children import begin
from engine.echo import PROMPT, answered, uris_of
from streetlens.emulator import Emulator

ROWS = 300


def test_two_runs_on_one_store_both_end_complete(echoing: Emulator, tmp_path: Path) -> None:
    store = tmp_path / "answers.sqlite"
    echoing.faults.add("slow", service="gemini", seconds=0.01)
    with begin(echoing.url, store, ROWS) as first, begin(echoing.url, store, ROWS) as second:
        for child in (first, second):
            said, complaints = child.communicate(timeout=60)
            results = json.loads(said)
            assert (complaints, results["error"]) == ("", None)
            assert results["uri"] == uris_of(ROWS)
    file = sqlite3.connect(store)
    assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    file.close()
    with sl.open_store(store) as opened:
        assert len(opened) == ROWS


BEGINNING = """
    import os, signal, sys, threading, time, warnings
    import streetlens as sl

    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork with threads
    url, store = sys.argv[1:]
    images = [f"gs://pictures/{row:06}.jpg" for row in range(100)]

    def client():
        return sl.Client("demo", "us", endpoint=url, store=store)

    def ask(client):
        results = client.classify(images, "Which image is it?", concurrency=8, progress=False)
        return results["classification"] == images, sorted(set(results["source"]))
"""

PROGRAMS = {
    "a forked child uses its parent's client and store": """
        used = client()
        print(*ask(used))
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            signal.alarm(30)  # a child that hangs is killed
            try:
                print(*ask(used))
                sys.stdout.flush()
                os._exit(0)
            finally:
                os._exit(1)
        print(os.waitpid(child, 0)[1])
        print(*ask(used))
    """,
    "a fork in the middle of a run": """
        used = client()
        run = used.start(images, "Which image is it?", concurrency=2, progress=False)
        while run.progress.done < 20:
            time.sleep(0.001)
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            try:
                is_right, _ = ask(used)
                os._exit(0 if is_right else 1)
            finally:
                os._exit(2)
        print(run.wait()["classification"] == images, ["online"])
        print(os.waitpid(child, 0)[1])
        print(*ask(used))
    """,
}
SAID = {
    "a forked child uses its parent's client and store": [
        "True ['online']",
        "True ['store']",
        "0",
        "True ['store']",
    ],
    "a fork in the middle of a run": ["True ['online']", "0", "True ['store']"],
}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_fork_leaves_both_sides_and_the_store_working(echoing: Emulator, tmp_path: Path, kind: str) -> None:
    echoing.faults.add("slow", service="gemini", seconds=0.01)
    program = textwrap.dedent(BEGINNING) + textwrap.dedent(PROGRAMS[kind])
    said = printed_by(program, echoing.url, str(tmp_path / "answers.sqlite"))
    assert said.splitlines() == SAID[kind]


SPAWNED = """
import multiprocessing
import sys

import streetlens as sl


def ask(url, store, first):
    images = [f"gs://pictures/{row:06}.jpg" for row in range(first, first + 100)]
    client = sl.Client("demo", "us", endpoint=url, store=store)
    results = client.classify(images, "Which image is it?", concurrency=8, progress=False)
    return results["classification"] == images


if __name__ == "__main__":
    url, store = sys.argv[1:]
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        print(pool.starmap(ask, [(url, store, first) for first in (0, 50, 100)]))
"""


def test_spawned_processes_share_a_store(echoing: Emulator, tmp_path: Path) -> None:
    program, store = tmp_path / "program.py", tmp_path / "answers.sqlite"
    program.write_text(SPAWNED)
    runs = (
        f"import runpy, sys; sys.argv[0] = {str(program)!r}; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    assert printed_by(runs, echoing.url, str(store)) == "[True, True, True]"
    with sl.open_store(store) as opened:
        assert len(opened) == 200


LEFT = """
    import sys, time
    import streetlens as sl

    images = [f"gs://pictures/{row:06}.jpg" for row in range(300)]
    client = sl.Client("demo", "us", endpoint=sys.argv[1], store=sys.argv[2])
    run = client.start(images, "Which image is it?", concurrency=4, progress=False)
    while run.progress.done < 100:
        time.sleep(0.001)
"""


def test_a_program_that_ends_leaves_its_answers_in_the_store(echoing: Emulator, tmp_path: Path) -> None:
    echoing.faults.add("slow", service="gemini", seconds=0.02)
    store = tmp_path / "answers.sqlite"
    ended = run_python(LEFT, echoing.url, str(store))
    assert (ended.returncode, ended.stdout) == (0, "")
    client = sl.Client("demo", "us", endpoint=echoing.url, store=store)
    results = client.classify(uris_of(300), PROMPT, concurrency=4, progress=False)
    assert results["classification"] == uris_of(300)
    assert Counter(results["source"])["store"] >= 100
    # What was under way when it ended is lost at most.
    assert sum(answered(echoing.requests).values()) <= 300 + 4
