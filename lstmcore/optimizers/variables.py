"""An optimizer's numbers, which scripts also read and set as Keras's variables.

`optimizer.learning_rate` and `optimizer.iterations` are a float and an int of Python, as they were
when they were read, that have `assign`, `numpy` and `value`, too. `assign` sets the optimizer's
number and this one, so that ``rate.assign(0.5 * rate)`` halves it each time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

_BINARY = "add sub mul truediv floordiv mod pow divmod"
_REFLECTED = " ".join(f"r{name}" for name in _BINARY.split())
_OTHERS = "eq ne lt le gt ge neg pos abs bool float int round trunc floor ceil repr format hash"
_NAMES = [f"__{name}__" for name in f"{_BINARY} {_REFLECTED} {_OTHERS}".split()]


class _Variable:
    """The base class of both.

    Parameters
    ----------
    now : float or int
    write : callable
        Sets the number of the optimizer.
    """

    _plain: Any  # float or int
    _now: Any
    _write: Callable[[Any], None]

    def __new__(cls, now: Any, write: Callable[[Any], None]) -> Self:
        made: Self = cls._plain.__new__(cls, now)
        made._now, made._write = now, write
        return made

    def assign(self, value: Any) -> Self:
        """Set the optimizer's number, as ``optimizer.learning_rate = value`` does; return it."""
        self._write(value)
        self._now = self._plain(value)
        return self

    def assign_add(self, value: Any) -> Self:
        """Add to the optimizer's number; return it."""
        return self.assign(self._now + value)

    def assign_sub(self, value: Any) -> Self:
        """Subtract from the optimizer's number; return it."""
        return self.assign(self._now - value)

    def numpy(self) -> Any:
        """Return the number as a scalar of NumPy, as it is now."""
        return np.asarray(self._now)[()]

    @property
    def value(self) -> Any:
        """The number as it is now: what Keras's variable has as its tensor."""
        return self.numpy()

    @property
    def dtype(self) -> str:
        """The type that `numpy` returns."""
        return str(self.numpy().dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of a number, ()."""
        return ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return np.array(self._now, dtype=dtype)

    def __reduce__(self) -> Any:
        return self._plain, (self._now,)


def _of_present(name: str, plain: type) -> Callable[..., Any]:
    """Return the method of `plain`, with the number that was assigned last."""
    method = getattr(plain, name)

    def present(self: _Variable, *args: Any) -> Any:
        others = (arg._now if isinstance(arg, _Variable) else arg for arg in args)
        return method(self._now, *others)

    return present


def _variable(name: str, plain: type) -> Any:
    methods = {n: _of_present(n, plain) for n in _NAMES if hasattr(plain, n)}
    if plain is int:
        methods["__index__"] = _of_present("__index__", int)
    body = {**methods, "_plain": plain, "__module__": __name__}
    return type(name, (_Variable, plain), body)


Rate = _variable("Rate", float)
Count = _variable("Count", int)
