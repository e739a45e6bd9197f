"""A client and a daemon: what is pushed is learned exactly once, and everything that is asked is answered."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse  # type: ignore[import]
from conftest import PACKAGE, Daemon

import accrue

FEATURES = ["rooms", "age"]
CHANCE = np.random.default_rng(7)
X = CHANCE.normal(size=(500, 2))
Y = X @ [2.0, -3.0] + 1.5 + 0.1 * CHANCE.normal(size=500)


def homes(client: accrue.Client, name: str = "homes", **spec: Any) -> accrue.Stream:
    return client.stream(name, features=FEATURES, target="price", **spec)


def learned_rows(client: accrue.Client, name: str = "homes") -> int:
    return next(stream.rows for stream in client.status().streams if stream.name == name)


def test_what_is_pushed_is_learned(client: accrue.Client) -> None:
    stream = homes(client)
    stream.push(X, Y)
    assert stream.flush() == accrue.FlushReport(durable_rows=500)
    assert stream.progress().durable_rows == 500
    design = np.column_stack([np.ones(500), X])
    wanted = np.linalg.lstsq(design, Y, rcond=None)[0]
    coefficients = stream.coef()
    assert coefficients.intercept is not None
    np.testing.assert_allclose([coefficients.intercept.estimate, *coefficients.values], wanted, rtol=1e-10)
    prediction = stream.predict(X)
    np.testing.assert_allclose(prediction, design @ wanted, rtol=1e-10)
    assert (len(prediction), prediction.rows, prediction.model) == (500, 500, "")
    assert prediction[0] == prediction.values[0] == next(iter(prediction))
    prediction.values += 1


def test_it_is_the_same_over_tcp(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path, listen="tcp://127.0.0.1:0")
    try:
        with daemon.client() as client:
            stream = homes(client)
            stream.push(X, Y)
            assert stream.flush().durable_rows == 500
            assert len(stream.predict(X)) == 500
    finally:
        daemon.kill()


def test_the_names_of_a_row_are_the_streams(client: accrue.Client) -> None:
    stream = homes(client, weighted=True, key="store", partition_by="hash", partitions=2)
    assert (stream.name, stream.columns) == ("homes", ["rooms", "age", "price", "weight", "store"])
    assert stream.spec.partition_by is accrue.PartitionBy.HASH
    again = client.stream("homes")
    assert again.spec == stream.spec
    frame = pd.DataFrame({"store": 1.0, "price": Y, "age": X[:, 1], "weight": 1.0, "rooms": X[:, 0]})
    again.push(frame)
    assert stream.flush().durable_rows == 500


def test_rows_one_by_one_in_floats_and_in_frames_are_the_same_stream(client: accrue.Client) -> None:
    stream = homes(client)
    for x, y in zip(X[:100], Y[:100], strict=True):
        stream.push(x, y)
    stream.push(X[100:200].astype(np.float32), Y[100:200].astype(np.float32))
    stream.push(pd.DataFrame(X[200:], columns=FEATURES).assign(price=Y[200:]))
    assert stream.flush().durable_rows == 500
    assert learned_rows(client) == 500
    np.testing.assert_allclose(stream.predict(X[:5].astype(np.float32)), stream.predict(X[:5]), rtol=1e-5)


def test_rows_that_are_refused_are_told(client: accrue.Client) -> None:
    stream = homes(client)
    bad = Y.copy()
    bad[7] = np.inf
    stream.push(X, bad)
    assert stream.flush() == accrue.FlushReport(499, 1, "row 8: a value is not a finite number")


def test_intervals_hold_the_targets(client: accrue.Client) -> None:
    stream = homes(client)
    stream.push(X, Y)
    stream.flush()
    prediction = stream.predict(X, interval=0.95)
    assert (prediction.lower < prediction.values).all() and (prediction.values < prediction.upper).all()
    assert prediction.conformal_margin is not None
    for low, high in (
        (prediction.lower, prediction.upper),
        (prediction.conformal_lower, prediction.conformal_upper),
    ):
        assert ((low <= Y) & (high >= Y)).mean() > 0.85
    assert list(prediction.to_frame()) == ["value", "lower", "upper", "conformal_lower", "conformal_upper"]
    with pytest.raises(accrue.Invalid, match="no intervals were asked for"):
        _ = stream.predict(X).lower
    with pytest.raises(accrue.Invalid, match="above 0 and below 1"):
        stream.predict(X, interval=95)


def test_models_are_added_promoted_and_dropped(client: accrue.Client) -> None:
    stream = homes(client, models=[accrue.Model("flat", intercept=False)])
    stream.push(X, Y)
    stream.flush()
    client.add_model("homes", accrue.Model("ridge2", "least_squares", ridge="2"))
    stream.push(X, Y)
    stream.flush()
    assert [(each.name, each.champion, each.rows) for each in stream.models()] == [
        ("flat", True, 1_000),
        ("ridge2", False, 500),
    ]
    assert stream.predict(X, model="ridge2").model == "ridge2"
    client.promote_model("homes", "ridge2")
    assert stream.models().champion.name == "ridge2"
    assert stream.coef().intercept is not None
    assert stream.coef(model="flat").intercept is None
    client.drop_model("homes", "flat")
    assert list(stream.models().to_frame().index) == ["ridge2"]
    with pytest.raises(accrue.UnknownModel):
        stream.metrics("flat")


def test_epochs_are_kept_and_rolled_back_to(client: accrue.Client) -> None:
    stream = homes(client)
    stream.push(X[:250], Y[:250])
    stream.flush()
    first = stream.epochs()[0]
    stream.push(X[250:], Y[250:])
    stream.flush()
    before = stream.coef(epoch=first.epoch)
    assert (before.rows, stream.coef().rows) == (250, 500)
    assert stream.predict(X[:1], epoch=first.epoch).epoch == first.epoch
    new = client.rollback("homes", first.epoch)
    assert new > first.epoch
    with pytest.raises(accrue.RolledBack):
        stream.flush()
        stream.push(X, Y)
        stream.flush()
    again = client.stream("homes")
    again.push(X[250:], Y[250:])
    again.flush()
    assert learned_rows(client) == 500
    assert again.epochs().to_frame()["committed"].is_monotonic_decreasing
    with pytest.raises(accrue.UnknownEpoch):
        again.coef(epoch=10**9)


def test_queries_need_no_open_stream(daemon: Daemon, client: accrue.Client) -> None:
    homes(client).push(X, Y)
    homes(client).flush()
    with daemon.client() as other:
        np.testing.assert_array_equal(other.predict("homes", X[:3]), client.stream("homes").predict(X[:3]))
        assert other.coef("homes").names == FEATURES
        assert other.metrics("homes").rows == 500
        assert other.models("homes").champion.rows == 500
        assert other.epochs("homes").kept >= 1
        assert list(other.metrics("homes").to_frame().index)[:2] == ["all", "last_1000"]
        # The stream is made anew, with other features.
        client.drop("homes")
        anew = client.stream("homes", features=["x"], target="y")
        anew.push([[1.0], [2.0], [3.0]], [2.0, 4.0, 6.0])
        anew.flush()
        np.testing.assert_allclose(other.predict("homes", [[4.0]]), [8.0])
        with pytest.raises(accrue.UnknownStream, match="there is no stream 'none'"):
            other.predict("none", X)


def test_each_error_is_its_kind(client: accrue.Client) -> None:
    stream = homes(client)
    with pytest.raises(accrue.NoModelYet):
        stream.predict(X)
    with pytest.raises(accrue.SpecMismatch, match="it has features rooms, age, not rooms"):
        client.stream("homes", features=["rooms"], target="price")
    with pytest.raises(accrue.UnknownStream):
        client.stream("none")
    with pytest.raises(accrue.UnknownStream):
        client.drop("none")
    with pytest.raises(accrue.Invalid, match="is named twice"):
        client.stream("twice", features=["x", "x"])
    with pytest.raises(accrue.Invalid, match="stream name 'a b' is not"):
        client.stream("a b")
    with pytest.raises(accrue.Invalid, match="partition_by is one of round_robin, hash"):
        homes(client, "h", partition_by="luck")
    with pytest.raises(accrue.Invalid, match="learner"):
        client.add_model("homes", accrue.Model("m", "no_such_learner"))
    with pytest.raises(accrue.Invalid, match="there are no rows to predict"):
        stream.predict(np.empty((0, 2)))
    with pytest.raises(accrue.Invalid, match="an endpoint looks like"):
        accrue.Client("nonsense")
    assert issubclass(accrue.Invalid, ValueError) and issubclass(accrue.Timeout, TimeoutError)


def test_features_and_labels_that_come_later_are_one_row(client: accrue.Client) -> None:
    stream = homes(client, id="visit")
    stream.push_features([1, 2, 3], X[:3])
    stream.push_features(4, X[3])
    stream.push_label(2, Y[1])
    stream.push_label([1, 3, 9], Y[[0, 2, 0]])
    stream.push(X[4:9], Y[4:9], id=range(4_000, 4_005))
    assert stream.flush().rejected_rows == 0
    status = client.status().streams[0]
    assert status.labels is not None
    assert (status.rows, status.labels.waiting, status.labels.unknown) == (4 + 4 + 5, 1, 1)
    assert stream.models().champion.rows == 5 + 3
    with pytest.raises(accrue.Invalid, match="every feature is missing"):
        stream.push_features(5, [np.nan, np.nan])
    with pytest.raises(accrue.Invalid, match="a target that is missing"):
        stream.push_label(5, np.nan)
    with pytest.raises(accrue.Invalid, match="has no id"):
        homes(client, "other").push_label(1, 1.0)


def test_sparse_rows_are_learned(client: accrue.Client) -> None:
    stream = client.stream("reviews", target="stars", dimension=1_000)
    matrix = scipy.sparse.random(2_000, 1_000, density=0.01, format="csr", random_state=1)
    stream.push(matrix, np.asarray(matrix.sum(axis=1)).ravel())
    stream.push(accrue.SparseRows(np.array([7, 3, 7]), np.array([1.0, 2.0, 3.0]), np.array([3])), 6.0)
    assert stream.flush() == accrue.FlushReport(durable_rows=2_001)
    assert stream.predict(matrix[:3]).values.shape == (3,)
    np.testing.assert_array_equal(client.predict("reviews", matrix[:3]), stream.predict(matrix[:3]))
    assert stream.coef().left_out == 0


def test_a_key_of_its_own_is_given_to_models_that_group_by_it(client: accrue.Client) -> None:
    models = [accrue.Model("by_store", group_by="key"), accrue.Model("all")]
    stream = homes(client, key="store", models=models)
    stream.push(X, Y + np.repeat([0, 100], 250), key=np.repeat([1, 2], 250))
    stream.flush()
    here, there = stream.predict(X[:1], key=1), stream.predict(X[:1], key=2)
    assert 80 < there[0] - here[0] < 120
    assert len(stream.predict(X[:4], model="all")) == 4


# ---- what goes wrong ----


def test_nothing_is_lost_or_learned_twice_when_the_daemon_is_killed(daemon: Daemon) -> None:
    with daemon.client(batch_rows=7) as client:
        stream = homes(client)
        for round in range(4):
            for i in range(50):
                stream.push(X[10 * i:10 * i + 10], Y[10 * i:10 * i + 10])
                if i == 10 * round:
                    daemon.kill()
                    daemon.start()
            client.status()
        assert stream.flush().durable_rows == 2_000
        assert learned_rows(client) == 2_000


def test_without_a_daemon_calls_time_out_and_rows_stay_queued(daemon: Daemon) -> None:
    with daemon.client() as client:
        stream = homes(client)
        daemon.kill()
        stream.push(X, Y)
        with pytest.raises(accrue.Timeout, match="500 rows pushed to stream 'homes' are not durable after 0.05 s"):
            stream.flush(timeout=0.05)
        with pytest.raises(accrue.Timeout):
            stream.flush(timeout=0)
        daemon.start()
        assert stream.flush().durable_rows == 500


def test_a_client_of_nobody_says_what_it_waits_for() -> None:
    with accrue.Client("tcp://127.0.0.1:9", timeout=0.05) as client:
        with pytest.raises(accrue.Timeout, match="could not be opened within 0.05 s; accrued does not answer at tcp"):
            homes(client)
        with pytest.raises(accrue.Timeout, match="no answer to a query in time; accrued does not answer"):
            client.status()


def test_credit_is_waited_for_and_tried(daemon: Daemon) -> None:
    row = np.zeros((1_000, 3))
    with daemon.client(max_unacknowledged_mb=1) as client:
        stream = homes(client)
        client._core.connection.timeout = 0.05
        daemon.stop()
        while stream.try_push(row):
            pass
        with pytest.raises(accrue.Timeout, match="no credit to push to stream 'homes' for 0.05 s: 1032000 bytes"):
            stream.push(row)
        with pytest.raises(accrue.Invalid, match="push them in pieces"):
            stream.push(np.zeros((50_000, 3)))
        daemon.go_on()
        assert stream.flush(timeout=60).durable_rows == 43_000
        assert stream.try_push(row)
        assert stream.flush(timeout=60).durable_rows == 44_000


def test_pushes_that_wait_for_credit_go_on_when_there_is_some(daemon: Daemon) -> None:
    rows = np.zeros((10_000, 3))
    with daemon.client(max_unacknowledged_mb=1) as client:
        stream = homes(client)
        for _ in range(40):
            stream.push(rows)
        assert stream.flush().durable_rows == 400_000


def test_threads_push_and_ask_at_once(daemon: Daemon) -> None:
    with daemon.client(batch_rows=16) as client:
        stream = homes(client)
        stream.push(X, Y)
        stream.flush()
        failures: list[BaseException] = []

        def work(number: int) -> None:
            try:
                for i in range(100):
                    stream.push(X[i], Y[i])
                    if i % 10 == number % 10:
                        assert len(stream.predict(X[:number + 1])) == number + 1
                stream.flush()
            except BaseException as failure:
                failures.append(failure)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert stream.flush().durable_rows == 500 + 800


def test_whoever_waits_when_the_client_is_closed_is_told(daemon: Daemon) -> None:
    client = daemon.client()
    stream = homes(client)
    daemon.stop()
    stream.push(X, Y)
    told: list[BaseException] = []

    def wait() -> None:
        with pytest.raises(accrue.Invalid, match="this accrue client is closed") as raised:
            stream.flush()
        told.append(raised.value)

    thread = threading.Thread(target=wait)
    thread.start()
    with pytest.warns(RuntimeWarning, match="closed while 500 rows pushed to it were not durable"):
        client.close()
    thread.join()
    assert told
    daemon.go_on()
    client.close()
    calls: list[Callable[[], object]] = [lambda: stream.push(X, Y), lambda: stream.predict(X), lambda: homes(client)]
    for call in calls:
        with pytest.raises(accrue.Invalid, match="this accrue client is closed"):
            call()


def test_a_client_that_nobody_has_any_more_is_closed(daemon: Daemon) -> None:
    client = daemon.client()
    stream: accrue.Stream | None = homes(client)
    core = weakref.ref(client._core)
    thread = client._core.connection._thread
    del client
    gc.collect()
    assert stream is not None and core() is not None, "its stream has it"
    stream.push(X, Y)
    assert stream.flush().durable_rows == 500
    stream = None
    gc.collect()
    assert core() is None
    thread.join(60)
    assert not thread.is_alive()


def test_the_producers_name_is_taken_over_by_who_comes_last(daemon: Daemon) -> None:
    with daemon.client(producer="till-3") as former:
        stream = homes(former)
        with daemon.client(producer="till-3") as latter:
            homes(latter)
            with pytest.raises(accrue.Refused, match="another client has taken over the producer name 'till-3'"):
                while True:  # until it has heard
                    former.status()
                    stream.flush()


def test_a_failure_is_raised_anew_each_time(client: accrue.Client) -> None:
    stream = homes(client)
    client.drop("homes")
    raised = []
    for _ in range(2):
        with pytest.raises(accrue.UnknownStream, match="stream 'homes' was dropped") as info:
            stream.push(X, Y)
        raised.append(info.value)
    assert raised[0] is not raised[1]


# ---- processes ----


def test_a_forked_process_is_told_to_make_a_client_of_its_own(daemon: Daemon, run_python: Callable[..., str]) -> None:
    script = """
