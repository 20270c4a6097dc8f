"""Wrapper, base of the layers around another layer; Pipeline, layers in a row as one layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ... import context
from ...validation import entries
from ..base import Back, Layer, Shape, get, registry
from ..module import DTYPES


class Wrapper(Layer):
    """Base of the layers around one other layer: subclass it and write `call` or `forward`.

    The weights are those of the layer, which is built for the input's shape.

    Parameters
    ----------
    layer : Layer
        Also kept as the attribute `layer`.
    **kwargs
        `name`, `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> import numpy as np
    >>> from lstmcore.layers import Dense, Wrapper
    >>> class Residual(Wrapper):
    ...     def call(self, x):
    ...         return x + self.layer(x)
    >>> Residual(Dense(3))(np.ones((2, 3))).shape
    (2, 3)
    """

    def __init__(self, layer: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = get(layer) if isinstance(layer, dict) else layer
        if not isinstance(self.layer, Layer):
            raise self.error("layer", "a layer", f"{layer!r:.80}")
        self.dtype = self.dtype or self.layer.dtype

    @property
    def input_dtype(self) -> str:
        """The dtype that input arrays are converted to: integers if the layer takes them."""
        its = self.layer.input_dtype
        return super().input_dtype if its in DTYPES else its

    def sublayers(self) -> Sequence[Layer]:
        """Return the layer."""
        return (self.layer,)

    def build(self, input_shape: Shape) -> None:
        self.layer.build_for(input_shape, str(self.dtype))


@registry.add()
class Pipeline(Layer):
    """Layers in a row as one layer: the output of each is the input of the next.

    Input and output have the shapes of the first and the last layer, ``(batch, ...)``. The mask
    goes from layer to layer. Unlike a `Sequential` it is no model: it cannot be trained by itself.

    Parameters
    ----------
    layers : list of Layer
        At least one; each of one input and one output.
    name : str, optional
    **kwargs
        `dtype`, `trainable`, `input_shape`: see `Layer`.

    Examples
    --------
    >>> from lstmcore.layers import Pipeline, Rescaling
    >>> Pipeline([Rescaling(2.0), Rescaling(1.0, offset=-1.0)])([[0.5, 1.0]])
    array([[0., 1.]], dtype=float32)
    """

    uses_mask: ClassVar[bool] = True

    def __init__(self, layers: Sequence[Any], name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        given = entries(f"{self.describe()}: layers", layers, "layers")
        self.layers = [get(layer) if isinstance(layer, dict) else layer for layer in given]
        if not self.layers:
            raise self.error("layers", "a list of at least one layer", repr(layers))
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise self.error("layers", "layers", f"{layer!r:.80}")
            if layer.several_inputs or not layer.single_output:
                got = f"{layer.name!r} ({type(layer).__name__})"
                raise self.error("layers", "layers of one input and one output", got)
        if len({layer.name for layer in self.layers}) < len(self.layers):
            raise self.error("layers", "names that differ", [layer.name for layer in self.layers])
        self.dtype = self.dtype or next((la.dtype for la in self.layers if la.dtype), None)

    @property
    def input_dtype(self) -> str:
        """The dtype that input arrays are converted to: integers if the first layer takes them."""
        its = self.layers[0].input_dtype
        return super().input_dtype if its in DTYPES else str(its)

    @property
    def mixes_rows(self) -> bool:  # type: ignore[override]
        """True if an output depends on other rows of the batch in one of the layers."""
        return any(layer.mixes_rows for layer in self.layers)

    def sublayers(self) -> Sequence[Layer]:
        """Return the layers."""
        return self.layers

    def build(self, input_shape: Shape) -> None:
        for layer in self.layers:
            layer.build_for(input_shape, str(self.dtype))
            input_shape = layer.compute_output_shape(input_shape)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the last layer's output."""
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def forward(self, x: Any, grad: bool = False, mask: Any = None) -> tuple[Any, Back | None]:
        """Call all layers in order."""
        return self.forward_with_mask(x, grad, mask)[:2]

    def forward_with_mask(
        self, x: Any, grad: bool = False, mask: Any = None, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        """Call all layers in order; return the output, the backward function and the mask."""
        backs: list[Back | None] = []
        for layer in self.layers:
            x, layer_back, mask = layer.run(x, grad, mask)
            backs.append(layer_back)

        def back(dy: Any, need_dx: bool = True) -> Any:
            for i in range(len(backs) - 1, -1, -1):
                layer_back = backs[i]
                assert layer_back is not None
                dy = layer_back(dy, need_dx=need_dx or i > 0)
                if dy is None:
                    return None
            return dy

        return x, back if grad else None, mask

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return the mask of the output, which the layers compute on the way."""
        if not context.current().trial:
            return self.forward_with_mask(x, False, mask)[2]
        for layer in self.layers:  # for shapes alone, without memory of weights
            mask = layer.compute_mask(x, mask)
            x = np.zeros(tuple(n or 1 for n in layer.compute_output_shape(x.shape)), x.dtype)
        return mask
