"""REST handlers of data sets and tables: get, list, insert, delete, and tabledata.list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from streetlens.emulator.bigquery.catalog import Dataset, Table
from streetlens.emulator.bigquery.encode import FormatOptions
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import BigQueryError, invalid
from streetlens.emulator.bigquery.http import answered, flag, in_thread, json_body, json_response, whole
from streetlens.emulator.bigquery.job_resources import millis
from streetlens.emulator.bigquery.paging import page_start, page_token
from streetlens.emulator.bigquery.selection import selected


def metadata_routes(engine: Engine) -> list[web.AbstractRouteDef]:
    """Return the routes of the datasets, tables and tabledata resources."""
    handlers = _MetadataHandlers(engine)
    datasets = "/bigquery/v2/projects/{project}/datasets"
    tables = f"{datasets}/{{dataset}}/tables"
    return [
        web.get(datasets, answered(handlers.list_datasets)),
        web.post(datasets, answered(handlers.insert_dataset)),
        web.get(f"{datasets}/{{dataset}}", answered(handlers.get_dataset)),
        web.delete(f"{datasets}/{{dataset}}", answered(handlers.delete_dataset)),
        web.get(tables, answered(handlers.list_tables)),
        web.post(tables, answered(handlers.insert_table)),
        web.get(f"{tables}/{{table}}", answered(handlers.get_table)),
        web.delete(f"{tables}/{{table}}", answered(handlers.delete_table)),
        web.get(f"{tables}/{{table}}/data", answered(handlers.rows)),
    ]


class _MetadataHandlers:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._catalog = engine.catalog

    def _dataset(self, request: web.Request) -> Dataset:
        return self._catalog.dataset(request.match_info["project"], request.match_info["dataset"])

    def _table(self, request: web.Request) -> Table:
        names = request.match_info
        return self._catalog.table(names["project"], names["dataset"], names["table"])

    async def get_dataset(self, request: web.Request) -> web.StreamResponse:
        return json_response(_dataset_resource(self._dataset(request)))

    async def list_datasets(self, request: web.Request) -> web.StreamResponse:
        found = list(self._catalog.datasets(request.match_info["project"]))
        start = page_start(request.query.get("pageToken"), None)
        limit = whole(request.query.get("maxResults"), "maxResults", 50) or 50
        keys = ("kind", "id", "datasetReference", "location", "type", "labels", "friendlyName")
        entries = []
        for dataset in found[start : start + limit]:
            resource = _dataset_resource(dataset)
            entries.append({key: resource[key] for key in keys if key in resource})
        body: dict[str, Any] = {"kind": "bigquery#datasetList", "etag": f"etag-{len(found)}"}
        if entries:
            body["datasets"] = entries
        if start + limit < len(found):
            body["nextPageToken"] = page_token(start + limit)
        return json_response(body)

    async def insert_dataset(self, request: web.Request) -> web.StreamResponse:
        body = await json_body(request)
        reference = body.get("datasetReference") or {}
        if not reference.get("datasetId"):
            raise BigQueryError(400, "required", "Required parameter is missing: datasetReference.datasetId")
        if body.get("linkedDatasetSource"):
            raise invalid("A linked dataset is created by subscribing to a listing of BigQuery sharing")
        dataset = self._engine.create_dataset(
            str(reference["datasetId"]), location=body.get("location"), project=request.match_info["project"]
        )
        dataset.description = body.get("description")
        dataset.friendly_name = body.get("friendlyName")
        dataset.labels = dict(body.get("labels") or {})
        return json_response(_dataset_resource(dataset))

    async def delete_dataset(self, request: web.Request) -> web.StreamResponse:
        dataset = self._dataset(request)
        if dataset.tables and dataset.source is None and not flag(request.query.get("deleteContents")):
            raise BigQueryError(400, "resourceInUse", f"Dataset {dataset.name} is still in use")
        await in_thread(lambda: self._engine.delete_dataset(dataset.dataset_id, project=dataset.project))
        return web.Response(status=204)

    async def list_tables(self, request: web.Request) -> web.StreamResponse:
        dataset = self._dataset(request)
        found = [table for _, table in sorted(self._catalog.tables(dataset).items())]
        start = page_start(request.query.get("pageToken"), None)
        limit = whole(request.query.get("maxResults"), "maxResults", 50) or 50
        body: dict[str, Any] = {
            "kind": "bigquery#tableList",
            "etag": f"etag-{len(found)}",
            "totalItems": len(found),
        }
        entries = []
        for table in found[start : start + limit]:
            resource = _table_resource(dataset, table)
            entries.append(
                {key: resource[key] for key in ("kind", "id", "tableReference", "type", "creationTime")}
            )
        if entries:
            body["tables"] = entries
        if start + limit < len(found):
            body["nextPageToken"] = page_token(start + limit)
        return json_response(body)

    async def insert_table(self, request: web.Request) -> web.StreamResponse:
        body = await json_body(request)
        dataset = self._catalog.writable(request.match_info["project"], request.match_info["dataset"])
        table_id = (body.get("tableReference") or {}).get("tableId")
        if not table_id:
            raise BigQueryError(400, "required", "Required parameter is missing: tableReference.tableId")
        if body.get("view") or body.get("externalDataConfiguration") or body.get("materializedView"):
            raise invalid("Only plain tables can be created through tables.insert in the streetlens emulator")
        fields = (body.get("schema") or {}).get("fields") or []
        table = await in_thread(lambda: self._engine.create_table(dataset, str(table_id), fields))
        table.description = body.get("description")
        return json_response(_table_resource(dataset, table))

    async def get_table(self, request: web.Request) -> web.StreamResponse:
        table = self._table(request)
        dataset = self._catalog.dataset(request.match_info["project"], request.match_info["dataset"])
        resource = _table_resource(dataset, table)
        if request.query.get("selectedFields"):
            resource["schema"] = {"fields": selected(table.fields, request.query["selectedFields"]).fields}
        return json_response(resource)

    async def delete_table(self, request: web.Request) -> web.StreamResponse:
        table = self._table(request)
        self._catalog.writable(request.match_info["project"], request.match_info["dataset"])
        await in_thread(lambda: self._engine.drop_table(table))
        return web.Response(status=204)

    async def rows(self, request: web.Request) -> web.StreamResponse:
        table = self._table(request)
        if table.kind != "TABLE":
            raise invalid(f"Cannot list a table of type {table.kind}.")
        asked = request.query
        options = FormatOptions.read(
            asked.get("formatOptions.useInt64Timestamp"), asked.get("formatOptions.timestampOutputFormat")
        )
        limit = whole(asked.get("maxResults"), "maxResults")
        start = page_start(asked.get("pageToken"), asked.get("startIndex"))
        chosen = selected(table.fields, asked.get("selectedFields"))
        page = await in_thread(
            lambda: self._engine.read_expressions(table.physical, chosen.expressions, options, start, limit)
        )
        body: dict[str, Any] = {
            "kind": "bigquery#tableDataList",
            "etag": f"etag-{table.rows}",
            "totalRows": str(table.rows),
        }
        if page.next_index < table.rows and (limit is None or page.rows):
            body["pageToken"] = page_token(page.next_index)
        return json_response(body, rows=page.rows)


def _dataset_resource(dataset: Dataset) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "kind": "bigquery#dataset",
        "etag": f"etag-{int(dataset.modified)}",
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
    return resource | {key: value for key, value in optional.items() if value}


def _table_resource(dataset: Dataset, table: Table) -> dict[str, Any]:
    reference = {"projectId": dataset.project, "datasetId": dataset.dataset_id, "tableId": table.table_id}
    resource: dict[str, Any] = {
        "kind": "bigquery#table",
        "etag": f"etag-{int(table.modified * 1000)}",
        "id": f"{dataset.name}.{table.table_id}",
        "selfLink": f"/bigquery/v2/projects/{dataset.project}/datasets/{dataset.dataset_id}/tables/{table.table_id}",
        "tableReference": reference,
        "type": table.kind,
        "location": dataset.location,
        "creationTime": millis(table.created),
        "lastModifiedTime": str(int(table.modified * 1000)),
        "schema": {"fields": table.fields},
        "numRows": str(table.rows),
        "numBytes": str(table.bytes),
        "numLongTermBytes": "0",
        "numTotalLogicalBytes": str(table.bytes),
    }
    if table.view_query is not None:
        resource["view"] = {"query": table.view_query, "useLegacySql": False}
    if table.description:
        resource["description"] = table.description
    return resource
