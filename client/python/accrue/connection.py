"""Joins the conversation (session.py) and the questions (queries.py) to their sockets, and lets callers wait for what
comes of them (waiting.py). One background thread owns the sockets; it sleeps until the daemon speaks, a time comes, or
a caller has something for it. Only questions of threads, which can wait for a socket themselves, pass it by.

Threads: every method may be called from any thread; one lock guards the session. In a process that was forked after
the connection was made, every call is Invalid: the thread and the sockets are the parent's.

Errors: accrue.Error. Whoever waits gets the failure of the session or of its stream at once, and Timeout when its
patience is over; after that everything is as it was. So it is after an interrupt or a cancellation.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import zmq

from accrue import errors, wire
from accrue.channel import Channel, What
from accrue.queries import QueryChannel
from accrue.results import FlushReport
from accrue.session import AT_ONCE, Options, Session
from accrue.sockets import Dealer, wait_for
from accrue.sparse import SparseRows
from accrue.spec import StreamSpec
from accrue.waiting import Answer, Changes, Patience, Steps, Wait
from accrue.wire import Frame, Rows

_BYE_LINGER_MS = 100
_MEBIBYTE = 1_048_576
_NO_ANSWER = "no answer to a query in time"


@dataclass(frozen=True)
class ConnectionOptions:
    session: Options
    timeout: float  # seconds
    max_unacknowledged_mb: int
    asynchronous: bool  # whether callers are tasks of event loops


class Connection:
    def __init__(self, options: ConnectionOptions) -> None:
        self.timeout = options.timeout
        self._endpoint = options.session.endpoint
        self._max_kept_bytes = options.max_unacknowledged_mb * _MEBIBYTE
        self._asynchronous = options.asynchronous
        self._pid = os.getpid()
        self._context = zmq.Context()

        self._changes = Changes()
        self._lock = self._changes.lock  # guards the next two
        self._session = Session(options.session)
        self._wakes_at = AT_ONCE  # the thread will look at the session by then without help

        # The thread asks what tasks want to know, under the lock above. Who can wait asks by himself, one at a time.
        self._queries = QueryChannel(self._context, self._endpoint)
        self._asking = threading.Lock()

        self._stopping = False
        self._stopped_receiver, self._stopped_sender = socket.socketpair()  # readable from then on
        self._wake_receiver, self._wake_sender = socket.socketpair()
        self._wake_receiver.setblocking(False)
        self._wake_sender.setblocking(False)
        try:
            self._dealer = Dealer(self._context, self._endpoint)  # here, so that a wrong endpoint is this one's error
        except BaseException:
            self._close_all()
            raise
        self._session.restart(time.monotonic_ns())
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
            while not self._stopping:
                self._serve()
            self._say_goodbye()
        except Exception as error:  # no socket to be had: too many open files, no memory
            with self._lock:
                self._session.fail(f"the connection to accrued cannot go on: {error}")
        finally:
            self._stopped_sender.send(b"\0")
            with self._lock:
                self._wakes_at = AT_ONCE  # by nobody any more
                self._changes.ring()
            with self._asking:
                self._queries.close()
            self._dealer.close(_BYE_LINGER_MS if self._stopping else 0)
            self._close_all()

    def _serve(self) -> None:
        frames: deque[Frame] = deque()
        with self._lock:
            now = time.monotonic_ns()
            if self._session.lost(now):
                # A new socket, not only a new connection: nothing that was said on the old one can be heard on it.
                self._dealer.close()
                self._dealer = Dealer(self._context, self._endpoint)
                self._session.restart(now)
            asked = self._ask_for_tasks(now)
            self._session.collect(now, frames)
            sleep_until = self._session.deadline()
            if asked:
                sleep_until = min(sleep_until, self._queries.questions.deadline())
            self._wakes_at = sleep_until
        self._dealer.send(frames)
        woken = wait_for([self._dealer, *asked], self._wake_receiver.fileno(), sleep_until)
        heard = self._dealer.receive()
        with self._lock:
            self._wakes_at = AT_ONCE
            if woken:
                self._wake_receiver.recv(4_096)
            now = time.monotonic_ns()
            for frame in heard:
                self._session.receive(frame, now)
            answered = bool(asked) and self._queries.receive()
            if heard or answered:
                self._changes.ring()

    def _ask_for_tasks(self, now: int) -> list[Dealer]:
        """With the lock held. Returns the socket, while there is an answer to wait for."""
        questions = self._queries.questions
        waited_for = len(questions)
        if not self._session.welcome or not self._asynchronous or not waited_for:
            return []
        dealer, again = self._queries.ask(now, self._session.welcome, self._session.welcomes)
        if again:
            self._session.ping_now()
        if len(questions) < waited_for:
            self._changes.ring()  # one was too large
        return [dealer]

    def _say_goodbye(self) -> None:
        with self._lock:
            bye = self._session.goodbye()
        if bye:
            self._dealer.send(deque([bye]))

    def _close_all(self) -> None:
        self._context.term()
        for each in (self._stopped_receiver, self._stopped_sender, self._wake_receiver, self._wake_sender):
            each.close()

    # ---- the callers: what they do is for run() or run_async() ----

    def run(self, steps: Steps[Answer]) -> Answer:
        return self._changes.run(steps)

    async def run_async(self, steps: Steps[Answer]) -> Answer:
        return await self._changes.run_async(steps)

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
        perhaps = "" if isinstance(what, wire.Drop) else ", and may be yet"
        try:
            yield from self._await(
                patience,
                lambda: order.failure,
                lambda: order.done,
                lambda: f"stream '{name}' was not {done} within {patience}{perhaps}",
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
        """The answer to a question, whose frame `framed` makes from its number."""
        if not self._asynchronous:
            return self._ask_here(framed)
        with self._begin():
            self._raise_any(None)
            question = self._queries.questions.ask(framed)
            self._wake_by(AT_ONCE)
        try:
            yield from self._await(
                Patience(self.timeout),
                lambda: question.failure,
                lambda: question.answer is not None,
                lambda: _NO_ANSWER,
            )
        finally:
            with self._lock:
                self._queries.questions.give_up(question)
        return question.answer

    def _ask_here(self, framed: Callable[[int], bytes]) -> Any:
        """The same without the thread's help, which is two changes of threads fewer."""
        self._begin()
        with self._asking:  # whoever has it has a timeout of its own
            patience = Patience(self.timeout)
            question = self._queries.questions.ask(framed)
            try:
                while question.answer is None:
                    welcome, greeting = self._greeting(patience)
                    dealer, again = self._queries.ask(time.monotonic_ns(), welcome, greeting)
                    if again:
                        self._probe()
                    if not question.failure:
                        look = min(self._queries.questions.deadline(), patience.next_look())
                        wait_for([dealer], self._stopped_receiver.fileno(), look)
                        self._queries.receive()
                    if question.failure:
                        raise question.failure.again()
                    if question.answer is None and patience.over():
                        raise errors.Timeout(_NO_ANSWER + self._session.trouble)
            finally:
                self._queries.questions.give_up(question)
            return question.answer

    def _greeting(self, patience: Patience) -> tuple[wire.Welcome, int]:
        """The daemon's, waited for, and its number."""
        with self._lock:
            self._raise_any(None)
            welcome, greeting = self._session.welcome, self._session.welcomes
        if welcome:
            return welcome, greeting
        self.run(self._await(patience, lambda: None, lambda: self._session.welcome is not None, lambda: _NO_ANSWER))
        return self._greeting(patience)

    def _probe(self) -> None:
        """Somebody misses the daemon: find out soon whether it is still the same."""
        with self._lock:
            self._session.ping_now()
            self._wake_by(AT_ONCE)

    def _begin(self) -> threading.Lock:
        """To be entered by all callers: in a process that was forked, another thread may have left it locked."""
        if os.getpid() != self._pid:
            raise errors.Invalid(
                f"this accrue client belongs to process {self._pid}, from which this one was forked: make a client here"
            )
        return self._lock

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
                wait = Wait(self._changes.version, patience.next_look())
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
