"""What can happen to the thread that owns the sockets, and to the callers of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import Daemon

import accrue
from accrue.waiting import Patience

ROWS = np.array([[1.0, 2.0], [2.0, 4.0]])


def opened(client: accrue.Client) -> accrue.Stream:
    return client.stream("s", features=["x"], target="y")


@pytest.mark.filterwarnings("ignore:an accrue client was closed")
def test_a_thread_that_cannot_go_on_says_why(client: accrue.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = opened(client)
    connection = client._core.connection

    def no_files(*_: Any) -> None:
        raise OSError("too many open files")

    monkeypatch.setattr(connection._session, "collect", no_files)
    with pytest.raises(accrue.Refused, match="the connection to accrued cannot go on: too many open files"):
        stream.push(ROWS)
        stream.flush()
    connection._thread.join(60)
    calls: list[Callable[[], object]] = [client.status, stream.flush, lambda: stream.push(ROWS), lambda: opened(client)]
    for call in calls:
        with pytest.raises(accrue.Refused, match="too many open files"):
            call()


def test_a_collector_may_close_a_client_in_its_own_thread(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    client = daemon.client()
    opened(client)
    connection = client._core.connection
    monkeypatch.setattr(connection._session, "receive", lambda *_: client.close())
    with pytest.raises(accrue.Invalid, match="closed"):
        client.drop("s")
    connection._thread.join(60)
    assert not connection._thread.is_alive() and connection._session.failure is None


def test_a_push_that_is_interrupted_half_way_fails_its_stream(
    client: accrue.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = opened(client)
    other = client.stream("other", features=["x"], target="y")
    other.push(ROWS)
    outbound = stream._channel.opened_outbound
    append = outbound.append

    def interrupted(rows: Any, now: int) -> None:
        append(rows[:1], now)
        raise KeyboardInterrupt

    monkeypatch.setattr(outbound, "append", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stream.push(ROWS)
    with pytest.raises(accrue.Refused, match="stream 's': a push was interrupted"):
        stream.push(ROWS)
    assert other.flush().durable_rows == 2
    assert client._core.connection._session.kept_bytes == 0


def test_patience_counts_only_the_time_in_which_it_could_have_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0
    monkeypatch.setattr(time, "monotonic_ns", lambda: now)
    patience = Patience(2.5)
    now += 3_600 * 10**9  # it was stopped, and goes on
    assert not patience.over()
    assert patience.next_look() == now + 10**9
    now += 10**9
    assert not patience.over()
    assert patience.next_look() == now + 5 * 10**8
    now += 5 * 10**8
    assert patience.over()
    assert Patience(0).over() and Patience(-1).over()
