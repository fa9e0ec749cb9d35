"""REST handlers of tables: list, insert, get, patch, update, delete, and tabledata.list."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from streetlens.emulator.bigquery.catalog import Table
from streetlens.emulator.bigquery.encode import FormatOptions
from streetlens.emulator.bigquery.engine import Engine
from streetlens.emulator.bigquery.errors import BigQueryError, invalid
from streetlens.emulator.bigquery.http import answered, in_thread, json_body, json_response, whole
from streetlens.emulator.bigquery.loading import normalized_field
from streetlens.emulator.bigquery.loads.schema import merged
from streetlens.emulator.bigquery.metadata_changes import set_schema, set_table
from streetlens.emulator.bigquery.metadata_resources import check_etag, table_entry, table_resource
from streetlens.emulator.bigquery.paging import page_start, page_token
from streetlens.emulator.bigquery.reshaping import reshape
from streetlens.emulator.bigquery.selection import selected

_UPDATES = frozenset({"ALLOW_FIELD_ADDITION", "ALLOW_FIELD_RELAXATION"})


def table_routes(engine: Engine) -> list[web.AbstractRouteDef]:
    """Return the routes of the tables and tabledata resources."""
    handlers = _TableHandlers(engine)
    tables = "/bigquery/v2/projects/{project}/datasets/{dataset}/tables"
    one = f"{tables}/{{table}}"
    return [
        web.get(tables, answered(handlers.list)),
        web.post(tables, answered(handlers.insert)),
        web.get(one, answered(handlers.get)),
        web.patch(one, answered(handlers.patch)),
        web.put(one, answered(handlers.update)),
        web.delete(one, answered(handlers.delete)),
        web.get(f"{one}/data", answered(handlers.rows)),
    ]


class _TableHandlers:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._catalog = engine.catalog

    def _found(self, request: web.Request) -> Table:
        names = request.match_info
        return self._catalog.table(names["project"], names["dataset"], names["table"])

    def _shown(self, request: web.Request, table: Table) -> dict[str, Any]:
        dataset = self._catalog.dataset(request.match_info["project"], request.match_info["dataset"])
        return table_resource(dataset, table)

    async def list(self, request: web.Request) -> web.StreamResponse:
        dataset = self._catalog.dataset(request.match_info["project"], request.match_info["dataset"])
        found = [table for _, table in sorted(self._catalog.tables(dataset).items())]
        start = page_start(request.query.get("pageToken"), None)
        limit = whole(request.query.get("maxResults"), "maxResults", 50) or 50
        body: dict[str, Any] = {
            "kind": "bigquery#tableList",
            "etag": f"etag-{len(found)}",
            "totalItems": len(found),
        }
        entries = [table_entry(dataset, table) for table in found[start : start + limit]]
        if entries:
            body["tables"] = entries
        if start + limit < len(found):
            body["nextPageToken"] = page_token(start + limit)
        return json_response(body)

    async def insert(self, request: web.Request) -> web.StreamResponse:
        body = await json_body(request)
        dataset = self._catalog.writable(request.match_info["project"], request.match_info["dataset"])
        table_id = (body.get("tableReference") or {}).get("tableId")
        if not table_id:
            raise BigQueryError(400, "required", "Required parameter is missing: tableReference.tableId")
        if body.get("view") or body.get("externalDataConfiguration") or body.get("materializedView"):
            raise invalid("Only plain tables can be created through tables.insert in the streetlens emulator")
        fields = (body.get("schema") or {}).get("fields") or []
        table = await in_thread(lambda: self._engine.create_table(dataset, str(table_id), fields))
        set_table(table, body, self._engine.wall_clock())
        return json_response(table_resource(dataset, table))

    async def get(self, request: web.Request) -> web.StreamResponse:
        table = self._found(request)
        resource = self._shown(request, table)
        if request.query.get("selectedFields"):
            resource["schema"] = {"fields": selected(table.fields, request.query["selectedFields"]).fields}
        return json_response(resource)

    async def patch(self, request: web.Request) -> web.StreamResponse:
        return await self._changed(request, await json_body(request))

    async def update(self, request: web.Request) -> web.StreamResponse:
        absent = dict.fromkeys(("description", "friendlyName", "labels", "expirationTime"))
        return await self._changed(request, absent | await json_body(request))

    async def _changed(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        table = self._found(request)
        self._catalog.writable(request.match_info["project"], request.match_info["dataset"])
        check_etag(request, table)
        if body.get("view") or body.get("externalDataConfiguration"):
            raise invalid("Only plain tables can be changed through tables.patch in the streetlens emulator")
        fields = (body.get("schema") or {}).get("fields")
        if fields is not None and table.kind == "TABLE":
            normal = set_schema(table, [normalized_field(item) for item in fields])
            await in_thread(
                lambda: reshape(self._engine, table, merged(table.fields, normal, _UPDATES, table.name))
            )
        set_table(table, body, self._engine.wall_clock())
        return json_response(self._shown(request, table))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        table = self._found(request)
        self._catalog.writable(request.match_info["project"], request.match_info["dataset"])
        await in_thread(lambda: self._engine.drop_table(table))
        return web.Response(status=204)

    async def rows(self, request: web.Request) -> web.StreamResponse:
        table = self._found(request)
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
