"""Arguments and methods that are not there: the error says what to write, in Keras 2's case too.

Keras 1 and 2 had other names for much that scripts still use. A near name would be the wrong one:
``decay`` is no ``weight_decay``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from ..names import nearest

F = TypeVar("F", bound=Callable[..., Any])

# Keras's older names, by the arguments of today that took their place.
_RENAMED = {
    "kernel_initializer embeddings_initializer": "init",
    "kernel_regularizer embeddings_regularizer": "W_regularizer",
    "kernel_constraint embeddings_constraint": "W_constraint",
    "recurrent_initializer": "inner_init",
    "recurrent_activation": "inner_activation",
    "recurrent_regularizer": "U_regularizer",
    "recurrent_constraint": "U_constraint",
    "recurrent_dropout": "dropout_U",
    "bias_regularizer": "b_regularizer",
    "bias_constraint": "b_constraint",
    "gamma_initializer": "gamma_init",
    "beta_initializer": "beta_init",
    "learning_rate": "lr",
    "epochs": "nb_epoch",
    "units": "output_dim nb_units",
    "use_bias": "bias",
    "filters": "nb_filter nb_filters",
    "kernel_size": "filter_length",
    "padding": "border_mode",
    "strides": "subsample_length subsample stride",
    "dilation_rate": "atrous_rate",
    "pool_size": "pool_length",
    "size": "length",
    "rate": "p",
    "dropout": "dropout_W",
    "stddev": "sigma",
    "negative_slope": "alpha",
    "min_delta": "epsilon",
    "num_classes": "nb_classes",
    "batch_shape": "batch_input_shape",
    "shape": "input_shape",
    "inputs": "input",
    "outputs": "output",
    "x": "generator",
    "steps_per_epoch": "samples_per_epoch",
    "validation_steps": "nb_val_samples",
    "steps": "val_samples",
}
_IN_PROCESS = "leave it out: batches are made in this process, one ahead of another"
_ONE_KERNEL = "leave it out: there is one implementation, and it is fast"
# What has no argument in its place.
_ADVICE = {
    "consume_less": _ONE_KERNEL,
    "implementation": _ONE_KERNEL,
    "time_major": "leave it out and give (batch, time, features): x.transpose(1, 0, 2)",
    "forget_bias_init": "write unit_forget_bias=True, the default",
    "schedule_decay": "leave it out: it is what Nadam does",
    "show_accuracy": "write metrics=['accuracy'] in compile",
    "class_mode": "leave it out: the loss says what the classes are",
    "sample_weight_mode": "leave it out: sample_weight may be (samples,) or (samples, steps)",
    "target_tensors": "leave it out: fit takes the targets",
    "weights": "call build(input_shape) and set_weights(weights)",
    "period": "leave it out: it saves after every epoch; save_freq=n counts batches",
    "workers": _IN_PROCESS,
    "nb_worker": _IN_PROCESS,
    "max_queue_size": _IN_PROCESS,
    "max_q_size": _IN_PROCESS,
    "use_multiprocessing": _IN_PROCESS,
    "pickle_safe": _IN_PROCESS,
}
# Methods of a model in Keras 1 and 2, and what does the same.
METHODS = {
    "fit_generator": "write fit(generator, steps_per_epoch=..., epochs=...)",
    "evaluate_generator": "write evaluate(generator, steps=...)",
    "predict_generator": "write predict(generator, steps=...)",
    "predict_classes": "write (predict(x) > 0.5).astype('int32') for a sigmoid output, "
    "predict(x).argmax(axis=-1) for a softmax",
    "predict_proba": "write predict(x): a sigmoid or softmax output is the probability",
    "to_yaml": "write to_json()",
    "metrics_tensors": "read metrics",
    "total_loss": "read get_metrics_result()['loss']",
    "uses_learning_phase": "write training=True where a call is to behave as in training",
}


def advice(name: str, known: Iterable[str], given: Mapping[str, Any] = {}) -> str:
    """Return the end of an error message: what to write instead of an unknown argument.

    Parameters
    ----------
    name : str
    known : iterable of str
        The arguments there are.
    given : mapping of str to object, optional
        All arguments of the call, for advice that repeats their values.
    """
    return _replacement(name, known, given) or nearest(name, known)


def _replacement(name: str, known: Iterable[str], given: Mapping[str, Any]) -> str | None:
    """Return what to write instead of an argument of older Keras; None for other names."""
    value = given.get(name)
    if name == "decay" and "learning_rate" in known:
        return _schedule(value, given)
    if name == "input_length" and "input_shape" in known:
        return f"write input_shape=({value}, {given.get('input_dim') or '...'})"
    if name == "mode" and "momentum" in known:  # of BatchNormalization
        return "leave it out: what it does is mode 0"
    for new, old in _RENAMED.items():
        fitting = [n for n in new.split() if n in known]
        if name in old.split() and fitting:
            shown = repr(value) if isinstance(value, str | int | float) else "..."
            return f"write {fitting[0]}{f'={shown}' * (name in given)}, as it is called now"
    return _ADVICE.get(name)


def _schedule(decay: Any, given: Mapping[str, Any]) -> str:
    """Return the schedule that does what `decay` of Keras 2's optimizers did."""
    if decay is not None and not decay:
        return "leave it out: 0 is the learning rate as it is"
    rate = given.get("learning_rate")
    rate, decay = (f"{v:g}" if isinstance(v, int | float) else "..." for v in (rate, decay))
    return (
        "write learning_rate=lstmcore.optimizers.schedules.InverseTimeDecay"
        f"({rate}, decay_steps=1, decay_rate={decay}), which is what it did"
    )


def unknown_argument(
    who: str,
    parameters: Mapping[str, inspect.Parameter],
    args: Sequence[Any],
    given: Mapping[str, Any],
) -> TypeError:
    """Return the error for a call with an argument that is not known.

    Parameters
    ----------
    who : str
        The class or method, for the message.
    parameters : mapping of str to Parameter
        Its arguments, in order.
    args, given
        The arguments of the call.
    """
    unknown = [name for name in given if name not in parameters]
    if given.get("decay") and "lr" in unknown:
        unknown.remove("lr")  # the advice for decay replaces it, too
    values = {n: p.default for n, p in parameters.items() if p.default is not p.empty}
    if "lr" in given:
        values["learning_rate"] = given["lr"]
    values |= {**dict(zip(parameters, args, strict=False)), **given}
    told = [f"{unknown[0]!r}: {advice(unknown[0], parameters, values)}"]
    for name in unknown[1:]:
        instead = _replacement(name, parameters, values)
        told += [f"{name!r}: {instead}"] if instead else []
    return TypeError(f"{who} has no argument {'; and none '.join(told)}")


def checked(function: F) -> F:
    """Decorate a function or method whose unknown arguments are refused with the nearest name.

    Python's own error would name the class that a method is written in.
    """
    signature = inspect.signature(function)
    every = signature.parameters
    own = 1 if "self" in every else 0
    parameters, name = dict(list(every.items())[own:]), function.__name__

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            trace = error.__traceback__
            if trace is None or trace.tb_next is not None:  # it comes from within the function
                raise
        who = type(args[0]).__name__ if name == "__init__" else name
        if not kwargs.keys() <= parameters.keys():
            raise unknown_argument(who, parameters, args[own:], kwargs)
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{who}: {error}") from None
        raise AssertionError("a call that fits was refused")

    return call  # type: ignore[return-value]
