"""An answer as the original shows it: candidates, text, usage, and the reasons where there is no text."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

from streetlens.compat.vertexai import _enums
from streetlens.compat.vertexai._parts import Content, pretty
from streetlens.compat.vertexai._spelling import camel_case, snake_case

__all__ = ["Candidate", "GenerationResponse", "PromptFeedback", "UsageMetadata"]


class UsageMetadata(SimpleNamespace):
    """Tokens of a request; those the service does not tell are 0."""

    prompt_token_count: int = 0
    candidates_token_count: int = 0
    thoughts_token_count: int = 0
    cached_content_token_count: int = 0
    tool_use_prompt_token_count: int = 0
    total_token_count: int = 0


class PromptFeedback(SimpleNamespace):
    """Why a request was blocked."""

    block_reason: _enums.BlockedReason = _enums.BlockedReason.BLOCKED_REASON_UNSPECIFIED
    block_reason_message: str = ""
    safety_ratings: tuple[Any, ...] = ()


class Candidate:
    """One answer of the model."""

    def __init__(self, wire: Mapping[str, Any]) -> None:
        self._wire = dict(wire)
        self.index = int(wire.get("index", 0))
        """Its place among the candidates."""
        self.content = Content.from_dict(wire.get("content") or {})
        """What the model said."""
        self.finish_reason = _enums.FinishReason(wire.get("finishReason") or 0)
        """Why it stopped."""
        self.finish_message = str(wire.get("finishMessage", ""))
        """The reason in words, where the service gives them."""
        self.safety_ratings = [_record(rating) for rating in wire.get("safetyRatings") or []]
        """How harmful the service takes it to be."""
        self.avg_logprobs = float(wire.get("avgLogprobs", 0.0))
        """Mean logarithm of the tokens' probabilities."""

    @classmethod
    def from_dict(cls, candidate_dict: Mapping[str, Any]) -> Candidate:
        """A candidate from the dictionary that `to_dict` gives."""
        return cls(camel_case(dict(candidate_dict)))

    def to_dict(self) -> dict[str, Any]:
        """The candidate as Google's JSON with names in snake_case."""
        return dict(snake_case(self._wire))

    @property
    def text(self) -> str:
        """What the model said, without thoughts.

        Raises:
            ValueError: It said nothing; the message gives the finish reason and the whole candidate.
        """
        try:
            return self.content.text
        except ValueError as error:
            reason = (
                f"{self.finish_reason.name}: {self.finish_message}"
                if self.finish_message
                else self.finish_reason.name
            )
            raise ValueError(
                f"Cannot get the candidate's text. {error} The model stopped for the reason {reason}; "
                f"{_meaning(self.finish_reason)}.\nCandidate:\n{pretty(self.to_dict())}"
            ) from error

    def __repr__(self) -> str:
        return pretty(self.to_dict())


class GenerationResponse:
    """The service's answer to one request."""

    def __init__(self, wire: Mapping[str, Any] | None = None) -> None:
        self._wire = dict(wire or {})
        self.candidates = [Candidate(candidate) for candidate in self._wire.get("candidates") or []]
        """The model's answers."""
        usage = snake_case(self._wire.get("usageMetadata") or {})
        self.usage_metadata = UsageMetadata(**usage)
        """Tokens it took."""
        feedback = snake_case(self._wire.get("promptFeedback") or {})
        self.prompt_feedback = PromptFeedback(
            **{
                **feedback,
                "block_reason": _enums.BlockedReason(feedback.get("block_reason") or 0),
                "safety_ratings": tuple(_record(rating) for rating in feedback.get("safety_ratings", [])),
            }
        )
        """Why the request was blocked, if it was."""

    @classmethod
    def from_dict(cls, response_dict: Mapping[str, Any]) -> GenerationResponse:
        """An answer from the dictionary that `to_dict` gives."""
        return cls(camel_case(dict(response_dict)))

    def to_dict(self) -> dict[str, Any]:
        """The answer as Google's JSON with names in snake_case."""
        return dict(snake_case(self._wire))

    @property
    def text(self) -> str:
        """What the model said, without thoughts.

        Raises:
            ValueError: It said nothing, or gave several candidates; the message gives the reason and the whole answer.
        """
        if len(self.candidates) > 1:
            count = len(self.candidates)
            raise ValueError(
                f"The response has {count} candidates; read `response.candidates[i].text` of one of them."
            )
        if not self.candidates:
            raise ValueError(
                f"The response has no candidates, and so no text. {self._blocked()} "
                f"See `response.prompt_feedback`.\nResponse:\n{self!r}"
            )
        try:
            return self.candidates[0].text
        except ValueError as error:
            raise ValueError(
                "Cannot get the response's text; see `response.candidates[0].content.parts`.\n"
                f"{error}\nResponse:\n{self!r}"
            ) from error

    def _blocked(self) -> str:
        feedback = self.prompt_feedback
        if not feedback.block_reason:
            return "It was probably blocked by the safety filters."
        message = f": {feedback.block_reason_message}" if feedback.block_reason_message else ""
        return f"The request was blocked for the reason {feedback.block_reason.name}{message}."

    def __repr__(self) -> str:
        return pretty(self.to_dict())


def _record(wire: Mapping[str, Any]) -> SimpleNamespace:
    record = SimpleNamespace(**snake_case(dict(wire)))
    if isinstance(getattr(record, "category", None), str):
        record.category = _enums.HarmCategory(record.category)
    return record


def _meaning(reason: _enums.FinishReason) -> str:
    if reason.name == "MAX_TOKENS":
        return "the token limit left no room for text, raise `max_output_tokens`"
    if reason.name == "STOP":
        return "it ended as usual and said nothing, which asking again may change"
    if reason.name in {"RECITATION", "IMAGE_RECITATION"}:
        return "the answer was blocked as a recitation of protected text"
    return "the answer is likely blocked by the safety filters"
