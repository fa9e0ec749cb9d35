"""What is not implemented says what is, however it is asked for; the documented examples print what they say."""

from __future__ import annotations

import doctest
import importlib
from types import ModuleType

import pytest

from streetlens import compat

PUBLIC = [
    ("bigquery", "LoadJobConfig", "Client"),
    ("bigquery_data_exchange_v1beta1", "SubscribeListingPager", "AnalyticsHubServiceClient"),
    ("vertexai", "preview", "generative_models"),
    ("vertexai.generative_models", "ChatSession", "GenerativeModel"),
]
WITH_EXAMPLES = ["_bigquery.rows", "_bigquery.types", "classification", "installation"]


def module_of(name: str) -> ModuleType:
    return importlib.import_module(f"streetlens.compat.{name}")


@pytest.mark.parametrize(("module", "missing", "there"), PUBLIC)
def test_an_attribute_that_is_missing_names_those_there_are(module: str, missing: str, there: str) -> None:
    with pytest.raises(AttributeError, match=rf"does not implement `{missing}`; it implements .*{there}"):
        getattr(module_of(module), missing)


@pytest.mark.parametrize(("module", "missing", "there"), PUBLIC)
def test_an_import_of_what_is_missing_says_the_same(module: str, missing: str, there: str) -> None:
    with pytest.raises(ImportError, match=rf"does not implement `{missing}`; it implements .*{there}"):
        exec(f"from streetlens.compat.{module} import {missing}")


@pytest.mark.parametrize("module", [module for module, _, _ in PUBLIC])
def test_a_module_may_be_asked_whether_it_has_a_name(module: str) -> None:
    assert not hasattr(module_of(module), "something_else")


@pytest.mark.parametrize("module", [module for module, _, _ in PUBLIC])
def test_all_that_a_module_names_is_there(module: str) -> None:
    found = module_of(module)
    assert all(hasattr(found, name) for name in found.__all__)


def test_the_package_holds_the_guides_modules_and_helpers() -> None:
    assert all(hasattr(compat, name) for name in compat.__all__)


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_print_what_they_say(module: str) -> None:
    outcome = doctest.testmod(module_of(module))
    assert outcome.attempted > 0
    assert outcome.failed == 0
