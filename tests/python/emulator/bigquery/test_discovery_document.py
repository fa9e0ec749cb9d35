"""Every response has the shape of Google's discovery document, which ships with google-api-python-client."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

import jsonschema
import pytest

TABLE = "imagery.latest_observations"


@cache
def discovery() -> dict[str, Any]:
    path = resources.files("googleapiclient").joinpath("discovery_cache/documents/bigquery.v2.json")
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


@cache
def validator(name: str) -> jsonschema.Draft7Validator:
    definitions = {key: strict(value) for key, value in discovery()["schemas"].items()}
    return jsonschema.Draft7Validator({"definitions": definitions, "$ref": f"#/definitions/{name}"})


def strict(node: Any) -> Any:
    """Turn a discovery schema into JSON Schema that refuses unknown members."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("$ref"), str):
        return {"$ref": f"#/definitions/{node['$ref']}"}
    kept = {key: strict(node[key]) for key in ("items", "additionalProperties") if key in node}
    if "properties" in node:
        kept["properties"] = {name: strict(member) for name, member in node["properties"].items()}
    if "enum" in node and node.get("type") == "string":
        kept["enum"] = node["enum"]
    if node.get("type") == "any":
        return kept
    if "type" in node:
        kept["type"] = node["type"]
    if "properties" in node and "additionalProperties" not in node:
        kept["additionalProperties"] = False
    return kept


def check(name: str, body: dict[str, Any]) -> None:
    problems = [
        f"{'/'.join(map(str, error.path))}: {error.message}" for error in validator(name).iter_errors(body)
    ]
    assert not problems, problems


@pytest.mark.parametrize(
    "options",
    [{}, {"maxResults": 1}, {"dryRun": True}, {"jobCreationMode": "JOB_CREATION_OPTIONAL"}, {"timeoutMs": 0}],
)
def test_a_query_response_fits(rest: Any, options: dict[str, Any]) -> None:
    check("QueryResponse", rest.query(f"SELECT * FROM {TABLE}", **options))


def test_a_dml_response_fits(rest: Any) -> None:
    rest.query("CREATE OR REPLACE TABLE own.shaped AS SELECT 1 AS a")
    check("QueryResponse", rest.query("UPDATE own.shaped SET a = 2 WHERE true"))


def test_a_page_of_query_results_fits(rest: Any) -> None:
    job = rest.query(f"SELECT * FROM {TABLE}", maxResults=1)["jobReference"]["jobId"]
    check(
        "GetQueryResultsResponse", rest.call("GET", f"queries/{job}?location=US&startIndex=2&maxResults=3")[1]
    )


@pytest.mark.parametrize(
    "sql", ["SELECT 1", "SELECT nope", "CREATE OR REPLACE TABLE own.shaped2 AS SELECT 1 AS a"]
)
def test_a_job_resource_fits_at_every_stage(rest: Any, sql: str) -> None:
    configuration = {"query": {"query": sql, "useLegacySql": False}, "labels": {"a": "b"}}
    status, job = rest.call("POST", "jobs", {"configuration": configuration})
    assert status == 200
    check("Job", job)
    job_id = job["jobReference"]["jobId"]
    rest.call("GET", f"queries/{job_id}?location=US")
    check("Job", rest.call("GET", f"jobs/{job_id}?location=US")[1])
    check("JobCancelResponse", rest.call("POST", f"jobs/{job_id}/cancel?location=US", b"")[1])


def test_a_dry_run_job_fits(rest: Any) -> None:
    configuration = {"dryRun": True, "query": {"query": f"SELECT * FROM {TABLE}", "useLegacySql": False}}
    check("Job", rest.call("POST", "jobs", {"configuration": configuration})[1])


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("JobList", "jobs"),
        ("DatasetList", "datasets"),
        ("Dataset", "datasets/imagery"),
        ("TableList", "datasets/imagery/tables"),
        ("Table", "datasets/imagery/tables/latest_observations"),
        ("TableDataList", "datasets/imagery/tables/latest_observations/data?maxResults=3"),
    ],
)
def test_metadata_fits(rest: Any, name: str, path: str) -> None:
    status, body = rest.call("GET", path)
    assert status == 200
    check(name, body)


def test_an_error_body_has_the_members_clients_read(rest: Any) -> None:
    status, body = rest.call("GET", "datasets/nope")
    assert status == 404
    assert body["error"] == {
        "code": 404,
        "message": "Not found: Dataset streetlens-demo:nope",
        "errors": [
            {"message": "Not found: Dataset streetlens-demo:nope", "domain": "global", "reason": "notFound"}
        ],
        "status": "NOT_FOUND",
    }


def test_a_job_with_a_number_and_a_null_as_parameters_fits(rest: Any) -> None:
    parameters = [
        {"name": "low", "parameterType": {"type": "FLOAT64"}, "parameterValue": {"value": 48.12}},
        {"name": "none", "parameterType": {"type": "STRING"}, "parameterValue": {"value": None}},
    ]
    query = {"query": "SELECT @low, @none", "useLegacySql": False, "queryParameters": parameters}
    status, job = rest.call("POST", "jobs", {"configuration": {"query": query}})
    assert status == 200
    check("Job", job)
