"""Google's enumerations by their protocol numbers; a name this version does not know is kept, not refused."""

from __future__ import annotations

import enum

__all__ = ["BlockedReason", "FinishReason", "HarmBlockMethod", "HarmBlockThreshold", "HarmCategory"]


class _OpenEnum(enum.IntEnum):
    """Members are found by number or by name."""

    @classmethod
    def _missing_(cls, value: object) -> _OpenEnum | None:
        if not isinstance(value, str):
            return None
        if value in cls.__members__:
            return cls[value]
        unknown = int.__new__(cls, -1)
        unknown._name_ = value
        unknown._value_ = -1
        return unknown


class FinishReason(_OpenEnum):
    """Why the model stopped."""

    FINISH_REASON_UNSPECIFIED = 0
    STOP = 1
    MAX_TOKENS = 2
    SAFETY = 3
    RECITATION = 4
    OTHER = 5
    BLOCKLIST = 6
    PROHIBITED_CONTENT = 7
    SPII = 8
    MALFORMED_FUNCTION_CALL = 9
    MODEL_ARMOR = 10


class BlockedReason(_OpenEnum):
    """Why a request was blocked."""

    BLOCKED_REASON_UNSPECIFIED = 0
    SAFETY = 1
    OTHER = 2
    BLOCKLIST = 3
    PROHIBITED_CONTENT = 4
    MODEL_ARMOR = 5


class HarmCategory(_OpenEnum):
    """What content may do harm by."""

    HARM_CATEGORY_UNSPECIFIED = 0
    HARM_CATEGORY_HATE_SPEECH = 1
    HARM_CATEGORY_DANGEROUS_CONTENT = 2
    HARM_CATEGORY_HARASSMENT = 3
    HARM_CATEGORY_SEXUALLY_EXPLICIT = 4
    HARM_CATEGORY_CIVIC_INTEGRITY = 5


class HarmBlockThreshold(_OpenEnum):
    """From which probability or severity content is blocked."""

    HARM_BLOCK_THRESHOLD_UNSPECIFIED = 0
    BLOCK_LOW_AND_ABOVE = 1
    BLOCK_MEDIUM_AND_ABOVE = 2
    BLOCK_ONLY_HIGH = 3
    BLOCK_NONE = 4
    OFF = 5


class HarmBlockMethod(_OpenEnum):
    """Whether the threshold is of severity or of probability."""

    HARM_BLOCK_METHOD_UNSPECIFIED = 0
    SEVERITY = 1
    PROBABILITY = 2
