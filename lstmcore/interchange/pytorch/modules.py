"""`from_torch`: layers of PyTorch's modules, recognized by their classes' names and attributes.

PyTorch has a convolution's input as (batch, channels, time), this library as (batch, time,
features). So the conversion of a Sequential keeps count of the order: after a convolution or
pooling the axes are exchanged here, and where a module then works along PyTorch's last axis, or
flattens, a `Permute` exchanges them again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ... import layers
from ...models import Sequential
from ...validation import Array
from .building import BUILDERS
from .weightless import ALONG_AXIS, ELEMENTWISE, WINDOWS, along_axis, expect
from .weights import Taken

_RECURRENT, _CELLS = ("LSTM", "GRU", "RNN"), ("LSTMCell", "GRUCell", "RNNCell")
_CHANNELS = ("Conv1d", *WINDOWS)  # modules on (batch, channels, time)
_LAST_AXIS = ("Linear", "Embedding", "LayerNorm", "Flatten", *_RECURRENT)
# modules that compute each element of each step alone: for them the first two axes are alike
_STEP_BY_STEP = ("Linear", "Embedding", "LayerNorm", *ELEMENTWISE)
_KNOWN = (*BUILDERS, "Sequential", "Flatten", "PReLU", *_CHANNELS[1:], *ALONG_AXIS, *ELEMENTWISE)


def from_torch(module: Any, input_shape: tuple[int | None, ...] | None = None) -> Any:
    """Make a layer, or a model of several, with the weights of a module of ``torch.nn``.

    Parameters
    ----------
    module : torch.nn.Module
        LSTM, GRU, RNN and their cells, Linear, Embedding, LayerNorm, BatchNorm1d, Conv1d,
        pooling, dropout, Flatten, activations; and a Sequential of these, in which a recurrent
        module can only be the last, and gives its output. It is not changed.
    input_shape : tuple of int or None, optional
        The shape of a sample of the model here, ``(None, 8)`` for sequences of 8 features. The
        model is then built. It also says how many axes there are, where a PReLU asks.

    Returns
    -------
    Layer or Sequential
        It computes what the module does in its ``eval()`` mode. What it takes is

        * ``(batch, time, features)`` for a recurrent module, whatever its ``batch_first``; it
          returns the output of every step (``layer.return_sequences = False`` for the last);
        * ``(batch, time, channels)`` for a Conv1d, a pooling, a BatchNorm1d, where PyTorch takes
          ``(batch, channels, time)``, and for a Sequential that begins with one;
        * what PyTorch takes in all other cases.

    Raises
    ------
    ValueError
        For a module or an option that is not known, by its name and place. For a class of your
        own: its ``forward`` cannot be read, so give its children one by one.
    """
    parts = list(_parts(module, ""))
    kinds = [kind for kind, _, _ in parts]
    made: list[Any] = []
    order = _Order(kinds, input_shape)
    shared: dict[Any, list[Any]] = {}
    for place, (kind, part, path) in enumerate(parts):
        if kind in (*_RECURRENT, *_CELLS) and len(parts) > 1:
            _check_place(part, path, kinds, place)
        try:
            made += order.place(kind, part, shared)
        except ValueError as error:
            raise ValueError(f"from_torch: {_named(part, path)}: {error}") from error
    if not made:
        raise ValueError(f"from_torch: {_named(module, '')} has no modules")
    if len(made) == 1 and input_shape is None:
        return made[0]
    shape = input_shape or _input_shape(kinds, parts)
    return Sequential([*([] if shape is None else [layers.Input(shape)]), *made])


def _parts(module: Any, path: str) -> Iterator[tuple[str, Any, str]]:
    """Yield the class, the module and the path of each module, in order."""
    cls = type(module)
    if not hasattr(module, "state_dict") or not hasattr(module, "_modules"):
        hint = ": lstmcore.layers_from_torch takes arrays" if isinstance(module, dict) else ""
        raise ValueError(f"from_torch: expected a module of torch.nn, got {cls.__name__}{hint}")
    own = cls.__module__.startswith("torch.nn.modules.")
    if own and cls.__name__ == "Sequential":
        for name, child in module._modules.items():
            yield from _parts(child, f"{path}.{name}" if path else name)
        return
    if not own or cls.__name__ not in _KNOWN:
        raise ValueError(f"from_torch: {_named(module, path)} {_unknown(module, path, own)}")
    if any(getattr(module, hooks, None) for hooks in ("_forward_hooks", "_forward_pre_hooks")):
        raise ValueError(f"from_torch: {_named(module, path)} has hooks, which cannot be read")
    yield cls.__name__, module, path


def _named(module: Any, path: str) -> str:
    return f"{path!r} ({type(module).__name__})" if path else type(module).__name__


def _unknown(module: Any, path: str, own: bool) -> str:
    """Return what is said of a module of an unknown class, and what can be done."""
    children = {name: child for name, child in module._modules.items() if child is not None}
    if not children and own:
        return f"is not known; known are {', '.join(_KNOWN)}"
    if not children:
        cls = type(module)
        name = f"{cls.__module__}.{cls.__qualname__}"
        return f"is a class of its own, {name}, whose forward cannot be read"
    listed = ", ".join(f"{name} ({type(child).__name__})" for name, child in children.items())
    inside = "".join(f".{part}" for part in (path, next(iter(children))) if part)
    whose = "is not known" if own else "is a class of its own, whose forward cannot be read"
    return (
        f"{whose}. It has {listed}: make layers of each, lstmcore.from_torch(module{inside}) and "
        "so on, and connect them as its forward does"
    )


def _check_place(module: Any, path: str, kinds: list[str], place: int) -> None:
    """Raise ValueError for a recurrent module at a place in a Sequential that does not work."""
    where = f"from_torch: {_named(module, path)}"
    if place < len(kinds) - 1 or kinds[place] in _CELLS:
        raise ValueError(
            f"{where} returns its states beside its output, so a Sequential can only have a "
            "recurrent module as its last: give the modules one by one"
        )
    wrong = [kind for kind in kinds[:place] if kind not in _STEP_BY_STEP]
    if not module.batch_first and wrong:
        raise ValueError(
            f"{where} has batch_first=False, so that axis 0 is time; {wrong[0]} before it takes "
            "axis 0 for the batch: give the modules one by one"
        )


def _input_shape(kinds: list[str], parts: list[Any]) -> tuple[int | None, ...] | None:
    """Return the shape of a sample if the first module says it."""
    first = parts[0][1]
    if kinds[0] in _RECURRENT:
        return (None, first.input_size)
    return (None, first.in_channels) if kinds[0] == "Conv1d" else None


class _Order:
    """The order of the axes between the modules, here as against PyTorch.

    Attributes
    ----------
    moved : bool
        PyTorch's (batch, channels, time) is (batch, time, channels) here.
    rank : int or None
        The number of axes; None if it is not known.
    """

    def __init__(self, kinds: list[str], input_shape: tuple[int | None, ...] | None) -> None:
        asking = (*_CHANNELS, *_LAST_AXIS, *ALONG_AXIS)
        first = next((kind for kind in kinds if kind in asking), kinds[0] if kinds else "")
        self.moved = first in (*_CHANNELS, "BatchNorm1d", "PReLU")
        self.rank = 3 if first in _CHANNELS else None
        if input_shape is not None:
            self.rank = len(input_shape) + 1
            self.moved = self.moved and self.rank == 3

    def place(self, kind: str, module: Any, shared: dict[Any, list[Any]]) -> list[Any]:
        """Return the layers of a module, with a `Permute` before them if it needs one."""
        before = []
        if kind in (*_CHANNELS, *_LAST_AXIS) and self.moved != (kind in _CHANNELS):
            before, self.moved = [layers.Permute((2, 1))], not self.moved
        key = (id(module), self.moved, self.rank)
        if kind in ELEMENTWISE or kind in WINDOWS or key not in shared:  # names are unique
            shared[key] = self._make(kind, module)
        if kind in _CHANNELS:
            self.rank = 3
        if kind == "Flatten":
            self.rank = 2
        if kind == "Embedding" and self.rank is not None:
            self.rank += 1
        return before + shared[key]

    def _make(self, kind: str, module: Any) -> list[Any]:
        if kind in ELEMENTWISE:
            return [ELEMENTWISE[kind](module)]
        if kind in WINDOWS:
            return WINDOWS[kind](module)
        if kind in ALONG_AXIS:
            return [along_axis(module, self.moved)]
        if kind == "Flatten":
            expect(module, "start_dim", 1)
            expect(module, "end_dim", -1)
            return [layers.Flatten()]
        if kind == "PReLU":
            return [self._prelu(module)]
        options = _OPTIONS.get(kind, lambda m: {})(module)
        if kind == "BatchNorm1d":
            options["axis"] = -1 if self.moved or self.rank == 2 else 1
        taken = Taken(_arrays(module), "")
        made = BUILDERS[kind](taken, **options)
        taken.finish()
        return made

    def _prelu(self, module: Any) -> Any:
        """Return the layer of a PReLU, whose slopes belong to axis 1 of PyTorch's tensor."""
        slopes = _arrays(module)["weight"]
        rank = 3 if self.moved else self.rank
        if rank not in (2, 3):
            raise ValueError("say input_shape: it decides which axis the slopes belong to")
        if rank == 3 and not self.moved and len(slopes) > 1:
            raise ValueError("its slopes belong to axis 1, that of time here")
        shared = list(range(1, rank - 1)) if len(slopes) > 1 else list(range(1, rank))
        layer = layers.PReLU(shared_axes=shared or None, dtype=slopes.dtype.name)
        layer.build((None, *[None] * (rank - 2), len(slopes)))
        layer.set_weights([slopes.reshape(layer.alpha.shape)])
        return layer


