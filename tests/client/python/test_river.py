"""AccrueRegressor is what River expects of a regressor, and predicts by every row that it has learned."""

from __future__ import annotations

import copy
import gc
import pickle
from typing import Any

import numpy as np
import pandas
import pytest
from conftest import Daemon

import accrue

river = pytest.importorskip("river", reason="River is not in Debian: pip install river")

from river import checks, datasets, dummy, evaluate, metrics, preprocessing, stats  # noqa: E402

from accrue.river import AccrueRegressor  # noqa: E402

X = [{"rooms": float(i % 7), "age": float(i * i % 11)} for i in range(60)]
ROWS = [(x, 3.0 * x["rooms"] - 0.5 * x["age"] + 1.0) for x in X]


def learned(**options: Any) -> AccrueRegressor:
    model = AccrueRegressor(**options)
    for x, y in ROWS:
        model.learn_one(x, y)
    return model


MODEL = AccrueRegressor()
CHECKS = [check for check in checks.yield_checks(MODEL) if check.__name__ not in MODEL._unit_test_skips()]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: str(check.__name__))
def test_river(check: Any) -> None:
    check(MODEL.clone())


def test_features_may_come_later_where_they_are_named() -> None:
    names = tuple(next(iter(datasets.TrumpApproval()))[0])
    checks.common.check_emerging_features(AccrueRegressor(features=names), datasets.TrumpApproval().take(50))


def test_every_row_counts_in_the_next_prediction() -> None:
    model = AccrueRegressor()
    assert model.predict_one({"rooms": 1.0}) == 0.0
    x: list[Any] = []
    y: list[float] = []
    random = np.random.default_rng(1)
    for _ in range(40):
        row = random.normal(size=2)
        if len(y) > 6:
            design = np.column_stack([np.ones(len(y)), np.array(x)])
            expected = np.array([1.0, *row]) @ np.linalg.lstsq(design, np.array(y), rcond=None)[0]
            assert model.predict_one({"a": row[0], "b": row[1]}) == pytest.approx(expected, rel=1e-9)
        x.append(row)
        y.append(float(row @ [2.0, -1.0] + 0.1 * random.normal()))
        model.learn_one({"b": row[1], "a": row[0]}, y[-1])


def test_many_rows_are_the_same_as_one_by_one() -> None:
    frame, target = pandas.DataFrame(X), pandas.Series([y for _, y in ROWS])
    many = AccrueRegressor()
    assert many.predict_many(frame).tolist() == [0.0] * len(ROWS)
    many.learn_many(frame[["age", "rooms"]], target)
    frame.index += 100
    predicted = many.predict_many(frame)
    assert predicted.index.equals(frame.index)
    one_by_one = learned()
    np.testing.assert_allclose(predicted, [one_by_one.predict_one(x) for x in X], rtol=1e-9)
    np.testing.assert_allclose(predicted, target, rtol=1e-9)


def test_weights() -> None:
    model = AccrueRegressor()
    for x, y in ROWS:
        model.learn_one(x, y)
        model.learn_one(x, y + 100, w=0.0)
    assert model.predict_one({"rooms": 2.0, "age": 4.0}) == pytest.approx(5.0)


def test_a_feature_that_a_row_lacks_is_zero_and_a_new_one_is_refused() -> None:
    model = learned()
    assert model.predict_one({"age": 4.0}) == pytest.approx(-1.0)
    assert model.predict_one({"age": 4.0, "colour": 7.0}) == pytest.approx(-1.0)
    with pytest.raises(accrue.Invalid, match="feature 'colour' was not there from the first.*features="):
        model.learn_one({"rooms": 1.0, "age": 4.0, "colour": 7.0}, 1.0)
    with pytest.raises(accrue.Invalid, match="feature 'colour'"):
        model.learn_many(pandas.DataFrame({"rooms": [1.0], "colour": [7.0]}), pandas.Series([1.0]))


def test_progressive_validation_in_a_pipeline() -> None:
    def error(model: Any) -> float:
        pipeline = preprocessing.StandardScaler() | model
        return float(evaluate.progressive_val_score(datasets.TrumpApproval().take(300), pipeline, metrics.MAE()).get())

    assert error(AccrueRegressor("adaptive")) < 0.5 * error(dummy.StatisticRegressor(stats.Mean()))


def test_a_copy_predicts_and_does_not_learn() -> None:
    model = learned()
    x, y = ROWS[3]
    for twin in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert twin.predict_one(x) == pytest.approx(model.predict_one(x), rel=1e-12)
        with pytest.raises(accrue.Error, match="is a copy"):
            twin.learn_one(x, y)


def test_streams_of_models_that_are_gone_are_dropped(client: accrue.Client, daemon: Daemon) -> None:
    for _ in range(3):
        learned(endpoint=daemon.endpoint).predict_one(ROWS[0][0])
        gc.collect()
        assert len(client.status().streams) == 1