import os, sys, threading, accrue
client = accrue.Client(sys.argv[1], timeout=60)
stream = client.stream("homes", features=["x"], target="y")
stream.push([[1.0]], [2.0])
stream.flush()
client._core.connection._lock.acquire()  # as another thread may have when this one forks
child = os.fork()
if child == 0:
    for call in (lambda: stream.push([[1.0]], [2.0]), stream.flush, stream.progress, client.status):
        try:
            call()
        except accrue.Invalid as error:
            print(str(error).split(",")[1].strip(), flush=True)
    client.close()
    with accrue.Client(sys.argv[1], timeout=60) as own:
        print(own.predict("homes", [[1.0]]).values, flush=True)
    sys.exit()
client._core.connection._lock.release()
assert os.waitpid(child, 0)[1] == 0
stream.push([[2.0]], [4.0])
print(stream.flush().durable_rows)
"""
    told = run_python(script, daemon.endpoint).splitlines()
    assert told == 4 * ["from which this one was forked: make a client here"] + ["[2.]", "2"]


@pytest.mark.parametrize("reachable", [True, False])
def test_an_interpreter_ends_whose_client_was_not_closed(
    daemon: Daemon, run_python: Callable[..., str], reachable: bool
) -> None:
    script = """
import sys, warnings, accrue
warnings.simplefilter("ignore")
client = accrue.Client(sys.argv[1], timeout=0.05)
try:
    stream = client.stream("homes", features=["x"], target="y")
    stream.push([[1.0]] * 100_000, [2.0] * 100_000)
