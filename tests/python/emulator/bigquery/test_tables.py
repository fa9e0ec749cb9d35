"""Tables and data sets: made, described, changed and dropped, over REST and in SQL, and tables that expire."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from google.api_core.exceptions import BadRequest, Conflict, NotFound, PreconditionFailed
from google.cloud import bigquery
from google.cloud.bigquery import SchemaField

from emulator.bigquery.conftest import Service, Sql
from streetlens.emulator.bigquery import Engine
from streetlens.emulator.bigquery.outcomes import StatementRequest
from streetlens.emulator.bigquery.statements import analyze, execute

_numbers = itertools.count()


@pytest.fixture
def table(client: bigquery.Client) -> Iterator[str]:
    name = f"streetlens-demo.own.table_{next(_numbers)}"
    yield name
    client.delete_table(name, not_found_ok=True)


def run(client: bigquery.Client, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in client.query(sql).result()]


def columns(client: bigquery.Client, table: str) -> list[tuple[str, str, str]]:
    return [(item.name, item.field_type, item.mode) for item in client.get_table(table).schema]


def test_a_table_keeps_what_it_was_made_with(client: bigquery.Client, table: str) -> None:
    wanted = bigquery.Table(table, [SchemaField("a", "INTEGER", description="an a")])
    wanted.description, wanted.friendly_name, wanted.labels = "text", "friend", {"k": "v"}
    wanted.expires = datetime(2100, 1, 1, tzinfo=timezone.utc)
    wanted.time_partitioning = bigquery.TimePartitioning(field="a")
    wanted.clustering_fields = ["a"]
    client.create_table(wanted)
    found = client.get_table(table)
    assert (found.description, found.friendly_name, found.labels) == ("text", "friend", {"k": "v"})
    assert (found.expires, found.clustering_fields) == (wanted.expires, ["a"])
    assert found.schema[0].description == "an a"
    (listed,) = [item for item in client.list_tables("own") if item.table_id == found.table_id]
    assert (listed.friendly_name, listed.labels, listed.expires) == ("friend", {"k": "v"}, wanted.expires)


def test_a_patch_changes_what_it_names_and_removes_what_is_null(client: bigquery.Client, table: str) -> None:
    made = client.create_table(bigquery.Table(table, [SchemaField("a", "INTEGER")]))
    made.description, made.labels = "text", {"k": "v", "gone": "x"}
    made = client.update_table(made, ["description", "labels"])
    assert (made.description, made.labels) == ("text", {"k": "v", "gone": "x"})
    made.labels, made.description = {"k": "w", "gone": None}, None
    made = client.update_table(made, ["description", "labels"])
    assert (made.description, made.labels) == (None, {"k": "w"})


def test_a_patch_of_an_older_state_is_refused(client: bigquery.Client, table: str) -> None:
    old = client.create_table(bigquery.Table(table, [SchemaField("a", "INTEGER")]))
    newer = client.get_table(table)
    newer.description = "first"
    client.update_table(newer, ["description"])
    old.description = "second"
    with pytest.raises(PreconditionFailed, match="Precondition check failed"):
        client.update_table(old, ["description"])


def test_a_schema_may_grow_and_relax_but_never_lose_a_column(client: bigquery.Client, table: str) -> None:
    made = client.create_table(bigquery.Table(table, [SchemaField("a", "INTEGER", "REQUIRED")]))
    run(client, f"INSERT `{table}` VALUES (1)")
    made = client.get_table(table)
    made.schema = [SchemaField("a", "INTEGER"), SchemaField("b", "STRING", "REPEATED")]
    client.update_table(made, ["schema"])
    assert run(client, f"SELECT * FROM `{table}`") == [(1, [])]
    made = client.get_table(table)
    made.schema = [SchemaField("b", "STRING", "REPEATED")]
    with pytest.raises(BadRequest, match="Field a is missing in new schema"):
        client.update_table(made, ["schema"])
    made.schema = [SchemaField("a", "STRING"), SchemaField("b", "STRING", "REPEATED")]
    with pytest.raises(BadRequest, match="Field a has changed type from INTEGER to STRING"):
        client.update_table(made, ["schema"])


def test_a_data_set_is_patched(client: bigquery.Client) -> None:
    made = client.create_dataset("patched")
    made.description, made.labels, made.default_table_expiration_ms = "text", {"k": "v"}, 3_600_000
    made = client.update_dataset(made, ["description", "labels", "default_table_expiration_ms"])
    assert (made.description, made.labels, made.default_table_expiration_ms) == (
        "text",
        {"k": "v"},
        3_600_000,
    )
    table = client.create_table(bigquery.Table("streetlens-demo.patched.t", [SchemaField("a", "INTEGER")]))
    assert table.expires is not None
    assert table.created is not None
    assert table.expires - table.created == timedelta(hours=1)
    client.delete_dataset("patched", delete_contents=True)


class Times:
    """A wall clock that a test sets."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clocked() -> Iterator[tuple[Engine, Times]]:
    """Return an engine whose wall clock the test moves."""
    times = Times()
    engine = Engine("p", wall_clock=times)
    engine.create_dataset("d")
    yield engine, times
    engine.close()


