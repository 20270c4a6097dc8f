"""The closed list: every name that the pickle of a PyTorch file may have, and what it stands for.

The functions here make descriptions and containers of plain values. They import nothing and call
nothing of the file's; a name that is not on the list is refused by `find`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .tensors import CODES, STORAGES, Storage, Tensor

_REMEDY = "in PyTorch write torch.save(model.state_dict(), path), and read that file"
_REFUSED = {
    "torch._utils._rebuild_qtensor": "a quantized tensor, which has no NumPy array",
    "torch._utils._rebuild_sparse_tensor": "a sparse tensor: save tensor.to_dense()",
    "torch._utils._rebuild_sparse_csr_tensor": "a sparse tensor: save tensor.to_dense()",
    "torch._utils._rebuild_nested_tensor": "a nested tensor: save its parts",
    "torch._utils._rebuild_meta_tensor_no_storage": "a tensor of device 'meta', without content",
}
_TENSOR_TYPES = ("torch.Tensor", "torch.nn.parameter.Parameter")
UNTYPED = "torch.storage.UntypedStorage"


class Ordered(dict[Any, Any]):
    """An `OrderedDict` of a file: BUILD may give it the attribute that PyTorch uses."""


class Name(str):
    """A name of the closed list, as a value."""

    __slots__ = ()


class NumpyType:
    """The type of a NumPy scalar or array; BUILD brings its byte order."""

    def __init__(self, code: Any, *_: Any) -> None:
        if code not in ("b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"):
            raise ValueError(f"it has a NumPy array of type {str(code)[:80]!r}, not of numbers")
        self.dtype = np.dtype(code)

    def build(self, state: Any) -> None:
        """Set the byte order."""
        if type(state) is not tuple or len(state) < 2 or state[1] not in ("<", ">", "|", "="):
            raise ValueError("it has a NumPy type that is not of numbers")
        self.dtype = self.dtype.newbyteorder(state[1])


class NumpyArray:
    """A NumPy array; BUILD brings its shape and content."""

    value: Any = None

    def build(self, state: Any) -> None:
        """Set shape, type and content, which must have the size that the shape says."""
        if type(state) is not tuple or len(state) != 5 or not isinstance(state[2], NumpyType):
            raise ValueError("it has a NumPy array that is damaged")
        _, shape, kind, fortran, content = state
        if type(shape) is not tuple or len(shape) > 32 or type(content) is not bytes:
            raise ValueError("it has a NumPy array that is damaged")
        flat = np.frombuffer(content, kind.dtype).astype(kind.dtype.newbyteorder("="))
        self.value = flat.reshape(shape, order="F" if fortran else "C")


def find(module: str, name: str) -> Name:
    """Return a name of the closed list; raise ValueError for any other."""
    full = f"{module}.{name}"
    if full in CALLS or full in _VALUES:
        return Name(full)
    if full in _REFUSED:
        raise ValueError(f"it has {_REFUSED[full]}")
    if module == "torch" and name.startswith("Q") and name.endswith("Storage"):
        raise ValueError(f"it has {_REFUSED['torch._utils._rebuild_qtensor']}")
    if module == "torch" and name.startswith(("float8_", "float4_")):
        raise ValueError(f"it has a tensor of type {name[:40]}, which NumPy has not")
    if module.startswith(("torch.nn.modules", "torch.jit")):
        raise ValueError(f"it is a whole pickled module, of class {full:.160}: {_REMEDY}")
    raise ValueError(
        f"its pickle names {full:.160}, which is not on the closed list of tensors and containers "
        f"and is not executed; of a model, or of a checkpoint with more than tensors, {_REMEDY}"
    )


# -- what the names on the list do -----------------------------------------------------------


def storage(identifier: Any) -> Storage:
    """Return the storage of a persistent id, ``("storage", class, key, device, elements)``."""
    if type(identifier) is not tuple or len(identifier) != 5 or identifier[0] != "storage":
        raise ValueError("its pickle has a persistent id that is no storage")
    _, kind, key, _, count = identifier
    name = str(kind).rpartition(".")[2]
    if not isinstance(kind, Name) or (kind != UNTYPED and name not in STORAGES):
        raise ValueError(f"its pickle has a storage of type {str(kind)[:80]!r}")
    if type(key) is not str or type(count) is not int or not 0 <= count < 1 << 60:
        raise ValueError("its pickle has a storage without a key or a number of elements")
    return Storage(key, STORAGES.get(name), count)


def _tensor(
    of: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, metadata: Any = None
) -> Tensor:
    """Describe a tensor of a typed storage: ``torch._utils._rebuild_tensor_v2``."""
    if not isinstance(of, Storage) or of.dtype is None:
        raise ValueError("its pickle has a tensor without a storage of its type")
    return _described(of, of.dtype, offset, size, stride, metadata)


def _tensor_with_type(
    of: Any, offset: Any, size: Any, stride: Any, grad: Any, hooks: Any, dtype: Any, *rest: Any
) -> Tensor:
    """Describe a tensor of a storage of bytes: ``torch._utils._rebuild_tensor_v3``."""
    name = str(dtype).rpartition(".")[2]
    if not isinstance(of, Storage) or not isinstance(dtype, Name) or name not in CODES:
        raise ValueError("its pickle has a tensor without a storage or a type")
    if of.dtype is not None:
        raise ValueError("its pickle has a tensor whose storage has another type")
    return _described(of, name, offset, size, stride, *rest)


def _described(
    of: Storage, dtype: str, offset: Any, size: Any, stride: Any, metadata: Any = None
) -> Tensor:
    if metadata is not None and (type(metadata) is not dict or any(metadata.values())):
        raise ValueError(
            "it has a tensor that is conjugated or negated: save tensor.resolve_conj()"
        )
    if type(size) is not tuple or type(stride) is not tuple:
        raise ValueError("its pickle has a tensor without size and stride")
    made = Tensor(of, dtype, offset, size, stride)
    made.check()
    return made


def _parameter(tensor: Any, *_: Any) -> Tensor:
    """Return the tensor of a parameter: ``torch._utils._rebuild_parameter``, with state or not."""
    if not isinstance(tensor, Tensor):
        raise ValueError("its pickle has a parameter that is no tensor")
    return tensor


def _with_attributes(call: Any, kind: Any, arguments: Any, _: Any) -> Any:
    """Return a tensor that was saved with attributes of Python, without those."""
    if kind not in _TENSOR_TYPES or call not in _TENSORS or type(arguments) is not tuple:
        raise ValueError(f"its pickle has a tensor of class {str(kind)[:80]!r}")
    return _TENSORS[call](*arguments)


def _ordered(pairs: Any = None) -> Ordered:
    if type(pairs) not in (list, type(None)):
        raise ValueError("its pickle has an OrderedDict that is damaged")
    made = Ordered()
    for key, value in pairs or ():
        put(made, key, value)
    return made


def put(into: dict[Any, Any], key: Any, value: Any) -> None:
    """Set an entry of a dict, whose key must be a text or a number, and there once."""
    if type(key) not in (str, int, float, bool):
        raise ValueError(f"its pickle has a dict with a key of type {type(key).__name__}")
    if key in into:
        raise ValueError(f"its pickle has the key {str(key)[:80]!r} twice")
    into[key] = value


def scalars(items: Any) -> list[Any]:
    """Return the items of a set, which must be texts or numbers."""
    found = list(items)
    if any(type(item) not in (str, int, float, bool, bytes, type(None)) for item in found):
        raise ValueError("its pickle has a set of other things than texts and numbers")
    return found


def _counter(of: Any = None) -> dict[Any, Any]:
    if of is not None and type(of) is not dict:
        raise ValueError("its pickle has a Counter that is damaged")
    return of or {}


def _size(of: Any) -> tuple[Any, ...]:
    if type(of) is not tuple:
        raise ValueError("its pickle has a torch.Size that is damaged")
    return of


def _device(kind: Any, index: Any = None) -> str:
    if type(kind) is not str or type(index) not in (int, type(None)):
        raise ValueError("its pickle has a torch.device that is damaged")
    return kind if index is None else f"{kind}:{index}"


def _encoded(text: Any, codec: Any) -> bytes:
    """Return the bytes of a text: protocol 2 writes bytes so."""
    if type(text) is not str or codec not in ("latin1", "latin-1"):
        raise ValueError("its pickle has bytes in an unknown form")
    return text.encode("latin-1")


def _number(kind: Any, content: Any) -> Any:
    """Return the number of a NumPy scalar."""
    if not isinstance(kind, NumpyType) or type(content) is not bytes:
        raise ValueError("its pickle has a NumPy scalar that is damaged")
    if len(content) != kind.dtype.itemsize:
        raise ValueError("its pickle has a NumPy scalar that is damaged")
    return np.frombuffer(content, kind.dtype)[0].item()


def _complex(real: Any, imaginary: Any) -> complex:
    if type(real) is not float or type(imaginary) is not float:
        raise ValueError("its pickle has a complex number that is damaged")
    return complex(real, imaginary)


def _array(kind: Any, *_: Any) -> NumpyArray:
    if kind != "numpy.ndarray":
        raise ValueError("its pickle has a NumPy array of another class")
    return NumpyArray()


_TENSORS: dict[str, Callable[..., Tensor]] = {
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _tensor_with_type,
}
CALLS: dict[str, Callable[..., Any]] = {
    **_TENSORS,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    "torch._tensor._rebuild_from_type_v2": _with_attributes,
    "torch.Size": _size,
    "torch.device": _device,
    "collections.OrderedDict": _ordered,
    "collections.Counter": _counter,
    "_codecs.encode": _encoded,
    "numpy.dtype": NumpyType,
}
for _builtins in ("builtins", "__builtin__"):
    CALLS[f"{_builtins}.set"] = lambda items=(): set(scalars(items))
    CALLS[f"{_builtins}.frozenset"] = lambda items=(): frozenset(scalars(items))
    CALLS[f"{_builtins}.complex"] = _complex
for _multiarray in ("numpy.core.multiarray", "numpy._core.multiarray"):
    CALLS[f"{_multiarray}.scalar"] = _number
    CALLS[f"{_multiarray}._reconstruct"] = _array
_VALUES = {
    *(f"torch.{name}" for name in (*CODES, *STORAGES)),
    *(f"torch.cuda.{name}" for name in STORAGES),
    *_TENSOR_TYPES,
    "numpy.ndarray",
    UNTYPED,
}
