"""The clients that are compared at classification, each asked the same about the same images.

`python classifiers.py JOB` runs one of them in this process, checks that every answer is its own image's, and prints
what it took. Nothing but the client that runs is imported, so that any interpreter that has it will do.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from measuring import (
    BINARIES,
    Conditions,
    Measurement,
    Stopwatch,
    children_seconds,
    measured,
    report,
    set_conditions,
)

MODEL = "gemini-3.5-flash-lite"
PROMPT = "You are an expert in road signs. Say what the sign in the picture is, in one word. " * 20
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "fingerprint": {"type": "string"},
        "kind": {"type": "string", "enum": ["stop", "yield", "speed limit", "other"]},
        "legible": {"type": "boolean"},
        "faces": {"type": "integer"},
    },
    "required": ["fingerprint", "kind", "legible", "faces"],
}

# Of each image, in any order: its place, and what was answered about it.
Fingerprints = Iterable["tuple[int, str | None]"]


@dataclass(frozen=True)
class Job:
    """What one client has to do; `timeout` is the seconds of one attempt, where the client is told of it."""

    classifier: str
    url: str
    images: int
    concurrency: str = "64"
    timeout: float | None = None
    conditions: Conditions = field(default_factory=Conditions)

    def command(self, python: str = sys.executable) -> list[str]:
        """The command that does it in a fresh process."""
        return [python, __file__, json.dumps(asdict(self))]


def uris(count: int) -> list[str]:
    """Addresses as long as those of the data set."""
    return [f"gs://geoai_published__us/5a7c2d41/v0/o1:{index:032x}:00110060.jpg" for index in range(count)]


def fingerprint(uri: str) -> str:
    """FNV-1a in 64 bits, which is what the neutral server answers."""
    value = 0xCBF29CE484222325
    for byte in uri.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    return f"{value:016x}"


def _options(job: Job) -> dict[str, Any]:
    given = {} if job.timeout is None else {"timeout": job.timeout}
    return {"model": MODEL, "schema": SCHEMA, "concurrency": job.concurrency, "progress": False, **given}


def streetlens(job: Job, images: list[str]) -> Fingerprints:
    """`classify` with a store on the disk and typed columns."""
    with tempfile.TemporaryDirectory() as folder:
        yield from _with_streetlens(job, images, folder)


def streetlens_without_store(job: Job, images: list[str]) -> Fingerprints:
    """The same, which keeps nothing on the disk."""
    return _with_streetlens(job, images, False)


def _with_streetlens(job: Job, images: list[str], store: str | bool) -> Fingerprints:
    client = importlib.import_module("streetlens").Client("bench", "us", endpoint=job.url, store=store)
    results = client.classify(images, PROMPT, **_options(job))
    for position, row in enumerate(results):
        yield position, row["fingerprint"]


def streetlens_streaming(job: Job, images: list[str]) -> Fingerprints:
    """`start`, of whose answers no one is kept."""
    with tempfile.TemporaryDirectory() as folder:
        client = importlib.import_module("streetlens").Client("bench", endpoint=job.url, store=folder)
        for answer in client.start(images, PROMPT, **_options(job)):
            yield answer.row, answer["fingerprint"]


def _together(job: Job, images: list[str], ask: Callable[[str], Awaitable[str | None]]) -> Fingerprints:
    """`gather` and a semaphore, as the guides of asynchronous clients have it; an error is an answer that is lost."""

    async def every() -> list[str | None]:
        slots = asyncio.Semaphore(int(job.concurrency))

        async def one(uri: str) -> str | None:
            async with slots:
                try:
                    text = await ask(uri)
                except Exception:  # noqa: BLE001 - whatever the client raises, the row is lost
                    return None
                try:
                    return str(json.loads(text or "")["fingerprint"])
                except ValueError:
                    return None

        return await asyncio.gather(*map(one, images))

    return enumerate(asyncio.run(every()))


def genai(job: Job, images: list[str], attempts: int | None = None) -> Fingerprints:
    """google-genai's asynchronous client, which takes aiohttp where it is installed."""
    from google import genai
    from google.genai import types
    from google.oauth2.credentials import Credentials

    options = types.HttpOptions(base_url=job.url)
    if job.timeout is not None:
        options.timeout = int(1_000 * job.timeout)
    if attempts is not None:
        options.retry_options = types.HttpRetryOptions(attempts=attempts)
    client = genai.Client(
        vertexai=True,
        project="bench",
        location="us",
        credentials=Credentials(token="bench"),
        http_options=options,
    )
    config = types.GenerateContentConfig(response_mime_type="application/json", response_json_schema=SCHEMA)

    async def ask(uri: str) -> str | None:
        contents: list[Any] = [types.Part.from_uri(file_uri=uri, mime_type="image/jpeg"), PROMPT]
        response = await client.aio.models.generate_content(model=MODEL, contents=contents, config=config)
        return response.text

    return _together(job, images, ask)


