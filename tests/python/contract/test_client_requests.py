"""Every request that our own client sends fits Google's discovery documents: paths, query parameters and bodies."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

import streetlens as sl
from contract.discovery import check_response, method_id
from contract.logged import _SERVICES, check_logged
from streetlens.emulator import Emulator

LISTING = "imagery_insights_1234_5678__us"
NESTED: dict[str, Any] = {
    "type": "object",
    "$defs": {"Colour": {"enum": ["red", "white"]}},
    "properties": {
        "label": {"type": "string", "enum": ["sign", "pole"], "description": "what it is"},
        "colour": {"$ref": "#/$defs/Colour"},
        "count": {"type": ["integer", "null"], "minimum": 0, "maximum": 9},
        "sure": {"type": "number"},
        "seen_at": {"type": "string", "format": "date-time"},
        "parts": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string"}},
        "box": {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
    },
    "required": ["label"],
}
PARAMETERS: dict[str, Any] = {
    "b": True,
    "i": -5,
    "f": 1.5,
    "nan": float("nan"),
    "s": "text",
    "y": b"\x00\xff",
    "d": dt.date(2026, 1, 2),
    "t": dt.time(3, 4, 5),
    "m": dt.datetime(2026, 1, 2),  # noqa: DTZ001 - a DATETIME has no zone
    "p": dt.datetime(2026, 1, 2, tzinfo=dt.timezone.utc),
    "n": Decimal("1.5"),
    "a": [1, 2],
    "r": {"x": 1, "z": ["a"]},
    "e": sl.Parameter([], "ARRAY<STRUCT<x INT64>>"),
    "range": sl.Parameter((dt.date(2026, 1, 1), dt.date(2026, 2, 1)), "RANGE<DATE>"),
    "j": sl.Parameter({"a": 1}, "JSON"),
    "g": sl.Parameter("POINT(1 2)", "GEOGRAPHY"),
}


@pytest.fixture
def client(emulator: Emulator) -> sl.Client:
    return sl.Client(project=emulator.world.project, region="us", endpoint=emulator.url)


def methods(emulator: Emulator) -> set[str | None]:
    """The discovery methods that were reached."""
    return {
        method_id(_SERVICES[entry.service or ""], entry.method, entry.path) for entry in emulator.requests
    }


def problems(emulator: Emulator) -> list[str]:
    return [problem for entry in emulator.requests for problem in check_logged(entry)]


def subscribe(client: sl.Client, _: Emulator, __: Path) -> None:
    client.subscribe("1234-5678")
    client.subscribe("1234-5678")
    client.subscribe("1234-5678", dataset="another_name")


def occupied(client: sl.Client, emulator: Emulator, _: Path) -> None:
    emulator.world.engine.create_dataset("contract_in_the_way", if_exists="keep")
    with pytest.raises(sl.AlreadyExists):
        client.subscribe("1234-5678", dataset="contract_in_the_way")


def pages(client: sl.Client, _: Emulator, __: Path) -> None:
    # Google's discovery documents describe its REST services; the Storage Read API has none.
    sql = "SELECT x FROM UNNEST(GENERATE_ARRAY(1, 9)) AS x"
    client.query(sql, page_size=2, location="US", timeout=60, transport="rest")
    client.query_all(["SELECT 1", "SELECT 2"])


def parameters(client: sl.Client, _: Emulator, __: Path) -> None:
    client.query("SELECT " + ", ".join(f"@{name} AS v_{name}" for name in PARAMETERS), params=PARAMETERS)
    client.query("SELECT ? AS a, ? AS b", params=[1, "x"])


def long_jobs(client: sl.Client, emulator: Emulator, _: Path) -> None:
    client.query("SELECT 1 /* emulator: run for 1.3 seconds */")
    with pytest.raises(sl.DeadlineExceeded):
        client.query("SELECT 1 /* emulator: run for 60 seconds */", timeout=1.5)
    deadline = time.monotonic() + 10
    while "bigquery.jobs.cancel" not in methods(emulator) and time.monotonic() < deadline:
        time.sleep(0.02)


def every_option(client: sl.Client, emulator: Emulator, _: Path) -> None:
    uris = list(emulator.world.dataset.truth)[:2]
    client.classify(uris, "What is it?", progress=False)
    client.classify(
        uris,
        "What is it?",
        schema=NESTED,
        system_instruction="You know signs.",
        temperature=0.5,
        max_output_tokens=4096,
        media_resolution="low",
        thinking="low",
        labels={"team": "signs"},
        progress=False,
    )
    client.classify(
        uris, "What is it?", schema=["sign", "pole"], thinking=0, model="gemini-3.6-flash", progress=False
    )


def inline_images(client: sl.Client, emulator: Emulator, folder: Path) -> None:
    bucket, _, name = next(iter(emulator.world.dataset.truth)).removeprefix("gs://").partition("/")
    found = emulator.world.objects.get(bucket, name)
    assert found is not None
    (folder / "a picture.jpg").write_bytes(found.data)
    client.classify([folder / "a picture.jpg", found.data], "What is it?", progress=False)


def metadata(client: sl.Client, emulator: Emulator, _: Path) -> None:
    odd = "fol der/ünïcode:o1#?%2F+"
    emulator.world.objects.put("contract-objects", odd, b"\xff\xd8\xff", "image/jpeg")
    client.classify([f"gs://contract-objects/{odd}"], "What is it?", progress=False)


def retries(client: sl.Client, emulator: Emulator, _: Path) -> None:
    for service in ("bigquery", "gemini", "sharing"):
        emulator.faults.add("503", service=service, times=1)
    client.subscribe("1234-5678")
    client.query("SELECT 1")
    client.classify(list(emulator.world.dataset.truth)[:1], "What is it?", progress=False)


GENERATE = "aiplatform.projects.locations.publishers.models.generateContent"
QUERY = "bigquery.jobs.query"
SUBSCRIBE = {
    "analyticshub.projects.locations.subscriptions.list",
    "analyticshub.projects.locations.dataExchanges.listings.subscribe",
}
SCENARIOS: dict[Callable[[sl.Client, Emulator, Path], None], set[str]] = {
    subscribe: SUBSCRIBE,
    occupied: {*SUBSCRIBE, "bigquery.datasets.get"},
    pages: {QUERY, "bigquery.jobs.getQueryResults"},
    parameters: {QUERY},
    long_jobs: {QUERY, "bigquery.jobs.getQueryResults", "bigquery.jobs.get", "bigquery.jobs.cancel"},
    every_option: {GENERATE},
    inline_images: {GENERATE},
    metadata: {GENERATE, "storage.objects.get"},
    retries: {GENERATE, QUERY, *SUBSCRIBE},
}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario.__name__))
def test_every_request_fits(
    client: sl.Client,
    emulator: Emulator,
    tmp_path: Path,
    scenario: Callable[[sl.Client, Emulator, Path], None],
) -> None:
    scenario(client, emulator, tmp_path)
    assert problems(emulator) == []
    assert methods(emulator) == SCENARIOS[scenario]


def test_only_a_null_parameter_is_sent_as_googles_client_sends_it(
    client: sl.Client, emulator: Emulator
) -> None:
    """google-cloud-bigquery writes `null`, which Google's parser takes for absent and the document does not mention."""
    client.query("SELECT @v AS v", params={"v": sl.Parameter(None, "DATE")})
    (problem,) = problems(emulator)
    assert problem.endswith("parameterValue.value: expected a string (text), got NoneType None")


def test_the_emulator_lists_such_a_job_without_the_null(client: sl.Client, emulator: Emulator) -> None:
    client.query("SELECT @v AS v", params={"v": sl.Parameter(None, "DATE")})
    path = f"/bigquery/v2/projects/{emulator.world.project}/jobs"
    answer = requests.get(emulator.url + path, timeout=10).json()
    assert check_response("bigquery", "GET", path, answer) == []


def test_a_request_that_does_not_fit_would_be_found(client: sl.Client, emulator: Emulator) -> None:
    """The check itself is checked: the same log with one key misspelt is refused."""
    client.query("SELECT 1")
    entry = emulator.requests[0]
    entry.body = entry.body.replace(b'"useLegacySql"', b'"use_legacy_sql"')
    entry.body_length = len(entry.body)
    assert problems(emulator) == [
        "bigquery.jobs.query: $.use_legacy_sql: unknown key, did you mean useLegacySql?"
    ]


def test_no_request_carries_a_token_without_credentials(client: sl.Client, emulator: Emulator) -> None:
    subscribe(client, emulator, Path())
    assert not [entry for entry in emulator.requests if "Authorization" in entry.headers]
