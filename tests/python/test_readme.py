"""Every Python snippet of the README runs, in order, as a reader would run them in a notebook."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from streetlens.emulator import Emulator

README = Path(__file__).parents[2] / "README.md"


def _snippets() -> Iterator[tuple[int, str]]:
    """Each Python block with the line of the README where its code begins."""
    text = README.read_text(encoding="utf-8")
    for block in re.finditer(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield text.count("\n", 0, block.start(1)), block[1]


def _run(line: int, source: str, names: dict[str, Any]) -> None:
    tree = ast.increment_lineno(ast.parse(source), line)
    # A reader's notebook does not have this module's `from __future__ import annotations`.
    code = compile(tree, str(README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    result = eval(code, names)
    if inspect.iscoroutine(result):
        asyncio.run(result)


def test_every_python_snippet_runs(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the address of the services differs from what a reader has."""
    monkeypatch.setenv("STREETLENS_ENDPOINT", emulator.url)
    monkeypatch.chdir(tmp_path)
    _draw(emulator, tmp_path / "photos")
    names: dict[str, Any] = {"__name__": "__main__"}
    snippets = list(_snippets())
    assert len(snippets) >= 7
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # the README tells of the ones it gives
        for line, source in snippets:
            _run(line, source, names)
    printed = capsys.readouterr().out
    assert "{'ok': 20}" in printed
    assert "gemini-0.1-flash" in printed


def _draw(emulator: Emulator, folder: Path) -> None:
    folder.mkdir()
    for number, load in enumerate(list(emulator.world.dataset.images.values())[:2]):
        (folder / f"{number}.jpg").write_bytes(load())