def genai_retrying(job: Job, images: list[str]) -> Fingerprints:
    """The same with its own retries."""
    return genai(job, images, attempts=5)


def litellm(job: Job, images: list[str]) -> Fingerprints:
    """litellm's asynchronous completion."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    completion = importlib.import_module("litellm").acompletion
    wanted = {"type": "json_schema", "json_schema": {"name": "sign", "schema": SCHEMA}}

    async def ask(uri: str) -> str | None:
        image = {"type": "file", "file": {"file_id": uri, "format": "image/jpeg"}}
        response = await completion(
            model="gemini/gemini-2.5-flash",
            api_key="bench",
            api_base=f"{job.url}/models/gemini-2.5-flash",
            messages=[{"role": "user", "content": [image, {"type": "text", "text": PROMPT}]}],
            response_format=wanted,
        )
        text: str | None = response.choices[0].message.content
        return text

    return _together(job, images, ask)


CLASSIFIERS: dict[str, Callable[[Job, list[str]], Fingerprints]] = {
    "streetlens": streetlens,
    "streetlens-without-store": streetlens_without_store,
    "streetlens-streaming": streetlens_streaming,
    "google-genai": genai,
    "google-genai-retrying": genai_retrying,
    "litellm": litellm,
}
BARE = "bare-reqwest"


def run(job: Job, *, python: str = sys.executable, seconds: float = 900.0) -> Measurement:
    """Does the job in a fresh process. Raises TimeoutError when it is not done in time."""
    if job.classifier != BARE:
        return measured(job.command(python), seconds=seconds)
    set_conditions(job.url, job.conditions)
    before = children_seconds()
    command = [str(BINARIES / "bare_reqwest"), job.url, str(job.images), job.concurrency]
    measurement = measured(command, seconds=seconds)
    # All of that process: it begins in a few milliseconds.
    return Measurement(measurement.wall, children_seconds() - before, 0.0)


def is_importable(module: str, python: str) -> bool:
    """Whether that interpreter has the module."""
    tried = subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False)
    return tried.returncode == 0


def main() -> None:
    """Does the job of the command line and reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", help="a Job as JSON")
    fields = json.loads(parser.parse_args().job)
    job = Job(**{**fields, "conditions": Conditions(**fields["conditions"])})
    classify = CLASSIFIERS[job.classifier]
    # Imports and first-use costs are measured elsewhere.
    set_conditions(job.url, Conditions())
    first = Job(job.classifier, job.url, 1, "1")
    if list(classify(first, uris(1))) != [(0, fingerprint(uris(1)[0]))]:
        raise RuntimeError(f"{job.classifier} gets no answer from the neutral server")
    images = uris(job.images)
    right = list(map(fingerprint, images))
    set_conditions(job.url, job.conditions)
    watch = Stopwatch()
    answered = wrong = 0
    for position, answer in classify(job, images):
        if answer is not None:
            answered += 1
            wrong += answer != right[position]
    measurement = watch.stop(lost=job.images - answered)
    if wrong:
        raise RuntimeError(f"{wrong} of {answered} answers are not their image's")
    report(measurement)


if __name__ == "__main__":
    main()
