"""Symbolic tensors and nodes: how calling layers builds the graph of a functional model.

``Input`` returns a `SymbolicTensor`, a shape without numbers. A layer that is called with symbolic
tensors computes nothing: it builds its weights, records a `Node` and returns the symbolic tensors
of its outputs. A model follows the nodes from its outputs back to its inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ..structure import flatten, map_structure
from ..validation import STRING
from .calls import check_options

Shape = tuple[int | None, ...]

# Functions by the name of the operator; filled by `lstmcore.layers.operators`, which imports the
# layers and therefore this module.
OPERATORS: dict[str, Callable[..., Any]] = {}

# Returns `lstmcore.ops`, which is made of layers. The package sets it, and imports that when an
# operator first needs it.
late_ops: Callable[[], Any]


class SymbolicTensor:
    """The output of a layer in a graph: Keras calls it KerasTensor.

    Attributes
    ----------
    shape : tuple of int or None
        Batch axis included; None for any size.
    dtype : str or None
        The dtype of the array; None if still undecided.
    node : Node
        The call that returns it.
    position : int
        Its index among the node's outputs.
    """

    __slots__ = ("dtype", "node", "position", "shape")

    def __init__(self, shape: Shape, dtype: str | None, node: Node, position: int) -> None:
        self.shape, self.dtype, self.node, self.position = shape, dtype, node, position

    @property
    def name(self) -> str:
        """The name of the layer that returns it."""
        return str(self.node.layer.name)

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<SymbolicTensor {self.name} shape={self.shape} dtype={self.dtype}>"

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(
            f"{self!r} has no numbers: it is a place in a graph; build Model(inputs, outputs) "
            "and give that the data"
        )

    # Arithmetic and slices of symbolic tensors are layers: see `lstmcore.layers.operators`. `==` is
    # not among them, as in Keras: it compares identity, as keys of dicts need it.

    def __getitem__(self, key: Any) -> SymbolicTensor:
        made: SymbolicTensor = OPERATORS["getitem"](self, key)
        return made

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Apply an operator of an array or scalar of NumPy and a symbolic tensor."""
        name = UFUNCS.get(ufunc.__name__) if method == "__call__" and not kwargs else None
        if name is None:
            called = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            raise TypeError(
                f"np.{called}: {self!r} has no numbers: it is a place in a graph; "
                "use the function of lstmcore.ops"
            )
        if isinstance(inputs[0], SymbolicTensor):
            return getattr(inputs[0], f"__{name}__")(*inputs[1:])
        return getattr(inputs[1], REFLECTED.get(name, f"__r{name}__"))(inputs[0])

    def __iter__(self) -> Iterator[Any]:
        raise TypeError(
            f"{self!r} cannot be iterated over: its first axis is the batch; its steps are "
            "x[:, t] for t in range(...)"
        )

    def __len__(self) -> int:
        raise TypeError(f"{self!r} has no length: it is a place in a graph")

    def __bool__(self) -> bool:
        raise TypeError(f"{self!r} is neither true nor false: it is a place in a graph")


UNARY = ("neg", "abs", "invert", "round")
BINARY = ("add", "sub", "mul", "truediv", "pow", "matmul", "floordiv", "mod", "and", "or", "xor")
COMPARISONS = ("lt", "le", "gt", "ge", "ne")
REFLECTED = {"lt": "__gt__", "le": "__ge__", "gt": "__lt__", "ge": "__le__", "ne": "__ne__"}
UFUNCS = {  # NumPy's names of the operators
    **{"subtract": "sub", "multiply": "mul", "divide": "truediv", "power": "pow", "add": "add"},
    **{"matmul": "matmul", "floor_divide": "floordiv", "remainder": "mod", "negative": "neg"},
    **{"absolute": "abs", "less": "lt", "less_equal": "le", "greater": "gt"},
    **{
        "greater_equal": "ge",
        "bitwise_and": "and",
        "bitwise_or": "or",
        "bitwise_xor": "xor",
        "not_equal": "ne",
    },
}


def _operator(name: str) -> Callable[..., Any]:
    def method(self: SymbolicTensor, *other: Any) -> Any:
        return OPERATORS[name](self, *other)

    method.__name__ = f"__{name}__"
    return method


for _name in (*UNARY, *BINARY, *(f"r{name}" for name in BINARY), *COMPARISONS):
    setattr(SymbolicTensor, f"__{_name}__", _operator(_name))


class Node:
    """One call of a layer in a graph.

    Attributes
    ----------
    layer : Layer
    inputs : list of SymbolicTensor
    several : bool
        True if the layer took them as a list.
    options : dict
        The call's other arguments; they may contain symbolic tensors, also in lists.
    outputs : list of SymbolicTensor
    single : bool
        True if the layer returned one output, not a tuple.
    form : list, tuple, dict or None
        The structure of the inputs, for layers that are called with more than a list.
    """

    __slots__ = ("form", "inputs", "layer", "options", "outputs", "several", "single")

    def __init__(
        self, layer: Any, inputs: list[SymbolicTensor], several: bool, options: Any
    ) -> None:
        self.layer, self.inputs, self.several, self.options = layer, inputs, several, options
        self.outputs: list[SymbolicTensor] = []
        self.single = True
        self.form: Any = None

    def sources(self) -> Iterator[SymbolicTensor]:
        """Yield all symbolic tensors that the call depends on."""
        yield from self.inputs
        yield from symbolic_tensors_in(self.options)


