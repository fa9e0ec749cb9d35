"""Runs a Python program in a process of its own, for what only a fresh interpreter can show."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping

# What would let credentials of the machine that runs the tests, or its settings, into the child.
_NOT_INHERITED = (
    "CLOUDSDK_CONFIG",
    "COLAB_RELEASE_TAG",
    "GCE_METADATA_HOST",
    "GCE_METADATA_IP",
    "GCE_METADATA_ROOT",
    "GCLOUD_PROJECT",
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_CLOUD_PROJECT",
    "GOOGLE_CLOUD_QUOTA_PROJECT",
    "NO_GCE_CHECK",
    "STREETLENS_ENDPOINT",
    "STREETLENS_STORE",
)


def run_python(
    program: str, *arguments: str, environment: Mapping[str, str] | None = None, seconds: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run `program` with `arguments`; the result holds its exit code and what it printed."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        env=clean_environment(environment),
        check=False,
    )


def printed_by(program: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run `program` and return what it printed, stripped; it must end well and quietly."""
    ended = run_python(program, *arguments, environment=environment)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return ended.stdout.strip()


def clean_environment(added: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without credentials and settings of its own, and with `added`."""
    kept = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    return {**kept, **(added or {})}
