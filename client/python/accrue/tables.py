"""What users have rows in, made one contiguous block of numbers: NumPy arrays, lists, pandas and polars frames, Arrow
tables, mappings from name to column, SciPy sparse matrices. None of these libraries is imported here, and no loop goes
over rows.

Columns are found by name where there are names, and otherwise stand in the stream's order. Numbers are sent as float
64; as float 32 where that loses nothing: where X has it, and what else there is, target, weight, key, time and id, is
float 32 or small integers too. Dates become seconds since 1970; what is missing becomes NaN.

Functions may be called from any thread. Errors: Invalid, whose message begins with the stream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from accrue.errors import Invalid
from accrue.sparse import SparseRows, in_order
from accrue.spec import WEIGHT_COLUMN, StreamSpec
from accrue.wire import Rows

_MAX_ID = 2**53  # beyond it two ids may be one float 64

Numbers = NDArray[Any]  # of one column, or of several


class Extras(NamedTuple):
    """What a row may have beside its features and its target: one value a row each, or one for all."""

    weight: Any = None
    key: Any = None
    time: Any = None
    id: Any = None


def rows_to_push(name: str, spec: StreamSpec, x: Any, y: Any, extras: Extras) -> Rows | SparseRows:
    """Whole rows of the stream. Without y, X has it: in a column of that name, or as a matrix of whole rows."""
    subject = f"stream '{name}'"
    _check_extras(subject, spec, extras)
    if spec.sparse:
        return _sparse_rows(subject, spec, x, y, extras.weight)
    if is_sparse(x):
        raise Invalid(f"{subject} has no sparse rows: give X as an array or a frame")
    frame = _frame(x)
    if frame is None and y is None and all(each is None for each in extras):
        return _whole_rows(subject, spec, x)
    if frame is None and y is None:
        raise Invalid(f"{subject}: y, its target '{spec.target}', is missing")
    features = _matrix(subject, spec.features, x) if frame is None else frame.columns(subject, spec.features)
    count = len(features[0])
    columns = [(spec.target, y)]
    if spec.weighted:
        columns.append((WEIGHT_COLUMN, extras.weight))
    if spec.key_of_its_own:
        columns.append((spec.key, extras.key))
    if spec.time_of_its_own:
        columns.append((spec.time, extras.time))
    if spec.id:
        columns.append((spec.id, extras.id))
    others = [_other(subject, spec, column, given, frame, count) for column, given in columns]
    return _block(subject, [*features, *others], count)


def rows_to_predict(name: str, spec: StreamSpec, x: Any, key: Any) -> Rows | SparseRows:
    """The features, and behind them the key where it is given."""
    subject = f"stream '{name}'"
    if spec.sparse:
        return in_order(subject, _csr(subject, x), spec.dimension)
    if is_sparse(x):
        raise Invalid(f"{subject} has no sparse rows: give X as an array or a frame")
    frame = _frame(x)
    features = _matrix(subject, spec.features, x) if frame is None else frame.columns(subject, spec.features)
    count = len(features[0])
    if key is not None:
        if not spec.key_of_its_own:
            raise Invalid(f"{subject} has no key that is not a feature")
        features = [*features, _column(subject, spec.key, key, count)]
    return _block(subject, features, count)


def is_sparse(x: Any) -> bool:
    return isinstance(x, SparseRows) or hasattr(x, "tocsr")


def _check_extras(subject: str, spec: StreamSpec, extras: Extras) -> None:
    given = [name for name, value in zip(Extras._fields, extras, strict=True) if value is not None]
    if not given:
        return
    takes = Extras(spec.weighted, spec.key_of_its_own, spec.time_of_its_own, bool(spec.id))
    for name in given:
        if not getattr(takes, name):
            raise Invalid(f"{subject} has no column of its own for the {name}, which is given")


# ---- dense rows ----


class _Frame:
    """Columns with names."""

    def __init__(self, names: Sequence[str], column: Callable[[str], Any]) -> None:
        self.names = names
        self.column = column

    def columns(self, subject: str, names: list[str]) -> list[Numbers]:
        missing = [name for name in names if name not in self.names]
        if missing:
            raise Invalid(f"{subject}: X has no column {_quoted(missing)}; it has {_quoted(self.names)}")
        columns = [np.atleast_1d(_numbers(subject, name, self.column(name))) for name in names]
        if len({column.shape for column in columns}) > 1:
            raise Invalid(f"{subject}: the columns of X are not equally long")
        return columns


def _frame(x: Any) -> _Frame | None:
    """None where the columns have no names."""
    if isinstance(x, np.ndarray):
        return _Frame(x.dtype.names, x.__getitem__) if x.dtype.names else None
    if isinstance(x, Mapping):
        return _Frame(list(x), x.__getitem__)
    if hasattr(x, "column_names") and hasattr(x, "column"):  # Arrow
        return _Frame(list(x.column_names), x.column)
    if hasattr(x, "columns") and hasattr(x, "dtypes"):  # a frame of pandas or polars
        return _named(x.columns, x)
    if hasattr(x, "index") and hasattr(x, "dtype"):  # a series of pandas, which is one row of a frame
        return _named(x.index, x)
    return None


def _named(names: Any, x: Any) -> _Frame | None:
    """None where pandas has numbered them."""
    return _Frame(list(names), x.__getitem__) if any(isinstance(name, str) for name in names) else None


def _whole_rows(subject: str, spec: StreamSpec, x: Any) -> Rows:
    columns = spec.columns
    matrix = np.atleast_2d(_numbers(subject, "X", x))
    if matrix.ndim != 2 or matrix.shape[1] != len(columns):
        text = f"y is not given, and X of shape {np.shape(x)} has not the {len(columns)} columns of whole rows"
        raise Invalid(f"{subject}: {text}: {_quoted(columns)}")
    return np.ascontiguousarray(matrix, np.float32 if matrix.dtype == np.float32 else np.float64)


def _matrix(subject: str, features: list[str], x: Any) -> list[Numbers]:
    matrix = np.atleast_2d(_numbers(subject, "X", x))
    if matrix.ndim != 2 or matrix.shape[1] != len(features):
        raise Invalid(f"{subject} has {len(features)} features, and X has the shape {np.shape(x)}")
    return [matrix]


def _other(subject: str, spec: StreamSpec, column: str, given: Any, frame: _Frame | None, count: int) -> Numbers:
    """One of the columns behind the features: given, or of the frame."""
    if given is None and frame is not None and column in frame.names:
        given = frame.column(column)
    if given is None and column == WEIGHT_COLUMN and spec.weighted:
        given = np.float32(1)  # which does not make float 64 of the other columns
    if given is None:
        raise Invalid(f"{subject} has the column '{column}' too, which is not given")
    numbers = _column(subject, column, given, count)
    if column == spec.id and numbers.dtype.kind in "iu" and numbers.size and int(numbers.max()) > _MAX_ID:
        raise Invalid(f"{subject}: an id is at most 2^53, not {numbers.max()}")
    return numbers


def _column(subject: str, name: str, given: Any, count: int) -> Numbers:
    numbers = _numbers(subject, name, given)
    if numbers.ndim == 2 and numbers.shape[1] == 1:
        numbers = numbers[:, 0]
    if numbers.ndim > 1 or (numbers.ndim == 1 and len(numbers) != count):
        raise Invalid(f"{subject}: X has {count} rows, and {name} has the shape {numbers.shape}")
    return numbers


def _block(subject: str, parts: list[Numbers], count: int) -> Rows:
    """Side by side."""
    narrow = parts[0].dtype == np.float32 and all(part.dtype in _IN_FLOAT32 for part in parts)
    dtype = np.float32 if narrow else np.float64
    if len(parts) == 1 and parts[0].ndim == 2:
        return np.ascontiguousarray(parts[0], dtype)
    block: Rows = np.empty((count, sum(part.shape[1] if part.ndim == 2 else 1 for part in parts)), dtype)
    at = 0
    for part in parts:
        if part.ndim == 2:
            block[:, at:at + part.shape[1]] = part
            at += part.shape[1]
        else:
            block[:, at] = part
            at += 1
    return block


_IN_FLOAT32 = {np.dtype(name) for name in ("f4", "f2", "i2", "i1", "u2", "u1", "?")}


def _numbers(subject: str, name: str, values: Any) -> Numbers:
    """An array of real numbers, of one row (or value) or of many."""
    try:
        numbers = np.asarray(values)
        if numbers.dtype.kind == "O":
            numbers = _of_objects(values)
        if numbers.dtype.kind == "M":
            return np.where(np.isnat(numbers), np.nan, numbers.astype("datetime64[us]").astype(np.int64) / 1e6)
    except (TypeError, ValueError) as error:
        raise Invalid(f"{subject}: {name} are not all numbers: {error}") from None
    if numbers.dtype.kind not in "fiub":
        raise Invalid(f"{subject}: {name} are not numbers but {numbers.dtype}")
    return numbers


def _of_objects(values: Any) -> Numbers:
    """None and pandas.NA are missing values."""
    dtype = str(getattr(values, "dtype", ""))
    if dtype.startswith("datetime64"):  # with a time zone
        return np.asarray(values, "datetime64[ns]")
    if dtype not in ("", "object") and hasattr(values, "to_numpy"):  # a nullable pandas column
        numbers: Numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return numbers
    return np.asarray(values, object).astype(np.float64)


def _quoted(names: Sequence[str], most: int = 20) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(f"'{name}'" for name in names[:most]) + more


# ---- sparse rows ----


def _sparse_rows(subject: str, spec: StreamSpec, x: Any, y: Any, weight: Any) -> SparseRows:
    rows = in_order(subject, _csr(subject, x), spec.dimension)
    if y is None:
        raise Invalid(f"{subject}: y, its target '{spec.target}', is missing")
    targets = _spread(_column(subject, spec.target, y, len(rows)), len(rows))
    weights = None
    if spec.weighted:
        given = 1.0 if weight is None else weight
        weights = _spread(_column(subject, WEIGHT_COLUMN, given, len(rows)), len(rows))
    return SparseRows(rows.columns, rows.values, rows.ends, targets, weights)


def _spread(numbers: Numbers, count: int) -> NDArray[np.float64]:
    return np.broadcast_to(numbers.astype(np.float64), count)


def _csr(subject: str, x: Any) -> SparseRows:
    """A copy, which the user cannot change any more: it is kept until a batch is full."""
    if isinstance(x, SparseRows):
        return SparseRows(np.array(x.columns, np.uint32), np.array(x.values, np.float64), np.array(x.ends, np.uint32))
    if not hasattr(x, "tocsr"):
        raise Invalid(f"{subject} has sparse rows: give X as a scipy.sparse matrix or accrue.SparseRows")
    csr = x.tocsr()
    values = int(csr.indptr[-1])
    if values >= 2**32:
        raise Invalid(f"{subject}: {values} values at once: give X in parts")
    return SparseRows(
        csr.indices[:values].astype(np.uint32),
        csr.data[:values].astype(np.float64),
        csr.indptr[1:].astype(np.uint32),
    )
