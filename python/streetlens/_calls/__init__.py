"""Arguments to native calls. Beside `_runs` the only importer of the native module."""

from streetlens._calls.call import Call, Ready, Then, in_background, tell_summary
from streetlens._calls.generation import generate_content, place
from streetlens._calls.queries import query, query_all
from streetlens._calls.selections import Wish, snapshots
from streetlens._calls.session import NativeHttp, Session
from streetlens._calls.stores import open_store
from streetlens._calls.subscriptions import subscribe, subscribe_listing
from streetlens._streetlens import NativeStore, NativeTable, PreparedSelection

__all__ = [
    "Call",
    "NativeHttp",
    "NativeStore",
    "NativeTable",
    "PreparedSelection",
    "Ready",
    "Session",
    "Then",
    "Wish",
    "generate_content",
    "in_background",
    "open_store",
    "place",
    "query",
    "query_all",
    "snapshots",
    "subscribe",
    "subscribe_listing",
    "tell_summary",
]
