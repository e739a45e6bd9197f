"""A connected DEALER socket as this client uses them: nothing waits unless it is told to, and nothing lingers. One
thread at a time."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import zmq
from zmq.backend import zmq_poll

from accrue.errors import Invalid
from accrue.session import MS
from accrue.wire import Frame

_RECONNECT_MS = 50
_RECONNECT_MAX_MS = 1_000
_MAX_REPLY_BYTES = 67_108_864  # of one message from the daemon
_RECEIVED_AT_ONCE = 256  # messages, before sending gets its turn
_LONGEST_SLEEP_MS = 60_000  # the caller looks for itself, and waits again
_COPIED_BYTES = 16_384  # a shorter frame costs more to share with the socket than to copy


class Dealer:
    def __init__(self, context: zmq.Context[Any], endpoint: str) -> None:
        """Connects in the background. Invalid when `endpoint` is not one."""
        self._unsent: deque[Frame] = deque()  # what the socket did not take yet: there is no connection, or it is full
        self._socket: zmq.Socket[Any] = context.socket(zmq.DEALER)
        self._socket.linger = 0
        self._socket.immediate = True  # nothing is queued to a peer that is not there
        self._socket.sndhwm = 0  # the daemon's credit bounds what is sent
        self._socket.maxmsgsize = _MAX_REPLY_BYTES
        self._socket.reconnect_ivl = _RECONNECT_MS
        self._socket.reconnect_ivl_max = _RECONNECT_MAX_MS
        self._socket.copy_threshold = _COPIED_BYTES
        try:
            self._socket.connect(endpoint)
        except zmq.ZMQError as error:
            self._socket.close()
            text = f"cannot connect to '{endpoint}': {error} (an endpoint looks like tcp://127.0.0.1:7700)"
            raise Invalid(text) from None

    def send(self, frames: deque[Frame]) -> None:
        """Takes the frames, and hands over those that the socket takes, large ones without a copy."""
        self._unsent.extend(frames)
        frames.clear()
        while self._unsent:
            try:
                self._socket.send(self._unsent[0], zmq.DONTWAIT, copy=False)
            except zmq.Again:
                return
            self._unsent.popleft()

    def receive(self) -> list[bytes]:
        frames: list[bytes] = []
        while len(frames) < _RECEIVED_AT_ONCE:
            try:
                frames.append(self._socket.recv(zmq.DONTWAIT))
            except zmq.Again:
                break
        return frames

    def close(self, linger_ms: int = 0) -> None:
        """Waits in the background, for at most so long, until everything handed over is on its way."""
        self._socket.close(linger_ms)

    @property
    def polled(self) -> tuple[zmq.Socket[Any], int]:
        return self._socket, zmq.POLLIN | zmq.POLLOUT if self._unsent else zmq.POLLIN


def wait_for(dealers: list[Dealer], descriptor: int, until: int) -> bool:
    """Returns when there is something to receive, when something can be sent that the socket did not take, when the
    descriptor can be read, which it tells, or at a time."""
    left = min(max(until - time.monotonic_ns(), 0), _LONGEST_SLEEP_MS * MS)
    polled: list[tuple[Any, int]] = [(descriptor, zmq.POLLIN), *(dealer.polled for dealer in dealers)]
    ready: list[tuple[Any, int]] = zmq_poll(polled, -(-left // MS))
    return any(each == descriptor for each, _ in ready)
