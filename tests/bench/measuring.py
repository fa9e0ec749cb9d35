"""Runs the neutral server and measures peers against it, each run in a fresh process."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Measurement:
    """One run of one peer: wall clock and processor time in seconds, memory in MB."""

    wall: float
    processor: float
    peak_memory: float


class Stopwatch:
    """Measures from its making to `stop`."""

    def __init__(self) -> None:
        self._processor = _processor_seconds()
        self._wall = time.perf_counter()

    def stop(self) -> Measurement:
        """What this process has used since."""
        wall = time.perf_counter() - self._wall
        processor = _processor_seconds() - self._processor
        return Measurement(wall, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@contextmanager
def neutral_server(*, latency_ms: int = 50, rows: int = 0) -> Iterator[str]:
    """Builds and runs the server; yields its address. Raises CalledProcessError when it does not build."""
    build = ["cargo", "build", "--release", "--package", "streetlens-bench", "--bin", "neutral_server"]
    subprocess.run(build, check=True, cwd=REPOSITORY)
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    command = [
        str(target / "release" / "neutral_server"),
        "--latency-ms",
        str(latency_ms),
        "--rows",
        str(rows),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            address = server.stdout.readline().strip()
            if not address:
                raise RuntimeError("the neutral server ended before it was ready")
            yield address
        finally:
            server.terminate()


def report(measurement: Measurement) -> None:
    """Hands a measurement from a peer's process to the program that started it."""
    say(json.dumps(asdict(measurement)))


def measured(program: str, peer: str, options: Sequence[str]) -> Measurement:
    """Runs one peer in a fresh process, where its program must `report`. Raises RuntimeError if it fails."""
    command = [sys.executable, program, "--peer", peer, *options]
    finished = subprocess.run(command, check=False, capture_output=True, text=True)
    if finished.returncode != 0:
        raise RuntimeError(f"peer {peer} failed\n{finished.stderr}")
    fields: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return Measurement(**fields)


def interleaved(
    program: str, peers: Sequence[str], runs: int, options: Sequence[str]
) -> dict[str, list[Measurement]]:
    """Runs the peers in turn, so that what else the machine does meets all of them."""
    measurements: dict[str, list[Measurement]] = {peer: [] for peer in peers}
    for _ in range(runs):
        for peer in peers:
            measurements[peer].append(measured(program, peer, options))
    return measurements


def median(measurements: Sequence[Measurement], field: str) -> float:
    """The median of one field."""
    return float(statistics.median(getattr(measurement, field) for measurement in measurements))


def say(text: str) -> None:
    """Writes one line."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
