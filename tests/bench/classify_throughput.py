"""Images per second and processor time per image: streetlens beside other clients and a bare loop of reqwest.

Ideal is images x latency / concurrency. streetlens keeps every answer in a store and gives typed columns, and once more
without a store, which tells what the store costs. Every answer is checked against the image it belongs to.
"""

from __future__ import annotations

import argparse
import sys

from classifiers import BARE, Job, is_importable, run
from measuring import Conditions, Measurement, median, neutral_server, say, table

OURS, WITHOUT_STORE = "streetlens", "streetlens-without-store"
NATIVE = (OURS, WITHOUT_STORE, BARE)
CLIENTS = (*NATIVE, "google-genai", "litellm")

# Clients in Python answer a few hundred images a second whatever the concurrency: fewer are enough for them.
NATIVE_SECONDS, PYTHON_IMAGES = 8.0, 2_000


def images_of(client: str, latency_ms: int, concurrency: int, scale: float) -> int:
    """A multiple of the concurrency, so that the ideal can be reached."""
    rounds = scale * NATIVE_SECONDS * 1_000 / latency_ms
    if client not in NATIVE:
        rounds = min(rounds, scale * PYTHON_IMAGES / concurrency)
    return concurrency * max(2, round(rounds))


def measure(
    url: str, clients: list[str], latency_ms: int, concurrency: int, options: argparse.Namespace
) -> None:
    """Runs the clients in turn and prints a line for each."""
    jobs = {
        client: Job(
            client,
            url,
            images_of(client, latency_ms, concurrency, options.scale),
            str(concurrency),
            conditions=Conditions(latency_ms=latency_ms),
        )
        for client in clients
    }
    runs: dict[str, list[Measurement]] = {client: [] for client in clients}
    for _ in range(options.runs):
        for client, job in jobs.items():
            python = options.litellm_python if client == "litellm" else sys.executable
            measurement = run(job, python=python)
            if measurement.lost:
                raise RuntimeError(f"{client} lost {measurement.lost} of {job.images} images")
            runs[client].append(measurement)
    say(f"\n{latency_ms} ms, {concurrency} in flight, median of {options.runs} runs (least to most)")
    rows = []
    for client, measurements in runs.items():
        images = jobs[client].images
        ideal = images * latency_ms / 1_000 / concurrency
        walls = sorted(measurement.wall / ideal for measurement in measurements)
        wall = median(measurements, "wall")
        processor = median(measurements, "processor") / images * 1e6
        rows.append(
            [
                client,
                f"{images}",
                f"{wall / ideal:.2f} ({walls[0]:.2f} to {walls[-1]:.2f})",
                f"{images / wall:.0f}",
                f"{processor:.0f}",
                *_ratios(runs, jobs, client),
            ]
        )
    table(
        ["client", "images", "wall / ideal", "images/s", "us CPU/image", "rate of ours", "CPU of ours"], rows
    )
    if {OURS, WITHOUT_STORE} <= set(runs):
        share = 1 - median(runs[WITHOUT_STORE], "wall") / median(runs[OURS], "wall")
        say(f"the store takes {share:.1%} of the throughput")


def _ratios(runs: dict[str, list[Measurement]], jobs: dict[str, Job], client: str) -> list[str]:
    if OURS not in runs:
        return ["", ""]

    def each(name: str, field: str) -> float:
        return median(runs[name], field) / jobs[name].images

    rate = each(OURS, "wall") / each(client, "wall")
    return [f"{rate:.2f} x", f"{each(client, 'processor') / each(OURS, 'processor'):.1f} x"]


def main() -> None:
    """Measures every pair of latency and concurrency."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-ms", type=int, nargs="+", default=[50, 500])
    parser.add_argument("--concurrency", type=int, nargs="+", default=[64, 256, 1_000])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="more or fewer images than usual")
    parser.add_argument("--clients", nargs="+", default=CLIENTS, choices=CLIENTS)
    parser.add_argument("--litellm-python", default=sys.executable, help="an interpreter that has litellm")
    options = parser.parse_args()
    clients = list(options.clients)
    if "litellm" in clients and not is_importable("litellm", options.litellm_python):
        clients.remove("litellm")
        say(
            "litellm is left out: it cannot be imported (name an interpreter that has it by --litellm-python)"
        )
    with neutral_server() as url:
        for latency_ms in options.latency_ms:
            for concurrency in options.concurrency:
                measure(url, clients, latency_ms, concurrency, options)


if __name__ == "__main__":
    main()
