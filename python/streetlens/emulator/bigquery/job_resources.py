"""Job resources as JSON: jobs.get, jobs.list entries, statistics, and the heads of query responses."""

from __future__ import annotations

from typing import Any

from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.job import Job
from streetlens.emulator.bigquery.jobs import Jobs
from streetlens.emulator.bigquery.outcomes import Loaded, Outcome
from streetlens.emulator.bigquery.types import to_rest_schema

USER = "emulator@streetlens-demo.iam.gserviceaccount.com"


def millis(seconds: float | None) -> str:
    """Return epoch milliseconds as the string BigQuery sends."""
    return str(int((seconds or 0) * 1000))


def table_reference(table: Table) -> dict[str, str]:
    """Return a TableReference."""
    return {"projectId": table.project, "datasetId": table.dataset_id, "tableId": table.table_id}


def job_resource(jobs: Jobs, job: Job) -> dict[str, Any]:
    """Return the Job resource."""
    return {
        "kind": "bigquery#job",
        "etag": f"etag-{job.job_id}",
        "id": job.name,
        "selfLink": f"/bigquery/v2/projects/{job.project}/jobs/{job.job_id}?location={job.location}",
        "user_email": USER,
        "jobReference": job.reference,
        "configuration": _configuration(job),
        "status": _status(jobs, job),
        "statistics": _statistics(jobs, job),
    }


def list_entry(jobs: Jobs, job: Job) -> dict[str, Any]:
    """Return the job as jobs.list shows it."""
    entry = job_resource(jobs, job)
    entry.pop("etag")
    entry.pop("selfLink")
    entry["kind"] = "bigquery#job"
    entry["state"] = jobs.state(job)
    if "errorResult" in entry["status"]:
        entry["errorResult"] = entry["status"]["errorResult"]
    return entry


def dry_run_resource(
    project: str, location: str, configuration: dict[str, Any], outcome: Outcome
) -> dict[str, Any]:
    """Return the Job resource of a dry run: no job id, statistics and schema only."""
    query: dict[str, Any] = {
        "totalBytesProcessed": str(outcome.bytes_processed),
        "totalBytesBilled": "0",
        "totalBytesProcessedAccuracy": "UNKNOWN" if outcome.statement_type == "SCRIPT" else "PRECISE",
        "estimatedBytesProcessed": str(outcome.bytes_processed),
        "cacheHit": False,
        "statementType": outcome.statement_type,
        "referencedTables": [table_reference(table) for table in outcome.referenced],
    }
    if outcome.columns is not None:
        query["schema"] = to_rest_schema(outcome.columns)
    return {
        "kind": "bigquery#job",
        "user_email": USER,
        "jobReference": {"projectId": project, "location": location},
        "configuration": {**configuration, "dryRun": True, "jobType": "QUERY"},
        "status": {"state": "DONE"},
        "statistics": {"totalBytesProcessed": str(outcome.bytes_processed), "query": query},
    }


def _configuration(job: Job) -> dict[str, Any]:
    if job.kind == "LOAD":
        load = {"writeDisposition": "WRITE_APPEND", "createDisposition": "CREATE_IF_NEEDED"}
        return {**job.configuration, "jobType": "LOAD", "load": load | job.configuration["load"]}
    query = dict(job.configuration.get("query", {}))
    is_script = bool(job.children)
    if job.anonymous is not None and "destinationTable" not in query and not is_script:
        query["destinationTable"] = table_reference(job.anonymous)
    query.setdefault("priority", "INTERACTIVE")
    query.setdefault("useLegacySql", False)
    configuration = {**job.configuration, "jobType": "QUERY", "query": query}
    if job.labels:
        configuration["labels"] = job.labels
    return configuration


def _status(jobs: Jobs, job: Job) -> dict[str, Any]:
    status: dict[str, Any] = {"state": jobs.state(job)}
    if jobs.done(job) and job.error is not None:
        status["errorResult"] = job.error.error_proto()
        status["errors"] = [error.error_proto() for error in (job.error, *job.error.details)]
    elif (
        jobs.done(job)
        and job.outcome is not None
        and job.outcome.loaded is not None
        and job.outcome.loaded.problems
    ):
        status["errors"] = [error.error_proto() for error in job.outcome.loaded.problems]
    return status


