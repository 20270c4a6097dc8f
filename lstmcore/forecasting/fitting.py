"""How a forecaster is trained: how long, found on the last windows; then on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..callbacks import Callback, EarlyStopping
from ..data import DataError, windows_at
from . import settings as checked
from .columns import Columns
from .network import Head, build
from .predictions import Predictions
from .preparation import Covariate, Preparation, fit_target

Array = np.ndarray
Samples = tuple[list[Array], Array]


class Fitting(Predictions):
    """The part of `LSTMForecaster` that trains."""

    known_future: Sequence[str]
    target: str | Sequence[str] | None
    window: int | None
    quantiles: Sequence[float]
    season: int | str | None
    adjust: str
    relative: bool | None
    log: bool
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
        """Find out how long to train, and how wide intervals must be; then train on all.

        What is there is put in place as soon as it can forecast, so that it does after Ctrl-C.
        """
        self._take(columns)
        total, epochs = len(columns), self.epochs
        head = Head(self.head, self.levels_)
        stop = checked.validation_start(total, self.window_, self._steps(), self.validation)
        self.history_: dict[str, list[float]] = {}
        self.validation_history_: dict[str, list[float]] = {}
        self.first_ = self.epochs_ = 0
        if stop < total:
            epochs, head = self._search(stop, head, callbacks)
            self.validation_history_ = self.history_
        prepared = self._prepare(total)
        x, y = self._samples(prepared, prepared.length, total)
        model = self._build(x, prepared, head, y)
        if stop == total:
            self._put(prepared, model, head)
        self.history_ = self._train(model, x, y, epochs, None, list(callbacks))
        self._put(prepared, model, head)
        self.epochs_ = epochs

    def _search(self, stop: int, head: Head, callbacks: Sequence[Callback]) -> tuple[int, Head]:
        """Train on what comes before `stop` and try on the rest: epochs, and calibrated head."""
        prepared = self._prepare(stop)
        x, y = self._samples(prepared, prepared.length, stop)
        later = self._samples(prepared, stop, len(self.columns_))
        model = self._build(x, prepared, head, y)
        self._put(prepared, model, head)
        untrained = model.evaluate(*later, verbose=0)
        before = model.get_weights()
        stopping = EarlyStopping(patience=self.patience, restore_best_weights=True)
        self.history_ = self._train(model, x, y, self.epochs, later, [*callbacks, stopping])
        losses = self.history_["val_loss"]
        epochs = int(np.argmin(losses)) + 1
        if untrained <= min(losses):  # there is nothing to learn that holds later, too
            epochs = 0
            model.set_weights(before)
        said = model.predict(later[0], verbose=0)
        head = head.calibrated(said, later[1])
        self._put(prepared, model, head)
        return epochs, head

    def _put(self, prepared: Preparation, model: Any, head: Head) -> None:
        self.preparation_, self.model_, self.head_ = prepared, model, head

    def _steps(self) -> int:
        """How many steps the network gives at once."""
        return 1 if self.strategy == "recursive" else self.horizon

    def _take(self, columns: Columns) -> None:
        """Look at the columns and at the settings."""
        checked.check(self)
        targets = checked.targets(self.target, columns)
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
        self.columns_, self.targets_, self.past_, self.known_ = columns, targets, past, known
        self.n_features_in_ = len(columns.names)
        self.season_ = checked.season(self.season, columns)
        self.window_ = checked.window(self.window, self.season_, len(columns))
        self.levels_ = tuple(sorted({*checked.levels(self.quantiles), 0.5}))
        checked.long_enough(len(columns), self.window_, self._steps())

    def _prepare(self, stop: int) -> Preparation:
        """Fit scaling and season to what comes before `stop`."""
        horizon, columns = self._steps(), self.columns_
        y = columns.select(self.targets_)[:stop]
        how = (horizon, self.season_, self.adjust, self.relative, self.log)
        turns = [fit_target(y[:, i], *how, name) for i, name in enumerate(self.targets_)]
        past, known = (
            tuple(Covariate.fit(column, self.window_) for column in columns.select(names)[:stop].T)
            for names in (self.past_, self.known_)
        )
        prepared = Preparation(self.window_, horizon, tuple(turns), past, known)
        checked.long_enough(stop, prepared.length, horizon)
        return prepared

    def _build(self, x: list[Array], prepared: Preparation, head: Head, y: Array) -> Any:
        model = build(
            x[0].shape[1:],
            x[1].shape[1:] if len(x) > 1 else (0, 0),
            head.units(prepared.horizon * len(prepared.targets)),
            units=self.units,
            layers=self.layers,
            dropout=self.dropout,
            linear=self.linear,
            learning_rate=self.learning_rate,
            loss=head.loss,
        )
        head.begin(model, y)
        return model

    def _samples(self, prepared: Preparation, start: int, stop: int) -> Samples:
        """What the network learns from: inputs and targets, these in ``start:stop``."""
        y, past, known = self.series(prepared)
        origins = np.arange(start, stop - prepared.horizon + 1)
        x, sides = prepared.inputs(
            windows_at(y, origins, prepared.length),
            windows_at(past, origins, prepared.window),
            windows_at(known, origins, prepared.window, prepared.horizon),
            origins,
        )
        return x, prepared.encode(windows_at(y, origins, 0, prepared.horizon), sides)

    def _train(
        self, model: Any, x: Any, y: Array, epochs: int, later: Any, callbacks: list[Callback]
    ) -> dict[str, list[float]]:
        if not epochs:
            return {}
        history = model.fit(
            x,
            y,
            batch_size=self.batch_size,
            epochs=epochs,
            verbose=self.verbose,
            validation_data=later,
            callbacks=callbacks,
        )
        found: dict[str, list[float]] = history.history
        return found
