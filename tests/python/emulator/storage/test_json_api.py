"""Cloud Storage's JSON API as it looks on the wire, where official clients hide it."""

from __future__ import annotations

import json

import pytest
import requests

from streetlens.emulator import Emulator

BUCKET = "wire-bucket"


@pytest.fixture
def url(emulator: Emulator) -> str:
    emulator.world.objects.delete_bucket(BUCKET)
    emulator.world.objects.put(BUCKET, "a:b/c.jpg", b"0123456789", "image/jpeg")
    return emulator.url


@pytest.mark.parametrize("name", ["a:b%2Fc.jpg", "a%3Ab%2Fc.jpg", "a:b/c.jpg"])
def test_an_object_name_may_be_percent_encoded_or_not(url: str, name: str) -> None:
    found = requests.get(f"{url}/storage/v1/b/{BUCKET}/o/{name}", timeout=10).json()
    assert found["name"] == "a:b/c.jpg"


def test_object_metadata_has_the_types_of_the_discovery_document(url: str) -> None:
    found = requests.get(f"{url}/storage/v1/b/{BUCKET}/o/a:b%2Fc.jpg", timeout=10).json()
    assert found["size"] == "10"
    assert found["generation"].isdigit()
    assert found["contentType"] == "image/jpeg"
    assert found["md5Hash"] == "eB5eJF1ptWaXm4bijSPyxw=="


def test_fields_limits_the_answer_to_what_was_asked(url: str) -> None:
    path = f"{url}/storage/v1/b/{BUCKET}/o"
    found = requests.get(path, params={"fields": "items(name,size),nextPageToken"}, timeout=10).json()
    assert found == {"items": [{"name": "a:b/c.jpg", "size": "10"}]}


def test_listing_names_only_reads_no_lazy_object(url: str, emulator: Emulator) -> None:
    lazy = emulator.world.objects.put_lazy(BUCKET, "lazy", lambda: b"drawn", "image/jpeg")
    requests.get(f"{url}/storage/v1/b/{BUCKET}/o", params={"fields": "items/name"}, timeout=10)
    assert not lazy.is_loaded


def test_a_lazy_object_is_produced_once(url: str, emulator: Emulator) -> None:
    calls: list[int] = []

    def load() -> bytes:
        calls.append(1)
        return b"drawn"

    emulator.world.objects.put_lazy(BUCKET, "lazy", load, "image/jpeg")
    for _ in range(3):
        assert requests.get(f"{url}/storage/v1/b/{BUCKET}/o/lazy?alt=media", timeout=10).content == b"drawn"
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("header", "status", "content"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=8-99", 206, b"89"),
        ("bytes=-2", 206, b"89"),
        ("bytes=10-", 416, b"Request range not satisfiable"),
        ("bytes=5-2", 200, b"0123456789"),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
def test_a_range_is_served_refused_or_ignored(url: str, header: str, status: int, content: bytes) -> None:
    path = f"{url}/storage/v1/b/{BUCKET}/o/a:b%2Fc.jpg?alt=media"
    found = requests.get(path, headers={"Range": header}, timeout=10)
    assert (found.status_code, found.content) == (status, content)


def test_media_carries_both_checksums(url: str) -> None:
    found = requests.get(f"{url}/download/storage/v1/b/{BUCKET}/o/a:b%2Fc.jpg?alt=media", timeout=10)
    assert found.headers["X-Goog-Hash"] == "crc32c=KAwGng==,md5=eB5eJF1ptWaXm4bijSPyxw=="


def test_a_missing_object_has_the_error_body_of_cloud_storage(url: str) -> None:
    found = requests.get(f"{url}/storage/v1/b/{BUCKET}/o/nowhere", timeout=10)
    message = f"No such object: {BUCKET}/nowhere"
    assert found.json() == {
        "error": {
            "code": 404,
            "message": message,
            "errors": [{"message": message, "domain": "global", "reason": "notFound"}],
        }
    }


def test_a_missing_object_on_a_media_request_is_plain_text(url: str) -> None:
    found = requests.get(f"{url}/storage/v1/b/{BUCKET}/o/nowhere?alt=media", timeout=10)
    assert (found.status_code, found.text) == (404, f"No such object: {BUCKET}/nowhere")


def test_a_simple_media_upload_takes_its_type_from_the_header(url: str) -> None:
    path = f"{url}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name=new"
    found = requests.post(path, data=b"PNG", headers={"Content-Type": "image/png"}, timeout=10).json()
    assert (found["name"], found["contentType"], found["size"]) == ("new", "image/png", "3")


def test_an_upload_with_a_wrong_checksum_is_refused(url: str) -> None:
    resource = json.dumps({"name": "bad", "crc32c": "AAAAAA=="})
    body = f"--x\r\nContent-Type: application/json\r\n\r\n{resource}\r\n--x\r\n\r\ndata\r\n--x--"
    found = requests.post(
        f"{url}/upload/storage/v1/b/{BUCKET}/o?uploadType=multipart",
        data=body,
        headers={"Content-Type": "multipart/related; boundary=x"},
        timeout=10,
    )
    assert found.status_code == 400
    assert "crc32c" in found.json()["error"]["message"]


@pytest.mark.parametrize("query", ["uploadType=media", "uploadType=tape&name=x", "uploadType=multipart"])
def test_an_upload_that_cannot_be_understood_is_a_400(url: str, query: str) -> None:
    found = requests.post(f"{url}/upload/storage/v1/b/{BUCKET}/o?{query}", data=b"x", timeout=10)
    assert found.status_code == 400


def test_an_interrupted_resumable_upload_tells_where_it_stands(url: str) -> None:
    begun = requests.post(
        f"{url}/upload/storage/v1/b/{BUCKET}/o?uploadType=resumable", json={"name": "resumed"}, timeout=10
    )
    session = begun.headers["Location"]
    part = requests.put(session, data=b"a" * 10, headers={"Content-Range": "bytes 0-9/20"}, timeout=10)
    probe = requests.put(session, headers={"Content-Range": "bytes */20"}, timeout=10)
    assert (part.status_code, probe.status_code, probe.headers["Range"]) == (308, 308, "bytes=0-9")
    done = requests.put(session, data=b"b" * 10, headers={"Content-Range": "bytes 10-19/20"}, timeout=10)
    assert (done.status_code, done.json()["size"]) == (200, "20")


def test_a_malformed_fields_parameter_is_a_400_that_quotes_it(url: str) -> None:
    found = requests.get(f"{url}/storage/v1/b/{BUCKET}/o", params={"fields": "items(name"}, timeout=10)
    assert found.status_code == 400
    assert "items(name" in found.json()["error"]["message"]
