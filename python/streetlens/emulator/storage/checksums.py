"""Computes the two checksums of Cloud Storage objects: CRC32C and MD5, both base64.

CRC32C is the Castagnoli polynomial of RFC 3720 (appendix B.4); large data is cut into lanes that numpy
advances together, and the lanes are joined with the "append zeros" operator of the checksum.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache

import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = 0x82F63B78
_LANES = 4096
_SMALL = 4 * _LANES

Words = NDArray[np.uint32]


def md5_base64(data: bytes) -> str:
    """Return the base64 MD5 digest that Cloud Storage calls `md5Hash`."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def crc32c_base64(data: bytes) -> str:
    """Return the base64 big-endian CRC32C that Cloud Storage calls `crc32c`."""
    return base64.b64encode(crc32c(data).to_bytes(4, "big")).decode()


def crc32c(data: bytes) -> int:
    """Return the CRC32C of `data`."""
    if len(data) < _SMALL:
        return _serial(data, 0xFFFFFFFF) ^ 0xFFFFFFFF
    lane_length = len(data) // _LANES
    head = lane_length * _LANES
    lanes = np.frombuffer(data, dtype=np.uint8, count=head).reshape(_LANES, lane_length).T
    table = _table()
    registers: Words = np.zeros(_LANES, dtype=np.uint32)
    registers[0] = 0xFFFFFFFF
    for column in np.ascontiguousarray(lanes):
        registers = table[(registers ^ column) & 0xFF] ^ (registers >> np.uint32(8))
    span = lane_length
    while len(registers) > 1:
        registers = _append_zeros(registers[0::2], span) ^ registers[1::2]
        span *= 2
    return _serial(data[head:], int(registers[0])) ^ 0xFFFFFFFF


def _serial(data: bytes, register: int) -> int:
    table = _table_list()
    for byte in data:
        register = table[(register ^ byte) & 0xFF] ^ (register >> 8)
    return register


@cache
def _table_list() -> list[int]:
    table = []
    for value in range(256):
        register = value
        for _ in range(8):
            register = (register >> 1) ^ (_POLYNOMIAL if register & 1 else 0)
        table.append(register)
    return table


@cache
def _table() -> Words:
    return np.array(_table_list(), dtype=np.uint32)


def _append_zeros(registers: Words, count: int) -> Words:
    """Advance each register over `count` zero bytes."""
    result: Words = np.zeros_like(registers)
    for bit, column in enumerate(_zero_operator(count)):
        result ^= np.where((registers >> np.uint32(bit)) & np.uint32(1), np.uint32(column), np.uint32(0))
    return result


@cache
def _zero_operator(count: int) -> tuple[int, ...]:
    """Return the 32 columns of the GF(2) matrix that appends `count` zero bytes, by repeated squaring."""
    table = _table_list()
    power = tuple(table[(1 << bit) & 0xFF] ^ ((1 << bit) >> 8) for bit in range(32))
    result = tuple(1 << bit for bit in range(32))
    while count:
        if count & 1:
            result = _compose(power, result)
        power = _compose(power, power)
        count >>= 1
    return result


def _compose(outer: tuple[int, ...], inner: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(_apply(outer, column) for column in inner)


def _apply(matrix: tuple[int, ...], vector: int) -> int:
    result = 0
    for bit in range(32):
        if vector >> bit & 1:
            result ^= matrix[bit]
    return result
