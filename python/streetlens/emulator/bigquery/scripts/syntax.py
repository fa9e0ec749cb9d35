"""Scripts: splits several statements, BEGIN...END and IF into parts; every part keeps its place in the script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType

from streetlens.emulator.bigquery.errors import invalid_query, unsupported
from streetlens.emulator.bigquery.sql.syntax import position

_OPENING = {"(", "[", "{"}
_CLOSING = {")", "]", "}"}
_REFUSED = {"LOOP", "WHILE", "REPEAT", "FOR", "CASE", "RAISE", "CALL", "EXECUTE", "LEAVE", "BREAK", "CONTINUE",
            "ITERATE", "RETURN", "COMMIT", "ROLLBACK"}  # fmt: skip
_TRANSACTION = ("BEGIN", "COMMIT", "ROLLBACK")
_OPENERS = {"DECLARE", "SET", "BEGIN", "IF"} | _REFUSED


class _ScriptSql(BigQuery):
    """BigQuery's tokens, without sqlglot's habit of taking all that follows a BEGIN or CALL as one text."""

    class Tokenizer(BigQuery.Tokenizer):
        """Control statements are words like any other."""

        COMMANDS: ClassVar[set[TokenType]] = set()


@dataclass(frozen=True)
class Part:
    """A statement or expression: `sql` is the script with everything else blanked, so that positions hold."""

    script: str
    start: int
    end: int

    @property
    def text(self) -> str:
        """The part as it was written."""
        return self.script[self.start : self.end]

    @property
    def sql(self) -> str:
        """The part behind as many lines and columns as precede it."""
        before = self.script[: self.start]
        return "".join(char if char == "\n" else " " for char in before) + self.text

    @property
    def position(self) -> str:
        """The `[line:column]` of its start."""
        return position(self.script, self.start)

    @property
    def frame(self) -> dict[str, int | str]:
        """The part as a stack frame of scriptStatistics."""
        first, last = (position(self.script, offset)[1:-1].split(":") for offset in (self.start, self.end))
        places = dict(zip(("startLine", "startColumn"), map(int, first), strict=True))
        ends = dict(zip(("endLine", "endColumn"), map(int, last), strict=True))
        return {**places, **ends, "text": self.text}


@dataclass(frozen=True)
class Statement:
    """One statement, DECLARE and SET included."""

    part: Part


@dataclass(frozen=True)
class Block:
    """BEGIN ... END: its variables end with it."""

    body: tuple[Item, ...]


@dataclass(frozen=True)
class If:
    """IF ... THEN ... ELSEIF ... ELSE ... END IF."""

    branches: tuple[tuple[Part, tuple[Item, ...]], ...]
    otherwise: tuple[Item, ...] = ()


Item = Statement | Block | If


def read_script(sql: str) -> tuple[Item, ...] | None:
    """Return the items of a script, None for a single statement; raises for a control statement not known here."""
    body = sql.rstrip().rstrip(";")
    try:
        tokens = _ScriptSql().tokenize(sql)
    except TokenError:
        return None
    if not tokens or (";" not in body and tokens[0].text.upper().split()[0] not in _OPENERS):
        return None
    items = _Reader(sql, tokens).items(())
    if len(items) == 1 and isinstance(items[0], Statement) and tokens[0].text.upper() not in _OPENERS:
        # Only a semicolon in a text or comment made it look like several statements.
        return None
    return items


def statements_of(items: Sequence[Item]) -> Iterator[Part]:
    """Yield every statement of a script, in the order in which it is written."""
    for item in items:
        if isinstance(item, Statement):
            yield item.part
        elif isinstance(item, Block):
            yield from statements_of(item.body)
        else:
            for _, body in item.branches:
                yield from statements_of(body)
            yield from statements_of(item.otherwise)


class _Reader:
    def __init__(self, sql: str, tokens: Sequence[Token]) -> None:
        self._sql = sql
        self._tokens = tokens
        self._at = 0

    def items(self, enders: tuple[str, ...]) -> tuple[Item, ...]:
        """Read items up to one of the words in `enders`, or up to the end of the script."""
        found: list[Item] = []
        while True:
            while self._word() == ";":
                self._at += 1
            if not self._word():
                if enders:
                    raise self._unexpected()
                return tuple(found)
            if self._word() in enders:
                return tuple(found)
            found.append(self._item())

    def _item(self) -> Item:
        word = self._word()
        if word == "BEGIN" and self._word(1) not in (";", ""):
            return self._block()
        if word == "IF":
            return self._if()
        if word in _REFUSED or word.startswith("BEGIN"):
            named = f"{word.split()[0]} TRANSACTION" if word.split()[0] in _TRANSACTION else word
            raise unsupported(f"{named} in a script", position(self._sql, self._tokens[self._at].start))
        return Statement(self._until((";",)))

    def _block(self) -> Block:
        self._at += 1
        body = self.items(("END", "EXCEPTION"))
        if self._word() == "EXCEPTION":
            raise unsupported("EXCEPTION in a script", position(self._sql, self._tokens[self._at].start))
        self._at += 1
        self._end_of_item()
        return Block(body)

    def _if(self) -> If:
        branches: list[tuple[Part, tuple[Item, ...]]] = []
        otherwise: tuple[Item, ...] = ()
        while self._word() in ("IF", "ELSEIF"):
            self._at += 1
            condition = self._until(("THEN",))
            self._at += 1
            branches.append((condition, self.items(("ELSEIF", "ELSE", "END"))))
        if self._word() == "ELSE":
            self._at += 1
            otherwise = self.items(("END",))
        self._at += 1
        if self._word() != "IF":
            raise self._unexpected()
        self._at += 1
        self._end_of_item()
        return If(tuple(branches), otherwise)

    def _until(self, words: tuple[str, ...]) -> Part:
        """Read up to one of `words` outside of brackets and CASE expressions."""
        start, depth = self._at, 0
        while self._word() and not (depth == 0 and self._word() in words):
            word = self._word()
            depth += word in _OPENING or word == "CASE"
            depth -= word in _CLOSING or (word == "END" and depth > 0)
            self._at += 1
        if not self._word() and words != (";",):
            raise self._unexpected()
        if self._at == start:
            raise self._unexpected()
        return Part(self._sql, self._tokens[start].start, self._tokens[self._at - 1].end + 1)

    def _end_of_item(self) -> None:
        if self._word() not in (";", ""):
            raise self._unexpected()

    def _word(self, ahead: int = 0) -> str:
        """Return the token in capitals; an empty text after the last one, and for what is quoted a space."""
        if self._at + ahead >= len(self._tokens):
            return ""
        token = self._tokens[self._at + ahead]
        return " " if token.token_type in (TokenType.STRING, TokenType.IDENTIFIER) else token.text.upper()

    def _unexpected(self) -> Exception:
        if self._at >= len(self._tokens):
            end = position(self._sql, len(self._sql.rstrip()))
            return invalid_query(f"Syntax error: Unexpected end of script at {end}")
        token = self._tokens[self._at]
        return invalid_query(f'Syntax error: Unexpected "{token.text}" at {position(self._sql, token.start)}')
