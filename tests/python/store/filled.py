"""A store with answers in it, written by SQL as the core writes them."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from typing import Any

APPLICATION_ID = 0x736C6E73

CREATE = """
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE answers (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, run TEXT NOT NULL, image TEXT NOT NULL,
    prompt_preview TEXT NOT NULL, status TEXT NOT NULL, model TEXT NOT NULL, location TEXT NOT NULL,
    model_version TEXT, response_id TEXT, cost_usd REAL, input_tokens INTEGER, output_tokens INTEGER,
    thinking_tokens INTEGER, cached_tokens INTEGER, attempts INTEGER NOT NULL, latency_ms REAL NOT NULL,
    asked_at INTEGER NOT NULL, answered_at INTEGER NOT NULL, body_length INTEGER NOT NULL,
    body_is_compressed INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
"""

# 2026-11-22, noon.
NOON = 1_795_348_800_000


def answer(number: int, **changed: Any) -> dict[str, Any]:
    """One answer; `body` may be given as text."""
    body = changed.pop("body", json.dumps({"number": number}, indent=2)).encode()
    return {
        "key": hashlib.sha256(str(number).encode()).digest(),
        "run": "run-1",
        "image": f"gs://bucket/{number}.jpg",
        "prompt_preview": "What?",
        "status": "ok",
        "model": "gemini-3.5-flash-lite",
        "location": "global",
        "model_version": None,
        "response_id": f"id-{number}",
        "cost_usd": 0.25,
        "input_tokens": 1_000,
        "output_tokens": 10,
        "thinking_tokens": None,
        "cached_tokens": None,
        "attempts": 1,
        "latency_ms": 12.5,
        "asked_at": NOON + number * 1_000,
        "answered_at": NOON + number * 1_000 + 500,
        "body_length": len(body),
        "body_is_compressed": 0,
        "body": body,
        **changed,
    }


def fill(path: Path, answers: list[dict[str, Any]]) -> Path:
    """Write a new store; the result is its path."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(CREATE)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 1")
    for row in answers:
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO answers ({', '.join(row)}) VALUES ({marks})", list(row.values()))
    connection.close()
    return path
