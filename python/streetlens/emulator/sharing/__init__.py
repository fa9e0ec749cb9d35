"""The emulated Analytics Hub (BigQuery sharing): listings, and subscriptions that create linked data sets."""

from __future__ import annotations

from streetlens.emulator.sharing.rest import routes
from streetlens.emulator.sharing.subscriptions import Sharing

__all__ = ["Sharing", "routes"]
