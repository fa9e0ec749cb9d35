"""Where a client keeps paid answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import streetlens as sl

LOCAL = "http://localhost:9050"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A home folder, and nothing that names a place."""
    for name in ("STREETLENS_ENDPOINT", "STREETLENS_STORE", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/me")
    return monkeypatch


def place(**options: Any) -> Path | None:
    client = sl.Client(project="demo", credentials="anonymous", **options)
    found: Path | None = client._session.settings["store"]
    return found


def test_the_users_data_folder_is_the_default() -> None:
    assert place() in {
        Path("/me/.local/share/streetlens/answers.sqlite"),
        Path("/me/Library/Application Support/streetlens/answers.sqlite"),
    }


def test_answers_of_an_emulator_are_kept_only_where_a_place_is_named() -> None:
    assert place(endpoint=LOCAL) is None
    assert place(endpoint={"vertex": LOCAL}) is None
    assert place(endpoint={"bigquery": LOCAL}) is not None
    assert place(endpoint=LOCAL, store="/answers.db") == Path("/answers.db")


def test_the_environment_names_a_place_and_the_argument_wins(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("STREETLENS_STORE", "/environment.db")
    assert place() == place(endpoint=LOCAL) == Path("/environment.db")
    assert place(store="/argument.db") == Path("/argument.db")
    assert place(store=False) is None


@pytest.mark.parametrize("off", ["0", "false", "off", "OFF"])
def test_the_environment_turns_the_store_off(environment: pytest.MonkeyPatch, off: str) -> None:
    environment.setenv("STREETLENS_STORE", off)
    assert place() is None
    assert place(store="/argument.db") == Path("/argument.db")


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (Path("/a/b.db"), "/a/b.db"),
        ("~/b.db", "/me/b.db"),
        ("/a/", "/a/answers.sqlite"),
        ("relative.db", "relative.db"),
    ],
)
def test_a_place_is_named_as_in_a_shell(named: str | Path, expected: str) -> None:
    assert place(store=named) == Path(expected)


@pytest.mark.parametrize("store", [True, 7, b"answers.db", "", " "])
def test_what_is_no_place_is_refused_by_name(store: Any) -> None:
    with pytest.raises(sl.ConfigurationError, match=r"^`store"):
        place(store=store)


def test_making_a_client_creates_no_file(tmp_path: Path) -> None:
    place(store=tmp_path / "folder" / "answers.sqlite")
    assert list(tmp_path.iterdir()) == []
