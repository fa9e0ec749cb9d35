"""The pictures that ship with the package, and how they were made."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from streetlens.emulator.scenes.scene import (
    ATTACHMENTS,
    MATERIALS,
    SIGN_LABELS,
    Asset,
    Scene,
    asset_from_seed,
    view_of,
)
from streetlens.emulator.scenes.truth import Truth, truth_of

FIRST_SEED = 9_000_000
"""Shipped assets have seeds from here on, so that they never repeat an asset of a generated data set."""
EXTRA_SPEEDS = (25, 45, 55)
VIEWS = (3, 2, 1, 4, 2, 1, 3, 2, 5, 1, 2, 3, 2, 1, 4, 2, 3, 1, 6)
"""How many views the shipped assets have, in their order: 48 pictures."""


@dataclass(frozen=True)
class ShippedPicture:
    """One file in scenes/images with its answer key."""

    file: str
    truth: Truth

    def read(self) -> bytes:
        """Returns the bytes of the JPEG file."""
        return _folder().joinpath(self.file).read_bytes()


@functools.cache
def shipped_pictures() -> tuple[ShippedPicture, ...]:
    """Returns the shipped pictures, the views of one asset next to each other. Needs no Pillow."""
    entries = json.loads(_folder().joinpath("index.json").read_text(encoding="utf-8"))
    return tuple(ShippedPicture(entry["file"], Truth.from_json(entry["truth"])) for entry in entries)


def _folder() -> resources.abc.Traversable:
    return resources.files("streetlens.emulator.scenes").joinpath("images")


def shipped_scenes() -> list[Scene]:
    """Returns the scenes that the shipped pictures show: every sign, every material with every attachment."""
    wanted: list[tuple[str, str, str | int | None]] = [("road_sign", label, None) for label in SIGN_LABELS]
    wanted += [("road_sign", "speed_limit", speed) for speed in EXTRA_SPEEDS]
    wanted += [("utility_pole", material, extra) for material in MATERIALS for extra in ATTACHMENTS]
    # Signs and poles alternate, so that a short prefix of the data set has both.
    signs, poles = (
        wanted[: len(SIGN_LABELS) + len(EXTRA_SPEEDS)],
        wanted[len(SIGN_LABELS) + len(EXTRA_SPEEDS) :],
    )
    order = [item for pair in zip(signs, poles, strict=False) for item in pair] + signs[len(poles) :]
    scenes = []
    for number, ((asset_class, label, detail), views) in enumerate(zip(order, VIEWS, strict=True)):
        asset = _matching(FIRST_SEED + 1000 * number, asset_class, label, detail)
        scenes += [Scene(asset, view_of(asset, view)) for view in range(views)]
    return scenes


def _matching(seed: int, asset_class: str, label: str, detail: str | int | None) -> Asset:
    for candidate in range(seed, seed + 1000):
        asset = asset_from_seed(candidate)
        if (asset.asset_class, asset.label) != (asset_class, label):
            continue
        if detail is None or detail in (asset.speed, asset.attachment):
            return asset
    raise LookupError(f"no seed from {seed} on gives a {label} ({detail})")


def write_shipped(folder: Path) -> int:
    """Draws the shipped pictures into a folder, with their index; returns the number of bytes."""
    from streetlens.emulator.scenes.compose import draw_jpeg  # noqa: PLC0415 - reading needs no Pillow

    entries: list[dict[str, object]] = []
    total = 0
    for scene in shipped_scenes():
        truth = truth_of(scene)
        detail = truth.speed or truth.attachment or ""
        name = f"{len(entries):02d}_{truth.label}{f'_{detail}' if detail else ''}_view{truth.view}.jpg"
        data = draw_jpeg(scene)
        folder.joinpath(name).write_bytes(data)
        entries.append({"file": name, "truth": truth.to_json()})
        total += len(data)
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)
    folder.joinpath("index.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    return total
