"""Files as PyTorch writes them, written by hand, and modules as it has them, without PyTorch."""

import pickle
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np

FILES = Path(__file__).parents[1] / "interchange/pytorch/files"
STORAGE = b"ctorch\nFloatStorage\n"
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"


def write(path, pickled, records=(), byteorder="little"):
    """Write an archive of torch.save around a pickle; records are of data/, by their keys."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", pickled)
        archive.writestr("m/byteorder", byteorder)
        for key, content in dict(records).items():
            archive.writestr(f"m/data/{key}", content)
        archive.writestr("m/version", "3\n")
    return path


def value(thing):
    """The operations that put a plain value on the stack."""
    return pickle.dumps(thing, 2)[2:-1]


def tensor(count, offset, size, stride, key="0", storage=STORAGE):
    """The operations that put a tensor on the stack."""
    return (
        REBUILD
        + b"("
        + (b"(" + value("storage") + storage + value(key) + value("cpu") + value(count) + b"tQ")
        + value(offset)
        + value(size)
        + value(stride)
        + b"\x89ccollections\nOrderedDict\n)RtR"
    )


def state(**tensors):
    """The pickle of a dict of tensors, each as `tensor` returns it."""
    items = b"".join(value(name) + content for name, content in tensors.items())
    return b"\x80\x02}(" + items + b"u."


class FakeTensor(SimpleNamespace):
    """A tensor of PyTorch's: what `from_torch` asks of it."""

    def detach(self):
        return self

    cpu = detach

    def float(self):
        return FakeTensor(array=self.array.astype(np.float32), dtype="torch.float32")

    def numpy(self):
        return self.array


def module(kind, state=None, *, home="torch.nn.modules.made", children=None, **attributes):
    """A module of PyTorch's: a class of this name, with a state dict and attributes."""
    tensors = {
        name: FakeTensor(array=np.asarray(array), dtype=f"torch.{np.asarray(array).dtype}")
        for name, array in (state or {}).items()
    }
    cls = type(kind, (), {"__module__": home, "state_dict": lambda self: tensors})
    made = cls()
    made._modules = dict(children or {})
    for name, attribute in attributes.items():
        setattr(made, name, attribute)
    return made


def sequential(*modules):
    """A torch.nn.Sequential."""
    return module("Sequential", children={str(i): m for i, m in enumerate(modules)})
