"""Every exception of streetlens.

StreetlensError
├── ConfigurationError (ValueError)      a setting is missing, malformed or contradictory
├── InvalidInput (ValueError)            an argument or an input table cannot be used
│   ├── InvalidUri                       a `gs://` URI is malformed
│   └── SchemaError                      a response schema cannot be served
├── ServiceError                         a Google service answered with an error
│   ├── AuthenticationError              no valid credentials
│   ├── PermissionDenied                 the credentials are valid and not allowed to do this
│   ├── NotFound                         the named resource does not exist
│   ├── AlreadyExists                    a resource of the same name and another meaning exists
│   ├── QueryError                       BigQuery refused or failed a query
│   ├── ModelUnavailable                 the model is retired, unknown, or not served there
│   ├── ImageError                       an image cannot be read
│   ├── InvalidRequest                   the service refused the request for its form
│   ├── QuotaExhausted                   the service kept asking to slow down
│   ├── ServiceUnavailable               the service kept failing
│   └── MalformedResponse                an answer that cannot be understood
├── ConnectionFailed (ConnectionError)   the connection failed or broke
├── DeadlineExceeded (TimeoutError)      no answer in time
├── TooManyErrors                        more rows of a run failed than `max_error_ratio` allows
├── BudgetExceeded                       `max_cost_usd` does not pay for one request
├── StoreError                           the file of paid answers cannot be read or written
├── MissingLibrary (ImportError)         a library that was asked for is not installed
├── Cancelled                            the work was cancelled
└── InternalError                        a defect of streetlens

Trouble with one image of a run never raises: it is a row with a `status` and an `error`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streetlens.results import Results

__all__ = [
    "AlreadyExists",
    "AuthenticationError",
    "BudgetExceeded",
    "Cancelled",
    "ConfigurationError",
    "ConnectionFailed",
    "DeadlineExceeded",
    "ImageError",
    "InternalError",
    "InvalidInput",
    "InvalidRequest",
    "InvalidUri",
    "MalformedResponse",
    "MissingLibrary",
    "ModelUnavailable",
    "NotFound",
    "PermissionDenied",
    "QueryError",
    "QuotaExhausted",
    "SchemaError",
    "ServiceError",
    "ServiceUnavailable",
    "StoreError",
    "StreetlensError",
    "TooManyErrors",
]


class StreetlensError(Exception):
    """What happened, to which thing, and what to do about it.

    Attributes:
        message: What happened.
        hint: What to do, where that is known.
        service: The Google service that answered, for example `"BigQuery"`.
        status: HTTP status code.
        reason: The service's own reason, for example `"invalidQuery"`.
        location: BigQuery location of the job.
        job_id: BigQuery job id.
        attempts: How often the request was sent.
        results: Rows that were finished before a run ended with this error.
        retryable: Whether credentials that raised it may be asked again at once.

    Example:
        >>> import streetlens as sl
        >>> try:
        ...     sl.Client(project="PROJECT_ID")
        ... except sl.StreetlensError as error:
        ...     print(error)
        `project` is still the placeholder `PROJECT_ID`
        hint: pass the project id shown in the Google Cloud console, for example `project="my-project"`
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        service: str | None = None,
        status: int | None = None,
        reason: str | None = None,
        location: str | None = None,
        job_id: str | None = None,
        attempts: int = 0,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.service = service
        self.status = status
        self.reason = reason
        self.location = location
        self.job_id = job_id
        self.attempts = attempts
        self.results: Results | None = None
        self.retryable = False

    def __str__(self) -> str:
        facts = [f"{self.service or 'HTTP'} {self.status}"] if self.status is not None else []
        named = (("reason", self.reason), ("location", self.location), ("job", self.job_id))
        facts += [f"{name} `{value}`" for name, value in named if value]
        if self.attempts > 1:
            facts.append(f"{self.attempts} attempts")
        text = f"{self.message} ({', '.join(facts)})" if facts else self.message
        return f"{text}\nhint: {self.hint}" if self.hint else text

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message,), self.__dict__


class ConfigurationError(StreetlensError, ValueError):
    """A setting is missing, malformed or contradictory."""


class InvalidInput(StreetlensError, ValueError):
    """An argument or an input table cannot be used."""


class InvalidUri(InvalidInput):
    """A `gs://` URI is malformed."""


class SchemaError(InvalidInput):
    """A response schema cannot be served."""


class ServiceError(StreetlensError):
    """A Google service answered with an error."""


class AuthenticationError(ServiceError):
    """There are no valid credentials."""


class PermissionDenied(ServiceError):
    """The credentials are valid and not allowed to do this."""


class NotFound(ServiceError):
    """The named resource does not exist."""


class AlreadyExists(ServiceError):
    """A resource of the same name and another meaning exists."""


class QueryError(ServiceError):
    """BigQuery refused or failed a query; `reason`, `location` and `job_id` tell more where BigQuery does."""


class ModelUnavailable(ServiceError):
    """The model is retired, unknown, or not served in the location; the hint names what to use instead."""


class ImageError(ServiceError):
    """An image cannot be read."""


class InvalidRequest(ServiceError):
    """The service refused the request for its form."""


class QuotaExhausted(ServiceError):
    """The service kept asking to slow down until the deadline."""


class ServiceUnavailable(ServiceError):
    """The service kept failing until the attempts were used up."""


class MalformedResponse(ServiceError):
    """The service gave an answer that cannot be understood."""


class ConnectionFailed(StreetlensError, ConnectionError):
    """The connection failed or broke."""


class DeadlineExceeded(StreetlensError, TimeoutError):
    """There was no answer in time."""


class TooManyErrors(StreetlensError):
    """A larger share of a run's rows failed than `max_error_ratio` allows; `results` holds the finished rows."""


class BudgetExceeded(StreetlensError):
    """What `max_cost_usd` allows does not pay for a single request."""


class StoreError(StreetlensError):
    """The file of paid answers cannot be read or written; the message names it."""


class MissingLibrary(StreetlensError, ImportError):
    """A library that was asked for is not installed."""


class Cancelled(StreetlensError):
    """The work was cancelled."""


class InternalError(StreetlensError):
    """A defect of streetlens; please report it."""
