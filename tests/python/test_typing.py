"""What a type checker tells users: right programs pass, wrong ones do not, and the native stub is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "typing"


def mypy(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def complaints() -> str:
    """What mypy says of all programs, at the strictness of a careful user."""
    programs = sorted(str(path) for path in PROGRAMS.glob("*.py"))
    return mypy("mypy", "--strict", "--show-error-codes", "--no-error-summary", *programs).stdout


def refused_by_line(program: str, complaints: str) -> dict[int, set[str]]:
    """Rule names by line, as mypy reports them for one program."""
    found: dict[int, set[str]] = {}
    for line, rule in re.findall(rf"{program}:(\d+): error: .*\[([\w-]+)\]$", complaints, re.MULTILINE):
        found.setdefault(int(line), set()).add(rule)
    return found


def test_right_programs_type_check(complaints: str) -> None:
    assert [line for line in complaints.splitlines() if "accepted.py" in line] == []


def test_wrong_programs_are_refused_for_the_reason_that_is_named(complaints: str) -> None:
    source = (PROGRAMS / "refused.py").read_text(encoding="utf-8")
    expected = {
        number: set(rules.split(", "))
        for number, line in enumerate(source.splitlines(), 1)
        for rules in re.findall(r"# refused: ([\w, -]+)$", line)
    }
    assert expected
    assert refused_by_line("refused.py", complaints) == expected


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "python" / "streetlens" / "py.typed").is_file()


def test_the_stub_of_the_native_module_is_true() -> None:
    """stubtest compares names, parameters and kinds with the compiled module."""
    compared = mypy("mypy.stubtest", "streetlens._streetlens")
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert "no issues found" in compared.stdout
