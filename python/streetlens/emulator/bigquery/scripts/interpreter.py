"""Runs a script: variables are kept as one-row tables of their type, statements are handed to whoever runs jobs."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import duckdb
from sqlglot import exp

from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import BigQueryError, invalid_query, unsupported
from streetlens.emulator.bigquery.outcomes import Outcome, StatementRequest
from streetlens.emulator.bigquery.scripts.syntax import Block, If, Item, Part, Statement
from streetlens.emulator.bigquery.sql.coercion import IMPOSSIBLE, coerce, distance
from streetlens.emulator.bigquery.sql.conversions import declared_type
from streetlens.emulator.bigquery.sql.scope import Scope
from streetlens.emulator.bigquery.sql.syntax import parse
from streetlens.emulator.bigquery.sql.typed import Typed
from streetlens.emulator.bigquery.statements import statement_scope
from streetlens.emulator.bigquery.types import BOOL, Type, duckdb_type

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

RunStatement = Callable[[StatementRequest, Part], Outcome]


@dataclass
class Interpreter:
    """One run of a script; `run` executes a statement as a child job, `stopped` says why nobody wants the rest."""

    engine: Engine
    cursor: duckdb.DuckDBPyConnection
    request: StatementRequest
    run: RunStatement
    stopped: Callable[[], BigQueryError | None]
    _variables: dict[str, Typed] = field(default_factory=dict)
    _tables: list[str] = field(default_factory=list)
    _outcomes: list[Outcome] = field(default_factory=list)

    def execute(self, items: Sequence[Item]) -> Outcome:
        """Run the items; the outcome has the rows of the last statement that returned some."""
        try:
            self._body(items)
        finally:
            for physical in self._tables:
                self.engine.run(self.engine.cursor(), f"DROP TABLE IF EXISTS {physical}")
        location = self.request.location or self.engine.location
        outcome = Outcome(
            "SCRIPT", location, bytes_processed=sum(item.bytes_processed for item in self._outcomes)
        )
        outcome.child_billed = sum(item.billed for item in self._outcomes)
        results = [item for item in self._outcomes if item.physical is not None]
        if results:
            outcome.columns, outcome.physical = results[-1].columns, results[-1].physical
            outcome.total_rows = results[-1].total_rows
        return outcome

    def _body(self, items: Sequence[Item]) -> None:
        for item in items:
            reason = self.stopped()
            if reason is not None:
                raise reason
            if isinstance(item, Block):
                outside = dict(self._variables)
                self._body(item.body)
                self._variables = {name: self._variables[name] for name in outside}
            elif isinstance(item, If):
                chosen = (body for condition, body in item.branches if self._is_true(condition))
                self._body(next(chosen, item.otherwise))
            else:
                self._statement(item)

    def _statement(self, item: Statement) -> None:
        request = replace(self.request, sql=item.part.sql, variables=dict(self._variables))
        try:
            word = item.part.text.split(None, 1)[0].upper()
            if word == "DECLARE":
                self._declare(parse(request.sql, in_script=True), request)
            elif word == "SET":
                self._set(parse(request.sql, in_script=True), request)
            else:
                self._outcomes.append(self.run(request, item.part))
        except BigQueryError as error:
            raise _in_script(error, item.part) from error

    def _is_true(self, condition: Part) -> bool:
        request = replace(self.request, sql=f"SELECT {condition.text}", variables=dict(self._variables))
        try:
            statement, scope = parse(request.sql), self._scope(request)
            assert isinstance(statement, exp.Select)
            value = scope.expression(statement.expressions[0])
            if distance(value, BOOL) >= IMPOSSIBLE:
                raise invalid_query(f"IF condition must be of type BOOL, not {value.type}")
            found = self.engine.run(self.cursor, f"SELECT {coerce(value, BOOL).sql}").fetchone()
        except BigQueryError as error:
            raise _in_script(error, condition) from error
        return bool(found and found[0])

    def _declare(self, statement: Expr, request: StatementRequest) -> None:
        scope = self._scope(request)
        for item in statement.expressions:
            if not isinstance(item, exp.DeclareItem):
                raise unsupported("This form of DECLARE")
            default, kind = item.args.get("default"), item.args.get("kind")
            value = scope.expression(default) if default else None
            if kind is None and value is None:
                raise unsupported("This form of DECLARE")
            type_ = declared_type(kind) if kind is not None else value.type if value is not None else BOOL
            for name in item.this if isinstance(item.this, list) else [item.this]:
                if name.name.lower() in self._variables:
                    raise invalid_query(f"Variable '{name.name}' redeclaration is not allowed")
                self._keep(name.name, type_, value, scope)

    def _set(self, statement: Expr, request: StatementRequest) -> None:
        scope = self._scope(request)
        for item in statement.expressions:
            assignment = item.this
            if not isinstance(assignment, exp.EQ) or not isinstance(assignment.this, exp.Column):
                raise unsupported("SET of anything but one variable")
            name = assignment.this.name
            known = self._variables.get(name.lower())
            if known is None:
                raise invalid_query(f"Undeclared variable: {name}{scope.context.at(assignment)}")
            self._keep(name, known.type, scope.expression(assignment.expression), scope)

    def _keep(self, name: str, type_: Type, value: Typed | None, scope: Scope) -> None:
        if value is not None and distance(value, type_) >= IMPOSSIBLE:
            message = f"Unable to coerce type {value.type} to expected type {type_} for variable {name}"
            raise invalid_query(f"{message}{scope.context.place_of(name)}")
        sql = coerce(value, type_).sql if value is not None else "NULL"
        physical = self.engine.fresh_name()
        self.engine.run(
            self.cursor, f"CREATE TABLE {physical} AS SELECT CAST({sql} AS {duckdb_type(type_)}) AS v"
        )
        self._tables.append(physical)
        self._variables[name.lower()] = Typed(f"(SELECT v FROM {physical})", type_)

    def _scope(self, request: StatementRequest) -> Scope:
        return statement_scope(self.engine, request)[0]


def _in_script(error: BigQueryError, part: Part) -> BigQueryError:
    """Return an error as a script tells it: with the place of the statement, if the error names none."""
    message = error.message if error.message.startswith("Query error: ") else f"Query error: {error.message}"
    place = "" if message.endswith("]") else f" at {part.position}"
    return BigQueryError(error.status, error.reason, f"{message}{place}", error.location)
