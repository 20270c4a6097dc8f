"""Random numbers: seeds and generators, their state in files, the masks of dropout; Keras's draws.

`normal`, `uniform`, `SeedGenerator` and Keras's other names are imported when first used.
"""

from typing import Any

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]


def __getattr__(name: str) -> Any:
    from ..refused import missing

    if name not in __all__:
        return missing(__name__, name)
    from . import functions

    return getattr(functions, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
