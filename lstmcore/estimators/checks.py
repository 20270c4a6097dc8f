"""Checks that scikit-learn's own estimators make in words that its tests look for."""

from typing import Any


def need_y(estimator: Any, y: Any) -> None:
    """Raise ValueError if there are no targets."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target "
            "y is None"
        )
