"""One stream's batches from the first row pushed until the daemon has them on disk. No socket, no thread, no clock of
its own: the time, in nanoseconds of one clock, comes in with the rows.

Every batch is in one of four states, in the order of its sequence:
  durable and forgotten | sent (or accepted by the daemon), not durable | sealed, not sent | being filled
A sealed frame never changes, so that it can be handed to the socket without a copy and sent again as it is. Sequences
go on for as long as this object lives, whatever happens to the connection.

Threads: none of its own; the caller locks.
"""

from __future__ import annotations

import dataclasses
import sys
from collections import deque
from dataclasses import dataclass

import numpy as np

from accrue.results import FlushReport
from accrue.sparse import SparseRows
from accrue.wire import (
    BATCH_HEADER_BYTES,
    DataType,
    Frame,
    Opened,
    RejectReason,
    Rows,
    RowsRejected,
    batch_header,
    data_type,
)


@dataclass
class _Batch:
    frame: Frame
    first_row: int  # counted from 0 over everything pushed
    rows: int
    rejected: int = 0


class _DenseFilling:
    """A batch of rows under construction, which are copied once, into the frame that goes out."""

    def __init__(self, columns: int, capacity_rows: int, dtype: DataType) -> None:
        self.dtype = dtype
        self.count = 0
        number = np.dtype("<f8" if dtype == DataType.FLOAT64 else "<f4")
        self._row_bytes = columns * number.itemsize
        self._memory = np.empty(BATCH_HEADER_BYTES + capacity_rows * self._row_bytes, np.uint8)
        self._rows = self._memory[BATCH_HEADER_BYTES:].view(number).reshape(capacity_rows, columns)

    def append(self, rows: Rows) -> None:
        self._rows[self.count:self.count + len(rows)] = rows
        self.count += len(rows)

    def seal(self, stream_id: int, sequence: int) -> Frame:
        row_bytes = self.count * self._row_bytes
        header = batch_header(stream_id, sequence, self.dtype, self.count, row_bytes)
        self._memory[:BATCH_HEADER_BYTES] = np.frombuffer(header, np.uint8)
        size = BATCH_HEADER_BYTES + row_bytes
        # Whoever keeps a batch of few rows keeps no room for many.
        return self._memory if size == len(self._memory) else self._memory[:size].copy()


class _SparseFilling:
    """The same of sparse rows, whose parts meet when it is sealed."""

    def __init__(self) -> None:
        self.count = 0
        self.bytes = 0
        self._parts: list[SparseRows] = []

    def append(self, rows: SparseRows) -> None:
        self._parts.append(rows)
        self.count += len(rows)
        self.bytes += rows.batch_bytes

    def seal(self, stream_id: int, sequence: int) -> Frame:
        rows = SparseRows.joined(self._parts).batch_bin()
        return batch_header(stream_id, sequence, DataType.FLOAT64, self.count, len(rows)) + rows


