"""LSTMClassifier: a scikit-learn classifier of series."""

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
from ..refused.arguments import checked
from ..validation import refuse_masked
from . import samples
from .base import Array, LSTMEstimator
from .checks import need_y
from .floor import compare


class LSTMClassifier(ClassifierMixin, LSTMEstimator):  # type: ignore[misc]
    """Classifier of series by an LSTM.

    Parameters
    ----------
    units : int, default 32
        Units of each LSTM layer.
    layers : int, default 1
    bidirectional : bool or "auto", default "auto"
        Also read each series backwards.
    pooling : {"last", "mean", "max", "auto"}, default "auto"
        What is taken of the last LSTM layer: its last output, or the mean or the maximum of its
        outputs over all steps.
    convolution : bool or "auto", default "auto"
        Add a branch of three convolutions beside the LSTM (LSTM-FCN). "auto" for these three:
        convolutions beside a bidirectional LSTM whose outputs are averaged for series of 50 steps
        or more (in the median), the last output of a forward LSTM for shorter ones.
    dropout : float or "auto", default "auto"
        The dropout rate of each layer's outputs. "auto": 0; with convolutions 0.3.
    recurrent_dropout : float, default 0.0
        The dropout rate of the recurrent state.
    timesteps : int, optional
        The number of steps in a row of a table, which holds all variables of the first step, then
        those of the next. By default every column is a step of one variable.
    scale : bool, default True
        Standardize each variable over all steps of the training data.
    class_weight : dict of class to float or "balanced", optional
        Weights of the classes' samples.
    epochs : int or "auto", default "auto"
        Passes over the data; the largest number with `early_stopping`. "auto": 100; with
        convolutions more if these have fewer than 1500 steps.
    batch_size : int or "auto", default "auto"
        "auto": 32; with convolutions about a tenth of the samples, from 8 to 48, so that the
        last batch is no small one.
    learning_rate : float or "auto", default "auto"
        The learning rate of Adam. "auto": 0.01; with convolutions 0.001.
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
    classes_ : ndarray
    model_ : Model
        The network, whose output is a softmax over the classes; a Sequential if it has no
        convolutions.
    mean_, scale_ : ndarray, (variables,)
    history_ : dict of str to list of float
        Loss and accuracy of every epoch.
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

    After training a `BaselineWarning` is given if the network is no better than always saying the
    most frequent class, or than the class of the nearest other series: on the samples held out by
    `early_stopping`, otherwise on the training data.

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

    @checked
    def __init__(
        self,
        *,
        units: int = 32,
        layers: int = 1,
        bidirectional: Any = "auto",
        pooling: str = "auto",
        convolution: Any = "auto",
        dropout: Any = "auto",
        recurrent_dropout: float = 0.0,
        timesteps: int | None = None,
        scale: bool = True,
        class_weight: Any = None,
        epochs: Any = "auto",
        batch_size: Any = "auto",
        learning_rate: Any = "auto",
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
            pooling=pooling,
            convolution=convolution,
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

    @checked
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train a new network.

        Parameters
        ----------
        X : array_like, data frame, or list of array_like
            See Notes above.
        y : array_like, (samples,)
            Classes: numbers, str, or anything that can be sorted.
        sample_weight : array_like, (samples,), optional
            The weight of each sample.

        Returns
        -------
        self
        """
        series, y, weight = self._read(X, y, sample_weight, reset=True)
        self.classes_ = np.unique(y)
        return self._fit(series, y, self._apply_class_weight(y, weight))

    @checked
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one more epoch, continuing the previous call.

        Parameters
        ----------
        X, y, sample_weight
            See `fit`. The scaling is fitted in the first call.
        classes : array_like, optional
            All classes; required in the first call.

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
        return self._partial_fit(series, y, self._apply_class_weight(y, weight), first)

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

    def _apply_class_weight(self, y: Array, weight: Array) -> Array:
        """Return sample weights times class weights."""
        if self.class_weight is None:
            return weight
        present = np.unique(y)
        by_class = compute_class_weight(
            self.class_weight, classes=present, y=y, sample_weight=weight
        )
        weighed: Array = weight * by_class[np.searchsorted(present, y)]
        return weighed

    def _targets(self, y: Array, weight: Array) -> Array:
        return self._encode(y)

    def _encode(self, y: Array) -> Array:
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

    def _compare(self, x: Any, targets: Array, validation: Any) -> None:
        compare(self, x, targets, validation)

    # -- predict ---------------------------------------------------------------------------

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, (samples, classes), in the order of `classes_`."""
        return self._outputs(X)

    def predict(self, X: Any) -> Array:
        """Return the most likely class of each sample."""
        most_likely = self._outputs(X).argmax(axis=1)
        found: Array = self.classes_[most_likely]
        return found
