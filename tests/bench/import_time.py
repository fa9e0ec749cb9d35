"""Prints how long `import streetlens` takes beyond starting Python, beside the packages of the guide.

Run it with `.venv/bin/python tests/bench/import_time.py`. The goal is below 50 ms; it is printed, not asserted, because
a busy machine tells nothing about the package.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

ROUNDS = 9
PROGRAMS = {
    "bare interpreter": "pass",
    "streetlens": "import streetlens",
    "streetlens, a client made": "import streetlens; streetlens.Client(project='demo')",
    "google.auth": "import google.auth",
    "google.cloud.bigquery": "import google.cloud.bigquery",
    "google.genai": "import google.genai",
    "pandas": "import pandas",
}


class Start(NamedTuple):
    """What one fresh interpreter took, in milliseconds."""

    wall: float
    processor: float


def start(program: str) -> Start:
    """Run `program` in a fresh interpreter."""
    used, began = _children_seconds(), time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    wall = time.perf_counter() - began
    return Start(1000 * wall, 1000 * (_children_seconds() - used))


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def is_installed(program: str) -> bool:
    """Whether `program` runs; also leaves its byte code and files in the caches."""
    return subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


def main() -> None:
    """Interleave the rounds, so that a slow moment of the machine meets every program."""
    programs = {name: program for name, program in PROGRAMS.items() if is_installed(program)}
    taken: dict[str, list[Start]] = {name: [] for name in programs}
    for _ in range(ROUNDS):
        for name, program in programs.items():
            taken[name].append(start(program))
    median = {
        name: Start(*map(statistics.median, zip(*starts, strict=True))) for name, starts in taken.items()
    }
    bare = median.pop("bare interpreter")
    sys.stdout.write(f"medians of {ROUNDS} fresh interpreters in ms, beyond a bare one ({bare.wall:.0f})\n")
    sys.stdout.write(f"{'':28}{'wall':>10}{'processor':>12}\n")
    for name, took in median.items():
        wall, processor = took.wall - bare.wall, took.processor - bare.processor
        sys.stdout.write(f"{name:28}{wall:10.1f}{processor:12.1f}\n")


if __name__ == "__main__":
    main()
