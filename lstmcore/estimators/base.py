"""Base of classifier and regressor: settings, the network, and repeatable training."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..callbacks import EarlyStopping
from ..optimizers import Adam
from ..random.generator import seeded
from ..refused.arguments import checked
from . import samples
from .network import CHOICES, LONG, Network

Array = np.ndarray[Any, Any]
LARGEST_SEED = 2**32 - 1
STEPS = 1500  # of training, at least, for convolutions
AUTOMATIC = ("batch_size", "dropout", "epochs", "learning_rate")  # numbers that may be "auto"
# Valid settings: type, lower bound, upper bound, and True if the lower bound itself is valid.
_BOUNDS: dict[str, tuple[type, float, float, bool]] = {
    "units": (Integral, 1, np.inf, True),
    "layers": (Integral, 1, np.inf, True),
    "epochs": (Integral, 1, np.inf, True),
    "batch_size": (Integral, 1, np.inf, True),
    "patience": (Integral, 0, np.inf, True),
    "learning_rate": (Real, 0, np.inf, False),
    "dropout": (Real, 0, 0.999, True),
    "recurrent_dropout": (Real, 0, 0.999, True),
    "validation_fraction": (Real, 0, 0.999, False),
}


class LSTMEstimator(BaseEstimator):  # type: ignore[misc]
    """Base class of `LSTMClassifier` and `LSTMRegressor`."""

    loss: str
    metrics: tuple[str, ...] = ()

    @checked
    def __init__(
        self,
        *,
        units: int = 32,
        layers: int = 1,
        bidirectional: Any = False,
        pooling: str = "last",
        convolution: Any = False,
        dropout: Any = 0.0,
        recurrent_dropout: float = 0.0,
        timesteps: int | None = None,
        scale: bool = True,
        epochs: Any = 100,
        batch_size: Any = 32,
        learning_rate: Any = 0.01,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        patience: int = 10,
        random_state: Any = None,
        verbose: Any = 0,
    ) -> None:
        self.units = units
        self.layers = layers
        self.bidirectional = bidirectional
        self.pooling = pooling
        self.convolution = convolution
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.timesteps = timesteps
        self.scale = scale
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.random_state = random_state
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    # -- implemented by subclasses ---------------------------------------------------------

    def _targets(self, y: Array, weight: Array) -> Array:
        """Fit the encoding of the checked y, and return the network's targets."""
        raise NotImplementedError

    def _head(self) -> Any:
        """Return the network's last layer."""
        raise NotImplementedError

    def _groups(self, targets: Array) -> Array | None:
        """Return groups to stratify the validation samples by, or None."""
        return None

    # -- fit -------------------------------------------------------------------------------

    def _check_settings(self) -> None:
        for name, (kind, low, high, closed) in _BOUNDS.items():
            value = getattr(self, name)
            if name in AUTOMATIC and isinstance(value, str) and value == "auto":
                continue
            right = isinstance(value, kind) and not isinstance(value, bool)
            if not right or not low <= value <= high or (value == low and not closed):
                wanted = "a whole number" if kind is Integral else "a number"
                span = f"{'>=' if closed else '>'} {low:g}" + ("" if high == np.inf else " and < 1")
                who = type(self).__name__
                raise ValueError(f"{who}: {name}: expected {wanted} {span}, got {value!r}")
        for name, allowed in CHOICES.items():
            value = getattr(self, name)
            if not isinstance(value, bool | np.bool | str) or value not in allowed:
                known = ", ".join(map(repr, allowed))
                who = type(self).__name__
                raise ValueError(f"{who}: {name}: expected one of {known}, got {value!r}")

    def _build(self, series: Any, y: Array, weight: Array) -> Array:
        """Fit scaling and encoding, build the network, and return the targets."""
        variables = series[0].shape[1]
        # as in scikit-learn: float32 data are computed in float32, all others in float64
        self.dtype_ = np.dtype("float32" if series[0].dtype == np.float32 else "float64").name
        self.mean_, self.scale_ = np.zeros(variables), np.ones(variables)
        if self.scale:
            self.mean_, self.scale_ = samples.moments(series, weight)
        targets = self._targets(y, weight)
        self._parts_of_network = network = self._network(series)
        self.model_ = network.build(variables, self.dtype_, self._head())
        rate = self._settled("learning_rate", 0.001 if network.convolution else 0.01)
        self.model_.compile(optimizer=Adam(rate), loss=self.loss, metrics=list(self.metrics))
        return targets

    def _network(self, series: Any) -> Network:
        """Return the parts of the network, with "auto" settled by the length of the series."""
        long = bool(np.median([len(one) for one in series]) >= LONG)
        convolution = bool(self._settled("convolution", long))
        return Network(
            units=self.units,
            layers=self.layers,
            bidirectional=bool(self._settled("bidirectional", long)),
            pooling=self._settled("pooling", "mean" if long else "last"),
            convolution=convolution,
            dropout=float(self._settled("dropout", 0.3 if convolution else 0.0)),
            recurrent_dropout=self.recurrent_dropout,
        )

    def _settled(self, name: str, automatic: Any) -> Any:
        """Return a setting, or what is found for it if it is "auto"."""
        value = getattr(self, name)
        return automatic if isinstance(value, str) and value == "auto" else value

    def _batch_size(self, samples: int) -> int:
        """Return the batch size; few samples need small batches, or there are too few steps.

        With convolutions the last batch is about as large as the others: the moving averages of
        batch normalization would take those of two or three samples for those of the data.
        """
        if not self._parts_of_network.convolution:
            return int(self._settled("batch_size", 32))
        small = min(max(samples // 10, 8), 32)
        sizes = range(small, small + small // 2 + 1)
        even = max(sizes, key=lambda size: ((samples - 1) % size + 1) / size)
        return int(self._settled("batch_size", even))

    def _epochs(self, samples: int) -> int:
        """Return the number of epochs: 100, or more if they have too few steps in all."""
        enough = -(-STEPS // -(-samples // self._batch_size(samples)))
        longer = max(100, enough) if self._parts_of_network.convolution else 100
        return int(self._settled("epochs", longer))

    def _fit(self, series: Any, y: Array, weight: Array) -> Self:
        """Train a new network."""
        self._check_settings()
        series, y, weight = _drop_unweighted(series, y, weight)
        self._seed = self._draw_seed()
        self._parts = 0
        with seeded(self._seed):
            targets = self._build(series, y, weight)
            x = self._scale(series)
            validation, callbacks = None, []
            if self.early_stopping:
                rows, held = self._split(targets)
                validation = self._rows_of(x, targets, weight, held)
                x, targets, weight = self._rows_of(x, targets, weight, rows)
                callbacks.append(EarlyStopping(patience=self.patience, restore_best_weights=True))
            history = self.model_.fit(
                x,
                targets,
                batch_size=self._batch_size(len(targets)),
                epochs=self._epochs(len(targets)),
                verbose=self.verbose,
                sample_weight=_sample_weight(weight),
                validation_data=validation,
                callbacks=callbacks,
            )
        self.history_ = history.history
        self.n_iter_ = len(self.history_["loss"])
        self._compare(x, targets, validation)
        return self

    def _compare(self, x: Any, targets: Array, validation: Any) -> None:
        """Warn if the trained network is no better than a baseline.

        Parameters
        ----------
        x, targets
            What the network was trained on, scaled and encoded.
        validation : tuple of x, targets and weights, optional
            The samples held out by `early_stopping`.
        """

    def _partial_fit(self, series: Any, y: Array, weight: Array, first: bool) -> Self:
        """Train for one more epoch."""
        self._check_settings()
        series, y, weight = _drop_unweighted(series, y, weight)
        if first:
            self._seed, self._parts, self.n_iter_ = self._draw_seed(), 0, 0
            self.history_ = {}
        seed = None if self._seed is None else (self._seed + self._parts) % LARGEST_SEED
        with seeded(seed):
            targets = self._build(series, y, weight) if first else self._encode(y)
            history = self.model_.fit(
                self._scale(series),
                targets,
                batch_size=self._batch_size(len(targets)),
                verbose=self.verbose,
                sample_weight=_sample_weight(weight),
            )
        for name, values in history.history.items():
            self.history_.setdefault(name, []).extend(values)
        self._parts += 1
        self.n_iter_ += 1
        return self

    def _encode(self, y: Array) -> Array:
        """Return the network's targets for y, with the fitted encoding."""
        raise NotImplementedError

    def _draw_seed(self) -> int | None:
        """Return a seed for training, or None to use the library's generator as it is."""
        if self.random_state is None:
            return None
        return int(check_random_state(self.random_state).randint(LARGEST_SEED, dtype=np.uint32))

    def _split(self, targets: Array) -> tuple[Array, Array]:
        """Return the indices of samples to train and to validate on."""
        groups = self._groups(targets)
        rows, held = train_test_split(
            np.arange(len(targets)),
            test_size=self.validation_fraction,
            random_state=self._seed,
            stratify=groups,
        )
        return np.sort(rows), np.sort(held)

    @staticmethod
    def _rows_of(x: Any, targets: Array, weight: Array, rows: Array) -> Any:
        return samples.stack(samples.take(x, rows)), targets[rows], weight[rows]

    def _scale(self, series: Any) -> Any:
        return samples.stack(samples.scale(series, self.mean_, self.scale_, self.dtype_))

    # -- predict ---------------------------------------------------------------------------

    def _outputs(self, X: Any) -> Array:
        """Return the network's outputs for X."""
        check_is_fitted(self, "model_")
        series = samples.read(self, X, reset=False)
        outputs: Array = self.model_.predict(self._scale(series), verbose=0)
        return outputs


def _drop_unweighted(series: Any, y: Array, weight: Array) -> tuple[Any, Array, Array]:
    """Drop samples of weight 0, and scale the weights to a mean of 1."""
    rows = np.flatnonzero(weight)
    if not len(rows):
        raise ValueError("sample_weight: expected at least one that is not zero")
    if len(rows) < len(weight):
        series, y, weight = samples.take(series, rows), y[rows], weight[rows]
    return series, y, weight * (len(weight) / weight.sum())


def _sample_weight(weight: Array) -> Array | None:
    return None if (weight == weight[0]).all() else weight
