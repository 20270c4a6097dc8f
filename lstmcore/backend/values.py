"""Values, dtypes and random numbers by their names in Keras's backend."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..config import floatx
from ..layers.parameters import Param
from ..layers.symbolic import SymbolicTensor
from ..models import Model
from ..random.functions import binomial, normal, uniform
from ..random.functions import dropout as _dropout
from ..random.functions import truncated_normal as _truncated
from ..utils import standardize_dtype

_numbers: Counter[str] = Counter()


def get_uid(prefix: str = "") -> int:
    """Return 1, 2, 3 ... for the calls with a prefix."""
    _numbers[prefix] += 1
    return _numbers[prefix]


def reset_uids() -> None:
    """Begin the numbers of `get_uid` at 1 again."""
    _numbers.clear()


# -- values ----------------------------------------------------------------------------------------


def get_value(x: Any) -> Any:
    """Return the numbers of a weight, an optimizer's variable or an array."""
    return x.numpy() if hasattr(x, "numpy") else np.asarray(x)


def eval(x: Any) -> Any:
    """Return the numbers of a weight or an array; raise TypeError for a symbolic tensor."""
    return get_value(x)


def set_value(x: Any, value: Any) -> None:
    """Set a weight, or an optimizer's variable such as its learning rate.

    Raises
    ------
    TypeError
        If x cannot be set.
    """
    if not hasattr(x, "assign"):
        raise TypeError(
            f"set_value: x: expected a weight or an optimizer's variable, got a {type(x).__name__}"
        )
    x.assign(value)


def batch_get_value(tensors: Sequence[Any]) -> list[Any]:
    """Return `get_value` of each."""
    return [get_value(x) for x in tensors]


def batch_set_value(tuples: Sequence[tuple[Any, Any]]) -> None:
    """Call `set_value` for each (x, value)."""
    for x, value in tuples:
        set_value(x, value)


def update(x: Any, new_x: Any) -> Any:
    """Set a weight; return it."""
    set_value(x, new_x)
    return x


def update_add(x: Any, increment: Any) -> Any:
    """Add to a weight; return it."""
    return update(x, get_value(x) + increment)


def update_sub(x: Any, decrement: Any) -> Any:
    """Subtract from a weight; return it."""
    return update(x, get_value(x) - decrement)


def moving_average_update(x: Any, value: Any, momentum: float) -> Any:
    """Set a weight to momentum x + (1 - momentum) value; return it."""
    return update(x, get_value(x) * momentum + np.asarray(value) * (1 - momentum))


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Any:
    """Return an array of a value, in a shape; by default of `lstmcore.config.floatx`."""
    array = np.asarray(value, dtype or floatx())
    return array if shape is None else np.broadcast_to(array, shape).copy()


def print_tensor(x: Any, message: str = "") -> Any:
    """Print an array behind a message, and return it."""
    print(message, x)
    return x


# -- functions of a graph --------------------------------------------------------------------------


def function(
    inputs: Any, outputs: Any, updates: Any = None, name: str | None = None
) -> Callable[[Sequence[Any]], Any]:
    """Return a function from arrays for some places of a graph to those at others.

    Parameters
    ----------
    inputs : SymbolicTensor or list of them
        A `learning_phase` among them stands for whether layers behave as in training.
    outputs : SymbolicTensor or list of them
    updates : None
    name : str, optional

    Returns
    -------
    callable
        Takes the list of the inputs' arrays; returns a list of arrays, or one if `outputs` is one.
    """
    if updates:
        raise ValueError(f"function: updates: expected None, got {updates!r:.80}")
    given = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    places = [i for i, x in enumerate(given) if isinstance(x, SymbolicTensor)]
    several = isinstance(outputs, list | tuple)
    model = Model([given[i] for i in places], list(outputs) if several else outputs)

    def computed(values: Sequence[Any]) -> Any:
        arrays = list(values) if isinstance(values, list | tuple) else [values]
        if len(arrays) != len(given):
            raise ValueError(f"function: expected a list of {len(given)}, got {len(arrays)}")
        phases = [arrays[i] for i in range(len(given)) if i not in places]
        x = [arrays[i] for i in places]
        y = model(x[0] if len(x) == 1 else x, training=bool(phases[0]) if phases else None)
        return y if not several else list(y) if isinstance(y, list | tuple) else [y]

    return computed


# -- shapes and types ------------------------------------------------------------------------------


def shape(x: Any) -> tuple[int | None, ...]:
    """Return the shape as a tuple; sizes of a symbolic tensor may be None."""
    return ops.shape(x)


def int_shape(x: Any) -> tuple[int | None, ...]:
    """Return the shape as a tuple; sizes of a symbolic tensor may be None."""
    return ops.shape(x)


def ndim(x: Any) -> int:
    """Return the number of axes."""
    return len(ops.shape(x))


def count_params(x: Any) -> int:
    """Return the number of numbers in an array or weight."""
    return math.prod(n for n in ops.shape(x) if n is not None)


def dtype(x: Any) -> str:
    """Return the name of the type, such as "float32"."""
    return x.value.dtype.name if isinstance(x, Param) else ops.dtype(x)


def is_float_dtype(dtype: Any) -> bool:
    """Return True for a type of real numbers."""
    return standardize_dtype(dtype).startswith(("float", "bfloat"))


def is_int_dtype(dtype: Any) -> bool:
    """Return True for a type of whole numbers."""
    return standardize_dtype(dtype).startswith(("int", "uint"))


def result_type(*dtypes: Any) -> str:
    """Return the type that a function of arrays of these types returns.

    Whole numbers beside real ones have the real ones' type, as in Keras.
    """
    names = [standardize_dtype(getattr(d, "dtype", d)) for d in dtypes] or [floatx()]
    floats = [name for name in names if is_float_dtype(name)]
    return np.result_type(*(floats or names)).name


def is_sparse(tensor: Any) -> bool:
    """Return False: arrays are dense."""
    return False


def to_dense(tensor: Any) -> Any:
    """Return the array: arrays are dense."""
    return tensor


# -- random numbers --------------------------------------------------------------------------------


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draw from a normal distribution; see `lstmcore.random`."""
    return normal(shape, mean, stddev, dtype, seed)


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draw evenly from `minval` to below `maxval`; see `lstmcore.random`."""
    return uniform(shape, minval, maxval, dtype, seed)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Any:
    """Draw from a normal distribution cut at two deviations; see `lstmcore.random`."""
    return _truncated(shape, mean, stddev, dtype, seed)


def random_bernoulli(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draw 1 with probability p, else 0."""
    return binomial(shape, 1, p, dtype, seed)


def random_binomial(shape: Any, p: float = 0.0, dtype: Any = None, seed: Any = None) -> Any:
    """Draw 1 with probability p, else 0: the older name of `random_bernoulli`."""
    return binomial(shape, 1, p, dtype, seed)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Any:
    """Set a fraction of the numbers to 0 and scale the others up; see `lstmcore.random`."""
    return _dropout(x, level, noise_shape, seed)
