"""What can go wrong, one class a kind. The message says what happened and what to do."""

from __future__ import annotations


class Error(Exception):
    """Of everything that accrue raises by itself."""

    def again(self) -> Error:
        """A copy to be raised: an exception that several callers raise would gather all their tracebacks."""
        return type(self)(*self.args)


class Timeout(Error, TimeoutError):
    """No answer in time. Everything is as it was, and the call may be made again."""


class Invalid(Error, ValueError):
    """The arguments are at fault: sizes, names, types, the endpoint."""


class UnknownStream(Error):
    """There is no such stream."""


class SpecMismatch(Error):
    """The stream exists with another specification."""


class NoModelYet(Error):
    """The stream has not learned a row yet."""


class UnknownEpoch(Error):
    """The epoch asked for is not kept; the message says which are."""


class UnknownModel(Error):
    """The stream has no model of that name; the message says which it has."""


class RolledBack(Error):
    """The stream was rolled back: open it again, and push what is to be learned from there."""


class Refused(Error):
    """The daemon refused, for a reason it gave; or this client cannot go on with it."""
