"""Questions to the daemon's query socket. A question is idempotent: it is asked again every second until its answer
comes, and answers to those that nobody waits for are passed over. Any number may be on their way at once.

Questions knows which are to be asked now, and what their answers mean; it has no socket, no thread, no clock, as
session.py. QueryChannel asks them over a socket.

Errors: a question that is refused, or too large, fails alone. An answer that cannot be read fails all.

Threads: none of their own; the caller locks.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import zmq

from accrue import errors, wire
from accrue.codec import Unreadable, decode_answer
from accrue.refusals import error_from
from accrue.session import MS, NEVER
from accrue.sockets import Dealer
from accrue.wire import ErrorCode, Frame

ASK_AGAIN = 1_000 * MS
SILENT_ATTEMPTS = 3  # unanswered in a row: the connection is dead


class Question:
    def __init__(self, frame: bytes) -> None:
        self.frame = frame
        self.ask_at = 0  # not before
        self.attempts = 0
        self.answer: Any = None
        self.failure: errors.Error | None = None


class Questions:
    def __init__(self) -> None:
        self._waited_for: dict[int, Question] = {}
        self._last_request = 0
        self.silent = False  # to be asked on a new connection; unheard since SILENT_ATTEMPTS

    def ask(self, framed: Callable[[int], bytes]) -> Question:
        """`framed` makes the frame of the question from its number."""
        self._last_request += 1
        question = Question(framed(self._last_request))
        self._waited_for[self._last_request] = question
        return question

    def give_up(self, question: Question) -> None:
        self._waited_for = {number: each for number, each in self._waited_for.items() if each is not question}

    def __len__(self) -> int:
        return len(self._waited_for)

    def restart(self) -> None:
        """On a new connection."""
        self.silent = False
        for question in self._waited_for.values():
            question.ask_at = 0

    def collect(self, now: int, max_message_bytes: int, frames: deque[Frame]) -> bool:
        """Appends what is to be asked by now. True when some is asked again: the daemon may have gone."""
        again = False
        for number, question in list(self._waited_for.items()):
            size = len(question.frame)
            if size > max_message_bytes:
                text = f"a question of {size} bytes is more than the {max_message_bytes} that the daemon takes"
                self._settle(number, failure=errors.Invalid(f"{text}: ask in parts"))
            elif now >= question.ask_at:
                again = again or question.attempts > 0
                self.silent = self.silent or (question.attempts > 0 and question.attempts % SILENT_ATTEMPTS == 0)
                frames.append(question.frame)
                question.attempts += 1
                question.ask_at = now + ASK_AGAIN
        return again

    def deadline(self) -> int:
        return min((question.ask_at for question in self._waited_for.values()), default=NEVER)

    def receive(self, frame: bytes) -> None:
        try:
            request, answer = decode_answer(frame)
        except Unreadable as problem:
            self._fail_all(errors.Refused(f"the daemon's answer cannot be read: {problem}"))
            return
        if not isinstance(answer, wire.Error):
            self._settle(request, answer=answer)
        elif answer.code == ErrorCode.SHUTTING_DOWN:
            pass  # the next daemon will answer
        elif request == 0:  # it could not be read that far
            self._fail_all(error_from(answer))
        else:
            self._settle(request, failure=error_from(answer))

    def _settle(self, request: int, answer: Any = None, failure: errors.Error | None = None) -> None:
        question = self._waited_for.pop(request, None)
        if question:
            question.answer = answer
            question.failure = failure

    def _fail_all(self, failure: errors.Error) -> None:
        for request in list(self._waited_for):
            self._settle(request, failure=failure)


class QueryChannel:
    def __init__(self, context: zmq.Context[Any], endpoint: str) -> None:
        """For a daemon that listens at `endpoint`."""
        self.questions = Questions()
        self.dealer: Dealer | None = None
        self._context = context
        self._endpoint = endpoint
        self._greeting = 0  # the one that named the socket's peer

    def ask(self, now: int, welcome: wire.Welcome, greeting: int) -> tuple[Dealer, bool]:
        """Asks what is to be asked by now of the daemon that said `welcome`, its greeting of that number. Returns the
        socket; and whether something is asked again, as the daemon may have gone."""
        if not self.dealer or self._greeting != greeting or self.questions.silent:
            self.close()
            self.dealer = Dealer(self._context, query_endpoint(self._endpoint, welcome.query_endpoint))
            self._greeting = greeting
            self.questions.restart()
        frames: deque[Frame] = deque()
        again = self.questions.collect(now, welcome.max_message_bytes, frames)
        self.dealer.send(frames)
        return self.dealer, again

    def receive(self) -> bool:
        """Whether anything came."""
        frames = self.dealer.receive() if self.dealer else []
        for frame in frames:
            self.questions.receive(frame)
        return bool(frames)

    def close(self) -> None:
        if self.dealer:
            self.dealer.close()
        self.dealer = None


def query_endpoint(endpoint: str, named: str) -> str:
    """Where a daemon at `endpoint` answers queries that says it is at `named`: for tcp only the port counts."""
    if not (endpoint.startswith("tcp://") and named.startswith("tcp://")):
        return named
    return endpoint.rpartition(":")[0] + ":" + named.rpartition(":")[2]
