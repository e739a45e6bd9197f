"""What conversations do not tell of a stream's batches: whatever is lost, each arrives once and in order."""

from __future__ import annotations

import random

import numpy as np
import pytest

from accrue.codec import decode
from accrue.outbound import Outbound
from accrue.sparse import SparseRows
from accrue.spec import StreamSpec
from accrue.wire import BATCH_HEADER_BYTES, Opened

AMPLE = 1_000_000


def opened(accepted: int, durable: int, window: int = AMPLE, spec: StreamSpec | None = None) -> Opened:
    spec = spec or StreamSpec(features=["x"], target="y")
    return Opened(stream="s", stream_id=7, spec=spec, accepted=accepted, durable=durable, window_bytes=window)


def send_all(outbound: Outbound) -> list[int]:
    sequences = []
    while (frame := outbound.next_to_send()) is not None:
        sequences.append(decode(bytes(frame)).sequence)
    return sequences


@pytest.mark.parametrize("seed", range(200))
def test_every_batch_arrives_once_whatever_is_lost(seed: int) -> None:
    """A daemon that loses its memory back to what is durable at any moment, seen from here."""
    chance = random.Random(seed)
    outbound = Outbound(opened(0, 0), 1)
    pushed = accepted = durable = 0
    for _ in range(chance.randrange(40)):
        window = chance.randrange(400)
        step = chance.choice(["push", "send", "commit", "acknowledge", "reopen"])
        if step == "push":
            outbound.append(np.zeros((3, 2)), 0)
            pushed += 3
        elif step == "send":
            for sequence in send_all(outbound):
                assert sequence == accepted + 1
                accepted = sequence
        elif step == "commit":
            durable = accepted
        elif step == "acknowledge":
            outbound.acknowledge(durable, window)
        else:
            accepted = chance.randint(durable, accepted)  # a new connection, perhaps a new daemon
            assert outbound.reopen(opened(accepted, durable, window))[1] == ""
    outbound.acknowledge(durable, 100 * AMPLE)
    for sequence in send_all(outbound):
        assert sequence == accepted + 1
        accepted = sequence
    assert accepted == pushed
    outbound.acknowledge(accepted, AMPLE)
    assert outbound.all_durable and not outbound.outstanding and outbound.kept_bytes == 0


def test_a_batch_of_few_rows_keeps_no_room_for_many() -> None:
    outbound = Outbound(opened(0, 0), 1_000)
    outbound.append(np.zeros((1, 2)), 0)
    outbound.seal()
    frame = outbound.next_to_send()
    assert isinstance(frame, np.ndarray) and frame.base is None
    assert len(frame) == BATCH_HEADER_BYTES + 16


def test_a_sealed_batch_does_not_change() -> None:
    outbound = Outbound(opened(0, 0), 1)
    rows = np.ones((1, 2))
    outbound.append(rows, 0)
    frame = outbound.next_to_send()
    assert frame is not None
    before = bytes(frame)
    rows[:] = 2
    outbound.append(rows, 0)
    assert bytes(frame) == before


@pytest.mark.parametrize("seed", range(50))
def test_sparse_rows_are_cut_alike_one_by_one_and_together(seed: int) -> None:
    chance = np.random.default_rng(seed)
    counts = chance.integers(0, 9, 60)
    rows = SparseRows(
        np.concatenate([np.arange(count) for count in counts]).astype(np.uint32),
        chance.normal(size=counts.sum()),
        np.cumsum(counts).astype(np.uint32),
        chance.normal(size=60),
        chance.normal(size=60) if seed % 2 else None,
    )
    spec = StreamSpec(target="y", dimension=10, weighted=bool(seed % 2))
    one_by_one, together = (Outbound(opened(0, 0, spec=spec), 5, 150) for _ in range(2))
    for i in range(60):
        one_by_one.append(rows[i:i + 1], 0)
    first = 0
    while first < 60:
        some = int(chance.integers(1, 30))
        together.append(rows[first:first + some], 0)
        first += some
    assert one_by_one.kept_bytes == together.kept_bytes
    for outbound in (one_by_one, together):
        outbound.seal()
    while (frame := one_by_one.next_to_send()) is not None:
        other = together.next_to_send()
        assert other is not None and bytes(frame) == bytes(other)
    assert together.next_to_send() is None
