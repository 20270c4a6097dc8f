"""Settings of a forecaster by name, as scikit-learn has them."""

from __future__ import annotations

import inspect
from typing import Any, Self

from ...names import nearest


class Parameters:
    """Settings are the arguments of the constructor, stored as given."""

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        given = list(inspect.signature(cls.__init__).parameters.items())[1:]
        return {name: parameter.default for name, parameter in given}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the settings by name."""
        return {name: getattr(self, name) for name in self._defaults()}

    def set_params(self, **params: Any) -> Self:
        """Change settings.

        Raises
        ------
        ValueError
            If there is no setting of that name.
        """
        known = self._defaults()
        for name, value in params.items():
            if name not in known:
                what = type(self).__name__
                raise ValueError(f"{what} has no parameter {name!r}; {nearest(name, known)}")
            setattr(self, name, value)
        return self

    def unfitted(self) -> Self:
        """Return an unfitted forecaster with the same settings."""
        return type(self)(**self.get_params())

    def __repr__(self) -> str:
        default = self._defaults()
        changed = (f"{k}={v!r}" for k, v in self.get_params().items() if v != default[k])
        return f"{type(self).__name__}({', '.join(changed)})"
