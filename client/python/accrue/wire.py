"""Every message between a client and the daemon's ingest socket, and the questions to its query socket; the answers to
those are results.py. ingest/wire/WIRE.md describes each with an example of its bytes, and the golden files of these
hold all that speak the protocol together.

Batches and questions for predictions are built so that their rows begin at a multiple of 8 and can be read where they
are. Values; functions may be called from any thread.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from accrue.codec import U32, encode_fields, message
from accrue.spec import Model, StreamSpec

Rows: TypeAlias = "NDArray[np.float64] | NDArray[np.float32]"  # a row each, C-contiguous
Frame: TypeAlias = "bytes | NDArray[np.uint8]"  # what goes to the socket: it has a length in bytes, and does not change

BATCH_HEADER_BYTES = 32
# Array of 7, version, type, and the integers at full width: stream_id, sequence, dtype, count, length of the bin.
_BATCH_HEADER = struct.Struct(">3s BQ BQ B BI BI")
_UINT16, _UINT32, _UINT64, _STR8, _STR16, _BIN32 = 0xCD, 0xCE, 0xCF, 0xD9, 0xDA, 0xC6


class DataType(enum.IntEnum):
    FLOAT64 = 0
    FLOAT32 = 1


class ErrorCode(enum.IntEnum):
    MALFORMED = 0
    UNKNOWN_TYPE = 1
    NO_SESSION = 2
    UNKNOWN_STREAM = 3
    BAD_SPEC = 4
    SPEC_MISMATCH = 5
    SEQUENCE_GAP = 6
    OVER_WINDOW = 7
    SUPERSEDED = 8
    TOO_MANY = 9
    NO_MODEL_YET = 10
    BAD_ROWS = 11
    STORE_FAILED = 12
    SHUTTING_DOWN = 13
    UNKNOWN_EPOCH = 14
    ROLLED_BACK = 15
    UNKNOWN_MODEL = 16
    MODEL_EXISTS = 17


class RejectReason(enum.IntEnum):
    NOT_FINITE = 0
    MAGNITUDE = 1
    WEIGHT = 2
    ROW_LENGTH = 3
    MISSING_COLUMN = 4
    UNKNOWN_COLUMN = 5
    NOT_A_NUMBER = 6
    BAD_INDEX = 7


class Span(enum.IntEnum):
    """Of what rows the errors in a History are."""

    LIFETIME = 0
    EPOCH = 1
    LAST_1000 = 2
    LAST_10000 = 3
    LAST_100000 = 4


# ---- client to the ingest socket ----


@message
@dataclass(kw_only=True)
class Hello:
    TYPE: ClassVar[int] = 1
    producer: str  # who sends; the same after a reconnect
    ephemeral: bool = False  # the daemon may forget this producer after its Bye


@message
@dataclass(kw_only=True)
class Open:
    TYPE: ClassVar[int] = 2
    stream: str
    spec: StreamSpec | None = None  # given: create the stream if it is new, otherwise it must be the same


@message
@dataclass(kw_only=True)
class Batch:
    TYPE: ClassVar[int] = 3
    stream_id: int
    sequence: int  # 1, 2, 3 ... for each stream and producer
    dtype: DataType = DataType.FLOAT64
    count: U32  # rows
    rows: bytes


@message
@dataclass(kw_only=True)
class Flush:
    TYPE: ClassVar[int] = 4
    stream_id: int


@message
@dataclass(kw_only=True)
class Ping:
    TYPE: ClassVar[int] = 5


@message
@dataclass(kw_only=True)
class Bye:
    TYPE: ClassVar[int] = 6


@message
@dataclass(kw_only=True)
class Drop:
    TYPE: ClassVar[int] = 7
    stream: str


@message
@dataclass(kw_only=True)
class Rollback:
    TYPE: ClassVar[int] = 8
    request: int = 0  # the answer repeats it; so below
    stream: str
    epoch: int  # a kept one: the stream is to be again what it was then


@message
@dataclass(kw_only=True)
class AddModel:
    TYPE: ClassVar[int] = 9
    request: int = 0
    stream: str
    model: Model


@message
@dataclass(kw_only=True)
class DropModel:
    TYPE: ClassVar[int] = 10
    request: int = 0
    stream: str
    model: str


@message
@dataclass(kw_only=True)
class PromoteModel:
    TYPE: ClassVar[int] = 11
    request: int = 0
    stream: str
    model: str  # to be the champion


# ---- the ingest socket to a client ----


@message
@dataclass(kw_only=True)
class Welcome:
    TYPE: ClassVar[int] = 32
    version: str
    query_endpoint: str  # for tcp only the port counts, the host is the client's
    max_message_bytes: int


@message
@dataclass(kw_only=True)
class Opened:
    TYPE: ClassVar[int] = 33
    stream: str
    stream_id: int
    spec: StreamSpec
    accepted: int  # this producer's last batch the daemon has: resend from the next
    durable: int  # and the last one that is in an epoch on disk
    window_bytes: int  # credit: bytes of batches that may be outstanding (sent, not durable)


@message
@dataclass(kw_only=True)
class Ack:
    TYPE: ClassVar[int] = 34
    stream_id: int
    applied: int  # every batch up to this sequence is learned
    durable: int  # ... is in an epoch on disk
    window_bytes: int


@message
@dataclass(kw_only=True)
class RowsRejected:
    TYPE: ClassVar[int] = 35
    stream_id: int
    sequence: int
    rows: U32  # how many of the batch
    first_row: U32  # the first of them, from 0
    reason: RejectReason  # of the first


@message
@dataclass(kw_only=True)
class Pong:
    TYPE: ClassVar[int] = 36


@message
@dataclass(kw_only=True)
class Error:
    TYPE: ClassVar[int] = 37
    request: int = 0  # the query, rollback or change of models it answers; otherwise 0
    code: ErrorCode
    about: str = ""  # the stream's name, where it is about one
    text: str = ""


@message
@dataclass(kw_only=True)
class Dropped:
    TYPE: ClassVar[int] = 38
    stream: str


@message
@dataclass(kw_only=True)
class RolledBack:
    TYPE: ClassVar[int] = 39
    request: int
    stream: str
    epoch: int  # the new one, a copy of the one asked for


@message
@dataclass(kw_only=True)
class ModelsChanged:
    TYPE: ClassVar[int] = 40
    request: int
    stream: str
    epoch: int  # the first on disk that has the change


# ---- client to the query socket ----


@message
@dataclass(kw_only=True)
class Predict:
    TYPE: ClassVar[int] = 16
    FIELDS_AT_FIRST: ClassVar[int] = 5
    request: int = 0
    stream: str
    dtype: DataType = DataType.FLOAT64
    count: U32 = 0  # 0: as many as the length of the rows says
    rows: bytes = b""  # encode_predict has them beside it
    epoch: int | None = None  # answer from this kept epoch; the newest where it is left out
    model: str = ""  # answer by this model; the champion where it is left out
    interval: float | None = None  # the level of the intervals to answer with, above 0 and below 1


@message
@dataclass(kw_only=True)
class GetCoef:
    TYPE: ClassVar[int] = 17
    FIELDS_AT_FIRST: ClassVar[int] = 2
    request: int = 0
    stream: str
    epoch: int | None = None  # as in Predict
    model: str = ""  # likewise


@message
@dataclass(kw_only=True)
class GetMetrics:
    TYPE: ClassVar[int] = 18
    FIELDS_AT_FIRST: ClassVar[int] = 2
    request: int = 0
    stream: str
    model: str = ""


@message
@dataclass(kw_only=True)
class GetStatus:
    TYPE: ClassVar[int] = 19
    request: int = 0


@message
@dataclass(kw_only=True)
class GetEpochs:
    TYPE: ClassVar[int] = 20
    request: int = 0
    stream: str


@message
@dataclass(kw_only=True)
class GetModels:
    TYPE: ClassVar[int] = 21
    request: int = 0
    stream: str


@message
@dataclass(kw_only=True)
class GetHistory:
    TYPE: ClassVar[int] = 22
    request: int = 0
    stream: str
    model: str = ""
    span: Span
    from_epoch: int = 0  # only epochs from this one on; 0 for all


# ---- frames with rows ----


def data_type(rows: Rows) -> DataType:
    return DataType.FLOAT64 if rows.dtype == np.float64 else DataType.FLOAT32


def batch_header(stream_id: int, sequence: int, dtype: DataType, count: int, row_bytes: int) -> bytes:
    """What stands before the rows of a batch: BATCH_HEADER_BYTES, whatever the numbers in it."""
    return _BATCH_HEADER.pack(
        b"\x97\x01\x03", _UINT64, stream_id, _UINT64, sequence, dtype, _UINT32, count, _BIN32, row_bytes
    )


def encode_predict(question: Predict, rows: Rows | bytes) -> bytes:
    """As encode(), but with headers that are wider than they need be, by 0 to 7 bytes, for the rows to begin at a
    multiple of 8. `rows` are those of the question, which is empty of them."""
    fields, tail = encode_fields(question, begin=Predict.FIELDS_AT_FIRST)
    data = rows if isinstance(rows, bytes) else rows.data.cast("B")
    head = _predict_head(question, fields, len(data), 0)
    return b"".join([_predict_head(question, fields, len(data), -len(head) % 8), data, tail])


def _predict_head(question: Predict, fields: int, row_bytes: int, longer: int) -> bytes:
    name = question.stream.encode()
    return b"".join(
        [
            bytes([0x90 + 2 + fields, 1, question.TYPE]),
            struct.pack(">BQ", _UINT64, question.request),
            struct.pack(">BH", _STR16, len(name)) if longer & 1 else struct.pack(">BB", _STR8, len(name)),
            name,
            struct.pack(">BH", _UINT16, question.dtype) if longer & 2 else bytes([question.dtype]),
            struct.pack(">BQ", _UINT64, question.count) if longer & 4 else struct.pack(">BI", _UINT32, question.count),
            struct.pack(">BI", _BIN32, row_bytes),
        ]
    )