def execute_all(engine: Engine, *statements: str) -> None:
    for sql in statements:
        execute(engine, StatementRequest(sql, "p"), engine.cursor())


def test_an_expired_table_is_gone(clocked: tuple[Engine, Times]) -> None:
    engine, times = clocked
    expiration = "expiration_timestamp=TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR)"
    execute_all(engine, f"CREATE TABLE d.t (a INT64) OPTIONS({expiration})", "INSERT d.t VALUES (1)")
    times.now += 3599
    execute_all(engine, "SELECT * FROM d.t")
    times.now += 2
    with pytest.raises(Exception, match="Not found: Table p:d"):
        execute_all(engine, "SELECT * FROM d.t")
    execute_all(engine, "CREATE TABLE d.t (b STRING)")


def test_options_set_by_alter_take_effect(clocked: tuple[Engine, Times]) -> None:
    engine, times = clocked
    execute_all(
        engine,
        "CREATE TABLE d.t (a INT64)",
        "ALTER TABLE d.t SET OPTIONS(expiration_timestamp=TIMESTAMP_SECONDS(1800000010), description='x')",
        "ALTER TABLE d.t SET OPTIONS(expiration_timestamp=NULL, labels=[('k', 'v')])",
    )
    times.now += 100
    found = engine.catalog.table("p", "d", "t")
    assert (found.expires, found.description, found.properties) == (None, "x", {"labels": {"k": "v"}})


def test_an_unknown_option_is_refused(sql: Sql) -> None:
    with pytest.raises(Exception, match=r"Unknown option: nope"):
        sql.outcome("CREATE TABLE own.never (a INT64) OPTIONS(nope=1)")


def test_create_like_copies_the_schema_without_rows(client: bigquery.Client, table: str) -> None:
    run(client, f"CREATE TABLE `{table}` LIKE `publisher.published.latest_observations`")
    assert columns(client, table)[0] == ("observation_id", "STRING", "REQUIRED")
    assert client.get_table(table).num_rows == 0


def test_create_copy_copies_the_rows_too(client: bigquery.Client, table: str) -> None:
    run(client, f"CREATE TABLE `{table}` COPY `publisher.published.latest_observations`")
    assert client.get_table(table).num_rows == 20


def test_create_with_columns_and_a_query_converts_to_the_columns(client: bigquery.Client, table: str) -> None:
    run(client, f"CREATE TABLE `{table}` (a NUMERIC, b ARRAY<STRING>) AS SELECT 1, ['x']")
    assert [kind for _, kind, _ in columns(client, table)] == ["NUMERIC", "STRING"]
    assert run(client, f"SELECT a + 0.5, b[OFFSET(0)] FROM `{table}`") == [(1.5, "x")]


def test_if_not_exists_and_if_exists_skip(client: bigquery.Client, table: str) -> None:
    job = client.query(f"DROP TABLE IF EXISTS `{table}`")
    job.result()
    assert job.ddl_operation_performed == "SKIP"
    run(client, f"CREATE TABLE `{table}` (a INT64)")
    job = client.query(f"CREATE TABLE IF NOT EXISTS `{table}` (b STRING)")
    job.result()
    assert job.ddl_operation_performed == "SKIP"
    assert columns(client, table) == [("a", "INTEGER", "NULLABLE")]
    with pytest.raises(Conflict, match="Already Exists: Table"):
        run(client, f"CREATE TABLE `{table}` (b STRING)")


