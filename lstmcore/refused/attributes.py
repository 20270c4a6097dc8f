"""Attributes and methods of Keras's objects that ours have not, with what to use instead.

Each is an attribute of the class that raises AttributeError, so that `hasattr` is False. A
``__getattr__`` would do it, too, but Python reads every attribute of a class with one more slowly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")

_QUANTIZED = "write model.quantize(mode, filters=layer.name), and read layer.storage"
_STATELESS = "it is of Keras on JAX; here calls keep nothing on a layer but its states"
_FILES = "files are written whole: lstmcore.saving.save_weights, and get_weights() of a layer"
_BUILD = "a file has the shape that a model was built for; layer.build(input_shape) builds one"

# By the kind of object; the names of a line, then the advice for them.
_LINES: dict[str, dict[str, str]] = {
    "layer": {
        "quantize quantization_mode quantized_build quantized_call enable_lora "
        "variable_serialization_spec get_quantization_layer_structure": _QUANTIZED,
        "stateless_call rematerialized_call symbolic_call jax_state_sync": _STATELESS,
        "save_own_variables load_own_variables": _FILES,
        "get_build_config build_from_config": _BUILD,
        "compute_output_spec": "write compute_output_shape(input_shape), or call the layer on an "
        "lstmcore.Input",
        "add_variable": "write add_weight(shape, initializer, name=...)",
        "add_metric": "give metrics to compile, or update one of your own in train_step",
        "metrics_variables": "read the variables of each of a model's metrics",
        "path": "read name",
        "metrics": "give metrics to compile, and read them from the model",
        "states": "of a Bidirectional read forward_layer.states and backward_layer.states",
        "inner_loop": "the time loop is the core's; a cell with a call(inputs, states) of its own "
        "runs in lstmcore.layers.RNN",
        "get_dropout_mask get_recurrent_dropout_mask reset_dropout_mask "
        "reset_recurrent_dropout_mask": "masks are drawn anew in every call, and not kept",
        "inbound_nodes outbound_nodes _inbound_nodes": "read nodes, the calls in graphs",
        "get_input_at get_output_at get_input_shape_at get_output_shape_at": "read nodes[i].inputs "
        "and nodes[i].outputs",
        "updates": "there are none: statistics are updated in the call",
    },
    "model": {
        "run_eagerly jit_compile": "nothing is compiled: every step runs as it is written",
        "make_train_function make_test_function make_predict_function": "leave it out: there is "
        "nothing to prepare, and models may be used in threads",
        "predict_step": "write call, or a function that uses the result of predict",
        "get_state_tree set_state_tree": "write get_weights() and set_weights(weights)",
        "stateless_compute_loss compute_loss_and_updates": _STATELESS,
        "load_state_dict state_dict": "write set_weights(weights), get_weights()",
        "parameters": "read weights",
    },
    "optimizer": {
        "save_own_variables load_own_variables": _FILES,
        "set_weights get_weights weights": "read variables; a file of lstmcore.saving.save_weights "
        "has them",
        "stateless_apply": _STATELESS,
        "scale_loss": "no loss is scaled: mixed_bfloat16 has the range of float32",
        "get_updates minimize": "write train_step with compute_loss, or call fit",
        "zero_grad": "gradients are derived and applied in fit",
    },
    "metric": {
        "stateless_reset_state stateless_result stateless_update_state": _STATELESS,
        "interpolate_pr_auc": "it is done in result()",
    },
    "initializer": {"clone": "write copy.copy(initializer)"},
}
_TOLD = {
    kind: {name: advice for names, advice in lines.items() for name in names.split()}
    for kind, lines in _LINES.items()
}


class Refused:
    """An attribute that is not there: reading it raises AttributeError with advice.

    Parameters
    ----------
    name : str
    advice : str or callable
        Or a function of the class that returns it.
    """

    __slots__ = ("advice", "name")

    def __init__(self, name: str, advice: str | Callable[[Any], str]) -> None:
        self.name, self.advice = name, advice

    def __get__(self, instance: object, cls: Any) -> NoReturn:
        advice = self.advice if isinstance(self.advice, str) else self.advice(cls)
        raise AttributeError(f"{cls.__name__} has no {self.name!r}: {advice}")


def refuse(kind: str, more: Mapping[str, str | Callable[[Any], str]] = {}) -> Callable[[T], T]:
    """Decorate the base class of a kind of object: it refuses the attributes of that kind.

    Parameters
    ----------
    kind : {"layer", "model", "optimizer", "metric", "initializer"}
    more : mapping of str to str or callable, optional
        Further names and their advice.
    """

    def decorate(cls: T) -> T:
        for name, advice in {**_TOLD[kind], **more}.items():
            if not hasattr(cls, name):
                setattr(cls, name, Refused(name, advice))
        return cls

    return decorate


def told(cls: type, name: str) -> str | None:
    """Return what to use instead of an attribute; None if the table has it not.

    Parameters
    ----------
    cls : type
        A class with a registry: a layer's, a loss's.
    name : str
    """
    kind = getattr(getattr(cls, "registry", None), "kind", "")
    kinds = [kind, "model"] if kind == "layer" and hasattr(cls, "compile") else [kind]
    found = (_TOLD.get(k, {}).get(name) for k in kinds)
    return next((advice for advice in found if advice), None)


def entries() -> list[tuple[str, str, str]]:
    """Return the whole table as (kind, name, advice)."""
    return [(kind, name, advice) for kind, lines in _TOLD.items() for name, advice in lines.items()]
