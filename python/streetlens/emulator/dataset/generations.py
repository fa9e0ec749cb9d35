"""The tables of one generation of the published data set, as its documentation of that time names them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streetlens.emulator.dataset import TableData

__all__ = ["GENERATIONS", "published"]

GENERATIONS = (1, 2, 3, 4)
_SCOPE_FIRST = ("all_observations", "latest_observations", "all_assets", "latest_assets")


def published(tables: dict[str, TableData], generation: int | None) -> dict[str, TableData]:
    """Returns what one generation has of all tables; None returns them all.

    1: preview names. 2: the same with `pano_id`, and classes without their prefix. 3: a table for each product.
    4: LiDAR metadata besides. Raises ValueError for another number.
    """
    if generation is None:
        return tables
    if generation not in GENERATIONS:
        raise ValueError(f"the data set has generations 1 to 4, not {generation}")
    if generation >= 3:
        kept = {name: table for name, table in tables.items() if name not in _SCOPE_FIRST}
        return {name: table for name, table in kept.items() if generation == 4 or "lidar" not in name}
    kept = {name: tables[name] for name in _SCOPE_FIRST}
    snapshots = _without(tables["snapshots"], "product_types")
    if generation == 1:
        return {"snapshots": snapshots} | {name: _without(table, "pano_id") for name, table in kept.items()}
    return {"snapshots": snapshots} | {name: _with_bare_classes(table) for name, table in kept.items()}


def _without(table: TableData, column: str) -> TableData:
    schema = [field for field in table.schema if field["name"] != column]
    rows = [{name: value for name, value in row.items() if name != column} for row in table.rows]
    return type(table)(schema, rows)


def _with_bare_classes(table: TableData) -> TableData:
    def renamed(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "asset_type": row["asset_type"].removeprefix("ASSET_CLASS_")}

    return type(table)(table.schema, [renamed(row) for row in table.rows])
