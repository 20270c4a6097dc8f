"""Sequential: a linear stack of layers."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from .. import _core, context
from ..inspection import inner_layers
from ..layers.base import Back, Layer, Shape, get, registry, unstreamable
from ..layers.calls import masks_of_outputs
from ..layers.core.input import InputLayer
from ..layers.module import DTYPES, Module
from ..layers.symbolic import SymbolicTensor, grouped_like, shape_leaves
from ..ragged import as_samples, match_rank
from ..serialization import to_json
from ..streaming import Stream, StreamProgram
from ..structure import flatten
from ..validation import STRING, Array, entries, whole
from .graph import OwnLossBack
from .model import Model

_building = threading.Lock()


@registry.add()
class Sequential(Model):
    """A linear stack of layers.

    Parameters
    ----------
    layers : list of Layer, optional
        The first may be `Input`, which declares the shape of a sample; without it the model is
        built for the shape of the first data. One layer may come several times. The last may
        return several outputs, as a recurrent layer with `return_state` does.
    trainable : bool, default True
    name : str, optional
    dtype : {"float32", "float64", "mixed_bfloat16"} or DTypePolicy, optional
        The policy of the layers that state none; see `Layer`. Their dtype is the same for all: the
        default is that of a layer that sets one, or else float32.

    Examples
    --------
    >>> from lstmcore import Input, Sequential, layers
    >>> model = Sequential([Input((10, 1)), layers.LSTM(50), layers.Dense(1)])
    >>> model.output_shape
    (None, 1)
    >>> model.count_params()
    10451
    """

    builds_itself = True

    def __init__(
        self,
        layers: Sequence[Any] | None = None,
        trainable: bool = True,
        name: str | None = None,
        *,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        self._input: InputLayer | None = None
        self._layers: list[Layer] = []
        self._streams: tuple[Any, StreamProgram] | None = None
        self._chain: tuple[SymbolicTensor, SymbolicTensor] | None = None
        given = [] if layers is None else entries("Sequential: layers", layers, "layers")
        for layer in given:
            self._append(layer)
        self._build_again()

    named_sublayers = Module.named_sublayers

    def sublayers(self) -> Sequence[Layer]:
        """Return the layers without the `InputLayer`, each once."""
        return list(dict.fromkeys(self._layers))

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, without the `InputLayer`; one may be there several times."""
        return list(self._layers)

    def add(self, layer: Any) -> None:
        """Append a layer; if it does not fit, the model is unchanged and the error is raised."""
        before = list(self._layers)
        self._append(layer)
        try:
            self._build_again()
        except Exception:
            self._layers = before
            self._build_again()
            raise

    def pop(self) -> Layer:
        """Remove the last layer and return it."""
        if not self._layers:
            raise ValueError(f"model {self.name!r} has no layers")
        layer = self._layers.pop()
        self._build_again()
        return layer

    def _append(self, entry: Any) -> None:
        if isinstance(entry, SymbolicTensor) and not isinstance(entry.node.layer, InputLayer):
            raise ValueError(
                f"model {self.name!r}: expected layers, got the output of {entry.name!r}; "
                "a graph of layers is a Model(inputs, outputs)"
            )
        same = self._layer_of_config(entry) if isinstance(entry, dict) else None
        layer = same or (entry.node.layer if isinstance(entry, SymbolicTensor) else get(entry))
        if isinstance(layer, InputLayer):
            if self._input is not None or self._layers:
                raise ValueError(f"model {self.name!r}: an Input can only come first, and once")
            self._input, self._sample_shape = layer, layer.shape
            return
        if layer.several_inputs:
            raise ValueError(
                f"model {self.name!r}: layer {layer.name!r} takes several inputs, and a Sequential "
                "has one path: use Model(inputs, outputs)"
            )
        if not self.single_output:
            raise ValueError(
                f"model {self.name!r}: layer {self._layers[-1].name!r} returns several outputs (a "
                "recurrent layer with return_state=True does), so it can only be the last of a "
                "Sequential: use Model(inputs, outputs)"
            )
        if any(layer.name == other.name and layer is not other for other in self._layers):
            raise ValueError(f"model {self.name!r} has a layer named {layer.name!r} already")
        if self._input is None and not self._layers and layer._sample_shape is not None:
            self._input = InputLayer(layer._sample_shape, layer._batch_size, dtype=layer.dtype)
            self._sample_shape = self._input.shape
        layer.owner = layer.owner or weakref.ref(self)
        self._layers.append(layer)

    def _layer_of_config(self, config: dict[str, Any]) -> Layer | None:
        """Return the layer that is there already and that a config stands for again."""
        own = config.get("config")
        name = own.get("name") if isinstance(own, dict) else None
        found = next((layer for layer in self._layers if layer.name == name), None)
        return found if found is not None and to_json(found) == config else None

    def _build_again(self) -> None:
        """Build new layers at once if the input shape is known; the others keep their weights."""
        self.built = False
        if self._chain is not None:  # the graph of the layers until now
            for layer in self._layers:
                layer.nodes.clear()
            self._chain = None
        if self._layers and self._sample_shape is not None:
            self.build((None, *self._sample_shape))
        elif self._layers and self._built_for is not None:
            self.build(self._built_for)

    def build(self, input_shape: Shape | None = None) -> None:
        """Declare the weights of all layers and give them memory.

        Parameters
        ----------
        input_shape : tuple of int or None, optional
            The shape of the input, batch axis included: ``(None, 10, 1)``. A model that has an
            `Input` needs none.
        """
        if input_shape is None:
            declared = None if self._sample_shape is None else (None, *self._sample_shape)
            input_shape = self._built_for or declared
            if input_shape is None:
                raise self.error("input_shape", "a tuple of sizes, batch axis included", None)
        self.build_for(tuple(input_shape), self.common_dtype())
        self.materialize()

    def build_for(self, input_shape: Shape, dtype: str) -> None:
        """Declare the weights of all layers for this input, without memory."""
        if not self._layers:
            raise ValueError(f"model {self.name!r} has no layers")
        if self._input is not None:
            self._input.check(input_shape)
        self._policy = self._policy or context.current().policy
        with context.changed(policy=self._policy):
            self._shapes(input_shape, lambda layer, shape: layer.build_for(shape, dtype))
        self.dtype, self._built_for, self.built = dtype, input_shape, True

    def common_dtype(self) -> str:
        """Return the first dtype set on the model, its input or a layer, or else the default."""
        declared = None if self._input is None else self._input.dtype
        return self.dtype or (declared in DTYPES and declared) or super().common_dtype()

    def _shapes(self, shape: Shape, visit: Callable[[Layer, Shape], object]) -> Shape:
        for layer in self._layers:
            visit(layer, shape)
            shape = layer.compute_output_shape(shape)
        return shape

    # -- as a graph ------------------------------------------------------------------------

    def _symbolic_ends(self) -> tuple[SymbolicTensor, SymbolicTensor]:
        """Return the symbolic input and output, made at the first call."""
        if self._chain is None:
            if not self.built or self._built_for is None:
                raise AttributeError(f"model {self.name!r} has no input before it is built")
            layer = self._input or InputLayer(self._built_for[1:], dtype=self.dtype)
            start = end = layer.symbolic_tensor()
            for part in self._layers:
                end = part(end)
            self._chain = (start, end)
        return self._chain

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The symbolic input in a list, to make other models of the layers."""
        return [self._symbolic_ends()[0]]

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The symbolic output in a list, or all if there are several."""
        return flatten([self._symbolic_ends()[1]])

    @property
    def input(self) -> SymbolicTensor:
        """The symbolic input."""
        return self._symbolic_ends()[0]

    @property
    def output(self) -> SymbolicTensor:
        """The symbolic output."""
        return self._symbolic_ends()[1]

    @property
    def single_output(self) -> bool:  # type: ignore[override]
        """False if the last layer returns several outputs, such as its states."""
        return not self._layers or self._layers[-1].single_output

    @property
    def output_names(self) -> list[str]:
        """The name of the last layer, numbered if it returns several outputs."""
        name = self._layers[-1].name if self._layers else "output"
        if self.single_output:
            return [name]
        count = len(shape_leaves(self._last_shape(self._built_for or (None, None, None))))
        return [name, *(f"{name}_{i}" for i in range(1, count))]

    def _last_shape(self, input_shape: Shape) -> Any:
        """Return the shape of the last layer's output, or its structure of shapes."""
        if not self.built and not self.single_output:  # a recurrent layer knows its sizes
            return self._layers[-1].compute_output_shape(input_shape)
        return self._shapes(input_shape, lambda layer, shape: None)

    def pack_outputs(self, outputs: list[Any]) -> Any:
        """Return the output; several in the structure in which the last layer returns them."""
        if self.single_output:
            return outputs[0]
        shapes = self._last_shape(self._built_for or (None, None, None))
        return tuple(grouped_like(shapes, iter(outputs)))

    def stream(self, batch_size: int = 1) -> Stream:
        """Make a stream: the model with its present weights, fed time step by time step.

        Parameters
        ----------
        batch_size : int, default 1
            Number of sequences that are fed together.

        Returns
        -------
        Stream
            With ``step(x)``, ``feed(chunk)``, ``reset()``, ``state`` and ``snapshot()``. Its
            outputs equal those of `predict` on the whole sequence, to the last bit.

        Raises
        ------
        ValueError
            If a layer depends on future steps, such as `Bidirectional`; the message names it.
        """
        if not self.built or self._flat is None:
            raise ValueError(f"model {self.name!r}: stream: expected a built model")
        if not self.single_output:
            raise unstreamable(self, "it returns several outputs; a stream has its states itself")
        made = (
            self._flat,
            self._flat.version,
            _core.isa(),
            *((layer, layer.packed_storage) for _, layer in inner_layers(self)),
        )
        if self._streams is None or self._streams[0] != made:
            self._streams = (made, StreamProgram(self))
        return Stream(self._streams[1], whole("batch_size", batch_size, 1))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output for an input of this shape, batch axis included.

        For several outputs a tuple of shapes.
        """
        shape = self._last_shape(input_shape)
        return shape if self.single_output else tuple(shape_leaves(shape))

    @property
    def input_shape(self) -> Shape | None:
        """The shape of the input, batch axis included; None before the model is built."""
        batch = None if self._input is None else self._input.batch_size
        return None if self._built_for is None else (batch, *self._built_for[1:])

    @property
    def output_shape(self) -> Shape | None:
        """The shape of the output, batch axis included; None before the model is built."""
        shape = self.input_shape
        return None if shape is None else self.compute_output_shape(shape)

    @property
    def input_dtype(self) -> str:
        """The dtype to which input arrays are converted."""
        if self.takes_strings():
            return STRING
        return self._layers[0].input_dtype if self._layers else super().input_dtype

    def takes_strings(self, position: int = 0) -> bool:
        """Return True if the samples are texts: the first layer says so, or else the `Input`."""
        takes = self._layers[0].takes_strings() if self._layers else False
        declared = self._input is not None and self._input.dtype == STRING
        return declared if takes is None else takes

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments as they are now, ready for JSON."""
        config = super().get_config()
        if self._input is not None:
            config["layers"].insert(0, to_json(self._input))
        return config

    def convert_inputs(self, x: Any, what: str = "x") -> list[Any]:
        """Convert a user's samples to the form the layers take; build the model if necessary."""
        if isinstance(x, dict):
            x = self._from_dict(x, what)
        shape: Shape | None = None
        if self._input is not None:
            shape = (None, *self._input.shape)
        elif self._built_for is not None:  # the number of steps need not be that of the first data
            shape = (*[None] * (len(self._built_for) - 1), self._built_for[-1])
        if not self._has_memory():
            kind = STRING if self.takes_strings() else None
            given = as_samples(x, shape, kind, what).shape
            with _building:
                if not self._has_memory():
                    self.build((None, *given[1:]))
        samples = as_samples(x, shape, self.input_dtype, what)
        if self._input is not None:
            self._input.check(samples.shape)
        return [samples]

    def _has_memory(self) -> bool:
        """Return True if it is built and its weights have memory, be it that of a model around."""
        if self._flat is not None or not self.built:
            return self.built
        return bool(self.weights) and all(p.flat is not None for p in self.weights)

    def __call__(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Return the output for samples or a symbolic tensor; see `Layer.__call__`."""
        if isinstance(x, SymbolicTensor) and self._input is not None:
            x = match_rank(x, (None, *self._input.shape))
        return super().__call__(x, *args, **kwargs)

    def _from_dict(self, x: dict[Any, Any], what: str) -> Any:
        name = None if self._input is None else self._input.name
        if len(x) != 1 or name not in (None, *x):
            raise ValueError(f"{what}: expected samples, or a dict with {name!r}, got {list(x)}")
        return next(iter(x.values()))

    def forward(
        self, x: Array, grad: bool = False, mask: Array | None = None
    ) -> tuple[Array, Back | None]:
        """Call all layers in order; see `Layer.forward`."""
        return self.run(x, grad, mask)[:2]

    def run(
        self, x: Any, grad: bool = False, mask: Any = None, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        """Call all layers in order and compute their masks; see `Layer.run`."""
        backs: list[Back | None] = []
        losses = context.current().penalties
        for layer in self._layers:
            known = len(losses) if losses else 0
            x, back, mask = layer.run(x, grad, mask)
            if losses and back is not None and len(losses) > known:
                back = OwnLossBack(back, x)
            backs.append(back)
        if isinstance(x, tuple):
            x, mask = tuple(flatten(x)), masks_of_outputs(x, mask)
        return x, self._backward(backs) if grad else None, mask

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return the mask of the output; see `Layer.compute_mask`."""
        return self.run(x, False, mask)[2]

    def call_layers(self, x: Any) -> Any:
        """Call the layers in order, each as a user calls it."""
        for layer in self._layers:
            x = layer(x)
        return x

    def _backward(self, backs: list[Any]) -> Back:
        def back(dy: Any, need_dx: bool = True) -> Any:
            trained = (i for i, layer in enumerate(self._layers) if layer.trains())
            first = 0 if need_dx else next(trained, len(backs))
            for i in range(len(backs) - 1, first - 1, -1):
                if dy is not None or isinstance(backs[i], OwnLossBack):
                    dy = backs[i](dy, need_dx=need_dx or i > first)
            return dy if need_dx else None

        return back
