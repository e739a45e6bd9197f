"""The accrue client for asyncio: the methods of accrue.Client and accrue.Stream as coroutines.

    async with accrue.aio.Client() as client:
        homes = await client.stream("homes", features=["rooms", "age"], target="price")
        await homes.push(X, y)
        await homes.flush()

They wait for what the client's one background thread hears, without blocking the loop and without a thread of their
own: any number of tasks may wait at once. Cancelling one leaves everything as a timeout does. What a coroutine does
before it waits, such as copying the rows it was given, it does in the loop's thread.

Threads: a Client and its Streams may be used by the tasks of any loop. Delivery and errors are those of client.py.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any

from accrue.core import ClientCore, StreamCore
from accrue.results import Coefficients, FlushReport, KeptEpochs, Metrics, Models, Prediction, Status
from accrue.spec import Model
from accrue.tables import Extras
from accrue.waiting import Answer, Steps


class Stream(StreamCore):
    """A handle of a stream, made by Client.stream()."""

    async def push(
        self, X: Any, y: Any = None, *, weight: Any = None, key: Any = None, time: Any = None, id: Any = None
    ) -> None:
        await self._run(self._push(X, y, Extras(weight, key, time, id)))

    async def push_features(self, id: Any, X: Any, *, weight: Any = None, key: Any = None, time: Any = None) -> None:
        await self._run(self._push_features(X, Extras(weight, key, time, id)))

    async def push_label(self, id: Any, y: Any, *, weight: Any = None, key: Any = None, time: Any = None) -> None:
        await self._run(self._push_label(y, Extras(weight, key, time, id)))

    async def flush(self, timeout: float | None = None) -> FlushReport:
        return await self._run(self._flush(timeout))

    async def predict(
        self, X: Any, *, epoch: int | None = None, model: str = "", interval: float | None = None, key: Any = None
    ) -> Prediction:
        return await self._run(self._core.predict(self.name, self._spec, X, epoch, model, interval, key))

    async def coef(self, epoch: int | None = None, model: str = "") -> Coefficients:
        return await self._run(self._core.coef(self.name, epoch, model))

    async def metrics(self, model: str = "") -> Metrics:
        return await self._run(self._core.metrics(self.name, model))

    async def models(self) -> Models:
        return await self._run(self._core.models(self.name))

    async def epochs(self) -> KeptEpochs:
        return await self._run(self._core.epochs(self.name))

    async def history(self, model: str = "", span: str = "last_1000", from_epoch: int = 0) -> Any:
        return await self._run(self._core.history(self.name, model, span, from_epoch))

    async def _run(self, steps: Steps[Answer]) -> Answer:
        return await self._core.connection.run_async(steps)


class Client(ClientCore):
    """A connection to accrued, for any number of streams."""

    _ASYNCHRONOUS = True

    async def stream(self, name: str, **spec: Any) -> Stream:
        """As accrue.Client.stream(), with the same arguments."""
        return await self._run(self._stream(Stream, name, spec))

    async def drop(self, name: str) -> None:
        await self._run(self._core.drop(name))

    async def rollback(self, name: str, epoch: int) -> int:
        return await self._run(self._core.rollback(name, epoch))

    async def add_model(self, stream: str, model: Model) -> None:
        await self._run(self._core.add_model(stream, model))

    async def drop_model(self, stream: str, name: str) -> None:
        await self._run(self._core.drop_model(stream, name))

    async def promote_model(self, stream: str, name: str) -> None:
        await self._run(self._core.promote_model(stream, name))

    async def status(self) -> Status:
        return await self._run(self._core.status())

    async def predict(
        self,
        stream: str,
        X: Any,
        *,
        epoch: int | None = None,
        model: str = "",
        interval: float | None = None,
        key: Any = None,
    ) -> Prediction:
        return await self._run(self._core.predict_unopened(stream, X, epoch, model, interval, key))

    async def coef(self, stream: str, epoch: int | None = None, model: str = "") -> Coefficients:
        return await self._run(self._core.coef(stream, epoch, model))

    async def metrics(self, stream: str, model: str = "") -> Metrics:
        return await self._run(self._core.metrics(stream, model))

    async def models(self, stream: str) -> Models:
        return await self._run(self._core.models(stream))

    async def epochs(self, stream: str) -> KeptEpochs:
        return await self._run(self._core.epochs(stream))

    async def history(self, stream: str, model: str = "", span: str = "last_1000", from_epoch: int = 0) -> Any:
        return await self._run(self._core.history(stream, model, span, from_epoch))

    async def close(self) -> None:
        """As accrue.Client.close(); takes a tenth of a second at most."""
        self._core.close()

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, steps: Steps[Answer]) -> Answer:
        return await self._core.connection.run_async(steps)
