"""Training of a forecaster: first to find the number of epochs, then on the whole series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..callbacks import Callback, EarlyStopping
from ..data import DataError, windows_at
from . import settings
from .blend import NETWORK, SMOOTHING, Blend
from .columns import Columns
from .network import Head, build
from .predictions import PredictionMixin
from .preparation import AUTO, Covariate, Preparation, fit_target
from .regression import Ridge
from .smoothing import Smoothing

Array = np.ndarray
Samples = tuple[list[Array], Array]


class FittingMixin(PredictionMixin):
    """Training of `LSTMForecaster`."""

    known_future: Sequence[str]
    target: str | Sequence[str] | None
    window: int | None
    quantiles: Sequence[float]
    season: int | str | None
    adjust: str
    relative: bool | None
    log: bool | str
    units: int
    layers: int
    dropout: float
    linear: bool
    epochs: int
    batch_size: int
    learning_rate: float
    validation: float
    patience: int
    verbose: Any

    def _fit(self, columns: Columns, callbacks: Sequence[Callback]) -> None:
        """Find the number of epochs and calibrate intervals on held-out steps; then train on all.

        Fitted attributes are set as soon as they can forecast, so that Ctrl-C leaves a working
        forecaster.
        """
        self._set_columns(columns)
        total, epochs = len(columns), self.epochs
        head = Head(self.head, self.levels_)
        sizes = (total, self.window_, self.season_, self._steps())
        stop = settings.validation_start(*sizes, self.validation)
        self.history_: dict[str, list[float]] = {}
        self.validation_history_: dict[str, list[float]] = {}
        self.first_ = self.epochs_ = 0
        self._forecasts_alone()
        if stop < total:
            epochs, head = self._find_epochs(stop, head, callbacks)
            self.validation_history_ = self.history_
            self._choose(stop)
        preparation = self._prepare(total)
        x, y = self._samples(preparation, preparation.length, total)
        model = self._build(x, preparation, head, y)
        if stop == total:
            self._set_fitted(preparation, model, head)
        self.history_ = self._train(model, x, y, epochs, None, list(callbacks))
        self._set_fitted(preparation, model, head)
        self.epochs_ = epochs
        if stop == total and self.validation:
            self._choose_smoothing()
        elif self.blends_:
            self._fit_others(total, (x, y))

    def _forecasts_alone(self) -> None:
        """Let the network forecast alone, until something else is chosen."""
        self.ridge_, self.smoothings_, self.blends_ = None, (), ()

    def _choose(self, stop: int) -> None:
        """Choose among forecasts from the origins behind `stop`, all fitted to the steps before."""
        if self.strategy == "recursive" or self.method == NETWORK:
            return
        preparation, horizon = self.preparation_, self._steps()
        self._fit_others(stop, self._samples(preparation, preparation.length, stop))
        origins = self._origins(stop, len(self.columns_))
        found = self.forecasts_by_method(self.columns_, origins, horizon)
        self._set_blends(found, origins)

    def _choose_smoothing(self) -> None:
        """Take smoothing alone, for a series that is too short to try the others."""
        if self.strategy == "recursive" or self.method not in (AUTO, SMOOTHING):
            return
        total, horizon = len(self.columns_), self._steps()
        stop = min(max(total // 2, total - 2 * horizon), total - horizon)
        self._fit_others(stop, None)
        origins = self._origins(stop, total)
        found = self.forecasts_by_method(self.columns_, origins, horizon, (SMOOTHING,))
        self._set_blends(found, origins)
        self._fit_others(total, None)

    def _set_blends(self, found: dict[str, Array], origins: Array) -> None:
        truth = windows_at(self.columns_.select(self.targets_), origins, 0, self._steps())
        self.blends_ = tuple(
            Blend.choose(
                {name: points[..., i] for name, points in found.items()},
                truth[..., i],
                target.log,
                self.method,
            )
            for i, target in enumerate(self.preparation_.targets)
        )

    def _fit_others(self, stop: int, samples: Samples | None) -> None:
        """Fit regression and smoothing to the steps before `stop`."""
        self.ridge_ = None if samples is None else Ridge.fit(*samples)
        self.smoothings_ = tuple(
            Smoothing.fit(y[:stop], season, self._steps(), target.log)
            for target, (y, season) in zip(
                self.preparation_.targets, self.smoothed(self.columns_), strict=True
            )
        )

    def _find_epochs(
        self, stop: int, head: Head, callbacks: Sequence[Callback]
    ) -> tuple[int, Head]:
        """Train on steps before `stop`, validate on the rest; return epochs and calibrated head."""
        preparation = self._prepare(stop)
        x, y = self._samples(preparation, preparation.length, stop)
        validation = self._samples(preparation, stop, len(self.columns_))
        model = self._build(x, preparation, head, y)
        self._set_fitted(preparation, model, head)
        untrained_loss = model.evaluate(*validation, verbose=0)
        initial_weights = model.get_weights()
        stopping = EarlyStopping(patience=self.patience, restore_best_weights=True)
        self.history_ = self._train(model, x, y, self.epochs, validation, [*callbacks, stopping])
        losses = self.history_["val_loss"]
        epochs = int(np.argmin(losses)) + 1
        if untrained_loss <= min(losses):  # nothing was learned that generalizes
            epochs = 0
            model.set_weights(initial_weights)
        outputs = model.predict(validation[0], verbose=0)
        head = head.calibrated(outputs, validation[1])
        self._set_fitted(preparation, model, head)
        return epochs, head

    def _set_fitted(self, preparation: Preparation, model: Any, head: Head) -> None:
        self.preparation_, self.model_, self.head_ = preparation, model, head

    def _steps(self) -> int:
        """Return the number of steps that the network forecasts in one call."""
        return 1 if self.strategy == "recursive" else self.horizon

    def _set_columns(self, columns: Columns) -> None:
        """Check columns and settings, and set the attributes that follow from them."""
        settings.check(self)
        targets = settings.targets(self.target, columns)
        known = tuple(self.known_future)
        past = tuple(n for n in columns.names if n not in (*targets, *known))
        columns.check([*targets, *past, *known])
        if both := set(targets) & set(known):
            raise ValueError(f"known_future: {min(both)!r} is a target")
        if self.strategy == "recursive" and past:
            raise DataError(
                f"column {past[0]!r} is not known ahead, so a recursive forecast cannot go on with "
                "it: leave it out, make it a target or known_future, or take strategy='direct'"
            )
        columns = columns.without_absurd(targets)
        self.columns_, self.targets_, self.past_, self.known_ = columns, targets, past, known
        self.n_features_in_ = len(columns.names)
        self.season_ = settings.season(self.season, columns, self.freq)
        self.window_ = settings.window(self.window, self.season_, len(columns))
        self.levels_ = tuple(sorted({*settings.levels(self.quantiles), 0.5}))
        settings.long_enough(len(columns), self.window_, self._steps())

    def _prepare(self, stop: int) -> Preparation:
        """Fit scaling and season to the steps before `stop`."""
        horizon, columns = self._steps(), self.columns_
        y = columns.select(self.targets_)[:stop]
        options = (horizon, self.season_, self.adjust, self.relative, self.log)
        transforms = [fit_target(y[:, i], *options, name) for i, name in enumerate(self.targets_)]
        past, known = (
            tuple(Covariate.fit(column, self.window_) for column in columns.select(names)[:stop].T)
            for names in (self.past_, self.known_)
        )
        preparation = Preparation(self.window_, horizon, tuple(transforms), past, known)
        settings.long_enough(stop, preparation.length, horizon)
        return preparation

    def _build(self, x: list[Array], preparation: Preparation, head: Head, y: Array) -> Any:
        model = build(
            x[0].shape[1:],
            x[1].shape[1:] if len(x) > 1 else (0, 0),
            head.units(preparation.horizon * len(preparation.targets)),
            units=self.units,
            layers=self.layers,
            dropout=self.dropout,
            linear=self.linear,
            learning_rate=self.learning_rate,
            loss=head.loss,
        )
        head.initialize(model, y)
        return model

    def _origins(self, start: int, stop: int) -> Array:
        """Return the origins whose steps ahead lie in ``start:stop``, none of them masked."""
        horizon = self._steps()
        origins = np.arange(start, stop - horizon + 1)
        counted = self.columns_.counted(origins, horizon)
        if counted.sum() < min(settings.FEWEST, len(origins)):
            raise DataError(
                f"{counted.sum()} of {len(origins)} windows have no masked step ahead, too few to "
                "learn from; give fill=interpolate, or a smaller horizon"
            )
        return np.asarray(origins[counted])

    def _samples(self, preparation: Preparation, start: int, stop: int) -> Samples:
        """Return the network's inputs and its targets, which lie in ``start:stop``."""
        y, past, known = self.series(preparation)
        origins = self._origins(start, stop)
        x, sides = preparation.inputs(
            windows_at(y, origins, preparation.length),
            windows_at(past, origins, preparation.window),
            windows_at(known, origins, preparation.window, preparation.horizon),
            origins,
        )
        return x, preparation.encode(windows_at(y, origins, 0, preparation.horizon), sides)

    def _train(
        self, model: Any, x: Any, y: Array, epochs: int, validation: Any, callbacks: list[Callback]
    ) -> dict[str, list[float]]:
        if not epochs:
            return {}
        history = model.fit(
            x,
            y,
            batch_size=self.batch_size,
            epochs=epochs,
            verbose=self.verbose,
            validation_data=validation,
            callbacks=callbacks,
        )
        found: dict[str, list[float]] = history.history
        return found
