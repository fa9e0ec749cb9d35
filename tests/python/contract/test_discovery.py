"""The validator against discovery documents finds what is wrong and accepts what is right."""

from __future__ import annotations

from typing import Any

import pytest

from contract.discovery import check_request, check_response, method_id

QUERIES = "/bigquery/v2/projects/p/queries"
MODEL = "/v1/projects/p/locations/us/publishers/google/models/gemini-3.5-flash-lite"
LISTING = "/v1/projects/p/locations/us/dataExchanges/e/listings/l"

QUERY: dict[str, Any] = {
    "query": "SELECT 1",
    "useLegacySql": False,
    "maxResults": 1000,
    "timeoutMs": 10000,
    "formatOptions": {"useInt64Timestamp": True},
    "jobCreationMode": "JOB_CREATION_OPTIONAL",
    "parameterMode": "NAMED",
    "queryParameters": [
        {"name": "kind", "parameterType": {"type": "STRING"}, "parameterValue": {"value": "x"}}
    ],
}
GENERATE: dict[str, Any] = {
    "contents": [
        {
            "role": "user",
            "parts": [
                {"fileData": {"fileUri": "gs://b/o.jpg", "mimeType": "image/jpeg"}},
                {"inlineData": {"data": "_9g=", "mimeType": "image/png"}},
                {"text": "What sign is this?"},
            ],
        }
    ],
    "generationConfig": {"temperature": 0, "maxOutputTokens": 100, "responseSchema": {"type": "STRING"}},
}


@pytest.mark.parametrize(
    ("method", "path", "identifier"),
    [
        ("POST", QUERIES, "bigquery.jobs.query"),
        ("GET", QUERIES + "/job-1", "bigquery.jobs.getQueryResults"),
        ("POST", "/upload/bigquery/v2/projects/p/jobs", "bigquery.jobs.insert"),
    ],
)
def test_a_bigquery_path_reaches_its_method(method: str, path: str, identifier: str) -> None:
    assert method_id("bigquery", method, path) == identifier


def test_a_custom_verb_wins_over_the_resource_it_is_on() -> None:
    expected = "aiplatform.projects.locations.publishers.models.countTokens"
    assert method_id("aiplatform", "POST", f"{MODEL}:countTokens") == expected


def test_an_encoded_object_name_is_one_path_segment() -> None:
    assert method_id("storage", "GET", "/storage/v1/b/bucket/o/a%2Fb:c.jpg") == "storage.objects.get"
    assert method_id("storage", "GET", "/download/storage/v1/b/bucket/o/a%2Fb") == "storage.objects.get"


def test_a_path_that_no_method_has_is_a_problem() -> None:
    assert "no method" in check_request("bigquery", "POST", "/bigquery/v2/projects/p/query", {}, QUERY)[0]


def test_a_right_query_request_has_no_problems() -> None:
    assert check_request("bigquery", "POST", QUERIES, {"prettyPrint": "false"}, QUERY) == []


def test_a_right_generate_request_has_no_problems() -> None:
    assert check_request("aiplatform", "POST", f"{MODEL}:generateContent", {}, GENERATE) == []


def test_a_right_subscribe_request_has_no_problems() -> None:
    reference = {"projectId": "p", "datasetId": "d"}
    body = {"destinationDataset": {"location": "us", "datasetReference": reference}}
    assert check_request("analyticshub", "POST", f"{LISTING}:subscribe", {}, body) == []


