"""Where a model is asked, and requests of the caller's own."""

from __future__ import annotations

from streetlens import _streetlens
from streetlens._calls.call import Call
from streetlens._calls.session import Session
from streetlens.options import OnRetired


def place(session: Session, model: str | None, *, on_retired: OnRetired) -> tuple[str, str, list[str]]:
    """Model, location and notes of what was changed from the user's wish."""
    choice = {"model": model, "on_retired": on_retired, "strict_region": session.strict_region}
    return _streetlens.place(session.native(), choice)


def generate_content(session: Session, model: str, location: str, body: str, *, timeout: float) -> Call[str]:
    """A request of the caller's own; the result is the answer's JSON."""
    return Call(_streetlens.generate_content(session.native(), model, location, body, timeout), str)
