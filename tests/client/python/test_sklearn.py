"""AccrueRegressor is what scikit-learn expects of an estimator, learns what it says, and leaves nothing behind."""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas
import pytest
from conftest import Daemon
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import accrue
from accrue.sklearn import AccrueRegressor

LINEAR = ("least_squares", "bayesian", "sgd", "passive_aggressive", "quantile")

Rows = tuple[NDArray[np.float64], NDArray[np.float64]]


# The default passes all checks; what others cannot pass, and why. The last check is of scikit-learn 1.6 and later.
ORDER = "it learns in the order of the rows, which this check changes"
CANNOT_PASS = {
    ("adaptive", "check_estimators_pickle"): "a copy has the coefficients alone, and adaptive is more than these",
    ("sgd", "check_sample_weights_invariance"): ORDER,
    ("passive_aggressive", "check_sample_weights_invariance"): ORDER,
    ("quantile", "check_sample_weights_invariance"): ORDER,
    ("adaptive", "check_sample_weight_equivalence_on_dense_data"): "it forgets by rows, whatever they weigh",
    ("sgd", "check_sample_weight_equivalence_on_dense_data"): ORDER,
    ("passive_aggressive", "check_sample_weight_equivalence_on_dense_data"): ORDER,
    ("quantile", "check_sample_weight_equivalence_on_dense_data"): ORDER,
}


@parametrize_with_checks([AccrueRegressor(learner) for learner in ("adaptive", *LINEAR)])  # type: ignore[misc]
def test_scikit_learn(estimator: Any, check: Any) -> None:
    reason = CANNOT_PASS.get((estimator.learner, check.func.__name__))
    if reason and check.keywords.get("kind") != "ones":
        with pytest.raises((AssertionError, accrue.Error)):
            check(estimator)
    else:
        check(estimator)


@pytest.fixture
def rows() -> Rows:
    random = np.random.default_rng(1)
    x = random.normal(size=(300, 3))
    return x, x @ [2.0, -1.0, 0.5] + 3.0 + 0.1 * random.normal(size=300)


def test_is_the_batch_fit(rows: Rows) -> None:
    x, y = rows
    fit, batch = AccrueRegressor().fit(x, y), LinearRegression().fit(x, y)
    np.testing.assert_allclose(fit.coef_, batch.coef_, rtol=1e-12)
    assert fit.intercept_ == pytest.approx(batch.intercept_, rel=1e-12)
    np.testing.assert_allclose(fit.predict(x), batch.predict(x), rtol=1e-12, atol=1e-13)
    assert fit.score(x, y) == pytest.approx(batch.score(x, y), rel=1e-12)


def test_is_the_batch_fit_of_weighted_rows(rows: Rows) -> None:
    x, y = rows
    weight = np.random.default_rng(2).integers(0, 4, len(y))
    batch = LinearRegression().fit(x, y, weight)
    np.testing.assert_allclose(AccrueRegressor().fit(x, y, weight).coef_, batch.coef_, rtol=1e-12)
    parts = AccrueRegressor().partial_fit(x[:100], y[:100], weight[:100]).partial_fit(x[100:], y[100:], weight[100:])
    np.testing.assert_allclose(parts.coef_, batch.coef_, rtol=1e-12)


@pytest.mark.parametrize("weight", [1.0, [[1.0]] * 300, [1.0] * 299, [-1.0] + [1.0] * 299, [np.nan] * 300])
def test_weights_that_are_none(weight: Any, rows: Rows) -> None:
    with pytest.raises(ValueError, match="0 or more for each of the 300 rows"):
        AccrueRegressor().fit(*rows, sample_weight=weight)
    with pytest.raises(ValueError, match="every sample_weight is zero"):
        AccrueRegressor().fit(*rows, sample_weight=np.zeros(300))


@pytest.mark.parametrize("learner", ["adaptive", *LINEAR])
def test_parts_are_the_whole(learner: str, rows: Rows) -> None:
    x, y = rows
    whole, parts = AccrueRegressor(learner).fit(x, y), AccrueRegressor(learner)
    for part in np.array_split(np.arange(len(y)), 7):
        parts.partial_fit(x[part], y[part])
    np.testing.assert_array_equal(parts.predict(x), whole.predict(x))


def test_partial_fit_goes_on_after_fit_and_fit_begins_anew(rows: Rows) -> None:
    x, y = rows
    model = AccrueRegressor().fit(x[:50], y[:50])
    first = model.coef_
    np.testing.assert_array_equal(model.coef_, first)
    model.partial_fit(x[50:], y[50:])
    np.testing.assert_allclose(model.coef_, LinearRegression().fit(x, y).coef_, rtol=1e-12)
    model.fit(x[:50], y[:50])
    np.testing.assert_allclose(model.coef_, LinearRegression().fit(x[:50], y[:50]).coef_, rtol=1e-12)


