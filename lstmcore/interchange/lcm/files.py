"""Model files of liblstmcore as `lstmcore.saving.formats` finds them: they are written alone."""

from __future__ import annotations

from typing import Any, NoReturn

from .writing import export_model as export_model

_ADVICE = (
    "it is a model file of liblstmcore, for C programs: it has weights and no layers; load the "
    "file that model.save wrote"
)


def read_model(path: str, **options: Any) -> NoReturn:
    """Refuse: a file has what C needs to run a model, not the layers that it was made of."""
    raise ValueError(_ADVICE)


def read_weights(model: Any, path: str, **options: Any) -> NoReturn:
    """Refuse, as `read_model` does."""
    raise ValueError(_ADVICE)
