"""The package and its tests are typed throughout and laid out alike."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent
PACKAGE = TESTS.parents[2] / "client" / "python"


def finds(tool: str, option: str) -> str:
    """What is wrong, in the tool's words."""
    command = [sys.executable, "-m", tool, option, "accrue", str(TESTS)]
    environment = {"MYPY_CACHE_DIR": os.devnull, **os.environ}  # the build says a better place
    found = subprocess.run(command, cwd=PACKAGE, env=environment, capture_output=True, text=True)
    return found.stdout + found.stderr if found.returncode else ""


def test_types() -> None:
    assert finds("mypy", "--strict") == ""


def test_style() -> None:
    assert finds("flake8", "--max-line-length=120") == ""