def test_columns_are_added_renamed_widened_and_dropped(client: bigquery.Client, table: str) -> None:
    run(client, f"CREATE TABLE `{table}` (a INT64 NOT NULL, b STRING)")
    run(client, f"INSERT `{table}` VALUES (1, 'x')")
    run(
        client,
        f"ALTER TABLE `{table}` ADD COLUMN c STRUCT<x INT64, y ARRAY<STRING>>, ADD COLUMN IF NOT EXISTS b INT64",
    )
    run(client, f"ALTER TABLE `{table}` ALTER COLUMN a DROP NOT NULL")
    run(client, f"ALTER TABLE `{table}` ALTER COLUMN a SET DATA TYPE BIGNUMERIC")
    run(client, f"ALTER TABLE `{table}` RENAME COLUMN b TO d")
    assert columns(client, table) == [
        ("a", "BIGNUMERIC", "NULLABLE"),
        ("d", "STRING", "NULLABLE"),
        ("c", "RECORD", "NULLABLE"),
    ]
    assert run(client, f"SELECT CAST(a AS STRING), d, c.x FROM `{table}`") == [("1", "x", None)]
    run(client, f"ALTER TABLE `{table}` DROP COLUMN c, DROP COLUMN IF EXISTS never")
    assert [name for name, _, _ in columns(client, table)] == ["a", "d"]


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("ADD COLUMN fine INT64, ADD COLUMN a INT64", "Column already exists: a"),
        ("DROP COLUMN a, DROP COLUMN never", "Column not found: never"),
        ("ALTER COLUMN b SET DATA TYPE INT64", "is assignable to the new type"),
        ("ADD COLUMN fine INT64, ADD COLUMN c INT64 NOT NULL", "Cannot add required fields"),
    ],
)
def test_a_wrong_alteration_changes_nothing(
    client: bigquery.Client, table: str, action: str, message: str
) -> None:
    run(client, f"CREATE TABLE `{table}` (a INT64, b STRING)")
    with pytest.raises(BadRequest, match=message):
        run(client, f"ALTER TABLE `{table}` {action}")
    assert [name for name, _, _ in columns(client, table)] == ["a", "b"]


def test_a_table_is_renamed(client: bigquery.Client, table: str) -> None:
    run(client, f"CREATE TABLE `{table}` (a INT64)")
    run(client, f"ALTER TABLE `{table}` RENAME TO renamed_table")
    with pytest.raises(NotFound):
        client.get_table(table)
    client.delete_table("streetlens-demo.own.renamed_table")


def test_alter_if_exists_skips_a_table_that_is_not_there(client: bigquery.Client) -> None:
    job = client.query("ALTER TABLE IF EXISTS own.never ADD COLUMN a INT64")
    job.result()
    assert job.ddl_operation_performed == "SKIP"


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE own.dry AS SELECT 1 AS a",
        "CREATE TABLE own.dry LIKE publisher.published.latest_observations",
        "CREATE TABLE own.dry (a INT64) OPTIONS(description='x')",
    ],
)
def test_a_dry_run_of_ddl_changes_nothing(service: Service, sql: str) -> None:
    analyze(service.engine, StatementRequest(sql, "streetlens-demo"))
    assert "dry" not in service.engine.catalog.dataset("streetlens-demo", "own").tables


def test_a_schema_is_created_where_it_should_be(client: bigquery.Client) -> None:
    run(client, "CREATE SCHEMA placed OPTIONS(location='EU')")
    assert client.get_dataset("placed").location == "EU"
    client.delete_dataset("placed")


def test_a_replacement_that_fails_leaves_the_old_table(client: bigquery.Client, table: str) -> None:
    run(client, f"CREATE TABLE `{table}` AS SELECT 1 AS a")
    with pytest.raises(BadRequest, match="division by zero"):
        run(client, f"CREATE OR REPLACE TABLE `{table}` AS SELECT 1 / (a - 1) AS b FROM `{table}`")
    assert run(client, f"SELECT a FROM `{table}`") == [(1,)]
    run(client, f"CREATE OR REPLACE TABLE `{table}` AS SELECT a + 1 AS a FROM `{table}`")
    assert run(client, f"SELECT a FROM `{table}`") == [(2,)]
