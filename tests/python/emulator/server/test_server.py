"""Starting, stopping and watching the emulator."""

from __future__ import annotations

import gzip
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from streetlens.emulator import Emulator, extra, start
from streetlens.emulator.request_log import RequestLog


def server_threads() -> set[int | None]:
    return {thread.ident for thread in threading.enumerate() if thread.name == "streetlens-emulator"}


def test_it_listens_on_loopback_at_a_free_port(emulator: Emulator) -> None:
    assert emulator.url.startswith("http://127.0.0.1:")
    assert emulator.port > 1024


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.1", "example.com", ""])
def test_any_other_address_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="loopback addresses only"):
        start(host=host)


def test_a_port_that_is_taken_is_an_os_error_and_leaves_no_thread(emulator: Emulator) -> None:
    before = server_threads()
    with pytest.raises(OSError, match="address already in use"):
        start(emulator.port, observations=2)
    assert server_threads() == before


def test_stopping_frees_the_port_and_ends_the_threads() -> None:
    emulator = start(observations=2)
    before = server_threads()
    requests.get(f"{emulator.url}/storage/v1/b?project=p", timeout=10)
    emulator.stop()
    emulator.stop()
    assert len(before) > len(server_threads())
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", emulator.port), 1):
        pass


def test_stopping_does_not_wait_for_a_stalled_request() -> None:
    emulator = start(observations=2)
    emulator.faults.add("stall")
    with socket.create_connection(("127.0.0.1", emulator.port), 10) as connection:
        connection.sendall(b"GET /storage/v1/b?project=p HTTP/1.1\r\nHost: x\r\n\r\n")
        while not len(emulator.requests):
            time.sleep(0.005)
        started = time.monotonic()
        emulator.stop()
    assert time.monotonic() - started < 3


