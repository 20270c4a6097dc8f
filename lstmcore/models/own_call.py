"""OwnCall: the mixin of models whose class has a `call` of its own, as Keras's subclasses have.

What such a model computes is known only when it is called: it is built for the first data (or by
`build`), by a trial on zeros of that shape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..ragged import as_ragged, is_ragged
from ..structure import flatten, is_nested, map_structure, pack_like, paths
from ..training.mixin import Mixin
from ..validation import as_array, refuse_masked


class OwnCall(Mixin):
    """A model that is what its `call` computes.

    Attributes
    ----------
    input_form : list, tuple, dict or None
        The structure of the inputs; None for a single one.
    """

    input_form: Any = None
    if TYPE_CHECKING:

        def common_dtype(self) -> str: ...

    _input_kinds: list[str] | None = None  # dtypes of the inputs that the model was built for

    def build(self, input_shape: Any = None) -> None:
        """Build the layers for inputs of this shape, or structure of shapes, batch axis included.

        A model's own `build` is called first with the shape of the data.
        """
        if input_shape is None or self.built or self.is_building:
            return
        self._build_with(input_shape, None)

    def build_for(self, input_shape: Any, dtype: str) -> None:
        """Build the layers for inputs of this shape, in a model of this dtype."""
        if not self.built:
            self.dtype = self.dtype or dtype
            self._build_with(input_shape, None)

    def _build_with(self, shapes: Any, kinds: list[str] | None) -> None:
        self.declare(shapes, self.common_dtype(), kinds)
        if not self.overrides_call:  # a model with a `train_step` alone
            return
        self._shapes_of_outputs(self._leaves_built_for())
        self.materialize()

    def declare(self, input_shape: Any, dtype: str, kinds: list[str] | None = None) -> None:
        """Call `build`, once, and remember the structure of the inputs; see `Layer.declare`."""
        from ..layers import derived

        if not self.built:
            self.input_form = derived.marked(input_shape)
            self._input_kinds = kinds
        super().declare(input_shape, dtype)

    def _shapes_of_outputs(self, shapes: list[Any]) -> list[Any]:
        from ..layers import derived

        if not self.overrides_call:
            return shapes[:1]
        form = shapes[0] if self.input_form is None else pack_like(self.input_form, shapes)
        return [shape for shape, _ in derived.output_shapes(self, form, {}, self._input_kinds)]

    def stream(self, batch_size: int = 1) -> Any:
        """Raise ValueError: only a `Sequential` can be streamed."""
        raise ValueError(
            f"model {self.name!r} ({type(self).__name__}) cannot be streamed: what its call does "
            "is not known layer by layer; use a Sequential"
        )

    @property
    def single_output(self) -> bool:  # type: ignore[override]
        """True if `call` returns one array."""
        return self.output_structure is None

    @property
    def several_inputs(self) -> bool:  # type: ignore[override]
        """True if `call` takes a structure of arrays."""
        return self.input_form is not None

    @property
    def output_names(self) -> list[str]:
        """The keys of a dict of outputs, or output_1, output_2 ..., as in Keras."""
        structure = self.output_structure
        if structure is None:
            return ["output"]
        if isinstance(structure, dict) and not any(is_nested(v) for v in structure.values()):
            return [str(key) for key in sorted(structure)]
        return [f"output_{i + 1}" for i in range(len(flatten(structure)))]

    @property
    def output_form(self) -> Any:
        """The structure of the outputs; None for one."""
        return self.output_structure

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or the structure of shapes, batch axis included."""
        return self._built_for

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or a list of shapes, batch axis included."""
        if not self.built:
            raise AttributeError(f"model {self.name!r} has no output shape before it is built")
        found = self._shapes_of_outputs(self._leaves_built_for())
        return found[0] if self.single_output else found

    def _leaves_built_for(self) -> list[Any]:
        from ..layers import derived

        return [(None, *shape[1:]) for shape in derived.leaves_of_shapes(self._built_for)]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output, or a tuple of them, for inputs of these shapes."""
        from ..layers import derived

        found = self._shapes_of_outputs(derived.leaves_of_shapes(input_shape))
        return found[0] if self.single_output else tuple(found)

    def convert_inputs(self, x: Any, what: str = "x") -> list[Any]:
        """Convert a user's samples to a list of arrays; build the model if necessary."""
        form, leaves = self._leaves_of(x, what)
        columns = [self._column(value, name) for name, value in leaves]
        for (name, _), column in zip(leaves, columns, strict=True):
            if len(column) != len(columns[0]):
                raise ValueError(
                    f"{name}: expected {len(columns[0])} samples, as many as the first input has, "
                    f"got {len(column)}"
                )
        if not self.built:
            shapes = [(None, *column.shape[1:]) for column in columns]
            kinds = [_kind(column) for column in columns]
            self._build_with(shapes[0] if form is None else pack_like(form, shapes), kinds)
        self._bind_outputs()
        return columns

    def _leaves_of(self, x: Any, what: str) -> tuple[Any, list[tuple[str, Any]]]:
        """Return the structure of the inputs, None for one input, and (name, input) of each."""
        if self.built and not isinstance(x, dict) and self.input_form is None:
            if isinstance(x, list | tuple) and len(x) == 1 and getattr(x[0], "ndim", 0) > 1:
                x = x[0]
            return None, [(what, x)]
        if not _is_structure(x):
            form, leaves = None, [(what, x)]
        else:
            form = map_structure(lambda a: None, x)
            names = [what + path for path in paths(x)]
            leaves = list(zip(names, flatten(x), strict=True))
        count = len(flatten(self.input_form))
        if self.built and len(leaves) != count:
            raise ValueError(
                f"{what}: expected {count} inputs, as the model {self.name!r} was "
                f"built for, got {len(leaves)}"
            )
        return form, leaves

    def _column(self, value: Any, name: str) -> Any:
        if value is None:
            raise ValueError(f"{name}: expected an array, got None")
        if is_ragged(value):
            return as_ragged(value, self.dtype or self.default_dtype, name)
        refuse_masked(value, name)
        array = np.asarray(value)
        if array.dtype.kind in "US" or (array.dtype.kind == "O" and _is_text(array)):
            return array.astype(object)
        if array.dtype.kind in "biu":
            return as_array(array, None, name)
        return as_array(array, self.dtype or self.default_dtype, name)

    def _bind_outputs(self) -> None:
        """Give the losses and metrics of `compile` to the outputs, which are known now."""
        compiled: Any = getattr(self, "_compiled", None)
        if compiled is not None and [o.name for o in compiled.outputs] != self.output_names:
            compiled.bind(self.output_names, self.output_form)

    def pack_outputs(self, outputs: list[Any]) -> Any:
        """Return outputs in the structure that `call` returns."""
        structure = self.output_structure
        return outputs[0] if structure is None else pack_like(structure, outputs)

    def pack_inputs(self, x: Any) -> Any:
        """Return the input or the list of inputs in the structure that `call` takes."""
        if self.input_form is None:
            return x
        return pack_like(self.input_form, flatten(x))


def _is_structure(x: Any) -> bool:
    """Return True for inputs in a dict, or in a list or tuple of arrays of as many samples."""
    if isinstance(x, dict):
        return True
    if not isinstance(x, list | tuple) or not x:
        return False
    leaves = flatten(x)
    arrays = all(getattr(leaf, "ndim", 0) > 0 for leaf in leaves)
    return arrays and len({len(leaf) for leaf in leaves}) == 1


def _is_text(array: Any) -> bool:
    return all(isinstance(entry, str) for entry in array.flat)


def _kind(column: Any) -> str:
    dtype = column.flat.dtype if hasattr(column, "lengths") else column.dtype
    return "string" if dtype.kind == "O" else str(dtype)
