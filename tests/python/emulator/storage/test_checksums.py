"""The checksums of Cloud Storage objects."""

from __future__ import annotations

import google_crc32c
from hypothesis import given
from hypothesis import strategies as st

from streetlens.emulator.storage.checksums import crc32c, crc32c_base64, md5_base64


def test_the_check_value_of_crc32c_is_the_published_one() -> None:
    assert crc32c(b"123456789") == 0xE3069283


@given(st.binary(max_size=300), st.integers(0, 300))
def test_crc32c_agrees_with_google_crc32c_at_every_length(seed: bytes, repeats: int) -> None:
    data = (seed * repeats)[:70_000]
    assert crc32c(data) == google_crc32c.value(data)


def test_large_data_checks_the_same_as_google_crc32c() -> None:
    data = bytes(range(256)) * 40_000 + b"tail"
    assert crc32c(data) == google_crc32c.value(data)


def test_both_checksums_are_base64_of_the_big_endian_digest() -> None:
    assert (crc32c_base64(b""), md5_base64(b"")) == ("AAAAAA==", "1B2M2Y8AsgTpgAmY7PhCfg==")
