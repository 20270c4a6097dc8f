"""Functional models: any graph of layers, from inputs to outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from ..layers.base import Back, Layer, Shape, get, registry, unstreamable
from ..layers.core.input import InputLayer
from ..layers.module import DTYPES, Module
from ..layers.symbolic import SymbolicTensor, is_symbolic, replace, symbolic_tensors_in
from ..ragged import as_samples, match_rank
from ..serialization import to_json
from ..structure import flatten, is_nested, paths, spread, tracks_of
from ..training.batches import one_or_list
from ..validation import STRING
from .graph import Graph
from .model import Model

_OTHERS = ("layers", "nodes", "inputs", "outputs")  # of a config: the graph


@registry.add()
class Functional(Model):
    """A graph of layers, made by calling them on symbolic tensors.

    `Input` and layers return symbolic tensors. ``Model(inputs, outputs)`` makes a Functional, too.

    Parameters
    ----------
    inputs : SymbolicTensor, or list or dict of SymbolicTensor
        The inputs. Data is given in the same structure, or as a dict by the inputs' names.
    outputs : SymbolicTensor, or list or dict of SymbolicTensor
        The outputs; results are returned in the same structure.
    name : str, optional
    trainable : bool, default True
    dtype : {"float32", "float64"}, optional
        The default is the dtype of the layers.

    Examples
    --------
    >>> from lstmcore import Input, Model
    >>> from lstmcore.layers import LSTM, Attention, Concatenate, Dense
    >>> x = Input((10, 3))
    >>> h = LSTM(8, return_sequences=True)(x)
    >>> y = Dense(1)(Concatenate()([h, Attention()([h, h])]))
    >>> Model(x, y).output_shape
    (None, 10, 1)
    """

    builds_itself = True

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        name: str | None = None,
        *,
        trainable: bool = True,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, trainable=trainable, dtype=dtype)
        if self._policy is not None and self._policy.name not in DTYPES:
            wanted = f"{' or '.join(DTYPES)}, for layers of a graph have their own policies"
            raise self.error("dtype", wanted, repr(self._policy.name))
        self._in_form, self._out_form = inputs, outputs
        what = f"model {self.name!r}"
        for argument, given in (("inputs", inputs), ("outputs", outputs)):
            if not _only_symbolic(given):
                raise TypeError(
                    f"{what}: {argument}: expected symbols from Input and layers, alone or in a "
                    f"list or dict, got {given!r:.80}"
                )
        self.graph = Graph(symbolic_tensors_in(inputs), symbolic_tensors_in(outputs), what)
        names = [layer.name for layer in self.graph.layers]
        twice = {n for n in names if names.count(n) > 1}
        if twice:
            raise ValueError(f"{what}: expected layers of different names, got twice: {twice}")
        self.dtype = self.common_dtype()
        wrong = [layer for layer in self.graph.layers if layer.dtype not in (None, self.dtype)]
        for layer in wrong:
            if not isinstance(layer, InputLayer) or layer.dtype in DTYPES:
                raise layer.error("dtype", f"{self.dtype}, as the model has", layer.dtype)
        self._built_for = one_or_list([s.shape for s in self.graph.inputs])
        self.built = True
        self.materialize()

    # -- structure -------------------------------------------------------------------------

    named_sublayers = Module.named_sublayers

    def sublayers(self) -> Sequence[Layer]:
        """Return the layers in Keras's order: those farthest from the outputs first."""
        return self.graph.layers

    def common_dtype(self) -> str:
        """Return the model's dtype, or else that of its first layer with float weights."""
        found = (layer.dtype for layer in self.graph.layers if layer.dtype in DTYPES)
        return self.dtype or next(found, None) or self.default_dtype

    @property
    def inputs(self) -> list[SymbolicTensor]:
        """The symbolic tensors of the inputs."""
        return self.graph.inputs

    @property
    def outputs(self) -> list[SymbolicTensor]:
        """The symbolic tensors of the outputs."""
        return self.graph.outputs

    @property
    def input(self) -> Any:
        """The symbolic input, or the inputs in the structure they were given in."""
        return self._in_form

    @property
    def output(self) -> Any:
        """The symbolic output, or the outputs in the structure they were given in."""
        return self._out_form

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs: their keys in a dict, or their layers' names."""
        return _names(self._in_form, self.inputs)

    @property
    def output_form(self) -> Any:
        """The structure of the outputs."""
        return self._out_form

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs: their keys in a dict, or their layers' names."""
        return _names(self._out_form, self.outputs)

    @property
    def single_output(self) -> bool:  # type: ignore[override]
        """True if there is one output."""
        return len(self.outputs) == 1

    @property
    def several_inputs(self) -> bool:  # type: ignore[override]
        """True if the model, nested in another one, is called with a list."""
        return len(self.inputs) > 1

    @property
    def input_dtype(self) -> str:
        """The dtype that arrays are converted to; that of texts if the first input takes them."""
        return STRING if self.takes_strings() else super().input_dtype

    def takes_strings(self, position: int = 0) -> bool:
        """Return True if the input at this position is an array of texts."""
        return self._dtype_for(self.inputs[position]) == STRING

    @property
    def input_shape(self) -> Any:
        """The shape of the input, or a list of shapes, batch axis included."""
        return one_or_list([s.shape for s in self.inputs])

    @property
    def output_shape(self) -> Any:
        """The shape of the output, or a list of shapes, batch axis included."""
        return one_or_list([s.shape for s in self.outputs])

    def build_for(self, input_shape: Any, dtype: str) -> None:
        """Check that this model can be nested in a model of this dtype with this input."""
        if self.dtype != dtype:
            raise self.error("dtype", f"{dtype}, as the model has", self.dtype)
        self.compute_output_shape(input_shape)

    def build(self, input_shape: Any = None) -> None:
        """Do nothing: the layers were built as they were called."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output, or a tuple of them, for inputs of these shapes."""
        shapes = list(input_shape) if self.several_inputs else [input_shape]
        for tensor, shape in zip(self.inputs, shapes, strict=True):
            _check(tensor, shape)
        found = self.graph.shapes(shapes)
        return found[0] if self.single_output else tuple(found)

    def __call__(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Return the output for samples or symbolic tensors, in the structure of `output`."""
        symbolic = is_symbolic(x)
        if symbolic:
            pairs = zip(self._entries(x, "x"), self.inputs, strict=True)
            x = one_or_list([_matched(value, tensor.shape) for (_, value), tensor in pairs])
        y = super().__call__(x, *args, **kwargs)
        return self.pack_outputs(list(y) if isinstance(y, tuple) else [y]) if symbolic else y

    def stream(self, batch_size: int = 1) -> Any:
        """Raise ValueError: only a `Sequential` can be streamed."""
        raise unstreamable(self, "it is a graph of layers, and a stream runs a Sequential")

    def stream_part(self) -> tuple[Any, ...] | None:
        """Raise ValueError: a nested graph cannot be streamed either."""
        raise unstreamable(self, "it is a graph of layers")

    # -- calls -----------------------------------------------------------------------------

    def convert_inputs(self, x: Any, what: str = "x") -> list[Any]:
        """Convert a user's samples to a list with an entry for each input."""
        entries = self._entries(x, what)
        columns = []
        for tensor, (name, value) in zip(self.inputs, entries, strict=True):
            if value is None:
                raise ValueError(f"{name}: expected samples for input {tensor.name!r}, got None")
            column = as_samples(value, tensor.shape, self._dtype_for(tensor), name)
            _check(tensor, column.shape)
            columns.append(column)
        first = len(columns[0])
        for (name, _), column in zip(entries, columns, strict=True):
            if len(column) != first:
                raise ValueError(
                    f"{name}: expected {first} samples, as many as the first input has, "
                    f"got {len(column)}"
                )
        return columns

    def _entries(self, x: Any, what: str) -> list[tuple[str, Any]]:
        """Return the entry of x for each input, with its name for error messages.

        x is nested as the inputs are, a dict by their names, or a flat list.
        """
        form, names = self._in_form, self.input_names
        if isinstance(x, dict):
            keys = list(form) if isinstance(form, dict) else []
            own = [s.name for s in self.inputs]
            if not set(keys) & set(x) or (not set(keys) <= set(x) and set(own) <= set(x)):
                keys = own
            if any(key not in x for key in keys):
                raise ValueError(f"{what}: expected a dict with {keys}, got one with {list(x)}")
            if keys is own:
                return [(f"{what}[{name!r}]", x[name]) for name in own]
        if len(names) == 1 and not isinstance(x, dict):
            return [(what, x)]
        try:
            found = spread(form, x, extra=True) if is_nested(x) else None
        except ValueError:
            found = None
        if found is not None:
            return list(zip((f"{what}{path}" for path in paths(form)), found, strict=True))
        if not isinstance(x, list | tuple) or len(x) != len(names):
            got = f"a list of {len(x)}" if isinstance(x, list | tuple) else f"a {type(x).__name__}"
            raise ValueError(f"{what}: expected a list of {len(names)} inputs {names}, got {got}")
        return [(f"{what}[{i}]", value) for i, value in enumerate(x)]

    def _dtype_for(self, tensor: SymbolicTensor) -> str:
        """Return the dtype to which arrays for an input are converted."""
        calls = [call for call in self.graph.calls if tensor in call.node.inputs]
        users = [call.layer for call in calls]
        places = [call.node.inputs.index(tensor) for call in calls]
        texts = [u.takes_strings(i) for u, i in zip(users, places, strict=True)]
        if tensor.dtype == STRING or any(texts):
            if False in texts:
                user = users[texts.index(False)]
                raise user.error("x", "numbers", f"the texts of {tensor.name!r}")
            return STRING
        integers = tensor.dtype is not None and tensor.dtype not in DTYPES
        if integers or any(layer.input_dtype == "int64" for layer in users):
            return "int64"
        return str(self.dtype)

    def forward(self, x: Any, grad: bool = False, mask: Any = None) -> tuple[Any, Back | None]:
        """Call the layers of the graph; see `Layer.forward`."""
        return self.run(x, grad, mask)[:2]

    def run(
        self, x: Any, grad: bool = False, mask: Any = None, **options: Any
    ) -> tuple[Any, Back | None, Any]:
        """Call the layers of the graph and compute their masks; see `Layer.run`."""
        xs = list(x) if self.several_inputs else [x]
        masks = [mask] if not self.several_inputs else mask or [None] * len(xs)
        ys, out_masks, backs = self.graph.forward(xs, masks, grad)
        single = self.single_output

        def back(dy: Any, need_dx: bool = True) -> Any:
            dxs = self.graph.backward(backs, [dy] if single else dy, need_dx)
            return None if not need_dx else dxs if self.several_inputs else dxs[0]

        backward = back if grad else None
        return (ys[0], backward, out_masks[0]) if single else (tuple(ys), backward, out_masks)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return the mask of the output; see `Layer.compute_mask`."""
        return self.run(x, False, mask)[2]

    def call_layers(self, x: Any) -> Any:
        """Call the layers of the graph, each as a user calls it."""
        return self.pack_outputs(self.graph.call(x if self.several_inputs else [x]))

    def pack_outputs(self, outputs: list[Any]) -> Any:
        """Return outputs in the structure of `output`."""
        if self.single_output and not isinstance(self._out_form, dict):
            return outputs[0]
        found = dict(zip(self.outputs, outputs, strict=False))
        return replace(self._out_form, found.__getitem__)

    # -- config ----------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """Return layers, calls, inputs and outputs, ready for JSON."""
        layers = self.graph.layers
        nodes = [s.node for s in self.graph.inputs]
        if any(not isinstance(node.layer, InputLayer) for node in nodes):
            raise ValueError(
                f"model {self.name!r}: its inputs are outputs of other layers: a config cannot "
                "say so; make an Input and call the layers on it"
            )
        nodes += [call.node for call in self.graph.calls]
        at = {s: [i, s.position] for i, node in enumerate(nodes) for s in node.outputs}

        def place(tensor: SymbolicTensor) -> dict[str, Any]:
            return {"symbol": at[tensor]}

        calls = [
            {
                "layer": layers.index(node.layer),
                "inputs": [at[s] for s in node.inputs],
                "several": node.several,
                **({} if node.form is None else {"form": to_json(replace(node.form, place))}),
                "options": to_json(replace(node.options, place)),
            }
            for node in nodes
        ]
        return {
            "name": self.name,
            "trainable": self.trainable,
            "layers": [to_json(layer) for layer in layers],
            "nodes": calls,
            "inputs": to_json(replace(self._in_form, place)),
            "outputs": to_json(replace(self._out_form, place)),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Build a model from its config: make the layers and call them in order."""
        layers = [get(entry) for entry in config["layers"]]
        made: list[list[SymbolicTensor]] = []

        def tensors_of(value: Any) -> Any:
            if isinstance(value, dict) and value.keys() == {"symbol"}:
                node, position = value["symbol"]
                return made[node][position]
            if isinstance(value, dict):
                return {key: tensors_of(entry) for key, entry in value.items()}
            return [tensors_of(entry) for entry in value] if isinstance(value, list) else value

        for call in config["nodes"]:
            layer = layers[call["layer"]]
            if isinstance(layer, InputLayer):
                made.append([layer.symbolic_tensor()])
                continue
            given = [made[node][position] for node, position in call["inputs"]]
            x = given if call["several"] else given[0]
            x = tensors_of(call["form"]) if "form" in call else x
            layer(x, **tensors_of(call["options"]))
            made.append(layer.nodes[-1].outputs)
        rest = {key: config[key] for key in config if key not in _OTHERS}
        return cls(tensors_of(config["inputs"]), tensors_of(config["outputs"]), **rest)


Model._of_graph = Functional


def _matched(x: Any, shape: Shape) -> Any:
    return match_rank(x, shape) if isinstance(x, SymbolicTensor) else x


def _only_symbolic(given: Any) -> bool:
    parts = flatten(given)
    return bool(parts) and all(isinstance(part, SymbolicTensor) for part in parts)


def _names(form: Any, tensors: list[SymbolicTensor]) -> list[str]:
    """Return the keys of a flat dict, or the layers' names, numbered where they repeat."""
    if isinstance(form, dict) and not any(map(is_nested, form.values())):
        return [str(track[0]) for track in tracks_of(form)]
    names: list[str] = []
    for tensor in tensors:
        name, n = tensor.name, 0
        while name in names:
            n += 1
            name = f"{tensor.name}_{n}"
        names.append(name)
    return names


def _check(tensor: SymbolicTensor, shape: Shape) -> None:
    """Raise ValueError, in the name of the input's layer, unless data of this shape fits."""
    layer = tensor.node.layer
    if isinstance(layer, InputLayer):
        layer.check(shape)
    elif len(shape) != len(tensor.shape):
        raise layer.error("output", f"an array of shape {tensor.shape}", f"shape {shape}")
