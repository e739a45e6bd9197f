"""The package builds, installs without the network, and works away from its sources. It has the project's version."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import accrue

ROOT = Path(__file__).parents[3]

USE = """
import importlib.metadata, pathlib, sys
import accrue
assert pathlib.Path(accrue.__file__).is_relative_to(sys.prefix), accrue.__file__
assert importlib.metadata.version("accrue") == accrue.__version__
assert pathlib.Path(accrue.__file__).with_name("py.typed").exists()
with accrue.embedded() as daemon, daemon.client() as client:
    homes = client.stream("homes", features=["rooms"], target="price")
    homes.push([[1.0], [2.0], [3.0], [4.0]], [30.0, 50.0, 70.0, 90.0])
    assert homes.flush().durable_rows == 4
    print(round(homes.predict([[10.0]])[0], 6))
"""


def test_installs_and_works_away_from_its_sources(tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    shutil.copytree(ROOT / "client" / "python", sources)  # a build leaves files beside them
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--system-site-packages", "--without-pip", venv], check=True)
    python = str(venv / "bin" / "python")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    install = [python, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"]
    installed = subprocess.run([*install, str(sources)], env=environment, capture_output=True, text=True)
    assert installed.returncode == 0, installed.stderr
    used = subprocess.run([python, "-c", USE], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (used.stdout, used.returncode) == ("210.0\n", 0), used.stderr


def test_has_the_version_of_the_project() -> None:
    project = re.search(r"project\(accrue VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())
    assert project and project[1] == accrue.__version__
