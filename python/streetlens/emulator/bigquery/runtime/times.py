"""FORMAT_TIMESTAMP, PARSE_TIMESTAMP and their relatives, and INTERVAL texts."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from streetlens.emulator.bigquery.runtime.numeric import failure

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a local time without a zone is meant
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_ELEMENT = re.compile(r"%(E4Y|E\*S|E([0-6])S|Ez|.)")


def _offset(seconds: int, colon: bool) -> str:
    sign, minutes = "-" if seconds < 0 else "+", abs(seconds) // 60
    return f"{sign}{minutes // 60:02d}{':' if colon else ''}{minutes % 60:02d}"


def _zone_name(offset: int, zone: str) -> str:
    if zone in ("", "UTC"):
        return zone
    if offset == 0:
        return "UTC"
    hours, minutes = divmod(abs(offset) // 60, 60)
    return f"UTC{'-' if offset < 0 else '+'}" + (f"{hours:02d}{minutes:02d}" if minutes else str(hours))


def offset_micros(zone: str) -> int:
    """Return the microseconds of a UTC offset such as `+5`, `-08:00` or `+0530`."""
    digits = zone[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    micros = (int(hours) * 60 + int(minutes)) * 60_000_000
    return -micros if zone[0] == "-" else micros


def format_time(template: str, micros: int, offset: int, zone: str) -> str:
    """Return a local time (microseconds since 1970) in a FORMAT_TIMESTAMP template."""
    when = _EPOCH + timedelta(microseconds=micros)
    iso = when.isocalendar()
    day_of_year = when.timetuple().tm_yday
    hour = when.hour % 12 or 12
    simple: dict[str, str] = {
        "Y": str(when.year), "E4Y": f"{when.year:04d}", "m": f"{when.month:02d}", "d": f"{when.day:02d}",
        "H": f"{when.hour:02d}", "M": f"{when.minute:02d}", "S": f"{when.second:02d}", "I": f"{hour:02d}",
        "y": f"{when.year % 100:02d}", "C": f"{when.year // 100:02d}", "e": f"{when.day:2d}", "k": f"{when.hour:2d}",
        "l": f"{hour:2d}", "j": f"{day_of_year:03d}", "p": "PM" if when.hour >= 12 else "AM",
        "P": "pm" if when.hour >= 12 else "am", "a": _DAYS[when.weekday()][:3], "A": _DAYS[when.weekday()],
        "b": _MONTHS[when.month - 1][:3], "h": _MONTHS[when.month - 1][:3], "B": _MONTHS[when.month - 1],
        "F": f"{when.year:04d}-{when.month:02d}-{when.day:02d}", "T": f"{when:%H:%M:%S}", "R": f"{when:%H:%M}",
        "D": f"{when.month:02d}/{when.day:02d}/{when.year % 100:02d}", "x": f"{when:%m/%d}/{when.year % 100:02d}",
        "X": f"{when:%H:%M:%S}", "u": str(iso.weekday), "w": str(iso.weekday % 7), "G": str(iso.year),
        "g": f"{iso.year % 100:02d}", "V": f"{iso.week:02d}", "Q": str((when.month + 2) // 3), "n": "\n", "t": "\t",
        "U": f"{(day_of_year + 6 - iso.weekday % 7) // 7:02d}",
        "W": f"{(day_of_year + 6 - (iso.weekday - 1)) // 7:02d}",
        "c": f"{_DAYS[when.weekday()][:3]} {_MONTHS[when.month - 1][:3]} {when.day:2d} {when:%H:%M:%S} {when.year}",
        "s": str((micros // 1_000_000) - offset), "z": _offset(offset, False), "Ez": _offset(offset, True),
        "Z": _zone_name(offset, zone), "%": "%",
    }  # fmt: skip

    def element(found: re.Match[str]) -> str:
        name = found.group(1)
        if name == "E*S":
            fraction = f"{when.microsecond:06d}".rstrip("0")
            return f"{when.second:02d}" + (f".{fraction}" if fraction else "")
        if found.group(2) is not None:
            digits = int(found.group(2))
            return f"{when.second:02d}" + (f".{when.microsecond:06d}"[: digits + 1] if digits else "")
        if name not in simple:
            raise failure(f"The format element %{name} is not supported by the streetlens emulator")
        return simple[name]

    return _ELEMENT.sub(element, template)


_PARSED = {
    "Y": r"(?P<year>\d{1,4})", "E4Y": r"(?P<year>\d{4})", "m": r"(?P<month>\d{1,2})", "d": r"(?P<day>\d{1,2})",
    "e": r"\s*(?P<day>\d{1,2})", "H": r"(?P<hour>\d{1,2})", "k": r"\s*(?P<hour>\d{1,2})", "I": r"(?P<hour12>\d{1,2})",
    "l": r"\s*(?P<hour12>\d{1,2})", "M": r"(?P<minute>\d{1,2})", "S": r"(?P<second>\d{1,2})",
    "E*S": r"(?P<second>\d{1,2})(?:\.(?P<fraction>\d{1,6}))?", "y": r"(?P<short>\d{2})", "j": r"(?P<yearday>\d{1,3})",
    "p": r"(?P<half>[AaPp][Mm])", "P": r"(?P<half>[AaPp][Mm])",
    "b": r"(?P<name>[A-Za-z]{3})", "h": r"(?P<name>[A-Za-z]{3})",
    "B": r"(?P<name>[A-Za-z]+)", "a": r"[A-Za-z]{3}", "A": r"[A-Za-z]+", "s": r"(?P<epoch>-?\d+)",
    "z": r"(?P<offset>Z|[+-]\d{2}:?\d{2})", "Ez": r"(?P<offset>Z|[+-]\d{2}:?\d{2})", "Z": r"UTC",
    "F": r"(?P<year>\d{1,4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})", "R": r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2})",
    "T": r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2}):(?P<second>\d{1,2})", "n": r"\s*", "t": r"\s*", "%": "%",
    "X": r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2}):(?P<second>\d{1,2})",
    "D": r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<short>\d{2})",
    "x": r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<short>\d{2})",
}  # fmt: skip


def parse_time(template: str, text: str, kind: str) -> int:
    """Return the microseconds since 1970 that `text` means in a template; raises when it does not fit."""
    pattern, end = r"\s*", 0
    for found in _ELEMENT.finditer(template):
        pattern += _literal(template[end : found.start()])
        end = found.end()
        digits = found.group(2)
        if digits is not None:
            pattern += r"(?P<second>\d{1,2})" + (
                rf"(?:\.(?P<fraction>\d{{1,{digits}}}))?" if digits != "0" else ""
            )
        elif found.group(1) in _PARSED:
            pattern += _PARSED[found.group(1)]
        else:
            raise failure(f"The format element %{found.group(1)} is not supported by the streetlens emulator")
    pattern += _literal(template[end:]) + r"\s*"
    try:
        matched = re.fullmatch(pattern, text)
    except re.error:
        raise failure(
            f"A repeated format element in '{template}' is not supported by the streetlens emulator"
        ) from None
    if matched is None:
        raise failure(f'Failed to parse input string "{text}"')
    try:
        return _micros({key: value for key, value in matched.groupdict().items() if value is not None})
    except (ValueError, OverflowError):
        raise failure(f'Invalid {kind} result: failed to parse input string "{text}"') from None


def _literal(text: str) -> str:
    return r"\s*".join(re.escape(part) for part in re.split(r"\s+", text))


def _micros(parts: dict[str, str]) -> int:
    if "epoch" in parts:
        return int(parts["epoch"]) * 1_000_000
    year = int(parts.get("year", 1970))
    if "short" in parts:
        short = int(parts["short"])
        year = short + (1900 if short >= 69 else 2000)
    month, day = int(parts.get("month", 1)), int(parts.get("day", 1))
    if "name" in parts:
        names = [name.lower() for name in _MONTHS]
        month = next(index for index, name in enumerate(names, 1) if name.startswith(parts["name"].lower()))
    hour = int(parts.get("hour", 0))
    if "hour12" in parts:
        hour = int(parts["hour12"]) % 12 + (12 if parts.get("half", "AM").upper() == "PM" else 0)
    minute, second = int(parts.get("minute", 0)), int(parts.get("second", 0))
    when = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - a local time is meant
    if "yearday" in parts:
        when = when.replace(month=1, day=1) + timedelta(days=int(parts["yearday"]) - 1)
    micros = (when - _EPOCH) // timedelta(microseconds=1) + int(parts.get("fraction", "0").ljust(6, "0"))
    offset = parts.get("offset", "Z")
    if offset != "Z":
        digits = offset[1:].replace(":", "")
        seconds = (int(digits[:2]) * 60 + int(digits[2:])) * 60
        micros -= (seconds if offset[0] == "+" else -seconds) * 1_000_000
    return micros


def interval_words(months: int, days: int, micros: int) -> str:
    """Return an INTERVAL as BigQuery prints it: `[-]Y-M [-]D [-]H:M:S[.F]`."""
    sign = "-" if months < 0 else ""
    clock = "-" if micros < 0 else ""
    seconds, fraction = divmod(abs(micros), 1_000_000)
    tail = "" if fraction == 0 else f".{fraction:06d}" if fraction % 1000 else f".{fraction // 1000:03d}"
    hours, rest = divmod(seconds, 3600)
    return (
        f"{sign}{abs(months) // 12}-{abs(months) % 12} {days} {clock}{hours}:{rest // 60}:{rest % 60}{tail}"
    )


def seconds_text(micros: int) -> str:
    """Return epoch seconds in the notation of Java's Double.toString, which BigQuery uses for FLOAT64 timestamps."""
    value = micros / 1_000_000
    size = abs(value)
    if value == 0 or 1e-3 <= size < 1e7:
        return repr(value)
    digits, _, exponent = f"{value:.16e}".partition("e")
    for precision in range(1, 18):
        text = f"{value:.{precision}e}"
        if float(text) == value:
            digits, _, exponent = text.partition("e")
            break
    digits = digits.rstrip("0")
    return f"{digits}{'0' if digits.endswith('.') else ''}E{int(exponent)}"


