"""What a client and its streams do, whether their callers wait in a thread (client.py) or in an event loop (aio.py): as
Steps (connection.py), which those two run.

Threads: any. Errors: accrue.Error.
"""

from __future__ import annotations

import os
import uuid
import weakref
from collections.abc import Callable
from dataclasses import fields
from typing import Any, ClassVar, TypeVar

import numpy as np

from accrue import wire
from accrue.channel import Channel
from accrue.codec import encode
from accrue.connection import Connection, ConnectionOptions
from accrue.errors import Invalid, Refused, UnknownStream
from accrue.results import Coefficients, FlushReport, History, KeptEpochs, Metrics, Models, Prediction, Status
from accrue.session import MS, Options
from accrue.sparse import SparseRows
from accrue.spec import MAX_NAME_BYTES, Model, PartitionBy, StreamSpec, require_sendable, require_stream_name
from accrue.tables import Extras, rows_to_predict, rows_to_push
from accrue.waiting import Answer, Steps

_MOST_MEBIBYTES = 1_048_576

Question = TypeVar(
    "Question", wire.GetCoef, wire.GetMetrics, wire.GetStatus, wire.GetEpochs, wire.GetModels, wire.GetHistory
)


def default_endpoint() -> str:
    """$ACCRUE_ENDPOINT if set, else tcp://127.0.0.1:7700."""
    return os.environ.get("ACCRUE_ENDPOINT") or "tcp://127.0.0.1:7700"


def _require(good: bool, otherwise: str) -> None:
    if not good:
        raise Invalid(otherwise)


