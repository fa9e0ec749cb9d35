"""Which service a path belongs to: what faults, the token check and the request log go by."""

from __future__ import annotations

import pytest

from streetlens.emulator.services import service_of


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/bigquery/v2/projects/p/queries", "bigquery"),
        ("/upload/bigquery/v2/projects/p/jobs", "bigquery"),
        ("/resumable/upload/bigquery/v2/projects/p/jobs", "bigquery"),
        ("/storage/v1/b/bucket/o/bigquery%2Fv2%2F", "storage"),
        ("/download/storage/v1/b/bucket/o/x", "storage"),
        ("/v1/projects/p/locations/global/publishers/google/models/m:generateContent", "gemini"),
        ("/v1beta1/publishers/google/models/m:countTokens", "gemini"),
        ("/v1beta/models/m:generateContent", "gemini"),
        ("/v1/projects/p/locations/us/dataExchanges/e/listings/l:subscribe", "sharing"),
        ("/v1beta1/projects/p/locations/us/dataExchanges", "sharing"),
        ("/v1/projects/p/locations/us/subscriptions/models/x", "sharing"),
        ("/google.cloud.bigquery.storage.v1.BigQueryRead/ReadRows", "bigquery_storage"),
        ("/google.cloud.bigquery.storage.v1.BigQueryWrite/AppendRows", None),
        ("/token", "token"),
        ("/computeMetadata/v1/project/project-id", "token"),
        ("/tokens", None),
        ("/emulator/faults", None),
        ("/", None),
    ],
)
def test_a_path_belongs_to_its_service(path: str, service: str | None) -> None:
    assert service_of(path) == service
