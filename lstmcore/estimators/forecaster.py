"""LSTMForecaster: a scikit-learn estimator for time series."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from .. import forecasting
from ..refused.arguments import checked
from ..validation import refuse_masked
from .base import LARGEST_SEED
from .samples import TYPES

Array = np.ndarray[Any, Any]
OWN = ("horizon", "random_state")  # settings that are passed on separately


class LSTMForecaster(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Forecaster of time series by an LSTM: the steps after the rows fitted to.

    A row is a time step. ``fit(X, y)`` learns to forecast y, where the columns of X are known
    ahead, such as prices or holidays; ``fit(X)`` learns to forecast all columns of X.
    ``predict(X)`` forecasts the following steps, one for each row of X. Searches and
    cross-validation therefore need ``TimeSeriesSplit``, which tests on the rows after those it
    trains on.

    This wraps `lstmcore.forecasting.LSTMForecaster`, which has more: columns known up to now only,
    backtests, files.

    Parameters
    ----------
    window : int, optional
        Steps that the network reads. By default two seasons of up to 52 steps, otherwise 30; at
        most a quarter of a short series.
    strategy : {"recursive", "direct"}
        "recursive": the network forecasts the next step, and its own forecasts, sampled along
        `paths`, are its input for the steps after that; `predict` takes any number of steps.
        "direct": it forecasts `horizon` steps in one call, which is the most that `predict` takes.
    horizon : int, default 7
        Steps ahead of the direct strategy, and of ``predict()`` without X.
    head, quantiles, season, adjust, relative, log
        See `lstmcore.forecasting.LSTMForecaster`.
    units, layers, dropout, linear, epochs, batch_size, learning_rate, validation, patience, paths
        See `lstmcore.forecasting.LSTMForecaster`.
    random_state : int or RandomState, optional
        Makes results repeatable. By default the library's generator is used (`set_random_seed`).
    verbose : {0, 1, 2, "auto"}

    Attributes
    ----------
    forecaster_ : lstmcore.forecasting.LSTMForecaster
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        If X was a data frame.

    Notes
    -----
    The forecast for a row depends on its position. scikit-learn's checks assume independent rows,
    so the tags declare this estimator non-deterministic, which it is not.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.estimators import LSTMForecaster
    >>> wave = np.sin(np.arange(200) / 3).reshape(-1, 1)
    >>> model = LSTMForecaster(window=20, epochs=30, random_state=0).fit(wave[:180])
    >>> model.score(wave[180:]) > 0.9
    True
    """

    @checked
    def __init__(
        self,
        *,
        window: int | None = None,
        strategy: str = "recursive",
        horizon: int = 7,
        head: str = "quantile",
        quantiles: Sequence[float] = (0.1, 0.5, 0.9),
        season: int | str | None = "auto",
        adjust: str = "auto",
        relative: bool | None = None,
        log: bool = False,
        units: int = 32,
        layers: int = 1,
        dropout: float = 0.2,
        linear: bool = True,
        epochs: int = 50,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        validation: float = 0.2,
        patience: int = 5,
        paths: int = 200,
        random_state: Any = None,
        verbose: Any = 0,
    ) -> None:
        self.window = window
        self.strategy = strategy
        self.horizon = horizon
        self.head = head
        self.quantiles = quantiles
        self.season = season
        self.adjust = adjust
        self.relative = relative
        self.log = log
        self.units = units
        self.layers = layers
        self.dropout = dropout
        self.linear = linear
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.validation = validation
        self.patience = patience
        self.paths = paths
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = False
        tags.target_tags.multi_output = True
        tags.non_deterministic = True  # see Notes
        tags.regressor_tags.poor_score = (
            True  # on the rows fitted to: it forecasts those after them
        )
        return tags

    @checked
    def fit(self, X: Any, y: Any = None) -> Self:
        """Train on a series.

        Parameters
        ----------
        X : array_like, (steps, columns), or data frame
            Columns known ahead; without y the series to forecast. Its index may have dates.
        y : array_like, (steps,) or (steps, targets), optional
            The series to forecast.

        Returns
        -------
        self
        """
        dates, names = _dates(X), _names(y)
        refuse_masked(X, "X")
        values = validate_data(self, X, dtype=TYPES, ensure_min_samples=2)
        columns = [str(name) for name in getattr(self, "feature_names_in_", ())]
        columns = columns or [f"x{i}" for i in range(values.shape[1])]
        data = dict(zip(columns, values.T, strict=True))
        self._flat, targets, known = False, columns, []
        if y is not None:
            refuse_masked(y, "y")
            rows = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y", estimator=self)
            check_consistent_length(values, rows)
            self._flat, known = rows.ndim == 1, columns
            rows = rows.reshape(len(rows), -1)
            some = [f"y{i}" for i in range(rows.shape[1])] if rows.shape[1] > 1 else ["y"]
            targets = [name + "_" * (name in columns) for name in names or some]
            data.update(zip(targets, rows.T, strict=True))
        self.targets_, self.known_ = targets, known
        settings = {k: v for k, v in self.get_params(deep=False).items() if k not in OWN}
        model = forecasting.LSTMForecaster(
            **settings,
            target=targets,
            known_future=known,
            horizon=self.horizon,
            random_state=self._seed(),
        )
        self.forecaster_ = model.fit(data, dates)
        return self

    def _seed(self) -> int | None:
        if self.random_state is None:
            return None
        return int(check_random_state(self.random_state).randint(LARGEST_SEED, dtype=np.uint32))

    def _steps_and_future(self, X: Any) -> tuple[int, Any]:
        """Return the number of steps to forecast, and their known columns."""
        check_is_fitted(self, "forecaster_")
        if X is None:
            if self.known_:
                raise ValueError(f"X: expected the next values of {', '.join(self.known_)}")
            return self.horizon, None
        refuse_masked(X, "X")
        values = validate_data(self, X, dtype=TYPES, reset=False)
        future = dict(zip(self.known_, values.T, strict=True)) if self.known_ else None
        return len(values), future

    def predict(self, X: Any = None) -> Any:
        """Forecast the steps that follow those fitted to.

        Parameters
        ----------
        X : array_like, (steps, columns), or data frame, optional
            Their known columns, one row per step. If `fit` had no y, only the number of rows
            matters. Without X, `horizon` steps are forecast.

        Returns
        -------
        ndarray, (steps,) or (steps, targets)
            For a data frame a Series or a data frame with its index.
        """
        steps, future = self._steps_and_future(X)
        found = self.forecaster_.forecast(steps, future=future, quantiles=(0.5,))
        return self._like(X, found.point)

    def predict_interval(self, X: Any = None, level: float = 0.8) -> tuple[Any, Any]:
        """Return bounds of an interval that contains the values with probability `level`."""
        if not 0 < level < 1:
            raise ValueError(f"level: expected a probability between 0 and 1, got {level!r}")
        steps, future = self._steps_and_future(X)
        outer = (0.5 - level / 2, 0.5 + level / 2)
        found = self.forecaster_.forecast(steps, future=future, quantiles=outer)
        if not found.levels:
            raise ValueError("head='point' learns no intervals; take head='quantile' or 'gaussian'")
        return self._like(X, found.quantiles[..., 0]), self._like(X, found.quantiles[..., 1])

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return the R2 of the forecast of the following steps, which are y, or X without y."""
        truth = np.asarray(X if y is None else y, dtype=np.float64)
        return float(r2_score(truth, np.asarray(self.predict(X)), sample_weight=sample_weight))

    def _like(self, X: Any, values: Array) -> Any:
        """Return values (steps, targets) in the form of the fitted data, with the index of X."""
        values = values[:, 0] if self._flat else values
        pandas = sys.modules.get("pandas")
        if pandas is None or not hasattr(X, "iloc"):
            return values
        if self._flat:
            return pandas.Series(values, index=X.index, name=self.targets_[0])
        return pandas.DataFrame(values, index=X.index, columns=self.targets_)


def _dates(X: Any) -> Array | None:
    """Return the dates of a data frame's index, or None."""
    index = getattr(X, "index", None)
    if not hasattr(X, "iloc") or index is None:
        return None
    index = index.to_timestamp() if hasattr(index, "to_timestamp") else index
    return np.asarray(index) if getattr(index.dtype, "kind", "") == "M" else None


def _names(y: Any) -> list[str]:
    """Return the names of targets in pandas data, otherwise none."""
    if hasattr(y, "columns"):
        return [str(name) for name in y.columns]
    return [str(y.name)] if getattr(y, "name", None) is not None else []
