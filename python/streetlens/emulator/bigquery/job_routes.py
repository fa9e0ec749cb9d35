"""REST handlers of jobs: insert, query, get, getQueryResults, cancel, list, delete."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from streetlens.emulator.bigquery.arrow import ArrowOptions, asked_for_arrow
from streetlens.emulator.bigquery.encode import FormatOptions
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import BigQueryError, invalid, not_found, unsupported
from streetlens.emulator.bigquery.http import answered, flag, in_thread, json_body, json_response, whole
from streetlens.emulator.bigquery.job import Job
from streetlens.emulator.bigquery.job_requests import QUERY_KEYS, destination, statement_request
from streetlens.emulator.bigquery.job_resources import (
    dml_statistics,
    dry_run_resource,
    job_resource,
    list_entry,
    millis,
    slot_millis,
)
from streetlens.emulator.bigquery.jobs import Jobs
from streetlens.emulator.bigquery.loads import read_load
from streetlens.emulator.bigquery.outcomes import Outcome, StatementRequest
from streetlens.emulator.bigquery.paging import page_start, page_token
from streetlens.emulator.bigquery.types import to_rest_schema
from streetlens.emulator.bigquery.uploads import upload_routes
from streetlens.emulator.faults import FOLLOWED

# https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/query: the default, and what the server waits at most.
_DEFAULT_TIMEOUT_MS, _LONGEST_WAIT_MS = 10_000, 200_000
Encoding = FormatOptions | ArrowOptions
_IGNORED_BY_RESULT = ("timeoutMs", "requestId", "maxResults", "labels", "formatOptions", "queryResultsFormat",
                      "arrowSerializationOptions")  # fmt: skip


def job_routes(jobs: Jobs) -> list[web.AbstractRouteDef]:
    """Return the routes of the jobs and queries resources."""
    handlers = _JobHandlers(jobs)
    base = "/bigquery/v2/projects/{project}"
    return [
        web.post(f"{base}/queries", answered(handlers.query)),
        web.get(f"{base}/queries/{{job}}", answered(handlers.results)),
        web.post(f"{base}/jobs", answered(handlers.insert)),
        web.get(f"{base}/jobs", answered(handlers.list)),
        web.get(f"{base}/jobs/{{job}}", answered(handlers.get)),
        web.post(f"{base}/jobs/{{job}}/cancel", answered(handlers.cancel)),
        web.delete(f"{base}/jobs/{{job}}/delete", answered(handlers.delete)),
        *upload_routes(f"{base}/jobs", handlers.load),
    ]


class _JobHandlers:
    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._engine = jobs.engine

    async def query(self, request: web.Request) -> web.StreamResponse:
        body = await json_body(request)
        project = request.match_info["project"]
        statement = statement_request(project, body, body.get("location"))
        arrow = asked_for_arrow(body, FOLLOWED.get())
        options = arrow or _format(body.get("formatOptions") or {})
        limit = whole(body.get("maxResults"), "maxResults")
        timeout = min(whole(body.get("timeoutMs"), "timeoutMs", _DEFAULT_TIMEOUT_MS) or 0, _LONGEST_WAIT_MS)
        if flag(body.get("dryRun")):
            return await self._dry_query(project, statement)
        request_id = body.get("requestId")
        fingerprint = json.dumps({key: body[key] for key in sorted(body) if key not in _IGNORED_BY_RESULT})
        job = self._jobs.repeated(project, request_id, fingerprint) if request_id else None
        if job is None:
            configuration = {"query": {key: body[key] for key in QUERY_KEYS if key in body}}
            if body.get("jobTimeoutMs"):
                configuration["jobTimeoutMs"] = body["jobTimeoutMs"]
            job = self._jobs.submit(self._jobs.new_job(statement, configuration, labels=body.get("labels")))
            if request_id:
                self._jobs.remember(project, str(request_id), fingerprint, job)
        done = await self._jobs.wait(job, timeout / 1000)
        optional = body.get("jobCreationMode") == "JOB_CREATION_OPTIONAL"
        return await self._query_response(job, options, limit, done, optional=optional)

    async def _dry_query(self, project: str, statement: StatementRequest) -> web.StreamResponse:
        outcome = await in_thread(lambda: self._jobs.dry_run(statement))
        body: dict[str, Any] = {
            "kind": "bigquery#queryResponse",
            "jobReference": {"projectId": project, "location": outcome.location},
            "location": outcome.location,
            "jobComplete": True,
            "cacheHit": False,
            "totalBytesProcessed": str(outcome.bytes_processed),
            "statementType": outcome.statement_type,
        }
        if outcome.columns is not None:
            body |= {"schema": to_rest_schema(outcome.columns), "totalRows": "0"}
        return json_response(body)

    async def _query_response(
        self, job: Job, options: Encoding, limit: int | None, done: bool, *, optional: bool
    ) -> web.StreamResponse:
        body: dict[str, Any] = {
            "kind": "bigquery#queryResponse",
            "queryId": job.query_id,
            "location": job.location,
        }
        body |= {"jobReference": job.reference, "jobComplete": done, "creationTime": millis(job.created)}
        if job.started is not None:
            body["startTime"] = millis(job.started)
        if not done:
            body["jobCreationReason"] = {"code": "LONG_RUNNING" if optional else "REQUESTED"}
            return json_response(body)
        body["endTime"] = millis(job.ended)
        if job.session_id is not None:
            body["sessionInfo"] = {"sessionId": job.session_id}
        rows = await self._finished(job, body, options, 0, limit)
        if not optional:
            body["jobCreationReason"] = {"code": "REQUESTED"}
        elif "pageToken" in body:
            body["jobCreationReason"] = {"code": "LARGE_RESULTS"}
        else:
            del body["jobReference"]
        return json_response(body, rows=rows)

    async def results(self, request: web.Request) -> web.StreamResponse:
        asked = request.query
        job = self._jobs.find(request.match_info["project"], request.match_info["job"], asked.get("location"))
        options = _format(
            {key.partition(".")[2]: value for key, value in asked.items() if key.startswith("formatOptions.")}
        )
        limit = whole(asked.get("maxResults"), "maxResults")
        start = page_start(asked.get("pageToken"), asked.get("startIndex"))
        timeout = min(whole(asked.get("timeoutMs"), "timeoutMs", _DEFAULT_TIMEOUT_MS) or 0, _LONGEST_WAIT_MS)
        if job.kind != "QUERY":
            raise invalid(f"Job {job.name} is not a query job, it has no query results")
        done = await self._jobs.wait(job, timeout / 1000)
        body: dict[str, Any] = {"kind": "bigquery#getQueryResultsResponse", "etag": f"etag-{job.job_id}"}
        body |= {"jobReference": job.reference, "jobComplete": done}
        if not done:
            return json_response(body)
        rows = await self._finished(job, body, options, start, limit)
        for key in ("totalBytesBilled", "totalSlotMs", "statementType", "dmlStats"):
            body.pop(key, None)
        return json_response(body, rows=rows)

    async def _finished(
        self, job: Job, body: dict[str, Any], options: Encoding, start: int, limit: int | None
    ) -> list[str]:
        """Add what a finished job knows to `body` and return its rows; raises the job's error."""
        if job.error is not None:
            raise job.error
        outcome = job.outcome
        assert outcome is not None
        body |= {
            "jobReference": job.reference,
            "cacheHit": outcome.cache_hit,
            "totalBytesProcessed": str(outcome.bytes_processed),
            "totalBytesBilled": str(outcome.billed),
            "totalSlotMs": str(slot_millis(job)),
            "statementType": outcome.statement_type,
            **dml_statistics(outcome),
        }
        if "location" in body:
            body["location"] = job.location
        if outcome.columns is None or outcome.physical is None:
            return []
        if job.expired and job.anonymous is not None:
            raise not_found(f"Table {job.anonymous.name} (the emulator keeps the newest results only)")
        body["schema"] = to_rest_schema(outcome.columns)
        total = outcome.total_rows or 0
        body["totalRows"] = str(total)
        if isinstance(options, ArrowOptions):
            members, following = await in_thread(lambda: _arrow_page(self._engine, outcome, options, limit))
            body |= members
            if following < total:
                body["pageToken"] = page_token(following)
            return []
        physical, columns = outcome.physical, outcome.columns
        page = await in_thread(lambda: self._engine.read_rows(physical, columns, options, start, limit))
        if page.next_index < total:
            body["pageToken"] = page_token(page.next_index)
        return page.rows

    async def insert(self, request: web.Request) -> web.StreamResponse:
        body = await json_body(request)
        project = request.match_info["project"]
        configuration = body.get("configuration")
        if not isinstance(configuration, dict):
            raise BigQueryError(400, "required", "Required parameter is missing: configuration")
        query = configuration.get("query")
        if isinstance(configuration.get("load"), dict) and query is None:
            read_load(configuration["load"], project)
            raise invalid("A load job without sourceUris needs its file: send it to the upload endpoint")
        if not isinstance(query, dict):
            kinds = [kind for kind in ("copy", "extract") if kind in configuration]
            raise (
                unsupported(f"A {kinds[0]} job")
                if kinds
                else invalid("Job configuration must contain exactly one job type")
            )
        reference = body.get("jobReference") or {}
        statement = statement_request(project, query, reference.get("location"))
        if flag(configuration.get("dryRun")):
            outcome = await in_thread(lambda: self._jobs.dry_run(statement))
            return json_response(dry_run_resource(project, outcome.location, configuration, outcome))
        job = self._jobs.new_job(
            statement,
            configuration,
            job_id=reference.get("jobId"),
            labels=configuration.get("labels"),
            destination=destination(query, project),
        )
        self._jobs.submit(job)
        return json_response(job_resource(self._jobs, job))

    async def load(self, project: str, body: dict[str, Any], data: bytes) -> web.Response:
        """Insert a load job with its uploaded file."""
        configuration = body.get("configuration")
        if not isinstance(configuration, dict) or not isinstance(configuration.get("load"), dict):
            raise invalid("An upload needs a job with configuration.load")
        asked = read_load(configuration["load"], project)
        reference = body.get("jobReference") or {}
        job = self._jobs.new_load(project, asked, data, configuration, reference)
        self._jobs.submit(job)
        return json_response(job_resource(self._jobs, job))

    async def get(self, request: web.Request) -> web.StreamResponse:
        return json_response(job_resource(self._jobs, self._found(request)))

    async def cancel(self, request: web.Request) -> web.StreamResponse:
        job = self._found(request)
        self._jobs.cancel(job)
        return json_response({"kind": "bigquery#jobCancelResponse", "job": job_resource(self._jobs, job)})

    async def delete(self, request: web.Request) -> web.StreamResponse:
        self._jobs.forget(self._found(request))
        return web.Response(status=204)

    async def list(self, request: web.Request) -> web.StreamResponse:
        project = request.match_info["project"]
        states = [state.upper() for state in request.query.getall("stateFilter", [])]
        parent = request.query.get("parentJobId")
        earliest, latest = (whole(request.query.get(f"{end}CreationTime"), end) for end in ("min", "max"))
        found = [
            job
            for job in self._jobs.all(project)
            if (job.parent.job_id if job.parent is not None else None) == parent
            and (not states or self._jobs.state(job) in states)
            and (earliest is None or job.created * 1000 >= earliest)
            and (latest is None or job.created * 1000 <= latest)
        ]
        start = page_start(request.query.get("pageToken"), None)
        limit = whole(request.query.get("maxResults"), "maxResults", 50) or 50
        body: dict[str, Any] = {"kind": "bigquery#jobList", "etag": f"etag-{len(found)}"}
        body["jobs"] = [list_entry(self._jobs, job) for job in found[start : start + limit]]
        if start + limit < len(found):
            body["nextPageToken"] = page_token(start + limit)
        return json_response(body)

    def _found(self, request: web.Request) -> Job:
        return self._jobs.find(
            request.match_info["project"], request.match_info["job"], request.query.get("location")
        )


def _arrow_page(
    engine: Engine, outcome: Outcome, options: ArrowOptions, limit: int | None
) -> tuple[dict[str, Any], int]:
    # Imported at the first request for Arrow: it needs pyarrow, which the emulator's extra does not install.
    arrow = importlib.import_module("streetlens.emulator.bigquery.arrow_page")
    page: tuple[dict[str, Any], int] = arrow.arrow_page(engine, outcome, options, limit)
    return page


def _format(options: Mapping[str, Any]) -> FormatOptions:
    return FormatOptions.read(options.get("useInt64Timestamp"), options.get("timestampOutputFormat"))