def test_a_program_that_forgets_to_stop_it_still_ends_quietly() -> None:
    code = (
        "import urllib.request; from streetlens.emulator import start; emulator = start(observations=2);"
        "urllib.request.urlopen(emulator.url + '/storage/v1/b?project=p').read()"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_two_emulators_share_nothing(emulator: Emulator) -> None:
    with start(observations=2) as other:
        other.world.objects.put("only-here", "x", b"x", "text/plain")
        assert emulator.world.objects.bucket("only-here") is None


def test_an_idle_connection_is_kept_and_used_again(emulator: Emulator) -> None:
    with requests.Session() as session:
        path = f"{emulator.url}/storage/v1/b?project=p"
        ports = set()
        for _ in range(3):
            with session.get(path, stream=True, timeout=10) as response:
                ports.add(response.raw.connection.sock.getsockname()[1])
                assert response.content
    assert len(ports) == 1


def test_many_connections_at_once_are_all_answered(emulator: Emulator) -> None:
    def call(_: int) -> int:
        return requests.get(f"{emulator.url}/storage/v1/b?project=p", timeout=30).status_code

    with ThreadPoolExecutor(100) as pool:
        assert set(pool.map(call, range(300))) == {200}


def test_a_gzip_request_body_is_understood(emulator: Emulator) -> None:
    body = gzip.compress(b'{"name": "zipped-bucket"}')
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    emulator.world.objects.delete_bucket("zipped-bucket")
    answer = requests.post(f"{emulator.url}/storage/v1/b?project=p", data=body, headers=headers, timeout=10)
    assert answer.json()["name"] == "zipped-bucket"


def test_a_large_json_answer_is_gzipped_only_for_those_who_accept_it(emulator: Emulator) -> None:
    parent = "projects/streetlens-demo/locations/us"
    for number in range(8):
        emulator.world.sharing.subscribe(
            "projects/maps-platform-analytics-hub/locations/us/dataExchanges/imagery_insights_exchange_us"
            "/listings/imagery_insights_1__us",
            {
                "destinationDataset": {
                    "location": "us",
                    "datasetReference": {"projectId": "streetlens-demo", "datasetId": f"gzip_{number}"},
                }
            },
        )
    path = f"{emulator.url}/v1/{parent}/subscriptions"
    zipped = requests.get(path, timeout=10)
    plain = requests.get(path, headers={"Accept-Encoding": "identity"}, timeout=10)
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert zipped.json() == plain.json()


def test_the_request_log_keeps_method_path_query_body_and_status(emulator: Emulator) -> None:
    requests.post(f"{emulator.url}/storage/v1/b?project=p", json={"name": "no"}, timeout=10)
    entry = emulator.requests[-1]
    assert (entry.method, entry.path, entry.query) == ("POST", "/storage/v1/b", {"project": "p"})
    assert (entry.json, entry.status, entry.service) == ({"name": "no"}, 400, "storage")


def test_the_request_log_forgets_the_oldest_beyond_its_count_or_bytes() -> None:
    by_count, by_bytes = RequestLog(capacity=2), RequestLog(most_bytes=25)
    for number in range(4):
        by_count.record("GET", f"/{number}", {}, {}, b"")
        by_bytes.record("POST", f"/{number}", {}, {}, b"x" * 10)
    assert [entry.path for entry in by_count] == ["/2", "/3"]
    assert [entry.path for entry in by_bytes] == ["/2", "/3"]


def test_a_body_that_was_not_kept_whole_is_no_json() -> None:
    log = RequestLog()
    log.record("POST", "/", {}, {}, b'"' + b"x" * (1 << 20) + b'"')
    with pytest.raises(ValueError, match="only 1048576 of 1048578 bytes"):
        _ = log[-1].json


def test_a_path_of_a_service_that_is_not_emulated_is_unimplemented_and_named(emulator: Emulator) -> None:
    answer = requests.post(f"{emulator.url}/storage/v1/b/x/o/y/compose", timeout=10)
    assert answer.status_code == 501
    assert "POST /storage/v1/b/x/o/y/compose" in answer.json()["error"]["message"]


def test_a_path_of_no_service_is_a_404(emulator: Emulator) -> None:
    assert requests.get(f"{emulator.url}/nowhere", timeout=10).status_code == 404


def test_resetting_forgets_faults_requests_tokens_and_subscriptions(emulator: Emulator) -> None:
    emulator.faults.add("503", service="storage")
    requests.get(f"{emulator.url}/storage/v1/b?project=p", timeout=10)
    emulator.world.tokens.lifetime = 1.0
    emulator.world.subscribe()
    requests.post(f"{emulator.url}/emulator/reset", timeout=10)
    assert len(emulator.requests) == 0
    assert emulator.world.tokens.lifetime > 1.0
    assert requests.get(f"{emulator.url}/storage/v1/b?project=p", timeout=10).status_code == 200
    assert emulator.world.sharing.list("projects/streetlens-demo/locations/-") == {}


def test_an_emulator_that_began_subscribed_is_subscribed_again_after_a_reset() -> None:
    with start(observations=2, subscribed=True) as emulator:
        emulator.reset()
        found = emulator.world.sharing.list("projects/streetlens-demo/locations/us")["subscriptions"]
    assert [item["destinationDataset"]["datasetReference"]["datasetId"] for item in found] == [
        "imagery_insights___preview___us"
    ]


def test_the_environment_points_clients_at_it(emulator: Emulator) -> None:
    environment = emulator.environment()
    assert environment["STREETLENS_ENDPOINT"] == emulator.url
    assert environment["GCE_METADATA_HOST"] == f"127.0.0.1:{emulator.port}"
    assert environment["GOOGLE_CLOUD_PROJECT"] == "streetlens-demo"


def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(ImportError, match=r"needs duck-db, .*pip install \"streetlens\[emulator\]\""):
        extra.require({"no_such_module": "duck-db", "no.such.parent": "other", "json": "json"})


def test_importing_the_package_imports_no_server() -> None:
    code = "import sys, streetlens.emulator; assert not {'aiohttp', 'duckdb', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    import streetlens.emulator

    with pytest.raises(AttributeError, match="begin"):
        _ = streetlens.emulator.begin


def test_the_command_prints_the_url_and_the_variables_and_stops_on_interrupt() -> None:
    import signal

    command = [sys.executable, "-m", "streetlens.emulator", "--port", "0", "--observations", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[3]
        lines = [process.stdout.readline() for _ in range(3)]
        answer = requests.get(f"{url}/storage/v1/b?project=p", timeout=10)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert f"export STREETLENS_ENDPOINT={url}\n" in lines
    assert answer.status_code == 200


def test_starting_costs_less_than_two_seconds_of_processor_time() -> None:
    started = time.process_time()
    with start(observations=300):
        assert time.process_time() - started < 2
