"""The `streetlens` command."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0 done, 1 failed, 2 not understood, 130 stopped."""
    parser = _parser()
    options, rest = parser.parse_known_args(argv)
    if options.command != "emulator" and rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if options.version:
        from streetlens import __version__  # noqa: PLC0415 - the other commands need not load the native module first

        print(f"streetlens {__version__}")  # noqa: T201 - this is a command
        return 0
    if options.command is None:
        parser.print_help()
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A console that lacks a character shows another instead of ending the run.
        sys.stdout.reconfigure(errors="replace")
    try:
        return _run(options, rest)
    except (_ExtraMissing, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is a command
        return 1
    except KeyboardInterrupt:
        return 130


class _ExtraMissing(Exception):
    """Packages that the command needs are not installed; any other ImportError is a defect and keeps its traceback."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="streetlens", description="Street View Insights: query, classify, get every answer back."
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="{demo,emulator}")
    demo = commands.add_parser(
        "demo",
        help="run the whole workflow on this machine and write a page with its results",
        description="Runs the whole workflow against the emulator: nothing leaves this machine, nothing is billed. "
        "A small vision program stands in for Gemini; its accuracy says nothing about Gemini's.",
    )
    demo.add_argument("--rows", type=_positive, default=300, help="images to classify (default: 300)")
    demo.add_argument("--output", type=Path, default=Path("demo"), help="folder of the page (default: demo)")
    demo.add_argument("--no-open", action="store_true", help="do not open the page in a browser")
    commands.add_parser("emulator", help="serve the emulator until Ctrl-C", add_help=False)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _run(options: argparse.Namespace, rest: list[str]) -> int:
    # Imported here, because each command needs packages that the other, and the package itself, do without.
    from streetlens.emulator import extra  # noqa: PLC0415 - see above

    try:
        extra.require()
    except ImportError as error:
        raise _ExtraMissing(error) from error
    if options.command == "emulator":
        from streetlens.emulator.__main__ import main as serve  # noqa: PLC0415 - see above

        return serve(rest)
    from streetlens import demo  # noqa: PLC0415 - see above

    demo.run(options.rows, options.output, open_page=not options.no_open)
    return 0


if __name__ == "__main__":
    sys.exit(main())
