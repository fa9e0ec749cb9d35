"""The error answers of the real service, in its own words (recorded or documented, see each)."""

from __future__ import annotations

from streetlens.emulator.errors import ServiceError

LEARN_MORE = "Learn more: https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/gemini"


def invalid(message: str) -> ServiceError:
    return ServiceError("gemini", 400, message)


def cannot_submit(reason: str, remedy: str) -> ServiceError:
    """Returns the form that most request checks of the real service have."""
    return invalid(f"Unable to submit request because {reason}. {remedy} {LEARN_MORE}")


def out_of_range(name: str, value: float, low: str, high: str) -> ServiceError:
    return invalid(
        f"Unable to submit request because it has a {name} value of {value:g} but the supported "
        f"range is from {low} (inclusive) to {high} (exclusive). Update the value and try again."
    )


def unknown_name(name: str, where: str) -> ServiceError:
    """Returns the answer of Google's JSON parser to a field that the message does not have."""
    place = f" at '{where}'" if where else ""
    text = f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
    violation = {"field": where, "description": text} if where else {"description": text}
    return ServiceError(
        "gemini",
        400,
        text,
        details=[{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}],
    )


def not_repeating(name: str, where: str) -> ServiceError:
    """Returns the answer of Google's JSON parser to a list where the message has a single value."""
    return invalid(
        f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': "
        "Proto field is not repeating, cannot start list."
    )


def invalid_value(where: str, value: object) -> ServiceError:
    return invalid(f"Invalid value at '{where}': {value!r}")


def schema_without_json(field: str, mime_types: str) -> ServiceError:
    """Returns the answer to a schema without the media type that it is for."""
    return invalid(
        f"Unable to submit request because {field} is only supported with response_mime_type {mime_types}. "
        "Update the response_mime_type and try again."
    )


def model_not_found(project: str, location: str, model: str) -> ServiceError:
    return ServiceError(
        "gemini",
        404,
        f"Publisher Model `projects/{project}/locations/{location}/publishers/google/models/{model}` was not "
        "found or your project does not have access to it. Please ensure you are using a valid model "
        "version. For more information, see: https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions",
    )


def minimal_thinking() -> ServiceError:
    return invalid("Thinking level MINIMAL is not supported for this model.")


def image_not_found(uri: str) -> ServiceError:
    """Returns the 404 of the documentation's own example for a missing Cloud Storage object."""
    return ServiceError("gemini", 404, f"Image file not found in the storage URL: {uri}")


def cache_not_found(name: str) -> ServiceError:
    number = name.rsplit("/", 1)[-1]
    return ServiceError("gemini", 404, f"Not found: cache content metadata {number}.")


def image_invalid() -> ServiceError:
    return invalid("Provided image is not valid.")


def access_denied() -> ServiceError:
    return ServiceError(
        "gemini",
        403,
        "Permission denied while accessing input file. Learn more about providing the appropriate "
        "credentials: https://cloud.google.com/vertex-ai/generative-ai/docs/access-control",
    )


def url_not_fetched() -> ServiceError:
    return invalid(
        "Cannot fetch content from the provided URL. Please ensure the URL is valid and accessible by "
        "Vertex AI. Vertex AI respects robots.txt rules, so confirm the URL is allowed to be crawled. "
        "Status: URL_ERROR-ERROR_OTHER"
    )


def unsupported_media(mime_type: str) -> ServiceError:
    return cannot_submit(
        f"it has a mimeType parameter with value {mime_type}, which is not supported",
        "Update the mimeType and try again.",
    )
