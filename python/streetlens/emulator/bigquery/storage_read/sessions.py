"""Read sessions: a table as it was when the session was made, divided among streams."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from streetlens.emulator.bigquery.arrow import ArrowOptions
from streetlens.emulator.bigquery.arrow_batches import ArrowRows
from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import BigQueryError, invalid
from streetlens.emulator.bigquery.outcomes import StatementRequest
from streetlens.emulator.bigquery.selection import selected
from streetlens.emulator.bigquery.sql.syntax import parse
from streetlens.emulator.bigquery.statements import execute
from streetlens.emulator.rpc_errors import RpcError

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

_TABLE = re.compile(r"projects/([^/]+)/datasets/([^/]+)/tables/([^/]+)")
# https://cloud.google.com/bigquery/quotas#storage-limits and the reference of CreateReadSession.
LIFETIME = 6 * 60 * 60
_LONGEST_RESTRICTION = 1 << 20
_MOST_STREAMS = 1000
# A small table has one stream however many are asked for; the service's own threshold is not published.
_ROWS_PER_STREAM = 1000
_DEFAULT_STREAMS = 8
_KEPT_SESSIONS = 100
_KEPT_ROWS = 4_000_000
_CLAUSES = ("expressions", "from_", "where")


@dataclass(frozen=True)
class Wanted:
    """What a session is asked for; `project` is the one that pays, 0 streams leave the number to the server."""

    project: str
    table: str
    fields: Sequence[str]
    restriction: str
    options: ArrowOptions
    most_streams: int
    preferred_streams: int


@dataclass
class Rows:
    """Rows `first` to `first + count` of a stored table, as one stream sends them."""

    stored: ArrowRows
    first: int
    count: int

    @property
    def schema(self) -> Any:
        """The Arrow schema."""
        return self.stored.schema

    def batches(self, offset: int) -> Iterator[Any]:
        """Yield the record batches from the stream's row `offset`."""
        if offset < self.count:
            yield from self.stored.batches(self.first + offset, self.count - offset)


@dataclass
class Session:
    """A read session; `copy` is the physical table made for it, if one was, and `streams` are the rows by name."""

    name: str
    schema: Any
    options: ArrowOptions
    expires: float
    count: int
    scanned: int
    copy: str | None
    streams: dict[str, Rows]


