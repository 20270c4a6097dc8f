"""GraphReader: an ONNX graph read as layers, node by node.

Each node has a handler, a function ``(reader, node, *inputs)`` that returns its outputs. Inputs and
outputs are constants (ndarray, `Spread`, arrays of sizes) or `View`s of layers' outputs. A graph
is read twice: the first time without making layers, to learn which axis of each input is the
batch and which outputs of recurrent layers are used; the second time with layers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ....validation import Array
from ..model_proto import attribute, opset_version
from ..recurrent_node import described
from . import constants
from .constants import Spread
from .dims import Dim, size_of, substituted
from .plan import LARGEST, PinnedSize, Plan, check_numbers, check_size
from .views import Atom, Axes, Source, View, resolved

Handler = Callable[..., Sequence[Any]]
HANDLERS: dict[str, Handler] = {}
RUNNER = "lstmcore.onnx.Runner runs it"
_MOST_FEEDS = 4  # that are named in an error
_LOOP = (
    "a loop of nodes, as converters of Keras write layers with masks, go_backwards or "
    "recurrent_dropout: load the Keras file itself (.keras, .h5)"
)


def handler(*names: str) -> Callable[[Handler], Handler]:
    """Register a function as the handler of operators."""

    def register(function: Handler) -> Handler:
        HANDLERS.update(dict.fromkeys(names, function))
        return function

    return register


class GraphReader:
    """Reads one graph.

    Parameters
    ----------
    proto : ModelProto
        Checked, without functions of its own.
    plan : Plan or None
        What was learned by reading it the first time; None: this is the first time.
    pinned : mapping of str to int or Dim
        Sizes that the graph declares free, but that its nodes take for those of the example that
        it was exported with, or for others.
    """

    def __init__(
        self, proto: Any, plan: Plan | None = None, pinned: Mapping[str, Any] | None = None
    ) -> None:
        self.proto, self.graph, self.version = proto, proto.graph, opset_version(proto)
        self.plan, self.learned, self.pinned = plan, Plan(), pinned or {}
        self.values: dict[str, Any] = {"": None}
        self.uses = Counter(name for node in _all_nodes(self.graph) for name in node.input)
        self.uses.update(value.name for value in self.graph.output)
        self.inputs: dict[str, Any] = {}  # symbolic tensors by name
        self.weights: list[tuple[Any, list[Array]]] = []  # to set once the model is there
        self.names: Counter[str] = Counter()
        self.dtype = "float32"
        self._free = self._numbers = 0
        for node in self.graph.node:
            if node.op_type in ("Loop", "Scan"):
                raise self.error(node, _LOOP)

    @property
    def makes_layers(self) -> bool:
        """False when the graph is read the first time."""
        return self.plan is not None

    # -- the whole graph -------------------------------------------------------------------

    def read(self) -> list[View]:
        """Read all nodes that the outputs depend on; return the views of the outputs."""
        from onnx import numpy_helper

        for tensor in self.graph.initializer:
            self.values[tensor.name] = numpy_helper.to_array(tensor)
        given = {tensor.name for tensor in self.graph.initializer}
        self.dtype = self._common_dtype()
        for value in self.graph.input:
            if value.name not in given:
                self.values[value.name] = self._input(value)
        self.run(self.graph.node, {value.name for value in self.graph.output})
        return [self._output(value.name) for value in self.graph.output]

    def run(self, nodes: Sequence[Any], wanted: set[str]) -> None:
        """Read those of these nodes that the wanted values depend on."""
        needed: list[Any] = []
        wanted = set(wanted)
        for node in reversed(list(nodes)):
            if wanted & set(node.output):
                needed.append(node)
                wanted.update(node.input)
                wanted.update(name for g in _graphs(node) for n in g.node for name in n.input)
                wanted.update(value.name for g in _graphs(node) for value in g.output)
        for node in reversed(needed):
            self._run_node(node)

    def _run_node(self, node: Any) -> None:
        given = [self.values[name] for name in node.input]
        try:
            outputs = self._outputs_of(node, given)
        except PinnedSize:
            raise
        except Exception as error:  # a file is data from outside: whatever goes wrong is about it
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            if isinstance(error, ValueError) and reason.startswith("node "):
                raise
            raise self.error(node, reason) from error
        for name, value in zip(node.output, outputs, strict=False):
            if name:
                self.values[name] = value

    def _outputs_of(self, node: Any, given: list[Any]) -> Sequence[Any]:
        function = HANDLERS.get(node.op_type) if node.domain in ("", "ai.onnx") else None
        plain = all(
            a is None or (isinstance(a, np.ndarray) and not constants.is_sizes(a)) for a in given
        )
        lazy = ("ConstantOfShape", "Expand", "If", "Loop", "Scan", "Shape")
        if plain and node.domain in ("", "ai.onnx") and node.op_type not in lazy:
            return constants.folded(node, self.version, given)
        if function is None:
            raise ValueError("no layer does that")
        return function(self, node, *given)

    def error(self, node: Any, reason: str) -> ValueError:
        """Return the error for a node that cannot be read, with what feeds it."""
        names = [name for name in node.input if name]
        feeds = ", ".join(f"{name!r}{self._kind(name)}" for name in names[:_MOST_FEEDS])
        feeds += " ..." if len(names) > _MOST_FEEDS else ""
        return ValueError(
            f"{described(node)} of {feeds or 'nothing'}: {reason}; it cannot be read as layers, "
            f"but {RUNNER}"
        )

    def _kind(self, name: str) -> str:
        value = self.values.get(name)
        if isinstance(value, View | Spread):
            return f" {value.shape}"
        return "" if value is None else f" {np.shape(value)} constant"

    # -- inputs and outputs ----------------------------------------------------------------

    def _common_dtype(self) -> str:
        """Return the dtype of the real numbers of the graph, which must be one."""
        from onnx import TensorProto

        kinds = {value.type.tensor_type.elem_type for value in self.graph.input}
        kinds |= {tensor.data_type for tensor in self.graph.initializer if len(tensor.dims) > 0}
        halves = kinds & {TensorProto.FLOAT16, TensorProto.BFLOAT16}
        if halves:
            raise ValueError(f"it computes in half precision, which layers do not: {RUNNER}")
        if {TensorProto.FLOAT, TensorProto.DOUBLE} <= kinds:
            raise ValueError(f"it mixes float32 and float64, which layers do not: {RUNNER}")
        return "float64" if TensorProto.DOUBLE in kinds else "float32"

    def _input(self, value: Any) -> View:
        from onnx.helper import tensor_dtype_to_np_dtype

        from ....layers import Input

        kind = value.type.tensor_type
        if not value.type.HasField("tensor_type") or not kind.HasField("shape"):
            raise ValueError(f"input {value.name!r}: expected an array whose axes are declared")
        dtype = np.dtype(tensor_dtype_to_np_dtype(kind.elem_type))
        if dtype.kind not in "fiub" or not kind.shape.dim:
            raise ValueError(
                f"input {value.name!r}: expected an array of numbers with at least one axis, got "
                f"{dtype} with {len(kind.shape.dim)}; {RUNNER}"
            )
        atoms = [
            Atom(self._declared(value.name, k, n), (value.name, k))
            for k, n in enumerate(kind.shape.dim)
        ]
        check_size(atoms)
        at = self.plan.batch_axes.get(value.name, 0) if self.plan is not None else 0
        ordered = [atoms[at], *atoms[:at], *atoms[at + 1 :]]
        tensor = None
        if self.plan is not None:
            self.learned.batch_axes[value.name] = at
            tensor = Input(
                tuple(size_of(atom.size) for atom in ordered[1:]),
                dtype=self.dtype if dtype.kind == "f" else dtype.name,
                name=self.unique(value.name, "input"),
            )
            self.inputs[value.name] = tensor
        source = Source(lambda: tensor, tuple((atom,) for atom in ordered))
        letter = {"f": "f", "b": "b"}.get(dtype.kind, "i")
        return View(source, tuple((atom,) for atom in atoms), letter)

    def _declared(self, name: str, axis: int, n: Any) -> Any:
        if n.HasField("dim_value"):
            if n.dim_value < 1:
                raise ValueError(f"input {name!r}: expected sizes >= 1, got {n.dim_value}")
            return int(n.dim_value)
        symbol = n.dim_param or f"{name}[{axis}]"
        if self.plan is not None and axis == self.plan.batch_axes.get(name, 0):
            return Dim.named("batch")  # which all inputs have in common
        return self.pinned.get(symbol, Dim.named(symbol))

    def _output(self, name: str) -> View:
        value = self.values[name]
        if not isinstance(value, View):
            raise ValueError(
                f"output {name!r}: it does not depend on the inputs, or is a shape; {RUNNER}"
            )
        if value.kind == "t":
            raise ValueError(f"output {name!r}: numbers without their fraction; {RUNNER}")
        if value.order is not None:
            raise ValueError(f"output {name!r}: its rows are sorted by length; {RUNNER}")
        return value

    # -- for handlers ----------------------------------------------------------------------

    def attribute(self, node: Any, name: str, default: Any = None) -> Any:
        """Return the value of an attribute."""
        return attribute(node, name, default)

    def unique(self, name: str, kind: str) -> str:
        """Return a name for a layer that no other has."""
        name = name.replace("/", "_").strip("_") or kind
        self.names[name] += 1
        return (
            name if self.names[name] == 1 else self.unique(f"{name}_{self.names[name] - 1}", kind)
        )

    def call(
        self,
        make: Callable[..., Any],
        *tensors: Any,
        kind: str = "layer",
        weights: Sequence[Array] | None = None,
        **options: Any,
    ) -> Any:
        """Make a layer with ``make(name=..., dtype=...)`` and call it; None the first time.

        Parameters
        ----------
        make : callable
        *tensors : SymbolicTensor
        kind : str
            The layer's name; a number is added if it is not the first.
        weights : sequence of ndarray, optional
            To set when the model is complete.
        **options
            Of the call.
        """
        if not self.makes_layers:
            return None
        layer = make(name=self.unique(kind, kind), dtype=self.dtype)
        y = layer(list(tensors) if len(tensors) > 1 else tensors[0], **options)
        if weights is not None:
            self._count(weights)
            self.weights.append((layer, [np.asarray(w, self.dtype) for w in weights]))
        return y

    def _count(self, weights: Sequence[Array]) -> None:
        """Refuse weights that many nodes share: each layer has a copy of its own."""
        self._numbers += sum(w.size for w in weights)
        stored = sum(a.size for a in self.values.values() if isinstance(a, np.ndarray))
        if self._numbers > max(LARGEST, 4 * stored):
            raise ValueError("its weights are shared by so many nodes that layers would be large")

    def op(self, name: str, *arguments: Any, **options: Any) -> Any:
        """Record an op of `lstmcore.ops`; None the first time."""
        if not self.makes_layers:
            return None
        from .... import ops

        for tensor in arguments:
            if hasattr(tensor, "node"):
                check_numbers(tensor.shape[1:])
        return self.named(getattr(ops, name)(*arguments, **options), name)

    def item(self, tensor: Any, key: Sequence[Any]) -> Any:
        """Return ``tensor[key]`` by a GetItem layer; None the first time."""
        if not self.makes_layers:
            return None
        from ....layers.reshaping import GetItem

        return self.call(lambda **options: GetItem(key, **options), tensor, kind="get_item")

    def named(self, tensor: Any, kind: str) -> Any:
        """Return a tensor whose layer gets a name by its kind and number in this graph."""
        tensor.node.layer.name = self.unique(kind, kind)
        return tensor

    def free_size(self, what: str) -> Dim:
        """Return a new size that is not known."""
        self._free += 1
        return Dim.named(f"{what}#{self._free}")

    def note_batch(self, axis: Sequence[Atom]) -> None:
        """Learn that an axis is the batch."""
        for atom in resolved(axis):
            if atom.origin is not None:
                self.learned.batch_axes.setdefault(*atom.origin)

    def pin(self, shape: Sequence[Any], wanted: Sequence[Any], fits: Callable[..., Any]) -> None:
        """Find out whether a shape fits if a free size is the one of an example.

        Raises
        ------
        PinnedSize
            If there is one name and number for which ``fits(shape, wanted)`` is true.
        """
        batch = {("batch",)} | {
            (n.dim_param,)
            for value in self.graph.input
            for k, n in enumerate(value.type.tensor_type.shape.dim)
            if self.learned.batch_axes.get(value.name) == k
        }
        names = {name for n in shape if isinstance(n, Dim) for own in n.terms for name in own}
        names -= {name for (name,) in batch}
        numbers = {n for n in wanted if isinstance(n, int) and n > 1}
        declared = {n.dim_param for v in self.graph.input for n in v.type.tensor_type.shape.dim}
        found = [
            (name, number)
            for name in sorted(names & declared)
            for number in sorted(numbers)
            if fits([substituted(n, name, number) for n in shape], list(wanted))
        ]
        if len(found) == 1:
            raise PinnedSize(*found[0])

    def is_batch(self, view: View, axis: Sequence[Atom]) -> bool:
        """Return True if an axis of a view is the batch; False the first time."""
        return self.makes_layers and resolved(view.source.axes[0]) == resolved(axis)

    def materialized(self, view: View, wanted: Sequence[Sequence[Atom]]) -> Any:
        """Return the symbolic tensor whose axes are these, the batch first."""
        from .arranging import arranged

        return arranged(self, view, tuple(resolved(axis) for axis in wanted))

    def standard(self, view: View) -> tuple[Any, list[int], Axes]:
        """Return a view as an output with an axis for each of the view's, the batch first.

        Returns
        -------
        tensor : SymbolicTensor
        order : list of int
            For each axis of the tensor, the view's axis.
        axes : tuple of tuple of Atom
            Those of the tensor.
        """
        order, axes = self.standard_axes(view)
        return self.materialized(view, axes), order, axes

    def standard_axes(self, view: View) -> tuple[list[int], Axes]:
        """Return the order and the axes of `standard`, without asking for the output."""
        axes = [resolved(axis) for axis in view.axes]
        if not axes or not view.source.axes:
            raise ValueError("a single number, for all rows of the batch")
        batch = resolved(view.source.axes[0])
        at = next((k for k, axis in enumerate(axes) if axis == batch), None)
        if at is None:
            if self.makes_layers:
                raise ValueError(f"the batch is no axis of its own in an array {view.shape}")
            at = 0
        order = [at, *(k for k in range(len(axes)) if k != at)]
        return order, tuple(axes[k] for k in order)


def _graphs(node: Any) -> list[Any]:
    from ..model_proto import subgraphs

    return [inner for g in subgraphs(node) for inner in (g, *_inner(g))]


def _inner(graph: Any) -> list[Any]:
    return [g for node in graph.node for g in _graphs(node)]


def _all_nodes(graph: Any) -> Mapping[Any, Any] | list[Any]:
    return [node for g in (graph, *_inner(graph)) for node in g.node]
