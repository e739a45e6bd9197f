"""The accrue client: push rows to a stream, wait until they are durable, ask for predictions.

    client = accrue.Client()                                        # tcp://127.0.0.1:7700, or $ACCRUE_ENDPOINT
    homes = client.stream("homes", features=["rooms", "age"], target="price")
    homes.push(X, y)                                                # batched and sent in the background
    homes.flush()                                                   # returns when every row is durable
    homes.predict(X).values

Delivery: a row that flush() reported durable is in the model exactly once, whatever crashed meanwhile. The client keeps
every batch until the daemon has it on disk, reconnects by itself and sends again what was not acknowledged. What is
lost: rows that were pushed but not yet durable when the client is closed, or the pushing process dies.

Threads: Client and Stream may be used from any number of threads at once. Rows pushed by one thread keep their order. A
Stream keeps what it needs of its Client alive. A process that was forked makes a Client of its own.

Errors: accrue.Error. A timeout leaves everything as it was: rows that were taken are still queued, rows that were not
are not, and the call may be made again. When a stream cannot go on without losing rows (it was dropped or rolled back,
an old store was restored), every push and flush of it raises from then on; Client.stream() opens it anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from accrue.core import ClientCore, StreamCore
from accrue.display import client_html, stream_html
from accrue.results import Coefficients, FlushReport, KeptEpochs, Metrics, Models, Prediction, Status
from accrue.spec import Model, PartitionBy
from accrue.tables import Extras
from accrue.waiting import Answer, Steps


class Stream(StreamCore):
    """A handle of a stream, made by Client.stream()."""

    def push(
        self, X: Any, y: Any = None, *, weight: Any = None, key: Any = None, time: Any = None, id: Any = None
    ) -> None:
        """Takes rows to be learned: all or, on an error, none. Waits while the credit is used up.

        X: rows by features: an array, lists, a pandas or polars frame, an Arrow table, a mapping from name to column;
            or one row. Columns with names are found by these. NaN is a value that is missing. Of a stream with a
            dimension: a scipy.sparse matrix, or SparseRows.
        y: the targets. None: they are in X, in a column of the target's name, or as whole rows (`columns`).
        weight, key, time, id: what else a row of this stream has, a value a row or one for all; None: in X, by the
            names of the columns. The weight is 1 unless it is given.

        float 32 is sent as it is where X and all else is: in half the bytes, and learned as the float 64 that it is.
        """
        self._run(self._push(X, y, Extras(weight, key, time, id)))

    def push_features(self, id: Any, X: Any, *, weight: Any = None, key: Any = None, time: Any = None) -> None:
        """Of a stream with an id, whole numbers up to 2^53: the features of rows now, and their targets when they are
        known.

        The models are scored by what they predicted of the features when these came, and learn the row when its target
        does. A target that comes too late, or before its features, is counted (Client.status) and not learned; so are
        features of an id that waits already.
        """
        self._run(self._push_features(X, Extras(weight, key, time, id)))

    def push_label(self, id: Any, y: Any, *, weight: Any = None, key: Any = None, time: Any = None) -> None:
        """The targets of features that were pushed before."""
        self._run(self._push_label(y, Extras(weight, key, time, id)))

    def flush(self, timeout: float | None = None) -> FlushReport:
        """Sends what is gathered and returns when all that was pushed before is durable."""
        return self._run(self._flush(timeout))

    def predict(
        self, X: Any, *, epoch: int | None = None, model: str = "", interval: float | None = None, key: Any = None
    ) -> Prediction:
        """One prediction a row, from the newest epoch, or from one that is kept; by the champion, or by the model that
        is named; with intervals where their level is given, such as 0.95. The key is for a model that groups by it."""
        return self._run(self._core.predict(self.name, self._spec, X, epoch, model, interval, key))

    def coef(self, epoch: int | None = None, model: str = "") -> Coefficients:
        return self._run(self._core.coef(self.name, epoch, model))

    def metrics(self, model: str = "") -> Metrics:
        return self._run(self._core.metrics(self.name, model))

    def models(self) -> Models:
        return self._run(self._core.models(self.name))

    def epochs(self) -> KeptEpochs:
        """The epochs that the daemon keeps, of which predict() and coef() may ask."""
        return self._run(self._core.epochs(self.name))

    def history(self, model: str = "", span: str = "last_1000", from_epoch: int = 0) -> Any:
        """How the errors went, an epoch a row, oldest first: a pandas frame, or without pandas a structured array.

        span: of what rows: lifetime, epoch, last_1000, last_10000 or last_100000.
        """
        return self._run(self._core.history(self.name, model, span, from_epoch))

    def _repr_html_(self) -> str:
        return stream_html(self)

    def _run(self, steps: Steps[Answer]) -> Answer:
        return self._core.connection.run(steps)


class Client(ClientCore):
    """A connection to accrued, for any number of streams."""

    _ASYNCHRONOUS = False

    def stream(
        self,
        name: str,
        *,
        features: Sequence[str] = (),
        target: str = "target",
        weighted: bool = False,
        key: str = "",
        intercept: bool = True,
        ridge: float = 0.0,
        partitions: int = 1,
        partition_by: str | PartitionBy = "round_robin",
        partition_seed: int = 0,
        partition_weights: Sequence[float] = (),
        partition_cuts: Sequence[float] = (),
        partition_window_s: float = 0.0,
        time: str = "",
        models: Sequence[Model] = (),
        id: str = "",
        label_ttl_rows: int = 100_000,
        label_ttl_s: float = 0.0,
        dimension: int = 0,
    ) -> Stream:
        """Creates the stream, or opens it if it is the same; with the name alone, it must exist. StreamSpec says what
        each of its properties is."""
        given = {name: value for name, value in locals().items() if name not in ("self", "name")}
        return self._run(self._stream(Stream, name, given))

    def drop(self, name: str) -> None:
        """Deletes the stream and all it has learned."""
        self._run(self._core.drop(name))

    def rollback(self, name: str, epoch: int) -> int:
        """Makes the stream what it was at an epoch that is kept, for everybody, and returns the number of the new
        epoch, which is a copy of that one and durable.

        What was learned since is undone, also what was reported durable. Every Stream that was open, here too, raises
        RolledBack from then on. Whoever pushed to it decides: open it again and push new rows, or also, once more,
        those that came after the epoch. After a timeout it may have happened; another call does no harm.
        """
        return self._run(self._core.rollback(name, epoch))

    def add_model(self, stream: str, model: Model) -> None:
        """Lets one more model learn the rows from now on; returns when that is durable. So do the next two. After a
        timeout it may have happened."""
        self._run(self._core.add_model(stream, model))

    def drop_model(self, stream: str, name: str) -> None:
        """Removes a model, which is not the champion."""
        self._run(self._core.drop_model(stream, name))

    def promote_model(self, stream: str, name: str) -> None:
        """Makes a model the champion."""
        self._run(self._core.promote_model(stream, name))

    def status(self) -> Status:
        return self._run(self._core.status())

    # ---- without opening the stream for pushing: as Stream has them ----

    def predict(
        self,
        stream: str,
        X: Any,
        *,
        epoch: int | None = None,
        model: str = "",
        interval: float | None = None,
        key: Any = None,
    ) -> Prediction:
        return self._run(self._core.predict_unopened(stream, X, epoch, model, interval, key))

    def coef(self, stream: str, epoch: int | None = None, model: str = "") -> Coefficients:
        return self._run(self._core.coef(stream, epoch, model))

    def metrics(self, stream: str, model: str = "") -> Metrics:
        return self._run(self._core.metrics(stream, model))

    def models(self, stream: str) -> Models:
        return self._run(self._core.models(stream))

    def epochs(self, stream: str) -> KeptEpochs:
        return self._run(self._core.epochs(stream))

    def history(self, stream: str, model: str = "", span: str = "last_1000", from_epoch: int = 0) -> Any:
        return self._run(self._core.history(stream, model, span, from_epoch))

    def close(self) -> None:
        """Does not wait: flush() what must be durable first. Its streams are of no use any more."""
        self._core.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _repr_html_(self) -> str:
        return client_html(self)

    def _run(self, steps: Steps[Answer]) -> Answer:
        return self._core.connection.run(steps)
