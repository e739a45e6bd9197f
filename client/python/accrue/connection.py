"""Joins the conversation (session.py) and the questions (queries.py) to their sockets, and lets callers wait for what
comes of them. One background thread owns the sockets; it sleeps until the daemon speaks, a time comes, or a caller has
something for it.

What a caller does that may have to wait is a generator (Steps): it yields what it waits for, a Wait, and returns its
result. run() lets the calling thread sleep meanwhile, run_async() a task of an event loop; what is done is the same.

Threads: every method may be called from any thread; one lock guards session and questions. In a process that was forked
after the connection was made, every call is Invalid: the thread and the sockets are the parent's.

Errors: accrue.Error. Whoever waits gets the failure of the session or of its stream at once, and Timeout when its
patience is over; after that everything is as it was. So it is after an interrupt or a cancellation.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import zmq

from accrue import errors
from accrue.queries import Questions, query_endpoint
from accrue.results import FlushReport
from accrue.session import AT_ONCE, MS, Channel, Options, Session, What
from accrue.sparse import SparseRows
from accrue.spec import StreamSpec
from accrue.wire import Frame, Rows

_BYE_LINGER_MS = 100
_MEBIBYTE = 1_048_576
_RECEIVED_AT_ONCE = 256  # messages, before sending gets its turn
_RECONNECT_MS = 50
_RECONNECT_MAX_MS = 1_000
_MAX_REPLY_BYTES = 67_108_864  # of one message from the daemon
_LONGEST_SLEEP_MS = 60_000
_COPIED_BYTES = 16_384  # a shorter frame costs more to share with the socket than to copy

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

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._left = int(max(seconds, 0.0) * 1_000 * MS)
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


@dataclass(frozen=True)
class ConnectionOptions:
    session: Options
    timeout: float  # seconds
    max_unacknowledged_mb: int


class Connection:
    def __init__(self, options: ConnectionOptions) -> None:
        self.timeout = options.timeout
        self._endpoint = options.session.endpoint
        self._max_kept_bytes = options.max_unacknowledged_mb * _MEBIBYTE
        self._pid = os.getpid()

        self._changed = threading.Condition(threading.Lock())  # its lock guards all down to _stopping
        self._version = 0  # of session and questions, counted up by what the daemon says
        self._asyncio_waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = []
        self._session = Session(options.session)
        self._questions = Questions()
        self._wakes_at = AT_ONCE  # the thread will look at the session by then without help
        self._stopping = False

        # The thread's, once it runs.
        self._context = zmq.Context()
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        self._poller = zmq.Poller()
        self._poller.register(self._wake_receiver, zmq.POLLIN)
        self._socket: zmq.Socket[Any] | None = None
        self._unsent: deque[Frame] = deque()  # what the socket did not take yet
        self._query_socket: zmq.Socket[Any] | None = None
        self._query_greeting = 0  # the one that named the query socket's peer
        self._unasked: deque[Frame] = deque()
        try:
            self._reconnect(time.monotonic_ns())  # here, so that a wrong endpoint is the constructor's error
        except BaseException:
            self._close_sockets()
            raise
        self._thread = threading.Thread(target=self._run, name="accrue", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Does not wait for anything to become durable.

        The garbage collector may call it in any thread, in the midst of anything: it takes no lock, nor waits for the
        thread that it runs in.
        """
        if os.getpid() != self._pid:
            return
        self._stopping = True
        self._wake()
        if threading.current_thread() is self._thread:
            return
        self._thread.join()
        lost = self._session.kept_rows
        if lost:
            text = f"an accrue client was closed while {lost} rows pushed to it were not durable: flush() them first"
            warnings.warn(text, RuntimeWarning, stacklevel=4)

    # ---- the thread ----

    def _run(self) -> None:
        # Signals are for the threads of the program that uses this library.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            while self._sleep_and_serve():
                pass
            self._say_goodbye()
        except Exception as error:  # no socket to be had: too many open files, no memory
            with self._changed:
                self._session.fail(f"the connection to accrued cannot go on: {error}")
        finally:
            with self._changed:
                self._wakes_at = AT_ONCE  # by nobody any more
                self._ring()
            self._close_sockets()

    def _sleep_and_serve(self) -> bool:
        with self._changed:
            if self._stopping:
                return False
            now = time.monotonic_ns()
            if self._session.lost(now):
                self._reconnect(now)
            if len(self._questions):
                self._serve_questions(now)
            self._session.collect(now, self._unsent)
            self._wakes_at = self._session.deadline()
            if self._query_socket:
                self._wakes_at = min(self._wakes_at, self._questions.deadline())
            sleep_until = self._wakes_at
        _transmit(self._socket, self._unsent)
        _transmit(self._query_socket, self._unasked)
        readable = self._sleep(sleep_until)
        heard = _receive(self._socket) if self._socket in readable else []
        answered = _receive(self._query_socket) if self._query_socket in readable else []
        with self._changed:
            self._wakes_at = AT_ONCE
            if self._wake_receiver.fileno() in readable:
                self._wake_receiver.recv(4_096)
            now = time.monotonic_ns()
            for frame in heard:
                self._session.receive(frame, now)
            for frame in answered:
                self._questions.receive(frame)
            if heard or answered:
                self._ring()
        return True

    def _serve_questions(self, now: int) -> None:
        welcome = self._session.welcome
        if not welcome:
            return
        if not self._query_socket or self._query_greeting != self._session.welcomes or self._questions.silent:
            if self._query_socket:
                self._forget(self._query_socket)
            self._query_socket = self._dealer(query_endpoint(self._endpoint, welcome.query_endpoint))
            self._query_greeting = self._session.welcomes
            self._unasked.clear()
            self._questions.restart()
        waited_for = len(self._questions)
        if self._questions.collect(now, welcome.max_message_bytes, self._unasked):
            self._session.ping_now()  # find out soon whether it is still the same daemon
        if len(self._questions) < waited_for:
            self._ring()  # one was too large

    def _sleep(self, until: int) -> dict[Any, int]:
        """Returns what can be received from, once there is any, or something can be sent; or at a time."""
        for each, waiting in ((self._socket, self._unsent), (self._query_socket, self._unasked)):
            if each:
                self._poller.modify(  # type: ignore[no-untyped-call]
                    each, zmq.POLLIN | zmq.POLLOUT if waiting else zmq.POLLIN
                )
        left = min(max(until - time.monotonic_ns(), 0), _LONGEST_SLEEP_MS * MS)
        ready = dict(self._poller.poll(-(-left // MS)))
        return {each: event for each, event in ready.items() if event & zmq.POLLIN}

    def _reconnect(self, now: int) -> None:
        """A new socket, not only a new connection: nothing that was said on the old one can be heard on it."""
        if self._socket:
            self._forget(self._socket)
        self._socket = self._dealer(self._endpoint)
        self._unsent.clear()
        self._session.restart(now)

    def _dealer(self, endpoint: str) -> zmq.Socket[Any]:
        """Connects in the background."""
        dealer: zmq.Socket[Any] = self._context.socket(zmq.DEALER)
        dealer.linger = 0
        dealer.immediate = True  # nothing is queued to a peer that is not there
        dealer.sndhwm = 0  # the daemon's credit bounds what is sent
        dealer.maxmsgsize = _MAX_REPLY_BYTES
        dealer.reconnect_ivl = _RECONNECT_MS
        dealer.reconnect_ivl_max = _RECONNECT_MAX_MS
        dealer.copy_threshold = _COPIED_BYTES
        try:
            dealer.connect(endpoint)
        except zmq.ZMQError as error:
            dealer.close()
            text = f"cannot connect to '{endpoint}': {error} (an endpoint looks like tcp://127.0.0.1:7700)"
            raise errors.Invalid(text) from None
        self._poller.register(dealer, zmq.POLLIN)
        return dealer

    def _forget(self, dealer: zmq.Socket[Any]) -> None:
        self._poller.unregister(dealer)
        dealer.close()

    def _say_goodbye(self) -> None:
        with self._changed:
            bye = self._session.goodbye()
        if bye and self._socket and not self._unsent:
            self._socket.linger = _BYE_LINGER_MS
            _transmit(self._socket, deque([bye]))

    def _close_sockets(self) -> None:
        for each in (self._socket, self._query_socket):
            if each:
                each.close()
        self._context.term()
        self._wake_receiver.close()
        self._wake_sender.close()

    # ---- the callers ----

    def run(self, steps: Steps[Answer]) -> Answer:
        """The calling thread waits."""
        try:
            wait = next(steps)
            while True:
                with self._changed:
                    if self._version == wait.seen:
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
                with self._changed:
                    if self._version == wait.seen:
                        self._asyncio_waiters.append((loop, changed))
                    else:
                        changed.set_result(None)
                await asyncio.wait([changed], timeout=max(wait.until - time.monotonic_ns(), 0) / 1e9)
                wait = next(steps)
        except StopIteration as stop:
            answer: Answer = stop.value
            return answer
        finally:
            steps.close()

    def open(self, name: str, spec: StreamSpec | None) -> Steps[Channel]:
        """The stream, open. With a specification it is created when it is new."""
        with self._begin():
            self._raise_any(None)
            channel = self._session.open(name, spec)
            self._wake_by(AT_ONCE)
        patience = Patience(self.timeout)
        yield from self._await(
            patience,
            lambda: channel.failure,
            lambda: channel.outbound is not None,
            lambda: f"stream '{name}' could not be opened within {patience}",
        )
        return channel

    def order(self, name: str, what: What, done: str) -> Steps[int]:
        """Returns the epoch in which it is done. `done` is what the stream is then, for the message of the timeout."""
        with self._begin():
            self._raise_any(None)
            order = self._session.order(name, what)
            self._wake_by(AT_ONCE)
        patience = Patience(self.timeout)
        try:
            yield from self._await(
                patience,
                lambda: order.failure,
                lambda: order.done,
                lambda: f"stream '{name}' was not {done} within {patience}",
            )
        finally:
            order.given_up = True
        return order.new_epoch

    def push(self, channel: Channel, rows: Rows | SparseRows) -> Steps[None]:
        """Takes all of the rows or, raising, none."""
        if self.try_push(channel, rows):
            return
        size = self._size_of(channel, rows)
        patience = Patience(self.timeout)
        while True:
            yield from self._await(
                patience,
                lambda: channel.failure,
                lambda: self._has_room(size),
                lambda: (
                    f"no credit to push to stream '{channel.name}' for {patience}: {self._session.kept_bytes} bytes of "
                    "rows are waiting to become durable"
                ),
            )
            if self.try_push(channel, rows):  # another may have been first
                return

    def try_push(self, channel: Channel, rows: Rows | SparseRows) -> bool:
        """Takes all of the rows or, without waiting, none."""
        size = self._size_of(channel, rows)
        with self._begin():
            self._raise_any(channel.failure)
            if not self._has_room(size):
                return False
            outbound = channel.opened_outbound
            something_waited = outbound.has_sealed or outbound.waiting_since is not None
            self._session.append(channel, rows, time.monotonic_ns())
            if outbound.has_sealed:
                self._wake_by(AT_ONCE)
            elif not something_waited:
                self._wake_by(self._session.deadline())
        return True

    def _size_of(self, channel: Channel, rows: Rows | SparseRows) -> int:
        size = channel.opened_outbound.bytes_of(rows)
        if size > self._max_kept_bytes:
            raise errors.Invalid(
                f"{size} bytes of rows at once are more than max_unacknowledged_mb "
                f"({self._max_kept_bytes // _MEBIBYTE}) lets be kept: push them in pieces"
            )
        return size

    def _has_room(self, size: int) -> bool:
        return self._session.kept_bytes + size <= self._max_kept_bytes

    def flush(self, channel: Channel, timeout: float | None) -> Steps[FlushReport]:
        with self._begin():
            last = channel.opened_outbound.request_flush()
            self._wake_by(AT_ONCE)
        patience = Patience(self.timeout if timeout is None else timeout)
        yield from self._await(
            patience,
            lambda: channel.failure,
            lambda: channel.opened_outbound.is_durable(last),
            lambda: (
                f"{channel.opened_outbound.kept_rows} rows pushed to stream '{channel.name}' are not durable after "
                f"{patience}; they stay queued, and flush() may be called again"
            ),
        )
        return self.progress(channel)

    def progress(self, channel: Channel) -> FlushReport:
        with self._begin():
            return channel.opened_outbound.report

    def ask(self, framed: Callable[[int], bytes]) -> Steps[Any]:
        """The answer to a question (Questions.ask)."""
        with self._begin():
            self._raise_any(None)
            question = self._questions.ask(framed)
            self._wake_by(AT_ONCE)
        try:
            yield from self._await(
                Patience(self.timeout),
                lambda: question.failure,
                lambda: question.answer is not None,
                lambda: "no answer to a query in time",
            )
        finally:
            with self._changed:
                self._questions.give_up(question)
        return question.answer

    def _begin(self) -> threading.Condition:
        """To be entered by all callers: in a process that was forked, another thread may have left it locked."""
        if os.getpid() != self._pid:
            raise errors.Invalid(
                f"this accrue client belongs to process {self._pid}, from which this one was forked: make a client here"
            )
        return self._changed

    def _await(
        self,
        patience: Patience,
        failure: Callable[[], errors.Error | None],
        done: Callable[[], bool],
        late: Callable[[], str],
    ) -> Steps[None]:
        """`late` makes the message of the timeout."""
        while True:
            with self._begin():
                if done():
                    return
                self._raise_any(failure())
                if patience.over():
                    raise errors.Timeout(late() + self._session.trouble)
                wait = Wait(self._version, patience.next_look())
            yield wait

    def _wake(self) -> None:
        try:
            self._wake_sender.send(b"\0")
        except OSError:
            pass  # it has ended, or not looked for so long that it will

    # With the lock held.

    def _raise_any(self, failure: errors.Error | None) -> None:
        if self._stopping:
            raise errors.Invalid("this accrue client is closed")
        failure = failure or self._session.failure
        if failure:
            raise failure.again()

    def _wake_by(self, when: int) -> None:
        """Spares the system call when the thread is awake or will be in time."""
        if when < self._wakes_at:
            self._wakes_at = when
            self._wake()

    def _ring(self) -> None:
        """Lets all who wait look again."""
        self._version += 1
        self._changed.notify_all()
        waiters, self._asyncio_waiters = self._asyncio_waiters, []
        for loop, changed in waiters:
            try:
                loop.call_soon_threadsafe(_settle, changed)
            except RuntimeError:
                pass  # the loop was closed, and who waited in it is gone


def _settle(changed: asyncio.Future[None]) -> None:
    if not changed.done():
        changed.set_result(None)


def _transmit(to: zmq.Socket[Any] | None, frames: deque[Frame]) -> None:
    while to and frames:
        try:
            to.send(frames[0], zmq.DONTWAIT, copy=False)
        except zmq.Again:
            return
        frames.popleft()


def _receive(dealer: zmq.Socket[Any] | None) -> list[bytes]:
    frames: list[bytes] = []
    while dealer and len(frames) < _RECEIVED_AT_ONCE:
        try:
            frames.append(dealer.recv(zmq.DONTWAIT))
        except zmq.Again:
            break
    return frames
