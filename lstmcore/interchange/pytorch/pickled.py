"""The pickle of a PyTorch file, read by a machine that knows tensors and containers alone.

Why this is safe. Python's unpickler imports what a file names, and calls it. The machine here is
no unpickler: `pickletools.genops` splits the bytes into operations without executing any, and the
table `_OPERATIONS` has what each of them does to a stack of plain values. A name in the file is
looked up in a table of strings (`closed_list`) and nowhere else: nothing is imported, no attribute
is looked up, no object is made by its class. REDUCE calls one of the functions of that table,
which makes a container or the description of a tensor. BUILD, with which a pickle sets the state
of an object, is taken for an `OrderedDict`, whose only attribute of PyTorch's is dropped, and for
NumPy's types and arrays. Every other name and operation is refused by name.

Memory: an operation makes one small object or copies bytes of its own, so the memory is bounded
by the length of the pickle and by `MOST_OPERATIONS`. The memo is a dict of references: a large
index takes no memory. Keys are texts and numbers, since the hash of tuples inside each other is
computed by recursion without a limit.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any

from .closed_list import CALLS, Name, NumpyArray, NumpyType, Ordered, find, put, scalars, storage

MOST_OPERATIONS = 2_000_000  # a state dict of 1000 tensors has about 30,000
_METADATA = "_metadata"  # versions of the modules, which `state_dict` writes


def read_pickle(content: bytes) -> Any:
    """Return the value of a pickle: containers, numbers, texts, and `tensors.Tensor`.

    Parameters
    ----------
    content : bytes

    Raises
    ------
    ValueError
        If it is damaged, or has an operation or a name that is not known; the message has it.
    """
    machine = _Machine()
    try:
        for count, (operation, argument, _) in enumerate(pickletools.genops(content)):
            if count >= MOST_OPERATIONS:
                raise ValueError(f"its pickle has more than {MOST_OPERATIONS} operations")
            apply = _OPERATIONS.get(operation.name)
            if apply is None:
                raise ValueError(f"its pickle has the operation {operation.name}, which is refused")
            apply(machine, argument)
        return machine.pop()
    except (IndexError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"its pickle is damaged: {str(error)[:200]}") from error


class _Machine:
    """The stack of values, the places of its marks, and the memo."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def pop(self) -> Any:
        """Take a value from the stack, not below the last mark."""
        self.top()
        return self.stack.pop()

    def top(self) -> Any:
        """Return the last value of the stack above the last mark."""
        if len(self.stack) <= (self.marks[-1] if self.marks else 0):
            raise IndexError("there is no value on its stack")
        return self.stack[-1]

    def pop_marked(self) -> list[Any]:
        """Take all values above the last mark, and the mark."""
        start = self.marks.pop()
        found = self.stack[start:]
        del self.stack[start:]
        return found

    def pop_several(self, count: int) -> list[Any]:
        """Take this many values, in their order."""
        return [self.pop() for _ in range(count)][::-1]

    def memoize(self, index: int) -> None:
        """Give the last value a number, by which it can be put on the stack again."""
        self.memo[index] = self.top()


# -- operations ------------------------------------------------------------------------------


def _global(machine: _Machine, argument: Any) -> None:
    module, _, name = argument.partition(" ")
    machine.push(find(module, name))


def _stack_global(machine: _Machine, _: Any) -> None:
    module, name = machine.pop_several(2)
    if type(module) is not str or type(name) is not str:
        raise ValueError("its pickle has a name that is no text")
    machine.push(find(module, name))


def _reduce(machine: _Machine, _: Any) -> None:
    name, arguments = machine.pop_several(2)
    if not isinstance(name, Name) or name not in CALLS or type(arguments) is not tuple:
        raise ValueError("its pickle calls something that is no function of the closed list")
    machine.push(CALLS[name](*arguments))


def _build(machine: _Machine, _: Any) -> None:
    state, of = machine.pop(), machine.top()
    if isinstance(of, NumpyType | NumpyArray):
        of.build(state)
    elif not isinstance(of, Ordered) or type(state) is not dict or set(state) - {_METADATA}:
        raise ValueError(f"its pickle sets the state of a {type(of).__name__}")


def _append(machine: _Machine, items: list[Any]) -> None:
    into = machine.top()
    if type(into) is not list:
        raise ValueError(f"its pickle appends to a {type(into).__name__}")
    into.extend(items)


def _set_items(machine: _Machine, items: list[Any]) -> None:
    into = machine.top()
    if not isinstance(into, dict) or len(items) % 2:
        raise ValueError(f"its pickle sets an item of a {type(into).__name__}")
    for key, value in zip(items[::2], items[1::2], strict=True):
        put(into, key, value)


def _add_items(machine: _Machine, _: Any) -> None:
    items, into = scalars(machine.pop_marked()), machine.top()
    if type(into) is not set:
        raise ValueError(f"its pickle adds to a {type(into).__name__}")
    into.update(items)


def _protocol(machine: _Machine, argument: Any) -> None:
    if not 2 <= argument <= 5:
        raise ValueError(f"its pickle has protocol {argument}: expected 2 to 5")


def _push(machine: _Machine, argument: Any) -> None:
    machine.push(argument)


def _nothing(machine: _Machine, argument: Any) -> None:
    pass


_OPERATIONS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": _protocol,
    "FRAME": _nothing,
    "STOP": _nothing,
    "NONE": lambda m, _: m.push(None),
    "NEWTRUE": lambda m, _: m.push(True),
    "NEWFALSE": lambda m, _: m.push(False),
    **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"), _push),
    **dict.fromkeys(("SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"), _push),
    **dict.fromkeys(("SHORT_BINBYTES", "BINBYTES", "BINBYTES8"), _push),
    "BYTEARRAY8": lambda m, a: m.push(bytes(a)),
    "EMPTY_TUPLE": lambda m, _: m.push(()),
    "EMPTY_LIST": lambda m, _: m.push([]),
    "EMPTY_DICT": lambda m, _: m.push({}),
    "EMPTY_SET": lambda m, _: m.push(set()),
    "MARK": lambda m, _: m.marks.append(len(m.stack)),
    "TUPLE": lambda m, _: m.push(tuple(m.pop_marked())),
    "TUPLE1": lambda m, _: m.push((m.pop(),)),
    "TUPLE2": lambda m, _: m.push(tuple(m.pop_several(2))),
    "TUPLE3": lambda m, _: m.push(tuple(m.pop_several(3))),
    "FROZENSET": lambda m, _: m.push(frozenset(scalars(m.pop_marked()))),
    "APPEND": lambda m, _: _append(m, [m.pop()]),
    "APPENDS": lambda m, _: _append(m, m.pop_marked()),
    "SETITEM": lambda m, _: _set_items(m, m.pop_several(2)),
    "SETITEMS": lambda m, _: _set_items(m, m.pop_marked()),
    "ADDITEMS": _add_items,
    "MEMOIZE": lambda m, _: m.memoize(len(m.memo)),
    **dict.fromkeys(("BINPUT", "LONG_BINPUT"), lambda m, a: m.memoize(a)),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), lambda m, a: m.push(m.memo[a])),
    "GLOBAL": _global,
    "STACK_GLOBAL": _stack_global,
    "REDUCE": _reduce,
    "BUILD": _build,
    "BINPERSID": lambda m, _: m.push(storage(m.pop())),
}
