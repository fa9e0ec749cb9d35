"""Sessions: temporary tables that live from one query to the next, until somebody ends the session."""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass, field

from streetlens.emulator.bigquery.catalog import Dataset
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import invalid

_ABORT = re.compile(
    r"""\s*CALL\s+BQ\.ABORT_SESSION\s*\(\s*(?:'([^']*)'|"([^"]*)")?\s*\)\s*;?\s*""", re.IGNORECASE
)


@dataclass
class Session:
    """A session of one project in one location; its statements run one after the other."""

    session_id: str
    project: str
    location: str
    temporary: Dataset
    turn: threading.Lock = field(default_factory=threading.Lock)


class Sessions:
    """The sessions that have not ended."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions: dict[str, Session] = {}

    def create(self, project: str, location: str) -> Session:
        """Begin a session."""
        session_id = secrets.token_urlsafe(45)
        session = Session(session_id, project, location, temporary_dataset(self._engine, project, location))
        self._sessions[session_id] = session
        return session

    def find(self, project: str, session_id: str, location: str | None) -> Session:
        """Return a session; raises invalid for one that has ended or is of another project or location."""
        found = self._sessions.get(session_id)
        if (
            found is None
            or found.project != project
            or (location or found.location).lower() != found.location.lower()
        ):
            raise invalid("Invalid input session id.")
        return found

    def end(self, session: Session) -> None:
        """End a session and drop its temporary tables."""
        if self._sessions.pop(session.session_id, None) is not None:
            self._engine.delete_dataset(session.temporary.dataset_id, project=session.project)


def temporary_dataset(engine: Engine, project: str, location: str) -> Dataset:
    """Return a new hidden data set for temporary tables."""
    name = f"_temporary_{secrets.token_hex(16)}"
    return engine.catalog.add(Dataset(project, name, location, hidden=True))


def aborted_session(sql: str) -> str | None:
    """Return the session that `CALL BQ.ABORT_SESSION(...)` names, empty for the current one; None for other SQL."""
    found = _ABORT.fullmatch(sql)
    return (found[1] or found[2] or "") if found else None
