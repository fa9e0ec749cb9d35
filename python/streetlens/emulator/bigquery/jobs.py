"""Jobs: their life from insertion to result, their statistics, and where finished results are kept."""

from __future__ import annotations

import asyncio
import re
import threading
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from streetlens.emulator.bigquery.destinations import Destination
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import BigQueryError, cancelled, duplicate, invalid, not_found
from streetlens.emulator.bigquery.job import Job
from streetlens.emulator.bigquery.kept_results import KeptResults
from streetlens.emulator.bigquery.loads import LoadRequest, load
from streetlens.emulator.bigquery.outcomes import Outcome, StatementRequest
from streetlens.emulator.bigquery.queries import Queries

# `/* emulator: run for 3 seconds */` in a statement keeps its job RUNNING for that long on the engine's clock.
_SLOW = re.compile(r"/\*\s*emulator:\s*run for ([0-9.]+) seconds?\s*\*/")
# A statement that changes nothing may be given up at any time.
_READING = re.compile(
    r"\s*(?:(?:--|#)[^\n]*\n\s*|/\*.*?\*/\s*)*\(*\s*(?:SELECT|WITH|FROM)\b", re.IGNORECASE | re.DOTALL
)
_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,1024}")
_REQUEST_ID_LIFETIME = 15 * 60
# A statement may run this long.
_LONGEST_RUN_SECONDS = 300.0


