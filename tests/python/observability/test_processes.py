"""A program that listens to streetlens may fork and may end at any moment."""

from __future__ import annotations

import textwrap

import pytest

from child_process import printed_by, run_python
from streetlens.emulator import Emulator

# A handler that keeps what it hears, so that a program can print it at its end.
LISTENING = """
    import asyncio, faulthandler, json, logging, os, signal, sys, threading, time, urllib.request, warnings
    import streetlens as sl

    faulthandler.dump_traceback_later(40, exit=True)
    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork with threads
    heard = []

    class Keeping(logging.Handler):
        def emit(self, record):
            heard.append(record)

    logging.getLogger("streetlens").addHandler(Keeping())
    logging.getLogger("streetlens").setLevel(logging.DEBUG)
    client = sl.Client(project="demo", region="global", endpoint=sys.argv[1])

    def jobs():
        return [record.streetlens["job_id"] for record in heard if "the result is here" in record.getMessage()]

    def arrived():
        while True:
            with urllib.request.urlopen(sys.argv[1] + "/emulator/requests") as answer:
                if json.load(answer)["requests"]:
                    return
            time.sleep(0.01)

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


def program(body: str) -> str:
    """The listening program with `body` at its end."""
    return textwrap.dedent(LISTENING) + textwrap.dedent(body)


def test_a_forked_child_tells_what_it_does_and_not_what_its_parent_did(emulator: Emulator) -> None:
    body = """
        client.query("SELECT 0 AS n")

        def work():
            heard.clear()
            job = client.query("SELECT 1 AS n").stats.job_id
            print(jobs() == [job])

        print(in_child(work))
        print(len(jobs()))
    """
    assert printed_by(program(body), emulator.url).split() == ["True", "0", "1"]


def test_forks_in_the_middle_of_many_events_leave_both_sides_working(emulator: Emulator) -> None:
    """Whoever has something to tell may be doing so at the moment of a fork."""
    body = """
        stopped = threading.Event()

        def ask():
            while not stopped.is_set():
                client.query("SELECT 7 AS n")

        asking = [threading.Thread(target=ask) for _ in range(3)]
        for thread in asking:
            thread.start()
        ended = [in_child(lambda: client.query("SELECT 1 AS n")) for _ in range(15)]
        stopped.set()
        for thread in asking:
            thread.join()
        print(ended == [0] * 15, len(jobs()) >= 3)
    """
    assert printed_by(program(body), emulator.url) == "True True"


def test_a_child_forked_while_a_call_is_awaited_can_await_too(emulator: Emulator) -> None:
    emulator.faults.add("slow", service="bigquery", match="SELECT 7", seconds=1.0)
    body = """
        def work():
            heard.clear()
            asyncio.run(ask("SELECT 1 AS n"))
            print(len(jobs()))

        async def ask(sql):
            return await client.aio.query(sql)

        waiting = threading.Thread(target=lambda: asyncio.run(ask("SELECT 7 AS n")))
        waiting.start()
        arrived()
        print(in_child(work))
        waiting.join()
        print(len(jobs()))
    """
    assert printed_by(program(body), emulator.url).split() == ["1", "0", "1"]


# Each leaves something under way that goes on telling until the very end.
UNDER_WAY = {
    "blocking": """
        threading.Thread(target=lambda: client.query("SELECT 1"), daemon=True).start()
        arrived()
    """,
    "classify": """
        run = lambda: client.classify(["gs://bucket/a.jpg"] * 500, "What?", progress=False)
        threading.Thread(target=run, daemon=True).start()
        arrived()
    """,
    "awaited": """
        loop = asyncio.new_event_loop()
        threading.Thread(target=lambda: loop.run_until_complete(client.aio.query("SELECT 1")), daemon=True).start()
        arrived()
    """,
}


@pytest.mark.parametrize("kind", UNDER_WAY)
def test_a_program_that_listens_ends_quietly_in_the_middle_of_a_call(emulator: Emulator, kind: str) -> None:
    emulator.faults.add("503", retry_after=0.01)
    for _ in range(3):
        emulator.requests.clear()
        ended = run_python(program(UNDER_WAY[kind]), emulator.url, seconds=50.0)
        assert (ended.returncode, ended.stderr) == (0, "")


def test_a_program_hears_of_what_happened_until_its_end(emulator: Emulator) -> None:
    """Registered with `atexit` before streetlens, and so called after it."""
    emulator.faults.add("stall", after=1)
    body = """
        import atexit, json, logging, sys, time, urllib.request
        import threading

        heard = []
        atexit.register(lambda: print(len(heard) > 0))
        import streetlens as sl

        class Slow(logging.Handler):
            def emit(self, record):
                time.sleep(0.05)
                heard.append(record)

        logging.getLogger("streetlens").addHandler(Slow())
        logging.getLogger("streetlens").setLevel(logging.DEBUG)
        client = sl.Client(project="demo", region="global", endpoint=sys.argv[1])
        threading.Thread(target=lambda: client.query_all(["SELECT 1", "SELECT 2"]), daemon=True).start()
        while True:
            with urllib.request.urlopen(sys.argv[1] + "/emulator/requests") as answer:
                if len(json.load(answer)["requests"]) == 2:
                    break
    """
    assert printed_by(body, emulator.url) == "True"


def test_importing_streetlens_sets_up_no_logging() -> None:
    body = """
        import sys, streetlens
        print([name for name in ("logging", "opentelemetry") if name in sys.modules])
    """
    assert printed_by(body) == "[]"
