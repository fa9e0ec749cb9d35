"""Arguments to native calls. Beside `_runs` the only importer of the native module."""

from streetlens._calls.call import Call, Otherwise, Ready, Then, in_background, tell_summary
from streetlens._calls.generation import generate_content, place
from streetlens._calls.loads import load
from streetlens._calls.queries import estimate_query, query, query_all, read_table, stream_query, stream_table
from streetlens._calls.selections import Wish, snapshots
from streetlens._calls.session import NativeHttp, Session
from streetlens._calls.stores import open_store
from streetlens._calls.subscriptions import subscribe, subscribe_listing
from streetlens._streetlens import NativeStore, NativeStream, NativeTable, PreparedSelection

__all__ = [
    "Call",
    "NativeHttp",
    "NativeStore",
    "NativeStream",
    "NativeTable",
    "Otherwise",
    "PreparedSelection",
    "Ready",
    "Session",
    "Then",
    "Wish",
    "estimate_query",
    "generate_content",
    "in_background",
    "load",
    "open_store",
    "place",
    "query",
    "query_all",
    "read_table",
    "snapshots",
    "stream_query",
    "stream_table",
    "subscribe",
    "subscribe_listing",
    "tell_summary",
]
