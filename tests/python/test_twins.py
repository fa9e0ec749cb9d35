"""Every verb exists twice, blocking and awaited, with one signature."""

from __future__ import annotations

import inspect
import re
import typing

import pytest

from streetlens._calls import Call
from streetlens._classify_options import DEFAULTS
from streetlens.aio import AsyncClient
from streetlens.client import Client
from streetlens.observations import AsyncSelection, Selection
from streetlens.options import ClassifyOptions

SELECTING = {"assets", "changes", "observations"}
"""They ask nobody: both twins return at once, each the selection whose own verbs block or are awaited."""


def verbs(kind: type) -> list[str]:
    """The public methods of a client, without its properties."""
    return sorted(
        name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")
    )


def test_both_clients_have_the_same_verbs() -> None:
    assert verbs(Client) == verbs(AsyncClient)
    assert {"classify", "query", "query_all", "start", "subscribe"} <= set(verbs(Client))


@pytest.mark.parametrize("verb", verbs(Client))
def test_twins_have_one_signature(verb: str) -> None:
    blocking = inspect.signature(getattr(Client, verb))
    awaited = inspect.signature(getattr(AsyncClient, verb))
    if verb in SELECTING:
        assert (blocking.return_annotation, awaited.return_annotation) == ("Selection", "AsyncSelection")
        awaited = awaited.replace(return_annotation=blocking.return_annotation)
    # Names, kinds, defaults, annotations and the result, as written.
    assert awaited == blocking


def test_both_selections_have_the_same_verbs() -> None:
    assert verbs(Selection) == verbs(AsyncSelection)
    for verb in ("count", "describe", "estimate", "fetch", "resolve"):
        blocking, awaited = getattr(Selection, verb), getattr(AsyncSelection, verb)
        assert inspect.signature(blocking).parameters == inspect.signature(awaited).parameters
        assert inspect.iscoroutinefunction(awaited)
        assert not inspect.iscoroutinefunction(blocking)


@pytest.mark.parametrize("verb", verbs(Client))
def test_one_twin_is_awaited_and_the_other_not(verb: str) -> None:
    assert inspect.iscoroutinefunction(getattr(AsyncClient, verb)) == (verb not in SELECTING)
    assert not inspect.iscoroutinefunction(getattr(Client, verb))


@pytest.mark.parametrize("verb", verbs(Client))
def test_the_awaited_twin_points_to_the_documentation_of_the_other(verb: str) -> None:
    assert (getattr(AsyncClient, verb).__doc__ or "").startswith(f"See `Client.{verb}`")


@pytest.mark.parametrize("verb", verbs(Client))
def test_a_verb_documents_what_it_raises_and_shows_an_example(verb: str) -> None:
    documentation = getattr(Client, verb).__doc__ or ""
    for section in ("Raises:", "Example:"):
        assert section in documentation


@pytest.mark.parametrize("verb", verbs(Client))
def test_a_documented_option_exists(verb: str) -> None:
    documentation = inspect.getdoc(getattr(Client, verb)) or ""
    listed = re.search(r"^Args:\n((?:    .*\n|\n)+)", documentation, re.MULTILINE)
    named = re.findall(r"^    (\w+): ", listed[1], re.MULTILINE) if listed else []
    assert set(named) <= set(inspect.signature(getattr(Client, verb)).parameters)


@pytest.mark.parametrize("verb", verbs(Client))
def test_options_after_the_first_arguments_are_given_by_name(verb: str) -> None:
    parameters = list(inspect.signature(getattr(Client, verb)).parameters.values())[1:]
    # The class of a selection is its first argument, and may be left out.
    options = [parameter for parameter in parameters if parameter.name != "kind"]
    with_default = [parameter for parameter in options if parameter.default is not parameter.empty]
    assert {parameter.kind for parameter in with_default} <= {inspect.Parameter.KEYWORD_ONLY}


def test_both_twins_wait_for_the_same_call() -> None:
    """One implementation: a call is waited for by either."""
    assert {"wait", "__await__"} <= set(vars(Call))
    assert typing.get_type_hints(Call.wait)["return"] is not None


@pytest.mark.parametrize("verb", ["classify", "plan", "start"])
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_verb_shows_every_option_with_its_default(kind: type, verb: str) -> None:
    """So that a notebook completes them."""
    shown = inspect.signature(getattr(kind, verb)).parameters
    keywords = {name: shown[name] for name in shown if name not in {"self", "images", "prompt"}}
    assert list(keywords) == list(ClassifyOptions.__annotations__)
    assert {name: parameter.default for name, parameter in keywords.items()} == DEFAULTS


def test_every_option_of_a_run_is_documented() -> None:
    documentation = inspect.getdoc(Client.classify) or ""
    named = set(re.findall(r"^    (\w+): ", documentation, re.MULTILINE))
    assert set(DEFAULTS) <= named