def test_very_many_rows() -> None:
    x = np.random.default_rng(3).normal(size=(2_000_000, 3))  # more than a client keeps, and than the daemon is asked
    y = x @ [2.0, -1.0, 0.5]
    values, std = AccrueRegressor().fit(x, y).predict(x, return_std=True)
    np.testing.assert_allclose(values, y, atol=1e-9)
    assert std.shape == y.shape


def test_standard_deviations(rows: Rows) -> None:
    x, y = rows
    values, std = AccrueRegressor().fit(x, y).predict(x[:5], return_std=True)
    design = np.column_stack([np.ones(len(y)), x])
    inverse = np.linalg.inv(design.T @ design)
    variance = np.sum((y - design @ inverse @ design.T @ y) ** 2) / (len(y) - 4)
    leverage = np.einsum("ij,jk,ik->i", design[:5], inverse, design[:5])
    np.testing.assert_allclose(std, np.sqrt(variance * (1 + leverage)), rtol=1e-7)
    assert np.isnan(AccrueRegressor("sgd").fit(x, y).predict(x[:5], return_std=True)[1]).all()


def test_settings(rows: Rows) -> None:
    x, y = rows
    model = AccrueRegressor(settings={"intercept": np.bool_(False), "ridge": np.float64(10.0)}).fit(x, y)
    assert model.intercept_ == 0.0
    assert np.abs(model.coef_).sum() < np.abs(LinearRegression(fit_intercept=False).fit(x, y).coef_).sum()
    with pytest.raises(accrue.Error, match="rigde"):
        AccrueRegressor(settings={"rigde": 1}).fit(x, y)
    with pytest.raises(accrue.Error, match="no learner 'magic'"):
        AccrueRegressor("magic").fit(x, y)


def test_in_a_pipeline_and_in_processes(rows: Rows) -> None:
    x, y = rows
    pipeline = make_pipeline(StandardScaler(), AccrueRegressor())
    scores = cross_val_score(pipeline, x, y, cv=3)
    assert scores.min() > 0.99
    np.testing.assert_allclose(cross_val_score(pipeline, x, y, cv=3, n_jobs=2), scores, rtol=1e-12)
    fitted = cross_validate(pipeline, x, y, cv=2, n_jobs=2, return_estimator=True)["estimator"]
    np.testing.assert_allclose(fitted[0].predict(x), y, atol=0.5)


def test_in_a_grid_search(rows: Rows) -> None:
    x, y = rows
    grid = {"learner": ["least_squares", "bayesian"], "settings": [{}, {"intercept": False}]}
    search = GridSearchCV(AccrueRegressor(), grid, cv=3, n_jobs=2).fit(x, y)
    assert search.best_params_["settings"] == {}
    assert search.predict(x[:1]) == pytest.approx(y[:1], abs=0.5)


def test_clone_is_unfitted(rows: Rows) -> None:
    model = AccrueRegressor("sgd", settings={"loss": "huber"}).fit(*rows)
    copy = clone(model)
    assert copy.get_params() == {"learner": "sgd", "settings": {"loss": "huber"}, "endpoint": None}
    with pytest.raises(NotFittedError):
        copy.predict(rows[0])
    assert not hasattr(copy, "coef_")


def test_names_of_features_are_the_streams(client: accrue.Client, daemon: Daemon, rows: Rows) -> None:
    x, y = rows
    frame = pandas.DataFrame(x, columns=["rooms", "age", "y"])
    settings = {"transforms": "log1p(age)"}
    model = AccrueRegressor(settings=settings, endpoint=daemon.endpoint).fit(frame, pandas.Series(y, name="y"))
    [stream] = client.status().streams
    assert (stream.spec.features, stream.spec.target) == (["rooms", "age", "y"], "y_")
    assert list(model.feature_names_in_) == ["rooms", "age", "y"]


