"""What a session is about: streams that are sent to, and orders that are to be carried out. Values of the session's;
the caller locks."""

from __future__ import annotations

import enum
from typing import TypeAlias

from accrue import errors, wire
from accrue.outbound import Outbound
from accrue.spec import StreamSpec


class Phase(enum.Enum):
    UNOPENED = enum.auto()  # Open is to be sent
    OPENING = enum.auto()  # Open is sent
    SETTLING = enum.auto()  # opened; batches of an earlier process under this producer's name are not durable yet
    OPEN = enum.auto()
    FAILED = enum.auto()  # for good; failure says why


class Channel:
    """One stream as this client sends to it."""

    def __init__(self, name: str, asked: StreamSpec | None) -> None:
        self.name = name
        self.asked = asked  # to create it with
        self.phase = Phase.UNOPENED
        self.open_at = 0  # while UNOPENED: not before; while OPENING: again
        self.opened: wire.Opened | None = None  # the first answer; its spec stays
        self.outbound: Outbound | None = None  # once it has been open
        self.failure: errors.Error | None = None

    @property
    def to_be_opened(self) -> bool:
        return self.phase in (Phase.UNOPENED, Phase.OPENING)

    @property
    def opened_outbound(self) -> Outbound:
        """Of a stream that has been open."""
        assert self.outbound
        return self.outbound

    def unopen(self, open_at: int) -> None:
        """Open is to be sent, again perhaps."""
        self.phase = Phase.UNOPENED
        self.open_at = open_at


What: TypeAlias = wire.Drop | wire.Rollback | wire.AddModel | wire.DropModel | wire.PromoteModel


class Order:
    """A stream to be dropped, rolled back or given other models. Nothing is done for one who has given up waiting."""

    def __init__(self, name: str, what: What) -> None:
        self.name = name
        self.what = what
        self.sent = 0  # times; the answer to an earlier one may have been lost
        self.due = True
        self.done = False
        self.given_up = False
        self.failure: errors.Error | None = None
        self.new_epoch = 0  # when it is done; 0 where that was before the answer, and of a Drop
