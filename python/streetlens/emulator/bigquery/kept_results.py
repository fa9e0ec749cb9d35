"""Where results stay: in the destination table of their job, or in an anonymous one for a while."""

from __future__ import annotations

import hashlib
from collections import Counter, deque

from streetlens.emulator.bigquery.catalog import Dataset, Table
from streetlens.emulator.bigquery.destinations import write_result
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.job import Job
from streetlens.emulator.bigquery.outcomes import Outcome
from streetlens.emulator.bigquery.types import to_rest_schema

# BigQuery keeps a result for a day; the emulator keeps this many.
_KEPT = 1000


class KeptResults:
    """The newest results; what is older is dropped."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: deque[Job] = deque()
        # A cached result is the same table for several jobs.
        self._uses: Counter[str] = Counter()

    def keep(self, job: Job, outcome: Outcome) -> None:
        """Put a result where its job wants it; a script shows the result of its last statement that has one."""
        if not job.children:
            job.anonymous = self._table(job, outcome)
        if job.destination is not None:
            return
        self._kept.append(job)
        if job.anonymous is not None:
            self._uses[job.anonymous.physical] += 1
        while len(self._kept) > _KEPT:
            self._forget(self._kept.popleft())

    def _forget(self, job: Job) -> None:
        job.expired = True
        table = job.anonymous
        if table is None:
            return
        self._uses[table.physical] -= 1
        if self._uses[table.physical] > 0:
            self._engine.catalog.dataset(table.project, table.dataset_id).tables.pop(table.table_id, None)
        else:
            del self._uses[table.physical]
            self._engine.drop_table(table)

    def _table(self, job: Job, outcome: Outcome) -> Table:
        assert outcome.physical is not None
        assert outcome.columns is not None
        if job.destination is not None:
            return write_result(self._engine, job.destination, outcome)
        dataset_id = "_" + hashlib.sha1(job.project.encode(), usedforsecurity=False).hexdigest()
        dataset = self._engine.catalog.find(job.project, dataset_id)
        if dataset is None:
            dataset = Dataset(job.project, dataset_id, outcome.location, hidden=True)
            self._engine.catalog.add(dataset)
        table_id = "anon" + hashlib.sha256(job.job_id.encode()).hexdigest()
        fields = to_rest_schema(outcome.columns)["fields"]
        table = Table(
            job.project, dataset_id, table_id, fields, outcome.physical, rows=outcome.total_rows or 0
        )
        dataset.tables[table_id] = table
        return table
