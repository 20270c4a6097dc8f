"""Write keras3_names.json: what Keras 3 calls its classes, arguments, ops, losses and metrics.

Run by hand, where Keras 3.15 is installed, from this folder:

    KERAS_BACKEND=jax python make_keras3_names.py

By the arguments of Keras's classes the writer of `.keras` files knows what it may write; an op is
written as the class that Keras records in a graph for a call of it.
"""

import ast
import inspect
import json
import textwrap
from pathlib import Path

import keras
from keras.src import activations, losses, metrics

TARGET = Path(__file__).parents[4] / "lstmcore/interchange/keras/keras3_names.json"
KINDS = {
    "layer": keras.layers,
    "initializer": keras.initializers,
    "regularizer": keras.regularizers,
    "constraint": keras.constraints,
    "loss": keras.losses,
    "metric": keras.metrics,
    "optimizer": keras.optimizers,
    "learning rate schedule": keras.optimizers.schedules,
}
BASES = {"Constraint", "Initializer", "InputSpec", "Layer", "Loss", "Metric", "Optimizer"}
BASES |= {"Regularizer", "Wrapper", "LearningRateSchedule", "MeanMetricWrapper"}
IMAGES = ("2D", "3D", "Image", "CenterCrop", "Mix", "Rand", "Aug", "Boxes", "Contrast", "Resizing")
IMAGES += ("TFSM", "Jax", "Flax", "Torch", "IoU", "Solar", "Equal", "Posterize", "CutMix")
# ops whose function gives its class more than its own arguments: written here by hand
BY_HAND = {
    "abs": ["numpy", "Absolute", {}, {"x": "x"}],
    "cast": ["core", "Cast", {"dtype": "dtype"}, {"x": "x"}],
    "conj": ["numpy", "Conjugate", {}, {"x": "x"}],
    "einsum": ["numpy", "Einsum", {"subscripts": "subscripts"}, {"*operands": "operands"}],
    "pad": ["numpy", "Pad", {"pad_width": "pad_width", "mode": "mode"}, {"x": "x"}],
}


def arguments(cls):
    """Return the names of a constructor's arguments, those that go on to its bases included."""
    found = []
    for base in cls.__mro__:
        if "__init__" not in base.__dict__ or base is object:
            continue
        own = list(inspect.signature(base.__dict__["__init__"]).parameters.values())[1:]
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        found += [p.name for p in own if p.kind in named and p.name not in found]
        if not any(p.kind == p.VAR_KEYWORD for p in own):
            break
    return found


def classes(kind, module):
    """Return the arguments of all classes of a module but those of images."""
    skipped = IMAGES if kind in ("layer", "metric") else ()
    return {
        name: " ".join(arguments(cls))
        for name, cls in sorted(vars(module).items())
        if isinstance(cls, type)
        and name not in BASES
        and (cls.__name__ == name or not hasattr(module, cls.__name__))  # no alias
        and not any(part in name for part in skipped)
    }


def operation(function):
    """Return [module, class, arguments of its constructor, of its call] for a function of Keras.

    The arguments are named as the class and as the function has them. None if the function does
    more than to pass its arguments on.
    """
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError):
        return None
    for node in ast.walk(tree):
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if not called or node.func.attr != "symbolic_call":
            continue
        made = node.func.value
        if not isinstance(made, ast.Call) or not isinstance(made.func, ast.Name):
            return None
        cls = inspect.unwrap(function).__globals__.get(made.func.id)
        pairs = (passed(made, cls.__init__), passed(node, cls.call)) if cls else (None, None)
        if None in pairs:
            return None
        return [cls.__module__.rpartition(".")[2], cls.__name__, *pairs]
    return None


def passed(call, target):
    """Return the names that arguments of a call have in the target, with those they come from."""
    names = list(inspect.signature(target).parameters)[1:]
    given = dict(zip(names, call.args, strict=False)) | {k.arg: k.value for k in call.keywords}
    if not all(isinstance(value, ast.Name) for value in given.values()):
        return None
    return {name: value.id for name, value in given.items()}


def operations():
    """Return the entries of all functions of keras.ops that have one."""
    found = {
        name: operation(function)
        for name, function in sorted(vars(keras.ops).items())
        if inspect.isfunction(function)
    }
    return {name: entry for name, entry in found.items() if entry} | BY_HAND


def names(module, others=()):
    """Return the names by which a module's `get` finds something."""
    return " ".join(sorted({*module.ALL_OBJECTS_DICT, *others}))


table = {
    **{kind: classes(kind, module) for kind, module in KINDS.items()},
    "names": {
        "activation": names(activations),
        "loss": names(losses),
        "metric": names(metrics, ("accuracy", "acc", "crossentropy", "ce")),
    },
    "operations": {
        name: [
            module,
            cls,
            *(" ".join(f"{k}={v}" if k != v else k for k, v in d.items()) for d in pairs),
        ]
        for name, (module, cls, *pairs) in sorted(operations().items())
    },
}
parts = [f' "keras_version": "{keras.__version__}"']
for key, entries in table.items():
    lines = (f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items())
    parts.append(f" {json.dumps(key)}: {{\n" + ",\n".join(lines) + "\n }")
TARGET.write_text("{\n" + ",\n".join(parts) + "\n}\n")
