"""The same client in an event loop: tasks wait side by side, and the loop goes on."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from conftest import Daemon

import accrue
import accrue.aio

X = np.random.default_rng(7).normal(size=(500, 2))
Y = X @ [2.0, -3.0] + 1.5

Body = Callable[[accrue.aio.Client, accrue.aio.Stream], Coroutine[Any, Any, None]]


@asynccontextmanager
async def opened(daemon: Daemon, **options: Any) -> AsyncIterator[tuple[accrue.aio.Client, accrue.aio.Stream]]:
    async with accrue.aio.Client(daemon.endpoint, timeout=60.0, **options) as client:
        yield client, await client.stream("homes", features=["rooms", "age"], target="price")


def run(daemon: Daemon, body: Body, **options: Any) -> None:
    async def main() -> None:
        async with opened(daemon, **options) as (client, stream):
            await body(client, stream)

    asyncio.run(main())


def test_it_has_every_method_of_the_other() -> None:
    for ours, theirs in ((accrue.aio.Client, accrue.Client), (accrue.aio.Stream, accrue.Stream)):
        for name, method in inspect.getmembers(theirs, inspect.isfunction):
            if name.startswith("_"):
                continue
            same = getattr(ours, name)
            waits = name not in ("progress", "try_push")
            assert inspect.iscoroutinefunction(same) == waits, name
            if name != "stream":  # whose arguments are passed on
                assert list(inspect.signature(same).parameters) == list(inspect.signature(method).parameters)


def test_what_is_pushed_is_learned(daemon: Daemon) -> None:
    async def body(client: accrue.aio.Client, stream: accrue.aio.Stream) -> None:
        await asyncio.gather(*(stream.push(X[i:i + 50], Y[i:i + 50]) for i in range(0, 500, 50)))
        assert await stream.flush() == accrue.FlushReport(durable_rows=500)
        assert stream.progress().durable_rows == 500
        predictions = await asyncio.gather(*(stream.predict(X[i:i + 1]) for i in range(200)))
        np.testing.assert_allclose(np.concatenate(predictions), Y[:200], atol=1e-9)
        np.testing.assert_allclose((await stream.coef()).values, [2, -3])
        assert (await stream.metrics()).rows == (await client.status()).streams[0].rows == 500
        await client.add_model("homes", accrue.Model("other", ridge=1))
        await client.promote_model("homes", "other")
        await client.drop_model("homes", "least_squares")
        assert (await client.models("homes")).champion.name == "other"
        epoch = (await stream.epochs())[0].epoch
        assert await client.rollback("homes", epoch) > epoch
        with pytest.raises(accrue.RolledBack):
            await stream.flush()
            await stream.push(X, Y)
            await stream.flush()
        await client.drop("homes")
        with pytest.raises(accrue.UnknownStream):
            await client.coef("homes")

    run(daemon, body)


def test_the_loop_goes_on_while_any_number_of_tasks_wait(daemon: Daemon) -> None:
    async def body(client: accrue.aio.Client, stream: accrue.aio.Stream) -> None:
        threads = threading.active_count()
        daemon.stop()
        await stream.push(X, Y)
        flushes = [asyncio.create_task(stream.flush()) for _ in range(200)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in flushes)
        assert threading.active_count() == threads
        daemon.go_on()
        assert all(report.durable_rows == 500 for report in await asyncio.gather(*flushes))

    run(daemon, body)


def test_a_wait_that_is_cancelled_leaves_everything_as_a_timeout_does(daemon: Daemon) -> None:
    async def body(client: accrue.aio.Client, stream: accrue.aio.Stream) -> None:
        daemon.stop()
        await stream.push(X, Y)
        waits = [
            asyncio.create_task(each) for each in (stream.flush(), client.rollback("homes", 10**9), client.status())
        ]
        await asyncio.sleep(0)
        for task in waits:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        connection = client._core.connection
        assert all(order.given_up for order in connection._session._orders)
        assert len(connection._queries.questions) == 0
        with pytest.raises(accrue.Timeout, match="not durable after 0.01 s"):
            await stream.flush(timeout=0.01)
        daemon.go_on()
        assert (await stream.flush()).durable_rows == 500

    run(daemon, body)


def test_pushes_wait_for_credit(daemon: Daemon) -> None:
    rows = np.zeros((10_000, 3))

    async def body(client: accrue.aio.Client, stream: accrue.aio.Stream) -> None:
        await asyncio.gather(*(stream.push(rows) for _ in range(20)))
        assert (await stream.flush()).durable_rows == 200_000

    run(daemon, body, max_unacknowledged_mb=1)


def test_one_client_serves_loops_that_come_and_go(daemon: Daemon) -> None:
    client = accrue.aio.Client(daemon.endpoint, timeout=60)

    async def learn(rows: int) -> None:
        stream = await client.stream("homes", features=["rooms", "age"], target="price")
        await stream.push(X[:rows], Y[:rows])
        await stream.flush()

    async def leave() -> None:
        asyncio.create_task(client.status())  # noqa: RUF006
        await asyncio.sleep(0)

    asyncio.run(learn(10))
    asyncio.run(leave())
    asyncio.run(learn(20))

    async def end() -> None:
        assert (await client.status()).streams[0].rows == 30
        await client.close()

    asyncio.run(end())
