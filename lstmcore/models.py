"""Models: Sequential."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

from . import _core
from .arrays import Array, as_array, whole
from .batches import Ragged, as_ragged, is_ragged, pad
from .layers.base import DTYPES, Back, Flat, Layer, Param, Shape, get, registry
from .layers.core import InputLayer
from .plan import Plan
from .registry import Registry, nearest, to_json
from .streaming import Stream, StreamPlan
from .summary import summary_lines
from .training import Trainer

# Writers of model files, by format; they stand on a higher floor and put themselves here.
formats: Registry = Registry("file format")

_building = threading.Lock()


class Model(Trainer):
    """What all models are, whatever way their layers are connected."""

    def common_dtype(self) -> str:
        """The one dtype that the model or any of its layers states, or else float32."""
        stated = [self.dtype, *(layer.dtype for layer in self.layers)]
        return next((dtype for dtype in stated if dtype is not None), "float32")

    @property
    def layers(self) -> list[Layer]:
        """The layers, in order."""
        return list(self.sublayers())

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name or its position.

        Raises
        ------
        ValueError
            If there is none, with the nearest name there is.
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer: expected either a name or an index")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(f"get_layer: no layer {index}: there are {len(self.layers)}")
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        hint = nearest(str(name), [layer.name for layer in self.layers])
        raise ValueError(f"get_layer: no layer named {name!r}: {hint}")

    def __call__(self, x: Any, training: bool = False, mask: Any = None, **kwargs: Any) -> Any:
        """Return the output for samples, all in one batch; see `Layer.__call__`."""
        array, mask = pad(self.prepare(x), "x", mask)
        if mask is not None:
            kwargs["mask"] = mask
        return self.forward(array, training, **kwargs)[0]

    def to_json(self, **kwargs: Any) -> str:
        """Return the architecture as JSON; `kwargs` go to ``json.dumps``."""
        return json.dumps(to_json(self), **kwargs)

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write architecture, weights and the state of training to one file (safetensors).

        Parameters
        ----------
        filepath : path-like
        overwrite : bool, default True
            Replace a file of this name; it is whole at every moment, the old one or the new.

        Raises
        ------
        FileExistsError
            If there is one and `overwrite` is False.
        ValueError
            If the model has no weights yet, or the name asks for another format.
        """
        formats.find("native")(self, filepath, overwrite=overwrite)

    def summary(self, *, print_fn: Callable[[str], object] | None = None) -> None:
        """Print layers, output shapes and numbers of weights.

        Parameters
        ----------
        print_fn : callable, default print
            Called with one line at a time.
        """
        write = print if print_fn is None else print_fn
        for line in summary_lines(self):
            write(line)

    def _lay_out(self, params: list[tuple[Param, bool]], initialize: bool) -> None:
        """Lay the flat arrays out for the weights now to be trained.

        Weights that are new, frozen, thawed or shared with another model that took them are
        moved, with the optimizer's state of those that stay in training.
        """
        old = self._flat
        if old is not None and old.holds(params):
            return
        self._flat = new = Flat(params, self.dtype or "float32", initialize)
        if old is not None and self.optimizer is not None:
            kept = [p for p in new.order[: new.count] if p in old.order[: old.count]]
            self.optimizer.move([(old.windows[p], new.windows[p]) for p in kept], new.size)

    def get_training(self) -> dict[str, Any] | None:
        """Return what `compile` was told and how far the optimizer got, ready for JSON."""
        if self._plan is None:
            return None
        return {"compile": self._plan.get_config(), "iterations": self._plan.optimizer.iterations}

    def set_training(self, training: dict[str, Any] | None, slots: dict[str, Array]) -> Self:
        """Compile, and put the optimizer back where it was, from `get_training` and its slots."""
        self._plan = None
        if training is not None:
            self._plan = Plan(**training["compile"])
            self._plan.optimizer.iterations = training["iterations"]
            self._plan.optimizer.slots.update(slots)
        return self

    def __reduce__(self) -> Any:
        restore, arguments = super().__reduce__()
        slots = {} if self.optimizer is None else self.optimizer.slots
        return _restore, (restore, arguments, self.get_training(), slots)


