"""Programs that must not type-check: each line names, after `refused:`, the rule that refuses it."""

from __future__ import annotations

import json

import streetlens as sl


def clients() -> None:
    sl.Client(project=7)  # refused: arg-type
    sl.Client(on_retired="ignore")  # refused: arg-type
    sl.Client(regoin="us")  # refused: call-arg
    sl.Client(endpoint=9050)  # refused: arg-type
    sl.Client("project", "us", "us", None, None, "replace")  # refused: call-arg
    sl.Client().project = "another"  # refused: misc


def queries(client: sl.Client) -> None:
    client.query(7)  # refused: call-overload
    client.query("SELECT 1", {"a": 1})  # refused: call-overload
    client.query("SELECT 1", params=7)  # refused: call-overload
    client.query("SELECT 1", timeout="soon")  # refused: call-overload
    client.query("SELECT 1", transport="grpc")  # refused: call-overload
    client.query("SELECT 1", stream=True).to_dicts()  # refused: attr-defined
    client.query_all(["SELECT 1"]).to_dicts()  # refused: attr-defined
    client.query("SELECT 1").to_dict()  # refused: attr-defined


def runs(client: sl.Client) -> None:
    client.classify([])  # refused: call-arg
    client.classify([], 7)  # refused: arg-type
    client.classify([], "What?", json.loads("[]"))  # refused: call-arg
    client.classify([], "What?", schema=7)  # refused: arg-type
    client.classify([], "What?", schema={1, 2})  # refused: arg-type
    client.classify([], "What?", concurrency=1.5)  # refused: arg-type
    client.classify([], "What?", progress="bar")  # refused: arg-type
    client.classify([], "What?", modle="gemini")  # refused: call-arg
    client.classify([], "What?", image_mode="url")  # refused: arg-type
    client.start([], "What?").wait(timeout="soon")  # refused: arg-type
    client.start([], "What?").done = True  # refused: misc
    float(client.classify([], "What?").usage.cost)  # refused: attr-defined


async def awaited(client: sl.Client) -> None:
    client.aio.query("SELECT 1").to_dicts()  # refused: attr-defined
    await client.query("SELECT 1")  # refused: misc
    await client.aio.query("SELECT 1", {"a": 1})  # refused: call-overload


def tables(table: sl.Table) -> str:
    row: str = table.to_dicts()  # refused: assignment
    table.column_names = []  # refused: misc
    table["one"] = 1  # refused: index
    return row
