"""Stands in for `google.cloud.bigquery`: a client that runs queries, and their rows."""

from __future__ import annotations

from typing import Any, NoReturn

from streetlens.client import Client as NativeClient
from streetlens.compat._absent import absent_member, module_getattr, refuse_options
from streetlens.compat._bigquery.job import QueryJob
from streetlens.compat._bigquery.parameters import (
    ArrayQueryParameter,
    QueryJobConfig,
    ScalarQueryParameter,
    StructQueryParameter,
)
from streetlens.compat._bigquery.rows import Row, RowIterator, SchemaField
from streetlens.compat._endpoint import from_client_options
from streetlens.options import Endpoints

__all__ = [
    "ArrayQueryParameter",
    "Client",
    "QueryJob",
    "QueryJobConfig",
    "Row",
    "RowIterator",
    "ScalarQueryParameter",
    "SchemaField",
    "StructQueryParameter",
]

_QUERY_OPTIONS = ("job_config", "location", "project", "timeout")
_INSTEAD = (
    "Queries are repeated where BigQuery asks for it; for tables and loads, use google-cloud-bigquery itself."
)


class Client:
    """BigQuery of one project.

    Raises:
        ConfigurationError: The project or location is missing, malformed, or still a placeholder of the guide.
        NotImplementedError: An option of the original is given that is not implemented.
    """

    def __init__(
        self,
        project: str | None = None,
        credentials: Any = None,
        _http: None = None,
        location: str | None = None,
        default_query_job_config: QueryJobConfig | None = None,
        *,
        client_options: Any = None,
        **others: Any,
    ) -> None:
        options = ("project", "credentials", "location", "default_query_job_config", "client_options")
        refuse_options("bigquery.Client", {"_http": _http, **others}, options, _INSTEAD)
        endpoint = from_client_options(client_options)
        self._credentials = credentials
        self._location = location
        self._endpoints = Endpoints(bigquery=endpoint) if endpoint else None
        self._default_config = default_query_job_config
        self._native = self._connect(project)

    def _connect(self, project: str | None) -> NativeClient:
        return NativeClient(
            project=project, location=self._location, credentials=self._credentials, endpoint=self._endpoints
        )

    @property
    def project(self) -> str:
        """The project that is billed."""
        return self._native.project

    @property
    def location(self) -> str | None:
        """Where queries run; where their tables are, if it is not set."""
        return self._location

    def query(
        self,
        query: str,
        job_config: QueryJobConfig | None = None,
        *,
        location: str | None = None,
        project: str | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the original's limits the request that starts the job
        **others: Any,
    ) -> QueryJob:
        """Starts a query and returns at once; its errors are raised where its rows are asked for.

        Raises:
            InvalidInput: A parameter's value does not fit its type.
            NotImplementedError: An option of the original is given that is not implemented.
        """
        refuse_options("bigquery.Client.query", others, _QUERY_OPTIONS, _INSTEAD)
        config = job_config or self._default_config
        client = self._native if project in (None, self._native.project) else self._connect(project)
        return QueryJob(client, query, config.native_parameters() if config else None, location)

    def query_and_wait(
        self,
        query: str,
        *,
        job_config: QueryJobConfig | None = None,
        location: str | None = None,
        project: str | None = None,
        wait_timeout: float | None = None,
        max_results: int | None = None,
        **others: Any,
    ) -> RowIterator:
        """Runs a query and returns its rows.

        Raises:
            QueryError: BigQuery refused or failed it.
            DeadlineExceeded: It was not done within `wait_timeout` seconds.
        """
        options = (*_QUERY_OPTIONS[:3], "wait_timeout", "max_results")
        refuse_options("bigquery.Client.query_and_wait", others, options, _INSTEAD)
        job = self.query(query, job_config, location=location, project=project)
        return job.result(timeout=wait_timeout, max_results=max_results)

    def close(self) -> None:
        """Does nothing: connections end with the client."""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> NoReturn:
        raise absent_member(self, name, _INSTEAD)


__getattr__ = module_getattr("bigquery", __all__, _INSTEAD)
