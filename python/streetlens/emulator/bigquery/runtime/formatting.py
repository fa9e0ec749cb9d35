"""The pieces of FORMAT: one printf specifier applied to one value."""

from __future__ import annotations

import math
from collections.abc import Callable

from streetlens.emulator.bigquery.runtime.numeric import float_text


def _grouped(text: str) -> str:
    sign = text[0] if text[:1] in "+- " else ""
    whole, point, fraction = text[len(sign) :].partition(".")
    return f"{sign}{int(whole or '0'):,}{point}{fraction}"


def _padded(spec: str, text: str) -> str:
    flags = spec[1 : len(spec) - len(spec.lstrip("%-+ #0'"))]
    width = "".join(
        character for character in spec.lstrip("%-+ #0'").partition(".")[0] if character.isdigit()
    )
    return text.ljust(int(width or 0)) if "-" in flags else text.rjust(int(width or 0))


def format_integer(spec: str, letter: str, value: int) -> str:
    """Return `%d`, `%i`, `%u`, `%o`, `%x` or `%X` of an INT64; the flag ' groups thousands."""
    if "'" in spec and letter in "diu":
        plain = spec.replace("'", "")
        signs = "".join(flag for flag in "+ " if flag in plain)
        return _padded(plain, _grouped(f"%{signs}d" % value))
    return (spec.replace("'", "") + ("d" if letter in "iu" else letter)) % value


def format_float(spec: str, letter: str, value: float) -> str:
    """Return `%f`, `%e` or `%g` of a FLOAT64."""
    if not math.isfinite(value):
        text = "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        return _padded(spec, text.upper() if letter.isupper() else text)
    if "'" in spec and letter in "fF":
        plain = spec.replace("'", "")
        precision = plain.partition(".")[2] or "6"
        return _padded(plain, _grouped(f"%.{precision}f" % value))
    return str((spec.replace("'", "") + letter) % value)


def format_text(spec: str, value: str) -> str:
    """Return `%s` of a text."""
    return (
        str(
            (spec.replace("'", "").replace("0", "", 1) if spec.startswith("%0") else spec.replace("'", ""))
            + "s"
        )
        % value
    )


def quote(value: str) -> str:
    """Return a text as a double-quoted GoogleSQL literal."""
    escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    if '"' in escaped and "'" not in escaped:
        return f"'{escaped}'"
    return '"' + escaped.replace('"', '\\"') + '"'


def float_printed(value: float, as_literal: bool) -> str:
    """Return a FLOAT64 as %t prints it: always with a decimal point, exponent, inf or nan."""
    if not math.isfinite(value):
        text = "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
        return f'CAST("{text}" AS FLOAT64)' if as_literal else text
    text = float_text(value)
    return text if any(mark in text for mark in ".e") else text + ".0"


def bytes_printed(value: bytes, as_literal: bool) -> str:
    """Return BYTES with unprintable bytes escaped."""
    text = "".join(
        chr(byte) if 32 <= byte < 127 and byte not in (34, 92) else f"\\x{byte:02x}" for byte in value
    )
    return f'b"{text}"' if as_literal else text


FUNCTIONS: dict[str, tuple[Callable[..., object], list[str], str]] = {
    "bq_format_integer": (format_integer, ["VARCHAR", "VARCHAR", "BIGINT"], "VARCHAR"),
    "bq_format_float": (format_float, ["VARCHAR", "VARCHAR", "DOUBLE"], "VARCHAR"),
    "bq_format_text": (format_text, ["VARCHAR", "VARCHAR"], "VARCHAR"),
    "bq_quote": (quote, ["VARCHAR"], "VARCHAR"),
    "bq_float_printed": (float_printed, ["DOUBLE", "BOOLEAN"], "VARCHAR"),
    "bq_bytes_printed": (bytes_printed, ["BLOB", "BOOLEAN"], "VARCHAR"),
}
