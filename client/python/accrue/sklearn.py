"""accrue for scikit-learn: a regressor with partial_fit whose model is in accrued.

    from accrue.sklearn import AccrueRegressor

    model = make_pipeline(StandardScaler(), AccrueRegressor("adaptive")).fit(X, y)

Where it learns: in a stream of its own, of the daemon at `endpoint`, $ACCRUE_ENDPOINT, or an embedded daemon that the
estimators of the process share. The stream is dropped after the estimator is gone.

Copies (pickle, joblib, copy.deepcopy) have no stream. They go on predicting, by their coefficients, where the model is
linear in its features: the learners least_squares, bayesian, sgd, passive_aggressive and quantile, without transforms
and clip. Others, such as adaptive, and return_std and partial_fit of all, raise accrue.Error, which says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from accrue.codec import Float64s
from accrue.own_stream import OwnStream
from accrue.results import Coefficients

try:
    from sklearn.utils.validation import validate_data
except ImportError:  # before 1.6

    def validate_data(estimator: Any, *args: Any, **options: Any) -> Any:
        return estimator._validate_data(*args, **options)


_ONE_STD = math.erf(math.sqrt(0.5))  # the level of the interval that reaches one standard deviation either way


class AccrueRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Linear models that learn from every row as it comes.

    learner: least_squares, adaptive, bayesian, sgd, passive_aggressive or quantile.
    settings: the learner's own, and `transforms`, `clip` and `on_drift`, such as {"ridge": 2.0}.
    endpoint: of the daemon; None for $ACCRUE_ENDPOINT, or the embedded one where that is not set.

    fit learns the rows anew, partial_fit goes on; both in order, which matters to all learners but least_squares
    without forgetting, and bayesian. partial_fit only sends: a row that is refused (a magnitude beyond 1e150) is told
    of by the next call that waits.

    Attributes: coef_, intercept_ (not behind transforms), n_features_in_, feature_names_in_.
    """

    def __init__(
        self, learner: str = "least_squares", *, settings: Mapping[str, Any] | None = None, endpoint: str | None = None
    ) -> None:
        self.learner = learner
        self.settings = settings
        self.endpoint = endpoint

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> AccrueRegressor:
        """Learns these rows and no others; returns when they are."""
        self._learn(X, y, sample_weight, anew=True)
        self._own.settle()
        return self

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> AccrueRegressor:
        """Learns these rows after those before."""
        self._learn(X, y, sample_weight, anew=not hasattr(self, "_own"))
        return self

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """By all rows learned so far. With return_std also the standard deviation of each target about its prediction,
        NaN from a learner that knows none, or while there are too few rows."""
        check_is_fitted(self)
        x = validate_data(self, X, dtype=np.float64, reset=False)
        if return_std:
            prediction = self._own.predict(x, interval=_ONE_STD)
            return prediction.values, prediction.margins
        return self._own.predict(x).values

    @property
    def coef_(self) -> Float64s:
        return self._coefficients("coef_").values

    @property
    def intercept_(self) -> float:
        intercept = self._coefficients("intercept_").intercept
        return intercept.estimate if intercept else 0.0

    def _coefficients(self, attribute: str) -> Coefficients:
        if not hasattr(self, "_own"):
            raise AttributeError(f"{attribute} is there once the estimator is fitted")
        return self._own.coefficients()

    def _learn(self, X: Any, y: Any, sample_weight: Any, anew: bool) -> None:
        x, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, reset=anew)
        weight = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, np.float64)
        if weight.shape != (len(x),) or not np.all(np.isfinite(weight) & (weight >= 0)):
            raise ValueError(f"sample_weight is a number of 0 or more for each of the {len(x)} rows")
        if anew and not weight.any():
            raise ValueError("every sample_weight is zero: there is nothing to learn")
        if anew:
            names = getattr(self, "feature_names_in_", [f"x{i}" for i in range(x.shape[1])])
            self._own = OwnStream(self.endpoint, names, self.learner, self.settings)
        self._own.learn(x, y.astype(np.float64, copy=False), weight)
