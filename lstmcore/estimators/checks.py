"""Checks whose error messages are those that scikit-learn's estimator tests expect."""

from typing import Any


def need_y(estimator: Any, y: Any) -> None:
    """Raise ValueError if y is None."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target "
            "y is None"
        )
