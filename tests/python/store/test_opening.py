"""Opening a store: what is there is opened, and nothing else is touched."""

from __future__ import annotations

import pickle
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import streetlens as sl
from child_process import printed_by
from store.filled import answer, fill


def test_a_store_is_opened_by_its_file_or_its_folder(path: Path) -> None:
    for named in (path, str(path), path.parent, f"{path.parent}/"):
        with sl.open_store(named) as store:
            assert (store.path, len(store)) == (path, 5)


def test_without_a_path_the_environment_names_the_store(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREETLENS_STORE", str(path))
    with sl.open_store() as store:
        assert store.path == path


def test_without_a_path_the_data_folder_has_the_store(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STREETLENS_STORE", raising=False)
    folder = path.parent / "streetlens"
    folder.mkdir()
    shutil.copy(path, folder)
    monkeypatch.setenv("XDG_DATA_HOME", str(path.parent))
    monkeypatch.setattr("sys.platform", "linux")
    with sl.open_store() as store:
        assert store.path == folder / "answers.sqlite"


def test_a_store_that_is_turned_off_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREETLENS_STORE", "off")
    with pytest.raises(sl.ConfigurationError, match="turned off"):
        sl.open_store()


def test_a_file_that_is_missing_is_named_and_not_created(tmp_path: Path) -> None:
    with pytest.raises(sl.StoreError, match=r"answers\.sqlite` cannot be used: there is no such file"):
        sl.open_store(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"gcs_uri\n" * 200, b"SQLite format 3\x00" + b"x" * 5_000])
def test_a_file_that_is_no_store_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "answers.sqlite"
    path.write_bytes(content)
    with pytest.raises(sl.StoreError, match="cannot be used"):
        sl.open_store(path)
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other.db") as connection:
        connection.execute("CREATE TABLE answers (x)")
    with pytest.raises(sl.StoreError, match="another program"):
        sl.open_store(tmp_path / "other.db")


def test_a_newer_store_is_refused_with_what_to_do(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(sl.StoreError, match="a newer streetlens wrote it") as caught:
        sl.open_store(path)
    assert "upgrade streetlens" in str(caught.value.hint)


@pytest.mark.parametrize("path", [7, True, b"answers.sqlite", ["a"]])
def test_what_is_no_path_is_refused(path: Any) -> None:
    with pytest.raises(sl.ConfigurationError, match="`store="):
        sl.open_store(path)


def test_a_damaged_answer_is_an_error_and_not_a_wrong_answer(tmp_path: Path) -> None:
    path = fill(tmp_path / "answers.sqlite", [answer(0, body_length=7), answer(1)])
    with sl.open_store(path) as store, pytest.raises(sl.StoreError, match=r"answers\.sqlite"):
        store.answers()


def test_a_closed_store_says_so(path: Path) -> None:
    store = sl.open_store(path)
    store.close()
    store.close()
    with pytest.raises(sl.StoreError, match="it was closed"):
        len(store)
    assert repr(store) == f"Store at {path}, closed"


def test_closing_leaves_one_file(path: Path) -> None:
    with sl.open_store(path) as store:
        assert store.prune(run="run-1") == 3
    assert list(path.parent.iterdir()) == [path]


def test_another_program_may_write_while_a_store_is_open(path: Path) -> None:
    with sl.open_store(path) as store, sqlite3.connect(path) as other:
        other.execute("DELETE FROM answers WHERE run = 'run-2'")
        other.commit()
        assert len(store) == 3


def test_a_store_is_not_pickled(store: sl.Store) -> None:
    with pytest.raises(TypeError, match="open it in each process"):
        pickle.dumps(store)


def test_a_full_disk_is_an_error_that_names_the_file_and_what_to_do(path: Path) -> None:
    program = """
        import resource, sys
        import streetlens as sl

        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # Python ignores the signal that goes with it
        try:
            sl.open_store(sys.argv[1])
        except sl.StoreError as error:
            print(error)
    """
    said = printed_by(program, str(path))
    assert said.startswith(f"the store `{path}` failed: the disk ")
    assert "hint: " in said
    with sl.open_store(path) as store:
        assert len(store) == 5


FORKED = """
    import os, sys, warnings
    import streetlens as sl

    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork with threads
    store = sl.open_store(sys.argv[1])
    len(store)
    child = os.fork()
    if child == 0:
        try:
            len(store)
        except sl.StoreError as error:
            print(error.message.partition(": ")[2])
        print(len(repr(store).splitlines()))
        store.close()
        del store
        with sl.open_store(sys.argv[1]) as own:
            print(own.prune(run="run-1"))
        sys.stdout.flush()
        os._exit(0)
    print(os.waitpid(child, 0)[1], len(store), store.prune(run="run-2"))
"""


def test_a_forked_child_opens_a_store_of_its_own_and_harms_not_its_parents(path: Path) -> None:
    said = printed_by(FORKED, str(path)).splitlines()
    assert said == ["it was opened by the process that this one was forked from", "1", "3", "0 2 2"]
