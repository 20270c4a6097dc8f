"""Keras's names are here, and take its arguments, in its order, with its defaults.

What Keras has is frozen in tests/keras/data/keras_signatures.json.
"""

import importlib
import inspect

import pytest
from keras_numbers import keras_numbers

import lstmcore
from lstmcore.refused.table import advice
from lstmcore.serialization import Configurable

KERAS = keras_numbers("signatures")
MODULES = {name: importlib.import_module(f"lstmcore.{name}") for name in KERAS["arguments"]}

# what is refused by name, with advice: see tests/refused
LEFT_OUT = {
    module: {name for name in names if advice(f"lstmcore.{module}", name)}
    for module, names in KERAS["arguments"].items()
}
# Arguments that are Keras's alone: of quantized and low-rank layers, and of mixed precision.
WITHOUT = {
    *("lora_rank", "lora_alpha", "quantization_config", "gptq_unpacked_column_size"),
    "autocast",
}
OTHERWISE = {
    "saving.save_weights": "weights go to one file",
    "utils.plot_model": "an SVG, which needs no other program, with names in it",
    "models.Model": "Keras's are behind *args",
    "Model.compute_mask": "(x, mask), as of all layers",
    "Model.export": "the format follows from the file's name",
    "Model.save_weights": "weights go to one file",
    "Sequential.add": "Keras's other argument is its own",
    "Sequential.pop": "Keras's other argument is its own",
    "Metric.update_state": "Keras's is of any arguments",
    "Loss.__call__": "a mask too, which in Keras is an attribute of an array",
}
NOT_BY_STRING = {  # base classes, and what cannot be without arguments
    "initializers": {"Initializer"},
    "losses": {"Loss", "LossFunctionWrapper"},
    "metrics": {
        *("MeanMetricWrapper", "Metric", "PrecisionAtRecall", "RecallAtPrecision"),
        *("SensitivityAtSpecificity", "SpecificityAtSensitivity"),
    },
    "optimizers": {"Optimizer"},
    "regularizers": {"Regularizer"},
    "constraints": set(),
    "activations": set(),
}
CLASSES = {"Model": lstmcore.Model, "Sequential": lstmcore.Sequential}
CLASSES |= {n: getattr(MODULES[f"{m}s"], n) for m, n in (("losse", "Loss"), ("metric", "Metric"))}
CLASSES["Callback"] = lstmcore.callbacks.Callback


def default_of(value):
    """As tests/keras/make_keras_signatures.py writes it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [default_of(v) for v in value]
    return f"a {type(value).__name__}"


def arguments_of(entry):
    """Names, whether by place, and defaults, as in the file."""
    function = entry
    if inspect.isclass(entry) and not issubclass(entry, Configurable):
        function = entry.__init__
    return {
        p.name: (
            p.kind is p.POSITIONAL_OR_KEYWORD,
            [] if p.default is p.empty else [default_of(p.default)],
        )
        for p in inspect.signature(function).parameters.values()
        if p.name != "self" and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }


def plain(default):
    """A default without what means nothing: the case of names."""
    return [d.lower() if isinstance(d, str) else d for d in default]


def compare(entry, keras, name_by_default=False):
    ours = arguments_of(entry)
    keras = [a for a in keras if a[0] not in WITHOUT]
    by_place = [a[0] for a in keras if a[1] == "="]
    assert [n for n, (place, _) in ours.items() if place] == by_place
    for name, _, *default in keras:
        assert name in ours, name
        if default and not (name_by_default and name == "name"):
            assert plain(ours[name][1]) == plain(default), name


ALL = [
    (module, name)
    for module, names in KERAS["arguments"].items()
    for name in names
    if name not in LEFT_OUT[module]
]


@pytest.mark.parametrize(("module", "name"), ALL)
def test_names_and_arguments(module, name):
    entry, keras = getattr(MODULES[module], name), KERAS["arguments"][module][name]
    if f"{module}.{name}" in OTHERWISE:
        return
    compare(entry, keras, module in ("losses", "metrics"))
    default = [d for n, _, *d in keras if n == "name" and d]
    needs = [n for n, _, *d in keras if not d]
    if module in ("losses", "metrics") and inspect.isclass(entry) and default and not needs:
        wanted = default[0][0]
        assert wanted is None or entry().name == wanted


METHODS = [(cls, name) for cls, names in KERAS["methods"].items() for name in names]


@pytest.mark.parametrize(("cls", "name"), METHODS)
def test_methods(cls, name):
    if f"{cls}.{name}" in OTHERWISE:
        assert hasattr(CLASSES[cls], name)
    else:
        compare(getattr(CLASSES[cls], name), KERAS["methods"][cls][name])


@pytest.mark.parametrize("module", KERAS["aliases"])
def test_strings_mean_what_they_mean_to_keras(module):
    for alias, wanted in KERAS["aliases"][module].items():
        left_out = {*LEFT_OUT[module], *NOT_BY_STRING[module]}
        if wanted in left_out:
            if wanted not in NOT_BY_STRING[module]:
                with pytest.raises(ValueError, match=f"unknown .* '{alias}'"):
                    MODULES[module].get(alias)
            continue
        found = MODULES[module].get(alias)
        name = getattr(found, "__name__", type(found).__name__)
        # a loss is an object, by the name of its function too
        assert name.replace("_", "").lower() == wanted.replace("_", "").lower(), alias
