"""What a query job does: one statement or a script, in a session or on its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

import duckdb

from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import invalid_query
from streetlens.emulator.bigquery.job import Job
from streetlens.emulator.bigquery.outcomes import Outcome, StatementRequest
from streetlens.emulator.bigquery.result_cache import ResultCache
from streetlens.emulator.bigquery.scripts import Interpreter, Part, read_script
from streetlens.emulator.bigquery.sessions import Session, Sessions, aborted_session, temporary_dataset
from streetlens.emulator.bigquery.statements import analyze, execute, statement_location, tables_of


class Queries:
    """Runs the statements of query jobs; `add_child` runs a job that a script made of one of its statements."""

    def __init__(self, engine: Engine, add_child: Callable[[Job], None]) -> None:
        self._engine = engine
        self._sessions = Sessions(engine)
        self._add_child = add_child
        self._cache = ResultCache()

    def located(self, request: StatementRequest) -> tuple[StatementRequest, Session | None]:
        """Return the request with its location, and its session: a new one, or one that must exist."""
        session = None
        if request.session_id is not None:
            session = self._sessions.find(request.project, request.session_id, request.location)
        where = session.location if session is not None else request.location
        where = where or statement_location(self._engine, request)
        if request.creates_session:
            session = self._sessions.create(request.project, where)
        temporary = (session.project, session.temporary.dataset_id) if session is not None else None
        return replace(request, location=where, temporary=temporary), session

    def dry_run(self, request: StatementRequest) -> Outcome:
        """Return the schema and cost of a statement; raises its errors. A script is only read, as nothing ran."""
        if read_script(request.sql) is not None:
            return Outcome("SCRIPT", request.location or statement_location(self._engine, request))
        if request.session_id is not None:
            request = self.located(request)[0]
        return analyze(self._engine, request)

    def perform(
        self, job: Job, request: StatementRequest, session: Session | None, cursor: duckdb.DuckDBPyConnection
    ) -> Outcome:
        """Do the work of a query job: a statement or a script, in its session if it has one."""
        with session.turn if session is not None else nullcontext():
            aborted = aborted_session(request.sql)
            if aborted is not None:
                return self._abort(request, session, aborted)
            items = read_script(request.sql)
            if items is None:
                return self._answer(job, request, cursor)
            temporary = None
            if request.temporary is None:
                temporary = temporary_dataset(self._engine, job.project, job.location)
                request = replace(request, temporary=(temporary.project, temporary.dataset_id))

            def run(statement: StatementRequest, part: Part) -> Outcome:
                return self._run_child(job, statement, part, cursor)

            try:
                return Interpreter(self._engine, cursor, request, run, lambda: job.stop).execute(items)
            finally:
                if temporary is not None:
                    self._engine.delete_dataset(temporary.dataset_id, project=temporary.project)

    def _answer(self, job: Job, request: StatementRequest, cursor: duckdb.DuckDBPyConnection) -> Outcome:
        """Run one statement, unless the same was answered before."""
        outcome = self._cache.find(request)
        if outcome is None or outcome.referenced != tables_of(self._engine, request):
            outcome = execute(self._engine, request, cursor)
            self._cache.add(request, job, outcome)
        return outcome

    def _abort(self, request: StatementRequest, session: Session | None, named: str) -> Outcome:
        found = self._sessions.find(request.project, named, None) if named else session
        if found is None:
            raise invalid_query("BQ.ABORT_SESSION without a session id is allowed in a session only")
        self._sessions.end(found)
        return Outcome("CALL", request.location or self._engine.location)

    def _run_child(
        self, parent: Job, request: StatementRequest, part: Part, cursor: duckdb.DuckDBPyConnection
    ) -> Outcome:
        """Run a statement of a script as a job of its own; raises its error."""
        query = {**parent.configuration.get("query", {}), "query": part.text}
        child = Job(
            parent.project,
            f"script_job_{uuid.uuid4().hex}_{len(parent.children)}",
            {"query": query},
            lambda cursor: execute(self._engine, request, cursor),
            self._engine.wall_clock(),
            self._engine.clock(),
            parent.location,
            labels=parent.labels,
            session_id=parent.session_id,
            parent=parent,
            cursor=cursor,
            frame=part.frame,
        )
        parent.children.append(child)
        self._add_child(child)
        if child.error is not None:
            raise child.error
        assert child.outcome is not None
        parent.anonymous = child.anonymous or parent.anonymous
        return child.outcome
