"""Connected regions of a mask, found by joining the runs of neighbouring rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streetlens.emulator.vision.picture import Mask

Ints = NDArray[np.int64]
MOST_RUNS = 15_000
"""A mask with more runs is noise and holds no regions worth joining."""


@dataclass(frozen=True)
class Region:
    """A connected region: its runs (row, first column, last column + 1) and what follows from them."""

    rows: Ints
    starts: Ints
    ends: Ints

    @property
    def box(self) -> tuple[int, int, int, int]:
        return (
            int(self.starts.min()),
            int(self.rows.min()),
            int(self.ends.max()),
            int(self.rows.max()) + 1,
        )

    @property
    def area(self) -> int:
        return int((self.ends - self.starts).sum())

    def spans(self) -> tuple[Ints, Ints]:
        """Returns per row of the box the region's first column and last column + 1."""
        top = int(self.rows.min())
        count = int(self.rows.max()) - top + 1
        first = np.full(count, np.iinfo(np.int64).max)
        last = np.zeros(count, dtype=np.int64)
        np.minimum.at(first, self.rows - top, self.starts)
        np.maximum.at(last, self.rows - top, self.ends)
        return first, last

    def corners(self) -> list[tuple[float, float]]:
        """Returns the outermost points towards top left, top right, bottom right and bottom left."""
        x = np.concatenate([self.starts, self.ends]).astype(float)
        y = np.concatenate([self.rows, self.rows]) + 0.5
        picked = [np.argmin(x + y), np.argmax(x - y), np.argmax(x + y), np.argmin(x - y)]
        return [(float(x[index]), float(y[index])) for index in picked]


def regions(mask: Mask, least_height: int, least_width: int) -> list[Region]:
    """Returns the 4-connected regions whose box is at least so large, the largest first."""
    padded = np.zeros((mask.shape[0], mask.shape[1] + 2), dtype=np.int8)
    padded[:, 1:-1] = mask
    change = np.diff(padded, axis=1)
    rows, starts = np.nonzero(change == 1)
    ends = np.nonzero(change == -1)[1]
    if len(rows) > MOST_RUNS:
        return []
    parent = _join(rows, starts, ends, mask.shape[0])
    if not len(parent):
        return []
    order = np.argsort(parent, kind="stable")
    cuts = np.nonzero(np.diff(parent[order]))[0] + 1
    found = []
    for members in np.split(order, cuts):
        if rows[members[-1]] - rows[members[0]] + 1 < least_height:
            continue
        if ends[members].max() - starts[members].min() < least_width:
            continue
        found.append(Region(rows[members], starts[members], ends[members]))
    return sorted(found, key=lambda region: -region.area)


def _join(rows: Ints, starts: Ints, ends: Ints, height: int) -> Ints:
    """Returns for every run the number of the region it belongs to."""
    row_starts = np.searchsorted(rows, np.arange(height + 1)).tolist()
    first, last = starts.tolist(), ends.tolist()
    parent = list(range(len(first)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    for row in range(1, height):
        above, above_end = row_starts[row - 1], row_starts[row]
        here, here_end = above_end, row_starts[row + 1]
        while above < above_end and here < here_end:
            if last[above] > first[here] and last[here] > first[above]:
                one, other = root(above), root(here)
                if one != other:
                    parent[max(one, other)] = min(one, other)
            if last[above] < last[here]:
                above += 1
            else:
                here += 1
    return np.array([root(run) for run in range(len(parent))], dtype=np.int64)
