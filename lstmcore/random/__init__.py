"""Random numbers: seeds and generators, their state in files, the masks of dropout; Keras's draws.

`normal`, `uniform`, `SeedGenerator` and Keras's other names are imported when first used.
"""

from ..lazy import attributes

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


__getattr__ = attributes(__name__, {"functions": __all__})


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
