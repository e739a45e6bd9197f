"""What the daemon answers. Plain values; figures that are undefined are None, or NaN in an array.

The annotations of these classes, in order, are also their fields on the wire (codec.py), behind the request's number.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from accrue.codec import U32, Float64s, Points, answer
from accrue.errors import Invalid
from accrue.spec import Model, StreamSpec
from accrue.wire import RejectReason

if TYPE_CHECKING:
    import pandas


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise Invalid("to_frame() needs pandas: pip install pandas") from None
    return pandas


def _none() -> Float64s:
    return np.empty(0)


@dataclass
class FlushReport:
    durable_rows: int = 0  # rows this client sent to the stream that are now in the model, on disk
    rejected_rows: int = 0  # rows the daemon refused since the stream was opened here, each for a bad value
    first_rejection: str = ""  # what was wrong with the first: "row 7: ...", rows counted from 1 as pushed here


@answer
@dataclass(eq=False)
class Prediction:
    """One value a row. It is an array for NumPy: np.asarray(prediction), prediction[0], len(prediction), iteration.

    Where intervals were asked for, each reaches so far on either side of its value: `margins` by the model's own
    variance, if its errors are normal, NaN from a model that knows none; `conformal_margin` free of assumptions about
    the errors, but that the rows are like those before: the same for all values, None while there were too few rows.
    """

    TYPE: ClassVar[int] = 48
    FIELDS_AT_FIRST: ClassVar[int] = 3
    epoch: int  # the snapshot that answered
    rows: int  # that its model has learned
    values: Float64s
    model: str = ""  # which, where one was named
    margins: Float64s = field(default_factory=_none)
    conformal_margin: float | None = None

    @property
    def lower(self) -> Float64s:
        """The lower ends of the intervals by the model's own variance."""
        return self.values - self._margins()

    @property
    def upper(self) -> Float64s:
        return self.values + self._margins()

    @property
    def conformal_lower(self) -> Float64s:
        """The lower ends of the distribution-free intervals; NaN while there were too few rows."""
        return self.values - self._conformal_margin()

    @property
    def conformal_upper(self) -> Float64s:
        return self.values + self._conformal_margin()

    def _margins(self) -> Float64s:
        if len(self.margins) != len(self.values):
            raise Invalid("no intervals were asked for: predict(X, interval=0.95)")
        return self.margins

    def _conformal_margin(self) -> float:
        self._margins()
        return np.nan if self.conformal_margin is None else self.conformal_margin

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if dtype is not None and np.dtype(dtype) != self.values.dtype:
            return self.values.astype(dtype)
        return self.values.copy() if copy else self.values

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, index: Any) -> Any:
        return self.values[index]

    def __iter__(self) -> Iterator[float]:
        return iter(self.values.tolist())

    def to_frame(self) -> pandas.DataFrame:
        """A row a prediction: value, and where intervals were asked for lower, upper, conformal_lower, ..._upper."""
        columns = {"value": self.values}
        if len(self.margins):
            columns |= {name: getattr(self, name) for name in _ENDS}
        return _pandas().DataFrame(columns)


_ENDS = ["lower", "upper", "conformal_lower", "conformal_upper"]


@dataclass
class Estimate:
    estimate: float
    std_error: float | None = None  # None where it cannot be estimated
    t: float | None = None


@answer
@dataclass
class Coefficients:
    TYPE: ClassVar[int] = 49
    FIELDS_AT_FIRST: ClassVar[int] = 10
    model: str
    epoch: int
    rows: int
    names: list[str]  # the coefficients are of: the features, as the model's transforms leave them, or their numbers
    intercept: Estimate | None
    coefficients: list[Estimate]  # in the order of names
    residual_std: float | None
    r2: float | None
    rank: U32
    condition: float | None  # None when it is infinite
    # Of a stream of sparse rows only coefficients that are not zero are listed, named by their features' numbers, and
    # of very many the largest. This many are not.
    left_out: int = 0

    @property
    def values(self) -> Float64s:
        """The coefficients' estimates, in the order of names."""
        return np.array([each.estimate for each in self.coefficients], np.float64)

    def to_frame(self) -> pandas.DataFrame:
        """A row a coefficient, indexed by name, the intercept first: estimate, std_error, t."""
        rows = [("(intercept)", self.intercept)] if self.intercept else []
        rows += zip(self.names, self.coefficients, strict=True)
        pandas = _pandas()
        figures = np.array([(e.estimate, e.std_error, e.t) for _, e in rows], np.float64).reshape(-1, 3)
        index = pandas.Index([name for name, _ in rows], name="name")
        return pandas.DataFrame(figures, index=index, columns=["estimate", "std_error", "t"])


