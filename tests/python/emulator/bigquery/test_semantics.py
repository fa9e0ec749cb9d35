"""Where DuckDB or a naive transpilation would answer silently otherwise, the answer is BigQuery's documented one."""

from __future__ import annotations

from typing import Any

import pytest

from streetlens.emulator.bigquery.errors import BigQueryError


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("SUM(x)", "INT64"),
        ("COUNTIF(x > 1)", "INT64"),
        ("AVG(x)", "FLOAT64"),
        ("COUNT(*)", "INT64"),
        ("AVG(CAST(x AS NUMERIC))", "NUMERIC"),
        ("APPROX_TOP_COUNT(x, 1)", "ARRAY<STRUCT<value INT64, count INT64>>"),
        ("APPROX_QUANTILES(x, 2)", "ARRAY<INT64>"),
        ("ARRAY_AGG(STRUCT(x AS a) LIMIT 1)", "ARRAY<STRUCT<a INT64>>"),
        ("MAX(x) / 2", "FLOAT64"),
        ("STDDEV(x)", "FLOAT64"),
    ],
)
def test_an_aggregate_has_the_type_bigquery_documents(sql: Any, expression: str, kind: str) -> None:
    assert sql.schema(f"SELECT {expression} AS value FROM UNNEST([1, 2]) AS x") == {"value": kind}


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("1", "INT64"),
        ("1.5", "FLOAT64"),
        ("NUMERIC '1.5'", "NUMERIC"),
        ("BIGNUMERIC '1.5'", "BIGNUMERIC"),
        ("TIMESTAMP '2020-01-01'", "TIMESTAMP"),
        ("DATETIME '2020-01-01'", "DATETIME"),
        ("NULL", "INT64"),
        ("[]", "ARRAY<INT64>"),
        ("JSON_QUERY('{}', '$')", "STRING"),
        ("JSON_QUERY(JSON '{}', '$')", "JSON"),
        ("ST_GEOGPOINT(1, 2)", "GEOGRAPHY"),
        ("PARSE_TIMESTAMP('%Y', '2020')", "TIMESTAMP"),
        ("GENERATE_TIMESTAMP_ARRAY('2020-01-01', '2020-01-02')", "ARRAY<TIMESTAMP>"),
        ("RANGE(DATE '2020-01-01', NULL)", "RANGE<DATE>"),
        ("INTERVAL 1 DAY", "INTERVAL"),
        ("EXTRACT(DATE FROM CURRENT_TIMESTAMP())", "DATE"),
        ("SAFE_DIVIDE(1, 2)", "FLOAT64"),
        ("NUMERIC '1' * 1.5", "NUMERIC"),
        ("IF(TRUE, 1, 1.5)", "FLOAT64"),
        ("TO_HEX(MD5('a'))", "STRING"),
        ("MD5('a')", "BYTES"),
    ],
)
def test_an_expression_has_the_type_bigquery_documents(sql: Any, expression: str, kind: str) -> None:
    assert sql.schema(f"SELECT {expression} AS value") == {"value": kind}


def test_with_offset_counts_from_zero_in_the_order_of_the_array(sql: Any) -> None:
    assert sql.rows("SELECT x, o FROM UNNEST(['a', 'b', 'c']) AS x WITH OFFSET AS o") == [
        ("a", 0),
        ("b", 1),
        ("c", 2),
    ]


def test_an_array_in_a_row_is_unnested_with_its_offset(sql: Any) -> None:
    table = "(SELECT 1 AS id, ['p', 'q'] AS tags UNION ALL SELECT 2, [])"
    assert sql.rows(f"SELECT id, tag, o FROM {table} AS t, t.tags AS tag WITH OFFSET AS o") == [
        (1, "p", 0),
        (1, "q", 1),
    ]
    assert sql.rows(f"SELECT id, tag FROM {table} AS t LEFT JOIN UNNEST(tags) AS tag ORDER BY id, tag") == [
        (1, "p"),
        (1, "q"),
        (2, None),
    ]


def test_approx_top_count_returns_values_with_counts_and_counts_null(sql: Any) -> None:
    answer = sql.value(
        "(SELECT APPROX_TOP_COUNT(x, 2) FROM UNNEST([NULL, 'pear', 'pear', 'pear', 'apple', NULL]) AS x)"
    )
    assert answer == [{"value": "pear", "count": 3}, {"value": None, "count": 2}]


def test_array_agg_takes_order_and_limit(sql: Any) -> None:
    assert sql.value("(SELECT ARRAY_AGG(x ORDER BY x DESC LIMIT 2) FROM UNNEST([1, 3, 2]) AS x)") == [3, 2]


