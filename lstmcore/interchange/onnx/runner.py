"""Runner: any ONNX graph computed as it is, its recurrent operators by the kernels."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...names import nearest
from ...validation import Array
from ..extras import needed
from . import model_proto


class Tensor(NamedTuple):
    """An input or output of a graph.

    Parameters
    ----------
    name : str
    shape : tuple or None
        A size is an int, a str that names a free size, or None. None as a whole: the graph does
        not say.
    dtype : str or None
        NumPy's name: ``"float32"``.
    """

    name: str
    shape: tuple[int | str | None, ...] | None
    dtype: str | None


class Runner:
    """Compute an ONNX graph with NumPy arrays.

    LSTM, GRU and RNN are computed by the kernels, with all that their standard has; all other
    operators by the onnx package's reference evaluator in NumPy. So nearly every graph runs, but
    slowly where other operators than the recurrent ones take the time; `lstmcore.load_model` makes
    a model of layers of a graph where that is possible.

    Parameters
    ----------
    source : path-like, bytes or onnx.ModelProto
        The file, its contents, or a graph in memory.

    Attributes
    ----------
    inputs, outputs : list of Tensor
        Their names, shapes and dtypes, in the graph's order. Inputs with a default, which older
        files have for each weight, are not among them.

    Raises
    ------
    ImportError
        If the onnx package is not installed: ``pip install 'lstmcore[onnx]'``.
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no valid graph, has its numbers in other files, has operators that are not of the
        standard, or was unrolled for a fixed number of steps when it was exported.

    Notes
    -----
    The recurrent operators follow ONNX Runtime where the standard leaves something open: after a
    row's last step Y is 0; a row without steps has the state 0; `clip` bounds the pre-activations
    of gates and candidate, and not the cell state that h is made of.
    """

    def __init__(self, source: Any) -> None:
        if not isinstance(source, bytes | str | os.PathLike) and not hasattr(source, "graph"):
            raise TypeError(
                f"Runner: source: expected a path, bytes or a ModelProto, got {type(source)}"
            )
        where = os.fspath(source) if isinstance(source, str | os.PathLike) else "Runner: source"
        if isinstance(source, str | os.PathLike) and not os.path.isfile(source):
            raise FileNotFoundError(f"Runner: no file {where}")
        needed("onnx", "onnx")
        try:
            proto = model_proto.read_proto(source)
            self.inputs, self.outputs = ends(proto.graph)
            self._evaluator = _evaluator(proto)
        except Exception as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(f"{where}: {reason}") from error
        self._names = {node.output[0]: node for node in proto.graph.node if node.output}

    def run(self, feeds: Mapping[str, Any], outputs: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the outputs for inputs, both by name.

        Parameters
        ----------
        feeds : mapping of str to array_like
            An array for each of `inputs`.
        outputs : sequence of str, optional
            The names of those wanted; default all, in the graph's order.

        Returns
        -------
        dict of str to ndarray

        Raises
        ------
        ValueError
            If inputs are missing, unknown or do not fit, or a node cannot compute them.
        """
        arrays = self._converted(feeds)
        wanted = [tensor.name for tensor in self.outputs] if outputs is None else list(outputs)
        known = [tensor.name for tensor in self.outputs]
        for name in wanted:
            if name not in known:
                raise ValueError(f"run: outputs: no {name!r}: {nearest(str(name), known)}")
        try:
            with np.errstate(all="ignore"):
                found = self._evaluator.run(wanted, arrays)
        except Exception as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise ValueError(f"run: {reason}") from error
        return dict(zip(wanted, found, strict=True))

    def _converted(self, feeds: Mapping[str, Any]) -> dict[str, Array]:
        known = [tensor.name for tensor in self.inputs]
        if not isinstance(feeds, Mapping):
            raise TypeError(f"run: feeds: expected a dict with {known}, got {type(feeds).__name__}")
        for name in feeds:
            if name not in known:
                raise ValueError(f"run: feeds: no input {name!r}: {nearest(str(name), known)}")
        return {tensor.name: _fitting(tensor, feeds) for tensor in self.inputs}

    def __repr__(self) -> str:
        names = [[tensor.name for tensor in part] for part in (self.inputs, self.outputs)]
        return f"<Runner of {names[0]} to {names[1]}>"


def _fitting(tensor: Tensor, feeds: Mapping[str, Any]) -> Array:
    """Return the array for an input, in its dtype; raise ValueError if it does not fit."""
    what = f"run: feeds[{tensor.name!r}]"
    if tensor.name not in feeds:
        raise ValueError(f"{what}: expected an array, got nothing")
    array = np.asarray(feeds[tensor.name])
    if tensor.dtype is not None and array.dtype != tensor.dtype:
        wanted = np.dtype(tensor.dtype)
        whole = array.dtype.kind in "iub" and wanted.kind in "iuf"
        if not whole and not np.can_cast(array.dtype, wanted, "same_kind"):
            raise ValueError(f"{what}: expected {wanted}, got {array.dtype}")
        array = array.astype(wanted)
    if tensor.shape is not None:
        fits = len(tensor.shape) == array.ndim and all(
            not isinstance(n, int) or n == m
            for n, m in zip(tensor.shape, array.shape, strict=False)
        )
        if not fits:
            raise ValueError(f"{what}: expected shape {tensor.shape}, got {array.shape}")
    return array


def ends(graph: Any) -> tuple[list[Tensor], list[Tensor]]:
    """Return the inputs of a graph that have no default, and its outputs."""
    given = {tensor.name for tensor in graph.initializer}
    return (
        [_tensor(value) for value in graph.input if value.name not in given],
        [_tensor(value) for value in graph.output],
    )


def _tensor(value: Any) -> Tensor:
    from onnx.helper import tensor_dtype_to_np_dtype

    kind = value.type.tensor_type
    dtype = np.dtype(tensor_dtype_to_np_dtype(kind.elem_type)).name if kind.elem_type else None
    if not kind.HasField("shape"):
        return Tensor(value.name, None, dtype)
    sizes = (
        int(n.dim_value) if n.HasField("dim_value") else n.dim_param or None for n in kind.shape.dim
    )
    return Tensor(value.name, tuple(sizes), dtype)


def _evaluator(proto: Any) -> Any:
    """Return the reference evaluator of a graph, with our operators."""
    from onnx.reference import ReferenceEvaluator

    from .operators import new_operators

    made = ReferenceEvaluator(proto, new_ops=new_operators(model_proto.opset_version(proto)))
    _freeze(made)
    return made


def _freeze(evaluator: Any) -> None:
    """Make the weights of a graph and of the graphs in it read-only: what is packed stays so."""
    done, left = set(), [evaluator]  # a node that is a function knows the evaluator it is of
    while left:
        one = left.pop()
        if id(one) in done:
            continue
        done.add(id(one))
        for array in one.rt_inits_.values():
            if isinstance(array, np.ndarray):
                array.flags.writeable = False
        for node in one.rt_nodes_:
            left += [value for value in vars(node).values() if type(value) is type(evaluator)]
