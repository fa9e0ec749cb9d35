"""The `fields=` parameter of Google's JSON APIs."""

from __future__ import annotations

import pytest

from streetlens.emulator.partial_response import parse_fields, select

RESOURCE = {
    "kind": "k",
    "items": [{"name": "a", "size": 1, "acl": {"x": 1, "y": 2}}, {"name": "b"}],
    "token": "t",
}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("kind", {"kind": "k"}),
        ("items(name,size),token", {"items": [{"name": "a", "size": 1}, {"name": "b"}], "token": "t"}),
        ("items/name", {"items": [{"name": "a"}, {"name": "b"}]}),
        ("items/acl/x", {"items": [{"acl": {"x": 1}}, {}]}),
        ("items(name,acl(y))", {"items": [{"name": "a", "acl": {"y": 2}}, {"name": "b"}]}),
        ("items(*),kind", {"kind": "k", "items": RESOURCE["items"]}),
        ("items/name,items/size", {"items": [{"name": "a", "size": 1}, {"name": "b"}]}),
        (" kind , token ", {"kind": "k", "token": "t"}),
        ("missing", {}),
        ("*", RESOURCE),
        ("", RESOURCE),
        (None, RESOURCE),
    ],
)
def test_a_selector_keeps_what_it_names(fields: str | None, expected: object) -> None:
    assert select(RESOURCE, parse_fields(fields)) == expected


@pytest.mark.parametrize("fields", [",", "a,", "a(", "a(b", "a)", "a//b", "(a)", "a(b)c"])
def test_a_malformed_selector_is_refused_and_quoted(fields: str) -> None:
    with pytest.raises(ValueError, match="Invalid field selection"):
        parse_fields(fields)
