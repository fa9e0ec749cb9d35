"""Answers of ten megabytes, a schema of two hundred fields, and characters of every kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pytest

import streetlens as sl
from servers.answers import generated, image_of, prompt_of
from servers.scripted import Answer, Received, Script, ScriptedServer

Serve = Callable[[Script], ScriptedServer]
LARGE = 10 << 20
FIELDS = 200


def client_of(server: ScriptedServer, store: Path | Literal[False] = False) -> sl.Client:
    return sl.Client(project="demo-project", region="us", endpoint=server.url, store=store)


def test_answers_of_ten_megabytes_come_whole_and_are_kept(serve: Serve, tmp_path: Path) -> None:
    def answer(request: Received) -> Answer:
        return generated(image_of(request)[-5] * LARGE)

    server = serve(answer)
    images = [f"gs://bucket/{letter}.jpg" for letter in "abcd"]
    client = client_of(server, tmp_path / "answers.sqlite")
    for source in ("online", "store"):
        results = client.classify(images, "What?", concurrency=4, progress=False)
        assert (set(results["status"]), set(results["source"])) == ({"ok"}, {source})
        assert [(text[0], len(text)) for text in results["classification"]] == [(x, LARGE) for x in "abcd"]
    assert len(server.received) == 4


def wide_schema() -> dict[str, Any]:
    """Fields of five kinds in turn."""
    kinds: list[dict[str, Any]] = [
        {"type": "string"},
        {"type": "integer"},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "string", "enum": ["yes", "no", "unclear"]},
    ]
    fields = {f"field_{number:03}": kinds[number % len(kinds)] for number in range(FIELDS)}
    return {"type": "object", "properties": fields, "required": list(fields)}


def wide_answer(row: int) -> dict[str, Any]:
    values: list[Callable[[int], Any]] = [
        lambda number: f"text {row} {number}",
        lambda number: 1_000 * row + number,
        lambda number: row + number / 4,
        lambda number: (row + number) % 2 == 0,
        lambda number: ("yes", "no", "unclear")[(row + number) % 3],
    ]
    return {f"field_{number:03}": values[number % len(values)](number) for number in range(FIELDS)}


def test_a_schema_of_two_hundred_fields_gives_as_many_columns(serve: Serve) -> None:
    def answer(request: Received) -> Answer:
        return generated(json.dumps(wide_answer(int(image_of(request)[-7:-4]))))

    images = [f"gs://bucket/{row:03}.jpg" for row in range(50)]
    results = client_of(serve(answer)).classify(images, "What?", schema=wide_schema(), progress=False)
    assert set(results["status"]) == {"ok"}
    for row, found in enumerate(results):
        expected = wide_answer(row)
        assert {name: found[name] for name in expected} == expected


CHARACTERS = {
    "controls": "".join(map(chr, range(1, 32))) + "\x7f\x80\x9f",
    "a zero": "before\0after",
    "beyond the first plane": "🛑 \U0001d54a\U0001d565 \U0010ffff",
    "right to left": "قف \u202e pots \u2066",
    "combining": "e\u0301 \u1100\u1161\u11a8 👩\u200d🔧",
    "separators": "a\u2028b\u2029c\u0085d\ufeff",
    "quotes": "\"'`\\ \\u0041 </script> {{}} %s $1 ; --",
    "not a character": "\ufffe\uffff",
}


@pytest.mark.parametrize("kind", CHARACTERS)
def test_every_character_comes_through_everywhere(serve: Serve, tmp_path: Path, kind: str) -> None:
    text = CHARACTERS[kind]
    labels = [f"sign {text}", f"pole {text}"]

    def answer(request: Received) -> Answer:
        assert prompt_of(request) == f"Is {text} it? {text}"
        return generated(json.dumps({"classification": labels[0], "note": text}))

    schema = {
        "type": "object",
        "properties": {
            "classification": {"type": "string", "enum": labels},
            "note": {"type": "string", "description": text},
        },
        "required": ["classification", "note"],
    }
    uris = [f"gs://bucket/ünïcode 🛑/{row} # ? % &.jpg" for row in range(3)]
    table = pa.table({"gcs_uri": uris, "what": [text] * 3})
    server = serve(answer)
    client = client_of(server, tmp_path / "answers.sqlite")
    for source in ("online", "store"):
        prompt = f"Is {text} it? " + "{what}"
        results = client.classify(table, prompt, schema=schema, progress=False)
        assert (results["status"], results["error"]) == (["ok"] * 3, [None] * 3)
        assert set(results["source"]) == {source}
        assert results["classification"] == [labels[0]] * 3
        assert (results["note"], results["what"], results["gcs_uri"]) == ([text] * 3, [text] * 3, uris)
    assert sorted(image_of(request) for request in server.received) == sorted(uris)


def test_a_name_with_a_control_character_is_its_row_alone(serve: Serve) -> None:
    images = ["gs://bucket/a.jpg", "gs://bucket/line\nbreak.jpg", "gs://bucket/b.jpg"]
    results = client_of(serve(lambda _: generated("a sign"))).classify(images, "What?", progress=False)
    assert results["status"] == ["ok", "image_error", "ok"]
    assert "does not allow" in results["error"][1]
