"""The stream that one estimator learns in: made for it alone, and dropped after it. For sklearn.py and river.py.

Streams are of the daemon at an endpoint: the one given, $ACCRUE_ENDPOINT, or an embedded daemon that all estimators of
this process share. Streams are dropped when the next is made after their OwnStream was collected, and at exit; those of
a process that was killed stay behind, under names that begin with "estimator-".

A copy (pickle, copy.deepcopy) is another estimator and has no stream. It predicts by the coefficients that it took
along where the model is linear in its features, and learns nothing more: Remembered.

Threads: as Stream. A forked process may predict, by a connection of its own, but not learn. Errors: those of Client;
Invalid for rows that the daemon refused, from the first call that waits after they were pushed.
"""

from __future__ import annotations

import os
import queue
import threading
import uuid
import weakref
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np

from accrue.client import Client
from accrue.codec import Float64s
from accrue.embedded import Embedded
from accrue.errors import Error, Invalid, UnknownStream
from accrue.results import Coefficients, Prediction
from accrue.spec import Model

_PART = 1 << 20  # values pushed or asked about at once: well below what the daemon and a client take
_PATIENCE_AT_EXIT = 1.0  # seconds, with a daemon that is not there any more
_LINEAR_LEARNERS = ("least_squares", "bayesian", "sgd", "passive_aggressive", "quantile")


