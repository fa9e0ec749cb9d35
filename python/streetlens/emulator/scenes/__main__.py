"""Draws the shipped pictures again: `python -m streetlens.emulator.scenes FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from streetlens.emulator.scenes.shipped import write_shipped

if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
    raise SystemExit("usage: python -m streetlens.emulator.scenes FOLDER")
sys.stdout.write(f"{write_shipped(Path(sys.argv[1]))} bytes\n")
