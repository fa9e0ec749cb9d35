"""Data sets and tables as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from streetlens.emulator.bigquery.catalog import Dataset, Table
from streetlens.emulator.bigquery.errors import BigQueryError
from streetlens.emulator.bigquery.job_resources import millis, table_reference

_LIST_KEYS = ("kind", "id", "tableReference", "type", "creationTime", "expirationTime", "friendlyName", "labels",
              "timePartitioning", "rangePartitioning", "clustering")  # fmt: skip


def dataset_resource(dataset: Dataset) -> dict[str, Any]:
    """Return the Dataset resource."""
    resource: dict[str, Any] = {
        "kind": "bigquery#dataset",
        "etag": _etag(dataset),
        "id": dataset.name,
        "selfLink": f"/bigquery/v2/projects/{dataset.project}/datasets/{dataset.dataset_id}",
        "datasetReference": {"datasetId": dataset.dataset_id, "projectId": dataset.project},
        "creationTime": millis(dataset.created),
        "lastModifiedTime": millis(dataset.modified),
        "location": dataset.location,
        "type": "DEFAULT" if dataset.source is None else "LINKED",
        "access": [{"role": "OWNER", "specialGroup": "projectOwners"}],
    }
    if dataset.source is not None:
        project, dataset_id = dataset.source
        resource["linkedDatasetSource"] = {"sourceDataset": {"projectId": project, "datasetId": dataset_id}}
    optional: Mapping[str, Any] = {
        "description": dataset.description,
        "friendlyName": dataset.friendly_name,
        "labels": dataset.labels,
    }
    if dataset.table_lifetime is not None:
        resource["defaultTableExpirationMs"] = millis(dataset.table_lifetime)
    return resource | {key: value for key, value in optional.items() if value}


def table_resource(dataset: Dataset, table: Table) -> dict[str, Any]:
    """Return the Table resource, seen through `dataset`, which may be a linked one."""
    reference = {**table_reference(table), "projectId": dataset.project, "datasetId": dataset.dataset_id}
    resource: dict[str, Any] = {
        "kind": "bigquery#table",
        "etag": _etag(table),
        "id": f"{dataset.name}.{table.table_id}",
        "selfLink": f"/bigquery/v2/projects/{dataset.project}/datasets/{dataset.dataset_id}/tables/{table.table_id}",
        "tableReference": reference,
        "type": table.kind,
        "location": dataset.location,
        "creationTime": millis(table.created),
        "lastModifiedTime": millis(table.modified),
        "schema": {"fields": table.fields},
        "numRows": str(table.rows),
        "numBytes": str(table.bytes),
        "numLongTermBytes": "0",
        "numTotalLogicalBytes": str(table.bytes),
        **table.properties,
    }
    if table.expires is not None:
        resource["expirationTime"] = millis(table.expires)
    if table.view_query is not None:
        resource["view"] = {"query": table.view_query, "useLegacySql": False}
    if table.description:
        resource["description"] = table.description
    return resource


def table_entry(dataset: Dataset, table: Table) -> dict[str, Any]:
    """Return the table as tables.list shows it."""
    resource = table_resource(dataset, table)
    return {key: resource[key] for key in _LIST_KEYS if key in resource}


def check_etag(request: web.Request, item: Dataset | Table) -> None:
    """Raise 412 when the request was made for another state of the resource."""
    wanted = request.headers.get("If-Match")
    if wanted is not None and wanted.strip('"') not in ("*", _etag(item)):
        raise BigQueryError(412, "conditionNotMet", "Precondition check failed.")


def _etag(item: Dataset | Table) -> str:
    return f"etag-{int(item.modified * 1_000_000)}"
