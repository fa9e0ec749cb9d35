"""How much of a quota is used and how much is refused, and how soon a changed quota is followed.

The server serves 200 requests a second and 20 at once, and refuses the rest with 429. Shares are those of the time
after the first ten seconds. After a change a client has settled once two seconds follow in which it uses 93 % of the
new quota and at most 5 % of its requests are refused.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass

from classifiers import Job, run
from measuring import Conditions, Counts, counts, neutral_server, say, table

CLIENTS = {"streetlens": "4-20-200", "google-genai-retrying": "64"}
RATE, LATENCY_MS = 200.0, 50
FIRST, STEP = 10.0, 15.0
WINDOW, USED, REFUSED = 2.0, 0.93, 0.05


@dataclass(frozen=True)
class Steady:
    """What one client made of a quota that does not change."""

    used: float
    refused: float
    requests_per_image: float
    lost: float


@dataclass(frozen=True)
class Changing:
    """Seconds until one client had settled, endless where it never did."""

    halved: float
    doubled: float
    refused: float
    lost: float


def between(seen: Counts, start: float, end: float) -> tuple[int, int]:
    """Requests answered and refused from one second to another, after the first request."""
    tenths = seen.tenths[round(start * 10) : round(end * 10)]
    return sum(answered for answered, _ in tenths), sum(refused for _, refused in tenths)


def settled(seen: Counts, change: float, until: float, rate: float) -> float:
    """Seconds after the change until the client had settled."""
    for tenth in range(round((until - change - WINDOW) * 10) + 1):
        start = change + tenth / 10
        answered, refused = between(seen, start, start + WINDOW)
        if answered >= USED * rate * WINDOW and refused <= REFUSED * (answered + refused):
            return tenth / 10
    return float("inf")


def steady(url: str, client: str, seconds: float) -> Steady:
    """A quota that does not change, for about so many seconds at its full use."""
    job = Job(
        client,
        url,
        round(RATE * seconds),
        CLIENTS[client],
        conditions=Conditions(latency_ms=LATENCY_MS, quota=[(0, RATE)]),
    )
    measurement = run(job)
    seen = counts(url)
    # The last second is not full.
    end = len(seen.tenths) / 10 - 1.0
    if end <= FIRST:
        raise RuntimeError(f"{client} was done after {end:g} s: give it more --seconds")
    answered, refused = between(seen, FIRST, end)
    return Steady(
        used=answered / (RATE * (end - FIRST)),
        refused=refused / (answered + refused),
        requests_per_image=seen.requests / job.images,
        lost=measurement.lost / job.images,
    )


def changing(url: str, client: str) -> Changing:
    """The quota, half of it, and all of it again."""
    quota = [(0.0, RATE), (STEP, RATE / 2), (2 * STEP, RATE)]
    job = Job(
        client,
        url,
        round((RATE + RATE / 2 + RATE) * STEP),
        CLIENTS[client],
        conditions=Conditions(latency_ms=LATENCY_MS, quota=quota),
    )
    measurement = run(job)
    seen = counts(url)
    end = min(3 * STEP, len(seen.tenths) / 10)
    _, refused = between(seen, FIRST, end)
    return Changing(
        halved=settled(seen, STEP, 2 * STEP, RATE / 2),
        doubled=settled(seen, 2 * STEP, end, RATE),
        refused=refused / sum(between(seen, FIRST, end)),
        lost=measurement.lost / job.images,
    )


def main() -> None:
    """Measures and prints medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--seconds", type=float, default=30.0, help="length of the quota that does not change"
    )
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--clients", nargs="+", default=list(CLIENTS), choices=CLIENTS)
    options = parser.parse_args()
    steadies: dict[str, list[Steady]] = {client: [] for client in options.clients}
    changes: dict[str, list[Changing]] = {client: [] for client in options.clients}
    with neutral_server() as url:
        for _ in range(options.runs):
            for client in options.clients:
                steadies[client].append(steady(url, client, options.seconds))
                changes[client].append(changing(url, client))
    say(f"\na quota of {RATE:g} requests/s, answers in {LATENCY_MS} ms, median of {options.runs} runs")
    rows = [
        [
            client,
            shown([one.used for one in runs], "{:.1%}"),
            shown([one.refused for one in runs], "{:.2%}"),
            shown([one.requests_per_image for one in runs], "{:.3f}"),
            shown([one.lost for one in runs], "{:.1%}"),
        ]
        for client, runs in steadies.items()
    ]
    table(["client", f"used after {FIRST:g} s", "refused", "requests/image", "images lost"], rows)
    say(f"\nhalved after {STEP:g} s, and doubled after {2 * STEP:g} s")
    rows = [
        [
            client,
            shown([one.halved for one in runs], "{:.1f} s"),
            shown([one.doubled for one in runs], "{:.1f} s"),
            shown([one.refused for one in runs], "{:.2%}"),
            shown([one.lost for one in runs], "{:.1%}"),
        ]
        for client, runs in changes.items()
    ]
    table(["client", "settled down", "settled up", f"refused after {FIRST:g} s", "images lost"], rows)


def shown(values: list[float], form: str) -> str:
    """The median, with the least and the most; `never` where there is no end."""
    least, middle, most = (
        form.format(value) for value in (min(values), statistics.median(values), max(values))
    )
    text = f"{middle} ({least} to {most})" if len(values) > 1 else middle
    return text.replace("inf s", "never")


if __name__ == "__main__":
    main()
