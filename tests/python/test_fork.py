"""A client survives a fork, and a program may end while its calls are under way."""

from __future__ import annotations

import pytest

from child_process import printed_by, run_python
from streetlens.emulator import Emulator

FORKED = """
    import os, signal, sys, threading, warnings
    import streetlens as sl

    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork with threads
    client = sl.Client(project="demo", region="global", endpoint=sys.argv[1])

    def in_child(work):
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            signal.alarm(30)  # a child that hangs is killed
            try:
                work()
                sys.stdout.flush()
                os._exit(0)
            finally:
                os._exit(1)
        return os.waitpid(child, 0)[1]
"""


@pytest.mark.parametrize("used_before", [True, False])
def test_a_client_works_in_a_forked_child_and_in_its_parent(emulator: Emulator, used_before: bool) -> None:
    program = """
        if sys.argv[2] == "True":
            client.query("SELECT 0 AS n")
        print(in_child(lambda: print(client.query("SELECT 1 AS n").to_dicts())))
        print(client.query("SELECT 2 AS n").to_dicts())
    """
    said = printed_by(FORKED + _body(program), emulator.url, str(used_before))
    assert said.splitlines() == ["[{'n': 1}]", "0", "[{'n': 2}]"]


def test_a_child_awaits_and_classifies(emulator: Emulator) -> None:
    dataset = emulator.world.dataset
    uri = f"gs://{dataset.bucket}/{min(dataset.images)}"
    program = """
        import asyncio

        async def ask():
            return await client.aio.query("SELECT 1 AS n")

        def work():
            print(asyncio.run(ask()).to_dicts())
            print(client.classify([sys.argv[2]], "What?", progress=False)["status"])

        client.query("SELECT 0 AS n")
        print(in_child(work))
    """
    said = printed_by(FORKED + _body(program), emulator.url, uri)
    assert said.splitlines() == ["[{'n': 1}]", "['ok']", "0"]


def test_a_fork_while_another_thread_waits_leaves_both_sides_working(emulator: Emulator) -> None:
    emulator.faults.add("slow", service="bigquery", match="SELECT 7", seconds=1.0)
    program = """
        waiting = threading.Thread(target=lambda: print(client.query("SELECT 7 AS n").to_dicts()))
        client.query("SELECT 0 AS n")
        waiting.start()
        print(in_child(lambda: print(client.query("SELECT 1 AS n").to_dicts())))
        waiting.join()
    """
    said = printed_by(FORKED + _body(program), emulator.url)
    assert sorted(said.splitlines()) == ["0", "[{'n': 1}]", "[{'n': 7}]"]


def test_grandchildren_work_too(emulator: Emulator) -> None:
    program = """
        def work():
            client.query("SELECT 1 AS n")
            print(in_child(lambda: print(client.query("SELECT 2 AS n").to_dicts())))

        client.query("SELECT 0 AS n")
        print(in_child(work))
    """
    assert printed_by(FORKED + _body(program), emulator.url).splitlines() == ["[{'n': 2}]", "0", "0"]


def test_a_forked_child_fetches_a_token_of_its_own(emulator: Emulator) -> None:
    emulator.world.require_token = True
    program = """
        from google.oauth2.credentials import Credentials

        user = Credentials(
            None, refresh_token="r", token_uri=sys.argv[1] + "/token", client_id="i", client_secret="s"
        )
        client = sl.Client(project="demo", endpoint=sys.argv[1], credentials=user)
        client.query("SELECT 0 AS n")
        print(in_child(lambda: print(client.query("SELECT 1 AS n").to_dicts())))
        print(client.query("SELECT 2 AS n").to_dicts())
    """
    said = printed_by(FORKED + _body(program), emulator.url)
    assert said.splitlines() == ["[{'n': 1}]", "0", "[{'n': 2}]"]


def test_a_fork_while_another_thread_renews_the_token_leaves_both_sides_working(emulator: Emulator) -> None:
    emulator.world.require_token = True
    emulator.faults.add("slow", service="token", seconds=1.0, times=1)
    program = """
        import json, time, urllib.request
        from google.oauth2.credentials import Credentials

        user = Credentials(
            None, refresh_token="r", token_uri=sys.argv[1] + "/token", client_id="i", client_secret="s"
        )
        client = sl.Client(project="demo", endpoint=sys.argv[1], credentials=user)
        waiting = threading.Thread(target=lambda: print(client.query("SELECT 7 AS n").to_dicts()))
        waiting.start()
        renewing = False
        while not renewing:
            with urllib.request.urlopen(sys.argv[1] + "/emulator/requests?service=token") as answer:
                renewing = bool(json.load(answer)["requests"])
        print(in_child(lambda: print(client.query("SELECT 1 AS n").to_dicts())))
        waiting.join()
    """
    said = printed_by(FORKED + _body(program), emulator.url)
    assert sorted(said.splitlines()) == ["0", "[{'n': 1}]", "[{'n': 7}]"]


# Each leaves something under way that never ends by itself.
UNDER_WAY = {
    "blocking": """
        threading.Thread(target=lambda: client.query("SELECT 1"), daemon=True).start()
        arrived()
    """,
    "classify": """
        run = lambda: client.classify(["gs://bucket/a.jpg"] * 50, "What?", progress=lambda _: None)
        threading.Thread(target=run, daemon=True).start()
        arrived()
    """,
    "awaited": """
        loop = asyncio.new_event_loop()
        threading.Thread(target=lambda: loop.run_until_complete(client.aio.query("SELECT 1")), daemon=True).start()
        arrived()
    """,
    "credentials": """
        asked = threading.Event()

        def token():
            asked.set()
            time.sleep(60)

        client = sl.Client(project="demo", endpoint=sys.argv[1], credentials=token)
        threading.Thread(target=lambda: client.query("SELECT 1"), daemon=True).start()
        asked.wait()
    """,
}

LEAVING = """
    import asyncio, json, sys, threading, time, urllib.request
    import streetlens as sl

    client = sl.Client(project="demo", region="global", endpoint=sys.argv[1])

    def arrived():
        while True:
            with urllib.request.urlopen(sys.argv[1] + "/emulator/requests") as answer:
                if json.load(answer)["requests"]:
                    return
            time.sleep(0.01)
"""


@pytest.mark.parametrize("kind", UNDER_WAY)
def test_a_program_ends_quietly_while_a_call_is_under_way(emulator: Emulator, kind: str) -> None:
    emulator.faults.add("stall")
    for _ in range(5):
        emulator.requests.clear()
        ended = run_python(LEAVING + _body(UNDER_WAY[kind]), emulator.url, seconds=30.0)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_a_program_that_ends_with_an_error_shows_that_error_only(emulator: Emulator) -> None:
    program = FORKED + _body("client.query('SELECT 1')\nraise SystemExit('done for today')")
    ended = run_python(program, emulator.url)
    assert (ended.returncode, ended.stderr) == (1, "done for today\n")


def test_a_call_after_the_end_says_that_python_is_shutting_down(emulator: Emulator) -> None:
    program = """
        import atexit, sys

        def late():
            try:
                client.query("SELECT 1")
            except sl.Cancelled as error:
                print(error)

        atexit.register(late)  # registered first, so it is called after streetlens has ended
        import streetlens as sl

        client = sl.Client(project="demo", endpoint=sys.argv[1])
        client.query("SELECT 1")
    """
    assert printed_by(program, emulator.url) == "the Python interpreter is shutting down"


def _body(program: str) -> str:
    """The text with the indentation that the program before it has."""
    import textwrap

    return textwrap.indent(textwrap.dedent(program), "    ")