class Core:
    """What a client and its streams share. The last of them closes the connection."""

    def __init__(
        self,
        endpoint: str | None,
        producer: str | None,
        batch_rows: int,
        batch_linger_ms: float,
        max_unacknowledged_mb: int,
        timeout: float,
        asynchronous: bool,
    ) -> None:
        _require(batch_rows > 0, "batch_rows must be at least 1")
        _require(batch_linger_ms >= 0, "batch_linger_ms must be at least 0")
        _require(0 < max_unacknowledged_mb <= _MOST_MEBIBYTES, "max_unacknowledged_mb must be 1 to 1048576")
        _require(len((producer or "").encode()) <= MAX_NAME_BYTES, "the producer's name is longer than 128 bytes")
        session = Options(
            endpoint=endpoint or default_endpoint(),
            producer=producer or f"client-{uuid.uuid4().hex}",
            ephemeral=not producer,
            batch_rows=batch_rows,
            batch_linger=int(batch_linger_ms * MS),
        )
        self.endpoint = session.endpoint
        self.connection = Connection(ConnectionOptions(session, timeout, max_unacknowledged_mb, asynchronous))
        self.close = weakref.finalize(self, self.connection.close)
        self._specs: dict[str, StreamSpec] = {}  # of streams that were not opened here

    # ---- streams ----

    def open(self, name: str, spec: StreamSpec | None) -> Steps[Channel]:
        require_stream_name(name)
        if spec:
            require_sendable(spec)
        return self.connection.open(name, spec)

    def drop(self, name: str) -> Steps[Any]:
        require_stream_name(name)
        return self.connection.order(name, wire.Drop(stream=name), "dropped")

    def rollback(self, name: str, epoch: int) -> Steps[int]:
        require_stream_name(name)
        return self.connection.order(name, wire.Rollback(stream=name, epoch=epoch), "rolled back")

    def add_model(self, name: str, model: Model) -> Steps[int]:
        require_stream_name(name)
        return self.connection.order(name, wire.AddModel(stream=name, model=model), f"given the model '{model.name}'")

    def drop_model(self, name: str, model: str) -> Steps[int]:
        require_stream_name(name)
        return self.connection.order(name, wire.DropModel(stream=name, model=model), f"rid of the model '{model}'")

    def promote_model(self, name: str, model: str) -> Steps[int]:
        require_stream_name(name)
        what = wire.PromoteModel(stream=name, model=model)
        return self.connection.order(name, what, f"given the champion '{model}'")

    # ---- queries ----

    def _ask(self, question: Question, kind: type[Answer]) -> Steps[Answer]:
        def framed(request: int) -> bytes:
            question.request = request
            return encode(question)

        answer = yield from self.connection.ask(framed)
        return _expected(answer, kind)

    def coef(self, name: str, epoch: int | None, model: str) -> Steps[Coefficients]:
        return self._ask(wire.GetCoef(stream=name, epoch=epoch, model=model), Coefficients)

    def metrics(self, name: str, model: str) -> Steps[Metrics]:
        return self._ask(wire.GetMetrics(stream=name, model=model), Metrics)

    def models(self, name: str) -> Steps[Models]:
        return self._ask(wire.GetModels(stream=name), Models)

    def epochs(self, name: str) -> Steps[KeptEpochs]:
        return self._ask(wire.GetEpochs(stream=name), KeptEpochs)

    def status(self) -> Steps[Status]:
        return self._ask(wire.GetStatus(), Status)

    def history(self, name: str, model: str, span: str, from_epoch: int) -> Steps[Any]:
        try:
            of = wire.Span[span.upper()]
        except KeyError:
            spans = ", ".join(each.name.lower() for each in wire.Span)
            raise Invalid(f"span is one of {spans}, not {span!r}") from None
        question = wire.GetHistory(stream=name, model=model, span=of, from_epoch=from_epoch)
        history = yield from self._ask(question, History)
        try:
            import pandas  # noqa: F401
        except ImportError:
            return history.to_numpy()
        return history.to_frame()

    def predict(
        self, name: str, spec: StreamSpec, x: Any, epoch: int | None, model: str, interval: float | None, key: Any
    ) -> Steps[Prediction]:
        _require(interval is None or 0 < interval < 1, "an interval's level is above 0 and below 1, such as 0.95")
        rows = rows_to_predict(name, spec, x, key)
        _require(len(rows) > 0, f"stream '{name}': there are no rows to predict")
        # With a key of its own the daemon knows whether a row has it: 0 is as many rows as there are.
        count = 0 if spec.key_of_its_own else len(rows)
        question = wire.Predict(stream=name, count=count, epoch=epoch, model=model, interval=interval)
        if not isinstance(rows, SparseRows):
            question.dtype = wire.data_type(rows)
        bin = rows.features_bin() if isinstance(rows, SparseRows) else rows

        def framed(request: int) -> bytes:
            question.request = request
            return wire.encode_predict(question, bin)

        answer = yield from self.connection.ask(framed)
        prediction = _expected(answer, Prediction)
        answered = len(prediction.values)
        if answered != len(rows) or len(prediction.margins) != (0 if interval is None else answered):
            raise Refused(f"the daemon answered {answered} predictions for {len(rows)} rows")
        return prediction

    def predict_unopened(
        self, name: str, x: Any, epoch: int | None, model: str, interval: float | None, key: Any
    ) -> Steps[Prediction]:
        """Asks the daemon for the stream's columns first, when it has not yet."""
        spec = self._specs.get(name)
        if spec:
            try:
                return (yield from self.predict(name, spec, x, epoch, model, interval, key))
            except (Invalid, UnknownStream):
                pass  # the stream may have been made anew, with other features
        status = yield from self.status()
        spec = next((stream.spec for stream in status.streams if stream.name == name), None)
        if not spec:
            raise UnknownStream(f"there is no stream '{name}'")
        self._specs[name] = spec
        return (yield from self.predict(name, spec, x, epoch, model, interval, key))


def _expected(answer: Any, kind: type[Answer]) -> Answer:
    if not isinstance(answer, kind):
        raise Refused(f"the daemon answered with {type(answer).__name__} where {kind.__name__} was asked for")
    return answer


