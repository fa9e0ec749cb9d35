"""Rows per second from BigQuery's REST JSON to Arrow: streetlens against google-cloud-bigquery.

The table has the shape of `latest_observations`: eleven columns, three of them RECORDs. Types and values are
compared as well.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Any

from measuring import Stopwatch, interleaved, measured, median, neutral_server, report, say

SQL = "SELECT * FROM `bench-project.imagery_insights___preview___us.latest_observations`"
PEERS = ("streetlens", "google-cloud-bigquery")
COMPARISON = "comparison"


def query_with_streetlens(url: str) -> Any:
    """The native call, as a pyarrow table."""
    streetlens = importlib.import_module("streetlens")
    client = streetlens.Client(project="bench-project", region="us-central1", endpoint=url)
    return client.query(SQL).to_arrow()


def query_with_google(url: str) -> Any:
    """Google's call over REST, as a pyarrow table."""
    from google.auth import credentials
    from google.cloud import bigquery

    anonymous = credentials.AnonymousCredentials()
    client = bigquery.Client("bench-project", credentials=anonymous, client_options={"api_endpoint": url})
    return client.query(SQL).to_arrow(create_bqstorage_client=False)


QUERY = {"streetlens": query_with_streetlens, "google-cloud-bigquery": query_with_google}


def run_peer(peer: str, url: str, rows: int) -> None:
    """Queries once and reports, or compares."""
    if peer == COMPARISON:
        compare(url)
        return
    importlib.import_module("pyarrow")
    importlib.import_module("streetlens" if peer == "streetlens" else "google.cloud.bigquery")
    watch = Stopwatch()
    table = QUERY[peer](url)
    measurement = watch.stop()
    if table.num_rows != rows:
        raise RuntimeError(f"{table.num_rows} rows instead of {rows}")
    report(measurement)


def compare(url: str) -> None:
    """Raises RuntimeError unless both give the same types and the same values."""
    watch = Stopwatch()
    ours, theirs = query_with_streetlens(url), query_with_google(url)
    if not ours.schema.equals(theirs.schema, check_metadata=True):
        raise RuntimeError(f"the schemas differ\n{ours.schema}\n{theirs.schema}")
    if not ours.combine_chunks().equals(theirs.combine_chunks()):
        raise RuntimeError("the values differ")
    report(watch.stop())


def main() -> None:
    """Compares, measures and prints medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS)
    parser.add_argument("--peer", choices=(*PEERS, COMPARISON), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        run_peer(options.peer, options.url, options.rows)
        return
    with neutral_server(rows=options.rows) as url:
        program = [sys.executable, __file__, "--url", url, "--rows", str(options.rows), "--peer"]
        if set(options.peers) == set(PEERS):
            measured([*program, COMPARISON])
            say(f"values and types of {options.rows} rows are the same")
        measurements = interleaved({peer: [*program, peer] for peer in options.peers}, options.runs)
    for peer, runs in measurements.items():
        wall, processor = median(runs, "wall"), median(runs, "processor")
        say(
            f"{peer:22} {wall:6.2f} s, {options.rows / wall:8.0f} rows/s, "
            f"{processor / options.rows * 1e6:6.1f} us CPU/row, {median(runs, 'peak_memory'):4.0f} MB"
        )
    if set(measurements) == set(PEERS):
        ours, theirs = (measurements[peer] for peer in PEERS)
        say(f"ratio: {median(theirs, 'wall') / median(ours, 'wall'):.1f} x the rows/s")


if __name__ == "__main__":
    main()
