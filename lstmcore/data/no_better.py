"""The warning that a model is no better than a baseline."""

from __future__ import annotations

import warnings
from collections.abc import Mapping


class BaselineWarning(UserWarning):
    """A trained model is no better than a baseline that needs no training."""


def warn_if_no_better(
    what: str, figure: float, baselines: Mapping[str, float], where: str, advice: str
) -> None:
    """Warn if a model's accuracy is not above that of every baseline.

    A model without an error is never warned of.

    Parameters
    ----------
    what : str
        The model, such as "LSTMClassifier".
    figure : float
        Its accuracy.
    baselines : mapping of str to float
        Accuracies by name.
    where : str
        The samples that the accuracies are of, such as "20 held-out samples".
    advice : str
        What to try.
    """
    if not baselines or figure >= 1:
        return
    name, best = max(baselines.items(), key=lambda item: item[1])
    if figure <= best:
        warnings.warn(
            f"{what} is no better than a baseline: accuracy {figure:.3f} on {where}, "
            f"{name} {best:.3f}; {advice}",
            BaselineWarning,
            stacklevel=3,
        )
