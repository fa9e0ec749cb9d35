"""One small play of the demo for every test of this folder."""

from __future__ import annotations

import pytest

from demo.demonstration import ROWS, Demonstrated
from streetlens import demo


@pytest.fixture(scope="session")
def demonstrated(tmp_path_factory: pytest.TempPathFactory) -> Demonstrated:
    """The demo with a few images."""
    folder = tmp_path_factory.mktemp("demo") / "not" / "there" / "yet"
    lines: list[str] = []
    played = demo.run(ROWS, folder, open_page=False, say=lines.append)
    return Demonstrated(played, "\n".join(lines), (folder / "index.html").read_text(encoding="utf-8"))
