"""The client: every verb blocks until its result is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from streetlens import _calls, _runs
from streetlens._classify_options import takes_classify_options
from streetlens._verbs.dataset import DataSetVerbs
from streetlens._verbs.loading import LoadVerbs
from streetlens._verbs.queries import QueryVerbs
from streetlens.options import ClassifyOptions, Endpoints, OnRetired, StorePlace
from streetlens.plan import Plan
from streetlens.results import Results
from streetlens.run import Run

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from streetlens.aio import AsyncClient

__all__ = ["Client"]


class Client(DataSetVerbs, LoadVerbs, QueryVerbs):
    """Street View Insights of one Google Cloud project. Making one contacts nothing.

    Args:
        project: Project that is billed; `GOOGLE_CLOUD_PROJECT` or the credentials' own otherwise.
        region: Vertex AI location: a region, `"global"`, `"us"` or `"eu"`. Several in a list share the requests of
            a run, each up to its own quota; one that is ill is left and tried again now and then.
        location: BigQuery and Analytics Hub location, `"us"` or `"eu"`; queries run where their tables are unless
            it is given.
        credentials: google.auth credentials, an access token, a callable that returns a token or
            `(token, expiry)`, `"anonymous"`, or `"native"` (gcp_auth); `google.auth.default()` otherwise, and none
            at all for a loopback `endpoint`.
        endpoint: One base URL for every service, or `Endpoints` for single ones; `STREETLENS_ENDPOINT` otherwise.
        on_retired: What to do about a retired model: `"raise"`, `"replace"` by its successor, or `"allow"`.
        strict_region: Refuse a region that does not serve the model instead of widening it.
        store: Where paid answers are kept, so that nothing is asked twice: a file or its folder, or False for
            nowhere. Otherwise `STREETLENS_STORE`, or a file in the user's data folder; answers of an emulator on
            this machine are kept only where a place is named.
        maximum_bytes_billed: Bytes that one query of yours may bill; BigQuery refuses a larger one before it runs.
            Writing (`load`, `into=`) merges without this limit.

    Raises:
        ConfigurationError: A value is missing, malformed, or still a placeholder of the guide.

    Example:
        >>> import streetlens as sl
        >>> sl.Client(project="my-project", endpoint="http://localhost:9050")
        Client(project='my-project', region='us-central1', location='us', credentials='anonymous')
    """

    def __init__(
        self,
        project: str | None = None,
        region: str | Sequence[str] | None = None,
        location: str | None = None,
        credentials: Any = None,
        endpoint: str | Endpoints | Mapping[str, str] | None = None,
        *,
        on_retired: OnRetired = "raise",
        strict_region: bool = False,
        store: StorePlace = None,
        maximum_bytes_billed: int | None = None,
    ) -> None:
        self._session = _calls.Session(
            project=project,
            region=region,
            location=location,
            credentials=credentials,
            endpoint=endpoint,
            on_retired=on_retired,
            strict_region=strict_region,
            store=store,
            maximum_bytes_billed=maximum_bytes_billed,
        )

    @property
    def project(self) -> str:
        """The project that is billed."""
        return self._session.project

    @property
    def region(self) -> str:
        """The Vertex AI location; of several the first."""
        return str(self._session.settings["region"])

    @property
    def location(self) -> str:
        """The BigQuery and Analytics Hub location."""
        return str(self._session.settings["location"])

    @property
    def aio(self) -> AsyncClient:
        """The same verbs as awaitables."""
        from streetlens.aio import AsyncClient  # noqa: PLC0415 - most programs never need it

        return AsyncClient(self._session)

    @takes_classify_options
    def classify(self, images: Any, prompt: str, **options: Unpack[ClassifyOptions]) -> Results:
        """Asks Gemini one question about every image and returns one row an image, in order.

        Trouble with one image is a row with a `status` and an `error`. What every image would meet (a bad model, a
        denied permission, a refused schema) raises at once, with the finished rows in `error.results`; so does
        Ctrl-C, with `KeyboardInterrupt.results`.

        Args:
            images: `gs://` URIs, local paths or `bytes` in a list; a table (this package's, pandas, polars, pyarrow)
                with a column of URIs; a query that gives one; or a selection such as `client.observations("sign")`. The
                table's columns are kept.
            prompt: The question; `{column}` is filled in for each row.
            schema: What an answer looks like: a list of labels, a dictionary of labels and their descriptions, or an
                `enum.Enum` class, in the column `classification`; a dataclass, a TypedDict, a Pydantic model or a
                JSON Schema, whose fields become typed columns in their order. Free text otherwise.
            model: Model id; the catalogue's recommended classifier otherwise.
            uri_column: The column of URIs.
            system_instruction: Instructions before the image.
            examples: Pairs of an image and its right answer, shown to the model first: the image as in `images`, the
                answer a text, or a dictionary, an instance or a label of the schema.
            temperature: 0 to 2; recent models ignore it.
            max_output_tokens: Token limit of an answer, thoughts included.
            media_resolution: `"low"`, `"medium"` or `"high"`: tokens an image costs.
            thinking: A level, a token budget, `"off"` or `"default"`; the least the model allows otherwise.
            group_by: The column whose equal values are views of one thing, asked about in one request.
            max_images: Most images of one request, 1 to 100.
            crop: The column of the boxes, in pixels, that are cut out of the images and sent: `"bbox"`.
            crop_margin: What is left around a box on each side, as a share of its larger side.
            image_mode: `"uri"` names images in Cloud Storage to Gemini, `"inline"` fetches them with your credentials
                and sends them along, `"auto"` does so where Gemini may not read the bucket.
            concurrency: Requests under way at once: a fixed number, or `"least-first-most"`, which follows what the
                service takes.
            requests_per_minute: A limit of your own, spread evenly over each minute.
            tokens_per_minute: The same for input and output tokens.
            max_cost_usd: US dollars at list price that the run may cost; rows beyond that are `skipped`.
            max_error_ratio: Share of rows, 0 to 1, that may fail before the run is stopped.
            timeout: Seconds of one attempt.
            deadline: Seconds of one row, all attempts and waits together.
            hedge: True, or a share of the requests (0.05) that may be sent a second time when they are slow.
            labels: Labels of the requests, shown on the invoice.
            store: Where paid answers are kept, so that nothing is paid twice: a file or its folder, or False for
                nowhere; the client's otherwise.
            refresh: Ask anew what the store knows.
            only_new: True leaves out the rows that the store has an answer for, `"dataset.table"` those that a table
                of results has a good one for (by `observation_id`, else by URI; by `group_by` where rows are grouped).
                The results hold only rows that were not answered before, maybe none; the table need not exist yet.
            into: A BigQuery table, `"dataset.table"`, that is made where it is missing and takes the results while the
                run goes on and at its end, one row for each `observation_id`, image or group. It keeps the answers
                too, in its column `streetlens`: the same call on another machine asks only what is missing there. Rows
                are written every minute or 10,000 rows, and at the end. A table takes the answers to one question.
            progress: True, False, or a function of `Progress`; shown in notebooks and terminals otherwise.

        Raises:
            TypeError: There is no such option; the message names the closest one.
            ConfigurationError: An option's value cannot be used. Nothing was sent.
            InvalidInput: The images, the prompt or the column cannot be used; `InvalidUri` when no URI is one.
            SchemaError: Gemini could not serve the schema; the message names the field. Nothing was sent.
            ModelUnavailable: The model is retired, unknown, or not served in the region.
            AuthenticationError: There are no valid credentials.
            PermissionDenied: The credentials may not use the model.

        Example:
            >>> import streetlens as sl
            >>> from streetlens import emulator
            >>> with emulator.start(observations=12, subscribed=True) as server:
            ...     client = sl.Client(project=server.world.project, endpoint=server.url)
            ...     sql = "SELECT gcs_uri FROM `imagery_insights___preview___us.latest_observations` LIMIT 3"
            ...     results = client.classify(sql, "Is it a sign or a pole?", schema=["sign", "pole"], progress=False)
            >>> len(results), results.column_names[:3]
            (3, ['gcs_uri', 'classification', 'status'])
        """
        return _runs.classify(self._session, images, prompt, options).wait()

    @takes_classify_options
    def start(self, images: Any, prompt: str, **options: Unpack[ClassifyOptions]) -> Run:
        """Begins what `classify` does and returns at once: the run goes on in the background.

        A query is waited for first. Iterate over the `Run` for answers as they come, or wait for it; it can be told to
        go faster or to end meanwhile.

        Args:
            images: As in `classify`.
            prompt: The question; `{column}` is filled in for each row.
            progress: True or a function of `Progress` to show it from now on; otherwise `run.wait()` shows it.

        Raises:
            TypeError: There is no such option; the message names the closest one.
            ConfigurationError: An option's value cannot be used.
            InvalidInput: The images, the prompt or the column cannot be used.
            SchemaError: Gemini could not serve the schema.
            ModelUnavailable: The model is retired, unknown, or not served in the region.

        Example:
            >>> import streetlens as sl
            >>> from streetlens import emulator
            >>> with emulator.start(observations=12, subscribed=True) as server:
            ...     client = sl.Client(project=server.world.project, endpoint=server.url)
            ...     sql = "SELECT gcs_uri FROM `imagery_insights___preview___us.latest_observations` LIMIT 3"
            ...     run = client.start(sql, "Is it a sign or a pole?", schema=["sign", "pole"])
            ...     statuses = [answer["status"] for answer in run]
            ...     results = run.wait()
            >>> statuses, len(results)
            (['ok', 'ok', 'ok'], 3)
        """
        return Run(_runs.prepare(self._session, images, prompt, options).wait(), options.get("progress"))

    @takes_classify_options
    def plan(self, images: Any, prompt: str, **options: Unpack[ClassifyOptions]) -> Plan:
        """Tells what `classify` would take with these arguments, and generates nothing.

        Rows that the store has cost nothing. Of the others up to eight are counted by the service, which Google
        documents as free; images that are sent along are fetched for that. A query is run, and BigQuery bills its
        bytes: give `client.query(...)` to `plan` and then to `classify` to run it once.

        Args:
            images: As in `classify`.
            prompt: The question; `{column}` is filled in for each row.
            max_cost_usd: The plan notes where this may not pay for all rows.
            progress: Not used: a plan shows none.

        Raises:
            TypeError: There is no such option; the message names the closest one.
            ConfigurationError: An option's value cannot be used.
            InvalidInput: The images, the prompt or the column cannot be used.
            SchemaError: Gemini could not serve the schema.
            ModelUnavailable: The model is retired, unknown, or not served in the region.
            AuthenticationError: There are no valid credentials.
            PermissionDenied: The credentials may not use the model.

        Example:
            >>> import streetlens as sl
            >>> from streetlens import emulator
            >>> with emulator.start(observations=12, subscribed=True) as server:
            ...     client = sl.Client(project=server.world.project, endpoint=server.url)
            ...     images = list(server.world.dataset.truth)[:10]
            ...     plan = client.plan(images, "Is it a sign or a pole?", schema=["sign", "pole"], max_cost_usd=1)
            >>> plan.rows_to_ask, plan.sampled_rows, plan.cost_usd.high < 0.02
            (10, 8, True)
        """
        return _runs.plan(self._session, images, prompt, options).wait()

    def __repr__(self) -> str:
        settings, source = self._session.settings, self._session.source
        # A token is a text too, and never shown.
        named = (
            source
            if source in ("anonymous", "native")
            else getattr(source, "description", "a static access token")
        )
        regions = [settings["region"], *settings["more_regions"]]
        return (
            f"Client(project={settings['project']!r}, region={(regions if len(regions) > 1 else regions[0])!r}, "
            f"location={settings['location']!r}, credentials={named!r})"
        )

    def __getstate__(self) -> object:
        raise TypeError("a Client holds credentials and is not pickled; make one in each process")
