"""The resumable upload protocol, byte for byte, as BigQuery's media endpoint speaks it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
import requests

from emulator.bigquery.conftest import Service

GRANULE = 256 * 1024
_numbers = itertools.count()
Begin = Callable[..., str]


def resource(table: str, **options: Any) -> dict[str, Any]:
    destination = {"projectId": "streetlens-demo", "datasetId": "own", "tableId": table}
    schema = {"fields": [{"name": "text", "type": "STRING"}]}
    load = {"destinationTable": destination, "sourceFormat": "NEWLINE_DELIMITED_JSON", "schema": schema}
    return {"jobReference": options, "configuration": {"load": load}}


def lines(count: int) -> bytes:
    return b"".join(b'{"text":"%06d"}\n' % number for number in range(count))


@pytest.fixture
def table() -> str:
    return f"uploaded_{next(_numbers)}"


@pytest.fixture
def begin(service: Service, table: str) -> Begin:
    """Return a way to begin an upload, which answers with the session's address."""

    def start(prefix: str = "/upload", **options: Any) -> str:
        answer = requests.post(
            f"{service.url}{prefix}/bigquery/v2/projects/streetlens-demo/jobs?uploadType=resumable",
            json=resource(table, **options),
            headers={"X-Upload-Content-Type": "*/*"},
            timeout=30,
        )
        assert (answer.status_code, answer.content) == (200, b"")
        return answer.headers["Location"]

    return start


def put(session: str, data: bytes, content_range: str | None) -> requests.Response:
    headers = {} if content_range is None else {"Content-Range": content_range}
    return requests.put(session, data=data, headers=headers, timeout=30)


def loaded(service: Service, answer: requests.Response) -> int:
    assert answer.status_code == 200, answer.text
    job = answer.json()["jobReference"]["jobId"]
    deadline = 200
    for _ in range(deadline):
        base = f"{service.url}/bigquery/v2/projects/streetlens-demo/jobs"
        found = requests.get(f"{base}/{job}", timeout=30).json()
        if found["status"]["state"] == "DONE":
            return int(found["statistics"]["load"]["outputRows"])
    raise AssertionError("the job did not end")


@pytest.mark.parametrize("prefix", ["/upload", "/resumable/upload"])
def test_a_file_arrives_in_pieces(service: Service, begin: Begin, prefix: str) -> None:
    data, session = lines(40_000), begin(prefix)
    total = len(data)
    first = put(session, data[:GRANULE], f"bytes 0-{GRANULE - 1}/*")
    assert (first.status_code, first.headers["Range"]) == (308, f"bytes=0-{GRANULE - 1}")
    last = put(session, data[GRANULE:], f"bytes {GRANULE}-{total - 1}/{total}")
    assert loaded(service, last) == 40_000


def test_a_file_arrives_in_one_piece_without_a_range(service: Service, begin: Begin) -> None:
    assert loaded(service, put(begin(), lines(10), None)) == 10


def test_a_probe_tells_where_to_go_on(service: Service, begin: Begin) -> None:
    data, session = lines(40_000), begin()
    total = len(data)
    nothing = put(session, b"", f"bytes */{total}")
    assert (nothing.status_code, "Range" in nothing.headers) == (308, False)
    put(session, data[:GRANULE], f"bytes 0-{GRANULE - 1}/{total}")
    probe = put(session, b"", f"bytes */{total}")
    assert (probe.status_code, probe.headers["Range"]) == (308, f"bytes=0-{GRANULE - 1}")
    assert loaded(service, put(session, data[GRANULE:], f"bytes {GRANULE}-{total - 1}/{total}")) == 40_000


def test_a_piece_sent_twice_counts_once(service: Service, begin: Begin) -> None:
    data, session = lines(40_000), begin()
    total = len(data)
    for _ in range(2):
        put(session, data[:GRANULE], f"bytes 0-{GRANULE - 1}/{total}")
    assert loaded(service, put(session, data[GRANULE:], f"bytes {GRANULE}-{total - 1}/{total}")) == 40_000


def test_only_whole_granules_of_an_unfinished_upload_are_kept(begin: Begin) -> None:
    data, session = lines(40_000), begin()
    size = GRANULE + 1000
    answer = put(session, data[:size], f"bytes 0-{size - 1}/{len(data)}")
    assert answer.headers["Range"] == f"bytes=0-{GRANULE - 1}"


def test_a_piece_below_a_granule_is_refused(begin: Begin) -> None:
    answer = put(begin(), lines(10), f"bytes 0-{len(lines(10)) - 1}/*")
    assert answer.status_code == 400
    assert "is required to be equal or greater than 262144" in answer.json()["error"]["message"]


def test_a_gap_is_refused(begin: Begin) -> None:
    answer = put(begin(), lines(40_000)[:GRANULE], f"bytes {GRANULE}-{2 * GRANULE - 1}/*")
    assert answer.status_code == 503
    assert "exceeds already uploaded size of 0 byte(s)" in answer.json()["error"]["message"]


def test_a_finished_upload_answers_its_job_again(service: Service, begin: Begin) -> None:
    data, session = lines(10), begin()
    first = put(session, data, f"bytes 0-{len(data) - 1}/{len(data)}")
    again = put(session, b"", f"bytes */{len(data)}")
    assert (again.status_code, again.json()) == (200, first.json())
    assert loaded(service, again) == 10


def test_a_taken_job_id_is_told_at_the_end(service: Service, begin: Begin, table: str) -> None:
    data, job_id = lines(10), f"job_of_{table}"
    loaded(service, put(begin(jobId=job_id), data, None))
    answer = put(begin(jobId=job_id), data, None)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (409, "duplicate")
    assert answer.json()["error"]["message"] == f"Already Exists: Job streetlens-demo:US.{job_id}"


def test_a_session_nobody_began_is_not_found(service: Service) -> None:
    path = "/upload/bigquery/v2/projects/streetlens-demo/jobs?uploadType=resumable&upload_id=nope"
    assert put(f"{service.url}{path}", b"", "bytes */*").status_code == 404


def test_a_cancelled_session_is_gone(begin: Begin) -> None:
    session = begin()
    assert requests.delete(session, timeout=30).status_code == 499
    assert put(session, b"", "bytes */*").status_code == 404