def test_both_versions_have_their_own_document() -> None:
    body = {"destinationDataset": {"location": "us", "replicaLocations": ["eu"]}}
    beta = LISTING.replace("/v1/", "/v1beta1/")
    assert check_request("analyticshub", "POST", f"{LISTING}:subscribe", {}, body) == []
    assert (
        "replicaLocations: unknown key"
        in check_request("analyticshub", "POST", f"{beta}:subscribe", {}, body)[0]
    )


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"querry": "x"}, "$.querry: unknown key"),
        ({"use_legacy_sql": False}, "did you mean useLegacySql?"),
        ({"useLegacySql": "false"}, "expected true or false"),
        ({"maxResults": "1000"}, "expected an uint32 number"),
        ({"maxResults": -1}, "expected an uint32 number"),
        ({"maximumBytesBilled": 1000}, "expected a string (int64)"),
        ({"maximumBytesBilled": "1e3"}, "is no int64"),
        ({"jobCreationMode": "OPTIONAL"}, "is none of"),
        ({"queryParameters": {}}, "expected an array"),
        (
            {"queryParameters": [{"parameterType": "STRING"}]},
            "$.queryParameters[0].parameterType: expected an object",
        ),
        ({"labels": {"a": 1}}, "$.labels.a: expected a string"),
    ],
)
def test_a_wrong_query_request_is_located(change: dict[str, Any], problem: str) -> None:
    found = check_request("bigquery", "POST", QUERIES, {}, QUERY | change)
    assert len(found) == 1
    assert problem in found[0]


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"fileData": {"file_uri": "gs://b/o"}}, "did you mean fileUri?"),
        ({"inlineData": {"data": "not base64!"}}, "is no byte"),
        ({"videoMetadata": {"endOffset": "5"}}, "is no google-duration"),
        ({"text": None}, "expected a string"),
    ],
)
def test_a_wrong_part_of_a_generate_request_is_located(part: dict[str, Any], problem: str) -> None:
    body = {"contents": [{"role": "user", "parts": [part]}]}
    found = check_request("aiplatform", "POST", f"{MODEL}:generateContent", {}, body)
    assert [problem in text and "$.contents[0].parts[0]" in text for text in found] == [True]


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ({"maxResult": "1"}, "unknown query parameter maxResult"),
        ({"maxResults": "many"}, "no number"),
        ({"formatOptions.useInt64Timestamp": "yes"}, "not true or false"),
    ],
)
def test_a_wrong_query_parameter_is_named(query: dict[str, str], problem: str) -> None:
    found = check_request("bigquery", "GET", QUERIES + "/job", query)
    assert len(found) == 1
    assert problem in found[0]


def test_a_required_query_parameter_must_be_there() -> None:
    assert "project is missing" in check_request("storage", "GET", "/storage/v1/b")[0]


def test_a_required_key_must_be_there() -> None:
    assert "$.name is required" in check_request("storage", "POST", "/storage/v1/b", {"project": "p"}, {})[0]


def test_a_read_only_key_must_not_be_sent() -> None:
    found = check_request("bigquery", "POST", "/bigquery/v2/projects/p/jobs", {}, {"statistics": {}})
    assert "$.statistics is read-only" in found[0]


def test_a_body_where_none_belongs_is_a_problem() -> None:
    assert "takes no body" in check_request("bigquery", "GET", QUERIES + "/job", {}, {"a": 1})[0]


def test_a_missing_body_is_a_problem() -> None:
    assert "body is missing" in check_request("bigquery", "POST", QUERIES)[0]


def test_a_response_is_checked_like_a_request() -> None:
    body = {
        "kind": "bigquery#queryResponse",
        "jobComplete": True,
        "totalRows": 1,
        "rows": [{"f": [{"v": "1"}]}],
    }
    found = check_response("bigquery", "POST", QUERIES, body)
    assert found == ["bigquery.jobs.query: $.totalRows: expected a string (uint64), got int 1"]


def test_a_response_where_none_belongs_is_a_problem() -> None:
    assert check_response("storage", "DELETE", "/storage/v1/b/b/o/o", None, 204) == []
    assert "answers nothing" in check_response("storage", "DELETE", "/storage/v1/b/b/o/o", {}, 204)[0]


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        ({"code": 404, "message": "no", "status": "NOT_FOUND"}, None),
        ({"code": 400, "message": "no"}, "error.code is 400"),
        ({"code": 404, "message": ""}, "error.message is missing"),
        ({"code": 404, "message": "no", "reason": "x"}, "error.reason: unknown key"),
        (
            {"code": 404, "message": "no", "errors": [{"message": "no", "domain": "global"}]},
            "reason is missing",
        ),
        ({"code": 404, "message": "no", "details": [{"reason": "X"}]}, "no @type"),
    ],
)
def test_an_error_is_checked_for_googles_envelope(error: dict[str, Any], problem: str | None) -> None:
    found = check_response("bigquery", "GET", QUERIES + "/job", {"error": error}, 404)
    assert (problem is None) == (found == [])
    assert problem is None or problem in found[0]


def test_an_error_without_envelope_is_a_problem() -> None:
    assert check_response("bigquery", "GET", QUERIES + "/job", {"message": "no"}, 404)