def test_numeric_keeps_nine_digits_and_bignumeric_thirty_eight(sql: Any) -> None:
    assert sql.shown("NUMERIC '0.123456789'") == 'NUMERIC "0.123456789"'
    assert sql.shown("BIGNUMERIC '0.12345678901234567890123456789012345678'").count("1234567890") == 3


def test_integers_beyond_32_bits_and_their_overflow_are_int64(sql: Any) -> None:
    assert sql.value("2147483647 + 1") == 2147483648
    with pytest.raises(BigQueryError, match=r"int64 overflow: 9223372036854775807 \+ 1"):
        sql.value("9223372036854775807 + 1")


def test_division_by_zero_is_an_error_and_safe_divide_is_null(sql: Any) -> None:
    with pytest.raises(BigQueryError, match="division by zero: 1 / 0"):
        sql.value("1 / 0")
    assert sql.value("SAFE_DIVIDE(1, 0)") is None


def test_a_float_that_overflows_is_an_error(sql: Any) -> None:
    with pytest.raises(BigQueryError, match="double overflow"):
        sql.value("1e308 * 10")


def test_dates_do_not_leave_the_years_1_to_9999(sql: Any) -> None:
    with pytest.raises(BigQueryError, match="9999-12-31"):
        sql.value("DATE_ADD(DATE '9999-12-31', INTERVAL 1 DAY)")


def test_null_sorts_first_and_nan_next(sql: Any) -> None:
    rows = sql.rows("SELECT x FROM UNNEST([2.0, NULL, CAST('nan' AS FLOAT64), 1.0]) AS x ORDER BY x")
    assert [str(value) for (value,) in rows] == ["None", "nan", "1.0", "2.0"]


def test_equal_column_names_are_numbered_in_a_result(sql: Any) -> None:
    assert list(sql.schema("SELECT 1 AS a, 2 AS A, 3")) == ["a", "A_1", "f0_"]


def test_equal_column_names_are_refused_in_a_table(sql: Any) -> None:
    with pytest.raises(BigQueryError, match=r"Found duplicate\(s\): a"):
        sql.outcome("CREATE TABLE own.twice AS SELECT 1 AS a, 2 AS a")


def test_a_null_array_element_cannot_be_returned(sql: Any) -> None:
    with pytest.raises(BigQueryError, match="Array cannot have a null element"):
        sql.outcome("SELECT [1, NULL] AS x")


def test_a_scalar_subquery_with_two_rows_is_an_error(sql: Any) -> None:
    with pytest.raises(BigQueryError, match="Scalar subquery produced more than one element"):
        sql.value("(SELECT x FROM UNNEST([1, 2]) AS x)")


def test_farm_fingerprint_is_the_documented_hash(sql: Any) -> None:
    rows = sql.rows(
        "WITH example AS (SELECT 1 AS x, 'foo' AS y, true AS z UNION ALL SELECT 2, 'apple', false UNION ALL "
        "SELECT 3, '', true) SELECT FARM_FINGERPRINT(CONCAT(CAST(x AS STRING), y, CAST(z AS STRING))) FROM example"
    )
    assert [value for (value,) in rows] == [-1541654101129638711, 2794438866806483259, -4880158226897771312]


def test_distances_are_on_bigquerys_sphere(sql: Any) -> None:
    metres = sql.value("ST_DISTANCE(ST_GEOGPOINT(90, 10), ST_GEOGPOINT(70, 60))")
    assert metres == pytest.approx(5802892.745488612, rel=1e-12)


def test_a_polygon_contains_the_points_inside_its_geodesic_edges(sql: Any) -> None:
    square = "ST_GEOGFROMTEXT('POLYGON((0 0, 2 0, 2 2, 0 2, 0 0), (0.5 0.5, 1 0.5, 1 1, 0.5 1, 0.5 0.5))')"
    assert sql.value(f"ST_CONTAINS({square}, ST_GEOGPOINT(1.5, 1.5))") is True
    assert sql.value(f"ST_CONTAINS({square}, ST_GEOGPOINT(0.75, 0.75))") is False
    assert sql.value(f"ST_WITHIN(ST_GEOGPOINT(3, 1), {square})") is False


def test_a_malformed_json_text_is_read_as_far_as_the_path_needs(sql: Any) -> None:
    assert sql.value("""JSON_VALUE('{"hello": "world"', '$.hello')""") == "world"
    assert sql.value("""JSON_VALUE('{"a": [1, {"b": "x"', '$.a[1].b')""") == "x"
    assert sql.value("""JSON_VALUE('{"a": tru', '$.a')""") is None


def test_an_optional_group_that_did_not_match_is_null(sql: Any) -> None:
    assert sql.value("REGEXP_EXTRACT('ab', '(z)?b')") is None
    assert sql.value("REGEXP_EXTRACT('ab', '(z*)b')") == ""


