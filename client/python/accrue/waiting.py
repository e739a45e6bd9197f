"""How callers wait for what a connection hears, in threads and in the tasks of event loops alike.

What a caller does that may have to wait is a generator (Steps): it yields what it waits for, a Wait, and returns its
result. run() lets the calling thread sleep meanwhile, run_async() a task of an event loop; what is done is the same.

Threads: any. What a generator raises is raised where it is run; one that is interrupted or cancelled is closed.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Generator
from typing import NamedTuple, TypeVar

from accrue.session import MS

Answer = TypeVar("Answer")


class Wait(NamedTuple):
    """For whatever comes after the version that was seen, but not beyond a time."""

    seen: int
    until: int


Steps = Generator[Wait, None, Answer]


class Patience:
    """How long a caller goes on waiting for the daemon. What counts is the time in which this process could have heard
    it: between two looks at most LOOK, so that one which was stopped meanwhile (Ctrl-Z, then fg) does not give up at
    once when it goes on. For one thread."""

    LOOK = 1_000 * MS
    _LONGEST = 365 * 24 * 3_600.0  # seconds: none is infinite

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._left = int(min(max(seconds, 0.0), self._LONGEST) * 1_000 * MS)
        self._looked = time.monotonic_ns()

    def over(self) -> bool:
        """Looks at the clock."""
        now = time.monotonic_ns()
        self._left -= min(now - self._looked, self.LOOK)
        self._looked = now
        return self._left <= 0

    def next_look(self) -> int:
        """Until when to wait before looking again."""
        return self._looked + min(self._left, self.LOOK)

    def __str__(self) -> str:
        return f"{self.seconds:g} s"


class Changes:
    """Of something that callers wait for, which `lock` guards."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.version = 0  # counted up by every change
        self._changed = threading.Condition(self.lock)
        self._tasks: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []

    def ring(self) -> None:
        """There is a change: lets all who wait look again. With the lock held."""
        self.version += 1
        self._changed.notify_all()
        tasks, self._tasks = self._tasks, []
        for loop, changed in tasks:
            try:
                loop.call_soon_threadsafe(_settle, changed)
            except RuntimeError:
                pass  # the loop was closed, and who waited in it is gone

    def run(self, steps: Steps[Answer]) -> Answer:
        """The calling thread waits."""
        try:
            wait = next(steps)
            while True:
                with self.lock:
                    if self.version == wait.seen:
                        self._changed.wait(max(wait.until - time.monotonic_ns(), 0) / 1e9)
                wait = next(steps)
        except StopIteration as stop:
            answer: Answer = stop.value
            return answer
        finally:
            steps.close()

    async def run_async(self, steps: Steps[Answer]) -> Answer:
        """The running task waits, and its loop goes on."""
        loop = asyncio.get_running_loop()
        try:
            wait = next(steps)
            while True:
                changed: asyncio.Future[None] = loop.create_future()
                with self.lock:
                    if self.version == wait.seen:
                        self._tasks.append((loop, changed))
                    else:
                        changed.set_result(None)
                await asyncio.wait([changed], timeout=max(wait.until - time.monotonic_ns(), 0) / 1e9)
                wait = next(steps)
        except StopIteration as stop:
            answer: Answer = stop.value
            return answer
        finally:
            steps.close()


def _settle(changed: asyncio.Future[None]) -> None:
    if not changed.done():
        changed.set_result(None)
