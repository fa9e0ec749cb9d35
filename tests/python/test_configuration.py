"""Making a client: values are stripped and checked, the environment fills in, and nothing is contacted."""

from __future__ import annotations

import select
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import streetlens as sl
from child_process import printed_by

VARIABLES = (
    "BIGQUERY_EMULATOR_HOST",
    "GCLOUD_PROJECT",
    "GOOGLE_CLOUD_PROJECT",
    "STORAGE_EMULATOR_HOST",
    "STREETLENS_ENDPOINT",
    "STREETLENS_STORE",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without any setting."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A socket that shows whether anybody connects, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def endpoints_of(client: sl.Client) -> dict[str, Any]:
    return {name: client._session.settings[name] for name in sl.Endpoints._fields}


def test_the_guides_trailing_spaces_are_stripped() -> None:
    client = sl.Client(project="my-project ", region=" us-east4", location="eu\n", credentials="anonymous")
    assert (client.project, client.region, client.location) == ("my-project", "us-east4", "eu")


def test_region_and_location_have_defaults() -> None:
    client = sl.Client(project="demo", credentials="anonymous")
    assert (client.region, client.location) == ("us-central1", "us")


def test_case_of_a_location_does_not_matter() -> None:
    client = sl.Client(project="demo", region="EU", location="US", credentials="anonymous")
    assert (client.region, client.location) == ("eu", "us")


@pytest.mark.parametrize(
    ("name", "placeholder"),
    [
        ("project", "PROJECT_ID"),
        ("project", "PROJECT_ID "),
        ("project", "YOUR_PROJECT_ID"),
        ("project", "your-project-id"),
        ("project", "<PROJECT_ID>"),
        ("project", "[PROJECT_ID]"),
        ("region", "REGION "),
        ("region", "region"),
        ("location", "LOCATION"),
    ],
)
def test_a_placeholder_left_as_it_is_is_refused_with_what_to_set(name: str, placeholder: str) -> None:
    values: dict[str, Any] = {"project": "demo", name: placeholder}
    with pytest.raises(sl.ConfigurationError, match=f"`{name}` is still the placeholder") as caught:
        sl.Client(**values)
    assert f'`{name}="' in str(caught.value.hint)


@pytest.mark.parametrize(
    "project",
    [
        "",
        " ",
        "My-Project",
        "1project",
        "my_project",
        "a b",
        "p/../q",
        "project-",
        "ünicode",
        "a" * 64,
        "gs://x",
    ],
)
def test_a_malformed_project_is_refused_by_name(project: str) -> None:
    with pytest.raises(sl.ConfigurationError, match=r"^`project` ") as caught:
        sl.Client(project=project)
    assert "my-project" in str(caught.value.hint)


@pytest.mark.parametrize("project", ["my-project", "p1", "1234567890", "example.com:my-project"])
def test_every_form_of_a_project_id_is_taken(project: str) -> None:
    assert sl.Client(project=project, credentials="anonymous").project == project


@pytest.mark.parametrize("name", ["region", "location"])
@pytest.mark.parametrize(
    "value", ["", "us central1", "us/evil", "us-", "-us", "us.evil.com", "us@x", "1", "u" * 41]
)
def test_a_malformed_region_or_location_is_refused_by_name(name: str, value: str) -> None:
    values: dict[str, Any] = {"project": "demo", name: value}
    with pytest.raises(sl.ConfigurationError, match=f"^`{name}` "):
        sl.Client(**values)


@pytest.mark.parametrize("name", ["project", "region", "location"])
def test_a_value_that_is_no_text_is_refused_by_name(name: str) -> None:
    wrong: dict[str, Any] = {"project": "demo", name: 7}
    with pytest.raises(sl.ConfigurationError, match=f"`{name}` is a int"):
        sl.Client(**wrong)


def test_several_regions_are_shown_and_the_first_is_the_region() -> None:
    client = sl.Client(project="demo", region=[" global", "EU"], credentials="anonymous")
    assert client.region == "global"
    assert "region=['global', 'eu']" in repr(client)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], "`region` is an empty list"),
        ({"us": 1}, "`region` is a dict"),
        (b"us", "`region` is a bytes"),
        (["us", 7], "`region` holds a int"),
        (["us", "us/evil"], "^`region` "),
    ],
)
def test_regions_that_cannot_be_are_refused_by_name(value: Any, said: str) -> None:
    with pytest.raises(sl.ConfigurationError, match=said):
        sl.Client(project="demo", region=value, credentials="anonymous")


def test_a_wish_about_retired_models_that_nobody_knows_is_refused() -> None:
    with pytest.raises(sl.ConfigurationError, match="on_retired='ignore'"):
        sl.Client(project="demo", on_retired="ignore")  # type: ignore[arg-type]  # is refused


def test_without_any_project_the_error_says_how_to_set_it() -> None:
    with pytest.raises(sl.ConfigurationError, match="`project` is not set") as caught:
        sl.Client(credentials="token")
    assert "GOOGLE_CLOUD_PROJECT" in str(caught.value.hint)


@pytest.mark.parametrize("variable", ["GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"])
def test_the_project_comes_from_the_environment(environment: pytest.MonkeyPatch, variable: str) -> None:
    environment.setenv(variable, " from-environment ")
    assert sl.Client(credentials="anonymous").project == "from-environment"


