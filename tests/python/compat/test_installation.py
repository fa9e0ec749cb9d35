"""Google's import lines lead to streetlens where the originals are missing, or where it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from child_process import printed_by, run_python

BLOCKER = """
    import sys

    class Hidden:
        def find_spec(self, name, path=None, target=None):
            if any(name == hidden or name.startswith(hidden + ".") for hidden in HIDDEN):
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    HIDDEN = sys.argv[1].split()
    sys.meta_path.insert(0, Hidden())
"""
GOOGLES_LINES = """
    from google.cloud import bigquery
    from google.cloud import bigquery_data_exchange_v1beta1 as data_exchange
    import google.cloud.bigquery
    import vertexai
    from vertexai.generative_models import GenerativeModel, Part

    modules = [bigquery, data_exchange, google.cloud.bigquery, vertexai, sys.modules[Part.__module__]]
    assert all(module.__name__.startswith("streetlens.compat.") for module in modules), modules
    print("imported")
"""


@pytest.mark.parametrize("hidden", ["google.cloud vertexai", "google vertexai"])
def test_the_import_lines_may_stay_where_the_originals_are_missing(hidden: str) -> None:
    program = f"{BLOCKER}\n    from streetlens import compat\n    compat.install()\n{GOOGLES_LINES}"
    assert printed_by(program, hidden) == "imported"


def test_an_original_that_is_there_is_left_alone() -> None:
    program = """
        import sys
        from streetlens import compat
        print(*compat.install())
        print("google.cloud.bigquery" in sys.modules)
    """
    assert printed_by(program).splitlines() == ["vertexai vertexai.generative_models", "False"]


def test_originals_are_replaced_when_asked_to() -> None:
    program = f"""
    import sys
    from google.cloud import bigquery as original
    from streetlens import compat
    compat.install(replace=True)
{GOOGLES_LINES}
    from google.cloud import storage
    print(original.__name__, storage.__name__)
    """
    assert printed_by(program).splitlines() == ["imported", "google.cloud.bigquery google.cloud.storage"]


def test_uninstall_gives_the_originals_back(tmp_path: Path) -> None:
    (tmp_path / "google" / "cloud").mkdir(parents=True)
    (tmp_path / "google" / "cloud" / "bigquery.py").write_text("")
    program = f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from google.cloud import bigquery as original
        from streetlens import compat
        compat.install(replace=True)
        compat.install(replace=True)
        compat.uninstall()
        from google.cloud import bigquery
        import google.cloud.bigquery
        print(bigquery is original, google.cloud.bigquery is original)
        try:
            import vertexai
        except ImportError:
            print("no vertexai")
    """
    assert printed_by(program).splitlines() == ["True True", "no vertexai"]


def test_uninstall_leaves_no_made_up_namespace_behind() -> None:
    program = f"""{BLOCKER}
    from streetlens import compat
    compat.install()
    compat.uninstall()
    print([name for name in sys.modules if name == "google" or name.startswith(("google.", "vertexai"))])
    """
    assert printed_by(program, "google vertexai") == "[]"


def test_asking_whether_vertexai_is_there_does_not_import_it(tmp_path: Path) -> None:
    (tmp_path / "vertexai").mkdir()
    (tmp_path / "vertexai" / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "vertexai" / "generative_models.py").write_text("")
    program = f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from streetlens import compat
        print(compat.install())
    """
    assert printed_by(program) == "[]"


def test_vertexai_without_generative_models_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Google has announced to remove that module and to keep the package."""
    (tmp_path / "vertexai").mkdir()
    (tmp_path / "vertexai" / "__init__.py").write_text("")
    program = f"""
        import sys
        sys.path.insert(0, {str(tmp_path)!r})
        from streetlens import compat
        print(*compat.install())
    """
    assert printed_by(program) == "vertexai vertexai.generative_models"


def test_the_ipython_extension_registers_and_says_so(tmp_path: Path) -> None:
    program = """
        from IPython.core.interactiveshell import InteractiveShell
        shell = InteractiveShell.instance()
        shell.run_line_magic("load_ext", "streetlens")
        import vertexai
        print(vertexai.__name__)
        shell.run_line_magic("unload_ext", "streetlens")
    """
    lines = printed_by(program, environment={"IPYTHONDIR": str(tmp_path)}).splitlines()
    assert lines[0] == "streetlens serves vertexai, vertexai.generative_models."
    assert "google.cloud.bigquery, google.cloud.bigquery_data_exchange_v1beta1: installed here" in lines[1]
    assert lines[2] == "streetlens.compat.vertexai"


def test_importing_streetlens_does_not_import_the_drop_in() -> None:
    program = """
        import sys
        import streetlens
        print([name for name in sys.modules if name.startswith("streetlens.compat")])
    """
    assert printed_by(program) == "[]"


def test_a_program_may_end_while_a_query_runs() -> None:
    """The thread of a query that nobody asks about holds nothing up."""
    program = """
        import socket
        from streetlens.compat import bigquery
        silent = socket.create_server(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        job = bigquery.Client(project="demo", client_options={"api_endpoint": address}).query("SELECT 1")
        silent.accept()
        print(job.state)
    """
    ended = run_python(program, seconds=20)
    assert (ended.returncode, ended.stdout.strip(), ended.stderr) == (0, "RUNNING", "")
