"""The result cache: a query asked again over unchanged tables costs nothing."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, replace

from streetlens.emulator.bigquery.job import Job
from streetlens.emulator.bigquery.outcomes import Outcome, StatementRequest

# https://cloud.google.com/bigquery/docs/cached-results#cache-exceptions : these may answer differently each time.
_CHANGING = re.compile(
    r"\b(CURRENT_(DATE|TIME|TIMESTAMP|DATETIME)|RAND|GENERATE_UUID|SESSION_USER|TABLESAMPLE|SYSTEM_TIME)\b",
    re.IGNORECASE,
)
_ENTRIES = 1000


@dataclass(frozen=True)
class _Entry:
    job: Job
    outcome: Outcome
    versions: tuple[int, ...]


class ResultCache:
    """Results by what was asked; an entry holds as long as its tables and its result are what they were."""

    def __init__(self) -> None:
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()

    def find(self, request: StatementRequest) -> Outcome | None:
        """Return the outcome of the same query before, if it still holds."""
        entry = self._entries.get(_key(request)) if _may_be_cached(request) else None
        if entry is None or entry.job.expired or entry.versions != _versions(entry.outcome):
            return None
        return replace(entry.outcome, cache_hit=True, bytes_processed=0)

    def add(self, request: StatementRequest, job: Job, outcome: Outcome) -> None:
        """Keep a result for the next who asks."""
        if outcome.cacheable and _may_be_cached(request):
            self._entries[_key(request)] = _Entry(job, outcome, _versions(outcome))
            while len(self._entries) > _ENTRIES:
                self._entries.popitem(last=False)


def _may_be_cached(request: StatementRequest) -> bool:
    alone = request.temporary is None and not request.has_destination
    return request.uses_cache and alone and _CHANGING.search(request.sql) is None


def _key(request: StatementRequest) -> Hashable:
    named = tuple(sorted((name, value.sql) for name, value in request.named.items()))
    positional = tuple(value.sql for value in request.positional)
    return request.project, request.sql, named, positional, request.default_dataset, request.location


def _versions(outcome: Outcome) -> tuple[int, ...]:
    """Return the versions of the tables; one that was dropped has another than any before."""
    return tuple(table.version if table.exists else -1 for table in outcome.referenced)
