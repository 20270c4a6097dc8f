"""What a model of Keras was compiled with: optimizer, loss and metrics of its configs."""

from __future__ import annotations

from typing import Any

from ... import losses, metrics, optimizers
from .ages import Age
from .values import plain

# Arguments of optimizers without an effect on a step.
_DEAD = ("jit_compile", "is_legacy_optimizer", "schedule_decay", "name", "mesh")
# Values at which an argument that an optimizer of this library lacks has no effect.
_NEUTRAL = (None, 0, 0.0, False, "")
_LEGACY = {"lr": "learning_rate", "rho_momentum": "momentum"}


def compile_as(model: Any, training: dict[str, Any], age: Age) -> None:
    """Compile a model as the file says.

    Parameters
    ----------
    model : Model
    training : dict
        ``training_config`` of an .h5 file, or ``compile_config`` of a .keras file.
    age : Age

    Raises
    ------
    ValueError
        If something is not known; the message says that ``compile=False`` leaves it out.
    """
    try:
        given = {
            "optimizer": optimizer_of(
                training.get("optimizer_config") or training.get("optimizer")
            ),
            "loss": _nested(training.get("loss"), losses.get),
            "loss_weights": training.get("loss_weights") or None,
            "metrics": _metrics(training.get("metrics"), model, age),
            "weighted_metrics": _metrics(training.get("weighted_metrics"), model, age),
        }
        model.compile(**given)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"what it was compiled with: {error} (compile=False loads the model without)"
        ) from error


def optimizer_of(config: Any) -> Any:
    """Return the optimizer of a config of any age."""
    if not isinstance(config, dict):
        return "rmsprop" if config is None else config
    name = str(config.get("class_name")).rpartition(">")[2]
    given = {_LEGACY.get(key, key): value for key, value in (config.get("config") or {}).items()}
    for key in _DEAD:
        given.pop(key, None)
    decay = given.pop("decay", 0.0)
    rate: Any = given.get("learning_rate")
    if isinstance(rate, dict):
        given["learning_rate"] = _schedule(rate)
    elif decay:  # before Keras 2.11: the rate divided by 1 + decay * steps
        given["learning_rate"] = optimizers.schedules.InverseTimeDecay(rate, 1, decay)
    found = optimizers.get(name)
    known = {key: value for key, value in given.items() if key in type(found).arguments}
    for key in given.keys() - known.keys():
        if given[key] not in _NEUTRAL:
            raise ValueError(f"optimizer {name}: {key}: there is no such argument here")
    if known.get("epsilon", 0) is None:
        del known["epsilon"]
    return type(found)(**known)


def _schedule(config: dict[str, Any]) -> Any:
    given = {key: value for key, value in (config.get("config") or {}).items() if key != "name"}
    return optimizers.schedules.deserialize({"class_name": config["class_name"], "config": given})


def _nested(given: Any, get: Any) -> Any:
    """Return losses or metrics in the structure in which they were given."""
    if isinstance(given, list):
        return [_nested(part, get) for part in given]
    if isinstance(given, dict):
        if "class_name" in given:
            return _object(given, get)
        return {key: _nested(part, get) for key, part in given.items()}
    return None if given is None else get(given)


def _object(config: dict[str, Any], get: Any) -> Any:
    """Return a loss or metric of a config; wrappers of functions name the function."""
    name, given = str(config["class_name"]).rpartition(">")[2], config.get("config") or {}
    if name == "function":
        return get(given)
    given = {key: plain(value) for key, value in given.items()}
    function = given.pop("fn", None)
    if given.get("reduction") == "auto":
        del given["reduction"]
    if name in ("MeanMetricWrapper", "LossFunctionWrapper", "SumOverBatchSizeMetricWrapper"):
        return get(function if isinstance(function, str) else (function or {}).get("config"))
    return get({"class_name": name, "config": given})


def _metrics(given: Any, model: Any, age: Age) -> Any:
    """Return metrics by output: Keras writes lists of lists, even for a single output.

    Before Keras 3 a flat list was for all outputs.
    """
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
        given = given[0]
    outputs = len(model.output_names)
    flat = isinstance(given, list) and not any(isinstance(part, list | None) for part in given)
    if age.number < 3 and outputs > 1 and flat:
        given = [given] * outputs
    return _nested(given, _metric) if given else None


def _metric(given: Any) -> Any:
    """Return a metric; accuracy is of the kind that the output is of, which compile decides."""
    if isinstance(given, str) and given.lower() in ("accuracy", "acc", "crossentropy", "ce"):
        return given
    return metrics.get(given)
