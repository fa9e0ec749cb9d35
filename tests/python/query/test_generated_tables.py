"""Tables of any schema and content are those of google-cloud-bigquery, whichever way their rows come."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
from google.cloud import bigquery
from hypothesis import HealthCheck, given, settings

import streetlens as sl
from generated.bigquery_tables import tables
from streetlens.emulator import Emulator


def normal(kind: pa.DataType) -> pa.DataType:
    """The type with every list's child named alike: producers differ there."""
    if pa.types.is_list(kind):
        return pa.list_(normal(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(normal(field.type)) for field in kind])
    return kind


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=tables())
def test_every_way_gives_the_table_that_google_cloud_bigquery_gives(
    emulator: Emulator,
    client: sl.Client,
    google: bigquery.Client,
    drawn: tuple[list[dict[str, Any]], list[dict[str, Any]]],
) -> None:
    schema, rows = drawn
    engine = emulator.world.engine
    engine.create_dataset("generated")
    sql = "SELECT * FROM generated.t"
    try:
        engine.load_table("generated", "t", schema, rows)
        theirs = google.query(sql).result().to_arrow(create_bqstorage_client=False)
        ours = {
            "arrow": client.query(sql, use_cache=False),
            "storage": client.query(sql, use_cache=False, transport="storage"),
            "both": client.query(sql, use_cache=False, page_size=1),
            "json": client.query(sql, use_cache=False, transport="rest"),
        }
    finally:
        engine.delete_dataset("generated")
    for way, table in ours.items():
        arrow = table.to_arrow()
        # Texts, as a NaN is not equal to itself.
        assert repr(arrow.to_pylist()) == repr(theirs.to_pylist()), way
        assert [
            (field.name, normal(field.type), field.nullable, field.metadata) for field in arrow.schema
        ] == [(field.name, normal(field.type), field.nullable, field.metadata) for field in theirs.schema], (
            way
        )
