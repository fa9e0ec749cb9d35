"""Stores of paid answers."""

from __future__ import annotations

from streetlens import _streetlens
from streetlens._checks import check_store
from streetlens._streetlens import NativeStore
from streetlens.options import StorePlace


def open_store(path: StorePlace) -> NativeStore:
    """The store of paid answers that is at `path`."""
    return _streetlens.open_store(check_store(path))
