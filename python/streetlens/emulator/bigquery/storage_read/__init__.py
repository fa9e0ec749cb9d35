"""The BigQuery Storage Read API over gRPC, served where Google's message classes and pyarrow are installed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from streetlens.emulator.extra import missing

if TYPE_CHECKING:
    from streetlens.emulator.rpc import RpcServer
    from streetlens.emulator.world import World

DISTRIBUTIONS = {
    "google.cloud.bigquery_storage_v1": "google-cloud-bigquery-storage",
    "pyarrow": "pyarrow",
}
SERVICE = "google.cloud.bigquery.storage.v1.BigQueryRead"


def serve(server: RpcServer, world: World) -> None:
    """Add the service to the gRPC server; without its packages nothing is added, and calls are UNIMPLEMENTED."""
    if missing(DISTRIBUTIONS):
        return
    # It imports packages that the emulator's extra does not install.
    importlib.import_module("streetlens.emulator.bigquery.storage_read.service").add(server, world)
