"""Plants a little trouble, so that the statuses of the demo are met and not made up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streetlens.emulator import Emulator
    from streetlens.emulator.faults import FaultRule

THROTTLED_SHARE = 0.02
_FAULTS = {
    "blocked": "one request is blocked (`promptFeedback`)",
    "truncated": "one answer is cut by the token limit",
    "wrong_schema": "one answer does not fit the schema, also when it is asked for once more",
}
_TIMES = {"wrong_schema": 2}
"""How often a failure is met; once otherwise."""
_FEWEST_ROWS = 12
"""With fewer images the planted failures would be most of what there is to see."""


@dataclass(frozen=True)
class Trouble:
    """What was planted."""

    planted: tuple[str, ...]
    """One sentence each."""
    throttling: FaultRule

    @property
    def throttled(self) -> int:
        """How many requests were answered with 429 so far."""
        return self.throttling.struck


def plant(server: Emulator, uris: Sequence[str]) -> Trouble:
    """Deletes one image, spoils three answers, and throttles a share of all requests."""
    throttling = server.faults.add("429", service="gemini", rate=THROTTLED_SHARE)
    if len(uris) < _FEWEST_ROWS:
        return Trouble((), throttling)
    gone, *spoiled = (uris[len(uris) * part // 5] for part in range(1, 5))
    bucket, _, name = gone.removeprefix("gs://").partition("/")
    if not server.world.objects.delete(bucket, name):
        raise LookupError(f"{gone} is not in the emulator's storage")
    planted = ["one image is deleted from Cloud Storage"]
    for (kind, told), uri in zip(_FAULTS.items(), spoiled, strict=True):
        server.faults.add(kind, service="gemini", times=_TIMES.get(kind, 1), match=uri)
        planted.append(told)
    return Trouble(tuple(planted), throttling)