@dataclass
class Coverage:
    """How often the 95% intervals that a model gave before each row held its target."""

    rows: int = 0  # that had an interval
    rate: float | None = None
    mean_width: float | None = None


@dataclass
class ErrorFigures:
    """Progressive (test-then-train) error: every row was predicted before it was learned."""

    FIELDS_AT_FIRST: ClassVar[int] = 10
    window: int  # of so many of the stream's newest rows
    rows: int  # scored
    mse: float | None
    mae: float | None
    rmse: float | None
    r2: float | None
    mape: float | None  # mean |error / target|, a fraction
    bias: float | None  # mean of prediction less target
    mse_clipped: float | None  # of predictions clipped to the targets seen so far
    mae_clipped: float | None
    conformal: Coverage = field(default_factory=Coverage)  # of the two kinds of intervals (Prediction)
    variance: Coverage = field(default_factory=Coverage)


@answer
@dataclass
class Metrics:
    """Progressive (test-then-train) error: every row was predicted before it was learned."""

    TYPE: ClassVar[int] = 50
    FIELDS_AT_FIRST: ClassVar[int] = 9
    model: str
    epoch: int
    rows: int
    mse: float | None
    mae: float | None
    rmse: float | None
    r2: float | None
    mse_clipped: float | None  # of predictions clipped to the targets seen so far
    mae_clipped: float | None
    mape: float | None = None  # mean |error / target|, a fraction
    bias: float | None = None  # mean of prediction less target
    last: list[ErrorFigures] = field(default_factory=list)  # over 1,000, 10,000 and 100,000 rows
    conformal: Coverage = field(default_factory=Coverage)  # of the two kinds of intervals (Prediction)
    variance: Coverage = field(default_factory=Coverage)
    drifts: int = 0  # times the error has risen for good
    last_drift_row: int | None = None  # of the stream, from 0
    keys: int | None = None  # held in memory, by a model of each (group_by = key); None for others
    evicted_keys: int | None = None  # how often one went to the store; likewise

    def to_frame(self) -> pandas.DataFrame:
        """A row a window of the newest rows, and one of all: rows, mse, mae, rmse, r2, ..., indexed by window."""
        pandas = _pandas()
        columns = ["rows", "mse", "mae", "rmse", "r2", "mape", "bias", "mse_clipped", "mae_clipped"]
        figures = [[getattr(each, name) for name in columns] for each in (self, *self.last)]
        index = pandas.Index(["all", *(f"last_{each.window}" for each in self.last)], name="window")
        frame = pandas.DataFrame(np.array(figures, np.float64), index=index, columns=columns)
        return frame.astype({"rows": np.int64})


@dataclass
class ModelStatus:
    model: Model
    champion: bool  # its predictions are the stream's
    rows: int  # learned since it was added
    mse: float | None  # as in Metrics
    mae: float | None
    r2: float | None
    mse_clipped: float | None
    mae_clipped: float | None

    @property
    def name(self) -> str:
        return self.model.name


@answer
@dataclass
class Models:
    """The models of a stream, in the order they were added; a sequence of ModelStatus."""

    TYPE: ClassVar[int] = 53
    epoch: int
    models: list[ModelStatus]

    def __len__(self) -> int:
        return len(self.models)

    def __getitem__(self, index: int) -> ModelStatus:
        return self.models[index]

    def __iter__(self) -> Iterator[ModelStatus]:
        return iter(self.models)

    @property
    def champion(self) -> ModelStatus:
        return next(each for each in self.models if each.champion)

    def to_frame(self) -> pandas.DataFrame:
        """A row a model, indexed by name: learner, champion, rows, mse, mae, r2, mse_clipped, mae_clipped."""
        pandas = _pandas()
        figures = ["champion", "rows", "mse", "mae", "r2", "mse_clipped", "mae_clipped"]
        rows = [[each.model.learner, *(getattr(each, name) for name in figures)] for each in self.models]
        index = pandas.Index([each.name for each in self.models], name="name")
        return pandas.DataFrame(rows, index=index, columns=["learner", *figures])


