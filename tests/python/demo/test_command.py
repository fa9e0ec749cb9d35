"""The `streetlens` command."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

import streetlens
from streetlens.__main__ import main
from streetlens.emulator import extra

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def without_duckdb(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets DuckDB look not installed."""

    def find(name: str) -> Any:
        return None if name == "duckdb" else find_spec(name)

    monkeypatch.setattr(extra, "find_spec", find)


@pytest.mark.usefixtures("without_duckdb")
@pytest.mark.parametrize("command", ["demo", "emulator"])
def test_a_missing_package_is_named_with_the_command_that_installs_it(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, and an exit status that scripts can see."""
    assert main([command]) == 1
    said = capsys.readouterr()
    assert "duckdb" in said.err
    assert 'pip install "streetlens[emulator]"' in said.err
    assert said.out == ""


@pytest.mark.usefixtures("without_duckdb")
def test_run_raises_for_a_missing_package_before_it_writes_anything(tmp_path: Path) -> None:
    """The function behind the command says the same as an exception."""
    from streetlens import demo

    with pytest.raises(ImportError, match=r"streetlens\[emulator\]"):
        demo.run(5, tmp_path / "demo", open_page=False)
    assert not (tmp_path / "demo").exists()


def test_the_demo_writes_its_page_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With so few images nothing is planted, and every one is answered."""
    assert main(["demo", "--rows", "3", "--output", str(tmp_path), "--no-open"]) == 0
    said = capsys.readouterr().out
    assert "3 images in, 3 rows out" in said
    assert str(tmp_path / "index.html") in said
    assert (tmp_path / "index.html").stat().st_size > 10_000


def test_a_folder_that_cannot_be_made_is_named_before_the_work_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file is in the way."""
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    assert main(["demo", "--output", str(in_the_way / "demo"), "--no-open"]) == 1
    said = capsys.readouterr()
    assert str(in_the_way) in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    "arguments", [["demo", "--rows", "0"], ["demo", "--rows", "few"], ["demo", "--columns", "3"]]
)
def test_arguments_that_make_no_sense_are_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """By the usual exit status of misuse."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert arguments[1] in capsys.readouterr().err


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    """As `pip` knows it."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"streetlens {streetlens.__version__}\n"


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """It names both commands."""
    assert main([]) == 2
    assert "{demo,emulator}" in capsys.readouterr().out


def test_the_emulators_own_help_is_within_reach(capsys: pytest.CaptureFixture[str]) -> None:
    """Its options are passed on untouched."""
    with pytest.raises(SystemExit) as ended:
        main(["emulator", "--help"])
    assert ended.value.code == 0
    assert "--observations" in capsys.readouterr().out
