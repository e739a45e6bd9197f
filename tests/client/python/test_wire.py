"""The golden files that every speaker of the protocol reads, and this client's messages, are the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest

import accrue
from accrue import codec, results, wire
from accrue.spec import Model, PartitionBy, StreamSpec
from accrue.wire import DataType, ErrorCode, RejectReason

GOLDEN = Path(__file__).parents[2] / "golden" / "wire"
ROW = np.array([[4.0, 30.0, 210.5]])

SPEC = StreamSpec(features=["rooms", "age"], target="price", ridge=0.5, partitions=2)
WITH_TIME = dataclasses.replace(SPEC, time="sold")
WITH_ID = dataclasses.replace(
    WITH_TIME, partition_by=PartitionBy.HASH, id="visit", label_ttl_rows=50_000, label_ttl_s=1_800
)
RIDGE = Model("ridge2", ridge=2)
SPARSE = np.array([4, 1, 1.5, 2, -0.25], "<f8").tobytes() + np.array([2, 3, 3, 70, 3], "<u4").tobytes()
PREDICT = wire.Predict(request=8, stream="homes", count=1, rows=ROW[:, :2].tobytes())
STATUS = results.Status(
    version="0.1.0",
    pid=4_242,
    uptime_s=61.5,
    data_dir="/var/lib/accrue",
    workers=2,
    producers=1,
    outstanding_bytes=4_096,
    degraded="",
    streams=[
        results.StreamStatus("homes", SPEC, 12, 1_000, 6.25, [results.RejectedRows(RejectReason.NOT_FINITE, 3)])
    ],
)
COEF = results.Coefficients(
    model="least_squares",
    epoch=12,
    rows=1_000,
    names=["rooms", "age"],
    intercept=results.Estimate(1.5, 0.25, 6),
    coefficients=[results.Estimate(50.25, 0.5, 100.5), results.Estimate(-0.125)],
    residual_std=2.5,
    r2=0.75,
    rank=2,
    condition=None,
)
METRICS = results.Metrics("least_squares", 12, 1_000, 6.25, 1.75, 2.5, None, 5.5, 1.5)
WINDOW = results.ErrorFigures(1_000, 1_000, 4, 1.5, 2, None, 0.25, -0.5, 4, 1.5)
METRICS_WHOLE = dataclasses.replace(
    METRICS,
    model="ridge2",
    r2=0.75,
    mape=0.25,
    bias=-0.5,
    last=[WINDOW],
    conformal=results.Coverage(900, 0.95, 10),
    drifts=1,
    last_drift_row=700,
)

MESSAGES: dict[str, Any] = {
    "hello": wire.Hello(producer="till-3", ephemeral=True),
    "open_or_create": wire.Open(stream="homes", spec=SPEC),
    "open_by_range": wire.Open(
        stream="homes",
        spec=dataclasses.replace(
            SPEC, key="age", partitions=3, partition_by=PartitionBy.RANGE, partition_cuts=[10, 30]
        ),
    ),
    "open_by_time_window": wire.Open(
        stream="homes",
        spec=dataclasses.replace(SPEC, key="sold", partition_by=PartitionBy.TIME_WINDOW, partition_window_s=3_600),
    ),
    "open_with_time": wire.Open(stream="homes", spec=WITH_TIME),
    "open_with_id": wire.Open(stream="homes", spec=WITH_ID),
    "open_with_models": wire.Open(
        stream="homes", spec=dataclasses.replace(SPEC, ridge=0, models=[Model("flat", intercept=False), RIDGE])
    ),
    "open_sparse": wire.Open(stream="reviews", spec=StreamSpec(target="stars", dimension=1_000)),
    "open": wire.Open(stream="homes"),
    "batch": wire.Batch(stream_id=3, sequence=7, count=1, rows=ROW.tobytes()),
    "batch_sparse": wire.Batch(stream_id=3, sequence=7, count=2, rows=SPARSE),
    "flush": wire.Flush(stream_id=3),
    "ping": wire.Ping(),
    "bye": wire.Bye(),
    "drop": wire.Drop(stream="homes"),
    "rollback": wire.Rollback(request=14, stream="homes", epoch=7),
    "add_model": wire.AddModel(request=15, stream="homes", model=RIDGE),
    "drop_model": wire.DropModel(request=16, stream="homes", model="ridge2"),
    "promote_model": wire.PromoteModel(request=17, stream="homes", model="ridge2"),
    "welcome": wire.Welcome(version="0.1.0", query_endpoint="tcp://0.0.0.0:7701", max_message_bytes=16_777_216),
    "opened": wire.Opened(
        stream="homes", stream_id=3, spec=SPEC, accepted=6, durable=4, window_bytes=33_554_432
    ),
    "ack": wire.Ack(stream_id=3, applied=6, durable=4, window_bytes=33_554_432),
    "rows_rejected": wire.RowsRejected(
        stream_id=3, sequence=7, rows=2, first_row=0, reason=RejectReason.MAGNITUDE
    ),
    "pong": wire.Pong(),
    "error": wire.Error(code=ErrorCode.UNKNOWN_STREAM, about="homes", text="there is no stream 'homes'"),
    "dropped": wire.Dropped(stream="homes"),
    "rolled_back": wire.RolledBack(request=14, stream="homes", epoch=13),
    "models_changed": wire.ModelsChanged(request=15, stream="homes", epoch=13),
    "predict": PREDICT,
    "predict_epoch": dataclasses.replace(PREDICT, epoch=7),
    "predict_model": dataclasses.replace(PREDICT, model="ridge2"),
    "predict_interval": dataclasses.replace(PREDICT, interval=0.95),
    "predict_sparse": wire.Predict(request=8, stream="reviews", count=2, rows=SPARSE[16:]),
    "get_coef": wire.GetCoef(request=9, stream="homes"),
    "get_coef_epoch": wire.GetCoef(request=9, stream="homes", epoch=7),
    "get_coef_model": wire.GetCoef(request=9, stream="homes", model="ridge2"),
    "get_metrics": wire.GetMetrics(request=10, stream="homes"),
    "get_metrics_model": wire.GetMetrics(request=10, stream="homes", model="ridge2"),
    "get_status": wire.GetStatus(request=11),
    "get_epochs": wire.GetEpochs(request=13, stream="homes"),
    "get_models": wire.GetModels(request=18, stream="homes"),
    "get_history": wire.GetHistory(
        request=19, stream="homes", model="ridge2", span=wire.Span.LAST_1000, from_epoch=7
    ),
}

ANSWERS: dict[str, tuple[int, Any]] = {
    "prediction": (8, results.Prediction(12, 1_000, np.array([199.25]))),
    "prediction_model": (8, results.Prediction(12, 1_000, np.array([199.25]), "ridge2")),
    "prediction_interval": (8, results.Prediction(12, 1_000, np.array([199.25]), "", np.array([24.5]), 31.0)),
    "coef": (9, COEF),
    "coef_sparse": (
        9,
        results.Coefficients(
            "sgd", 12, 1_000, ["70"], results.Estimate(1.5), [results.Estimate(-0.125)], None, None, 0, None, 2
        ),
    ),
    "metrics": (10, METRICS),
    "metrics_whole": (10, METRICS_WHOLE),
    "metrics_windows": (
        10,
        dataclasses.replace(
            METRICS_WHOLE, last=[dataclasses.replace(WINDOW, conformal=results.Coverage(1_000, 0.9375, 9))]
        ),
    ),
    "metrics_keys": (10, dataclasses.replace(METRICS, keys=3, evicted_keys=40)),
    "status": (11, STATUS),
    "status_memory": (11, dataclasses.replace(STATUS, memory_bytes=8_192, memory_limit_bytes=1 << 30)),
    "status_labels": (
        11,
        dataclasses.replace(
            STATUS,
            streams=[dataclasses.replace(STATUS.streams[0], spec=WITH_ID, labels=results.LateLabels(7, 2, 1, 0))],
        ),
    ),
    "epochs": (
        13,
        results.KeptEpochs(
            2,
            [
                results.Epoch(12, 1_000, 1_700_000_000_100, 6.25, 5.5),
                results.Epoch(7, 1, 1_700_000_000_000, None, None),
            ],
        ),
    ),
    "models": (
        18,
        results.Models(
            12,
            [
                results.ModelStatus(Model("least_squares"), True, 1_000, 6.25, 1.75, None, 5.5, 1.5),
                results.ModelStatus(RIDGE, False, 0, None, None, None, None, None),
            ],
        ),
    ),
}

ANSWERS["history"] = (
    19,
    results.History(
        "ridge2",
        np.array(
            [
                [7, 1_700_000_000_000, 0, *[np.nan] * 12],
                [12, 1_700_000_000_100, 1_000, 6.25, 1.75, 2.5, 0.75, 0.25, -0.5, 5.5, 1.5, 0.9375, 9, np.nan, np.nan],
            ]
        ),
    ),
)

# Built in place; and what only small producers in other languages write.
OF_OTHER_FORMS = {"batch_in_place", "predict_in_place", "batch_friendly"}


def golden(name: str) -> bytes:
    return bytes.fromhex((GOLDEN / f"{name}.hex").read_text())


def plain(value: Any) -> Any:
    """With arrays as lists, to be compared."""
    if isinstance(value, np.ndarray):
        return [[None if x != x else x for x in row] if isinstance(row, list) else row for row in value.tolist()]
    if dataclasses.is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value


FILES = {path.stem for path in GOLDEN.glob("*.hex")}


def test_every_golden_file_is_known() -> None:
    assert {*MESSAGES, *ANSWERS, *OF_OTHER_FORMS} >= FILES > OF_OTHER_FORMS


@pytest.mark.parametrize("name", sorted(MESSAGES.keys() & FILES))
def test_a_message_is_its_golden_file(name: str) -> None:
    assert codec.encode(MESSAGES[name]) == golden(name)
    assert codec.decode(golden(name)) == MESSAGES[name]


@pytest.mark.parametrize("name", sorted(ANSWERS.keys() & FILES))
def test_an_answer_is_its_golden_file(name: str) -> None:
    request, answer = ANSWERS[name]
    assert codec.encode(answer, request=request) == golden(name)
    read = codec.decode_answer(golden(name))
    assert (read[0], plain(read[1])) == (request, plain(answer))


def test_an_error_answers_the_request_that_it_names() -> None:
    error = wire.Error(request=9, code=ErrorCode.NO_MODEL_YET)
    assert codec.decode_answer(codec.encode(error)) == (9, error)


def test_a_batch_built_in_place_is_its_golden_file() -> None:
    header = wire.batch_header(3, 7, DataType.FLOAT64, 1, ROW.nbytes)
    assert len(header) == wire.BATCH_HEADER_BYTES
    assert header + ROW.tobytes() == golden("batch_in_place")
    assert codec.decode(golden("batch_in_place")) == MESSAGES["batch"]


def test_rows_to_predict_begin_at_a_multiple_of_8_whatever_the_name() -> None:
    rows = np.ascontiguousarray(ROW[:, :2])
    assert wire.encode_predict(dataclasses.replace(PREDICT, rows=b""), rows) == golden("predict_in_place")
    for length in range(1, 129):
        question = wire.Predict(request=1, stream="s" * length, count=1, epoch=5, interval=0.5)
        frame = wire.encode_predict(question, rows)
        assert frame.index(rows.tobytes()) % 8 == 0
        assert codec.decode(frame) == dataclasses.replace(question, rows=rows.tobytes())


def test_a_history_is_as_it_is_described() -> None:
    points: list[list[Any]] = [
        [7, 1_700_000_000_000, 0, *[None] * 12],
        [8, 1_700_000_000_100, 10, *(0.5 * i for i in range(12))],
    ]
    request, history = codec.decode_answer(msgpack.packb([1, 54, 19, "ridge2", points]))
    assert (request, history.model) == (19, "ridge2")
    assert codec.encode(history, request=19) == msgpack.packb([1, 54, 19, "ridge2", points])
    table = history.to_numpy()
    assert table["epoch"].tolist() == [7, 8]
    assert table["n"].tolist() == [0, 10]
    assert table["committed"][1] == np.datetime64("2023-11-14T22:13:20.100")
    assert np.isnan(table["mse"][0]) and table["mse"][1] == 0
    assert table["model_width"][1] == 5.5
    assert codec.encode(wire.GetHistory(request=19, stream="homes", span=wire.Span.LAST_1000)) == msgpack.packb(
        [1, 22, 19, "homes", "", 2, 0]
    )


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", "not a well-formed MessagePack value"),
        (b"\x92\x01\x05\x00", "not a well-formed MessagePack value"),
        (b"\x92\x01", "not a well-formed MessagePack value"),
        (b"\x91\x01", "not an array that begins"),
        (b"\x81\x01\x05", "not an array that begins"),
        (b"\x92\x02\x05", "a protocol version"),
        (b"\x92\x01\x7f", "message type 127"),
        (b"\x93\x01\x05\x00", "a wrong number of fields"),
        (b"\x93\x01\x04\xff", "a wrong number of fields"),  # a negative stream_id
        (b"\x93\x01\x04\xc3", "a wrong number of fields"),  # a bool is no integer
        (b"\x93\x01\x04\xc7\x01\x05\x00", "a wrong number of fields"),  # nor is an extension type
        (b"\x96\x01\x25\x00\x7f\xa0\xa0", "a wrong number of fields"),  # an error code that is none
    ],
)
def test_a_frame_that_is_no_message_is_refused_with_the_reason(frame: bytes, reason: str) -> None:
    with pytest.raises(codec.Unreadable, match=reason):
        codec.decode(frame)


def test_settings_of_numpy_are_written_as_those_of_python() -> None:
    given = accrue.Model("m", a=np.float64(10), b=np.float32(0.5), c=np.int64(3), d=np.bool_(True))
    assert given == accrue.Model("m", a=10.0, b=0.5, c=3, d=True)
    assert list(given.settings.values()) == ["10", "0.5", "3", "true"]
