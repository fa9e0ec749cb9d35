"""The verbs of the data set: subscribing to it."""

from __future__ import annotations

from streetlens import _calls
from streetlens.results import LinkedDataset


class DataSetVerbs:
    """What a client can be asked about the data set."""

    _session: _calls.Session

    def subscribe(
        self,
        customer_id: str,
        *,
        publisher: str | None = None,
        exchange: str | None = None,
        listing: str | None = None,
        dataset: str | None = None,
        dataset_project: str | None = None,
    ) -> LinkedDataset:
        """Subscribes to the data set of a customer, or returns the linked data set that is there.

        The names are the guide's unless given: publisher `maps-platform-analytics-hub`, exchange
        `imagery_insights_exchange_{location}`, listing `imagery_insights_{customer_id}__{location}` (dashes of the
        customer id as underscores), data set `imagery_insights___preview___{location}`.

        Raises:
            AlreadyExists: A data set of that name is something else; the message says what.
            NotFound: There is no such listing.
            PermissionDenied: The publisher or the project does not allow it.

        Example:
            >>> import streetlens as sl
            >>> from streetlens import emulator
            >>> with emulator.start(observations=12) as server:
            ...     linked = sl.Client(project="demo", endpoint=server.url).subscribe("1234-5678")
            >>> print(linked)
            demo.imagery_insights___preview___us
        """
        return _calls.subscribe(
            self._session,
            customer_id,
            publisher=publisher,
            exchange=exchange,
            listing=listing,
            dataset=dataset,
            dataset_project=dataset_project,
        ).wait()
