"""What the emulated BigQuery answers fits the discovery document, and so do its client's requests."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client

from contract.discovery import check_response
from contract.logged import check_logged
from streetlens.emulator import Emulator

PROJECT = "/bigquery/v2/projects/streetlens-demo"
EVERY_TYPE = """
SELECT 1 AS i, 1.5 AS f, TRUE AS b, 'text' AS s, b'bytes' AS y, NUMERIC '1.5' AS n, BIGNUMERIC '1.5' AS g,
  DATE '2026-01-02' AS d, TIME '03:04:05' AS t, DATETIME '2026-01-02 03:04:05' AS m,
  TIMESTAMP '2026-01-02 03:04:05+00' AS p, [1, 2] AS a,
  STRUCT(1 AS x, 'y' AS z) AS r, CAST(NULL AS INT64) AS e
"""


@pytest.fixture
def dataset(emulator: Emulator) -> str:
    return f"{PROJECT}/datasets/{emulator.world.subscribe()}"


def job(emulator: Emulator, sql: str = EVERY_TYPE) -> dict[str, Any]:
    configuration: dict[str, Any] = {"query": {"query": sql, "useLegacySql": False}}
    answer = requests.post(
        f"{emulator.url}{PROJECT}/jobs", json={"configuration": configuration}, timeout=30
    ).json()
    assert isinstance(answer, dict)
    return answer


def problems(emulator: Emulator, method: str, path: str, body: Any = None) -> list[str]:
    answer = requests.request(method, emulator.url + path, json=body, timeout=30)
    where = path.partition("?")[0]
    return check_response("bigquery", method, where, answer.json(), answer.status_code)


def test_a_query_answer_of_every_type_fits(emulator: Emulator) -> None:
    body = {"query": EVERY_TYPE, "useLegacySql": False}
    assert problems(emulator, "POST", f"{PROJECT}/queries", body) == []


def test_a_job_and_its_results_fit(emulator: Emulator) -> None:
    created = job(emulator)
    assert check_response("bigquery", "POST", f"{PROJECT}/jobs", created) == []
    name = created["jobReference"]["jobId"]
    assert problems(emulator, "GET", f"{PROJECT}/queries/{name}?maxResults=1") == []
    assert problems(emulator, "GET", f"{PROJECT}/jobs/{name}") == []
    assert problems(emulator, "GET", f"{PROJECT}/jobs") == []
    assert problems(emulator, "POST", f"{PROJECT}/jobs/{name}/cancel") == []


def test_a_dry_run_fits(emulator: Emulator) -> None:
    body = {"query": EVERY_TYPE, "useLegacySql": False, "dryRun": True}
    assert problems(emulator, "POST", f"{PROJECT}/queries", body) == []


def test_metadata_and_table_data_fit(emulator: Emulator, dataset: str) -> None:
    paths = [
        f"{PROJECT}/datasets",
        dataset,
        f"{dataset}/tables",
        f"{dataset}/tables/latest_observations",
        f"{dataset}/tables/latest_observations/data?maxResults=3",
    ]
    assert [found for path in paths for found in problems(emulator, "GET", path)] == []


@pytest.mark.parametrize(
    "sql",
    [
        "SELEC 1",
        "SELECT nope",
        "SELECT * FROM `streetlens-demo.nowhere.t`",
        "SELECT 1/0",
        "SELECT no_such(1)",
    ],
)
def test_an_error_fits_googles_envelope(emulator: Emulator, sql: str) -> None:
    body: dict[str, Any] = {"query": sql, "useLegacySql": False}
    answer = requests.post(f"{emulator.url}{PROJECT}/queries", json=body, timeout=30)
    assert answer.status_code >= 400
    found = check_response("bigquery", "POST", f"{PROJECT}/queries", answer.json(), answer.status_code)
    assert found == []


def test_requests_of_google_cloud_bigquery_fit_but_for_one_legacy_parameter(emulator: Emulator) -> None:
    table = f"`streetlens-demo.{emulator.world.subscribe()}.latest_observations`"
    options = {"api_endpoint": emulator.url}
    with Client(
        project="streetlens-demo", credentials=AnonymousCredentials(), client_options=options
    ) as client:
        list(client.query(f"SELECT * FROM {table}").result(page_size=20))
        list(client.query_and_wait(f"SELECT * FROM {table}", page_size=20))
        list(client.list_datasets())
        client.get_table(table.strip("`"))
    found = [problem for entry in emulator.requests.of("bigquery") for problem in check_logged(entry)]
    assert len(emulator.requests.of("bigquery")) > 6
    # The client asks jobs.get for projection=full, which is in no published document.
    assert set(found) <= {"bigquery.jobs.get: unknown query parameter projection"}
