"""The whole workflow on the emulator: subscribe, query, classify, then a summary and a page to look at."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streetlens.demo.workflow import Played

__all__ = ["run"]


def run(
    rows: int = 300,
    output: Path | str = "demo",
    *,
    open_page: bool = True,
    say: Callable[[str], None] = print,
) -> Played:
    """Classify `rows` synthetic images, print a summary, and write `index.html` into the folder `output`.

    Raises:
        ImportError: A package of the extra `streetlens[emulator]` is missing; the message names it.
        OSError: The page cannot be written.
    """
    from streetlens.emulator import extra  # noqa: PLC0415 - `import streetlens.demo` needs none of the extra's packages

    extra.require()
    from streetlens.demo.page import page_html  # noqa: PLC0415 - see above
    from streetlens.demo.summary import summary_text  # noqa: PLC0415 - see above
    from streetlens.demo.workflow import play  # noqa: PLC0415 - see above

    folder = Path(output)
    folder.mkdir(
        parents=True, exist_ok=True
    )  # before the work: a folder that cannot be made costs nobody a run
    page = folder / "index.html"
    played = play(rows, say)
    say(summary_text(played))
    page.write_text(page_html(played), encoding="utf-8")
    say(f"\nThe page with every image: {page.resolve()}")
    if open_page and _has_a_screen():
        webbrowser.open(page.resolve().as_uri())
    return played


def _has_a_screen() -> bool:
    """Whether somebody looks on: a text browser in the terminal of a server would wait for keys that never come."""
    has_display = sys.platform in {"darwin", "win32"} or any(
        map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY"))
    )
    return has_display and sys.stdout.isatty()