# -- options and arrays ----------------------------------------------------------------------------


def _recurrent(module: Any) -> dict[str, Any]:
    options: dict[str, Any] = {"dropout": float(module.dropout)}
    if type(module).__name__ == "RNN":
        options["nonlinearity"] = module.nonlinearity
    return options


def _embedding(module: Any) -> dict[str, Any]:
    expect(module, "max_norm", None)
    expect(module, "scale_grad_by_freq", False)
    return {}


def _batch_norm(module: Any) -> dict[str, Any]:
    expect(module, "track_running_stats", True)
    return {"eps": module.eps, "momentum": module.momentum}


def _conv(module: Any) -> dict[str, Any]:
    expect(module, "padding_mode", "zeros")
    return {name: getattr(module, name) for name in ("stride", "padding", "dilation", "groups")}


_OPTIONS: dict[str, Callable[[Any], dict[str, Any]]] = {
    **dict.fromkeys(_RECURRENT, _recurrent),
    "RNNCell": lambda m: {"nonlinearity": m.nonlinearity},
    "Embedding": _embedding,
    "LayerNorm": lambda m: {"eps": m.eps, "normalized_shape": tuple(m.normalized_shape)},
    "BatchNorm1d": _batch_norm,
    "Conv1d": _conv,
}


def _arrays(module: Any) -> dict[str, Array]:
    """Return the arrays of a module by name; those of 16 bits become float32."""
    found = {}
    for name, tensor in module.state_dict().items():
        if str(tensor.dtype) in ("torch.bfloat16", "torch.float16"):
            tensor = tensor.float()
        try:
            found[name] = np.asarray(tensor.detach().cpu().numpy())
        except (NotImplementedError, RuntimeError, TypeError) as error:  # of device meta, sparse
            raise ValueError(f"{name} has no array: {error}") from error
    return found
