"""A run ends with its program, its process and its holder, and never hangs or prints a traceback."""

from __future__ import annotations

import gc
import textwrap
import time

import pytest

import streetlens as sl
from child_process import printed_by, run_python
from streetlens.emulator import Emulator
from waiting import wait_until

PROGRAM = """
    import json, os, signal, sys, threading, time, urllib.request
    import streetlens as sl

    client = sl.Client(project="demo", region="global", endpoint=sys.argv[1])

    def arrived():
        while True:
            with urllib.request.urlopen(sys.argv[1] + "/emulator/requests?service=gemini") as answer:
                if json.load(answer)["requests"]:
                    return
            time.sleep(0.01)
"""

LEFT = {
    "alone": "run = client.start(['gs://bucket/a.jpg'] * 5, 'What?'); arrived()",
    "shown": "run = client.start(['gs://bucket/a.jpg'] * 5, 'What?', progress=lambda _: None); arrived()",
    "waited for": """
        run = client.start(['gs://bucket/a.jpg'] * 5, 'What?')
        threading.Thread(target=run.wait, daemon=True).start()
        threading.Thread(target=lambda: list(run), daemon=True).start()
        arrived()
    """,
    "held by its results": """
        run = client.start(['gs://bucket/a.jpg'] * 5, 'What?')
        arrived()
        results = run.results()
    """,
}


def program(body: str) -> str:
    return textwrap.dedent(PROGRAM) + textwrap.dedent(body)


@pytest.mark.parametrize("kind", LEFT)
def test_a_program_ends_quietly_and_soon_while_a_run_goes_on(emulator: Emulator, kind: str) -> None:
    emulator.faults.add("stall", service="gemini")
    body = LEFT[kind] + "\n" if "\n" not in LEFT[kind] else LEFT[kind]
    ended = run_python(program(textwrap.dedent(body) + "\nprint(time.time())"), emulator.url, seconds=30.0)
    seconds = time.time() - float(ended.stdout)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert seconds < 3.0


def test_a_fork_of_the_process_says_that_the_run_is_its_parents(emulator: Emulator) -> None:
    emulator.faults.add("stall", service="gemini", times=1)
    body = """
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork with threads
        run = client.start(["gs://bucket/a.jpg"], "What?")
        arrived()
        child = os.fork()
        if child == 0:
            signal.alarm(20)  # a child that hangs is killed
            for use in (run.wait, run.results, run.cancel, lambda: run.progress, lambda: next(iter(run))):
                try:
                    use()
                except sl.Cancelled as error:
                    print(error.message)
            del use
            del run
            print(client.query("SELECT 1 AS n").to_dicts())
            sys.stdout.flush()
            os._exit(0)
        print(os.waitpid(child, 0)[1])
        run.cancel()
    """
    lines = printed_by(program(body), emulator.url).splitlines()
    assert lines[:5] == ["the run belongs to the process that this one was forked from"] * 5
    assert lines[5:] == ["[{'n': 1}]", "0"]


def test_a_run_that_nobody_refers_to_is_stopped_with_a_warning(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    emulator.faults.add("slow", service="gemini", seconds=0.2)
    runs = [client.start(uris, "What?", concurrency=1)]
    wait_until(lambda: emulator.requests.of("gemini"))
    with pytest.warns(ResourceWarning, match=f"the run {runs[0].id} is stopped"):
        runs.clear()
    sent = len(emulator.requests.of("gemini"))
    time.sleep(1.0)  # time for five more requests
    assert len(emulator.requests.of("gemini")) <= sent + 1


def test_a_run_that_was_cancelled_or_is_done_goes_without_a_warning(
    client: sl.Client, emulator: Emulator, uris: list[str]
) -> None:
    done = client.start(uris[:1], "What?")
    done.wait()
    emulator.faults.add("stall", service="gemini")
    cancelled = client.start(uris[1:3], "What?")
    cancelled.cancel()
    del done, cancelled
    gc.collect()  # a warning is an error in these tests


def test_iterating_holds_the_run(client: sl.Client, uris: list[str]) -> None:
    assert len(list(client.start(uris, "What?"))) == len(uris)
