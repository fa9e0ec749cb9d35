"""Data sets that a statement makes belong to the project that runs it."""

from __future__ import annotations

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from streetlens.emulator import Emulator


def test_a_data_set_belongs_to_the_project_that_makes_it(emulator: Emulator) -> None:
    options = {"api_endpoint": emulator.url}
    with bigquery.Client(
        "another-project", credentials=AnonymousCredentials(), client_options=options
    ) as client:
        client.query_and_wait("CREATE SCHEMA own")
        assert client.get_dataset("another-project.own").project == "another-project"
        client.query_and_wait("DROP SCHEMA own")
        assert list(client.list_datasets()) == []
