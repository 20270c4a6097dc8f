"""ONNX files as `lstmcore.saving.formats` reads and writes them."""

from __future__ import annotations

from collections import Counter
from typing import Any, NoReturn

from ..extras import needed
from . import model_proto
from .exporting import export_model as export_model
from .runner import ends


def read_model(path: str, *, compile: bool = True, allow_nonfinite: bool = False) -> Any:
    """Return the model of layers that a graph is; the very model of a graph of our own.

    Parameters
    ----------
    path : str
    compile : bool, default True
        Without effect: a graph says nothing about training.
    allow_nonfinite : bool, default False
        Accept weights that are NaN or infinite.

    Raises
    ------
    ValueError
        If the graph cannot be read as layers; the message names the node.
    """
    from .importing import model_of
    from .own_graph import own_model

    proto = model_proto.read_proto(path)
    model = own_model(proto)
    if model is None:
        model = model_of(proto)
    if not allow_nonfinite:
        _check_finite(model)
    return model


def _check_finite(model: Any) -> None:
    from ... import _core

    for name, param, _ in model.named_params():
        if not _core.finite(param.value):
            raise ValueError(
                f"weight {name!r} is NaN or infinite; allow_nonfinite=True loads it all the same"
            )


def read_weights(model: Any, path: str, **options: Any) -> NoReturn:
    """Refuse: a graph has no names of layers."""
    raise ValueError(
        "an ONNX graph has no weights by layer: load it as a model, lstmcore.load_model(path), and "
        "take model.get_layer(name).get_weights()"
    )


def describe(path: str) -> dict[str, Any]:
    """Return what a file has, without computing anything.

    Returns
    -------
    dict
        ``opsets``, ``producer``, ``inputs`` and ``outputs`` (name, shape, dtype), ``operators``
        with their numbers, and ``refused``: why it cannot be read as layers or run, or None.
    """
    proto = needed("onnx", "onnx").ModelProto()
    with open(path, "rb") as file:
        proto.ParseFromString(file.read())
    inputs, outputs = ends(proto.graph)
    operators = Counter(
        f"{node.domain}::{node.op_type}" if node.domain else node.op_type
        for node in proto.graph.node
    )
    return {
        "opsets": {o.domain or "ai.onnx": o.version for o in proto.opset_import},
        "producer": f"{proto.producer_name} {proto.producer_version}".strip(),
        "inputs": [tuple(tensor) for tensor in inputs],
        "outputs": [tuple(tensor) for tensor in outputs],
        "operators": dict(sorted(operators.items())),
        "refused": _refusal(path),
    }


def _refusal(path: str) -> str | None:
    try:
        read_model(path, allow_nonfinite=True)
    except ValueError as error:
        return str(error)
    return None
