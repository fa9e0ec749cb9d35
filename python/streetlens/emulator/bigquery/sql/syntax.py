"""Parses GoogleSQL with sqlglot, leaving function calls as written, and words syntax errors as BigQuery does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.bigquery import BigQueryParser
from sqlglot.tokenizer_core import Token, TokenType

from streetlens.emulator.bigquery.errors import BigQueryError, invalid_query, unsupported

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

# These have their own syntax (AS, FROM, FORMAT); every other call stays a plain name with arguments.
_SPECIAL_SYNTAX = ("CAST", "SAFE_CAST", "EXTRACT", "ARRAY")


class GoogleSql(BigQuery):
    """BigQuery's dialect, except that sqlglot does not translate function calls into its own vocabulary."""

    class Parser(BigQueryParser):
        """Keep functions as `Anonymous` nodes: their meaning is decided by the signature tables."""

        # A path in FROM that means an array is recognised where names are resolved, with its WITH OFFSET.
        SUPPORTS_IMPLICIT_UNNEST = False

        FUNCTIONS: ClassVar[dict[str, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[str, Any]] = {
            name: parse for name, parse in BigQueryParser.FUNCTION_PARSERS.items() if name in _SPECIAL_SYNTAX
        }

        def _parse_table(self, *args: Any, **kwargs: Any) -> Expr | None:
            """Accept `table.array AS alias WITH OFFSET AS position`, which sqlglot knows after UNNEST only."""
            table: Expr | None = super()._parse_table(*args, **kwargs)
            if isinstance(table, exp.Table) and self._match_pair(TokenType.WITH, TokenType.OFFSET):
                self._match(TokenType.ALIAS)
                name = self._parse_id_var(any_token=False, tokens=self.UNNEST_OFFSET_ALIAS_TOKENS)
                table.set("offset", name or exp.to_identifier("offset"))
            return table


def parse(sql: str, *, in_script: bool = False) -> Expr:
    """Return the one statement in `sql`, DECLARE and SET only `in_script`; raises BigQuery's syntax error."""
    try:
        tokens = GoogleSql().tokenize(sql)
    except TokenError as error:
        raise _unclosed(sql) from error
    if not tokens:
        raise invalid_query("Syntax error: Unexpected end of statement at [1:1]")
    try:
        statements = [statement for statement in sqlglot.parse(sql, read=GoogleSql) if statement is not None]
    except ParseError as error:
        raise _syntax_error(sql, tokens, error) from error
    if len(statements) > 1:
        raise unsupported("A script of several statements")
    if in_script and isinstance(statements[0], exp.Declare | exp.Set):
        return statements[0]
    if not isinstance(
        statements[0], exp.Query | exp.DDL | exp.DML | exp.Drop | exp.TruncateTable | exp.Alter | exp.Merge
    ):
        if isinstance(statements[0], exp.Declare | exp.Set | exp.Command | exp.Transaction):
            raise unsupported(f"The statement {tokens[0].text.upper()}", position(sql, tokens[0].start))
        raise invalid_query(
            f"Syntax error: Unexpected {_described(tokens[0])} at {position(sql, tokens[0].start)}"
        )
    return statements[0]


def position(sql: str, offset: int) -> str:
    """Return the `[line:column]` of a character offset, both from 1."""
    before = sql[:offset]
    return f"[{before.count(chr(10)) + 1}:{offset - before.rfind(chr(10))}]"


def _unclosed(sql: str) -> BigQueryError:
    for quote in ('"', "'", "`"):
        if sql.count(quote) % 2:
            kind = "identifier" if quote == "`" else "string"
            return invalid_query(
                f"Syntax error: Unclosed {kind} literal at {position(sql, sql.rfind(quote))}"
            )
    return invalid_query(f"Syntax error: Unexpected end of script at {position(sql, len(sql.rstrip()))}")


def _syntax_error(sql: str, tokens: list[Token], error: ParseError) -> BigQueryError:
    detail = error.errors[0] if error.errors else {}
    at = next(
        (
            index
            for index, token in enumerate(tokens)
            if (token.line, token.col) == (detail.get("line"), detail.get("col"))
        ),
        len(tokens) - 1,
    )
    description = str(detail.get("description", ""))
    missing = not description.startswith("Invalid expression")
    if missing:
        at += 1
    if at >= len(tokens):
        return invalid_query(f"Syntax error: Unexpected end of script at {position(sql, len(sql.rstrip()))}")
    token = tokens[at]
    expectation = "Unexpected" if missing or token.token_type in _OPENERS else "Expected end of input but got"
    return invalid_query(f"Syntax error: {expectation} {_described(token)} at {position(sql, token.start)}")


_OPENERS = {TokenType.R_PAREN, TokenType.COMMA}


def _described(token: Token) -> str:
    if token.token_type in (TokenType.VAR, TokenType.IDENTIFIER):
        return (
            f'identifier "{token.text}"'
            if token.token_type == TokenType.VAR
            else f"identifier `{token.text}`"
        )
    if token.token_type == TokenType.STRING:
        return f'string literal "{token.text}"'
    if token.token_type == TokenType.NUMBER:
        kind = "integer" if token.text.isdigit() else "floating point"
        return f'{kind} literal "{token.text}"'
    if token.text.isidentifier():
        return f"keyword {token.text.upper()}"
    return f'"{token.text}"'
