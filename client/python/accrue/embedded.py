"""A private accrued for notebooks and tests: in a temporary directory, and gone with the process that started it.

    with accrue.embedded(epoch_interval_ms=10) as daemon:
        stream = daemon.client().stream("homes", features=["rooms", "age"], target="price")

Without `with` it lasts until close(), until nothing refers to it or to a client that its client() made, until the
interpreter exits, or until the process is killed, whichever comes first. Its models go with it.

Its directory, which this user alone may enter, is in $TMPDIR if that is set, otherwise in memory where there is room,
and has the ipc:// socket on which it listens. Keyword arguments are accrued's settings (`accrued --help`), with
underscores. Processes started from this one may use its endpoint while it lasts.

How it is sure to end: a shell starts accrued and waits on a pipe whose other end is open in this process alone, so that
the kernel closes it however the process dies; then the shell kills accrued and removes the directory. close() takes the
same path. PR_SET_PDEATHSIG would not do: it fires when the *thread* that started the child ends, and setting it from
`preexec_fn` runs Python between fork and exec, where a lock that another thread held stays locked for ever.

Threads: any may call anything. Errors: FileNotFoundError where there is no accrued; accrue.Error, with its log, where
it does not come up; nothing is left behind.
"""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import tempfile
import time
import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Any

from accrue.errors import Error

if TYPE_CHECKING:
    from accrue.client import Client

# Its own session, so that an interrupt meant for the notebook does not reach it. Closing its standard output leaves
# accrued alone with that pipe: it ends when accrued does.
_SUPERVISOR = """
directory=$1
shift
"$@" 2>"$directory/log" &
exec >/dev/null
read -r _
kill -KILL $!
wait $!
rm -rf -- "$directory"
"""

_LOG_SHOWN = 4096  # bytes of its end


class Embedded:
    """A running accrued; `accrue.embedded` is its short name.

    program: the path of accrued; where None, $ACCRUED, or the one in the PATH.
    timeout: seconds that it may take to come up.
    """

    endpoint: str
    data_dir: str

    def __init__(
        self, *, program: str | os.PathLike[str] | None = None, timeout: float = 30.0, **settings: object
    ) -> None:
        command = [_find(program)]
        directory = tempfile.mkdtemp(prefix="accrue-", dir=_place())
        self.data_dir = os.path.join(directory, "data")
        arguments: dict[str, object] = {"data": self.data_dir, "listen": f"ipc://{directory}/rows"}
        arguments.update(settings)
        for name, value in arguments.items():
            command += ["--" + name.replace("_", "-"), str(value)]
        process = subprocess.Popen(
            ["sh", "-c", _SUPERVISOR, "accrue.embedded", directory, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )
        self._process = process
        self._end = weakref.finalize(self, _end, process)
        _running.add(self)
        try:
            self.endpoint = _endpoint(process, directory, timeout)
        except BaseException:
            self.close()
            raise

    def client(self, **options: Any) -> Client:
        """A new accrue.Client of it, with these options."""
        from accrue.client import Client

        client = Client(self.endpoint, **options)
        weakref.finalize(client, _keep, self)
        return client

    def close(self) -> None:
        """Ends accrued and removes its directory. May be called again."""
        self._end()

    def __enter__(self) -> Embedded:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<accrue.embedded {self.endpoint}{'' if self._end.alive else ', closed'}>"


embedded = Embedded

_IN_MEMORY = "/dev/shm"
_ROOM_THERE = 1 << 30  # bytes: enough for all that a notebook learns
_running: weakref.WeakSet[Embedded] = weakref.WeakSet()


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()
    process.wait()


def _keep(_: Embedded) -> None:
    """Being an argument of a finalizer of something is to live as long as it."""


def _let_go_in_child() -> None:
    # A child has a copy of the pipe's end, and would keep accrued up for as long as it lives itself.
    for daemon in list(_running):
        if daemon._process.stdin is not None:
            daemon._process.stdin.close()


os.register_at_fork(after_in_child=_let_go_in_child)


def _place() -> str | None:
    """Models that are not to outlast the process need no disk, and rows are durable several times as fast without."""
    if "TMPDIR" in os.environ or not os.access(_IN_MEMORY, os.W_OK):
        return None
    return _IN_MEMORY if shutil.disk_usage(_IN_MEMORY).free >= _ROOM_THERE else None


def _find(program: str | os.PathLike[str] | None) -> str:
    asked_for = program or os.environ.get("ACCRUED")
    found = shutil.which(asked_for or "accrued")
    if found is not None:
        return os.path.abspath(found)
    missing = f"{os.fspath(asked_for)} is not a program" if asked_for else "there is no accrued in the PATH"
    raise FileNotFoundError(
        f"{missing}: build it with `make build` in a clone of accrue (`make install` puts it into the PATH), then say "
        "where it is by program= or $ACCRUED, or use the endpoint of a running one"
    )


def _endpoint(process: subprocess.Popen[bytes], directory: str, timeout: float) -> str:
    """Waits for the line that says where accrued listens."""
    assert process.stdout is not None
    stdout = process.stdout.fileno()
    poll = select.poll()
    poll.register(stdout, select.POLLIN)
    deadline = time.monotonic() + timeout
    line = b""
    what = f"did not come up within {timeout:g} s"
    while poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
        piece = os.read(stdout, 4096)
        if not piece:
            what = "ended at once"
            break
        line += piece
        _, listens, endpoint = line.decode().partition(" listening on ")
        if listens and endpoint.endswith("\n"):
            return endpoint.strip()
    with open(os.path.join(directory, "log"), "rb") as file:
        log = file.read()[-_LOG_SHOWN:].decode(errors="replace").strip()
    raise Error(f"accrued {what}; its log: {log or 'empty'}")
