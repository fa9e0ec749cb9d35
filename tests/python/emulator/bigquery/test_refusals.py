"""What the emulator cannot do is refused by name; what BigQuery refuses is refused in BigQuery's words."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from streetlens.emulator.bigquery import Engine
from streetlens.emulator.bigquery.errors import BigQueryError, from_duckdb

OBSERVATIONS = "imagery.latest_observations"


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("SELECT ST_AREA(ST_GEOGPOINT(1, 2))", "ST_AREA"),
        ("SELECT NORMALIZE('a')", "NORMALIZE"),
        ("SELECT LAX_INT64(JSON '1')", "LAX_INT64"),
        ("SELECT ML.PREDICT(1)", "ML"),
        ("SELECT CAST(CURRENT_DATE() AS STRING FORMAT 'YYYY')", "CAST with FORMAT"),
        (f"SELECT * FROM {OBSERVATIONS} FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP()", "FOR SYSTEM_TIME AS OF"),
        ("SELECT * FROM (SELECT 1 AS a, 'x' AS b) PIVOT(SUM(a) FOR b IN ('x'))", "PIVOT"),
        ("SELECT 1; SELECT 2", "script"),
        ("DECLARE x INT64", "DECLARE"),
        ("CREATE TEMP FUNCTION f(x INT64) AS (x + 1)", "CREATE FUNCTION"),
        ("ALTER VIEW own.v SET OPTIONS(description='x')", "ALTER VIEW"),
        ("SELECT APPROX_QUANTILES(x, 2 RESPECT NULLS) FROM UNNEST([1]) AS x", "RESPECT NULLS"),
        ("SELECT @@project_id", "project_id"),
        ("SELECT LOWER(b'A')", "LOWER of BYTES"),
        ("SELECT * FROM UNNEST([1]), UNNEST([2], [3])", "UNNEST of several arrays"),
        ("SELECT x FROM (SELECT 1 AS x UNION ALL BY NAME SELECT 2 AS x)", "BY NAME"),
        ("SELECT ST_GEOGFROMTEXT('GEOMETRYCOLLECTION(POINT(0 0))')", "GEOMETRYCOLLECTION"),
    ],
)
def test_an_unsupported_feature_is_a_400_that_names_it(sql: Any, statement: str, named: str) -> None:
    with pytest.raises(BigQueryError) as caught:
        sql.outcome(statement)
    assert caught.value.status == 400
    assert caught.value.reason == "invalidQuery"
    assert named in caught.value.message
    assert "not supported by the streetlens emulator" in caught.value.message


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("SELECT", "Syntax error: Unexpected end of script at [1:7]"),
        ("SELECT 1 +", "Syntax error: Unexpected end of script at [1:11]"),
        ("SELECT * FROM", "Syntax error: Unexpected end of script at [1:14]"),
        ("SELECT 'abc", "Syntax error: Unclosed string literal at [1:8]"),
        ("SELECT 1 AS select", "Syntax error: Expected end of input but got keyword SELECT at [1:13]"),
        ("FOO", 'Syntax error: Unexpected identifier "FOO" at [1:1]'),
        ("SELECT *", "SELECT * must have a FROM clause at [1:8]"),
        (f"SELECT FROM {OBSERVATIONS}", "Syntax error: SELECT list must not be empty at [1:8]"),
        ("SELECT FOO(1)", "Function not found: FOO at [1:8]"),
        ("SELECT\n  UPPER(1)", "No matching signature for function UPPER for argument types: INT64. "
         "Supported signatures: UPPER(STRING) at [2:3]"),
        ("SELECT 'a' = 1", "No matching signature for operator = for argument types: STRING, INT64 at [1:8]"),
        (f"SELECT 1 FROM {OBSERVATIONS} WHERE views",
         "WHERE clause should return type BOOL, but returns INT64 at [1:49]"),
        (f"SELECT location.altitude FROM {OBSERVATIONS}",
         "Field name altitude does not exist in STRUCT<latitude FLOAT64, longitude FLOAT64> at [1:17]"),
        (f"SELECT o.nope FROM {OBSERVATIONS} AS o", "Name nope not found inside o at [1:10]"),
        (f"SELECT views FROM {OBSERVATIONS} a, {OBSERVATIONS} b", "Column name views is ambiguous at [1:8]"),
        (f"SELECT asset_id, COUNT(*) FROM {OBSERVATIONS}", "SELECT list expression references column asset_id which is "
         "neither grouped nor aggregated at [1:8]"),
        (f"SELECT 1 FROM {OBSERVATIONS} WHERE COUNT(*) > 1",
         "Aggregate function COUNT not allowed in WHERE clause at [1:49]"),
        ("SELECT ROW_NUMBER()", "Analytic function ROW_NUMBER cannot be called without an OVER clause at [1:8]"),
        ("SELECT CAST('x' AS INT64)", "Bad int64 value: x"),
        ("SELECT PARSE_JSON('{')", "Invalid input to PARSE_JSON: syntax error while parsing value"),
        ("SELECT REGEXP_CONTAINS('a', '(')", "Cannot parse regular expression: missing ): ("),
        ("SELECT DATE_ADD(DATE '2020-01-01', INTERVAL 1 HOUR)", "DATE_ADD does not support the HOUR date part when the "
         "argument is DATE type"),
        ("SELECT 1 UNION ALL SELECT 'a'", "Column 1 in UNION has incompatible types: INT64, STRING at [1:8]"),
        ("SELECT t", 'Unrecognized name: t at [1:8]'),
        ("SELECT * FROM t", 'Table "t" must be qualified with a dataset (e.g. dataset.table).'),
        ("SELECT x FROM UNNEST(5) AS x",
         "Values referenced in UNNEST must be arrays. UNNEST contains expression of type INT64"),
    ],
)  # fmt: skip
def test_an_error_reads_like_bigquerys(sql: Any, statement: str, message: str) -> None:
    with pytest.raises(BigQueryError) as caught:
        sql.outcome(statement)
    assert caught.value.message.startswith(message)
    assert caught.value.status == 400


def test_no_error_of_the_engine_behind_it_shows_through(sql: Any) -> None:
    with pytest.raises(BigQueryError) as caught:
        sql.outcome(f"SELECT asset_id, SUM(views) FROM {OBSERVATIONS} GROUP BY asset_type")
    assert "GROUP BY list" not in caught.value.message
    assert "asset_id" in caught.value.message


def test_a_query_beyond_the_memory_ends_as_bigquery_ends_it() -> None:
    error = from_duckdb(duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block"))
    assert (error.status, error.reason) == (400, "resourcesExceeded")


def test_nothing_is_ever_written_to_the_working_directory() -> None:
    engine = Engine("demo")
    assert engine.cursor().execute("SELECT current_setting('temp_directory')").fetchall() == [("",)]
    engine.close()
