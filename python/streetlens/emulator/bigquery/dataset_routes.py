"""REST handlers of data sets: list, insert, get, patch, update, delete."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from streetlens.emulator.bigquery.catalog import Dataset
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import BigQueryError, invalid
from streetlens.emulator.bigquery.http import answered, flag, in_thread, json_body, json_response, whole
from streetlens.emulator.bigquery.metadata_changes import set_dataset
from streetlens.emulator.bigquery.metadata_resources import check_etag, dataset_resource
from streetlens.emulator.bigquery.paging import page_start, page_token

_LIST_KEYS = ("kind", "id", "datasetReference", "location", "type", "labels", "friendlyName")


def dataset_routes(engine: Engine) -> list[web.AbstractRouteDef]:
    """Return the routes of the datasets resource."""
    handlers = _DatasetHandlers(engine)
    datasets = "/bigquery/v2/projects/{project}/datasets"
    one = f"{datasets}/{{dataset}}"
    return [
        web.get(datasets, answered(handlers.list)),
        web.post(datasets, answered(handlers.insert)),
        web.get(one, answered(handlers.get)),
        web.patch(one, answered(handlers.patch)),
        web.put(one, answered(handlers.update)),
        web.delete(one, answered(handlers.delete)),
    ]


class _DatasetHandlers:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._catalog = engine.catalog

    def _found(self, request: web.Request) -> Dataset:
        return self._catalog.dataset(request.match_info["project"], request.match_info["dataset"])

    async def get(self, request: web.Request) -> web.StreamResponse:
        return json_response(dataset_resource(self._found(request)))

    async def list(self, request: web.Request) -> web.StreamResponse:
        found = list(self._catalog.datasets(request.match_info["project"]))
        start = page_start(request.query.get("pageToken"), None)
        limit = whole(request.query.get("maxResults"), "maxResults", 50) or 50
        entries = []
        for dataset in found[start : start + limit]:
            resource = dataset_resource(dataset)
            entries.append({key: resource[key] for key in _LIST_KEYS if key in resource})
        body: dict[str, Any] = {"kind": "bigquery#datasetList", "etag": f"etag-{len(found)}"}
        if entries:
            body["datasets"] = entries
        if start + limit < len(found):
            body["nextPageToken"] = page_token(start + limit)
        return json_response(body)

    async def insert(self, request: web.Request) -> web.StreamResponse:
        body = await json_body(request)
        reference = body.get("datasetReference") or {}
        if not reference.get("datasetId"):
            raise BigQueryError(400, "required", "Required parameter is missing: datasetReference.datasetId")
        if body.get("linkedDatasetSource"):
            raise invalid("A linked dataset is created by subscribing to a listing of BigQuery sharing")
        dataset = self._engine.create_dataset(
            str(reference["datasetId"]), location=body.get("location"), project=request.match_info["project"]
        )
        set_dataset(dataset, body, self._engine.wall_clock())
        return json_response(dataset_resource(dataset))

    async def patch(self, request: web.Request) -> web.StreamResponse:
        return self._changed(request, await json_body(request))

    async def update(self, request: web.Request) -> web.StreamResponse:
        absent = dict.fromkeys(("description", "friendlyName", "labels", "defaultTableExpirationMs"))
        return self._changed(request, absent | await json_body(request))

    def _changed(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        dataset = self._found(request)
        check_etag(request, dataset)
        if body.get("location") and str(body["location"]).lower() != dataset.location.lower():
            raise invalid(f"Dataset {dataset.name}: the location of a dataset cannot be changed")
        set_dataset(dataset, body, self._engine.wall_clock())
        return json_response(dataset_resource(dataset))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        dataset = self._found(request)
        if dataset.tables and dataset.source is None and not flag(request.query.get("deleteContents")):
            raise BigQueryError(400, "resourceInUse", f"Dataset {dataset.name} is still in use")
        await in_thread(lambda: self._engine.delete_dataset(dataset.dataset_id, project=dataset.project))
        return web.Response(status=204)
