"""One run of the demo, kept for several tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streetlens.demo.workflow import Played

ROWS = 24


@dataclass(frozen=True)
class Demonstrated:
    """A play, what it printed, and the page it wrote."""

    played: Played
    said: str
    page: str
