"""Operation, the layer that stands for a call of an op on symbolic tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np

from .. import context
from ..autodiff.boxes import unboxed
from ..autodiff.tape import Tape
from ..layers.base import Back, Layer, registry
from ..layers.parameters import Param
from ..layers.symbolic import OPERATORS, SymbolicTensor
from ..names import nearest
from ..structure import flatten, is_nested, pack_like
from .operation import OPS

# Sizes that stand for None in trial runs, and others if an op refuses these: larger ones, which
# more numbers divide. An axis that differs between two runs is of any size.
_TRIALS = ((8, 9), (840, 1680))
_LARGEST_TRIAL = 1 << 24  # numbers in the inputs of one


class Place:
    """The place of an input among the arguments of an op."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index

    def __repr__(self) -> str:
        return f"<input {self.index}>"


def record_operation(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Record the call of an op in the graph; return its symbolic outputs, nested as the op's."""
    found: dict[SymbolicTensor, Place] = {}

    def place(leaf: Any) -> Any:
        if isinstance(leaf, SymbolicTensor):
            return found.setdefault(leaf, Place(len(found)))
        return leaf

    inside = _mapped(place, list(args)), _mapped(place, kwargs)
    layer = Operation(name, *inside, name=registry.automatic_name(name))
    tensors = list(found)
    y = layer(tensors[0] if len(tensors) == 1 else tensors)
    return pack_like(layer.form, list(y) if isinstance(y, tuple) else [y])


OPERATORS["operation"] = record_operation


def _mapped(function: Callable[[Any], Any], tree: Any) -> Any:
    """Return lists, tuples and dicts with the function's values for what is in them."""
    if isinstance(tree, dict):
        return {key: _mapped(function, value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return type(tree)(_mapped(function, value) for value in tree)
    return function(tree)


@registry.add()
class Operation(Layer):
    """A call of an op of `lstmcore.ops`: what ``ops.matmul(a, b)`` adds to a graph.

    Parameters
    ----------
    op : str
        The name of the op.
    args, kwargs : list, dict
        Its arguments, in which a `Place` stands for each input.
    outputs : list, optional
        [nesting of the outputs, shapes, dtypes] for the inputs it was made for; found by trial runs
        on zeros if not given.
    **kwargs
        See `Layer`.

    Notes
    -----
    As in Keras, an op drops the mask: masked steps count like any others.
    """

    takes_whole: ClassVar[bool] = True

    def __init__(
        self,
        op: str,
        args: Any = (),
        kwargs: Any = None,
        outputs: Any = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if op not in OPS:
            raise self.error("op", f"an op of lstmcore.ops: {nearest(str(op), OPS)}", repr(op))
        self.op, self.args, self.kwargs = op, decoded(list(args)), decoded(dict(kwargs or {}))
        places = {p.index for p in flatten([self.args, self.kwargs]) if isinstance(p, Place)}
        if places != set(range(len(places))) or not places:
            raise self.error("args", "the places 0, 1, ... of inputs", sorted(places))
        self.several_inputs = len(places) > 1  # type: ignore[misc]
        self.outputs = outputs
        self._found_for: Any = None  # the shapes of the inputs that `outputs` is of
        self._input_kinds: list[Any] = [None] * len(places)  # the dtypes of symbolic inputs
        self._weights_used = [p for p in flatten([self.args, self.kwargs]) if isinstance(p, Param)]

    # -- shapes ------------------------------------------------------------------------------

    def __call__(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Compute the op's result, or record it in the graph of symbolic inputs."""
        xs = x if isinstance(x, list | tuple) else [x]
        self._input_kinds = [x.dtype if isinstance(x, SymbolicTensor) else None for x in xs]
        y = super().__call__(x, *args, **kwargs)
        parts = y if isinstance(y, tuple) else (y,)
        for part, dtype in zip(parts, self.outputs[2] if self.outputs else (), strict=False):
            if isinstance(part, SymbolicTensor) and dtype is not None:
                part.dtype = dtype
        return y

    def call_output_shape(self, input_shape: Any, **options: Any) -> Any:
        """Return the shape of the output, or a list of shapes."""
        shapes = [tuple(s) for s in (input_shape if self.several_inputs else [input_shape])]
        if self._found_for is None and self.outputs is not None:
            self._found_for = shapes  # it comes from a file
        elif self._found_for != shapes:
            if context.current().shapes_only:
                raise self.error("outputs", "the shapes of the outputs in a file", "none")
            self.outputs, self._found_for = self._try(shapes), shapes
        found = [tuple(shape) for shape in self.outputs[1]]
        return found if is_nested(self.form) else found[0]

    compute_output_shape = call_output_shape

    @property
    def single_output(self) -> bool:  # type: ignore[override]
        """True unless the op was found to return a list, tuple or dict."""
        return self.outputs is None or not is_nested(self.form)

    @property
    def form(self) -> Any:
        """The nesting of the outputs, with numbers as leaves."""
        return self.outputs[0]

    def _try(self, shapes: list[Any]) -> list[Any]:
        """Return the outputs' nesting, shapes and dtypes, found by runs on zeros."""
        problem: Exception | None = None
        for sizes in _TRIALS:
            if problem is not None and self._too_large(shapes, sizes[-1]):
                break
            try:
                first, second = (self._on_zeros(shapes, n) for n in sizes)
            except Exception as error:
                problem = problem or error
                continue
            leaves = list(zip(flatten(first), flatten(second), strict=True))
            form = pack_like(first, list(range(len(leaves))))
            same = [
                [m if m == n else None for m, n in zip(np.shape(a), np.shape(b), strict=True)]
                for a, b in leaves
            ]
            return [form, same, [self._kind(a) for a, _ in leaves]]
        assert problem is not None
        raise self._misfit(shapes, problem) from problem

    def _kind(self, y: Any) -> str | None:
        kind = np.asarray(y).dtype
        return self.dtype if kind.kind == "f" else str(kind)

    @staticmethod
    def _too_large(shapes: list[Any], n: int) -> bool:
        return sum(math.prod(n if m is None else m for m in s) for s in shapes) > _LARGEST_TRIAL

    def _on_zeros(self, shapes: list[Any], n: int) -> Any:
        kinds = self._input_kinds
        own = self.dtype or self.default_dtype
        xs = [
            np.zeros([n if m is None else m for m in shape], kind or own)
            for shape, kind in zip(shapes, kinds, strict=True)
        ]
        with np.errstate(all="ignore"), context.changed(tape=None, trial=True):
            return self._compute(xs)

    def _compute(self, xs: list[Any]) -> Any:
        def value(leaf: Any) -> Any:
            return xs[leaf.index] if isinstance(leaf, Place) else leaf

        return OPS[self.op](*_mapped(value, self.args), **_mapped(value, self.kwargs))

    # -- calls -------------------------------------------------------------------------------

    def trains(self) -> bool:
        """Return True if a trainable weight of some layer is among the arguments."""
        return any(p.trainable for p in self._weights_used)

    def compute_mask(self, x: Any, mask: Any) -> None:
        """Return None: as in Keras, an op drops the mask."""

    def forward(self, x: Any, grad: bool = False) -> tuple[Any, Back | None]:
        """Return the op's result, of real numbers in the layer's dtype, and its derivative."""
        xs = list(x) if self.several_inputs else [x]
        if not grad:
            with context.changed(tape=None), self._fitting(xs):
                return self._packed(self._compute(xs)), None
        tape = Tape()
        with tape, self._fitting(xs):
            boxes = [tape.watch(part) if part.dtype.kind == "f" else part for part in xs]
            y = self._compute(boxes)
        ends = flatten(y)

        def back(dy: Any, need_dx: bool = True) -> Any:
            dys = dy if is_nested(y) else [dy]
            gradients = tape.backward(list(zip(ends, dys, strict=True)))
            for weight, node in tape.leaves.items():
                gradient = gradients.of_node(node)
                if gradient is not None and weight.trainable:
                    weight.grad += gradient
            if not need_dx:
                return None
            dxs = [self._gradient(gradients, b, part) for b, part in zip(boxes, xs, strict=True)]
            return dxs if self.several_inputs else dxs[0]

        return self._packed(y), back

    @contextmanager
    def _fitting(self, xs: list[Any]) -> Iterator[None]:
        """Name the layer in errors of arrays that do not fit."""
        try:
            yield
        except ValueError as problem:
            raise self._misfit([x.shape for x in xs], problem) from problem

    def _misfit(self, shapes: list[Any], problem: Exception) -> ValueError:
        return self.error("x", f"inputs that ops.{self.op} takes", f"{shapes}: {problem}")

    def _gradient(self, gradients: Any, box: Any, x: Any) -> Any:
        """Return the gradient of an input as a new array; None for whole numbers."""
        if box is x:
            return None
        dx = gradients.of(box)
        return np.zeros_like(x) if dx is None else np.array(dx, x.dtype, order="C")

    def _packed(self, y: Any) -> Any:
        parts = [self._typed(unboxed(part)) for part in flatten(y)]
        return tuple(parts) if is_nested(y) else parts[0]

    def _typed(self, y: Any) -> Any:
        y = np.asarray(y)
        return np.ascontiguousarray(y, self.dtype if y.dtype.kind == "f" else None)

    # -- config ------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return the op's name and arguments, ready for JSON."""
        base = {name: self.constructor_argument(name) for name in ("name", "dtype", "trainable")}
        try:
            inside = {"args": encoded(self.args), "kwargs": encoded(self.kwargs)}
        except TypeError as problem:
            raise self.error("args", f"what a file can hold in ops.{self.op}", problem) from None
        return {"op": self.op, **inside, "outputs": encoded(self.outputs), **base}


# -- arguments in files ----------------------------------------------------------------------------

_KIND = "$"  # the key that marks what is no number, text, truth value or list


def encoded(value: Any) -> Any:
    """Return an argument in JSON's types.

    Raises
    ------
    TypeError
        If it is a weight, a function, or another object.
    """
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {_KIND: "float", "value": repr(float(value))}
    if value is None or isinstance(value, str | bool | int | float):
        return float(value) if isinstance(value, np.float64) else value
    if isinstance(value, list):
        return [encoded(part) for part in value]
    if isinstance(value, tuple):
        return {_KIND: "tuple", "value": [encoded(part) for part in value]}
    if isinstance(value, dict):
        return {_KIND: "dict", "value": {str(key): encoded(v) for key, v in value.items()}}
    if isinstance(value, Place):
        return {_KIND: "input", "value": value.index}
    if isinstance(value, slice):
        return {_KIND: "slice", "value": encoded([value.start, value.stop, value.step])}
    if value is Ellipsis:
        return {_KIND: "ellipsis", "value": None}
    if isinstance(value, np.ndarray | np.generic):
        numbers = encoded(np.asarray(value).tolist())
        return {
            _KIND: "array",
            "value": numbers,
            "dtype": str(value.dtype),
            "shape": [*value.shape],
        }
    if isinstance(value, np.dtype) or (isinstance(value, type) and value in _TYPES):
        return np.dtype(value).name if isinstance(value, np.dtype) else value.__name__
    if isinstance(value, Param):
        raise TypeError(f"the weight {value.name!r}: a layer that uses it can be saved, no op")
    raise TypeError(f"{value!r:.80}: a layer of your own, with call, can hold it")


_TYPES = (bool, int, float, np.float32, np.float64, np.int32, np.int64, np.bool_)


def decoded(value: Any) -> Any:
    """Return an argument from the form that `encoded` gives; others stay as they are."""
    if isinstance(value, tuple):
        return tuple(decoded(part) for part in value)
    if isinstance(value, list):
        return [decoded(part) for part in value]
    if not isinstance(value, dict):
        return value
    if _KIND not in value:
        return {key: decoded(part) for key, part in value.items()}
    kind, inside = value[_KIND], value.get("value")
    if kind not in _DECODE:
        raise ValueError(f"an argument of an op: expected one of {[*_DECODE]}, got {kind!r}")
    if kind == "array":
        array = np.asarray(decoded(inside), np.dtype(str(value["dtype"])))
        return array.reshape([int(n) for n in value["shape"]])
    return _DECODE[kind](inside)


_DECODE: dict[str, Callable[[Any], Any]] = {
    "float": lambda text: float(text),
    "tuple": lambda parts: tuple(decoded(part) for part in parts),
    "dict": lambda entries: {key: decoded(part) for key, part in entries.items()},
    "input": lambda index: Place(int(index)),
    "slice": lambda parts: slice(*(decoded(part) for part in parts)),
    "ellipsis": lambda _: ...,
    "array": lambda numbers: numbers,
}
