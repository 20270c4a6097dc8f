"""A model as ONNX's ModelProto: inputs, the graph of its layers, outputs, what is said of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ...._version import __version__
from ....layers.module import DTYPES
from ....models import AxesModel
from ....serialization import to_json
from .builder import FIRST_OPSET, Builder, Refused, SizeNeeded, Value, onnx_type, read_by
from .masks import of_lengths
from .walk import add_model, check_class, inputs_of

ARCHITECTURE = "lstmcore"  # the metadata with the model's config
PADDING = ("any", "trailing")
_MASKS = {
    "any": "Masked steps are skipped wherever they stand",
    "trailing": "Masks are taken for trailing padding: masked steps after all others",
}


@dataclass(frozen=True)
class Options:
    """What `export_model` is told of the graph; see there."""

    opset: int = 17
    stateful: bool = False
    lengths: bool = False
    padding: str = "any"

    def check(self) -> None:
        """Raise ValueError for what is none of an option's values."""
        import onnx

        newest = int(onnx.defs.onnx_opset_version())
        whole = isinstance(self.opset, int) and not isinstance(self.opset, bool)
        if not whole or not FIRST_OPSET <= self.opset <= newest:
            wanted = f"a whole number from {FIRST_OPSET} to {newest}"
            raise ValueError(f"export: opset: expected {wanted}, got {self.opset!r}")
        if self.padding not in PADDING:
            wanted = " or ".join(map(repr, PADDING))
            raise ValueError(f"export: padding: expected {wanted}, got {self.padding!r}")
        for name in ("stateful", "lengths"):
            value = getattr(self, name)
            if not isinstance(value, bool):
                raise ValueError(f"export: {name}: expected True or False, got {value!r}")


def model_proto(model: Any, options: Options, metadata: Any) -> Any:
    """Return a built model as a ModelProto; see `export_model`."""
    check_class(model)
    free = _Made(model, options, free_time=True)
    try:
        free.fill()
        made = free
    except (SizeNeeded, ValueError):
        made = _Made(model, options, free_time=False)
        try:
            made.fill()
        except SizeNeeded as error:
            raise Refused(
                f"{error}: x: expected sizes that the Input says, of all axes but the batch, for "
                "ONNX has no other way to know them here, got None"
            ) from None
    return made.proto(metadata)


