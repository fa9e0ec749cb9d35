"""The guide's two helpers: classify one image, classify many at once."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from typing import Any

from streetlens import _runs
from streetlens.compat.vertexai import _configuration
from streetlens.exceptions import ConfigurationError, StreetlensError
from streetlens.results import Usage

__all__ = ["Classification", "classify_image_with_gemini", "classify_images"]

FAILED = "Classification failed."

_log = logging.getLogger("streetlens")


class Classification(str):
    """The model's answer, or `"Classification failed."` with the reason beside it.

    Example:
        >>> answer = Classification("A stop sign.", status="ok")
        >>> answer, answer.status
        ('A stop sign.', 'ok')
    """

    __slots__ = ("error", "model", "status", "usage")

    status: str
    """`ok`, `blocked`, `truncated`, `invalid`, `image_error`, `failed` or `skipped`."""
    error: str | None
    """Why it failed."""
    model: str | None
    """The model that answered."""
    usage: Usage
    """Tokens and list price."""

    def __new__(
        cls,
        text: str,
        *,
        status: str,
        error: str | None = None,
        model: str | None = None,
        usage: Usage = Usage(0, 0, 0, 0, 0.0),  # noqa: B008 - immutable
    ) -> Classification:
        answer = super().__new__(cls, text)
        answer.status = status
        answer.error = error
        answer.model = model
        answer.usage = usage
        return answer

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Any]]:
        return (str(self),), {name: getattr(self, name) for name in self.__slots__}


def classify_image_with_gemini(gcs_uri: str, prompt: str, *, model: str | None = None) -> Classification:
    """Asks Gemini about one image in the project and location of `vertexai.init`.

    A failure does not raise: it reads `"Classification failed."`, carries its reason, and is logged.

    Args:
        gcs_uri: The image, `gs://bucket/object`.
        prompt: The question.
        model: Model id; the catalogue's recommended classifier otherwise, and a retired model's successor.

    Raises:
        ConfigurationError: The project or location is missing, malformed, or still a placeholder.
    """
    return _classified([gcs_uri], prompt, model, concurrency=1, progress=False)[0]


def classify_images(
    gcs_uris: Iterable[str | None],
    prompt: str,
    *,
    model: str | None = None,
    concurrency: int = 32,
    progress: bool | None = None,
) -> list[dict[str, Any]]:
    """Asks Gemini about many images at once; `{"gcs_uri": ..., "classification": ...}` for each, in order.

    Rows without an image (`None`, or a data frame's NaN) are left out, as the guide does. The classification is a
    `Classification`; a failure reads `"Classification failed."`, carries its reason, and is logged.

    Args:
        gcs_uris: The images, `gs://bucket/object`.
        prompt: The question.
        model: Model id; the catalogue's recommended classifier otherwise, and a retired model's successor.
        concurrency: Requests under way at once.
        progress: Whether to show it; in notebooks and terminals otherwise.

    Raises:
        ConfigurationError: The project or location is missing, malformed, or still a placeholder.
    """
    # A NaN is the one value that differs from itself.
    uris = [uri for uri in gcs_uris if uri is not None and uri == uri]  # noqa: PLR0124 - see above
    answers = _classified(uris, prompt, model, concurrency=concurrency, progress=progress) if uris else []
    return [{"gcs_uri": uri, "classification": answer} for uri, answer in zip(uris, answers, strict=True)]


def _classified(
    uris: list[str], prompt: str, model: str | None, *, concurrency: int, progress: bool | None
) -> list[Classification]:
    try:
        rows = _rows(uris, prompt, model, concurrency=concurrency, progress=progress)
    except ConfigurationError:
        raise
    except StreetlensError as error:
        _log.error("%s %s", FAILED, error)
        finished = list(error.results) if error.results is not None else []
        rows = [*finished, *({"status": "failed", "error": str(error)} for _ in uris[len(finished) :])]
        return [_classification(row) for row in rows]
    for uri, row in zip(uris, rows, strict=True):
        if row["status"] != "ok":
            _log.error("%s %s: %s", FAILED, uri, row["error"])
    return [_classification(row) for row in rows]


def _rows(
    uris: list[str], prompt: str, model: str | None, *, concurrency: int, progress: bool | None
) -> list[Mapping[str, Any]]:
    configuration = _configuration.current()
    _, placed, location = configuration.place(model)
    # The region that serves the model, so that its notes are not told again.
    session = configuration.client(location)._session  # noqa: SLF001 - a loopback test server may serve retired models
    options = {"model": placed, "concurrency": concurrency, "progress": progress}
    return list(_runs.classify(session, uris, _literal(prompt), options).wait())


def _literal(prompt: str) -> str:
    """The guide's prompts name no columns: `{name}` in them is text."""
    return re.sub(r"\{([A-Za-z_]\w*)\}", r"{{\1}}", prompt)


def _classification(row: Mapping[str, Any]) -> Classification:
    counts = {
        f"{kind}_tokens": int(row.get(f"{kind}_tokens") or 0)
        for kind in ("input", "output", "thinking", "cached")
    }
    usage = Usage(**counts, cost_usd=float(row.get("cost_usd") or 0.0))
    is_ok = row["status"] == "ok"
    return Classification(
        str(row["classification"]) if is_ok else FAILED,
        status=str(row["status"]),
        error=row.get("error"),
        model=row.get("model"),
        usage=usage,
    )
