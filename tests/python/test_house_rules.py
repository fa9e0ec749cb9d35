"""What every tracked file keeps to: short, named for what it holds, and free of the machine it was written on."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 400

# Files that may be longer, each with its reason.
LONGER: dict[str, str] = {}

NAMES_THAT_SAY_NOTHING = {"common", "helper", "helpers", "misc", "util", "utils"}

TRACES_OF_A_MACHINE = re.compile(
    r"""
    /home/\w+/ | /Users/\w+/ | (?<![\w.])/root/ | (?<![\w.])/work/(?:main|shared) | [A-Z]:\\\\Users
    """,
    re.VERBOSE,
)


def tracked() -> list[Path]:
    """Every committed file; without git, as in an unpacked archive, every file of the source folders."""
    if not (ROOT / ".git").exists():
        folders = (ROOT / name for name in ("src", "python", "tests", "notebooks"))
        return [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file()]


FILES = tracked()
SOURCES = [path for path in FILES if path.suffix in {".py", ".rs", ".pyi"}]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def lines_without_inline_tests(path: Path) -> int:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".rs":
        source = source.partition("\n#[cfg(test)]\n")[0]
    return source.count("\n")


def test_the_rules_see_the_sources() -> None:
    assert len(SOURCES) > 100


def test_no_source_is_longer_than_can_be_read_at_once() -> None:
    too_long = {
        named(path): lines
        for path in SOURCES
        if (lines := lines_without_inline_tests(path)) > LONGEST and named(path) not in LONGER
    }
    assert too_long == {}


def test_an_exception_to_the_length_is_needed() -> None:
    assert [name for name in LONGER if lines_without_inline_tests(ROOT / name) <= LONGEST] == []


def test_every_file_is_named_for_what_it_holds() -> None:
    nameless = [
        named(path)
        for path in SOURCES
        if NAMES_THAT_SAY_NOTHING & {part.strip("_") for part in path.relative_to(ROOT).with_suffix("").parts}
    ]
    assert nameless == []


def test_no_file_names_the_machine_it_was_written_on() -> None:
    traces = []
    for path in FILES:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # pictures and arrays
        traces += [f"{named(path)}: {found[0]}" for found in TRACES_OF_A_MACHINE.finditer(text)]
    assert [trace for trace in traces if not trace.startswith(named(Path(__file__)))] == []


@pytest.mark.parametrize("suffix", [".py", ".pyi"])
def test_every_module_says_what_it_does(suffix: str) -> None:
    silent = []
    for path in SOURCES:
        if path.suffix == suffix and (source := path.read_text(encoding="utf-8")).strip():
            documentation = ast.get_docstring(ast.parse(source)) or ""
            if not documentation.partition("\n")[0].strip():
                silent.append(named(path))
    assert silent == []


def test_every_rust_module_says_what_it_does() -> None:
    silent = [
        named(path)
        for path in SOURCES
        if path.suffix == ".rs" and not path.read_text(encoding="utf-8").startswith("//! ")
    ]
    assert silent == []


def test_no_test_is_left_out() -> None:
    """A test that is skipped or expected to fail proves nothing."""
    left_out = re.compile(r"pytest\.(?:skip|xfail)\(|mark\.(?:skip|xfail|skipif)|#\[ignore")
    found = [
        f"{named(path)}: {match[0]}"
        for path in SOURCES
        if path != Path(__file__)
        for match in left_out.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_nothing_is_put_off_in_a_comment() -> None:
    put_off = re.compile(r"(?:#|//)[^\n]*\b(?:TODO|FIXME|XXX)\b")
    found = [
        f"{named(path)}: {match[0]}"
        for path in SOURCES
        if path != Path(__file__)
        for match in put_off.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_a_silenced_check_says_why() -> None:
    """`noqa` and `type: ignore` name their rule and carry a reason."""
    bare = re.compile(
        r"# noqa(?!: [A-Z]+\d+(?:, ?[A-Z]+\d+)* - \S)|# type: ignore(?!\[[\w-]+(?:, ?[\w-]+)*\] +(?:#|-) \S)"
    )
    found = [
        f"{named(path)}: {line.strip()}"
        for path in SOURCES
        if path.suffix in {".py", ".pyi"} and path != Path(__file__)
        for line in path.read_text(encoding="utf-8").splitlines()
        if bare.search(line)
    ]
    assert found == []
