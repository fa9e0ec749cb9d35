"""How much memory a run takes: its answers iterated and dropped, or kept, in a fresh process each.

Growth is the most memory of the process less what it held before the run, with the list of addresses made. What each
row adds is seen between the sizes.
"""

from __future__ import annotations

import argparse

from classifiers import Job, run
from measuring import Conditions, Measurement, median, neutral_server, say, table

CLIENTS = {"streetlens-streaming": "iterated", "streetlens": "kept", "google-genai": "kept"}
SIZES, FULL_SIZES = (1_000, 100_000), (1_000, 100_000, 1_000_000)

# A client in Python takes minutes for more.
LARGEST_IN_PYTHON = 10_000


def main() -> None:
    """Measures and prints medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=SIZES)
    parser.add_argument("--full", action="store_true", help="a million images as well")
    parser.add_argument("--concurrency", type=int, default=256)
    parser.add_argument("--latency-ms", type=int, default=5)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--clients", nargs="+", default=list(CLIENTS), choices=CLIENTS)
    options = parser.parse_args()
    sizes = FULL_SIZES if options.full else tuple(options.images)
    rows = []
    with neutral_server() as url:
        for client in options.clients:
            smallest: tuple[int, float] | None = None
            for size in sizes:
                images = size if client.startswith("streetlens") else min(size, LARGEST_IN_PYTHON)
                conditions = Conditions(options.latency_ms)
                job = Job(client, url, images, str(options.concurrency), conditions=conditions)
                measurements: list[Measurement] = [run(job) for _ in range(options.runs)]
                growth = median(measurements, "memory_growth")
                each = ""
                if smallest is None:
                    smallest = images, growth
                elif images > smallest[0]:
                    each = f"{(growth - smallest[1]) * 2**20 / (images - smallest[0]):.0f} B"
                peak, wall = median(measurements, "peak_memory"), median(measurements, "wall")
                rows.append(
                    [
                        client,
                        CLIENTS[client],
                        f"{images}",
                        f"{growth:.1f} MB",
                        each,
                        f"{peak:.0f} MB",
                        f"{images / wall:.0f}",
                    ]
                )
    say(f"\n{options.concurrency} in flight, {options.latency_ms} ms, a fresh process each")
    table(["client", "answers", "images", "growth", "each further row", "peak", "images/s"], rows)


if __name__ == "__main__":
    main()