def _statistics(jobs: Jobs, job: Job) -> dict[str, Any]:
    statistics: dict[str, Any] = {"creationTime": millis(job.created)}
    if job.started is not None:
        statistics["startTime"] = millis(job.started)
    if job.session_id is not None:
        statistics["sessionInfo"] = {"sessionId": job.session_id}
    if job.parent is not None:
        statistics["parentJobId"] = job.parent.job_id
        statistics["scriptStatistics"] = {"evaluationKind": "STATEMENT", "stackFrames": [job.frame]}
    if job.children:
        statistics["numChildJobs"] = str(len(job.children))
    if not jobs.done(job):
        if job.kind == "QUERY" and job.started is not None:
            now = jobs.engine.wall_clock()
            statistics["query"] = {"timeline": [_progress(job, now, active=1)]}
        return statistics
    statistics["endTime"] = millis(job.ended)
    if job.outcome is None:
        if job.kind == "QUERY":
            statistics["query"] = {"statementType": "SELECT"}
        return statistics
    outcome = job.outcome
    if outcome.loaded is not None:
        statistics["totalSlotMs"] = str(slot_millis(job))
        statistics["load"] = _load_statistics(outcome.loaded)
        return statistics
    query: dict[str, Any] = {
        "totalBytesProcessed": str(outcome.bytes_processed),
        "totalBytesBilled": str(outcome.billed),
        "totalSlotMs": str(slot_millis(job)),
        "cacheHit": outcome.cache_hit,
        "statementType": outcome.statement_type,
        "estimatedBytesProcessed": str(outcome.bytes_processed),
    }
    if not outcome.cache_hit and outcome.columns is not None and not job.children:
        query |= {"queryPlan": [_stage(job, outcome)], "timeline": [_progress(job, job.ended or 0, active=0)]}
    if outcome.referenced:
        query["referencedTables"] = [table_reference(table) for table in outcome.referenced]
    query |= dml_statistics(outcome)
    if outcome.ddl_operation is not None and outcome.ddl_target is not None:
        project, dataset_id, table_id = outcome.ddl_target
        query["ddlOperationPerformed"] = outcome.ddl_operation
        query["ddlTargetTable"] = {"projectId": project, "datasetId": dataset_id, "tableId": table_id}
    statistics["totalBytesProcessed"] = str(outcome.bytes_processed)
    statistics["totalSlotMs"] = str(slot_millis(job))
    statistics["query"] = query
    return statistics


def _progress(job: Job, now: float, *, active: int) -> dict[str, Any]:
    """Return the one sample of progress that a statement without parallel workers has."""
    elapsed = str(max(0, int((now - (job.started or now)) * 1000)))
    return {
        "elapsedMs": elapsed,
        "totalSlotMs": elapsed,
        "pendingUnits": str(active),
        "completedUnits": str(1 - active),
        "activeUnits": str(active),
    }


def _stage(job: Job, outcome: Outcome) -> dict[str, Any]:
    return {
        "name": "S00: Output",
        "id": "0",
        "startMs": millis(job.started),
        "endMs": millis(job.ended),
        "status": "COMPLETE",
        "parallelInputs": "1",
        "completedParallelInputs": "1",
        "slotMs": str(slot_millis(job)),
        "recordsRead": str(sum(table.rows for table in outcome.referenced)),
        "recordsWritten": str(outcome.total_rows or 0),
    }


def _load_statistics(loaded: Loaded) -> dict[str, Any]:
    return {
        "inputFiles": "1",
        "inputFileBytes": str(loaded.file_bytes),
        "outputRows": str(loaded.rows),
        "outputBytes": str(loaded.output_bytes),
        "badRecords": str(len(loaded.problems)),
    }


def dml_statistics(outcome: Outcome) -> dict[str, Any]:
    """Return numDmlAffectedRows and dmlStats, empty for a statement that is not DML."""
    if outcome.affected is None:
        return {}
    return {
        "numDmlAffectedRows": str(outcome.affected),
        "dmlStats": {
            "insertedRowCount": str(outcome.inserted or 0),
            "updatedRowCount": str(outcome.updated or 0),
            "deletedRowCount": str(outcome.deleted or 0),
        },
    }


def slot_millis(job: Job) -> int:
    """Return the time the statement ran, which stands for slot time here."""
    return max(1, int(((job.ended or 0) - (job.started or 0)) * 1000))
