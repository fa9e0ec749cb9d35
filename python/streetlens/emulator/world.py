"""Holds the state that the services share: project, objects, SQL engine, tokens, subscriptions, faults."""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING

from streetlens.emulator.dataset.generations import published
from streetlens.emulator.errors import ServiceError
from streetlens.emulator.faults import FaultSet
from streetlens.emulator.request_log import RequestLog
from streetlens.emulator.sharing.catalog import PUBLISHER_PROJECT, exchange_id, linked_dataset, source_dataset
from streetlens.emulator.sharing.subscriptions import Sharing
from streetlens.emulator.storage.objects import ObjectStore
from streetlens.emulator.tokens import TokenLedger

if TYPE_CHECKING:
    from streetlens.emulator.bigquery import Engine, Jobs
    from streetlens.emulator.dataset import SyntheticDataset
    from streetlens.emulator.gemini import ServedModels

DEFAULT_CUSTOMER = "1234-5678"


class World:
    """The shared state; `engine` runs SQL over `dataset`, `jobs` are its queries, `objects` holds its pictures."""

    publisher_project = PUBLISHER_PROJECT

    def __init__(
        self,
        *,
        project: str,
        location: str,
        engine: Engine,
        jobs: Jobs,
        dataset: SyntheticDataset,
        models: ServedModels,
        seed: int = 0,
        require_token: bool = False,
        subscribed: bool = False,
        generation: int | None = None,
    ) -> None:
        self.project = project
        self.location = location
        self.engine = engine
        self.jobs = jobs
        self.dataset = dataset
        self._tables = published(dataset.tables, generation)
        self._generation = generation
        self.models = models
        self.objects = ObjectStore()
        self.tokens = TokenLedger(project)
        self.faults = FaultSet(seed)
        self.request_log = RequestLog()
        self.sharing = Sharing(self)
        self.require_token = require_token
        self._at_start = (require_token, subscribed)
        self._published: set[str] = set()
        self._lock = threading.Lock()
        self._bigquery_error = importlib.import_module("streetlens.emulator.bigquery.errors").BigQueryError
        for name, load in dataset.images.items():
            self.objects.put_lazy(dataset.bucket, name, load, "image/jpeg")
        if subscribed:
            self.subscribe()

    def subscribe(self, customer: str = DEFAULT_CUSTOMER) -> str:
        """Subscribe the caller's project to the published data set; return the linked data set's id."""
        location = self.location.lower()
        dataset_id = linked_dataset(location, self._generation)
        self.sharing.subscribe(
            f"projects/{PUBLISHER_PROJECT}/locations/{location}/dataExchanges/{exchange_id(location)}"
            f"/listings/imagery_insights_{customer.replace('-', '_')}__{location}",
            {
                "destinationDataset": {
                    "location": location,
                    "datasetReference": {"projectId": self.project, "datasetId": dataset_id},
                }
            },
        )
        return dataset_id

    def link_dataset(self, project: str, dataset_id: str, location: str) -> None:
        """Create the linked data set, a view on what is published. Raises 409 when it exists."""
        source = self._publish(location)
        try:
            self.engine.create_dataset(
                dataset_id, linked_source=f"{PUBLISHER_PROJECT}.{source}", project=project
            )
        except self._bigquery_error as error:
            raise ServiceError("sharing", error.status, str(error)) from error

    def unlink_dataset(self, project: str, dataset_id: str) -> None:
        """Remove the linked data set, unless its owner has deleted it already."""
        if self.engine.catalog.find(project, dataset_id) is not None:
            self.engine.delete_dataset(dataset_id, project=project)

    def reset(self) -> None:
        """Go back to the start, except for objects and tables that were stored since."""
        self.faults.clear()
        self.sharing.reset()
        self.tokens.reset()
        self.models.reset()
        self.objects.open_to_agent()
        self.request_log.clear()
        self.require_token, subscribed = self._at_start
        if subscribed:
            self.subscribe()

    def close(self) -> None:
        """Release the SQL engine."""
        self.engine.close()

    def _publish(self, location: str) -> str:
        """Load the published tables of one location when it is first subscribed to."""
        source = source_dataset(location)
        with self._lock:
            if source not in self._published:
                self.engine.create_dataset(source, location=location.upper(), project=PUBLISHER_PROJECT)
                for table_id, table in self._tables.items():
                    self.engine.load_table(
                        source, table_id, table.schema, table.rows, project=PUBLISHER_PROJECT
                    )
                self._published.add(source)
        return source


def build(
    project: str,
    location: str,
    observations: int,
    seed: int,
    *,
    require_token: bool,
    subscribed: bool,
    generation: int | None = None,
) -> World:
    """Build the world: the SQL engine and `observations` synthetic observations drawn from `seed`."""
    bigquery = importlib.import_module("streetlens.emulator.bigquery")
    engine = bigquery.Engine(project, location)
    dataset = importlib.import_module("streetlens.emulator.dataset").build(observations, seed)
    models = importlib.import_module("streetlens.emulator.gemini").ServedModels()
    return World(
        project=project,
        location=location,
        engine=engine,
        jobs=bigquery.Jobs(engine),
        dataset=dataset,
        models=models,
        seed=seed,
        require_token=require_token,
        subscribed=subscribed,
        generation=generation,
    )
