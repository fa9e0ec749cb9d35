"""From BigQuery to Arrow: streetlens against google-cloud-bigquery, and against receiving the bytes alone.

The table has the shape of `latest_observations`: eleven columns, three of them RECORDs. Every client gives the same
types and values, or nothing is measured.
"""

from __future__ import annotations

import argparse
import sys

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
from queries import ARROW, BARE, REST, STORAGE, bare, differences, warm_up

COMPARISON = "comparison"
CLIENTS = (*ARROW, *BARE)

# Google's REST client takes 15 s for 100,000 rows and as much for each further 100,000, so more rows say nothing more.
MOST_FOR_REST = 100_000


def run_client(client: str, url: str, rows: int) -> None:
    """Queries once and reports."""
    if client in BARE:
        report(bare(url, *BARE[client]))
        return
    warm_up(client, "arrow")
    watch = Stopwatch()
    result = ARROW[client](url)
    measurement = watch.stop()
    if result.num_rows != rows:
        raise RuntimeError(f"{result.num_rows} rows instead of {rows}")
    report(measurement)


def compare(names: list[str], url: str) -> None:
    """Raises RuntimeError unless all give the same types and the same values."""
    watch = Stopwatch()
    if found := differences(names, url):
        raise RuntimeError("\n".join(found))
    report(watch.stop())


def measure(rows: int, clients: list[str], runs: int) -> dict[str, list[Measurement]]:
    """Compares, then measures the clients in turn."""
    with neutral_server(rows=rows) as url:
        program = [sys.executable, __file__, "--url", url, "--rows", str(rows)]
        readers = [client for client in clients if client in ARROW]
        measured([*program, "--client", COMPARISON, "--clients", *readers])
        say(f"{rows:,} rows: types and values of all clients are the same")
        return interleaved({client: [*program, "--client", client] for client in clients}, runs)


def show(rows: int, measurements: dict[str, list[Measurement]], rest: float | None) -> None:
    """A line for each client; `rest` is the rows a second of Google's client over REST."""
    rates = {client: rows / median(runs, "wall") for client, runs in measurements.items()}
    references = (
        rest,
        rates.get(STORAGE),
        max((rates[client] for client in BARE if client in rates), default=None),
    )
    lines = []
    for client, runs in measurements.items():
        wall, processor = median(runs, "wall"), median(runs, "processor")
        fastest, slowest = min(run.wall for run in runs), max(run.wall for run in runs)
        ratios = [f"{rates[client] / reference:.2f}" if reference else "" for reference in references]
        lines.append(
            [
                client,
                f"{wall:.2f} [{fastest:.2f}-{slowest:.2f}]",
                f"{rates[client]:,.0f}",
                f"{processor / rows * 1e6:.2f}",
                f"{median(runs, 'peak_memory'):.0f}",
                *ratios,
            ]
        )
    header = (
        "client",
        "seconds",
        "rows/s",
        "us CPU/row",
        "MB",
        "x Google REST",
        "x Google Storage",
        "x bytes alone",
    )
    table(header, lines)


def main() -> None:
    """Measures at every size and prints medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=(100_000, 1_000_000))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--clients", nargs="+", default=CLIENTS, choices=CLIENTS)
    parser.add_argument("--client", choices=(*CLIENTS, COMPARISON), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.client == COMPARISON:
        compare(options.clients, options.url)
        return
    if options.client:
        run_client(options.client, options.url, options.rows[0])
        return
    rest = None
    for rows in options.rows:
        clients = [client for client in options.clients if client != REST or rows <= MOST_FOR_REST]
        measurements = measure(rows, clients, options.runs)
        if REST in measurements:
            rest = rows / median(measurements[REST], "wall")
        show(rows, measurements, rest)


if __name__ == "__main__":
    main()
