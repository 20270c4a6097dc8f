"""A case at least for every op of `lstmcore.ops`: see case.py."""

from . import (  # each adds to CASES
    arithmetic,  # noqa: F401
    indexing,  # noqa: F401
    linalg,  # noqa: F401
    nn,  # noqa: F401
    reductions,  # noqa: F401
    shapes,  # noqa: F401
)
from .case import CASES as CASES
from .case import Case as Case