def test_an_argument_wins_over_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GOOGLE_CLOUD_PROJECT", "from-environment")
    environment.setenv("STREETLENS_ENDPOINT", "http://127.0.0.1:1")
    client = sl.Client(project="given", endpoint="http://127.0.0.1:2")
    assert client.project == "given"
    assert set(endpoints_of(client).values()) == {"http://127.0.0.1:2"}


def test_an_empty_variable_counts_as_unset(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GOOGLE_CLOUD_PROJECT", " ")
    with pytest.raises(sl.ConfigurationError, match="`project` is not set"):
        sl.Client(credentials="token")


def test_a_placeholder_in_the_environment_is_refused_as_well(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GOOGLE_CLOUD_PROJECT", "PROJECT_ID")
    with pytest.raises(sl.ConfigurationError, match="placeholder"):
        sl.Client(credentials="token")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("http://localhost:9050", "http://localhost:9050"),
        ("http://localhost:9050/", "http://localhost:9050"),
        (" localhost:9050 ", "http://localhost:9050"),
        ("127.0.0.1:9050", "http://127.0.0.1:9050"),
        ("http://[::1]:9050", "http://[::1]:9050"),
        ("https://proxy.example.com/google", "https://proxy.example.com/google"),
    ],
)
def test_an_endpoint_serves_every_service(given: str, read: str) -> None:
    assert set(endpoints_of(sl.Client(project="demo", endpoint=given)).values()) == {read}


@pytest.mark.parametrize(
    "given", ["", "http://", "ftp://host", "http://a b", "file:///etc/passwd", "http://host:99999"]
)
def test_a_malformed_endpoint_is_refused(given: str) -> None:
    with pytest.raises(sl.ConfigurationError, match="`endpoint`"):
        sl.Client(project="demo", endpoint=given)


@pytest.mark.parametrize(
    "given",
    [sl.Endpoints(vertex="https://a.example.com"), {"vertex": "https://a.example.com"}],
    ids=["tuple", "dictionary"],
)
def test_a_single_service_can_be_elsewhere(given: sl.Endpoints | Mapping[str, str]) -> None:
    endpoints = endpoints_of(sl.Client(project="demo", endpoint=given))
    assert endpoints == {
        "bigquery": None,
        "vertex": "https://a.example.com",
        "storage": None,
        "sharing": None,
        "bigquery_storage": None,
    }


def test_an_unknown_service_is_refused_with_the_known_ones() -> None:
    with pytest.raises(sl.ConfigurationError, match="unknown services: gemini") as caught:
        sl.Client(project="demo", endpoint={"gemini": "https://a.example.com"})
    assert "vertex" in str(caught.value.hint)


@pytest.mark.parametrize("wrong", [7, ["http://a"]])
def test_an_endpoint_of_another_kind_is_refused(wrong: Any) -> None:
    with pytest.raises(sl.ConfigurationError, match="`endpoint`"):
        sl.Client(project="demo", endpoint=wrong)


def test_the_environment_names_the_endpoint_of_every_service(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("STREETLENS_ENDPOINT", "http://127.0.0.1:9050")
    client = sl.Client(project="demo")
    assert set(endpoints_of(client).values()) == {"http://127.0.0.1:9050"}
    assert "anonymous" in repr(client)


def test_googles_own_emulator_variables_are_read(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9050")
    environment.setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:9023")
    endpoints = endpoints_of(sl.Client(project="demo"))
    assert endpoints["bigquery"] == "http://127.0.0.1:9050"
    assert endpoints["storage"] == "http://127.0.0.1:9023"
    assert endpoints["vertex"] is None


def test_making_a_client_contacts_nothing(listener: socket.socket) -> None:
    threads = threading.active_count()
    client = sl.Client(project="demo", endpoint=_address(listener), credentials=_never_asked)
    assert client.aio is not None
    assert "a callable" in repr(client)
    assert select.select([listener], [], [], 0.1)[0] == []
    assert threading.active_count() == threads


def test_a_query_contacts_the_endpoint(listener: socket.socket) -> None:
    """The listener of the test above does see a client that connects."""
    client = sl.Client(project="demo", endpoint=_address(listener))
    with pytest.raises(sl.DeadlineExceeded):
        client.query("SELECT 1", timeout=0.5)
    assert select.select([listener], [], [], 0)[0] == [listener]


def _address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def _never_asked() -> str:
    raise AssertionError("the credentials were asked")


def test_making_a_client_asks_no_credentials_and_imports_no_google_auth() -> None:
    program = """
        import sys
        import streetlens as sl

        client = sl.Client(project="demo")
        client.aio, repr(client)
        print([name for name in sys.modules if name.split(".")[0] == "google"])
    """
    assert printed_by(program) == "[]"


def test_the_project_of_given_credentials_is_used_when_none_is_named() -> None:
    class Account:
        project_id = "of-the-credentials"
        requires_scopes = False

        def refresh(self, _: object) -> None:
            raise AssertionError("nothing was asked yet")

        def apply(self, _: object) -> None:
            raise AssertionError("nothing was asked yet")

    client = sl.Client(credentials=Account())
    assert client.project == "of-the-credentials"
    assert client.project == "of-the-credentials"


def test_the_repr_shows_the_configuration() -> None:
    client = sl.Client(project="demo", region="global", location="eu", credentials="anonymous")
    assert repr(client) == "Client(project='demo', region='global', location='eu', credentials='anonymous')"
