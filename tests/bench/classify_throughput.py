"""Images per second and processor time per image: streetlens against google-genai's asynchronous client.

Ideal is images x latency / concurrency. Every answer is checked against the image it belongs to.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
from collections.abc import Sequence

from measuring import Stopwatch, interleaved, median, neutral_server, report, say

MODEL = "gemini-3.5-flash-lite"
PROMPT = "You are an expert in road signs. Say what the sign in the picture is, in one word. " * 20
PEERS = ("streetlens", "google-genai")


def fingerprint(uri: str) -> str:
    """FNV-1a in 64 bits, which is what the neutral server answers."""
    value = 0xCBF29CE484222325
    for byte in uri.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return f"{value:016x}"


def classify_with_streetlens(url: str, uris: list[str], concurrency: int) -> Sequence[str | None]:
    """The native call."""
    streetlens = importlib.import_module("streetlens")
    client = streetlens.Client(project="bench-project", region="us-central1", endpoint=url)
    results = client.classify(uris, PROMPT, model=MODEL, concurrency=concurrency)
    return [row["classification"] for row in results]


def classify_with_genai(url: str, uris: list[str], concurrency: int) -> Sequence[str | None]:
    """`gather` and a semaphore over google-genai's asynchronous client."""
    from google import genai
    from google.genai import types
    from google.oauth2.credentials import Credentials

    token = Credentials(token="bench")
    client = genai.Client(
        vertexai=True,
        project="bench-project",
        location="us-central1",
        credentials=token,
        http_options=types.HttpOptions(base_url=url),
    )

    async def every() -> list[str | None]:
        slots = asyncio.Semaphore(concurrency)

        async def one(uri: str) -> str | None:
            async with slots:
                image = types.Part.from_uri(file_uri=uri, mime_type="image/jpeg")
                contents: list[types.PartUnion] = [image, PROMPT]
                response = await client.aio.models.generate_content(model=MODEL, contents=list(contents))
                text: str | None = response.text
                return text

        return await asyncio.gather(*map(one, uris))

    return asyncio.run(every())


def run_peer(peer: str, url: str, images: int, concurrency: int) -> None:
    """Classifies once, checks every answer and reports."""
    uris = [f"gs://geoai_published__us/5a7c2d41/v0/o1:{index:032x}:00110060.jpg" for index in range(images)]
    call = {"streetlens": classify_with_streetlens, "google-genai": classify_with_genai}[peer]
    call(url, uris[:1], 1)  # Imports and first-use costs are measured elsewhere.
    watch = Stopwatch()
    answers = call(url, uris, concurrency)
    measurement = watch.stop()
    wrong = sum(answer != fingerprint(uri) for answer, uri in zip(answers, uris, strict=True))
    if wrong:
        raise RuntimeError(f"{wrong} of {images} answers are not their image's")
    report(measurement)


def main() -> None:
    """Measures and prints medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency-ms", type=int, default=50)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", nargs="+", default=PEERS, choices=PEERS)
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        run_peer(options.peer, options.url, options.images, options.concurrency)
        return
    ideal = options.images * options.latency_ms / 1_000 / options.concurrency
    with neutral_server(latency_ms=options.latency_ms) as url:
        shared = ["--url", url, "--images", str(options.images), "--concurrency", str(options.concurrency)]
        measurements = interleaved(__file__, options.peers, options.runs, shared)
    say(
        f"{options.images} images, {options.concurrency} at once, {options.latency_ms} ms; ideally {ideal:.2f} s"
    )
    for peer, runs in measurements.items():
        wall, processor = median(runs, "wall"), median(runs, "processor")
        say(
            f"{peer:14} wall {wall:6.2f} s = {wall / ideal:5.2f} x ideal ({ideal / wall:.0%} of its rate), "
            f"{options.images / wall:6.0f} images/s, {processor / options.images * 1e6:6.0f} us CPU/image, "
            f"{median(runs, 'peak_memory'):4.0f} MB"
        )
    if set(measurements) == set(PEERS):
        ours, theirs = (measurements[peer] for peer in PEERS)
        say(
            f"ratio: {median(theirs, 'wall') / median(ours, 'wall'):.1f} x the images/s, "
            f"1/{median(theirs, 'processor') / median(ours, 'processor'):.0f} of the processor time"
        )


if __name__ == "__main__":
    main()
