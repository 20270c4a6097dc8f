"""LSTMForecaster: forecasts of time series with intervals."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from typing import Any, Self

from ..callbacks import Callback
from ..names import nearest
from ..random.generator import seeded
from ..refused.arguments import checked
from .backtest import walk_forward
from .fitting import FittingMixin


class LSTMForecaster(FittingMixin):
    """Forecaster of one or several time series by an LSTM, with intervals.

    Settings are stored as given; the names of attributes that `fit` sets end in ``_``. Scaling,
    season and everything else is fitted on the training part only.

    Parameters
    ----------
    target : str or sequence of str, optional
        The columns to forecast; may be omitted if there is only one column.
    horizon : int, default 7
        Steps ahead.
    window : int, optional
        Steps that the network reads. By default two seasons of up to 52 steps, otherwise 30; at
        most a quarter of a short series.
    known_future : sequence of str, default ()
        Columns whose future values are known, such as prices or holidays; `predict` requires
        them. All other columns that are not targets are known up to now only.
    strategy : {"direct", "recursive"}
        "direct": the network forecasts all steps ahead in one call. "recursive": it forecasts the
        next step, and its own forecasts, sampled along `paths`, are its input for the steps after
        that. `predict` then takes any horizon, but columns known up to now cannot be used.
    head : {"quantile", "gaussian", "point"}
        The network's output: quantiles, mean and variance of a normal density, or the mean alone,
        which gives no intervals.
    quantiles : sequence of float, default (0.1, 0.5, 0.9)
        The quantiles to learn and return; others are interpolated.
    season : int or "auto", default "auto"
        Steps in a season, 0 for none. "auto" needs dates and at least two seasons of them: a year
        of days, weeks, months or quarters, otherwise a week of days or a day of hours.
    adjust : {"auto", "none", "curve", "average", "difference"}
        Seasonal adjustment: subtract a smooth curve, the average of the season's steps, or the
        value one season earlier. "auto" chooses the one with the smallest error on the training
        part.
    relative : bool, optional
        Subtract the window's last value from the network's input, for series that do not return
        to a level. By default True if a straight line explains most of the training part.
    freq : str, optional
        The step of the dates, a name of pandas such as "h", "15min", "D", "B", "W" or "MS". By
        default it is found: months by their first or last days, working days by missing weekends,
        otherwise the most frequent step.
    fill : {"none", "forward", "interpolate", "zero", "mask"}, optional
        What steps without a row or without a value get: nothing, so that they are an error; the
        last value; a straight line between the neighbours; zero; or a mask, so that they are
        interpolated as what the forecasts read, but are neither learned nor tested. By default up
        to 5 % of the steps are interpolated if their rows are missing, with a warning.
    method : {"auto", "network", "regression", "smoothing"}
        What forecasts: the network; a ridge regression on what the network reads; exponential
        smoothing (`lstmcore.forecasting.smoothing`). "auto" tries all three from the origins of
        the validation part and blends them, with weights that fall with the fourth power of their
        mean absolute errors; a series too short for that is smoothed. Intervals are then those of
        the blend's own errors there. The recursive strategy has the network alone.
    log : bool or "auto", default "auto"
        Forecast the logarithm, for positive series whose fluctuations grow with their level. "auto"
        does where smoothing has at most 0.8 times the error with it.
    units, layers, dropout
        Units of each LSTM layer (default 32), the number of layers (1), and the dropout rate
        (0.2).
    linear : bool, default True
        Add a linear function of the window to the network's output.
    epochs : int, default 50
        The largest number of epochs.
    batch_size : int, default 32
    learning_rate : float, default 0.001
    validation : float, default 0.2
        The share of steps, at the end, on which a network trained on the steps before it is
        validated to find the best number of epochs and to calibrate intervals. The final network
        is then trained on all steps for that many epochs. With 0, or too few steps, it is trained
        for `epochs`.
    patience : int, default 5
        Epochs without improvement after which that first training stops.
    paths : int, default 200
        The number of sample paths of the recursive strategy.
    random_state : int, optional
        Makes results repeatable. By default the library's generator is used.
    verbose : {0, 1, 2, "auto"}
        Progress of the training, as in `Model.fit`.

    Attributes
    ----------
    model_ : Model
    preparation_ : Preparation
        Scaling and season.
    columns_ : Columns
        The data that forecasts continue.
    targets_ : tuple of str
    season_, window_ : int
    levels_ : tuple of float
        The quantiles, including 0.5.
    blends_ : tuple of Blend
        For each target what forecasts it, with which weights and errors; empty where the network
        does alone.
    epochs_ : int
        The number of epochs trained; 0 if the network improved on neither level nor season.
    history_, validation_history_ : dict of str to list of float
        Histories of the final training and of the training with validation.
    n_features_in_ : int

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.forecasting import LSTMForecaster
    >>> wave = np.sin(np.arange(200) / 3)
    >>> model = LSTMForecaster(horizon=5, window=20, epochs=2, random_state=0).fit(wave)
    >>> model.predict().shape
    (5,)
    >>> lower, upper = model.predict_interval(level=0.8)
    """

    @checked
    def __init__(
        self,
        *,
        target: str | Sequence[str] | None = None,
        horizon: int = 7,
        window: int | None = None,
        known_future: Sequence[str] = (),
        strategy: str = "direct",
        head: str = "quantile",
        quantiles: Sequence[float] = (0.1, 0.5, 0.9),
        season: int | str | None = "auto",
        adjust: str = "auto",
        freq: str | None = None,
        fill: str | None = None,
        method: str = "auto",
        relative: bool | None = None,
        log: bool | str = "auto",
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
        random_state: int | None = None,
        verbose: Any = 0,
    ) -> None:
        self.target = target
        self.horizon = horizon
        self.window = window
        self.known_future = known_future
        self.strategy = strategy
        self.head = head
        self.quantiles = quantiles
        self.season = season
        self.adjust = adjust
        self.freq = freq
        self.fill = fill
        self.method = method
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

    # -- settings --------------------------------------------------------------------------

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings by name."""
        names = list(inspect.signature(LSTMForecaster.__init__).parameters)[1:]
        return {name: getattr(self, name) for name in names}

    def set_params(self, **params: Any) -> Self:
        """Change settings.

        Raises
        ------
        ValueError
            If there is no setting of that name.
        """
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                what = type(self).__name__
                raise ValueError(f"{what} has no parameter {name!r}; {nearest(name, known)}")
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        default = inspect.signature(LSTMForecaster.__init__).parameters
        changed = (f"{k}={v!r}" for k, v in self.get_params().items() if v != default[k].default)
        return f"{type(self).__name__}({', '.join(changed)})"

    def unfitted(self) -> LSTMForecaster:
        """Return an unfitted forecaster with the same settings."""
        return LSTMForecaster(**LSTMForecaster.get_params(self))

    # -- fit -------------------------------------------------------------------------------

    @checked
    def fit(
        self, data: Any, dates: Any = None, *, callbacks: Sequence[Callback] | None = None
    ) -> Self:
        """Train on a whole series.

        Parameters
        ----------
        data : array_like (n,) or (n, columns), dict of str to array_like, pandas or `Series`
            Columns of an array are named "0", "1" and so on. Forecasts of pandas data are pandas.
        dates : array_like of datetime64 or ISO dates, shape (n,), optional
            By default the index of pandas data.
        callbacks : list of Callback, optional

        Returns
        -------
        self

        Raises
        ------
        DataError
            If the series cannot be used; the message is one line and says why.
        ValueError
            If a setting is invalid.
        """
        with seeded(self.random_state):
            self._fit(self.read(data, dates), callbacks or ())
        return self

    # -- backtest --------------------------------------------------------------------------

    def backtest(
        self,
        data: Any = None,
        dates: Any = None,
        *,
        initial: int | float | None = None,
        step: int = 1,
        refit: int | None = None,
        sliding: bool = False,
    ) -> Any:
        """Forecast known steps from the steps before them, and compare with baselines.

        New forecasters with the same settings are trained for this; this one is not changed.

        Parameters
        ----------
        data, dates
            As for `fit`; by default the data fitted to.
        initial : int or float, optional
            The number or share of steps that the first model is trained on. By default all but
            the last year for two years or more of daily values, otherwise all but the last
            quarter.
        step : int, default 1
            The number of steps from one forecast to the next.
        refit : int, optional
            Train again after this many forecasts; 0 or None for never. Each forecast uses all
            steps before it in any case.
        sliding : bool, default False
            Train on the last `initial` steps instead of all steps before.

        Returns
        -------
        Backtest, or for several targets a dict of them
        """
        if data is None:
            self._check_fitted()
            if self.first_:
                raise ValueError("backtest: data: a model file has the last steps alone; give all")
        columns = self.columns_ if data is None else self.read(data, dates)
        found = walk_forward(self, columns, initial, step, refit, sliding)
        return found if len(found) > 1 else next(iter(found.values()))

    # -- files -----------------------------------------------------------------------------

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the network, its scaling and settings, and the last steps to a model file.

        Parameters
        ----------
        filepath : path-like
            Such as ``"sales.safetensors"``; `lstmcore.load_model` reads the network alone.
        overwrite : bool, default True
        """
        from .model_file import save

        self._check_fitted()
        save(self, filepath, overwrite)

    def export(self, filepath: str | os.PathLike[str], **options: Any) -> None:
        """Write the network with its scaling and season as a C file, which needs no Python.

        Its function ``NAME_forecast`` reads the last rows of a series and writes the forecasts of
        the learned quantiles, or with another head the mean.

        Parameters
        ----------
        filepath : path-like
            Such as ``"sales.c"``; the header has the same name with ``.h``.
        **options
            ``name``, ``weights``, ``arithmetic``: see `lstmcore.interchange.c.export_model`.

        Raises
        ------
        ValueError
            If a setting has no C form: a `method` other than "network", ``strategy="recursive"``,
            ``log=True``, `known_future`, or a curve of the calendar year.
        """
        from .c_file import export

        self._check_fitted()
        export(self, filepath, **options)

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
