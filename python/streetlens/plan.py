"""What a run would take, before anything is generated."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Estimate", "Plan"]


class Estimate(NamedTuple):
    """A range that a number probably lies in.

    Example:
        >>> Estimate(low=1.5, high=3.0)
        Estimate(low=1.5, high=3.0)
    """

    low: float
    """The least."""
    high: float
    """The most."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Plan:
    """What `client.classify` would take with the same arguments; `client.plan` gives one.

    Input tokens are counted by the service for a few rows spread over those to be asked. The range is that of their
    mean (95 % by Student's t), and at least 5 % to each side. Output tokens are concluded from answers of the same
    question that the store has, else estimated, from half to double. Rows that are sent twice, after a failure or an
    answer that does not fit the schema, cost more.

    Example:
        >>> import streetlens as sl
        >>> from streetlens import emulator
        >>> with emulator.start(observations=12, subscribed=True) as server:
        ...     client = sl.Client(project=server.world.project, region="us", endpoint=server.url)
        ...     sql = "SELECT gcs_uri FROM `imagery_insights___preview___us.latest_observations` LIMIT 3"
        ...     plan = client.plan(sql, "Is it a sign or a pole?", schema=["sign", "pole"])
        >>> print(plan)
        Plan for gemini-3.5-flash-lite in us
        rows           3 to ask of 3, tokens counted for 3
        input tokens   3,209 to 3,547
        output tokens  150 to 600
        cost           $0.0015 to $0.0028 at list prices of 2026-11-22
        time           not known; up to 0 s, 0 s, 0 s at 2, 4, 10 million tokens a minute
        bytes billed   10,485,760 for the query
        · output tokens are estimated at 100 an answer, from half to double: only answers tell their length
        · the quota is not known until a run has met it
    """

    rows: int
    """Rows in all."""
    rows_to_ask: int
    """Rows that would be asked, and paid for."""
    stored_rows: int
    """Rows whose answer the store has."""
    duplicate_rows: int
    """Rows that ask the same as an earlier one, which is asked once."""
    unusable_rows: int
    """Rows that cannot be asked: no image, a malformed URI, no box to crop to."""
    sampled_rows: int
    """Rows whose input tokens were counted; 0 where they are estimated."""
    bytes_billed: int | None
    """Bytes billed for the query that the plan ran; None where it ran none."""
    input_tokens: Estimate
    """Input tokens of all rows to ask together."""
    output_tokens: Estimate
    """Output and thinking tokens of all rows to ask together."""
    cost_usd: Estimate | None
    """US dollars at list price; None where the price is not known."""
    max_cost_usd: float | None
    """The limit that was given; a note tells where it may not pay for all rows."""
    seconds: Estimate | None
    """Time at the quota that the client's runs have met and at your own limits; None where there is neither.

    What requests take besides, which bounds small runs, is not in it."""
    seconds_at_tiers: Mapping[int, Estimate]
    """Time at the quotas that Google documents for the model in `global`, by their tokens a minute."""
    model: str
    """Model that would be asked."""
    locations: tuple[str, ...]
    """Where, the first choice first."""
    prices_of: dt.date
    """Day of the prices."""
    notes: tuple[str, ...]
    """What to know about the numbers."""

    def __repr__(self) -> str:
        from streetlens._display.plan import plan_text  # noqa: PLC0415 - scripts show no plans

        return plan_text(self._facts())

    def _repr_html_(self) -> str:
        from streetlens._display.plan import plan_html  # noqa: PLC0415 - scripts show no plans

        return plan_html(self._facts())

    def _facts(self) -> dict[str, Any]:
        return dict(vars(self))
