"""What requests that are never answered and requests that fail cost: time, images, and requests.

The first request about some of the images stalls, or fails: 429, 500, 503, a closed connection or a body that breaks
off. Both clients know the time of an attempt; google-genai retries as well. Without that time it waits for ever.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from classifiers import Job, run
from measuring import Conditions, counts, median, neutral_server, say, table

CLIENTS = ("streetlens", "google-genai-retrying", "google-genai")
WITHOUT_LIMIT = "google-genai"


@dataclass(frozen=True)
class Run:
    """One run: seconds, images without an answer, requests."""

    wall: float
    lost: float
    requests: float


def measure(url: str, client: str, conditions: Conditions, options: argparse.Namespace) -> Run:
    """Does the job once; one that is not done in time lost every image."""
    timeout = None if client == WITHOUT_LIMIT else options.timeout
    job = Job(client, url, options.images, str(options.concurrency), timeout, conditions)
    try:
        measurement = run(job, seconds=options.patience)
    except TimeoutError:
        return Run(float("inf"), options.images, counts(url).requests)
    return Run(measurement.wall, measurement.lost, counts(url).requests)


def main() -> None:
    """Measures and prints medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency-ms", type=int, default=50)
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds of one attempt")
    parser.add_argument("--patience", type=float, default=60.0, help="seconds until a run is given up")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--clients", nargs="+", default=CLIENTS, choices=CLIENTS)
    options = parser.parse_args()
    cases = {
        "no trouble": Conditions(options.latency_ms),
        "2 % stall": Conditions(options.latency_ms, stalls=0.02),
        "5 % fail": Conditions(options.latency_ms, faults=0.05),
    }
    runs: dict[tuple[str, str], list[Run]] = {}
    with neutral_server() as url:
        for _ in range(options.runs):
            for client in options.clients:
                for case, conditions in cases.items():
                    runs.setdefault((client, case), []).append(measure(url, client, conditions, options))
    say(
        f"\n{options.images} images, {options.concurrency} in flight, {options.latency_ms} ms, "
        f"{options.timeout:g} s an attempt, median of {options.runs} runs"
    )
    rows = []
    for (client, case), measurements in runs.items():
        wall, calm = median(measurements, "wall"), median(runs[client, "no trouble"], "wall")
        is_endless = wall == float("inf")
        rows.append(
            [
                client,
                case,
                f"not done in {options.patience:g} s" if is_endless else f"{wall:.2f} s",
                "" if is_endless else f"{wall / calm:.2f} x",
                "" if is_endless else f"{(wall - 1.5 * calm) / options.timeout:+.2f}",
                f"{median(measurements, 'lost'):.0f}",
                f"{median(measurements, 'requests') / options.images:.3f}",
            ]
        )
    header = [
        "client",
        "",
        "wall",
        "of its calm run",
        "attempts beyond 1.5 x",
        "images lost",
        "requests/image",
    ]
    table(header, rows)


if __name__ == "__main__":
    main()