@dataclass
class Epoch:
    """An epoch that the daemon keeps on disk: what the stream was when it was committed."""

    epoch: int
    rows: int
    committed_unix_ms: int  # by the daemon's clock
    mse: float | None  # of the champion; progressive, as in Metrics
    mse_clipped: float | None

    @property
    def committed(self) -> datetime.datetime:
        """In UTC."""
        return datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(
            milliseconds=self.committed_unix_ms
        )


@answer
@dataclass
class KeptEpochs:
    """A sequence of Epoch, newest first."""

    TYPE: ClassVar[int] = 52
    kept: int  # how many there are
    epochs: list[Epoch]  # the newest 10,000 of them

    def __len__(self) -> int:
        return len(self.epochs)

    def __getitem__(self, index: int) -> Epoch:
        return self.epochs[index]

    def __iter__(self) -> Iterator[Epoch]:
        return iter(self.epochs)

    def to_frame(self) -> pandas.DataFrame:
        """A row an epoch, newest first: epoch, rows, committed, mse, mse_clipped."""
        names = ["epoch", "rows", "committed", "mse", "mse_clipped"]
        columns: dict[str, Any] = {name: [getattr(each, name) for each in self] for name in names}
        columns["committed"] = np.array([each.committed_unix_ms for each in self], "datetime64[ms]")
        return _pandas().DataFrame(columns)


@answer
@dataclass(eq=False)
class History:
    """How the errors of a model went, an epoch a row, oldest first; the newest 10,000 of them."""

    TYPE: ClassVar[int] = 54
    model: str
    points: Points

    # Its columns; those between are the figures of ErrorFigures.
    DTYPE: ClassVar[np.dtype[Any]] = np.dtype(
        [("epoch", np.int64), ("committed", "datetime64[ms]"), ("n", np.int64)]
        + [(name, np.float64) for name in ("mse", "mae", "rmse", "r2", "mape", "bias", "mse_clipped", "mae_clipped")]
        + [(f"{kind}_{what}", np.float64) for kind in ("conformal", "model") for what in ("coverage", "width")]
    )

    def to_numpy(self) -> NDArray[Any]:
        """A structured array."""
        table = np.empty(len(self.points), self.DTYPE)
        for i, name in enumerate(table.dtype.names or ()):
            table[name] = self.points[:, i].astype(np.int64) if name == "committed" else self.points[:, i]
        return table

    def to_frame(self) -> pandas.DataFrame:
        """The same as a frame."""
        table = self.to_numpy()
        return _pandas().DataFrame({name: table[name] for name in table.dtype.names or ()})


@dataclass
class RejectedRows:
    reason: RejectReason
    rows: int


@dataclass
class LateLabels:
    """Of a stream with an id."""

    waiting: int = 0  # features that have no target yet
    expired: int = 0  # ... and had none in time
    unknown: int = 0  # targets that found no features, or came too late
    repeated: int = 0  # features of an id that waited already, which are left out


@dataclass
class StreamStatus:
    FIELDS_AT_FIRST: ClassVar[int] = 6
    name: str
    spec: StreamSpec
    epoch: int
    rows: int
    mse: float | None
    rejected: list[RejectedRows]
    labels: LateLabels | None = None


@answer
@dataclass
class Status:
    TYPE: ClassVar[int] = 51
    FIELDS_AT_FIRST: ClassVar[int] = 9
    version: str
    pid: int
    uptime_s: float
    data_dir: str
    workers: U32
    producers: int  # connected
    outstanding_bytes: int  # of batches accepted and not yet durable
    degraded: str  # why nothing becomes durable at the moment; empty when all is well
    streams: list[StreamStatus]
    memory_bytes: int = 0  # accounted for, of what clients make the daemon hold
    memory_limit_bytes: int = 0
