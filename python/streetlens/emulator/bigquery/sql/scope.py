"""Names: which columns, aliases, common table expressions and parameters an expression can see."""

# ruff: noqa: S608 - generating SQL is the job here; names are quoted and values are typed literals

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from sqlglot import exp

from streetlens.emulator.bigquery.errors import BigQueryError, invalid_query
from streetlens.emulator.bigquery.sql.syntax import position
from streetlens.emulator.bigquery.sql.typed import Form, Typed
from streetlens.emulator.bigquery.types import Field, Type, field_keys, literal, quoted

if TYPE_CHECKING:
    from sqlglot.expressions import Expr


@dataclass(frozen=True)
class OutputColumn:
    """One result column: its GoogleSQL name (None when anonymous), type, DuckDB identifier and literal form."""

    name: str | None
    type: Type
    key: str
    form: Form = "expression"


@dataclass(frozen=True)
class Query:
    """A compiled query; `value_table` marks SELECT AS STRUCT / AS VALUE, whose only column is the row itself."""

    sql: str
    columns: tuple[OutputColumn, ...]
    value_table: bool = False

    @property
    def keys(self) -> list[str]:
        """The DuckDB expressions of the result's columns: a STRUCT row is spread into its fields."""
        if self.value_table and self.columns[0].type.kind == "STRUCT":
            row = self.columns[0]
            return [f"({row.key}).{quoted(name)}" for name in field_keys(row.type)]
        return [column.key for column in self.columns]

    @property
    def result_sql(self) -> str:
        """The SQL whose columns are the result's."""
        if self.value_table and self.columns[0].type.kind == "STRUCT":
            return f"SELECT {', '.join(self.keys)} FROM ({self.sql})"
        return self.sql


@dataclass(frozen=True)
class Column:
    """One column that a relation offers."""

    name: str | None
    value: Typed
    pseudo: bool = False


@dataclass(frozen=True)
class Relation:
    """One item of FROM under its alias; `row` is the value of the alias itself, for example an UNNEST element."""

    alias: str | None
    columns: tuple[Column, ...]
    row: Typed | None = None
    star: bool = True


@dataclass(frozen=True)
class TableSource:
    """A table or view as the catalog hands it out; `table` is the physical name of a stored one."""

    sql: str
    columns: tuple[tuple[str, Type], ...]
    table: str | None = None


class Catalog(Protocol):
    """Finds tables by their dotted path."""

    def source(self, path: Sequence[str]) -> TableSource:
        """Return the table of one, two or three path parts; raises notFound or accessDenied."""
        ...


@dataclass
class Context:
    """What is the same for the whole statement."""

    sql: str
    catalog: Catalog
    named: Mapping[str, Typed]
    positional: Sequence[Typed]
    now_micros: int
    expression: Callable[[Expr, Scope], Typed]
    query: Callable[[Expr, Scope], Query]
    counter: int = 0
    positional_used: dict[int, Typed] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    scans: list[tuple[str, str]] = field(default_factory=list)

    def fresh(self, prefix: str) -> str:
        """Return an identifier that nothing else in the statement uses."""
        self.counter += 1
        return f"{prefix}{self.counter}"

    def named_back(self, message: str) -> str:
        """Return an engine message with generated column names replaced by the names the user wrote."""
        return re.sub(r"\bc\d+\b", lambda found: self.names.get(found.group(), found.group()), message)

    def place_of(self, name: str) -> str:
        """Return ` at [line:column]` of the first place where the statement writes `name`."""
        found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", self.sql, re.IGNORECASE)
        return f" at {position(self.sql, found.start())}" if found else ""

    def at(self, node: Expr) -> str:
        """Return ` at [line:column]` of the first token under `node` whose place is known."""
        offsets = [part.meta["start"] for part in node.walk() if "start" in part.meta]
        return f" at {position(self.sql, min(offsets))}" if offsets else ""

    def error(self, message: str, node: Expr) -> BigQueryError:
        """Return an invalidQuery error that points at `node`."""
        return invalid_query(message + self.at(node))


@dataclass
class Scope:
    """The names visible in one SELECT; lookups continue in `parent` (correlation)."""

    context: Context
    parent: Scope | None = None
    relations: list[Relation] = field(default_factory=list)
    merged: dict[str, tuple[str, Typed]] = field(default_factory=dict)
    ctes: dict[str, Query] = field(default_factory=dict)
    aliases: dict[str, Typed] = field(default_factory=dict)
    windows: dict[str, exp.Window] = field(default_factory=dict)
    clause: str | None = None

    def child(self) -> Scope:
        """Return an empty scope inside this one."""
        return Scope(self.context, self)

    def expression(self, node: Expr) -> Typed:
        """Compile an expression in this scope."""
        return self.context.expression(node, self)

    def query(self, node: Expr) -> Query:
        """Compile a query whose outer scope is this one."""
        return self.context.query(node, self)

    def cte(self, name: str) -> Query | None:
        """Return the common table expression called `name` in any enclosing WITH."""
        scope: Scope | None = self
        while scope is not None:
            if name.lower() in scope.ctes:
                return scope.ctes[name.lower()]
            scope = scope.parent
        return None

    def lookup(self, name: str, node: Expr) -> Typed | None:
        """Return the column, alias or range variable `name`; raises when it is ambiguous."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.lookup_here(name, node)
            if found is not None:
                return found
            scope = scope.parent
        return None

    def relation(self, name: str) -> Relation | None:
        """Return the FROM item called `name`, here or further out."""
        scope: Scope | None = self
        while scope is not None:
            for relation in scope.relations:
                if relation.alias is not None and relation.alias.lower() == name.lower():
                    return relation
            scope = scope.parent
        return None

    def column_names(self) -> list[str]:
        """Return every name visible here, for suggestions."""
        names = [column.name for relation in self.relations for column in relation.columns if column.name]
        names += [relation.alias for relation in self.relations if relation.alias]
        return names + (self.parent.column_names() if self.parent else [])

    def merge(self, name: str, value: Typed) -> None:
        """Make a column of JOIN USING one name instead of two ambiguous ones."""
        self.merged[name.lower()] = (name, value)

    def lookup_here(self, name: str, node: Expr) -> Typed | None:
        """Return what `name` means in this scope alone."""
        key = name.lower()
        if key in self.aliases:
            return self.aliases[key]
        if key in self.merged:
            return self.merged[key][1]
        found = [
            column.value
            for relation in self.relations
            for column in relation.columns
            if column.name is not None and column.name.lower() == key
        ]
        if len(found) > 1:
            raise self.context.error(f"Column name {name} is ambiguous", node)
        if found:
            return found[0]
        for relation in self.relations:
            if relation.alias is not None and relation.alias.lower() == key:
                return row_value(relation)
        return None


def row_value(relation: Relation) -> Typed:
    """Return a FROM item as one value: the element of an UNNEST, or a STRUCT of the columns."""
    if relation.row is not None:
        return relation.row
    columns = [column for column in relation.columns if not column.pseudo]
    type_ = Type("STRUCT", tuple(Field(column.name, column.value.type) for column in columns))
    keys = field_keys(type_)
    parts = ", ".join(
        f"{literal(key)}: {column.value.sql}" for key, column in zip(keys, columns, strict=True)
    )
    return Typed("{" + parts + "}", type_)
