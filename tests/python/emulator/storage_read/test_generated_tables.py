"""Tables of any schema and content are the same over REST, in read sessions and as Arrow results of a query."""

from __future__ import annotations

from typing import Any

import pytest
from google.cloud import bigquery
from hypothesis import HealthCheck, given, settings

from generated.bigquery_tables import tables
from streetlens.emulator import Emulator


@pytest.mark.filterwarnings("ignore:Retrieving Arrow record batches:PendingDeprecationWarning")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=tables())
def test_every_way_to_read_a_table_gives_the_same_one(
    emulator: Emulator,
    client: bigquery.Client,
    reader: Any,
    drawn: tuple[list[dict[str, Any]], list[dict[str, Any]]],
) -> None:
    schema, rows = drawn
    engine = emulator.world.engine
    engine.create_dataset("generated")
    try:
        engine.load_table("generated", "t", schema, rows)
        listed = client.get_table("generated.t")
        by_rows = client.list_rows(listed).to_arrow(create_bqstorage_client=False)
        by_session = client.list_rows(listed).to_arrow(bqstorage_client=reader)
        query = client.query_and_wait("SELECT * FROM generated.t", query_results_format="ARROW")
        by_query = query.to_arrow(bqstorage_client=reader)
    finally:
        engine.delete_dataset("generated")
    # Texts, as a NaN is not equal to itself.
    shown = repr(by_rows.to_pylist())
    assert (repr(by_session.to_pylist()), repr(by_query.to_pylist())) == (shown, shown)
    assert by_session.schema.equals(by_rows.schema, check_metadata=True)
    assert by_query.schema.equals(by_rows.schema, check_metadata=True)
