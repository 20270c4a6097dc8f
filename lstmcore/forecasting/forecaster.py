"""LSTMForecaster: fit a series, forecast what comes next, and how sure that is."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from typing import Any, Self

from ..callbacks import Callback
from ..names import nearest
from ..random.generator import seeded
from .backtest import walk_forward
from .columns import read
from .fitting import Fitting


class LSTMForecaster(Fitting):
    """Forecasts of one or several series by an LSTM, with intervals.

    The settings are kept as they are given; what `fit` finds has names that end in ``_``. Scaling,
    season and everything else is fitted on the part to train on alone.

    Parameters
    ----------
    target : str or sequence of str, optional
        The columns to forecast; may be left out where there is one.
    horizon : int, default 7
        Steps ahead.
    window : int, optional
        Steps that the network sees. By default two seasons of up to 52 steps, otherwise 30; no
        more than a quarter of a short series.
    known_future : sequence of str, default ()
        Columns that are known ahead, such as prices or holidays; `predict` wants their values.
        All other columns that are no targets are known up to now.
    strategy : {"direct", "recursive"}
        "direct": one network gives all steps ahead. "recursive": it gives the next step, and is
        fed its own forecasts, drawn at random along `paths`, for those behind; any horizon can be
        asked for, and columns known up to now cannot be used.
    head : {"quantile", "gaussian", "point"}
        What is learnt: quantiles, the mean and variance of a normal density, or the mean alone,
        which gives no intervals.
    quantiles : sequence of float, default (0.1, 0.5, 0.9)
        Those that are learnt and given back; others are interpolated.
    season : int or "auto", default "auto"
        Steps in a season, 0 for none. "auto" is known where there are dates and two seasons of
        them: a year of days, months or quarters, otherwise a week of days, a day of hours.
    adjust : {"auto", "none", "curve", "difference"}
        What is done about the season: a smooth curve is taken off, or the value of one season
        before. "auto": whatever leaves least in the training part.
    relative : bool, optional
        Show the network the window less its last value, as a series that does not return to its
        level wants it. By default where a straight line explains most of the training part.
    log : bool, default False
        Forecast the logarithm, for positive series whose ups and downs grow with their level.
    units, layers, dropout
        Of the LSTM: units of each layer (default 32), how many (1), and the share of outputs that
        are dropped in training (0.2).
    linear : bool, default True
        Add a linear product of the window to the network's output.
    epochs : int, default 50
        At most.
    batch_size : int, default 32
    learning_rate : float, default 0.001
    validation : float, default 0.2
        Share of the steps, the last, to find out on how many epochs are best and how wide
        intervals must be, by a network trained on those before; then one is trained on all for
        so long. With 0, or where there are too few steps, all epochs are trained.
    patience : int, default 5
        Epochs without a better one before that search ends.
    paths : int, default 200
        For the recursive strategy.
    random_state : int, optional
        Repeats a run exactly. By default the library's stream goes on.
    verbose : {0, 1, 2, "auto"}
        Progress of the training, as `Model.fit` shows it.

    Attributes
    ----------
    model_ : Model
    preparation_ : Preparation
        Scaling and season.
    columns_ : Columns
        What forecasts go on from.
    targets_ : tuple of str
    season_, window_ : int
    levels_ : tuple of float
        The quantiles, with 0.5.
    epochs_ : int
        How many were trained; 0 if nothing was found to learn beyond level and season.
    history_, validation_history_ : dict of str to list of float
        Of the training on all, and of the search.
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
            If there is no setting of such a name.
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
        """Return a forecaster of the same settings that has seen nothing."""
        return LSTMForecaster(**LSTMForecaster.get_params(self))

    # -- fit -------------------------------------------------------------------------------

    def fit(
        self, data: Any, dates: Any = None, *, callbacks: Sequence[Callback] | None = None
    ) -> Self:
        """Train on all of a series.

        Parameters
        ----------
        data : array_like (n,) or (n, columns), dict of str to array_like, pandas or `Series`
            Columns of an array are named "0", "1" and so on. Pandas in is pandas out.
        dates : array_like of datetime64 or ISO dates, shape (n,), optional
            By default the index of what is from pandas.
        callbacks : list of Callback, optional

        Returns
        -------
        self

        Raises
        ------
        DataError
            If the series cannot be used: the message is one line and says why.
        ValueError
            If a setting is wrong.
        """
        with seeded(self.random_state):
            self._fit(read(data, dates), callbacks or ())
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
        """Forecast known steps from what was known before them, and compare.

        Others are trained for it, with the same settings: this one stays as it is.

        Parameters
        ----------
        data, dates
            As `fit` takes them; by default what was fitted to.
        initial : int or float, optional
            How many steps, or which share of them, the first model is trained on. By default all
            but the last year where there are two years or more of daily values, otherwise all
            but the last quarter.
        step : int, default 1
            How many steps lie between two forecasts.
        refit : int, optional
            Train anew after every so many forecasts; 0 or None: never, but each forecast is
            given all that came before it.
        sliding : bool, default False
            Train on the last `initial` steps, not on all before.

        Returns
        -------
        Backtest, or for several targets a dict of them
        """
        if data is None:
            self._check_fitted()
            if self.first_:
                raise ValueError("backtest: data: a model file has the last steps alone; give all")
        columns = self.columns_ if data is None else read(data, dates)
        found = walk_forward(self, columns, initial, step, refit, sliding)
        return found if len(found) > 1 else next(iter(found.values()))

    # -- files -----------------------------------------------------------------------------

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the network, its scaling and settings, and the last steps to one model file.

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
        """Read what `save` wrote; it forecasts the same numbers.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, or no forecaster can be read from it.
        """
        from .model_file import load

        return load(cls, filepath)
