"""Expressions answer as ZetaSQL does, Google's open-source implementation of GoogleSQL.

`zetasql_answers.tsv` holds what its reference evaluator (PyPI zetasql 0.1.5) printed for FORMAT('%T', expression); an
answer that starts with `error: ` is the message of a refused expression.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from streetlens.emulator.bigquery.errors import BigQueryError

ANSWERS = [
    line.split("\t")
    for line in Path(__file__).with_name("zetasql_answers.tsv").read_text(encoding="utf-8").splitlines()
]


@pytest.mark.parametrize(("expression", "answer"), ANSWERS)
def test_an_expression_has_the_answer_of_googles_reference_implementation(
    sql: Any, expression: str, answer: str
) -> None:
    if answer.startswith("error: "):
        with pytest.raises(BigQueryError) as caught:
            sql.shown(expression)
        assert caught.value.message.startswith(answer.removeprefix("error: "))
    else:
        assert sql.shown(expression) == answer
