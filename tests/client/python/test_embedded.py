"""A private daemon comes up, answers, and is gone with its process, however that ends."""

from __future__ import annotations

import gc
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Callable
from pathlib import Path

import pytest

import accrue
from accrue.embedded import Embedded

START = "import accrue; daemon = accrue.embedded(); print(daemon.client().status().pid, daemon.data_dir, flush=True)\n"


def ended(pid: int) -> Callable[[], bool]:
    """Asks about a process that need not be a child, and waits for its end; to be made while it lives."""
    process = os.pidfd_open(pid)

    def wait() -> bool:
        poll = select.poll()
        poll.register(process, select.POLLIN)
        return bool(poll.poll(60_000))

    return wait


class Script:
    """Another Python, which has an embedded daemon and does what it is told."""

    def __init__(self, then: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", START + then],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(accrue.__file__).parents[1])},
            start_new_session=True,
        )
        pid, self.data_dir = self.line().split()
        self.daemon_ended = ended(int(pid))
        self.cleaned_up = ended(os.getsid(int(pid)))  # the shell that waits for the end leads the session

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def finish(self) -> int:
        self.process.communicate()
        return self.process.returncode


def temporary_files_are_in(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(directory))
    monkeypatch.setattr("tempfile.tempdir", None)  # asked again


def test_answers_until_closed() -> None:
    with accrue.embedded(epoch_interval_ms=10) as daemon:
        status = daemon.client().status()
        assert status.data_dir == daemon.data_dir
        is_over = ended(status.pid)
        assert repr(daemon) == f"<accrue.embedded {daemon.endpoint}>"
    assert is_over()
    assert not Path(daemon.data_dir).parent.exists()
    assert "closed" in repr(daemon)
    daemon.close()


def test_learns() -> None:
    with accrue.embedded() as daemon, daemon.client() as client:
        stream = client.stream("s", features=["x"], target="y")
        stream.push([[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0])
        stream.flush()
        assert stream.predict([[10.0]])[0] == pytest.approx(21.0)


def test_nobody_else_may_enter_its_directory() -> None:
    with accrue.embedded() as daemon:
        assert daemon.endpoint == f"ipc://{Path(daemon.data_dir).parent}/rows"
        assert Path(daemon.data_dir).parent.stat().st_mode & 0o077 == 0


def test_is_where_temporary_files_are_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory() as directory:
        temporary_files_are_in(Path(directory), monkeypatch)
        with accrue.embedded() as daemon:
            assert daemon.data_dir.startswith(directory)
        assert os.listdir(directory) == []


@pytest.mark.parametrize("room", [0, 1 << 40])
def test_is_in_memory_where_there_is_room(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr("shutil.disk_usage", lambda _: types.SimpleNamespace(free=room))
    with accrue.embedded() as daemon:
        assert daemon.data_dir.startswith("/dev/shm/") == (room > 0)


def test_ends_when_nothing_refers_to_it() -> None:
    daemon = accrue.embedded()
    with daemon.client() as client:
        is_over = ended(client.status().pid)
    del client, daemon
    gc.collect()
    assert is_over()


def test_lasts_as_long_as_a_client_of_it() -> None:
    client = accrue.embedded().client()
    gc.collect()
    is_over = ended(client.status().pid)
    client.close()
    del client
    gc.collect()
    assert is_over()


def test_ends_with_the_interpreter() -> None:
    script = Script("import sys; sys.stdin.read()")
    assert script.finish() == 0
    assert script.daemon_ended()
    assert not Path(script.data_dir).parent.exists()


def test_ends_when_the_process_is_killed() -> None:
    script = Script("input()")
    script.process.kill()
    script.finish()
    assert script.daemon_ended()
    assert script.cleaned_up()
    assert not Path(script.data_dir).parent.exists()


def test_a_forked_child_does_not_hold_it_up() -> None:
    script = Script("import os, time\nif os.fork() == 0: print(os.getpid(), flush=True); time.sleep(600)\ninput()")
    child = int(script.line())
    try:
        script.process.kill()
        assert script.daemon_ended()
    finally:
        os.kill(child, signal.SIGKILL)
    script.finish()


def test_an_interrupt_of_the_notebook_does_not_end_it() -> None:
    script = Script("""
try:
    print("may be interrupted", flush=True)
    input()
except KeyboardInterrupt:
    print(daemon.client().status().pid, flush=True)
""")
    script.line()
    os.killpg(script.process.pid, signal.SIGINT)
    assert int(script.line()) > 0
    assert script.finish() == 0
    assert script.daemon_ended()


def test_outlives_the_thread_that_started_it() -> None:
    daemons: list[Embedded] = []
    thread = threading.Thread(target=lambda: daemons.append(accrue.embedded()))
    thread.start()
    thread.join()
    with daemons[0] as daemon, daemon.client() as client:
        assert client.status().data_dir == daemon.data_dir


def test_finds_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    program = Path(os.environ["ACCRUED"])
    monkeypatch.setenv("ACCRUED", "/nowhere/accrued")
    with pytest.raises(FileNotFoundError, match=r"/nowhere/accrued is not a program.*make build"):
        accrue.embedded()
    accrue.embedded(program=program).close()
    monkeypatch.delenv("ACCRUED")
    monkeypatch.setenv("PATH", os.environ["PATH"] + os.pathsep + str(program.parent))
    accrue.embedded().close()
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(FileNotFoundError, match="there is no accrued in the PATH"):
        accrue.embedded()


def test_shows_the_log_when_it_does_not_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    temporary_files_are_in(tmp_path, monkeypatch)
    with pytest.raises(accrue.Error, match="ended at once.*unknown flag '--nonsense'"):
        accrue.embedded(nonsense=3)
    assert list(tmp_path.iterdir()) == []


def test_shows_that_it_does_not_come_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    temporary_files_are_in(tmp_path, monkeypatch)
    silent = tmp_path / "accrued"
    silent.write_text("#!/bin/sh\nexec sleep 600\n")
    silent.chmod(0o700)
    with pytest.raises(accrue.Error, match="did not come up within 0.01 s; its log: empty"):
        accrue.embedded(program=silent, timeout=0.01)
    assert list(tmp_path.iterdir()) == [silent]
