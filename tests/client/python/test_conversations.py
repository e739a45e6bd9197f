"""tests/golden/conversation: what a session says and does, step by step. The C++ client follows the same files
(tests/client/conversation_test.cpp, which says what a step may be), so the two batch, acknowledge, send again and give
credit alike, to the byte.
"""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accrue import errors, wire
from accrue.channel import Channel, Order, Phase
from accrue.codec import decode
from accrue.session import AT_ONCE, MS, NEVER, Options, Session
from accrue.sparse import SparseRows
from accrue.spec import Model, PartitionBy, StreamSpec
from accrue.wire import Frame

GOLDEN = Path(__file__).parents[2] / "golden" / "conversation"
START = 3_600_000 * MS


class Conversation:
    def __init__(self, told: dict[str, Any]) -> None:
        options = told["options"]
        self.session = Session(
            Options(
                endpoint="tcp://here:1",
                producer=options["producer"],
                ephemeral=options["ephemeral"],
                batch_rows=options["batch_rows"],
                batch_linger=options["batch_linger_ms"] * MS,
            )
        )
        self.now = START
        self.channels: dict[str, Channel] = {}
        self.orders: dict[str, Order] = {}
        self.flushes: dict[str, int] = {}

    def follow(self, step: dict[str, Any]) -> None:
        step = dict(step)
        self.now = START + step.pop("at_ms", (self.now - START) // MS) * MS
        verb = next(iter(step))
        getattr(self, verb)(**step) if verb == "do" else getattr(self, verb)(step[verb])

    # ---- what is done ----

    def do(self, do: str, stream: str = "", name: str = "", **more: Any) -> None:
        if do == "open":
            self.open(stream, **more)
        elif do in ("push", "push_sparse"):
            rows = dense(**more) if do == "push" else sparse(**more)
            self.session.append(self.channels[stream], rows, self.now)
        elif do == "flush":
            outbound = self.channels[stream].outbound
            assert outbound
            self.flushes[stream] = outbound.request_flush()
        elif do == "give_up":
            self.orders[name].given_up = True
        elif do == "restart":
            self.session.restart(self.now)
        elif do == "ping_now":
            self.session.ping_now()
        else:
            self.orders[name] = self.session.order(stream, order_of(do, stream, **more))

    def open(self, stream: str, spec: dict[str, Any] | None = None, refused: dict[str, str] | None = None) -> None:
        try:
            self.channels[stream] = self.session.open(stream, spec_of(spec) if spec is not None else None)
        except errors.Error as error:
            assert described(error) == refused
        else:
            assert refused is None

    def hears(self, frame: str) -> None:
        self.session.receive(bytes_of(frame), self.now)

    # ---- what is to be seen ----

    def says(self, frames: list[str]) -> None:
        said: deque[Frame] = deque()
        self.session.collect(self.now, said)
        assert [text_of(frame) for frame in said] == frames

    def goodbye(self, frame: str | None) -> None:
        said = self.session.goodbye()
        assert (None if said is None else text_of(said)) == frame

    def deadline_ms(self, deadline: int | str) -> None:
        named = {NEVER: "never", AT_ONCE: "at once"}
        assert named.get(self.session.deadline(), (self.session.deadline() - START) / MS) == deadline

    def lost(self, lost: bool) -> None:
        assert self.session.lost(self.now) == lost

    def open_streams(self, streams: list[str]) -> None:
        assert sorted(name for name, each in self.channels.items() if each.phase is Phase.OPEN) == streams

    def reports(self, reports: dict[str, dict[str, Any]]) -> None:
        for stream, report in reports.items():
            outbound = self.channels[stream].outbound
            assert outbound
            assert vars(outbound.report) == report

    def flushed(self, flushed: dict[str, bool]) -> None:
        for stream, durable in flushed.items():
            outbound = self.channels[stream].outbound
            assert outbound and outbound.is_durable(self.flushes[stream]) == durable

    def kept_bytes(self, kept: int) -> None:
        assert self.session.kept_bytes == kept

    def done(self, done: dict[str, int]) -> None:
        assert {name: order.new_epoch for name, order in self.orders.items() if order.done} == done

    def failures(self, failures: dict[str, dict[str, str]]) -> None:
        failed: dict[str, Any] = {**self.channels, **self.orders, "session": self.session}
        assert {name: described(each.failure) for name, each in failed.items() if each.failure} == failures

    def trouble(self, trouble: str) -> None:
        assert self.session.trouble == trouble


def bytes_of(text: str) -> bytes:
    name, frame = text.split(" ", 1)
    assert type(decode(bytes.fromhex(frame))).__name__ == name or name == "Unreadable"
    return bytes.fromhex(frame)


def text_of(frame: Frame) -> str:
    return f"{type(decode(bytes(frame))).__name__} {bytes(frame).hex(' ')}"


def described(error: errors.Error) -> dict[str, str]:
    return {"kind": type(error).__name__, "text": str(error)}


def dense(rows: list[list[float]], type: str) -> wire.Rows:
    return np.array(rows, type)


def sparse(rows: list[dict[str, Any]]) -> SparseRows:
    return SparseRows(
        np.concatenate([np.array(row["columns"], np.uint32) for row in rows]),
        np.concatenate([np.array(row["values"], np.float64) for row in rows]),
        np.cumsum([len(row["values"]) for row in rows]).astype(np.uint32),
        np.array([row["target"] for row in rows], np.float64),
        np.array([row["weight"] for row in rows], np.float64) if "weight" in rows[0] else None,
    )


def spec_of(told: dict[str, Any]) -> StreamSpec:
    told = dict(told)
    told["partition_by"] = PartitionBy.named(told.get("partition_by", "round_robin"))
    told["models"] = [Model(**model) for model in told.get("models", [])]
    return StreamSpec(**told)


def order_of(do: str, stream: str, epoch: int = 0, model: Any = "") -> Any:
    if do == "drop":
        return wire.Drop(stream=stream)
    if do == "rollback":
        return wire.Rollback(stream=stream, epoch=epoch)
    if do == "add_model":
        return wire.AddModel(stream=stream, model=Model(**model))
    if do == "drop_model":
        return wire.DropModel(stream=stream, model=model)
    assert do == "promote_model"
    return wire.PromoteModel(stream=stream, model=model)


def test_there_are_conversations() -> None:
    assert len(list(GOLDEN.glob("*.json"))) >= 15


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.json")))
def test_the_session_follows(name: str) -> None:
    path = GOLDEN / f"{name}.json"
    told = json.loads(path.read_text())
    conversation = Conversation(told)
    for number, step in enumerate(told["steps"], 1):
        try:
            conversation.follow(step)
        except AssertionError as error:
            raise AssertionError(f"{path.name}, step {number}, {json.dumps(step)[:200]}: {error}") from None