def symbolic_tensors_in(tree: Any) -> list[SymbolicTensor]:
    """Return the symbolic tensors among the leaves of a structure."""
    return [leaf for leaf in flatten(tree) if isinstance(leaf, SymbolicTensor)]


def replace(tree: Any, value_of: Callable[[SymbolicTensor], Any]) -> Any:
    """Return the same structure with `value_of(t)` for every symbolic tensor t."""
    return map_structure(lambda v: value_of(v) if isinstance(v, SymbolicTensor) else v, tree)


def has_symbols(tree: Any) -> bool:
    """Return True for a symbolic tensor, alone or anywhere in lists, tuples and dicts."""
    if isinstance(tree, list | tuple):
        return any(map(has_symbols, tree))
    if isinstance(tree, dict):
        return any(map(has_symbols, tree.values()))
    return isinstance(tree, SymbolicTensor)


def is_symbolic(x: Any) -> bool:
    """Return True for a symbolic tensor, or a list or dict that contains one, nested ones too.

    What is nested in a list counts by its first entry: rows of numbers are not looked through.
    """
    if isinstance(x, dict):
        return any(map(is_symbolic, x.values()))
    if not isinstance(x, list | tuple):
        return isinstance(x, SymbolicTensor)
    first = isinstance(x[0], dict | list | tuple) and is_symbolic(x[0]) if x else False
    return first or any(isinstance(part, SymbolicTensor) for part in x)


def is_shape_list(shape: Any) -> bool:
    """Return True for a list or dict of shapes, one for each of several outputs."""
    return isinstance(shape, dict) or (len(shape) > 0 and isinstance(shape[0], list | tuple))


def shape_leaves(shape: Any) -> list[Any]:
    """Return a shape in a list, or the shapes in lists of them as one flat list."""
    if not is_shape_list(shape):
        return [shape]
    return [leaf for part in shape for leaf in shape_leaves(part)]


def record(layer: Any, x: Any, options: dict[str, Any]) -> Any:
    """Call a layer on symbolic tensors: build it, record a node, return its symbolic outputs."""
    several = not isinstance(x, SymbolicTensor)
    parts = list(x.values()) if isinstance(x, dict) else list(x) if several else [x]
    for i, part in enumerate(parts):
        if not isinstance(part, SymbolicTensor):
            got = "None" if part is None else f"a {type(part).__name__}"
            raise layer.error(f"x[{i}]", "symbols from Input or layers only", got)
    if several and not layer.several_inputs:
        if len(parts) > 1:
            raise layer.error("x", "one input", f"a list of {len(parts)}")
        several = False
    options = {key: value for key, value in options.items() if value is not None}
    check_options(layer, options)
    for i, part in enumerate(parts):
        _check_strings(layer, i, part)
    node = Node(layer, parts, several, options)
    shapes: Any = [part.shape for part in parts] if several else parts[0].shape
    layer.build_for(shapes, layer.dtype or _common_dtype(layer, parts))
    layer.materialize()
    outputs = layer.call_output_shape(shapes, **options)
    node.single = not is_shape_list(outputs)
    listed = shape_leaves(outputs)
    node.outputs = [
        SymbolicTensor(tuple(s), layer.output_dtype, node, i) for i, s in enumerate(listed)
    ]
    layer.nodes.append(node)
    return node.outputs[0] if node.single else tuple(grouped_like(outputs, iter(node.outputs)))


def _check_strings(layer: Any, position: int, part: SymbolicTensor) -> None:
    """Raise ValueError if a layer of numbers is given texts, or one of texts numbers."""
    takes = layer.takes_strings(position)
    if takes and part.dtype not in (STRING, None):
        wanted = "texts, as Input(shape=(1,), dtype='string') declares them"
        raise layer.error("x", wanted, f"the {part.dtype} numbers of {part.name!r}")
    if part.dtype == STRING and takes is False:
        raise layer.error("x", "numbers", f"the texts of {part.name!r}: look up their words first")


def grouped_like(shapes: Any, outputs: Iterator[SymbolicTensor]) -> list[Any]:
    """Return outputs in the structure of a list of shapes: a list in it is a cell's states."""
    return [
        grouped_like(shape, outputs) if is_shape_list(shape) else next(outputs) for shape in shapes
    ]


def _common_dtype(layer: Any, parts: list[SymbolicTensor]) -> str:
    floats = ("float32", "float64")
    stated = {part.dtype for part in parts if part.dtype in floats}
    if not stated:  # truth values and indices: of a model whose layers have a dtype
        stated = {d for d in (part.node.layer.dtype for part in parts) if d in floats}
    if len(stated) > 1:
        raise layer.error("x", "inputs of one dtype", " and ".join(sorted(map(str, stated))))
    return str(stated.pop()) if stated else layer.default_dtype
