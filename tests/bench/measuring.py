"""Runs the neutral server under conditions, and measures peers against it, each run in a fresh process."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
BINARIES = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")) / "release"


@dataclass(frozen=True)
class Measurement:
    """One run of one peer: wall clock and processor time in seconds, memory in MB, images without an answer."""

    wall: float
    processor: float
    peak_memory: float
    memory_growth: float = 0.0
    lost: int = 0


class Stopwatch:
    """Measures from its making to `stop`."""

    def __init__(self) -> None:
        self._memory = _resident_memory()
        self._processor = _seconds(resource.RUSAGE_SELF)
        self._wall = time.perf_counter()

    def stop(self, *, lost: int = 0) -> Measurement:
        """What this process has used since."""
        wall = time.perf_counter() - self._wall
        processor = _seconds(resource.RUSAGE_SELF) - self._processor
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return Measurement(wall, processor, peak, max(0.0, peak - self._memory), lost)


def children_seconds() -> float:
    """Processor time of all processes that this one started and that ended."""
    return _seconds(resource.RUSAGE_CHILDREN)


def _seconds(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def _resident_memory() -> float:
    """MB at this moment; where the system does not tell, the most so far."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * resource.getpagesize() / 2**20


@dataclass(frozen=True)
class Conditions:
    """How the neutral server answers for Gemini.

    `quota` is pairs of a second, counted from the first request, and the requests a second from then on. `stalls` and
    `faults` are shares of the images whose first request is never answered, or fails.
    """

    latency_ms: int = 0
    quota: Sequence[tuple[float, float]] = ()
    burst: float = 20.0
    stalls: float = 0.0
    faults: float = 0.0


@dataclass(frozen=True)
class Counts:
    """What the neutral server saw since its conditions were set; `tenths` are pairs of answered and refused."""

    answered: int
    refused: int
    stalled: int
    failed: int
    peak_in_flight: int
    tenths: list[list[int]] = field(default_factory=list)

    @property
    def requests(self) -> int:
        """All of them."""
        return self.answered + self.refused + self.stalled + self.failed


@contextmanager
def neutral_server(*, rows: int = 0) -> Iterator[str]:
    """Builds and runs the server; yields its address. Raises CalledProcessError when it does not build."""
    build = ["cargo", "build", "--release", "--quiet", "--package", "streetlens-bench", "--bins"]
    subprocess.run(build, check=True, cwd=REPOSITORY)
    command = [str(BINARIES / "neutral_server"), "--rows", str(rows)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            address = server.stdout.readline().strip()
            if not address:
                raise RuntimeError("the neutral server ended before it was ready")
            yield address
        finally:
            server.terminate()


def set_conditions(url: str, conditions: Conditions) -> None:
    """Has the server answer under these conditions from now on, and count anew."""
    body = json.dumps(asdict(conditions)).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/neutral/conditions", body)) as answer:
        answer.read()


def counts(url: str) -> Counts:
    """What the server saw."""
    with urllib.request.urlopen(f"{url}/neutral/counts") as answer:
        return Counts(**json.load(answer))


def report(measurement: Measurement) -> None:
    """Hands a measurement from a peer's process to the program that started it."""
    say(json.dumps(asdict(measurement)))


def measured(command: Sequence[str], *, seconds: float = 900.0) -> Measurement:
    """Runs one peer in a fresh process, which must `report`.

    Raises:
        RuntimeError: It failed; with what it wrote.
        TimeoutError: It was not done in time, and was ended.
    """
    try:
        finished = subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as expired:
        raise TimeoutError(f"not done after {seconds:g} s") from expired
    if finished.returncode != 0:
        raise RuntimeError(f"`{' '.join(command)}` failed\n{finished.stderr}")
    fields: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return Measurement(**fields)


def interleaved(commands: Mapping[str, Sequence[str]], runs: int) -> dict[str, list[Measurement]]:
    """Runs the peers in turn, so that what else the machine does meets all of them."""
    measurements: dict[str, list[Measurement]] = {peer: [] for peer in commands}
    for _ in range(runs):
        for peer, command in commands.items():
            measurements[peer].append(measured(command))
    return measurements


def median(measurements: Sequence[object], name: str) -> float:
    """The median of one field."""
    return float(statistics.median(getattr(measurement, name) for measurement in measurements))


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Writes rows under a header, the first column to the left and the others to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        first, *others = (
            text.rjust(width) if position else text.ljust(width)
            for position, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        say("  ".join([first, *others]))


def say(text: str) -> None:
    """Writes one line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