class OwnStream:
    def __init__(
        self, endpoint: str | None, features: Iterable[Hashable], learner: str, settings: Mapping[str, Any] | None
    ) -> None:
        self.features = [str(name) for name in features]
        self.model = Model(learner, learner, settings)
        self.name = f"estimator-{uuid.uuid4().hex}"
        target = "y"
        while target in self.features:
            target += "_"
        daemon = _daemon(endpoint)
        daemon.own(self)
        self.endpoint = daemon.client.endpoint
        self._stream = daemon.client.stream(
            self.name, features=self.features, target=target, weighted=True, models=[self.model]
        )
        self._pid = os.getpid()
        self._unsettled = False
        self._rejected = 0
        self._coefficients: Coefficients | None = None

    def learn(self, x: Float64s, y: Float64s, weight: Float64s) -> None:
        """Takes the rows; settle() waits for them, and so does whatever asks for what was learned."""
        if os.getpid() != self._pid:
            raise Error(
                "an estimator learns in the process that it was made in: fit another here, or hand over a "
                "copy, by pickle"
            )
        for part in _parts(x):
            self._stream.push(x[part], y[part], weight=weight[part])
            self._unsettled = True
        self._coefficients = None

    def settle(self) -> None:
        """Returns when all rows taken are learned and on the disk."""
        if not self._unsettled or os.getpid() != self._pid:
            return
        self._unsettled = False  # before the flush: rows that another thread pushes meanwhile set it again
        try:
            report = self._stream.flush()
        except BaseException:
            self._unsettled = True
            raise
        refused, self._rejected = report.rejected_rows - self._rejected, report.rejected_rows
        if refused:
            first = report.first_rejection
            raise Invalid(f"the daemon refused {refused} rows and learned the others; the first of all, {first}")

    def predict(self, x: Float64s, interval: float | None = None) -> Prediction:
        self.settle()
        answers = [self._predict_part(x[part], interval) for part in _parts(x)]
        if len(answers) > 1:
            answers[0].values = np.concatenate([each.values for each in answers])
            answers[0].margins = np.concatenate([each.margins for each in answers])
        return answers[0]

    def _predict_part(self, x: Float64s, interval: float | None) -> Prediction:
        if os.getpid() == self._pid:
            return self._stream.predict(x, interval=interval)
        return _daemon(self.endpoint).client.predict(self.name, x, interval=interval)

    def coefficients(self) -> Coefficients:
        """Of the features as they came. AttributeError where the model has no such."""
        self.settle()
        known = self._coefficients
        if known is None:
            known = self._coefficients = _daemon(self.endpoint).client.coef(self.name)
        if known.names != self.features:
            raise AttributeError(
                f"the coefficients of this model are those of transformed features, "
                f"{', '.join(known.names[:5])} ...: accrue coef {self.name} lists them"
            )
        return known

    def _linear(self) -> bool:
        settings = self.model.settings
        return (
            self.model.learner in _LINEAR_LEARNERS
            and not settings.get("transforms")
            and settings.get("clip", "none") == "none"
            and settings.get("group_by", "none") == "none"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return Remembered, (self.features, self.model, self.coefficients() if self._linear() else None)


def _parts(x: Float64s) -> list[slice]:
    rows = max(1, _PART // x.shape[1])
    return [slice(begin, begin + rows) for begin in range(0, len(x), rows)]


class Remembered:
    """What an estimator still knows where its stream is not."""

    def __init__(self, features: list[str], model: Model, coefficients: Coefficients | None) -> None:
        self.features = features
        self.model = model
        self._coefficients = coefficients

    def learn(self, x: Float64s, y: Float64s, weight: Float64s) -> None:
        raise Error("this estimator is a copy, and its stream stayed with the one it was copied from: fit it anew")

    def settle(self) -> None:
        """There is nothing to wait for."""

    def predict(self, x: Float64s, interval: float | None = None) -> Prediction:
        known = self._coefficients
        if known is None:
            raise Error(self._not_linear())
        if interval is not None:
            raise Error(
                "this estimator is a copy, which took the coefficients along but not what tells how far they "
                "are off: ask the one it was copied from, or fit it anew"
            )
        values = x @ known.values + (known.intercept.estimate if known.intercept else 0.0)
        return Prediction(epoch=known.epoch, rows=known.rows, values=values)

    def coefficients(self) -> Coefficients:
        if self._coefficients is None:
            raise AttributeError(self._not_linear())
        return self._coefficients

    def _not_linear(self) -> str:
        return (
            f"this estimator is a copy, and {self.model} is not linear in its features: it predicts in its stream "
            "alone, which stayed with the estimator that was copied. Fit it anew"
        )


class _Daemon:
    """Where estimators of this process have streams."""

    def __init__(self, client: Client, embedded: Embedded | None) -> None:
        self.client = client
        self._embedded = embedded  # which lasts as long as this
        # A collector may run in the midst of anything, with any lock held: all it does is put a name here.
        self._left: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._owned: set[str] = set()
        weakref.finalize(client, self._drop_all)  # at exit, before what was made earlier is finalized: the client

    def own(self, stream: OwnStream) -> None:
        """Drops it some time after it was collected, and now those that were."""
        weakref.finalize(stream, self._left.put, stream.name).atexit = False
        self._owned.add(stream.name)
        while not self._left.empty():
            try:
                self._drop(self._left.get_nowait())
            except queue.Empty:  # another thread was first
                return

    def _drop(self, name: str) -> None:
        try:
            self.client.drop(name)
        except UnknownStream:
            pass
        self._owned.discard(name)

    def _drop_all(self) -> None:
        self.client._core.connection.timeout = _PATIENCE_AT_EXIT
        try:
            for name in list(self._owned):
                self._drop(name)
        except Error:
            pass  # it cannot be reached, and there is no other time


class _Process:
    """What the estimators of one process share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._daemons: dict[str | None, _Daemon] = {}

    def daemon(self, given: str | None) -> _Daemon:
        endpoint = given or os.environ.get("ACCRUE_ENDPOINT")
        with self._lock:
            if endpoint not in self._daemons:
                embedded = None if endpoint else Embedded()
                client = embedded.client() if embedded else Client(endpoint)
                self._daemons[endpoint] = self._daemons[client.endpoint] = _Daemon(client, embedded)
            return self._daemons[endpoint]


_by_process: dict[int, _Process] = {}


def _daemon(endpoint: str | None) -> _Daemon:
    # Connections do not survive a fork, and what the parent holds is not the child's to end.
    return _by_process.setdefault(os.getpid(), _Process()).daemon(endpoint)
