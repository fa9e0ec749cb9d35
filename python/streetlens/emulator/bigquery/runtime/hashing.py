"""FARM_FINGERPRINT and SHA512: FarmHash's Fingerprint64 as published at https://github.com/google/farmhash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

_MASK = 2**64 - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _fetch64(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def _fetch32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _rotate(value: int, places: int) -> int:
    return ((value >> places) | (value << (64 - places))) & _MASK


def _mix(value: int) -> int:
    return value ^ (value >> 47)


def _hash16(low: int, high: int, multiplier: int) -> int:
    first = _mix(((low ^ high) * multiplier) & _MASK)
    second = _mix(((high ^ first) * multiplier) & _MASK)
    return (second * multiplier) & _MASK


def _up_to_16(data: bytes) -> int:
    size = len(data)
    if size >= 8:
        multiplier = _K2 + size * 2
        first = (_fetch64(data, 0) + _K2) & _MASK
        second = _fetch64(data, size - 8)
        third = (_rotate(second, 37) * multiplier + first) & _MASK
        fourth = ((_rotate(first, 25) + second) * multiplier) & _MASK
        return _hash16(third, fourth, multiplier)
    if size >= 4:
        return _hash16(size + (_fetch32(data, 0) << 3), _fetch32(data, size - 4), _K2 + size * 2)
    if size > 0:
        low = data[0] + (data[size >> 1] << 8)
        high = size + (data[size - 1] << 2)
        return (_mix((low * _K2 ^ high * _K0) & _MASK) * _K2) & _MASK
    return _K2


def _up_to_32(data: bytes) -> int:
    size = len(data)
    multiplier = _K2 + size * 2
    first = (_fetch64(data, 0) * _K1) & _MASK
    second = _fetch64(data, 8)
    third = (_fetch64(data, size - 8) * multiplier) & _MASK
    fourth = (_fetch64(data, size - 16) * _K2) & _MASK
    low = (_rotate((first + second) & _MASK, 43) + _rotate(third, 30) + fourth) & _MASK
    return _hash16(low, (first + _rotate((second + _K2) & _MASK, 18) + third) & _MASK, multiplier)


def _up_to_64(data: bytes) -> int:
    size = len(data)
    multiplier = _K2 + size * 2
    first = (_fetch64(data, 0) * _K2) & _MASK
    second = _fetch64(data, 8)
    third = (_fetch64(data, size - 8) * multiplier) & _MASK
    fourth = (_fetch64(data, size - 16) * _K2) & _MASK
    low = (_rotate((first + second) & _MASK, 43) + _rotate(third, 30) + fourth) & _MASK
    high = _hash16(low, (first + _rotate((second + _K2) & _MASK, 18) + third) & _MASK, multiplier)
    fifth = (_fetch64(data, 16) * multiplier) & _MASK
    sixth = _fetch64(data, 24)
    seventh = ((low + _fetch64(data, size - 32)) * multiplier) & _MASK
    eighth = ((high + _fetch64(data, size - 24)) * multiplier) & _MASK
    last = (_rotate((fifth + sixth) & _MASK, 43) + _rotate(seventh, 30) + eighth) & _MASK
    return _hash16(last, (fifth + _rotate((sixth + first) & _MASK, 18) + seventh) & _MASK, multiplier)


def _weak32(data: bytes, at: int, first: int, second: int) -> tuple[int, int]:
    w, x, y, z = (_fetch64(data, at + step) for step in (0, 8, 16, 24))
    first = (first + w) & _MASK
    second = _rotate((second + first + z) & _MASK, 21)
    carried = first
    first = (first + x + y) & _MASK
    second = (second + _rotate(first, 44)) & _MASK
    return (first + z) & _MASK, (second + carried) & _MASK


def _long(data: bytes) -> int:
    seed = 81
    x, y = seed, (seed * _K1 + 113) & _MASK
    z = (_mix((y * _K2 + 113) & _MASK) * _K2) & _MASK
    v, w = (0, 0), (0, 0)
    x = (x * _K2 + _fetch64(data, 0)) & _MASK
    end = (len(data) - 1) // 64 * 64
    last = end + ((len(data) - 1) & 63) - 63
    for at in range(0, end, 64):
        x = (_rotate((x + y + v[0] + _fetch64(data, at + 8)) & _MASK, 37) * _K1) & _MASK
        y = (_rotate((y + v[1] + _fetch64(data, at + 48)) & _MASK, 42) * _K1) & _MASK
        x ^= w[1]
        y = (y + v[0] + _fetch64(data, at + 40)) & _MASK
        z = (_rotate((z + w[0]) & _MASK, 33) * _K1) & _MASK
        v = _weak32(data, at, (v[1] * _K1) & _MASK, (x + w[0]) & _MASK)
        w = _weak32(data, at + 32, (z + w[1]) & _MASK, (y + _fetch64(data, at + 16)) & _MASK)
        z, x = x, z
    multiplier = (_K1 + ((z & 0xFF) << 1)) & _MASK
    w = ((w[0] + ((len(data) - 1) & 63)) & _MASK, w[1])
    v = ((v[0] + w[0]) & _MASK, v[1])
    w = ((w[0] + v[0]) & _MASK, w[1])
    x = (_rotate((x + y + v[0] + _fetch64(data, last + 8)) & _MASK, 37) * multiplier) & _MASK
    y = (_rotate((y + v[1] + _fetch64(data, last + 48)) & _MASK, 42) * multiplier) & _MASK
    x ^= (w[1] * 9) & _MASK
    y = (y + v[0] * 9 + _fetch64(data, last + 40)) & _MASK
    z = (_rotate((z + w[0]) & _MASK, 33) * multiplier) & _MASK
    v = _weak32(data, last, (v[1] * multiplier) & _MASK, (x + w[0]) & _MASK)
    w = _weak32(data, last + 32, (z + w[1]) & _MASK, (y + _fetch64(data, last + 16)) & _MASK)
    z, x = x, z
    low = (_hash16(v[0], w[0], multiplier) + _mix(y) * _K0 + z) & _MASK
    return _hash16(low, (_hash16(v[1], w[1], multiplier) + x) & _MASK, multiplier)


def farm_fingerprint(data: bytes) -> int:
    """Return FarmHash Fingerprint64 as a signed INT64."""
    size = len(data)
    if size <= 16:
        value = _up_to_16(data)
    elif size <= 32:
        value = _up_to_32(data)
    elif size <= 64:
        value = _up_to_64(data)
    else:
        value = _long(data)
    return value - 2**64 if value >= 2**63 else value


def sha512(data: bytes) -> bytes:
    """Return the SHA-512 digest."""
    return hashlib.sha512(data).digest()


FUNCTIONS: dict[str, tuple[Callable[..., object], list[str], str]] = {
    "bq_farm_fingerprint": (farm_fingerprint, ["BLOB"], "BIGINT"),
    "bq_sha512": (sha512, ["BLOB"], "BLOB"),
}