def _all_layers(layer: Layer) -> Iterator[Layer]:
    for inner in layer.sublayers():
        yield inner
        yield from _all_layers(inner)


def _restore(
    restore: Callable[..., Model],
    arguments: tuple[Any, ...],
    training: dict[str, Any] | None,
    slots: dict[str, Array],
) -> Model:
    copies = {name: slot.copy() for name, slot in slots.items()}
    return restore(*arguments).set_training(training, copies)


@registry.add()
class Sequential(Model):
    """Layers one after another.

    Parameters
    ----------
    layers : list of Layer, optional
        The first may be `Input`, which declares the shape of a sample; without it the model is
        built for the first data it sees.
    trainable : bool, default True
    name : str, optional
    dtype : {"float32", "float64"}, optional
        What all layers compute in; the default is what a layer states, and else float32.

    Examples
    --------
    >>> from lstmcore import Input, Sequential, layers
    >>> model = Sequential([Input((10, 1)), layers.LSTM(50), layers.Dense(1)])
    >>> model.output_shape
    (None, 1)
    >>> model.count_params()
    10451
    """

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
        self._streams: tuple[Any, StreamPlan] | None = None
        for layer in layers or ():
            self._append(get(layer))
        self._build_again()

    def sublayers(self) -> Sequence[Layer]:
        """The layers, without the declaration of the input."""
        return self._layers

    def add(self, layer: Any) -> None:
        """Put a layer at the end; one that does not fit leaves the model as it was."""
        before = list(self._layers)
        self._append(get(layer))
        try:
            self._build_again()
        except Exception:
            self._layers = before
            self._build_again()
            raise

    def pop(self) -> Layer:
        """Take the last layer off and return it."""
        if not self._layers:
            raise ValueError(f"model {self.name!r} has no layers")
        layer = self._layers.pop()
        self._build_again()
        return layer

    def _append(self, layer: Layer) -> None:
        if isinstance(layer, InputLayer):
            if self._input is not None or self._layers:
                raise ValueError(f"model {self.name!r}: an Input can only come first, and once")
            self._input, self._sample_shape = layer, layer.shape
            return
        if not layer.single_output:
            raise ValueError(
                f"model {self.name!r}: layer {layer.name!r} returns its states too "
                "(return_state=True), and a Sequential has one path"
            )
        if any(layer.name == other.name for other in self._layers):
            raise ValueError(f"model {self.name!r} has a layer named {layer.name!r} already")
        if self._input is None and not self._layers and layer._sample_shape is not None:
            self._input = InputLayer(layer._sample_shape, dtype=layer.dtype)
            self._sample_shape = self._input.shape
        self._layers.append(layer)

    def _build_again(self) -> None:
        """Give memory to new layers at once if the input is known; the others keep theirs."""
        self.built = False
        if self._layers and self._sample_shape is not None:
            self.build((None, *self._sample_shape))
        elif self._layers and self._built_for is not None:
            self.build(self._built_for)

    def build(self, input_shape: Shape) -> None:
        """Give the layers their weights.

        Parameters
        ----------
        input_shape : tuple of int or None
            The shape of the input, batch axis included: ``(None, 10, 1)``.
        """
        self.declare(tuple(input_shape), self.common_dtype())
        self.settle()

    def declare(self, input_shape: Shape, dtype: str) -> None:
        """Declare all layers' weights for this input, without memory."""
        if not self._layers:
            raise ValueError(f"model {self.name!r} has no layers")
        if self._input is not None:
            self._input.check(input_shape)
        self._shapes(input_shape, lambda layer, shape: layer.declare(shape, dtype))
        self.dtype, self._built_for, self.built = dtype, input_shape, True

    def common_dtype(self) -> str:
        """The one dtype that the model, its input or any of its layers states, or else float32."""
        declared = None if self._input is None else self._input.dtype
        return self.dtype or (declared in DTYPES and declared) or super().common_dtype()

    def _shapes(self, shape: Shape, visit: Callable[[Layer, Shape], object]) -> Shape:
        for layer in self._layers:
            visit(layer, shape)
            shape = layer.compute_output_shape(shape)
        return shape

    def stream(self, batch_size: int = 1) -> Stream:
        """Make a stream: the model as it is now, to be fed step by step.

        Parameters
        ----------
        batch_size : int, default 1
            How many rows are fed together.

        Returns
        -------
        Stream
            With ``step(x)``, ``feed(chunk)``, ``reset()``, ``state`` and ``snapshot()``. What it
            gives equals `predict` on the whole sequence, to the last bit.

        Raises
        ------
        ValueError
            If a layer needs more than the steps until now, such as `Bidirectional`; the message
            names it.
        """
        if not self.built or self._flat is None:
            raise ValueError(f"model {self.name!r}: stream: expected a built model")
        made = (self._flat, self._flat.version, _core.isa(), *_all_layers(self))
        if self._streams is None or self._streams[0] != made:
            self._streams = (made, StreamPlan(self))
        return Stream(self._streams[1], whole("batch_size", batch_size, 1))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of the output for an input of this shape, batch axis included."""
        return self._shapes(input_shape, lambda layer, shape: None)

    @property
    def input_shape(self) -> Shape | None:
        """The shape of the input, batch axis included; None before the model is built."""
        return None if self._built_for is None else (None, *self._built_for[1:])

    @property
    def output_shape(self) -> Shape | None:
        """The shape of the output, batch axis included; None before the model is built."""
        shape = self.input_shape
        return None if shape is None else self.compute_output_shape(shape)

    @property
    def input_dtype(self) -> str:
        """What arrays are converted to before they come in."""
        return self._layers[0].input_dtype if self._layers else super().input_dtype

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments as they are now, ready for JSON."""
        config = super().get_config()
        if self._input is not None:
            config["layers"].insert(0, to_json(self._input))
        return config

    def prepare(self, x: Any, what: str = "x") -> Array | Ragged:
        """Turn what the user gave into what the layers take, building the model if need be."""
        ragged = is_ragged(x)
        if not self.built or self._flat is None:
            shape = (as_ragged if ragged else as_array)(x, None, what).shape
            with _building:
                if not self.built or self._flat is None:
                    self.build((None, *shape[1:]))
        samples = (as_ragged if ragged else as_array)(x, self.input_dtype, what)
        if self._input is not None:
            self._input.check(samples.shape)
        return samples

    def forward(
        self, x: Array, training: bool = False, mask: Array | None = None
    ) -> tuple[Array, Back | None]:
        """Run through all layers; see `Layer.forward`."""
        return self.run(x, training, mask)[:2]

    def run(
        self, x: Any, training: bool = False, mask: Any = None, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        """Run through all layers, the mask beside the samples; see `Layer.run`."""
        backs = []
        for layer in self._layers:
            x, back, mask = layer.run(x, training, mask)
            backs.append(back)
        return x, self._way_back(backs) if training else None, mask

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return which steps of the output are real; see `Layer.compute_mask`."""
        return self.run(x, False, mask)[2]

    def _way_back(self, backs: list[Any]) -> Back:
        def back(dy: Any, need_dx: bool = True) -> Any:
            trained = (i for i, layer in enumerate(self._layers) if layer.trains())
            first = 0 if need_dx else next(trained, len(backs))
            for i in range(len(backs) - 1, first - 1, -1):
                dy = backs[i](dy, need_dx=need_dx or i > first)
            return dy if need_dx else None

        return back