class Jobs:
    """Every job of the emulator, and the threads that run them."""

    def __init__(self, engine: Engine, threads: int = 4) -> None:
        self.engine = engine
        self._jobs: dict[tuple[str, str], Job] = {}
        self._requests: dict[tuple[str, str], tuple[float, str, Job]] = {}
        self._lock = threading.Lock()
        self._queries = Queries(engine, self._add_child)
        self._results = KeptResults(engine)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="emulator-bigquery")
        engine.at_close(self.close)

    def close(self) -> None:
        """Stop accepting jobs and let the running ones end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def submit(self, job: Job) -> Job:
        """Start a job; raises duplicate for an id that exists and invalid for a malformed one."""
        if not _JOB_ID.fullmatch(job.job_id):
            raise invalid(
                f'Invalid job ID "{job.job_id}". Job IDs must be alphanumeric (plus underscores and dashes).'
            )
        with self._lock:
            if (job.project, job.job_id) in self._jobs:
                raise duplicate(f"Job {job.name}")
            self._jobs[job.project, job.job_id] = job
        self._pool.submit(self._run, job)
        return job

    def new_job(
        self,
        request: StatementRequest,
        configuration: dict[str, Any],
        *,
        job_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        destination: Destination | None = None,
    ) -> Job:
        """Return a query job that has not been submitted."""
        slow = _SLOW.search(request.sql)
        located, session = self._queries.located(request)
        ready = self.engine.clock() + (float(slow.group(1)) if slow else 0.0)
        reads = _READING.match(request.sql) is not None and ";" not in request.sql.strip().rstrip(";")
        job = Job(
            request.project,
            job_id or f"job_{uuid.uuid4().hex}",
            _canonical(configuration),
            lambda cursor: self._queries.perform(job, located, session, cursor),
            self.engine.wall_clock(),
            ready,
            located.location or self.engine.location,
            labels=dict(labels or {}),
            only_reads=reads and destination is None,
            destination=destination,
            session_id=session.session_id if session is not None else None,
        )
        return job

    def new_load(
        self,
        project: str,
        request: LoadRequest,
        data: bytes,
        configuration: dict[str, Any],
        reference: Mapping[str, Any],
    ) -> Job:
        """Return a load job that has not been submitted; raises notFound for a data set that is not there."""
        where = reference.get("location")
        found = self.engine.catalog.find(request.destination.project, request.destination.dataset_id)
        if found is None or (where and found.location.lower() != str(where).lower()):
            name = f"{request.destination.project}:{request.destination.dataset_id}"
            raise not_found(f"Dataset {name}" + (f" was not found in location {where}" if where else ""))
        return Job(
            project,
            str(reference.get("jobId") or f"job_{uuid.uuid4().hex}"),
            _canonical(configuration),
            lambda cursor: load(self.engine, request, data, cursor),
            self.engine.wall_clock(),
            self.engine.clock(),
            found.location,
            kind="LOAD",
            labels=dict(configuration.get("labels") or {}),
        )

    def find(self, project: str, job_id: str, location: str | None) -> Job:
        """Return a job; raises notFound when it does not exist in that location."""
        job = self._jobs.get((project, job_id))
        wanted = location or (
            "US" if job is None or job.location.upper() not in ("US", "EU") else job.location
        )
        if job is None or job.location.lower() != wanted.lower():
            raise not_found(f"Job {project}:{wanted}.{job_id}")
        return job

    def all(self, project: str) -> list[Job]:
        """Return the jobs of a project, newest first."""
        with self._lock:
            found = [job for key, job in self._jobs.items() if key[0] == project]
        return sorted(found, key=lambda job: -job.created)

    def forget(self, job: Job) -> None:
        """Delete a job's metadata."""
        with self._lock:
            self._jobs.pop((job.project, job.job_id), None)

    def repeated(self, project: str, request_id: str, fingerprint: str) -> Job | None:
        """Return the job an identical request with this requestId started in the last 15 minutes."""
        found = self._requests.get((project, request_id))
        if found is None or found[1] != fingerprint or self.engine.clock() - found[0] > _REQUEST_ID_LIFETIME:
            return None
        return found[2]

    def remember(self, project: str, request_id: str, fingerprint: str, job: Job) -> None:
        """Keep a requestId for deduplication."""
        self._requests[project, request_id] = (self.engine.clock(), fingerprint, job)

    def done(self, job: Job) -> bool:
        """Whether the job has ended as far as a client may know."""
        return job.cancelled or (job.executed.is_set() and self.engine.clock() >= job.ready_at)

    def state(self, job: Job) -> str:
        """Return PENDING, RUNNING or DONE."""
        if self.done(job):
            return "DONE"
        return "RUNNING" if job.started is not None else "PENDING"

    async def wait(self, job: Job, seconds: float) -> bool:
        """Wait until the job is done, at most `seconds` on the engine's clock; return whether it is."""
        deadline = self.engine.clock() + seconds
        pause = 0.001
        while not self.done(job):
            remaining = deadline - self.engine.clock()
            if remaining <= 0:
                return False
            await asyncio.sleep(min(pause, remaining))
            pause = min(pause * 1.5, 0.02)
        return True

    def cancel(self, job: Job) -> None:
        """Cancel a job that is not done; a finished one stays as it is."""
        with self._lock:
            if self.done(job):
                return
            job.stop = cancelled()
            if job.only_reads or job.started is None:
                job.cancelled, job.error, job.ended = True, job.stop, self.engine.wall_clock()
        cursor = job.cursor
        if cursor is not None:
            cursor.interrupt()

    def dry_run(self, request: StatementRequest) -> Outcome:
        """Return the schema and cost of a statement; raises its errors."""
        return self._queries.dry_run(request)

    def _add_child(self, child: Job) -> None:
        """Run a statement of a script where its parent runs."""
        with self._lock:
            self._jobs[child.project, child.job_id] = child
        self._run(child)

    def _run(self, job: Job) -> None:
        with self._lock:
            if job.cancelled:
                job.executed.set()
                return
            job.started = self.engine.wall_clock()
        began = self.engine.clock()
        limit = threading.Timer(self._longest(job), self._overrun, [job])
        limit.daemon = True
        try:
            job.cursor = job.cursor or self.engine.cursor()
            limit.start()
            outcome = job.work(job.cursor)
            if outcome.physical is not None:
                self._results.keep(job, outcome)
            job.outcome = outcome
        except BigQueryError as error:
            if job.error is None:
                job.error = job.stop if job.stop is not None and error.reason == "stopped" else error
        except Exception as error:  # noqa: BLE001 - a job must end; the text names the emulator's own mistake
            if job.error is None:
                job.error = BigQueryError(500, "internalError", f"The streetlens emulator failed: {error!r}")
        finally:
            limit.cancel()
            self._end_in_time(job, began)
            job.cursor = None
            if job.ended is None:
                job.ended = max(self.engine.wall_clock(), job.started)
            job.executed.set()

    def _end_in_time(self, job: Job, began: float) -> None:
        """Fail a job that a comment makes run longer than it may."""
        if job.ready_at - began > self._longest(job) and job.error is None:
            job.error, job.ready_at = self._timed_out(job), began + self._longest(job)

    def _timed_out(self, job: Job) -> BigQueryError:
        message = f"Job execution was cancelled: Job timed out after {self._longest(job):g} seconds"
        return BigQueryError(400, "stopped", message)

    def _longest(self, job: Job) -> float:
        asked = job.configuration.get("jobTimeoutMs")
        return min(int(asked) / 1000, _LONGEST_RUN_SECONDS) if asked else _LONGEST_RUN_SECONDS

    def _overrun(self, job: Job) -> None:
        cursor = job.cursor
        if cursor is not None and job.stop is None:
            job.stop = self._timed_out(job)
            cursor.interrupt()


def _canonical(value: Any, name: str = "") -> Any:
    """Return JSON as Google's parser understands it: nulls are absent, and a parameter's value is a text."""
    if isinstance(value, dict):
        return {key: _canonical(item, key) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return str(value) if name == "value" and is_number else value
