"""The guide's calls as they stand, only their import lines changed, from subscribing to the printed answers."""

from __future__ import annotations

from typing import Any

import pytest

from streetlens.compat import bigquery, vertexai
from streetlens.compat import bigquery_data_exchange_v1beta1 as data_exchange
from streetlens.compat.vertexai import _configuration
from streetlens.compat.vertexai.generative_models import GenerativeModel, Part
from streetlens.emulator import Emulator

# The guide's own values carry such spaces.
PROJECT = "streetlens-demo "
REGION = "us-central1 "
EXCHANGE = "projects/maps-platform-analytics-hub/locations/us/dataExchanges/imagery_insights_exchange_us"
LISTING = f"{EXCHANGE}/listings/imagery_insights_1234_5678__us"
SQL = """
    SELECT *
    FROM `streetlens-demo.imagery_insights___preview___us.latest_observations`
    ORDER BY gcs_uri
    LIMIT 6
"""
PROMPT = "Which road sign or pole does the picture show?"

pytestmark = pytest.mark.filterwarnings("ignore:`gemini-:UserWarning")


@pytest.fixture
def environment(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """A runtime that the guide was just opened in."""
    monkeypatch.setenv("STREETLENS_ENDPOINT", emulator.url)
    monkeypatch.setattr(_configuration, "_current", _configuration.Configuration())
    monkeypatch.setattr(_configuration, "_told", set())
    vertexai.init(project=PROJECT, location=REGION)
    return emulator


def subscribe_cell() -> Any:
    client = data_exchange.AnalyticsHubServiceClient()
    destination = data_exchange.DestinationDataset()
    destination.dataset_reference.dataset_id = "imagery_insights___preview___us"
    destination.dataset_reference.project_id = PROJECT
    destination.location = "us"
    request = data_exchange.SubscribeListingRequest(destination_dataset=destination, name=LISTING)
    return client.subscribe_listing(request=request)


def query_cell() -> list[dict[str, Any]]:
    found = []
    for row in bigquery.Client(project=PROJECT).query(SQL):
        as_dictionary = dict(row)
        found.append(as_dictionary)
        print(as_dictionary)  # noqa: T201 - as the guide does
    return found


def classify_one(gcs_uri: str) -> str:
    model = GenerativeModel("gemini-2.5-flash")
    try:
        picture = Part.from_uri(uri=gcs_uri, mime_type="image/jpeg")
        return model.generate_content([picture, PROMPT]).text
    except Exception as error:  # noqa: BLE001 - as the guide does
        print(f"Could not classify {gcs_uri}: {error}")  # noqa: T201 - as the guide does
        return "Classification failed."


def classify_cell(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    uris = [row.get("gcs_uri") for row in rows]
    answers = [{"gcs_uri": uri, "classification": classify_one(uri)} for uri in uris if uri is not None]
    for answer in answers:
        print(f"{answer['gcs_uri']}\n  {answer['classification']}")  # noqa: T201 - as the guide does
    return answers


@pytest.mark.usefixtures("environment")
def test_every_cell_runs_from_subscribing_to_answers() -> None:
    subscribe_cell()
    answers = classify_cell(query_cell())
    assert len(answers) == 5
    assert all(answer["classification"].startswith("The picture shows") for answer in answers)


@pytest.mark.usefixtures("environment")
def test_every_row_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    subscribe_cell()
    rows = query_cell()
    lines = capsys.readouterr().out.splitlines()
    assert lines == [str(row) for row in rows]
    assert len(lines) == 6


@pytest.mark.usefixtures("environment")
def test_a_row_without_an_image_is_printed_and_not_classified() -> None:
    subscribe_cell()
    rows = query_cell()
    assert rows[0]["gcs_uri"] is None
    assert [answer["gcs_uri"] for answer in classify_cell(rows)] == [row["gcs_uri"] for row in rows[1:]]


def test_a_failure_costs_its_own_row_and_is_reported(
    environment: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    subscribe_cell()
    rows = query_cell()
    lost = rows[2]["gcs_uri"]
    environment.faults.add("403", service="gemini", match=lost.rpartition("/")[2])
    answers = {answer["gcs_uri"]: answer["classification"] for answer in classify_cell(rows)}
    assert answers.pop(lost) == "Classification failed."
    assert "Classification failed." not in answers.values()
    assert f"Could not classify {lost}" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["blocked", "safety", "no_candidates", "no_parts", "thoughts_only"])
def test_an_answer_without_text_is_reported_as_a_failure(environment: Emulator, kind: str) -> None:
    subscribe_cell()
    environment.faults.add(kind, service="gemini", times=1)
    answers = classify_cell(query_cell())
    assert [answer["classification"] for answer in answers].count("Classification failed.") == 1


def test_a_busy_service_costs_no_row(environment: Emulator) -> None:
    """The original's first 429 is a lost row."""
    subscribe_cell()
    environment.faults.add("429", service="gemini", times=2)
    answers = classify_cell(query_cell())
    assert "Classification failed." not in [answer["classification"] for answer in answers]


@pytest.mark.usefixtures("environment")
def test_the_subscribe_cell_may_be_run_again() -> None:
    first, second = subscribe_cell(), subscribe_cell()
    assert (first.linked_dataset.is_new, second.linked_dataset.is_new) == (True, False)
    assert second.linked_dataset.dataset == "imagery_insights___preview___us"


@pytest.mark.parametrize(
    ("project", "region", "named"),
    [("PROJECT_ID", "us-central1", "PROJECT_ID"), ("demo", "REGION ", "REGION")],
)
@pytest.mark.usefixtures("environment")
def test_a_placeholder_left_as_it_is_is_refused_at_once(project: str, region: str, named: str) -> None:
    with pytest.raises(ValueError, match=f"still the placeholder `{named}`"):
        vertexai.init(project=project, location=region)
