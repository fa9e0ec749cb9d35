"""Answers of Gemini and BigQuery in their wire form, as short as a test needs them."""

from __future__ import annotations

from typing import Any

from servers.scripted import Answer, Received, json_answer

__all__ = ["bigquery_error", "candidate", "gemini_error", "generated", "image_of", "page", "prompt_of"]

Json = dict[str, Any]


def candidate(text: str | None = "a stop sign", finish: str | None = "STOP", **more: Any) -> Json:
    """A candidate of one text part."""
    made: Json = {} if text is None else {"content": {"role": "model", "parts": [{"text": text}]}}
    return {**made, **({} if finish is None else {"finishReason": finish}), **more}


def generated(
    text: str | None = "a stop sign", finish: str | None = "STOP", *, seconds: float = 0.0, **usage: Any
) -> Answer:
    """A generateContent answer; `usage` are members of `usageMetadata`."""
    counts = {"promptTokenCount": 1100, "candidatesTokenCount": 5, "totalTokenCount": 1105, **usage}
    body = {
        "candidates": [candidate(text, finish)],
        "usageMetadata": {name: value for name, value in counts.items() if value is not None},
        "modelVersion": "gemini-3.5-flash-lite",
        "responseId": "an-id",
    }
    return json_answer(body, seconds=seconds)


def gemini_error(status: int, message: str, *details: Json, **headers: str) -> Answer:
    """An error in Google's envelope."""
    error: Json = {"code": status, "message": message}
    envelope = {"error": {**error, **({"details": list(details)} if details else {})}}
    return json_answer(envelope, status, 0.0, **headers)


def bigquery_error(status: int, reason: str, message: str, **headers: str) -> Answer:
    """An error as BigQuery writes it."""
    entry = {"message": message, "domain": "global", "reason": reason}
    error = {"code": status, "message": message, "errors": [entry]}
    return json_answer({"error": error}, status, 0.0, **headers)


def page(
    rows: list[list[Any]] | None,
    fields: list[Json] | None = None,
    *,
    token: str | None = None,
    complete: bool = True,
    job: str | None = "job_1",
    location: str = "US",
    seconds: float = 0.0,
    **more: Any,
) -> Answer:
    """A page of results with scalar cells."""
    body: Json = {"kind": "bigquery#queryResponse", "jobComplete": complete, **more}
    if job is not None:
        body["jobReference"] = {"projectId": "demo-project", "jobId": job, "location": location}
    if fields is not None:
        body["schema"] = {"fields": fields}
    if rows is not None and token is None:
        body.setdefault("totalRows", str(len(rows)))
    if rows:
        body["rows"] = [{"f": [{"v": cell} for cell in row]} for row in rows]
    if token is not None:
        body["pageToken"] = token
    return json_answer(body, seconds=seconds)


def image_of(request: Received) -> str:
    """The URI a generateContent request asks about."""
    return str(request.json["contents"][0]["parts"][0]["fileData"]["fileUri"])


def prompt_of(request: Received) -> str:
    """The prompt of a generateContent request."""
    return str(request.json["contents"][0]["parts"][1]["text"])
