"""Runs the emulator in the foreground: `python -m streetlens.emulator --port 9050 --observations 300`."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

from streetlens.emulator.extra import require


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C; print the URL and the variables for clients; return the exit status."""
    parser = argparse.ArgumentParser(prog="streetlens emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=9050, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--observations", type=int, default=300, help="rows of synthetic data")
    parser.add_argument("--seed", type=int, default=7, help="the same seed draws the same data")
    parser.add_argument("--project", default="streetlens-demo", help="the caller's Google Cloud project")
    parser.add_argument("--location", default="US", help="BigQuery multi-region of the data")
    parser.add_argument(
        "--require-token", action="store_true", help="accept only tokens issued by this emulator"
    )
    parser.add_argument("--subscribed", action="store_true", help="begin with the linked data set in place")
    parser.add_argument(
        "--generation", type=int, choices=(1, 2, 3, 4), help="publish the tables of one generation only"
    )
    options = parser.parse_args(argv)
    try:
        require()
    except ImportError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is a command
        return 1
    from streetlens.emulator.server import start  # noqa: PLC0415 - after require(), for its clear message

    try:
        emulator = start(
            options.port,
            observations=options.observations,
            seed=options.seed,
            project=options.project,
            location=options.location,
            require_token=options.require_token,
            subscribed=options.subscribed,
            generation=options.generation,
        )
    except OSError as error:
        print(f"cannot listen on 127.0.0.1:{options.port}: {error.strerror or error}", file=sys.stderr)  # noqa: T201 - this is a command
        return 1
    lines = [f"streetlens emulator at {emulator.url} (Ctrl-C stops it)", ""]
    lines += [f"export {name}={value}" for name, value in emulator.environment().items()]
    with emulator, suppress(KeyboardInterrupt):
        print("\n".join(lines), flush=True)  # noqa: T201 - this is a command
        threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