except accrue.Timeout:
    pass
print("ends")
"""
    assert run_python(script, daemon.endpoint if reachable else "tcp://127.0.0.1:9") == "ends\n"


def test_an_interrupt_ends_a_wait_and_leaves_everything_as_it_was(daemon: Daemon) -> None:
    script = """
import os, signal, sys, threading, accrue
client = accrue.Client(sys.argv[1], timeout=60)
stream = client.stream("homes", features=["x"], target="y")
print("stop", flush=True)
sys.stdin.readline()
stream.push([[1.0]], [2.0])
waiting = client._core.connection._changes._changed._waiters
def interrupt():
    while not waiting:
        pass
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    stream.flush()
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(stream.flush().durable_rows)
"""
    command = [sys.executable, "-c", script, daemon.endpoint]
    environment = {**os.environ, "PYTHONPATH": PACKAGE}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, text=True) as program:
        assert program.stdin and program.stdout
        assert program.stdout.readline() == "stop\n"
        daemon.stop()
        program.stdin.write("\n")
        program.stdin.flush()
        assert program.stdout.readline() == "interrupted\n"
        daemon.go_on()
        assert program.stdout.readline() == "1\n"
    assert program.returncode == 0


def test_a_row_is_sent_after_its_linger_without_a_flush(daemon: Daemon) -> None:
    with daemon.client() as client:
        stream = homes(client)
        stream.push(X[0], Y[0])
        deadline = time.monotonic() + 60
        while stream.progress().durable_rows < 1:
            assert time.monotonic() < deadline
            client.status()


def test_a_history_goes_back_an_epoch_a_row(client: accrue.Client) -> None:
    stream = homes(client)
    for i in range(0, 500, 100):
        stream.push(X[i:i + 100], Y[i:i + 100])
        stream.flush()
    history = stream.history(span="lifetime")
    assert history["n"].iloc[-1] == 500 and history["epoch"].is_monotonic_increasing
    assert history["mse"].iloc[-1] == stream.metrics().mse
    assert len(client.history("homes", from_epoch=int(history["epoch"].iloc[2]))) == len(history) - 2
    with pytest.raises(accrue.Invalid, match="span is one of lifetime, epoch, last_1000, last_10000, last_100000"):
        stream.history(span="day")