@pytest.mark.parametrize("learner", LINEAR)
def test_a_copy_predicts_by_its_coefficients(learner: str, rows: Rows) -> None:
    x, y = rows
    model = AccrueRegressor(learner).fit(x, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_allclose(copy.predict(x), model.predict(x), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(copy.coef_, model.coef_)
    with pytest.raises(accrue.Error, match="is a copy.*fit it anew"):
        copy.partial_fit(x, y)
    with pytest.raises(accrue.Error, match="is a copy.*fit it anew"):
        copy.predict(x, return_std=True)
    again = pickle.loads(pickle.dumps(copy))
    np.testing.assert_array_equal(again.predict(x), copy.predict(x))
    assert copy.fit(x, y).predict(x, return_std=True)[1].shape == (300,)


@pytest.mark.parametrize("few", [1, 2, 5])
def test_a_copy_of_a_model_of_few_rows_predicts_the_same(few: int, rows: Rows) -> None:
    x, y = rows
    for learner in LINEAR:
        model = AccrueRegressor(learner).fit(x[:few], y[:few])
        copy = pickle.loads(pickle.dumps(model))
        np.testing.assert_allclose(copy.predict(x), model.predict(x), rtol=1e-9, err_msg=learner)


@pytest.mark.parametrize(
    "model",
    [
        AccrueRegressor("adaptive"),
        AccrueRegressor(settings={"transforms": "polynomial"}),
        AccrueRegressor(settings={"clip": "observed"}),
    ],
)
def test_a_copy_that_cannot_predict_says_so(model: AccrueRegressor, rows: Rows) -> None:
    copy = pickle.loads(pickle.dumps(model.fit(*rows)))
    with pytest.raises(accrue.Error, match="not linear in its features.*Fit it anew"):
        copy.predict(rows[0])
    assert not hasattr(copy, "coef_")


def test_coefficients_behind_transforms_are_not_those_of_the_features(rows: Rows) -> None:
    model = AccrueRegressor(settings={"transforms": "polynomial"}).fit(*rows)
    assert not hasattr(model, "coef_") and not hasattr(model, "intercept_")
    assert model.predict(rows[0]).shape == (300,)


def test_predicts_where_there_is_no_daemon(rows: Rows, tmp_path: Path) -> None:
    x, y = rows
    model = make_pipeline(StandardScaler(), AccrueRegressor()).fit(x, y)
    joblib.dump((model, x, model.predict(x)), tmp_path / "model")
    script = """
import sys, joblib, numpy
model, x, predicted = joblib.load(sys.argv[1])
numpy.testing.assert_allclose(model.predict(x), predicted, rtol=1e-12)
"""
    nowhere = {**os.environ, "PYTHONPATH": str(Path(accrue.__file__).parents[1]), "ACCRUED": "/nowhere"}
    subprocess.run([sys.executable, "-c", script, tmp_path / "model"], env=nowhere, check=True)


def test_rows_that_are_refused_are_told_of(rows: Rows) -> None:
    x, y = rows
    beyond = x.copy()
    beyond[7, 1] = 1e200
    with pytest.raises(accrue.Invalid, match="refused 1 rows and learned the others; the first of all, row 8: "):
        AccrueRegressor().fit(beyond, y)
    model = AccrueRegressor().fit(x, y).partial_fit(beyond[:10], y[:10])
    with pytest.raises(accrue.Invalid, match="row 308: "):
        model.predict(x)
    np.testing.assert_allclose(model.partial_fit(x, y).predict(x), y, atol=0.5)  # it is told of once


def streams(client: accrue.Client) -> list[str]:
    return [stream.name for stream in client.status().streams]


def test_streams_of_estimators_that_are_gone_are_dropped(client: accrue.Client, daemon: Daemon, rows: Rows) -> None:
    kept = AccrueRegressor(endpoint=daemon.endpoint).fit(*rows)
    for _ in range(5):
        AccrueRegressor(endpoint=daemon.endpoint).fit(*rows)
        gc.collect()
        assert len(streams(client)) == 2
    cross_val_score(kept, *rows, cv=5)
    gc.collect()
    assert len(streams(client)) <= 3
    assert kept.predict(rows[0]).shape == (300,)


def test_streams_are_dropped_when_the_process_ends(client: accrue.Client, daemon: Daemon) -> None:
    script = """
from accrue.sklearn import AccrueRegressor
kept = [AccrueRegressor().fit([[1.0], [2.0]], [1.0, 2.0]) for _ in range(3)]
print(kept[2].predict([[3.0]]).shape)
"""
    there = {**os.environ, "PYTHONPATH": str(Path(accrue.__file__).parents[1]), "ACCRUE_ENDPOINT": daemon.endpoint}
    used = subprocess.run([sys.executable, "-c", script], env=there, check=True, capture_output=True, text=True)
    assert (used.stdout, used.stderr) == ("(1,)\n", "")
    assert client.status().streams == []


def in_forked_child(task: Callable[[], Any]) -> Any:
    """What the task returns or raises there."""
    ours, theirs = multiprocessing.Pipe()

    def run() -> None:
        try:
            theirs.send(task())
        except Exception as error:
            theirs.send(error)

    child = multiprocessing.get_context("fork").Process(target=run)
    child.start()
    child.join()
    return ours.recv()


def test_a_forked_process_predicts_and_does_not_learn(rows: Rows) -> None:
    x, y = rows
    model = AccrueRegressor("adaptive").fit(x, y)
    np.testing.assert_array_equal(in_forked_child(lambda: model.predict(x)), model.predict(x))
    assert "learns in the process that it was made in" in str(in_forked_child(lambda: model.partial_fit(x, y)))
    np.testing.assert_allclose(in_forked_child(lambda: AccrueRegressor().fit(x, y).predict(x)), y, atol=0.5)
    model.partial_fit(x, y)
