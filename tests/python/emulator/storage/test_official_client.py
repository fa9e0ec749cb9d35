"""google-cloud-storage, unmodified, against the emulated Cloud Storage."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core.exceptions import Conflict, Forbidden, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from streetlens.emulator import Emulator

BUCKET = "official-client"


@pytest.fixture
def client(emulator: Emulator) -> Iterator[Any]:
    for bucket in emulator.world.objects.buckets():
        if bucket.name.startswith(BUCKET):
            emulator.world.objects.delete_bucket(bucket.name)
    emulator.world.objects.create_bucket(BUCKET)
    with Client(
        project="streetlens-demo",
        credentials=AnonymousCredentials(),
        client_options={"api_endpoint": emulator.url},
    ) as client:
        yield client


def test_a_small_upload_is_downloaded_again_byte_for_byte(client: Any) -> None:
    data = os.urandom(20_000)
    blob = client.bucket(BUCKET).blob("signs/stop.jpg")
    blob.upload_from_string(data, content_type="image/jpeg")
    assert client.bucket(BUCKET).blob("signs/stop.jpg").download_as_bytes() == data


def test_a_nine_mebibyte_upload_goes_through_a_resumable_session(client: Any, emulator: Emulator) -> None:
    data = os.urandom(9 * 2**20 + 17)
    client.bucket(BUCKET).blob("large").upload_from_file(io.BytesIO(data), size=len(data))
    assert any(entry.query.get("uploadType") == "resumable" for entry in emulator.requests)
    stored = emulator.world.objects.get(BUCKET, "large")
    assert stored is not None
    assert stored.data == data


def test_a_resumable_upload_in_chunks_of_unknown_total_size_arrives_whole(client: Any) -> None:
    data = os.urandom(1_000_000)
    blob = client.bucket(BUCKET).blob("chunked", chunk_size=256 * 1024)
    with blob.open("wb") as file:
        for start in range(0, len(data), 100_000):
            file.write(data[start : start + 100_000])
    assert blob.download_as_bytes() == data


@pytest.mark.parametrize(
    "name",
    [
        "a:b/c:d.jpg",
        "2025-01-02T03:04:05Z/observation:1.jpg",
        "space and %2F and ü?#&=+.jpg",
        "//leading/../dots/./",
        "日本/標識.png",
    ],
)
def test_any_object_name_survives_upload_listing_and_download(client: Any, name: str) -> None:
    blob = client.bucket(BUCKET).blob(name)
    blob.upload_from_string(b"data")
    assert [found.name for found in client.list_blobs(BUCKET)] == [name]
    assert client.bucket(BUCKET).blob(name).download_as_bytes() == b"data"


def test_reload_gives_the_metadata_that_was_stored(client: Any) -> None:
    bucket = client.bucket(BUCKET)
    blob = bucket.blob("described.png")
    blob.metadata = {"asset": "42"}
    blob.cache_control = "no-store"
    blob.upload_from_string(b"12345", content_type="image/png", checksum="crc32c")
    found = bucket.get_blob("described.png")
    assert (found.size, found.content_type, found.metadata, found.cache_control) == (
        5,
        "image/png",
        {"asset": "42"},
        "no-store",
    )


def test_a_loaded_blob_downloads_through_its_media_link(client: Any) -> None:
    client.bucket(BUCKET).blob("linked").upload_from_string(b"abc")
    assert client.bucket(BUCKET).get_blob("linked").download_as_bytes(checksum="md5") == b"abc"


def test_a_range_download_gives_exactly_those_bytes(client: Any) -> None:
    blob = client.bucket(BUCKET).blob("range")
    blob.upload_from_string(b"0123456789")
    assert blob.download_as_bytes(start=2, end=5) == b"2345"
    assert blob.download_as_bytes(start=-3) == b"789"


def test_a_file_reader_reads_in_chunks(client: Any) -> None:
    data = os.urandom(600_000)
    client.bucket(BUCKET).blob("reader").upload_from_string(data)
    with client.bucket(BUCKET).blob("reader").open("rb", chunk_size=256 * 1024) as file:
        assert file.read() == data


def test_an_empty_object_is_an_object(client: Any) -> None:
    blob = client.bucket(BUCKET).blob("empty")
    blob.upload_from_string(b"")
    assert blob.exists()
    assert client.bucket(BUCKET).blob("empty").download_as_bytes() == b""


def test_exists_tells_there_from_missing(client: Any) -> None:
    bucket = client.bucket(BUCKET)
    bucket.blob("there").upload_from_string(b"x")
    assert (bucket.blob("there").exists(), bucket.blob("missing").exists()) == (True, False)


def test_listing_pages_through_everything_once_and_in_order(client: Any) -> None:
    names = [f"page/{number:03d}" for number in range(25)]
    for name in names:
        client.bucket(BUCKET).blob(name).upload_from_string(b"x")
    found = client.list_blobs(BUCKET, prefix="page/", page_size=4)
    assert [blob.name for blob in found] == names


@pytest.mark.parametrize("page_size", [1, 2, 100])
def test_a_delimiter_folds_names_into_folders_on_every_page_size(client: Any, page_size: int) -> None:
    for name in ("a/1", "a/2", "b", "c/", "c/x/1", "d", "e/9"):
        client.bucket(BUCKET).blob(name).upload_from_string(b"x")
    found = client.list_blobs(BUCKET, delimiter="/", page_size=page_size)
    names = [blob.name for blob in found]
    assert (names, sorted(found.prefixes)) == (["b", "d"], ["a/", "c/", "e/"])


def test_a_deleted_object_is_gone(client: Any) -> None:
    blob = client.bucket(BUCKET).blob("short-lived")
    blob.upload_from_string(b"x")
    blob.delete()
    assert not blob.exists()


def test_a_missing_object_is_a_404_that_names_it(client: Any) -> None:
    with pytest.raises(NotFound, match=f"No such object: {BUCKET}/nowhere"):
        client.bucket(BUCKET).blob("nowhere").download_as_bytes()


def test_a_missing_bucket_is_a_404(client: Any) -> None:
    with pytest.raises(NotFound, match="The specified bucket does not exist"):
        list(client.list_blobs("no-such-bucket"))


def test_a_forbidden_bucket_is_a_403_that_names_the_permission(client: Any) -> None:
    with pytest.raises(Forbidden, match=r"storage\.objects\.get"):
        client.bucket("forbidden-pictures").blob("x").download_as_bytes()


def test_an_upload_that_must_create_fails_when_the_object_exists(client: Any) -> None:
    blob = client.bucket(BUCKET).blob("once")
    blob.upload_from_string(b"1", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        blob.upload_from_string(b"2", if_generation_match=0)


def test_buckets_are_created_listed_and_deleted(client: Any) -> None:
    created = client.create_bucket(f"{BUCKET}-two", location="EU")
    assert created.location == "EU"
    assert f"{BUCKET}-two" in [bucket.name for bucket in client.list_buckets()]
    created.delete()
    assert client.lookup_bucket(f"{BUCKET}-two") is None


def test_creating_a_bucket_twice_is_a_conflict(client: Any) -> None:
    with pytest.raises(Conflict):
        client.create_bucket(BUCKET)


def test_a_bucket_with_objects_is_not_deleted(client: Any) -> None:
    client.bucket(BUCKET).blob("inside").upload_from_string(b"x")
    with pytest.raises(Conflict, match="not empty"):
        client.bucket(BUCKET).delete()