def test_an_hour_that_happens_twice_means_the_first(sql: Any) -> None:
    answer = sql.value("CAST(TIMESTAMP '2024-11-03 01:30:00 America/Los_Angeles' AS STRING)")
    assert answer == "2024-11-03 08:30:00+00"


def test_information_schema_describes_tables_and_columns(sql: Any) -> None:
    assert sql.rows("SELECT table_name, table_type FROM imagery.INFORMATION_SCHEMA.TABLES") == [
        ("latest_observations", "BASE TABLE")
    ]
    columns = sql.rows(
        "SELECT column_name, data_type, is_nullable FROM `streetlens-demo.imagery`.INFORMATION_SCHEMA.COLUMNS "
        "WHERE table_name = 'latest_observations' AND ordinal_position IN (1, 4, 7) ORDER BY ordinal_position"
    )
    assert columns == [
        ("observation_id", "STRING", "NO"),
        ("location", "STRUCT<latitude FLOAT64, longitude FLOAT64>", "YES"),
        ("tags", "ARRAY<STRING>", "YES"),
    ]


def test_a_view_reads_like_the_query_it_was_made_from(sql: Any) -> None:
    sql.outcome(
        "CREATE OR REPLACE VIEW own.signs AS SELECT views AS v FROM imagery.latest_observations WHERE views > 17"
    )
    assert sql.rows("SELECT v FROM own.signs ORDER BY v DESC") == [(19,), (18,)]
    assert sql.outcome("SELECT v FROM own.signs").bytes_processed == 160


def test_merge_refuses_a_row_that_two_source_rows_would_change(sql: Any) -> None:
    sql.outcome("CREATE OR REPLACE TABLE own.target AS SELECT 1 AS id, 'a' AS v")
    with pytest.raises(BigQueryError, match="must match at most one source row for each target row"):
        sql.outcome(
            "MERGE own.target t USING (SELECT 1 AS id, 'b' AS v UNION ALL SELECT 1, 'c') s ON t.id = s.id "
            "WHEN MATCHED THEN UPDATE SET v = s.v"
        )


@pytest.mark.parametrize("statement", ["UPDATE own.target SET v = 'x'", "DELETE FROM own.target"])
def test_a_change_without_where_is_refused(sql: Any, statement: str) -> None:
    sql.outcome("CREATE OR REPLACE TABLE own.target AS SELECT 1 AS id, 'a' AS v")
    with pytest.raises(BigQueryError, match="must have a WHERE clause"):
        sql.outcome(statement)


def test_delete_works_with_and_without_from(sql: Any) -> None:
    sql.outcome("CREATE OR REPLACE TABLE own.target AS SELECT x FROM UNNEST([1, 2, 3]) AS x")
    assert sql.outcome("DELETE own.target WHERE x = 1").deleted == 1
    assert sql.outcome("DELETE FROM own.target t WHERE t.x = 2").deleted == 1
    assert sql.rows("SELECT x FROM own.target") == [(3,)]


def test_a_merge_takes_correlated_arrays_from_its_source(sql: Any) -> None:
    sql.outcome("CREATE OR REPLACE TABLE own.merged (id INT64, records ARRAY<STRUCT<n INT64, j JSON>>)")
    sql.outcome("INSERT own.merged VALUES (9, [])")
    source = (
        "(SELECT id, ARRAY(SELECT STRUCT(item.n AS n, PARSE_JSON(item.j) AS j) FROM UNNEST(items) AS item "
        "WITH OFFSET AS place ORDER BY place DESC) AS records FROM "
        "(SELECT 1 AS id, [STRUCT(1 AS n, '{}' AS j), STRUCT(2, '[]')] AS items))"
    )
    outcome = sql.outcome(
        f"MERGE own.merged t USING {source} AS s ON FALSE WHEN NOT MATCHED BY SOURCE THEN DELETE "
        "WHEN NOT MATCHED THEN INSERT (id, records) VALUES (s.id, s.records)"
    )
    assert (outcome.inserted, outcome.deleted) == (1, 1)
    assert sql.rows("SELECT id, records[OFFSET(0)].n FROM own.merged") == [(1, 2)]
    items = "ARRAY(SELECT STRUCT(item.n AS n, item.j AS j) FROM UNNEST(s.records) AS item)"
    outcome = sql.outcome(
        "MERGE own.merged t USING (SELECT 5 AS id, [STRUCT(7 AS n, JSON '{}' AS j)] AS records) s ON FALSE "
        f"WHEN NOT MATCHED BY SOURCE THEN DELETE WHEN NOT MATCHED THEN INSERT (id, records) VALUES (s.id, {items})"
    )
    assert (outcome.inserted, outcome.deleted) == (1, 1)
    assert sql.rows("SELECT id, records[OFFSET(0)].n FROM own.merged") == [(5, 7)]