class Outbound:
    def __init__(self, opened: Opened, batch_rows: int, batch_bytes: int = sys.maxsize) -> None:
        """For a stream just opened, all of whose accepted batches are durable; its first batch follows those.

        A batch is full at `batch_rows` rows (at least 1); one of sparse rows, too, before it has more than so many
        bytes.
        """
        self.stream_id = opened.stream_id
        self.columns = len(opened.spec.columns)
        self._batch_rows = batch_rows
        self._batch_bytes = batch_bytes
        self._window_bytes = opened.window_bytes

        self._durable = opened.durable  # sequences: all up to here are on disk
        self._sent = opened.durable  # all up to here are sent on this connection, or accepted before it
        self._kept: deque[_Batch] = deque()  # durable + 1, durable + 2, ...
        self._filling: _DenseFilling | _SparseFilling | None = None  # has at least one row
        self._filling_since = 0
        self._flush_target = 0
        self._flush_taken = 0

        self._outstanding_bytes = 0  # of frames sent and not durable
        self.kept_bytes = 0  # of rows, sealed or not, that are not durable
        self._pushed_rows = 0
        self._forgotten_rows = 0
        self._report = FlushReport()

    def append(self, rows: Rows | SparseRows, now: int) -> None:
        """Whole rows. A batch has rows of one type."""
        if isinstance(rows, SparseRows):
            self._append_sparse(rows, now)
        else:
            self._append_dense(rows, now)

    def _append_dense(self, rows: Rows, now: int) -> None:
        dtype = data_type(rows)
        first = 0
        while first < len(rows):
            filling = self._filling
            if isinstance(filling, _DenseFilling) and filling.dtype != dtype:
                self.seal()
            if self._filling is None:
                self._filling = _DenseFilling(self.columns, self._batch_rows, dtype)
                self._filling_since = now
            filling = self._filling
            assert isinstance(filling, _DenseFilling)
            fitting = rows[first:first + self._batch_rows - filling.count]
            filling.append(fitting)
            first += len(fitting)
            self._pushed_rows += len(fitting)
            self.kept_bytes += fitting.nbytes
            if filling.count == self._batch_rows:
                self.seal()

    def _append_sparse(self, rows: SparseRows, now: int) -> None:
        first = 0
        while first < len(rows):
            filling = self._filling
            next_bytes = rows[first:first + 1].batch_bytes
            if isinstance(filling, _SparseFilling) and filling.bytes + next_bytes > self._batch_bytes:
                self.seal()
            if self._filling is None:
                self._filling = _SparseFilling()
                self._filling_since = now
            filling = self._filling
            assert isinstance(filling, _SparseFilling)
            fit = rows.fitting(first, self._batch_bytes - filling.bytes, self._batch_rows - filling.count)
            fitting = rows[first:first + max(fit, 1)]
            filling.append(fitting)
            first += len(fitting)
            self._pushed_rows += len(fitting)
            self.kept_bytes += fitting.batch_bytes
            if filling.count == self._batch_rows:
                self.seal()

    def seal(self) -> None:
        """Ends the batch being filled, if it has a row."""
        if self._filling is None:
            return
        rows = self._filling.count
        frame = self._filling.seal(self.stream_id, self._last_sealed + 1)
        self._filling = None
        self._kept.append(_Batch(frame, first_row=self._pushed_rows - rows, rows=rows))

    @property
    def waiting_since(self) -> int | None:
        """When the first row of the batch being filled came; None while there is no row or earlier batches wait for
        credit, which would only make a small batch wait behind them instead of growing."""
        return None if self._filling is None or self.has_sealed else self._filling_since

    @property
    def has_sealed(self) -> bool:
        return self._sent < self._last_sealed

    @property
    def _last_sealed(self) -> int:
        return self._durable + len(self._kept)

    def next_to_send(self) -> Frame | None:
        """The next batch if the credit allows it, from now on counted as sent; otherwise None."""
        if not self.has_sealed:
            return None
        frame = self._kept[self._sent - self._durable].frame
        if self._outstanding_bytes > 0 and self._outstanding_bytes + len(frame) > self._window_bytes:
            return None
        self._outstanding_bytes += len(frame)
        self._sent += 1
        return frame

    def request_flush(self) -> int:
        """All rows so far are to become durable soon. Ends the batch being filled, returns the sequence to wait for."""
        self.seal()
        self._flush_target = self._last_sealed
        return self._flush_target

    def take_flush(self) -> bool:
        """True, once for every request (and once more after reopen()), when everything it covers is sent and not yet
        durable."""
        if not self.flush_pending or self._sent < self._flush_target or self._flush_taken >= self._flush_target:
            return False
        self._flush_taken = self._flush_target
        return True

    @property
    def flush_pending(self) -> bool:
        return self._durable < self._flush_target

    def acknowledge(self, durable: int, window_bytes: int) -> int:
        """Everything sent up to `durable` is on disk. Returns how many bytes of rows are no longer kept."""
        self._window_bytes = window_bytes
        kept_before = self.kept_bytes
        believed = min(durable, self._sent)
        while self._durable < believed:
            batch = self._kept.popleft()
            self._durable += 1
            self._outstanding_bytes -= len(batch.frame)
            self.kept_bytes -= len(batch.frame) - BATCH_HEADER_BYTES
            self._forgotten_rows += batch.rows
            self._report.durable_rows += batch.rows - batch.rejected
        return kept_before - self.kept_bytes

    def reopen(self, opened: Opened) -> tuple[int, str]:
        """After the connection was lost or the daemon missed a batch: goes on from what the daemon says it has.

        Returns how many bytes of rows are no longer kept; and, when the daemon's stream cannot be the one that was
        being sent to, a sentence that says why, and nothing has changed.
        """
        if opened.stream_id != self.stream_id:
            return 0, "it was dropped and made anew by somebody else: open it again to send to the new one"
        if opened.durable < self._durable:
            return 0, (
                f"the daemon has lost batches it had reported durable (it has {opened.durable}, had {self._durable}): "
                "was the stream rolled back, or an older copy of the data directory restored? open it again to go on "
                "from there"
            )
        if opened.accepted > self._sent:
            return 0, (
                "the daemon has batches under this producer's name that this client never sent: does another client "
                "use the same name?"
            )
        released = self.acknowledge(opened.durable, opened.window_bytes)
        self._sent = max(opened.accepted, self._durable)
        accepted = [self._kept[i] for i in range(self._sent - self._durable)]
        self._outstanding_bytes = sum(len(batch.frame) for batch in accepted)
        self._flush_taken = 0
        return released, ""

    def reject(self, rejected: RowsRejected) -> None:
        if not self._durable < rejected.sequence <= self._last_sealed:
            return
        batch = self._kept[rejected.sequence - self._durable - 1]
        # Set, not added: a batch that is sent again is judged again.
        rows = min(rejected.rows, batch.rows)
        self._report.rejected_rows += rows - batch.rejected
        batch.rejected = rows
        if not self._report.first_rejection:
            row = batch.first_row + rejected.first_row + 1
            self._report.first_rejection = f"row {row}: {_DESCRIBED[rejected.reason]}"

    def is_durable(self, sequence: int) -> bool:
        return sequence <= self._durable

    @property
    def all_durable(self) -> bool:
        return not self._kept and self._filling is None

    @property
    def outstanding(self) -> bool:
        return self._outstanding_bytes > 0

    @property
    def kept_rows(self) -> int:
        return self._pushed_rows - self._forgotten_rows

    @property
    def report(self) -> FlushReport:
        return dataclasses.replace(self._report)

    def bytes_of(self, rows: Rows | SparseRows) -> int:
        """What they will be counted as in kept_bytes."""
        return rows.batch_bytes if isinstance(rows, SparseRows) else rows.nbytes


_DESCRIBED = {
    RejectReason.NOT_FINITE: "a value is not a finite number",
    RejectReason.MAGNITUDE: "a value is beyond 1e150, or is after weighting",
    RejectReason.WEIGHT: "the weight is negative",
    RejectReason.ROW_LENGTH: "not the stream's number of columns, or more values than a row may have",
    RejectReason.MISSING_COLUMN: "a column is missing",
    RejectReason.UNKNOWN_COLUMN: "a column is not one of the stream's",
    RejectReason.NOT_A_NUMBER: "a value is not a number",
    RejectReason.BAD_INDEX: "the features' numbers do not increase, or are not below the dimension",
}
