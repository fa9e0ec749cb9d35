"""Runs in processes of their own, which can be limited, killed, and run at the same time."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

from child_process import clean_environment
from engine.echo import PROMPT, SCHEMA

RUN = """
    import json, resource, sys
    import streetlens as sl

    url, store, rows, prompt, schema, concurrency, largest_file = sys.argv[1:]
    if int(largest_file):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest_file), int(largest_file)))
    client = sl.Client("demo", "us", endpoint=url, store=store)
    images = [f"gs://pictures/{row:06}.jpg" for row in range(int(rows))]
    error = None
    try:
        results = client.classify(
            images, prompt, schema=json.loads(schema), concurrency=int(concurrency), progress=False
        )
    except sl.StreetlensError as caught:
        error, results = caught, caught.results
    json.dump(
        {
            "error": error and [type(error).__name__, str(error)],
            "uri": results["uri"],
            "status": results["status"],
            "source": results["source"],
        },
        sys.stdout,
    )
"""


def begin(
    url: str, store: Path, rows: int, *, concurrency: int = 4, largest_file: int = 0
) -> subprocess.Popen[str]:
    """Start a process that classifies the images of `uris_of(rows)` and prints its results as JSON."""
    schema = json.dumps(SCHEMA)
    arguments = [url, str(store), str(rows), PROMPT, schema, str(concurrency), str(largest_file)]
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(RUN), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
