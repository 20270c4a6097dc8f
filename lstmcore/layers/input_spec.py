"""InputSpec: what a layer that users write expects of its inputs, as ``self.input_spec``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from ..structure import flatten

Shape = tuple[int | None, ...]


class InputSpec:
    """The number of axes, the sizes and the dtype that an input must have.

    A layer's attribute ``input_spec`` is one, or a list or dict of them for several inputs; every
    call of a layer with its own `call` checks it.

    Parameters
    ----------
    dtype : str, optional
    shape : tuple of int or None, optional
        The shape, batch axis included; None for any size.
    ndim, max_ndim, min_ndim : int, optional
        The number of axes, the most and the least.
    axes : dict of int to int, optional
        The sizes of some axes: ``{-1: 3}``.
    allow_last_axis_squeeze : bool, default False
        A last axis of size 1 may be missing, or there may be one too many.
    name : str, optional
        The key of this input where inputs are a dict.
    optional : bool, default False
        None is accepted.
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = dtype
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if self.shape is None else len(self.shape)
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        try:
            self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        except (AttributeError, TypeError, ValueError):
            raise TypeError(f"InputSpec: axes: expected a dict of ints, got {axes!r:.80}") from None
        most = self.ndim if max_ndim is None else max_ndim
        if self.axes and most is not None and max(self.axes) >= most:
            raise ValueError(f"InputSpec: axes: expected less than {most}, got {max(self.axes)}")
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name, self.optional = name, optional

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """Build one from the result of `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        given = {k: v for k, v in self.get_config().items() if v}
        return f"InputSpec({', '.join(f'{k}={v!r}' for k, v in given.items())})"

    def mismatch(self, shape: Shape, dtype: Any) -> str:
        """Return what was expected and is not so, such as "ndim=3"; "" if all is."""
        ndim = len(shape)
        if self.ndim is not None and not self.allow_last_axis_squeeze and ndim != self.ndim:
            return f"ndim={self.ndim}"
        if self.max_ndim is not None and ndim > self.max_ndim:
            return f"at most {self.max_ndim} axes"
        if self.min_ndim is not None and ndim < self.min_ndim:
            return f"at least {self.min_ndim} axes"
        if self.dtype is not None and dtype is not None and str(dtype) != str(self.dtype):
            return f"dtype {self.dtype}"
        for axis, size in self.axes.items():
            if not -ndim <= axis < ndim or not _agree(size, shape[axis]):
                return f"size {size} at axis {axis}"
        wanted = self.shape or shape
        if self.allow_last_axis_squeeze:
            wanted, shape = (s[:-1] if s and s[-1] == 1 else s for s in (wanted, shape))
        fits = len(wanted) == len(shape) and all(map(_agree, wanted, shape))
        return "" if fits else f"shape {self.shape}"


def _agree(wanted: int | None, size: int | None) -> bool:
    return wanted is None or size is None or wanted == size


def check_inputs(layer: Any, x: Any) -> None:
    """Raise ValueError unless the inputs are as the layer's ``input_spec`` says.

    Parameters
    ----------
    layer : Layer
    x : array, symbolic tensor, or a list or dict of them
    """
    specs = flatten(layer.input_spec)
    names = [getattr(spec, "name", None) for spec in specs]
    if isinstance(x, dict) and all(names):
        lacking = [name for name in names if name not in x]
        if lacking:
            raise layer.error("x", f"a dict with {names}", f"one with {list(x)}")
        x = [x[name] for name in names]
    inputs = flatten(x)
    if len(inputs) != len(specs):
        raise layer.error("x", f"{len(specs)} inputs, as input_spec has", len(inputs))
    for i, (part, spec) in enumerate(zip(inputs, specs, strict=True)):
        if spec is None or (part is None and spec.optional):
            continue
        shape = tuple(getattr(part, "shape", ()))
        wrong = spec.mismatch(shape, getattr(part, "dtype", None))
        if wrong:
            which = "x" if len(specs) == 1 else f"x[{i}]"
            got = f"shape {shape}" if "dtype" not in wrong else getattr(part, "dtype", None)
            raise layer.error(which, f"{wrong}, as input_spec says", got)


def check_shapes(layer: Any, shapes: Any) -> None:
    """Raise ValueError unless a shape, or a list or dict of them, is as ``input_spec`` says."""
    check_inputs(layer, _with_shapes(shapes))


def _with_shapes(shapes: Any) -> Any:
    """Return objects that have these shapes, and nothing else of arrays."""
    if isinstance(shapes, dict):
        return {key: _with_shapes(shape) for key, shape in shapes.items()}
    if all(n is None or isinstance(n, int) for n in shapes):
        return SimpleNamespace(shape=tuple(shapes))
    return [_with_shapes(shape) for shape in shapes]
