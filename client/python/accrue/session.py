"""The client's side of the conversation on the ingest socket (ingest/wire/WIRE.md): what to say to the daemon and when,
and what its answers mean. No socket, no thread, no clock: bytes and the time, in nanoseconds of one clock, come in,
frames go out. It is the C++ client's session in Python; tests/golden/conversation holds the two together, to the byte.

There is one way to recover from anything that happens to a connection: restart(), which greets and opens anew, and lets
each stream go on from what the daemon says it has.

Errors: what concerns one stream fails that stream (Channel.failure), what ends the conversation for good fails the
session (failure). Everything else is waited out, and trouble says what it is for the message of a timeout.

Threads: none of its own; the caller locks. A Channel belongs to its Session until it fails or is dropped.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from accrue import errors, wire
from accrue.channel import Channel, Order, Phase, What
from accrue.codec import Unreadable, decode, encode
from accrue.outbound import Outbound
from accrue.refusals import error_from, text_of
from accrue.sparse import SparseRows
from accrue.spec import StreamSpec, difference
from accrue.wire import ErrorCode, Frame, Rows

MS = 1_000_000  # nanoseconds

PING_BUSY = 250 * MS  # while anything is awaited; a Hello is repeated as often
PING_IDLE = 5_000 * MS
SILENCE_LIMIT = 3_000 * MS  # unanswered for so long: the connection is dead
HELLO_PAUSE = 50 * MS  # at least, between two greetings
OPEN_PAUSE = 200 * MS  # after the daemon's disk failed to make the stream
OPEN_AGAIN = 1_000 * MS  # the answer was lost: the daemon drops what queues up

NEVER = sys.maxsize
AT_ONCE = -sys.maxsize


@dataclass(frozen=True)
class Options:
    endpoint: str  # for messages
    producer: str
    ephemeral: bool
    batch_rows: int
    batch_linger: int


class Session:
    def __init__(self, options: Options) -> None:
        self._options = options
        self._ready = False  # greeted
        self._channels: list[Channel] = []
        self._orders: list[Order] = []
        self._last_request = 0
        self.kept_bytes = 0

        # The last greeting's answer, and how many there have been: after a new one, queries go to a new place.
        self.welcome: wire.Welcome | None = None
        self.welcomes = 0
        self.failure: errors.Error | None = None
        self._trouble = ""  # what the daemon last said that only time can mend

        self._greet_or_ping_at = AT_ONCE
        self._last_hello = AT_ONCE
        self._unanswered_since: int | None = None
        self._session_unknown = False  # the daemon does not know this connection
        self._probing = False

    # ---- the connection ----

    def restart(self, now: int) -> None:
        """On a new connection."""
        self._ready = False
        self._session_unknown = False
        self._unanswered_since = None
        self._greet_or_ping_at = max(now, self._last_hello + HELLO_PAUSE)
        for channel in self._channels:
            channel.unopen(now)
        for order in self._orders:
            order.due = True

    def lost(self, now: int) -> bool:
        """The connection is of no use any more."""
        if self.failure:
            return False
        silent = self._unanswered_since is not None and now - self._unanswered_since >= SILENCE_LIMIT
        return self._session_unknown or silent

    def deadline(self) -> int:
        """When to call collect() and lost() again."""
        if self.failure:
            return NEVER
        if self._session_unknown:
            return AT_ONCE
        earliest = self._greet_or_ping_at
        if self._unanswered_since is not None:
            earliest = min(earliest, self._unanswered_since + SILENCE_LIMIT)
        for channel in self._channels:
            if channel.to_be_opened and self._ready:
                earliest = min(earliest, channel.open_at)
            if channel.phase is not Phase.OPEN:
                continue
            since = channel.opened_outbound.waiting_since
            if since is not None:
                earliest = min(earliest, since + self._options.batch_linger)
        return earliest

    def collect(self, now: int, frames: deque[Frame]) -> None:
        """Appends what is to be sent by now."""
        if self.failure:
            return
        if now >= self._greet_or_ping_at or (self._probing and self._ready):
            if self._ready:
                frames.append(encode(wire.Ping()))
            else:
                hello = wire.Hello(producer=self._options.producer, ephemeral=self._options.ephemeral)
                frames.append(encode(hello))
                self._last_hello = now
            if self._unanswered_since is None:
                self._unanswered_since = now
            self._greet_or_ping_at = now + PING_IDLE
            self._probing = False
        if self._ready:
            for order in sorted(self._waited_for(), key=lambda order: not isinstance(order.what, wire.Drop)):
                if order.due:
                    order.due = False
                    frames.append(encode(order.what))
                    order.sent += 1
            for channel in self._channels:
                self._collect(channel, now, frames)
        if self._busy():
            self._greet_or_ping_at = min(self._greet_or_ping_at, now + PING_BUSY)

    def _collect(self, channel: Channel, now: int, frames: deque[Frame]) -> None:
        if channel.to_be_opened and now >= channel.open_at:
            # Once it exists, its absence is an error and no cause to make it.
            spec = None if channel.opened else channel.asked
            frames.append(encode(wire.Open(stream=channel.name, spec=spec)))
            channel.phase = Phase.OPENING
            channel.open_at = now + OPEN_AGAIN
        if channel.phase is not Phase.OPEN:
            return
        outbound = channel.opened_outbound
        since = outbound.waiting_since
        if since is not None and now - since >= self._options.batch_linger:
            outbound.seal()
        while (frame := outbound.next_to_send()) is not None:
            frames.append(frame)
        if outbound.take_flush():
            frames.append(encode(wire.Flush(stream_id=outbound.stream_id)))

    def _busy(self) -> bool:
        def awaited(channel: Channel) -> bool:
            if channel.phase is not Phase.OPEN:
                return True
            return channel.opened_outbound.outstanding or channel.opened_outbound.flush_pending

        return not self._ready or any(map(awaited, self._channels)) or bool(self._waited_for())

    def goodbye(self) -> Frame | None:
        """When everything is durable."""
        if self.failure or not self._ready or self.kept_rows:
            return None
        return encode(wire.Bye())

    # ---- the callers ----

    def open(self, name: str, spec: StreamSpec | None) -> Channel:
        channel = self._find(name)
        if not channel:
            channel = Channel(name, spec)
            self._channels.append(channel)
            return channel
        if not spec:
            return channel
        if not channel.opened and not channel.asked:
            channel.asked = spec
        has = channel.opened.spec if channel.opened else channel.asked
        assert has
        differs = difference(has, spec)
        if differs:
            raise errors.SpecMismatch(f"stream '{name}' has another specification: {differs}")
        return channel

    def order(self, name: str, what: What) -> Order:
        if not isinstance(what, wire.Drop):
            self._last_request += 1
            what.request = self._last_request
        order = Order(name, what)
        self._orders.append(order)
        return order

    def append(self, channel: Channel, rows: Rows | SparseRows, now: int) -> None:
        outbound = channel.opened_outbound
        kept_before = outbound.kept_bytes
        try:
            outbound.append(rows, now)
        except BaseException:
            self.kept_bytes += outbound.kept_bytes - kept_before
            text = "a push was interrupted, or had no memory, and some of its rows may be sent: open it again to go on"
            self._fail(channel, errors.Refused(f"stream '{channel.name}': {text}"))
            raise
        self.kept_bytes += outbound.kept_bytes - kept_before

    @property
    def kept_rows(self) -> int:
        """That are not durable."""
        return sum(channel.outbound.kept_rows for channel in self._channels if channel.outbound)

    def ping_now(self) -> None:
        self._probing = True

    @property
    def trouble(self) -> str:
        text = ""
        if not self._ready:
            text = f"; accrued does not answer at {self._options.endpoint}: is it running?"
        if self._trouble:
            text += f"; accrued says: {self._trouble}"
        return text

    # ---- what the daemon says ----

    def receive(self, frame: bytes, now: int) -> None:
        if self.failure:
            return
        self._unanswered_since = None
        try:
            message = decode(frame)
            hear = self._HEARD.get(type(message))
            if not hear:
                raise Unreadable(f"message type {message.TYPE}")
        except Unreadable as problem:
            self.fail(
                f"what answers at {self._options.endpoint} does not speak this version of accrue's protocol ({problem})"
            )
            return
        hear(self, message, now)

    def _on_welcome(self, welcome: wire.Welcome, now: int) -> None:
        if self._ready:
            return  # the answer to a Hello that was repeated
        self._ready = True
        self.welcome = welcome
        self.welcomes += 1
        self._trouble = ""
        self._greet_or_ping_at = now + PING_BUSY

    def _on_opened(self, opened: wire.Opened, now: int) -> None:
        channel = self._find(opened.stream)
        if not channel or channel.phase is not Phase.OPENING:
            return
        if not channel.outbound:
            channel.opened = opened
            channel.phase = Phase.SETTLING
            if opened.durable >= opened.accepted:
                self._start(channel, opened)
            return
        released, problem = channel.outbound.reopen(opened)
        if problem:
            self._fail(channel, errors.Refused(f"stream '{channel.name}' cannot go on: {problem}"))
            return
        self.kept_bytes -= released
        channel.phase = Phase.OPEN

    def _start(self, channel: Channel, opened: wire.Opened) -> None:
        """What an earlier process sent under this producer's name and is not durable could still be lost with the
        daemon, and nobody could send it again: sequences begin after the durable ones, so they cannot begin while there
        are others."""
        assert self.welcome
        row_bytes = len(opened.spec.columns) * 8
        most = min(opened.window_bytes, self.welcome.max_message_bytes)
        rows = max(most - wire.BATCH_HEADER_BYTES, 0) // row_bytes
        if rows == 0:
            text = f"a row of {row_bytes} bytes is more than the daemon takes ({most} bytes a message)"
            self._fail(channel, errors.Refused(f"stream '{channel.name}': {text}"))
            return
        # Of sparse rows `rows` is but what would fit without a value; what has many is cut by its bytes.
        channel.outbound = Outbound(opened, min(rows, self._options.batch_rows), most - wire.BATCH_HEADER_BYTES)
        channel.phase = Phase.OPEN

    def _on_ack(self, ack: wire.Ack, now: int) -> None:
        channel = self._find_id(ack.stream_id)
        if not channel or not channel.opened:
            return
        if channel.outbound:
            released = channel.outbound.acknowledge(ack.durable, ack.window_bytes)
            self.kept_bytes -= released
            if released > 0:
                self._trouble = ""
        elif channel.phase is Phase.SETTLING:
            channel.opened.durable = ack.durable
            if ack.durable >= channel.opened.accepted:
                self._start(channel, channel.opened)

    def _on_rows_rejected(self, rejected: wire.RowsRejected, now: int) -> None:
        channel = self._find_id(rejected.stream_id)
        if channel and channel.outbound:
            channel.outbound.reject(rejected)

    def _on_pong(self, pong: wire.Pong, now: int) -> None:
        pass

    def _on_dropped(self, dropped: wire.Dropped, now: int) -> None:
        for order in self._drops_of(dropped.stream):
            order.done = True
        channel = self._find(dropped.stream)
        if channel:
            self._fail(channel, errors.UnknownStream(f"stream '{channel.name}' was dropped"))

    def _on_answer(self, answer: wire.RolledBack | wire.ModelsChanged, now: int) -> None:
        for order in self._asked_by(answer.request):
            order.done = True
            order.new_epoch = answer.epoch

    def _on_request_error(self, error: wire.Error) -> None:
        """What was asked before, and its answer lost, may have been done since: a change of models that is not durable
        yet is answered as if it were the first, and one that is is refused."""
        for order in self._asked_by(error.request):
            added = error.code == ErrorCode.MODEL_EXISTS and isinstance(order.what, wire.AddModel)
            dropped = error.code == ErrorCode.UNKNOWN_MODEL and isinstance(order.what, wire.DropModel)
            if order.sent > 1 and (added or dropped):
                order.done = True
            else:
                order.failure = error_from(error)

    def _on_error(self, error: wire.Error, now: int) -> None:
        if error.request != 0:
            return self._on_request_error(error)
        channel = self._find(error.about)
        opened = channel if channel and channel.phase in (Phase.OPEN, Phase.SETTLING) else None
        if error.code == ErrorCode.NO_SESSION:
            self._session_unknown = True
        elif error.code == ErrorCode.SUPERSEDED:
            producer = self._options.producer
            self.fail(f"another client has taken over the producer name '{producer}': {text_of(error)}")
        elif error.code in (ErrorCode.MALFORMED, ErrorCode.UNKNOWN_TYPE):
            self.fail(f"accrued at {self._options.endpoint} does not understand this client: {text_of(error)}")
        elif error.code in (ErrorCode.SEQUENCE_GAP, ErrorCode.OVER_WINDOW):
            if opened:  # one for every batch that was on its way: the first of them opens anew
                opened.unopen(now)
        elif error.code == ErrorCode.ROLLED_BACK:
            if opened:  # likewise: what opens it anew is not meant
                self._on_stream_error(opened, error, now)
        elif error.code == ErrorCode.SHUTTING_DOWN:
            self._trouble = text_of(error)
        elif error.code == ErrorCode.STORE_FAILED:
            self._trouble = text_of(error)
            if channel and channel.phase is Phase.OPENING:
                channel.unopen(now + OPEN_PAUSE)
            self._on_drop_error(error)
        elif not error.about:
            self._trouble = text_of(error)
        else:
            self._on_drop_error(error)
            if channel:
                self._on_stream_error(channel, error, now)

    def _on_stream_error(self, channel: Channel, error: wire.Error, now: int) -> None:
        if error.code == ErrorCode.UNKNOWN_STREAM and not channel.opened and channel.asked:
            channel.unopen(now)  # a caller without a specification was first; one with it has joined
            return
        reason = error_from(error)
        subject = f"stream '{channel.name}'"
        text = str(reason)
        if not text.startswith(subject):
            text = f"{subject}: {text}"
        if channel.outbound and not channel.outbound.all_durable:
            text += f" ({channel.outbound.kept_rows} rows pushed here were not durable)"
        self._fail(channel, type(reason)(text))

    def _on_drop_error(self, error: wire.Error) -> None:
        for order in self._drops_of(error.about):
            if error.code == ErrorCode.UNKNOWN_STREAM and order.sent > 1:
                order.done = True
            else:
                order.failure = error_from(error)

    def fail(self, message: str) -> None:
        self.failure = errors.Refused(message)

    def _fail(self, channel: Channel, failure: errors.Error) -> None:
        if channel.outbound:
            self.kept_bytes -= channel.outbound.kept_bytes
        channel.phase = Phase.FAILED
        channel.failure = failure
        self._channels.remove(channel)

    def _waited_for(self) -> Sequence[Order]:
        if self._orders:
            self._orders = [each for each in self._orders if not (each.given_up or each.done or each.failure)]
        return self._orders

    def _drops_of(self, name: str) -> list[Order]:
        """That the daemon has been told of."""
        return [
            order
            for order in self._waited_for()
            if isinstance(order.what, wire.Drop) and order.name == name and order.sent > 0
        ]

    def _asked_by(self, request: int) -> list[Order]:
        return [
            order
            for order in self._waited_for()
            if not isinstance(order.what, wire.Drop) and order.what.request == request
        ]

    def _find(self, name: str) -> Channel | None:
        return next((channel for channel in self._channels if channel.name == name), None)

    def _find_id(self, stream_id: int) -> Channel | None:
        of_id = (each for each in self._channels if each.opened and each.opened.stream_id == stream_id)
        return next(of_id, None)

    _HEARD: dict[type, Callable[[Session, Any, int], None]] = {
        wire.Welcome: _on_welcome,
        wire.Opened: _on_opened,
        wire.Ack: _on_ack,
        wire.RowsRejected: _on_rows_rejected,
        wire.Pong: _on_pong,
        wire.Error: _on_error,
        wire.Dropped: _on_dropped,
        wire.RolledBack: _on_answer,
        wire.ModelsChanged: _on_answer,
    }
