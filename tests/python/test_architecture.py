"""The sources keep the import law that src/README.md writes down."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "src" / "core"
PACKAGE = ROOT / "python" / "streetlens"
DOCUMENT = ROOT / "src" / "README.md"


def _law() -> dict[str, set[str]]:
    """What each module of the core may use, as the table of the document says."""
    table = (
        DOCUMENT.read_text(encoding="utf-8")
        .partition("| module of `src/core` | uses |")[2]
        .partition("\n\n")[0]
    )
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", table, re.MULTILINE)
    return {module: set(re.findall(r"`(\w+)`", uses)) for module, uses in rows}


def _modules() -> dict[str, list[Path]]:
    """The sources of each module of the core."""
    modules: dict[str, list[Path]] = {}
    for path in CORE.rglob("*.rs"):
        top = path.relative_to(CORE).parts[0].removesuffix(".rs")
        if top != "lib":
            modules.setdefault(top, []).append(path)
    return modules


def _code(path: Path) -> str:
    """The source without comments and without the tests at its end."""
    source = path.read_text(encoding="utf-8").partition("#[cfg(test)]")[0]
    return re.sub(r"//.*", "", source)


def _used(module: str) -> set[str]:
    """The modules of the core that one uses, braces of `use crate::{...}` included."""
    found = set()
    for path in _modules()[module]:
        code = _code(path)
        found |= set(re.findall(r"\bcrate::(\w+)", code))
        for group in re.findall(r"\bcrate::\{([^;]*)\};", code):
            found |= set(re.findall(r"(?:^|,)\s*(\w+)", re.sub(r"\{[^{}]*\}", "", group)))
    return found - {module}


def test_the_law_names_every_module_of_the_core() -> None:
    """A new module takes its place in the document first."""
    assert set(_law()) == set(_modules())


@pytest.mark.parametrize("module", sorted(_modules()))
def test_a_module_uses_what_the_law_allows(module: str) -> None:
    """Nothing more, and nothing is listed that is not used."""
    assert _used(module) == _law()[module]


def test_the_law_has_no_cycle() -> None:
    """Arrows point down only."""
    law, settled = _law(), set[str]()
    while ready := {module for module, uses in law.items() if module not in settled and uses <= settled}:
        settled |= ready
    assert settled == set(law)


def test_the_core_knows_no_python() -> None:
    """Its manifest lists no crate of pyo3's family."""
    manifest = (CORE / "Cargo.toml").read_text(encoding="utf-8")
    crates = re.findall(
        r"^([\w-]+)[. =]", manifest.partition("[dependencies]")[2].partition("\n[")[0], re.MULTILINE
    )
    assert "tokio" in crates
    assert not [name for name in crates if "py" in name]


def test_only_settings_reads_the_environment() -> None:
    """So that one page tells which variables count."""
    readers = [
        path.name
        for path in (ROOT / "src").rglob("*.rs")
        if re.search(r"\benv::vars?(?:_os)?\(", _code(path))
    ]
    assert readers == ["settings.rs"]


def _imports(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each name of streetlens that a Python source imports, in full: packages and what is taken from them."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path} imports relatively"
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            else:
                continue
            yield from ((path, name) for name in names if name.split(".")[0] == "streetlens")


@pytest.mark.parametrize("package", ["emulator", "_display"])
def test_a_closed_package_imports_nothing_else_of_streetlens(package: str) -> None:
    """A defect of the client must not be mirrored in the emulator, and what draws must not call."""
    inside = f"streetlens.{package}"
    strays = [
        f"{path.relative_to(PACKAGE)}: {name}"
        for path, name in _imports(PACKAGE / package)
        if name != inside and not name.startswith(f"{inside}.")
    ]
    assert not strays


def test_only_calls_and_runs_import_the_native_module() -> None:
    """`__init__` reads its version, and nothing else."""
    users = {
        (path.relative_to(PACKAGE).as_posix(), name)
        for path, name in _imports(PACKAGE)
        if name.startswith("streetlens._streetlens")
    }
    others = {(user, name) for user, name in users if user != "_runs.py" and not user.startswith("_calls/")}
    assert others == {("__init__.py", "streetlens._streetlens.__version__")}
    assert users > others


def test_the_public_api_does_not_know_who_builds_on_it() -> None:
    """Drop-in, demo and emulator are above it; `__init__` may open the notebook's door to the drop-in."""
    above = ("streetlens.compat", "streetlens.demo", "streetlens.emulator")
    strays = [
        f"{path.name}: {name}"
        for path, name in _imports(PACKAGE)
        if path.parent == PACKAGE
        and path.name not in {"__init__.py", "__main__.py"}
        and name.startswith(above)
    ]
    assert not strays