class Sessions:
    """The newest sessions: a hundred of them, or fewer that together copied four million rows."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def create(self, wanted: Wanted) -> Session:
        """Make a session; raises BigQueryError for what it names and RpcError for what cannot be read."""
        table = self._table(wanted.table)
        chosen = selected(table.fields, ",".join(wanted.fields))
        physical, count, copy = self._frozen(table, wanted.restriction)
        names = [str(item["name"]) for item in chosen.fields]
        stored = ArrowRows(self._engine, physical, names, chosen.expressions)
        location = self._engine.catalog.dataset(table.project, table.dataset_id).location.lower()
        name = f"projects/{wanted.project}/locations/{location}/sessions/{secrets.token_urlsafe(24)}"
        streams = {
            f"{name}/streams/{secrets.token_urlsafe(12)}": Rows(stored, first, size)
            for first, size in _divided(count, wanted.most_streams, wanted.preferred_streams)
        }
        scanned = sum(table.column_bytes.get(item, 0) for item in names)
        expires = self._engine.wall_clock() + LIFETIME
        session = Session(name, stored.schema, wanted.options, expires, count, scanned, copy, streams)
        with self._lock:
            self._sessions[name] = session
            surplus = self._surplus()
        for oldest in surplus:
            self._release(oldest)
        return session

    def _surplus(self) -> list[Session]:
        """Take out the oldest sessions until few enough are left, with few enough copied rows."""
        taken = []
        copied = sum(session.count for session in self._sessions.values() if session.copy is not None)
        while len(self._sessions) > _KEPT_SESSIONS or (copied > _KEPT_ROWS and len(self._sessions) > 1):
            _, oldest = self._sessions.popitem(last=False)
            copied -= oldest.count if oldest.copy is not None else 0
            taken.append(oldest)
        return taken

    def stream(self, session_name: str, stream_name: str) -> tuple[Session, Rows]:
        """Return a stream with its session; raises RpcError for one that is unknown or older than six hours."""
        session = self._sessions.get(session_name)
        rows = session.streams.get(stream_name) if session is not None else None
        if session is None or rows is None:
            raise RpcError("NOT_FOUND", f"request failed: stream '{stream_name}' was not found")
        if session.expires <= self._engine.wall_clock():
            self._release(session)
            at = datetime.fromtimestamp(session.expires, timezone.utc).isoformat(timespec="seconds")
            message = f"there was an error operating on '{stream_name}': session expired at {at}"
            raise RpcError("FAILED_PRECONDITION", message)
        return session, rows

    def _release(self, session: Session) -> None:
        if session.copy is not None:
            self._engine.run(self._engine.cursor(), f"DROP TABLE IF EXISTS {session.copy}")
            session.copy = None

    def _table(self, name: str) -> Table:
        named = _TABLE.fullmatch(name)
        if named is None:
            raise RpcError("INVALID_ARGUMENT", f"request failed: invalid table name '{name}'")
        table = self._engine.catalog.table(*named.groups())
        if table.kind != "TABLE":
            message = f"request failed: table type {table.kind} is not supported by the Storage Read API"
            raise RpcError("FAILED_PRECONDITION", message)
        return table

    def _frozen(self, table: Table, restriction: str) -> tuple[str, int, str | None]:
        """Return where the rows are, how many, and the copy that was made.

        The result of a query does not change, and neither does what somebody else published.
        """
        if restriction.strip():
            physical, count = self._restricted(table, restriction)
            return physical, count, physical
        dataset = self._engine.catalog.find(table.project, table.dataset_id)
        is_result = dataset is not None and dataset.hidden and table.table_id.startswith("anon")
        if is_result or (dataset is not None and dataset.source is not None):
            return table.physical, table.rows, None
        physical = self._engine.fresh_name()
        cursor = self._engine.cursor()
        self._engine.run(cursor, f"CREATE TABLE {physical} AS SELECT * FROM {table.physical}")
        counted = self._engine.run(cursor, f"SELECT count(*) FROM {physical}").fetchone()
        assert counted is not None
        return physical, int(counted[0]), physical

    def _restricted(self, table: Table, restriction: str) -> tuple[str, int]:
        if len(restriction.encode()) > _LONGEST_RESTRICTION:
            message = "read_session.read_options.row_restriction exceeded maximum allowed length."
            raise RpcError("INVALID_ARGUMENT", f"{message} Maximum bytes allowed: {_LONGEST_RESTRICTION}")
        path = f"`{table.project}.{table.dataset_id}.{table.table_id}`"
        sql = f"SELECT * FROM {path} WHERE ({restriction}\n)"
        try:
            statement = parse(sql)
            if not _is_condition(statement):
                raise invalid("only a condition on the columns of one row is allowed")
            outcome = execute(self._engine, StatementRequest(sql, table.project), self._engine.cursor())
        except BigQueryError as error:
            message = f"request failed: Query error: {error.message}"
            raise RpcError("INVALID_ARGUMENT", message) from error
        assert outcome.physical is not None
        return outcome.physical, outcome.total_rows or 0


def _is_condition(statement: Expr) -> bool:
    """Whether what was put between the parentheses of a WHERE clause stayed there, and is about one row."""
    where = statement.args.get("where")
    return (
        isinstance(statement, exp.Select)
        and where is not None
        and isinstance(where.this, exp.Paren)
        and not any(value for key, value in statement.args.items() if key not in _CLAUSES)
        and len(list(statement.find_all(exp.Query, exp.AggFunc, exp.Window))) == 1
    )


def _divided(count: int, most: int, preferred: int) -> Iterator[tuple[int, int]]:
    """Yield (first row, rows) of each stream: none for no rows, at most `most`, at least one row each."""
    wanted = max(-(-count // _ROWS_PER_STREAM), min(preferred, count))
    streams = min(wanted, most or max(_DEFAULT_STREAMS, preferred), _MOST_STREAMS)
    for index in range(streams):
        first = count * index // streams
        yield first, count * (index + 1) // streams - first
