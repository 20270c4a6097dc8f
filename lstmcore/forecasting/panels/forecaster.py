"""GlobalForecaster: one network for all series of a panel."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np

from ...callbacks import Callback, EarlyStopping
from ...data import DataError
from ...names import nearest
from ...random.generator import seeded
from ...refused.arguments import checked
from ...validation import number, whole
from .. import heads, settings
from . import features, steps
from .calibration import calibrate, uncalibrated
from .columns import check_names
from .inputs import SCALINGS, Inputs
from .network import build
from .panel import Panel
from .parameters import Parameters
from .predictions import NAME, PredictionMixin
from .reading import COLUMNS, read
from .validation import CrossValidation, cross_validation
from .windows import Windows

Array = np.ndarray
SCALED_BY = ("window", "series")
LONGEST = 64  # default window
BATCHES, LARGEST = 100, 1024  # in an epoch, and windows in one, if the batch size is not given
MOST_VALIDATED = 20_000  # windows
ORIGINS, SHARE = 4, 0.2  # to validate on: horizons, of the steps of a series


class GlobalForecaster(PredictionMixin, Parameters):
    """Forecaster of many series by one LSTM that learns from all of them.

    A panel is a long table with a row for each series and date (columns `unique_id`, `ds`, `y`, or
    others by argument): a pandas or polars frame, a dict of columns, or a parquet file; or a dict
    of series, or a wide frame. Series have any length: windows are padded and masked, and made
    batch by batch, so memory grows with the batch and not with the panel.

    Parameters
    ----------
    horizon : int, default 7
        Steps ahead.
    window : int, optional
        Steps that the network reads; by default two seasons, from 16 to 64, and twice the horizon.
    season : int or "auto", default "auto"
        Steps in a season, for the default window and the seasonal naive baseline; by default that
        of the dates (12 months, 4 quarters, 52 weeks, 7 days, 5 working days, 24 hours).
    past, known_future : sequence of str, default ()
        Columns known up to now, and columns whose future values are known.
    static : sequence of str, default ()
        Columns with one value for each series: numbers, or labels, which are embedded.
    calendar : bool or sequence of str, default False
        Features of dates: "hour", "weekday", "monthday", "yearday", "month"; True for those that
        vary at the data's frequency (those of the year if there are two years).
    holidays : str, optional
        Public holidays of a country, such as "US" or "US-CA" (`pip install lstmcore[panels]`).
    scaling : {"standard", "robust", "mean", "none"}
        Subtract the mean and divide by the standard deviation; the median and the distance of the
        quartiles; divide by the mean size; or neither.
    scale_by : {"window", "series"}
        What is measured: each window, or each series.
    head : {"quantile", "gaussian", "student", "negative_binomial", "poisson"}
        The predictive distribution; the last two are for counts.
    quantiles : sequence of float, default (0.1, 0.5, 0.9)
        The quantiles that a quantile head learns.
    units, layers, dropout
        Units of each LSTM layer (default 64), the number of layers (1), and the dropout rate
        (0.1).
    linear : bool, default True
        Add a linear function of the window, the same for all series, to the network's output.
    epochs : int, default 30
        The largest number of epochs.
    batch_size : int, optional
        By default a hundredth of the windows, from 32 to 1024.
    windows_per_epoch : int, optional
        Draw this many windows at random in each epoch; by default all.
    learning_rate : float, default 0.001
    validation : int, optional
        Steps at the end of each series on which a network trained on the steps before them is
        validated, to find the number of epochs and to calibrate quantiles. The final network is
        then trained on all steps. By default four horizons, if that is less than a fifth of most
        series, but at least one; 0 for none.
    patience : int, default 5
        Epochs without improvement after which that first training stops.
    random_state : int, optional
        Makes results repeatable.
    verbose : {0, 1, 2, "auto"}
        As in `Model.fit`.

    Attributes
    ----------
    model_ : Model
    panel_ : Panel
        The series that forecasts continue.
    inputs_ : Inputs
        The scaling of the network's inputs.
    head_ : Distribution
    season_, window_, epochs_ : int
    history_, validation_history_ : dict of str to list of float

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.forecasting import GlobalForecaster
    >>> waves = {f"wave {k}": np.sin(np.arange(60 + k) / 3 + k) for k in range(8)}
    >>> model = GlobalForecaster(horizon=5, window=20, epochs=2, random_state=0).fit(waves)
    >>> table = model.predict(level=[80])
    >>> sorted(table)
    ['LSTM', 'LSTM-hi-80', 'LSTM-lo-80', 'ds', 'unique_id']
    >>> table["LSTM"].shape
    (40,)
    """

    @checked
    def __init__(
        self,
        *,
        horizon: int = 7,
        window: int | None = None,
        season: int | str = "auto",
        past: Sequence[str] = (),
        known_future: Sequence[str] = (),
        static: Sequence[str] = (),
        calendar: bool | Sequence[str] = False,
        holidays: str | None = None,
        scaling: str = "standard",
        scale_by: str = "window",
        head: str = "quantile",
        quantiles: Sequence[float] = (0.1, 0.5, 0.9),
        units: int = 64,
        layers: int = 1,
        dropout: float = 0.1,
        linear: bool = True,
        epochs: int = 30,
        batch_size: int | None = None,
        windows_per_epoch: int | None = None,
        learning_rate: float = 1e-3,
        validation: int | None = None,
        patience: int = 5,
        random_state: int | None = None,
        verbose: Any = 0,
    ) -> None:
        self.horizon = horizon
        self.window = window
        self.season = season
        self.past = past
        self.known_future = known_future
        self.static = static
        self.calendar = calendar
        self.holidays = holidays
        self.scaling = scaling
        self.scale_by = scale_by
        self.head = head
        self.quantiles = quantiles
        self.units = units
        self.layers = layers
        self.dropout = dropout
        self.linear = linear
        self.epochs = epochs
        self.batch_size = batch_size
        self.windows_per_epoch = windows_per_epoch
        self.learning_rate = learning_rate
        self.validation = validation
        self.patience = patience
        self.random_state = random_state
        self.verbose = verbose

    # -- fit -------------------------------------------------------------------------------

    @checked
    def fit(
        self,
        data: Any,
        *,
        id_col: str = COLUMNS[0],
        time_col: str = COLUMNS[1],
        target_col: str = COLUMNS[2],
        static: Any = None,
        freq: str | int | None = None,
        fill: str | None = None,
        callbacks: Sequence[Callback] | None = None,
    ) -> Self:
        """Train on all series.

        Parameters
        ----------
        data : DataFrame, dict or path
            A long table, a dict of series, or a wide frame.
        id_col, time_col, target_col : str
            The columns of a long table. Dates are datetime64, ISO dates, or whole numbers.
        static : DataFrame or dict of columns, optional
            A row for each series with its id and the `static` columns, which are otherwise columns
            of the long table.
        freq : str or int, optional
            Such as "D", "B", "W", "MS", "QS", "h", "15min"; by default inferred.
        fill : {"forward", "interpolate", "zero", "mask"}, optional
            What stands at missing dates and values of the target; with None they are an error.
            "mask" hides them from the network.
        callbacks : list of Callback, optional

        Returns
        -------
        self

        Raises
        ------
        DataError
            If the data cannot be used; the message is one line and says which series and date.
        ValueError
            If a setting is invalid.
        """
        columns = (id_col, time_col, target_col)
        covariates = (*self.past, *self.known_future)
        check_names((*columns[1:], *covariates, *self.static))
        panel = read(data, columns, covariates, static, self.static, freq, fill)
        return self.fit_panel(panel, callbacks)

    def fit_panel(self, panel: Panel, callbacks: Sequence[Callback] | None = None) -> Self:
        """Train on a panel that has been read; see `fit`."""
        self._check_settings()
        with seeded(self.random_state):
            self._fit(panel, list(callbacks or ()))
        return self

    def _check_settings(self) -> None:
        for name in ("horizon", "units", "layers", "epochs", "patience"):
            whole(name, getattr(self, name), 1)
        for name in ("window", "batch_size", "windows_per_epoch"):
            if getattr(self, name) is not None:
                whole(name, getattr(self, name), 1)
        if self.validation is not None:
            whole("validation", self.validation, 0, least=0)
        number("dropout", self.dropout, 1)
        number("learning_rate", self.learning_rate, above=True)
        for name, choices in (("scaling", SCALINGS), ("scale_by", SCALED_BY)):
            value = getattr(self, name)
            if value not in choices:
                hint = nearest(str(value), choices)
                raise ValueError(f"{name}: expected one of {choices}, got {value!r}; {hint}")
        for name in ("past", "known_future", "static"):
            if isinstance(getattr(self, name), str):
                raise ValueError(f"{name}: expected a list of names, got {getattr(self, name)!r}")
        heads.make(self.head, settings.levels(self.quantiles))

    def _fit(self, panel: Panel, callbacks: list[Callback]) -> None:
        """Find the number of epochs and calibrate on the last steps; then train on all."""
        self._set_panel(panel)
        held = self.validation
        if held is None:  # several origins, but most of a series is to train on
            most = min(ORIGINS * self.horizon, round(SHARE * float(np.median(panel.lengths))))
            held = max(most, self.horizon)
        self.history_: dict[str, list[float]] = {}
        self.validation_history_: dict[str, list[float]] = {}
        self.epochs_, epochs = 0, self.epochs
        self.shifts_, self.dependence_ = uncalibrated(self.head_, self.horizon)
        lengths = panel.lengths
        validated = self._windows(panel, lengths - held, lengths - self.horizon + 1, False)
        training = self._training(replace(panel, unseen=held), held)
        if held >= self.horizon and validated.total and training.total:
            self.model_ = self._build(training)
            stopping = EarlyStopping(patience=self.patience, restore_best_weights=True)
            self.history_ = self._train(training, epochs, validated, [*callbacks, stopping])
            self.validation_history_ = self.history_
            epochs = int(np.argmin(self.history_["val_loss"])) + 1
            self.shifts_, self.dependence_ = calibrate(self.model_, validated)
        training = self._training(panel, 0)
        if not training.total:
            raise DataError(
                f"no series has more than {self.horizon} steps, so there is nothing to learn a "
                f"horizon of {self.horizon} from; give longer series or a smaller horizon"
            )
        self.model_ = self._build(training)
        self.history_ = self._train(training, epochs, None, callbacks)
        self.epochs_ = epochs

    def _set_panel(self, panel: Panel) -> None:
        """Set the attributes that follow from data and settings."""
        self.panel_ = panel
        self.levels_ = tuple(sorted({*settings.levels(self.quantiles), 0.5}))
        self.head_ = heads.make(self.head, self.levels_)
        if self.head_.counts:
            panel.check_counts(self.head)
        season = steps.season(panel.frequency) if self.season == "auto" else self.season
        self.season_ = max(whole("season", season, 1, least=0), 1)
        usual = max(min(max(2 * self.season_, 16), LONGEST), 2 * self.horizon)
        self.window_ = usual if self.window is None else self.window
        if self.holidays is not None:
            features.check_holidays(self.holidays, panel.frequency)
        self.inputs_ = Inputs.fit(
            panel,
            window=self.window_,
            horizon=self.horizon,
            scaling=self.scaling,
            by_window=self.scale_by == "window",
            counts=self.head_.counts,
            past=tuple(self.past),
            known=tuple(self.known_future),
            calendar=features.resolve(self.calendar, panel.frequency, panel.years),
            holidays=self.holidays,
        )

    def _training(self, panel: Panel, held: int) -> Windows:
        """Return the windows to train on, but for the last `held` steps of each series."""
        stop = panel.lengths - held - self.horizon + 1
        # A short series has all its windows; of a long one those at its beginning are left out.
        first = np.maximum(np.minimum(self.window_ // 2, stop - 1), 1)
        return self._windows(panel, first, stop, True)

    def _windows(self, panel: Panel, first: Array, stop: Array, train: bool) -> Windows:
        first = np.maximum(first, 1)
        total = int(np.maximum(stop - first, 0).sum())
        most = (
            self.windows_per_epoch if train else MOST_VALIDATED if total > MOST_VALIDATED else None
        )
        size = self.batch_size or min(max(total // BATCHES, 32), LARGEST)
        size = size if train else LARGEST
        return Windows(panel, self.inputs_, self.head_, first, stop, size, train, most)

    def _build(self, training: Windows) -> Any:
        parts = (training.panel, self.inputs_, self.head_, training.first, training.stop)
        sample = Windows(*parts, LARGEST, False, most=LARGEST)
        _, y, known = sample[0]
        if not known.any():
            raise DataError("every window has a missing target; give another fill than 'mask'")
        return build(
            self.inputs_,
            self.head_,
            self.head_.start(y[known > 0].astype(np.float64)),
            units=self.units,
            layers=self.layers,
            dropout=self.dropout,
            linear=self.linear,
            learning_rate=self.learning_rate,
        )

    def _train(
        self, training: Windows, epochs: int, validation: Any, callbacks: list[Callback]
    ) -> dict[str, list[float]]:
        history = self.model_.fit(
            training,
            epochs=epochs,
            validation_data=validation,
            verbose=self.verbose,
            callbacks=callbacks,
        )
        found: dict[str, list[float]] = history.history
        return found

    def cross_validation(self, data: Any, **options: Any) -> CrossValidation:
        """Forecast the last steps of each series, beside the seasonal naive forecast.

        Parameters
        ----------
        data : as for `fit`
        **options
            ``n_windows``, ``step_size``, ``refit``, ``level`` and more: see
            `lstmcore.forecasting.cross_validation`.
        """
        return cross_validation({NAME: self}, data, **options)

    # -- files -----------------------------------------------------------------------------

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the network, its scaling and settings, and the last steps of each series.

        Parameters
        ----------
        filepath : path-like
            Such as ``"sales.safetensors"``; `lstmcore.load_model` reads the network alone.
        overwrite : bool, default True
        """
        from .model_file import save

        self._check_fitted()
        save(self, filepath, overwrite)

    @classmethod
    def load(cls, filepath: str | os.PathLike[str]) -> Self:
        """Read a forecaster from a file that `save` wrote; its forecasts are the same.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, or no forecaster can be read from it.
        """
        from .model_file import load

        return load(cls, filepath)
