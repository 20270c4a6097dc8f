"""Models of Keras's configs with the weights of its files, whatever the container."""

from __future__ import annotations

import warnings
from typing import Any

from ... import layers, models
from ...inspection import inner_layers
from ...layers.module import shapes_only
from ...saving.safetensors_file import few, refuse_not_finite
from .ages import Age, age_of
from .compiling import compile_as
from .configs import layer_of
from .hdf5 import HDF5
from .paths import LAYERS_OF_2_12
from .slots import arranged, restore
from .weights import (
    Listed,
    Plan,
    entries_by_layer,
    numbered_arrays,
    plan_by_name,
    plan_by_path,
    stated_age,
)


def built_model(config: Any, age: Age) -> Any:
    """Return the model of a config, its weights declared but without memory."""
    with shapes_only():
        model = layer_of(config, age)
    if not isinstance(model, models.Model):
        raise ValueError(f"expected a model, got a {type(model).__name__}")
    if not model.built:
        raise ValueError(
            f"model {model.name!r}: the file does not say the shape of its input: build the model "
            "in code, call build(input_shape) and load_weights"
        )
    if age.masked_steps_are_open:
        _warn_of_masked_steps(model, age)
    return model


def _warn_of_masked_steps(model: Any, age: Age) -> None:
    """Warn of a Bidirectional whose masked steps depend on a version that the file leaves open."""
    inside = [layer for _, layer in inner_layers(model)]
    if not any(isinstance(o, layers.Masking) or getattr(o, "mask_zero", False) for o in inside):
        return
    for layer in inside:
        if isinstance(layer, layers.Bidirectional) and not layer.zero_output_for_mask:
            warnings.warn(
                f"layer {layer.name!r} (Bidirectional): at masked steps it has the output of the "
                "step before, as in TensorFlow 2.1; in 2.2 that was 0, and the file does not say "
                "which it is of: keras_version='2.4.0' gives 0",
                stacklevel=2,
            )
            return


def open_model(
    config: Any, training: Any, file: HDF5, age: Age, *, compile: bool, allow_nonfinite: bool
) -> Any:
    """Return the model of a config with the weights of a file.

    Parameters
    ----------
    config : dict
        Of the model.
    training : dict or None
        What it was compiled with.
    file : HDF5
    age : Age
    compile, allow_nonfinite : bool
        As for `lstmcore.load_model`.
    """
    model = built_model(config, age)
    listed = entries_by_layer(file)
    plan = weights_plan(file, listed, model, age, by_name=False, skip_mismatch=False)
    if plan.left:
        raise ValueError(f"it lacks weights: {few(plan.left)}")
    check_finite(plan, allow_nonfinite)
    model.materialize(initialize=False)
    assign_plan(plan)
    if compile and training:
        compile_as(model, training, age)
        restore_optimizer(model, file, age)
    return model


def restore_optimizer(model: Any, file: HDF5, age: Age) -> None:
    """Restore the state of a model's optimizer, if the file has one; warn if it does not fit."""
    optimizer, names = model.optimizer, []
    stored = numbered_arrays(file, "optimizer")
    if not stored and "optimizer_weights" in file.groups:
        names = file.texts("optimizer_weights", "weight_names")
        stored = [f"optimizer_weights/{name}" for name in names]
    if optimizer is None or not stored:
        return
    noted = stored[0].startswith("optimizer/") and file.attribute("optimizer/vars", "name")
    if noted and noted.rstrip("_0123456789") != optimizer.name.rstrip("_0123456789"):
        return
    model.materialize()
    arrays = [file.array(path) for path in stored]
    try:
        if age.number < 3:
            arrays = arranged(optimizer, model, arrays, names)
        restore(optimizer, model, arrays)
    except ValueError as error:
        warnings.warn(f"the optimizer begins anew: {error}", stacklevel=3)


def weights_plan(file: HDF5, listed: Listed | None, model: Any, age: Age, **options: bool) -> Plan:
    """Return what the weights of a model are to be, in either layout of the file."""
    if listed is None:
        return plan_by_path(file, model, age, **options)
    return plan_by_name(file, listed, model, age, **options)


def load_weights(
    model: Any,
    file: HDF5,
    *,
    by_name: bool,
    skip_mismatch: bool,
    allow_nonfinite: bool,
    keras_version: str | None = None,
) -> list[str]:
    """Load a file's weights into a model; return the names of those that keep their values."""
    listed = entries_by_layer(file)
    if listed is None:
        found = _age_of_paths(file) if keras_version is None else age_of(keras_version)
    else:
        found = stated_age(file, keras_version, listed)
    _check_hard_sigmoid(model, found)
    age = found or Age("3.0.0")
    plan = weights_plan(file, listed, model, age, by_name=by_name, skip_mismatch=skip_mismatch)
    if plan.left and not skip_mismatch:
        raise ValueError(f"it lacks weights: {few(plan.left)}")
    check_finite(plan, allow_nonfinite)
    assign_plan(plan)
    if not plan.left and not by_name:
        restore_optimizer(model, file, age)
    return plan.left


def _age_of_paths(file: HDF5) -> Age | None:
    """Return the age of a file of numbered layers, where something tells it, or else None.

    Keras 2.12 had a list of its own; Keras 3 numbers the learning rate, and later notes names.
    """
    if LAYERS_OF_2_12 in file.groups:
        return Age("2.12.0")
    rate = file.arrays.get("optimizer/vars/1")
    noted = any(path.endswith("vars") and file.attribute(path, "name") for path in file.groups)
    return Age("3.0.0") if noted or (rate is not None and rate.shape == ()) else None


def _check_hard_sigmoid(model: Any, age: Age | None) -> None:
    """Raise ValueError if the file is older than the meaning that a layer gives hard_sigmoid."""
    if age is not None and age.number == 3:
        return
    whose = (
        f"Keras {age.version}'s" if age is not None else "of Keras 2 or 3, it does not say which"
    )
    instead = ", or give keras_version='3'" if age is None else ""
    for _, layer in inner_layers(model):
        for name in ("recurrent_activation", "activation"):
            function: Any = getattr(layer, name, None)
            if getattr(function, "__name__", "") == "hard_sigmoid" and not function.options:
                old = "lstmcore.activations.HardSigmoid(slope=0.2, offset=0.5)"
                raise ValueError(
                    f"layer {layer.name!r}: {name}: the file is {whose}; before 3 hard_sigmoid was "
                    f"clip(0.2 x + 0.5, 0, 1), and the model has Keras 3's: write {name}={old}"
                    f"{instead}"
                )


def check_finite(plan: Plan, allow_nonfinite: bool) -> None:
    """Raise ValueError if weights are NaN or infinite, unless that is allowed."""
    for param, array in plan.arrays.items():
        refuse_not_finite({param.name: array}, allow_nonfinite)


def assign_plan(plan: Plan) -> None:
    """Set all weights of a plan."""
    for param, array in plan.arrays.items():
        param.assign(array)


def model_from_config(config: dict[str, Any], keras_version: str | None = None) -> Any:
    """Return the model, with new weights, of an architecture that Keras wrote as JSON."""
    stated = config.get("keras_version", keras_version)
    modern = "module" in config or "registered_name" in config
    if stated is None and not modern:
        raise ValueError(
            "it does not say which version of Keras wrote it: give keras_version=, such as '2.2.4'"
        )
    age = age_of(keras_version or stated or "3.0.0", config.get("backend"))
    try:
        return layer_of(config, age)
    except (TypeError, AttributeError, LookupError, RecursionError) as error:
        raise ValueError(f"model_from_json: {type(error).__name__}: {error}") from error
