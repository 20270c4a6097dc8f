"""HyperModel: a model as a function of hyperparameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .hyperparameters import HyperParameters


class HyperModel:
    """Base class of models built from hyperparameters, where a function is not enough.

    Parameters
    ----------
    name : str, optional
    tunable : bool, default True
        False: all hyperparameters keep their defaults.

    Examples
    --------
    ::

        class Forecaster(HyperModel):
            def build(self, hp):
                ...
                return model

            def fit(self, hp, model, *args, **kwargs):
                size = hp.Choice("batch_size", [16, 32])
                return model.fit(*args, batch_size=size, **kwargs)
    """

    def __init__(self, name: str | None = None, tunable: bool = True) -> None:
        self.name, self.tunable = name, tunable

    def build(self, hp: HyperParameters) -> Any:
        """Return a compiled model; to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} has no build(self, hp)")

    def fit(self, hp: HyperParameters, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Train the model and return its History, or the objective as a number or in a dict.

        `args` and `kwargs` are those of `search`, including the callbacks of the search.
        """
        return model.fit(*args, **kwargs)


class _Function(HyperModel):
    """HyperModel of a function ``build_model(hp)``."""

    def __init__(self, function: Callable[[HyperParameters], Any]) -> None:
        super().__init__(getattr(function, "__name__", None))
        self.function = function

    def build(self, hp: HyperParameters) -> Any:
        return self.function(hp)


def make_hypermodel(given: Any) -> HyperModel:
    """Return a `HyperModel` for one, its class, or a function ``build_model(hp)``."""
    if isinstance(given, HyperModel):
        return given
    if isinstance(given, type) and issubclass(given, HyperModel):
        return given()
    if callable(given):
        return _Function(given)
    raise TypeError(
        f"hypermodel: expected a function build_model(hp) or a HyperModel, got {given!r:.80}"
    )
