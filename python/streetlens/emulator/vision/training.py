"""Learns the weights of `attachments` from drawn poles: `python -m streetlens.emulator.vision.training FILE`.

The seeds used here are never used to measure accuracy.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from streetlens.emulator.scenes import Scene, draw_jpeg, scene
from streetlens.emulator.scenes.camera import attachment_side
from streetlens.emulator.vision.attachments import CLASSES, side_features
from streetlens.emulator.vision.axes import find_axis
from streetlens.emulator.vision.picture import Floats, decode

SEEDS = range(7_000_000, 7_003_000)
RIDGE = 3.0


def examples() -> Iterator[tuple[Floats, str, str]]:
    """Yields features of both sides of drawn poles with what hangs on the left and on the right."""
    for seed in SEEDS:
        drawn: Scene = scene(seed, asset_class="utility_pole")
        picture = decode(draw_jpeg(drawn))
        axis = find_axis(picture)
        if axis is not None:
            attachment = drawn.asset.attachment or "none"
            on_right = attachment_side(drawn) > 0
            sides = ("none", attachment) if on_right else (attachment, "none")
            yield side_features(picture, axis), *sides


def learn() -> Floats:
    """Returns weights (features, classes): ridge regression on one-hot targets, classes weighted equally."""
    rows, targets = [], []
    for features, left, right in examples():
        rows += [features[0], features[1]]
        targets += [CLASSES.index(left), CLASSES.index(right)]
    inputs, labels = np.array(rows, dtype=np.float64), np.array(targets)
    share = np.bincount(labels, minlength=len(CLASSES)) / len(labels)
    weight = 1.0 / share[labels]
    gram = inputs.T @ (inputs * weight[:, None]) + RIDGE * np.eye(inputs.shape[1])
    goal = inputs.T @ (np.eye(len(CLASSES))[labels] * weight[:, None])
    weights: Floats = np.linalg.solve(gram, goal).astype(np.float32)
    return weights


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m streetlens.emulator.vision.training FILE")
    np.save(Path(sys.argv[1]), learn())