class _Made:
    """A graph that is being made of a model.

    Parameters
    ----------
    model : Model
    options : Options
    free_time : bool
        Leave the axis of time of any size, whatever the model declares.
    """

    def __init__(self, model: Any, options: Options, *, free_time: bool) -> None:
        self.model, self.options, self.free_time = model, options, free_time
        self.lengths, self.padding = options.lengths, options.padding
        trailing = options.padding == "trailing"
        self.b = Builder(
            options.opset, str(model.dtype), trailing=trailing, stateful=options.stateful
        )
        self.inputs: list[Value] = []
        self.length_inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.input_axes: list[int] = []  # of the batch
        self.output_axes: list[int] = []
        self._named_now: dict[str, str] = {}  # names of tensors that were made outputs

    # -- the graph -----------------------------------------------------------------------------

    def fill(self) -> None:
        """Add the inputs and all layers."""
        declared = inputs_of(self.model)
        for name, shape, dtype in declared:
            steps = len(shape) > 2 or (len(shape) == 2 and dtype not in DTYPES)
            shape = (None, *shape[1:])  # no layer counts the rows
            if steps and self.free_time:
                shape = (None, None, *shape[2:])
            own = self.b.fresh(name, scoped=False)
            self.inputs.append(Value(own, shape, dtype, kind="steps" if steps else "fixed"))
        self.input_axes, self.output_axes = _axes(self.model, len(declared))
        pairs = zip(self.inputs, self.input_axes, strict=True)
        given = [self._with_lengths(self._moved(x, axis, 0)) for x, axis in pairs]
        found = add_model(self.b, self.model, given)
        ends = self.output_axes or [0] * len(found)
        self.outputs = [self._moved(y, 0, axis) for y, axis in zip(found, ends, strict=True)]
        if self.b.stateful and not self.b.state_inputs:
            raise Refused(
                f"model {self.model.name!r}: stateful: expected False for a model without "
                "recurrent layers, got True"
            )

    def _moved(self, x: Value, source: int, to: int) -> Value:
        """Return a tensor with the axis of the batch elsewhere; its shape says it first."""
        if source == to:
            return x
        order = [a for a in range(x.ndim) if a != source]
        order.insert(to, source)
        return replace(x, name=self.b("Transpose", x.name, perm=order))

    def _with_lengths(self, x: Value) -> Value:
        """Return an input with the mask of its rows' lengths, which are an input, too."""
        if not self.lengths or x.kind != "steps":
            return x
        several = sum(each.kind == "steps" for each in self.inputs) > 1
        name = self.b.fresh(f"{x.name}_lengths" if several else "lengths", scoped=False)
        self.length_inputs.append(Value(name, (None,), "int32"))
        return x.masked_by(of_lengths(self.b, x, name))

    # -- the ends ------------------------------------------------------------------------------

    def proto(self, metadata: Any) -> Any:
        """Return the whole as a ModelProto."""
        from onnx import helper, numpy_helper

        b = self.b
        names = _unlike(self.model.output_names, [x.name for x in self._all_inputs()])
        outputs = [
            replace(value, name=self._named(value.name, name))
            for value, name in zip(self.outputs, names, strict=True)
        ]
        ends = [
            replace(state, name=self._named(end, f"{state.name}_out"))
            for state, end in zip(b.state_inputs, b.state_ends, strict=True)
        ]
        nodes = _needed(b.nodes, [value.name for value in (*outputs, *ends)])
        used = {name for node in nodes for name in read_by(node)}
        constants = [
            numpy_helper.from_array(array, name)
            for name, array in b.constants.items()
            if name in used
        ]
        graph = helper.make_graph(
            nodes,
            self.model.name,
            self._infos(self._all_inputs(), self.input_axes),
            self._infos([*outputs, *ends], self.output_axes),
            constants,
            doc_string=self._said(),
        )
        return self._packed(graph, metadata)

    def _packed(self, graph: Any, metadata: Any) -> Any:
        from onnx import helper

        imports = [helper.make_opsetid("", self.b.opset)]
        made = helper.make_model(
            graph,
            opset_imports=imports,
            ir_version=max(8, helper.find_min_ir_version_for(imports)),
            producer_name="lstmcore",
            producer_version=__version__,
        )
        said = {"padding": self.padding} if self.b.has_masks else {}
        said |= _told_by(self.model) | self._architecture() | dict(metadata or {})
        helper.set_model_props(made, {key: str(said[key]) for key in sorted(said)})
        return made

    def _architecture(self) -> dict[str, str]:
        """Return what `lstmcore.interchange.onnx.own_graph` makes the same model of, as JSON.

        Nothing for a model of users' classes that cannot be saved.
        """
        try:
            config = {
                "model": to_json(self.model),
                "input_shape": self.model.input_shape,
                "options": asdict(self.options),
            }
            return {ARCHITECTURE: json.dumps(config)}
        except (TypeError, ValueError, AttributeError, NotImplementedError):
            return {}

    def _all_inputs(self) -> list[Value]:
        return [*self.inputs, *self.length_inputs, *self.b.state_inputs]

    def _named(self, old: str, new: str) -> str:
        """Give a tensor the name of an output; one that is an input or output already is copied."""
        from onnx import helper

        now = self._named_now.get(old, old)
        made_here = any(now in node.output for node in self.b.nodes)
        if now != old or not made_here:
            self.b.nodes.append(helper.make_node("Identity", [now], [new], name=f"{new}/Identity"))
            return new
        for node in self.b.nodes:
            for names in (node.input, node.output):
                for k, name in enumerate(names):
                    if name == old:
                        names[k] = new
        self._named_now[old] = new
        return new

    def _infos(self, values: Sequence[Value], axes: Sequence[int]) -> list[Any]:
        """Return what the graph says of its ends; `axes` are those of the batch, 0 if left out."""
        return [self._info(v, axes[k] if k < len(axes) else 0) for k, v in enumerate(values)]

    def _info(self, value: Value, batch_axis: int) -> Any:
        from onnx import helper

        timed = [x for x in self.inputs if x.kind == "steps"]
        sizes: list[Any] = list(value.shape)
        for axis, size in enumerate(sizes):
            if size is not None:
                continue
            if axis == 0:
                sizes[axis] = "batch"
            elif value in self.inputs:
                sizes[axis] = f"{value.name}_{axis}"
                if axis == 1 and value.kind == "steps":
                    sizes[axis] = "time" if len(timed) == 1 else f"{value.name}_time"
        sizes.insert(batch_axis, sizes.pop(0))
        return helper.make_tensor_value_info(value.name, onnx_type(value.dtype), sizes)

    def _said(self) -> str:
        """Return what is to be known of the graph: masks, states."""
        said = ["Exported by lstmcore."]
        if self.b.has_masks:
            said.append(f"{_MASKS[self.padding]}.")
        if self.length_inputs:
            names = ", ".join(x.name for x in self.length_inputs)
            said.append(f"{names}: the number of steps of each row, without its padding.")
        if self.b.state_inputs:
            names = ", ".join(x.name for x in self.b.state_inputs)
            said.append(
                f"States {names} go in, zeros to begin with, and come out as NAME_out; fed "
                "chunk by chunk the outputs are those for the whole sequence."
            )
        return " ".join(said)


def _told_by(model: Any) -> dict[str, str]:
    """Return what a model of texts says of its words and classes, as JSON."""
    words = getattr(model, "vectorization", None)
    own = {
        "vocabulary": words.get_vocabulary() if words is not None else _config(model, "vocabulary"),
        "classes": _config(model, "classes"),
    }
    return {name: json.dumps(value) for name, value in own.items() if value is not None}


def _config(model: Any, name: str) -> Any:
    return to_json(getattr(model, name, None))


def _axes(model: Any, inputs: int) -> tuple[list[int], list[int]]:
    """Return the axes of the batch of inputs and outputs; of the latter [] for 0."""
    if isinstance(model, AxesModel):
        return model.input_axes, model.output_axes
    return [0] * inputs, []


def _unlike(names: Sequence[str], taken: Sequence[str]) -> list[str]:
    """Return the names, numbered where they come twice or are taken."""
    found: list[str] = []
    for name in names:
        own, count = name, 1
        while own in found or own in taken:
            count += 1
            own = f"{name}_{count}"
        found.append(own)
    return found


def _needed(nodes: Sequence[Any], outputs: Sequence[str]) -> list[Any]:
    """Return the nodes that the outputs depend on."""
    wanted, found = set(outputs), []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted.update(read_by(node))
            found.append(node)
    return found[::-1]