class StreamCore:
    """A stream that is open, as both kinds of callers have it."""

    def __init__(self, core: Core, channel: Channel) -> None:
        assert channel.opened
        self._core = core
        self._channel = channel
        self._spec = channel.opened.spec

    @property
    def name(self) -> str:
        return self._channel.name

    @property
    def spec(self) -> StreamSpec:
        return self._spec

    @property
    def columns(self) -> list[str]:
        """The names of a row's columns: features, target, and where it has them weight, key, time, id."""
        return self._spec.columns

    def progress(self) -> FlushReport:
        """Rows of this client that are durable by now; never waits."""
        return self._core.connection.progress(self._channel)

    def try_push(
        self, X: Any, y: Any = None, *, weight: Any = None, key: Any = None, time: Any = None, id: Any = None
    ) -> bool:
        """As push(), but takes no row at all and returns False when it would have to wait for credit."""
        return self._core.connection.try_push(self._channel, self._rows(X, y, Extras(weight, key, time, id)))

    def _rows(self, x: Any, y: Any, extras: Extras) -> wire.Rows | SparseRows:
        return rows_to_push(self.name, self._spec, x, y, extras)

    def _push(self, x: Any, y: Any, extras: Extras) -> Steps[None]:
        return self._core.connection.push(self._channel, self._rows(x, y, extras))

    def _push_features(self, x: Any, extras: Extras) -> Steps[None]:
        self._require_id(extras)
        rows = self._rows(x, np.float32(np.nan), extras)
        features = rows[:, : len(self._spec.features)] if isinstance(rows, np.ndarray) else np.empty((0, 1))
        if np.isnan(features).all(axis=1).any():
            raise Invalid(f"stream '{self.name}': a row of which every feature is missing")
        return self._core.connection.push(self._channel, rows)

    def _push_label(self, y: Any, extras: Extras) -> Steps[None]:
        self._require_id(extras)
        if np.isnan(np.asarray(y, np.float64)).any():
            raise Invalid(f"stream '{self.name}': a target that is missing")
        missing = np.full((np.size(y), len(self._spec.features)), np.nan, np.float32)
        return self._push(missing, y, extras)

    def _require_id(self, extras: Extras) -> None:
        if not self._spec.id:
            raise Invalid(f"stream '{self.name}' has no id: it was created without one")
        if extras.id is None:
            raise Invalid(f"stream '{self.name}': the id is missing")

    def _flush(self, timeout: float | None) -> Steps[FlushReport]:
        return self._core.connection.flush(self._channel, timeout)

    def __repr__(self) -> str:
        return f"<accrue stream '{self.name}' at {self._core.endpoint}>"


Opened = TypeVar("Opened", bound=StreamCore)


class ClientCore:
    """A client, as both kinds of callers have it."""

    _ASYNCHRONOUS: ClassVar[bool]

    def __init__(
        self,
        endpoint: str | None = None,
        *,
        producer: str | None = None,
        batch_rows: int = 1024,
        batch_linger_ms: float = 2,
        max_unacknowledged_mb: int = 64,
        timeout: float = 10.0,
    ) -> None:
        """Returns at once; connects, and reconnects, in the background.

        endpoint: where accrued listens; None: $ACCRUE_ENDPOINT, or tcp://127.0.0.1:7700.
        producer: who sends; None: a fresh name for this client, forgotten when it is done.
        batch_rows, batch_linger_ms: a batch is sent when it has so many rows, or when its first row is so old.
        max_unacknowledged_mb: MiB of rows, of all streams, kept for sending again; push() waits beyond.
        timeout: seconds, of every call that waits, unless the call says otherwise.
        """
        self._core = Core(
            endpoint, producer, batch_rows, batch_linger_ms, max_unacknowledged_mb, timeout, self._ASYNCHRONOUS
        )

    @property
    def endpoint(self) -> str:
        return self._core.endpoint

    def _stream(self, made_of: Callable[[Core, Channel], Opened], name: str, given: dict[str, Any]) -> Steps[Opened]:
        spec = _spec_from(given)
        channel = yield from self._core.open(name, None if spec == StreamSpec() else spec)
        return made_of(self._core, channel)

    def __repr__(self) -> str:
        return f"<accrue client of {self.endpoint}>"


def _spec_from(given: dict[str, Any]) -> StreamSpec:
    names = [field.name for field in fields(StreamSpec)]
    for name in given:
        if name not in names:
            raise TypeError(f"a stream has no {name!r}; it has {', '.join(names)}")
    spec = StreamSpec(**given)
    if not isinstance(spec.features, str):
        spec.features = [str(name) for name in spec.features]
    spec.partition_by = PartitionBy.named(spec.partition_by)
    spec.partition_weights = [float(weight) for weight in spec.partition_weights]
    spec.partition_cuts = [float(cut) for cut in spec.partition_cuts]
    spec.models = list(spec.models)
    return spec
