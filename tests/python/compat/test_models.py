"""A retired model and a narrow region are replaced, and each is told once."""

from __future__ import annotations

import warnings

import pytest

import streetlens as sl
from compat.conftest import MODEL
from streetlens.compat import vertexai
from streetlens.compat.vertexai.generative_models import GenerativeModel
from streetlens.emulator import Emulator


def test_a_retired_model_is_replaced_by_its_successor(served: Emulator) -> None:
    with pytest.warns(
        UserWarning, match=r"gemini-2\.5-flash` was retired on .* successor `gemini-3\.5-flash-lite`"
    ):
        GenerativeModel("gemini-2.5-flash").generate_content("Say anything.")
    assert f"/models/{MODEL}:generateContent" in list(served.requests)[-1].path


@pytest.mark.usefixtures("served")
def test_the_replacement_is_told_once_however_many_models_are_made() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(3):
            GenerativeModel("gemini-2.5-flash").generate_content("Say anything.")
    assert len(told) == 1


@pytest.mark.usefixtures("served")
def test_the_warning_points_at_the_users_own_line() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        GenerativeModel("gemini-2.5-flash").generate_content("Say anything.")
    assert told[0].filename == __file__


def test_a_widened_region_is_told_once(served: Emulator) -> None:
    vertexai.init(location="us-central1")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        for _ in range(2):
            GenerativeModel(MODEL).generate_content("Say anything.")
    assert [str(warning.message) for warning in told] == [
        f"`{MODEL}` is not served in `us-central1`; requests go to `us`"
    ]
    assert "/locations/us/" in list(served.requests)[-1].path


@pytest.mark.usefixtures("served")
def test_an_unknown_model_is_an_error_that_names_known_ones() -> None:
    with pytest.raises(sl.ModelUnavailable, match=MODEL):
        GenerativeModel("gemini-99-ultra").generate_content("Say anything.")


def test_init_keeps_what_a_later_call_leaves_out(served: Emulator) -> None:
    vertexai.init(location="global")
    GenerativeModel(MODEL).generate_content("Say anything.")
    assert "/projects/streetlens-demo/locations/global/" in list(served.requests)[-1].path


def test_models_share_the_connections_of_one_init(served: Emulator) -> None:
    for _ in range(3):
        GenerativeModel(MODEL).generate_content("Say anything.")
    from streetlens.compat.vertexai import _configuration

    assert len(_configuration.current()._clients) == 1
    assert len(list(served.requests)) == 3


def test_an_endpoint_of_vertex_alone_is_honoured(served: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STREETLENS_ENDPOINT")
    vertexai.init(api_endpoint=served.url.removeprefix("http://"), api_transport="rest")
    assert GenerativeModel(MODEL).generate_content("Say anything.").text


@pytest.mark.usefixtures("served")
def test_an_option_of_init_without_effect_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="`staging_bucket`; it implements project, location"):
        vertexai.init(staging_bucket="gs://somewhere")
