"""Every notebook runs from top to bottom against the emulator, and is stored without output."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from child_process import clean_environment

FOLDER = Path(__file__).parents[3] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def read(path: Path) -> Any:
    return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)  # type: ignore[no-untyped-call]  # not typed


def code_of(path: Path) -> list[Any]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def executed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The code cells of one notebook after a run in a fresh kernel, in an empty folder, without settings of ours."""
    notebook = read(request.param)
    folder = tmp_path_factory.mktemp(request.param.stem)
    client = NotebookClient(
        notebook, timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute(env=clean_environment({"IPYTHONDIR": str(folder)}))
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def printed(cells: list[Any], name: str = "stdout") -> str:
    return "".join(output.text for cell in cells for output in cell.outputs if output.get("name") == name)


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


def test_every_cell_runs(executed: list[Any]) -> None:
    """A cell that raises stops the run before this."""
    assert all(cell.execution_count is not None for cell in executed)


def test_nothing_fails_quietly(executed: list[Any]) -> None:
    assert "Classification failed." not in printed(executed)
    assert "Traceback" not in printed(executed, "stderr")


def test_images_are_answered(executed: list[Any]) -> None:
    assert printed(executed).count("The picture shows") > 10


def test_what_was_replaced_is_told_once(executed: list[Any]) -> None:
    told = printed(executed, "stderr")
    assert told.count("was retired on") == 1
    assert told.count("is not served in `us-central1`") == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_output_is_stored(path: Path) -> None:
    assert [cell for cell in code_of(path) if cell.outputs or cell.execution_count is not None] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_kernel_is_named_so_that_no_dialog_asks(path: Path) -> None:
    assert read(path).metadata.kernelspec.name == "python3"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_one_variable_chooses_the_emulator(path: Path) -> None:
    choices = [
        cell.source
        for cell in code_of(path)
        if re.search(r'^SERVICES = "emulator"', cell.source, re.MULTILINE)
    ]
    assert len(choices) == 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_index_names_it(path: Path) -> None:
    assert f"({path.name})" in (FOLDER / "README.md").read_text(encoding="utf-8")
