"""Sparse rows on their way out: of each row the features that are not zero, by their numbers.

Values; functions may be called from any thread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accrue.codec import Float64s
from accrue.errors import Invalid

MAX_NONZEROS = 65_536  # of a row

Uint32s = NDArray[np.uint32]


@dataclass(eq=False)
class SparseRows:
    """Rows one after the other, as a CSR matrix has them; what push() and predict() take of a stream with a dimension.

    Row i has the features columns[ends[i - 1]:ends[i]], with as many values. In what a user makes, columns come in any
    order, and the values of one that is named twice in a row are added up, as hashed names want it.
    """

    columns: Uint32s
    values: Float64s
    ends: Uint32s
    targets: Float64s | None = None
    weights: Float64s | None = None

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, rows: slice) -> SparseRows:
        """Of those of a slice; the rows in order, each its step from the one before."""
        begin, end, _ = rows.indices(len(self))
        first, last = self._begin(begin), self._begin(end)
        return SparseRows(
            self.columns[first:last],
            self.values[first:last],
            self.ends[begin:end] - np.uint32(first),
            None if self.targets is None else self.targets[begin:end],
            None if self.weights is None else self.weights[begin:end],
        )

    def _begin(self, row: int) -> int:
        return int(self.ends[row - 1]) if row else 0

    @property
    def batch_bytes(self) -> int:
        """Of the bin of a batch of them."""
        return sparse_bytes(len(self), len(self.values), self.weights is not None)

    def fitting(self, first: int, room: int, most: int) -> int:
        """How many rows from `first` on, `most` at most, have a bin of at most `room` bytes."""
        nonzeros = self.ends[first:first + most].astype(np.int64) - self._begin(first)
        rows = np.arange(1, len(nonzeros) + 1)
        one_row, one_value = sparse_bytes(1, 0, self.weights is not None), sparse_bytes(0, 1, False)
        return int(np.searchsorted(rows * one_row + nonzeros * one_value, room, side="right"))

    @staticmethod
    def joined(parts: list[SparseRows]) -> SparseRows:
        """All rows of some that have the same parts."""
        if len(parts) == 1:
            return parts[0]
        begins = np.cumsum([0, *(len(part.values) for part in parts[:-1])]).astype(np.uint32)
        return SparseRows(
            np.concatenate([part.columns for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.ends + begin for part, begin in zip(parts, begins, strict=True)]),
            _concatenated([part.targets for part in parts]),
            _concatenated([part.weights for part in parts]),
        )

    def batch_bin(self) -> bytes:
        """targets | weights, if the stream has them | values | ends | columns, all little-endian."""
        parts = [self.targets, self.weights]
        return b"".join([part.astype("<f8").tobytes() for part in parts if part is not None]) + self.features_bin()

    def features_bin(self) -> bytes:
        """values | ends | columns: rows to predict."""
        numbers = [self.ends.astype("<u4"), self.columns.astype("<u4")]
        return b"".join([self.values.astype("<f8").tobytes(), *(each.tobytes() for each in numbers)])


def sparse_bytes(rows: int, nonzeros: int, weighted: bool) -> int:
    """Of the bin of a batch."""
    return rows * (20 if weighted else 12) + nonzeros * 12


def _concatenated(parts: list[Float64s | None]) -> Float64s | None:
    given = [part for part in parts if part is not None]
    return np.concatenate(given) if given else None


def in_order(subject: str, rows: SparseRows, dimension: int) -> SparseRows:
    """What the wire takes: within each row the columns increase, and values of one column are added up in the order
    they came. Invalid, whose message begins with `subject`, where that cannot be; the values are the daemon's to judge.
    """
    counts = np.diff(rows.ends.astype(np.int64), prepend=0)
    if len(rows.columns) != len(rows.values):
        raise Invalid(f"{subject}: {len(rows.columns)} features have {len(rows.values)} values")
    if (counts < 0).any() or int(counts.sum()) != len(rows.columns):
        raise Invalid(f"{subject}: the ends of the rows do not rise to the number of features, {len(rows.columns)}")
    if len(rows) and counts.max() > MAX_NONZEROS:
        raise Invalid(f"{subject}: a row has at most {MAX_NONZEROS} values, not {counts.max()}")
    if len(rows.columns) and int(rows.columns.max()) >= dimension:
        raise Invalid(f"{subject}: feature {rows.columns.max()} is not below the dimension, {dimension}")
    place = np.repeat(np.arange(len(rows), dtype=np.int64), counts) * dimension + rows.columns
    steps = np.diff(place)
    if (steps > 0).all():
        return rows
    order = np.argsort(place, kind="stable")
    place, values = place[order], rows.values[order]
    first = np.concatenate([[True], np.diff(place) > 0])
    group = np.cumsum(first) - 1
    sums = values[first]
    np.add.at(sums, group[~first], values[~first])
    ends = np.searchsorted(place[first], np.arange(1, len(rows) + 1, dtype=np.int64) * dimension)
    columns = (place[first] % dimension).astype(np.uint32)
    return SparseRows(columns, sums, ends.astype(np.uint32), rows.targets, rows.weights)


def hashed_feature(name: str, dimension: int) -> int:
    """Where features that have names stand in a stream of sparse rows: the number of this one, below the dimension. Two
    names may share a number; the wider the stream, the fewer do. It is the same everywhere and for ever: FNV-1a,
    finished as MurmurHash3 is.
    """
    if dimension <= 0:
        raise Invalid(f"a dimension of {dimension} has no features")
    bits = 2**64 - 1
    value = 0xCBF29CE484222325
    for letter in name.encode():
        value = (value ^ letter) * 0x100000001B3 & bits
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & bits
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & bits
    value ^= value >> 33
    return (value >> 1) % dimension
