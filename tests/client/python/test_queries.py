"""Questions with the clock in hand: when each is asked, and whose an answer is."""

from __future__ import annotations

from collections import deque

from accrue import errors, results, wire
from accrue.codec import decode, encode
from accrue.queries import ASK_AGAIN, Question, Questions, query_endpoint
from accrue.wire import ErrorCode, Frame


def ask(questions: Questions, name: str = "s") -> Question:
    return questions.ask(lambda request: encode(wire.GetModels(request=request, stream=name)))


def asked(questions: Questions, now: int, most: int = 1_000) -> list[int]:
    frames: deque[Frame] = deque()
    questions.collect(now, most, frames)
    return [decode(bytes(frame)).request for frame in frames]


def answer(questions: Questions, request: int) -> None:
    questions.receive(encode(results.Models(epoch=request, models=[]), request=request))


def test_each_answer_is_that_of_its_question() -> None:
    questions = Questions()
    first, second = ask(questions), ask(questions)
    assert asked(questions, 0) == [1, 2]
    answer(questions, 2)
    assert first.answer is None and second.answer == results.Models(epoch=2, models=[])
    answer(questions, 7)  # to one that nobody has asked
    answer(questions, 2)  # again
    questions.receive(encode(wire.Error(request=1, code=ErrorCode.NO_MODEL_YET, text="none")))
    assert isinstance(first.failure, errors.NoModelYet)
    assert len(questions) == 0


def test_a_question_is_asked_again_every_second_and_on_a_new_connection_at_once() -> None:
    questions = Questions()
    ask(questions)
    assert asked(questions, 0) == [1]
    assert questions.deadline() == ASK_AGAIN
    assert asked(questions, ASK_AGAIN - 1) == []
    assert asked(questions, ASK_AGAIN) == [1]
    questions.restart()
    assert asked(questions, ASK_AGAIN + 1) == [1]


def test_it_is_told_that_the_daemon_is_silent() -> None:
    questions = Questions()
    ask(questions)
    frames: deque[Frame] = deque()
    assert not questions.collect(0, 1_000, frames)
    assert questions.collect(ASK_AGAIN, 1_000, frames), "asked again"
    assert questions.collect(2 * ASK_AGAIN, 1_000, frames) and not questions.silent
    assert questions.collect(3 * ASK_AGAIN, 1_000, frames) and questions.silent
    questions.restart()
    assert not questions.silent


def test_one_that_is_given_up_is_not_asked_any_more() -> None:
    questions = Questions()
    given_up, other = ask(questions), ask(questions)
    questions.give_up(given_up)
    assert asked(questions, 0) == [2]
    answer(questions, 1)
    assert given_up.answer is None and other.answer is None


def test_one_that_is_larger_than_the_daemon_takes_fails_alone() -> None:
    questions = Questions()
    long, short = ask(questions, "s" * 100), ask(questions)
    assert asked(questions, 0, most=100) == [2]
    assert str(long.failure) == "a question of 106 bytes is more than the 100 that the daemon takes: ask in parts"
    assert short.failure is None


def test_a_daemon_that_is_stopping_is_waited_out() -> None:
    questions = Questions()
    question = ask(questions)
    asked(questions, 0)
    questions.receive(encode(wire.Error(request=1, code=ErrorCode.SHUTTING_DOWN)))
    assert question.failure is None and asked(questions, ASK_AGAIN) == [1]


def test_what_cannot_be_read_or_was_not_fails_all() -> None:
    questions = Questions()
    for frame, reason in (
        (b"\xc1", "the daemon's answer cannot be read: not a well-formed"),
        (encode(wire.Error(request=0, code=ErrorCode.MALFORMED, text="what?")), "what?"),
    ):
        both = ask(questions), ask(questions)
        questions.receive(frame)
        assert all(str(each.failure).startswith(reason) for each in both)


def test_only_the_port_of_a_query_endpoint_counts_over_tcp() -> None:
    assert query_endpoint("tcp://there:7700", "tcp://0.0.0.0:7701") == "tcp://there:7701"
    assert query_endpoint("tcp://[::1]:7700", "tcp://*:7701") == "tcp://[::1]:7701"
    assert query_endpoint("ipc:///a", "ipc:///b") == "ipc:///b"
