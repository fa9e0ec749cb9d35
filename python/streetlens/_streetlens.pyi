"""The native module. Private: `streetlens._calls` is its only user. `mypy.stubtest` compares this file with it."""

from collections.abc import Callable
from typing import Any, final

__all__ = [
    "Call",
    "NativeTable",
    "Run",
    "Session",
    "__version__",
    "check_schema",
    "classify",
    "generate_content",
    "http_request",
    "join",
    "place",
    "query",
    "settings",
    "shut_down",
    "subscribe",
    "subscribe_listing",
]

__version__: str

@final
class Call:
    def wait(self, tick: Callable[[], None] | None = None) -> Any: ...
    def future(self) -> Any: ...

@final
class NativeTable:
    @staticmethod
    def from_arrow(value: object) -> NativeTable: ...
    @property
    def num_rows(self) -> int: ...
    @property
    def num_bytes(self) -> int: ...
    @property
    def fields(self) -> list[tuple[str, str]]: ...
    def to_dicts(self, start: int, stop: int) -> list[dict[str, Any]]: ...
    def to_texts(self, start: int, stop: int) -> list[dict[str, str | None]]: ...
    def column(self, name: str) -> list[Any]: ...
    def filter(self, column: str, values: list[str]) -> NativeTable: ...
    def __arrow_c_schema__(self) -> object: ...
    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

@final
class Run:
    def execute(self) -> Call: ...
    def table(self) -> NativeTable: ...
    def progress(self) -> dict[str, Any]: ...
    @property
    def place(self) -> tuple[str, str, list[str]]: ...

@final
class Session:
    def __new__(cls, settings: dict[str, Any], credentials: Any) -> Session: ...

def settings(given: dict[str, Any]) -> dict[str, Any]: ...
def http_request(
    method: str, url: str, headers: list[tuple[str, str]], body: bytes | None, timeout: float
) -> tuple[int, list[tuple[str, str]], bytes]: ...
def join(calls: list[Call]) -> Call: ...
def query(
    session: Session,
    sql: str,
    parameters: list[tuple[str | None, tuple[Any, ...]]],
    location: str | None,
    page_size: int | None,
    timeout: float | None,
) -> Call: ...
def subscribe(session: Session, customer_id: str, names: dict[str, str | None]) -> Call: ...
def subscribe_listing(
    session: Session,
    listing: str,
    project: str,
    dataset: str,
    location: str,
    friendly_name: str | None,
    description: str | None,
) -> Call: ...
def place(session: Session, choice: dict[str, Any]) -> tuple[str, str, list[str]]: ...
def generate_content(session: Session, model: str, location: str, body: str, timeout: float) -> Call: ...
def check_schema(schema: list[str] | str, root: str) -> None: ...
def classify(
    session: Session,
    images: Any,
    prompt: str,
    schema: list[str] | str | None,
    choice: dict[str, Any],
    options: dict[str, Any],
) -> Run: ...
def shut_down() -> None: ...
