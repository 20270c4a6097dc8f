"""LSTMRegressor: a scikit-learn regressor of series."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import _check_sample_weight, check_array, check_consistent_length

from ..layers import Dense
from ..refused.arguments import checked
from ..validation import refuse_masked
from . import samples
from .base import Array, LSTMEstimator
from .checks import need_y


class LSTMRegressor(RegressorMixin, LSTMEstimator):  # type: ignore[misc]
    """Regressor from series to numbers by an LSTM.

    Parameters
    ----------
    units : int, default 32
        Units of each LSTM layer.
    layers : int, default 1
    bidirectional : bool or "auto", default False
        Also read each series backwards.
    pooling : {"last", "mean", "max", "auto"}, default "last"
        What is taken of the last LSTM layer: its last output, or the mean or the maximum of its
        outputs over all steps.
    convolution : bool or "auto", default False
        Add a branch of three convolutions beside the LSTM (LSTM-FCN). "auto" for these three:
        convolutions beside a bidirectional LSTM whose outputs are averaged for series of 50 steps
        or more (in the median), the last output of a forward LSTM for shorter ones.
    dropout : float, default 0.0
        The dropout rate of each layer's outputs.
    recurrent_dropout : float, default 0.0
        The dropout rate of the recurrent state.
    timesteps : int, optional
        The number of steps in a row of a table, which holds all variables of the first step, then
        those of the next. By default every column is a step of one variable.
    scale : bool, default True
        Standardize each variable and each target over the training data.
    epochs : int, default 100
        Passes over the data; the largest number with `early_stopping`.
    batch_size : int, default 32
    learning_rate : float, default 0.01
        The learning rate of Adam.
    early_stopping : bool, default False
        Hold out `validation_fraction` of the samples, stop when the loss on them has not decreased
        for `patience` epochs, and restore the weights of the best epoch.
    validation_fraction : float, default 0.1
    patience : int, default 10
    random_state : int or RandomState, optional
        Makes training repeatable. By default the library's generator is used (`set_random_seed`).
    verbose : {0, 1, 2, "auto"}
        Progress of training, as in `Model.fit`.

    Attributes
    ----------
    model_ : Model
        The network, whose outputs are the scaled targets; a Sequential if it has no convolutions.
    mean_, scale_ : ndarray, (variables,)
    y_mean_, y_scale_ : ndarray, (targets,)
    n_outputs_ : int
    history_ : dict of str to list of float
        The loss of every epoch.
    n_iter_ : int
        The number of epochs trained.
    n_features_in_ : int
        Columns of a table, or variables of series.
    feature_names_in_ : ndarray of str
        If X was a data frame.

    Notes
    -----
    X is a table (samples, columns), an array (samples, steps, variables), or a list of series
    (steps, variables) of different lengths; a series of one variable may be 1-D. float32 data are
    computed in float32, in half the time; all others in float64.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.estimators import LSTMRegressor
    >>> X = np.random.default_rng(0).normal(size=(200, 6))
    >>> y = X.sum(axis=1)
    >>> model = LSTMRegressor(units=8, epochs=40, random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.9
    True
    """

    loss = "mean_squared_error"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    @checked
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a new network.

        Parameters
        ----------
        X : array_like, data frame, or list of array_like
            See Notes above.
        y : array_like, (samples,) or (samples, targets)
        sample_weight : array_like, (samples,), optional
            The weight of each sample.

        Returns
        -------
        self
        """
        return self._fit(*self._read(X, y, sample_weight, reset=True))

    @checked
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one more epoch, continuing the previous call.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`. The scaling is fitted in the first call.

        Returns
        -------
        self
        """
        first = not hasattr(self, "n_outputs_")
        return self._partial_fit(*self._read(X, y, sample_weight, reset=first), first)

    def _read(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> tuple[Any, Array, Array]:
        need_y(self, y)
        series = samples.read(self, X, reset)
        refuse_masked(y, "y")
        refuse_masked(sample_weight, "sample_weight")
        y = check_array(y, dtype=np.float64, ensure_2d=False, input_name="y", estimator=self)
        check_consistent_length(series, y)
        weight = _check_sample_weight(sample_weight, series, dtype=np.float64)
        if y.ndim > 2:
            raise ValueError(f"y: expected (samples,) or (samples, targets), got shape {y.shape}")
        return series, y, weight

    def _targets(self, y: Array, weight: Array) -> Array:
        rows = y.reshape(len(y), -1)
        self.n_outputs_, self._flat = rows.shape[1], y.ndim == 1
        self.y_mean_, self.y_scale_ = np.zeros(self.n_outputs_), np.ones(self.n_outputs_)
        if self.scale:
            self.y_mean_, self.y_scale_ = samples.weighted_moments(rows, weight)
        return self._encode(y)

    def _encode(self, y: Array) -> Array:
        rows = y.reshape(len(y), -1)
        if rows.shape[1] != self.n_outputs_:
            raise ValueError(f"y: expected {self.n_outputs_} targets, got {rows.shape[1]}")
        return ((rows - self.y_mean_) / self.y_scale_).astype(self.dtype_)

    def _head(self) -> Any:
        return Dense(self.n_outputs_)

    def predict(self, X: Any) -> Array:
        """Return predictions, in the shape of y in `fit`."""
        rows = self._outputs(X) * self.y_scale_ + self.y_mean_
        rows = rows.astype(self.dtype_)
        return rows[:, 0] if self._flat else rows