_FIELDS = ("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND")
_SEPARATORS = {"YEAR": "-", "MONTH": " ", "DAY": " ", "HOUR": ":", "MINUTE": ":"}


def interval_number(text: str, span: str, part: int) -> int:
    """Return the months (0), days (1) or microseconds (2) of an INTERVAL text in the units of `span`."""
    first, _, last = (span or "YEAR TO SECOND").partition(" TO ")
    units = _FIELDS[_FIELDS.index(first) : _FIELDS.index(last) + 1]
    pattern, grouped = "", False
    for unit in units:
        if unit in ("YEAR", "DAY") or (unit == units[0]) or (unit == "HOUR"):
            pattern += f"(?P<{unit}_SIGN>[+-]?)"
        number = r"\d+(?:\.\d{1,6})?|\.\d{1,6}" if unit == "SECOND" else r"\d+"
        pattern += f"(?P<{unit}>{number})" + ("" if unit == units[-1] else re.escape(_SEPARATORS[unit]))
        grouped = True
    found = re.fullmatch(pattern, text.strip()) if grouped else None
    if found is None:
        raise failure(f"Invalid INTERVAL value '{text}'")
    values = found.groupdict()

    def amount(unit: str, sign_unit: str) -> int:
        if values.get(unit) is None:
            return 0
        whole, _, fraction = values[unit].partition(".")
        scaled = (
            int(whole or 0) * 1_000_000 + int(fraction.ljust(6, "0"))
            if unit == "SECOND"
            else int(values[unit])
        )
        signs = [
            values.get(f"{name}_SIGN")
            for name in (sign_unit, units[0])
            if values.get(f"{name}_SIGN") is not None
        ]
        return -scaled if signs and signs[0] == "-" else scaled

    if part == 0:
        return amount("YEAR", "YEAR") * 12 + amount("MONTH", "YEAR")
    if part == 1:
        return amount("DAY", "DAY")
    clock = amount("HOUR", "HOUR") * 3_600_000_000 + amount("MINUTE", "HOUR") * 60_000_000
    return clock + amount("SECOND", "HOUR")


FUNCTIONS: dict[str, tuple[Callable[..., object], list[str], str]] = {
    "bq_format_time": (format_time, ["VARCHAR", "BIGINT", "BIGINT", "VARCHAR"], "VARCHAR"),
    "bq_offset_micros": (offset_micros, ["VARCHAR"], "BIGINT"),
    "bq_parse_time": (parse_time, ["VARCHAR", "VARCHAR", "VARCHAR"], "BIGINT"),
    "bq_seconds_text": (seconds_text, ["BIGINT"], "VARCHAR"),
    "bq_interval_words": (interval_words, ["BIGINT", "BIGINT", "BIGINT"], "VARCHAR"),
    "bq_interval_number": (interval_number, ["VARCHAR", "VARCHAR", "BIGINT"], "BIGINT"),
}
