"""From BigQuery to pandas, polars and dictionaries, and row by row without keeping them: time and memory.

streetlens against google-cloud-bigquery with the Storage API, on the table of `query_to_arrow.py`.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from measuring import (
    Measurement,
    Stopwatch,
    interleaved,
    measured,
    median,
    neutral_server,
    report,
    say,
    table,
)
from queries import CONVERSIONS, STORAGE, STREAMED, warm_up

COMPARISON = "comparison"
STREAM = "stream"
CLIENTS = (STORAGE, "streetlens")


def run_client(client: str, target: str, url: str, rows: int) -> None:
    """Queries and converts once, and reports."""
    if client == COMPARISON:
        compare(url)
        return
    warm_up(client, target)
    watch = Stopwatch()
    result = STREAMED[client](url) if target == STREAM else len(CONVERSIONS[target][client](url))
    measurement = watch.stop()
    if result != rows:
        raise RuntimeError(f"{result} rows instead of {rows}")
    report(measurement)


def compare(url: str) -> None:
    """Raises RuntimeError unless both give the same dictionaries."""
    watch = Stopwatch()

    def by_time(row: dict[str, Any]) -> Any:
        return row["detection_time"]

    ours, theirs = (
        sorted(CONVERSIONS["dictionaries"][client](url), key=by_time) for client in reversed(CLIENTS)
    )
    if ours != theirs:
        raise RuntimeError("the values differ")
    report(watch.stop())


def show(rows: int, measurements: dict[str, dict[str, list[Measurement]]]) -> None:
    """A line for each target and client."""
    lines = []
    for target, clients in measurements.items():
        slowest = median(clients[STORAGE], "wall")
        for client, runs in clients.items():
            wall = median(runs, "wall")
            cells = [f"{target}: {client}", f"{wall:.2f}", f"{rows / wall:,.0f}"]
            cells += [f"{median(runs, 'processor') / rows * 1e6:.2f}", f"{median(runs, 'peak_memory'):.0f}"]
            lines.append([*cells, f"{slowest / wall:.2f}"])
    table((f"{rows:,} rows to", "seconds", "rows/s", "us CPU/row", "MB", "ratio"), lines)


def main() -> None:
    """Measures at every size and prints medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=(100_000, 1_000_000))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument(
        "--targets", nargs="+", default=(*CONVERSIONS, STREAM), choices=(*CONVERSIONS, STREAM)
    )
    parser.add_argument("--client", choices=(*CLIENTS, COMPARISON), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client:
        run_client(options.client, options.targets[0], options.url, options.rows[0])
        return
    for rows in options.rows:
        with neutral_server(rows=rows) as url:
            program = [sys.executable, __file__, "--url", url, "--rows", str(rows)]
            if rows == min(options.rows):
                measured([*program, "--client", COMPARISON])
                say(f"{rows:,} rows: all dictionaries are the same")
            measurements = {
                target: interleaved(
                    {client: [*program, "--targets", target, "--client", client] for client in CLIENTS},
                    options.runs,
                )
                for target in options.targets
            }
        show(rows, measurements)


if __name__ == "__main__":
    main()
