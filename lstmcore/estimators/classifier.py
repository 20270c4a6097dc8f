"""LSTMClassifier."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    _check_sample_weight,
    check_consistent_length,
    column_or_1d,
)

from ..layers import Dense
from ..validation import refuse_masked
from . import samples
from .base import Array, LSTMEstimator
from .checks import need_y


class LSTMClassifier(ClassifierMixin, LSTMEstimator):  # type: ignore[misc]
    """Classes of series, by an LSTM.

    Parameters
    ----------
    units : int, default 32
        Of each LSTM layer.
    layers : int, default 1
    bidirectional : bool, default False
        Read every series from its end too.
    dropout : float, default 0.0
        The share of each layer's outputs that is dropped in training.
    recurrent_dropout : float, default 0.0
        The same of the state, from step to step.
    timesteps : int, optional
        How many steps a row of a table holds: all variables of the first step, then those of the
        next. By default every column is a step of one variable.
    scale : bool, default True
        Bring each variable to mean 0 and deviation 1 over all steps of the training data.
    class_weight : dict of class to float or "balanced", optional
        How much the samples of a class count.
    epochs : int, default 100
        Passes over the data; the most, with `early_stopping`.
    batch_size : int, default 32
    learning_rate : float, default 0.01
        Adam's.
    early_stopping : bool, default False
        Set `validation_fraction` of the samples apart, end when the loss on these has not become
        less for `patience` epochs, and keep the weights of the best epoch.
    validation_fraction : float, default 0.1
    patience : int, default 10
    random_state : int or RandomState, optional
        Repeats a training exactly. By default the library's stream goes on (`set_random_seed`).
    verbose : {0, 1, 2, "auto"}
        Progress, as `Model.fit` shows it.

    Attributes
    ----------
    classes_ : ndarray
    model_ : Sequential
        The network; a softmax over the classes is its output.
    mean_, scale_ : ndarray, (variables,)
    history_ : dict of str to list of float
        Loss and accuracy of every epoch.
    n_iter_ : int
        Epochs that were run.
    n_features_in_ : int
        Columns of a table, or variables of series.
    feature_names_in_ : ndarray of str
        If X was a data frame.

    Notes
    -----
    X is a table (samples, columns), an array (samples, steps, variables), or a list of series
    (steps, variables) of different lengths; a series of one variable may be 1-D. Data of float32
    are computed in float32, in half the time; others in float64.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.estimators import LSTMClassifier
    >>> t = np.arange(20)
    >>> X = [np.sin(t[: 10 + i % 10] * (1 + i % 2)) for i in range(40)]
    >>> y = ["slow", "fast"] * 20
    >>> LSTMClassifier(units=8, epochs=30, random_state=0).fit(X, y).score(X, y)
    1.0
    """

    loss = "sparse_categorical_crossentropy"
    metrics = ("accuracy",)

    def __init__(
        self,
        *,
        units: int = 32,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        timesteps: int | None = None,
        scale: bool = True,
        class_weight: Any = None,
        epochs: int = 100,
        batch_size: int = 32,
        learning_rate: float = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        random_state: Any = None,
        verbose: Any = 0,
    ) -> None:
        super().__init__(
            units=units,
            layers=layers,
            bidirectional=bidirectional,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            timesteps=timesteps,
            scale=scale,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            patience=patience,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight

    # -- fit -------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train from the beginning.

        Parameters
        ----------
        X : array_like, data frame, or list of array_like
            See Notes above.
        y : array_like, (samples,)
            Classes: numbers, text, or anything that can be sorted.
        sample_weight : array_like, (samples,), optional
            How much each sample counts.

        Returns
        -------
        self
        """
        series, y, weight = self._read(X, y, sample_weight, reset=True)
        self.classes_ = np.unique(y)
        return self._fit(series, y, self._weighed(y, weight))

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch, going on from the call before.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`. What is scaled by is fitted in the first call.
        classes : array_like, optional
            All that there will be; wanted in the first call.

        Returns
        -------
        self
        """
        first = not hasattr(self, "classes_")
        if first and classes is None:
            raise ValueError("classes: expected all classes, in the first call of partial_fit")
        series, y, weight = self._read(X, y, sample_weight, reset=first)
        if first:
            self.classes_ = np.unique(classes)
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes: expected those of the first call, {self.classes_}")
        return self._partial_fit(series, y, self._weighed(y, weight), first)

    def _read(self, X: Any, y: Any, sample_weight: Any, reset: bool) -> tuple[Any, Array, Array]:
        need_y(self, y)
        series = samples.read(self, X, reset)
        refuse_masked(y, "y")
        refuse_masked(sample_weight, "sample_weight")
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        check_consistent_length(series, y)
        weight = _check_sample_weight(sample_weight, series, dtype=np.float64)
        return series, y, weight

    def _weighed(self, y: Array, weight: Array) -> Array:
        """Weights times those of the classes."""
        if self.class_weight is None:
            return weight
        present = np.unique(y)
        by_class = compute_class_weight(
            self.class_weight, classes=present, y=y, sample_weight=weight
        )
        weighed: Array = weight * by_class[np.searchsorted(present, y)]
        return weighed

    def _targets(self, y: Array, weight: Array) -> Array:
        return self._coded(y)

    def _coded(self, y: Array) -> Array:
        unknown = np.setdiff1d(y, self.classes_)
        if len(unknown):
            raise ValueError(f"y: expected classes among {self.classes_}, got {str(unknown[0])!r}")
        return np.searchsorted(self.classes_, y)

    def _head(self) -> Any:
        return Dense(len(self.classes_), activation="softmax")

    def _groups(self, targets: Array) -> Array | None:
        held = int(np.ceil(self.validation_fraction * len(targets)))
        counts = np.bincount(targets, minlength=len(self.classes_))
        counts = counts[counts > 0]
        enough = counts.min() > 1 and min(held, len(targets) - held) >= len(counts)
        return targets if enough else None

    # -- predict ---------------------------------------------------------------------------

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, (samples, classes), in the order of `classes_`."""
        return self._outputs(X)

    def predict(self, X: Any) -> Array:
        """Return the likeliest class of each sample."""
        likeliest = self._outputs(X).argmax(axis=1)
        found: Array = self.classes_[likeliest]
        return found
