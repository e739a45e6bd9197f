"""A daemon to test with: the program at $ACCRUED, which the build sets."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PACKAGE = str(Path(__file__).parents[3] / "client" / "python")
sys.path.insert(0, PACKAGE)

import accrue  # noqa: E402


class Daemon:
    """An accrued of its own, which can be killed and come back on the same address with the same data: by default a
    path, which nobody else can take meanwhile, as they could a port."""

    def __init__(self, directory: Path, listen: str | None = None) -> None:
        self._directory = directory
        self.endpoint = listen or f"ipc://{directory}/socket"
        self.start()

    def start(self) -> None:
        program = os.environ.get("ACCRUED")
        assert program, "ACCRUED must name the daemon to test with, such as build/bin/accrued"
        command = [program, "--data", f"{self._directory}/data", "--listen", self.endpoint, "--epoch-interval-ms", "20"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert " listening on " in line, f"{program} did not start: {line!r}"
        self.endpoint = line.split(" listening on ")[1].strip()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def stop(self) -> None:
        """When this returns it does nothing any more, until it goes on."""
        self._process.send_signal(signal.SIGSTOP)
        assert os.WIFSTOPPED(os.waitpid(self._process.pid, os.WUNTRACED)[1])

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def client(self, **options: object) -> accrue.Client:
        settings: dict[str, Any] = {"timeout": 60.0, **options}
        return accrue.Client(self.endpoint, **settings)


@pytest.fixture
def run_python() -> Callable[..., str]:
    """Runs a script in an interpreter of its own, which must end well and without a word of error; its output."""

    def run(script: str, *arguments: str) -> str:
        environment = {**os.environ, "PYTHONPATH": PACKAGE}
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run


@pytest.fixture
def daemon() -> Iterator[Daemon]:
    with tempfile.TemporaryDirectory() as directory:
        daemon = Daemon(Path(directory))
        yield daemon
        daemon.kill()


@pytest.fixture
def client(daemon: Daemon) -> Iterator[accrue.Client]:
    with daemon.client() as client:
        yield client
