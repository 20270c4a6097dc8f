"""Configs of layers of all ages of Keras, in this library's words.

An argument that has no effect on what a layer computes is dropped by name; any other that the layer
does not know is an error of its constructor, which names it.
"""

from __future__ import annotations

import warnings
from typing import Any

from ... import layers, models
from ...config import policies
from ...config.policies import MIXED
from ...names import snake_case
from ...registry import get_registered_object
from .ages import OLD_HARD_SIGMOID, Age
from .graphs import functional, merged_models
from .renamed import (
    CLASSES,
    DEAD,
    DEAD_IN,
    ENCODING,
    INITIALIZERS,
    MERGES,
    MERGING,
    NEUTRAL,
    RENAMED,
    RENAMED_IN,
)
from .values import plain

_INNER = ("layer", "backward_layer", "forward_layer", "cell")
_LATER = ("CuDNNLSTM", "CuDNNGRU", "Merge")  # become other layers
_PENALTIES = ("regularizer", "constraint")


def layer_of(entry: Any, age: Age, first: bool = False) -> Any:
    """Return the layer that an entry of a Keras config describes.

    Parameters
    ----------
    entry : dict
        With ``class_name`` and ``config``.
    age : Age
    first : bool, default False
        It is the first layer of a `Sequential`, so that its config gives the input's shape.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str):
        raise ValueError(f"expected a layer with its class_name, got {entry!r:.80}")
    try:
        made = layers.get(translated(entry, age, first))
    except TypeError as error:  # an argument that a constructor does not know
        name = entry.get("name") or (entry.get("config") or {}).get("name")
        raise ValueError(f"layer {name!r}: {error}") from error
    return _built(made, entry)


def translated(entry: dict[str, Any], age: Age, first: bool = False) -> Any:
    """Return a layer's config in this library's words; of a graph, the model itself."""
    name = _class_name(entry)
    config: Any = entry.get("config")
    if name in ("Functional", "Model") and _is_graph(config):
        return functional(name, config, age, layer_of)
    if isinstance(config, list):  # a Sequential before Keras 2.2.3
        config = {"layers": config}
    if not isinstance(config, dict):
        raise ValueError(f"{name}: expected a config, got {config!r:.80}")
    config = dict(config)
    if isinstance(config.get("name"), str):  # in paths of weights a slash divides
        config["name"] = config["name"].replace("/", "_")
    _check_known(name, config)
    if name == "Sequential":
        made = _sequential(config, age)
        return made if isinstance(made, layers.Layer) else {"class_name": name, "config": made}
    if name == "Merge":
        return _merge(config)
    arguments = _arguments(name, config, age, first)
    return {"class_name": name.removeprefix("CuDNN"), "config": arguments}


def _check_known(name: str, config: dict[str, Any]) -> None:
    """Raise ValueError unless there is a class of this name."""
    if layers.Layer.registry.has(name) or name in _LATER or get_registered_object(name) is not None:
        return
    what = f"layer {config.get('name')!r}: there is no layer {name!r} here: "
    if name in ("TFOpLambda", "TensorFlowOpLayer", "SlicingOpLambda"):
        raise ValueError(
            f"{what}it is an operation of TensorFlow in the graph "
            f"({config.get('function', 'of its own')}); write the model anew with lstmcore.ops and "
            "load_weights"
        )
    own = name.rpartition(">")[2]
    raise ValueError(f"{what}give custom_objects={{{own!r}: a class with from_config}}")


def _class_name(entry: dict[str, Any]) -> str:
    """Return the name under which a class is found: with its package if it is a user's."""
    name, registered = str(entry["class_name"]), entry.get("registered_name")
    if isinstance(registered, str) and get_registered_object(registered) is not None:
        return registered
    if get_registered_object(name) is not None:
        return name
    own = name.partition(">")[2] if name.startswith("Custom>") else name
    return CLASSES.get(own, own)


def _is_graph(config: Any) -> bool:
    return isinstance(config, dict) and "input_layers" in config and "layers" in config


def _built(layer: Any, entry: dict[str, Any]) -> Any:
    """Build a Sequential that has no input, for the shape that the file gives besides."""
    config, shape = entry.get("config"), None
    if isinstance(layer, models.Sequential):
        shape = config.get("build_input_shape") if isinstance(config, dict) else None
        shape = shape or (entry.get("build_config") or {}).get("input_shape")
    if shape and not layer.built and layer.sublayers():
        layer.build(tuple(shape))
    return layer


def _sequential(config: dict[str, Any], age: Age) -> Any:
    """Return the arguments of a Sequential; of one that begins with a Merge, a graph."""
    entries = config.pop("layers", [])
    if not isinstance(entries, list) or not all(isinstance(part, dict) for part in entries):
        raise ValueError(f"Sequential: layers: expected a list of layers, got {entries!r:.80}")
    if entries and entries[0].get("class_name") == "Merge":
        return merged_models(entries, age, layer_of)
    made = [layer_of(part, age, first=i == 0) for i, part in enumerate(entries)]
    kept = {key: config[key] for key in ("name", "trainable") if config.get(key) is not None}
    return {**kept, "layers": made}


def _merge(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config of the layer that does what Keras 1's ``Merge`` does in one mode."""
    mode = config.get("mode")
    if not isinstance(mode, str) or mode not in MERGES or config.get("mode_type", "raw") != "raw":
        known = ", ".join(MERGES)
        raise ValueError(
            f"layer {config.get('name')!r} (Merge): mode: expected {known}, got {mode!r:.40}"
        )
    made: dict[str, Any] = {"name": config["name"]}
    if mode != "dot":
        made["unmasked"] = "all"  # Merge is of Keras 1
    if mode == "concat":
        made["axis"] = config.get("concat_axis", -1)
    if mode == "dot":
        made["axes"] = config.get("dot_axes", -1)
    return {"class_name": MERGES[mode], "config": made}


# -- arguments -----------------------------------------------------------------------------------


def _arguments(name: str, config: dict[str, Any], age: Age, first: bool) -> dict[str, Any]:
    """Return the arguments of a layer's constructor."""
    who = f"layer {config.get('name')!r} ({name})"
    if age.number == 1:
        config = _of_age_1(name, config)
    config = {RENAMED_IN.get(name, {}).get(key, key): value for key, value in config.items()}
    shape = config.pop("batch_input_shape", None)
    if first and shape is not None:
        config["batch_input_shape"] = shape
    _warn_of_differences(name, config, who)
    _drop_without_effect(name, config, who)
    if "dtype" in config:
        _set_dtype(name, config, who)
    if "vocabulary" in config and config["vocabulary"] is None and name in ENCODING:
        raise ValueError(f"{who}: vocabulary: it was learned by adapt, and is not read from files")
    if name == "InputLayer":
        return _input(config, shape)
    if name == "Lambda" or "function_type" in config:
        config = _lambda(config, who)
    config |= _meant(name, config, age)
    return {key: _value(key, value, age) for key, value in config.items()}


def _warn_of_differences(name: str, config: dict[str, Any], who: str) -> None:
    """Warn of what a layer computes otherwise here than in Keras."""
    if config.get("word_dropout"):
        dropout = config["word_dropout"]
        warnings.warn(
            f"{who}: dropout={dropout}: words are not dropped here in training", stacklevel=2
        )
    if name == "SpectralNormalization":
        warnings.warn(
            f"{who}: its kernel is divided at inference too, where Keras takes it as it stands: "
            "the outputs differ",
            stacklevel=2,
        )
    if config.get("zero_output_for_mask") and not config.get("return_sequences"):
        warnings.warn(
            f"{who}: zero_output_for_mask: the output of a row that ends masked is its last state "
            "here, and 0 in Keras",
            stacklevel=2,
        )


def _drop_without_effect(name: str, config: dict[str, Any], who: str) -> None:
    """Drop the arguments that say nothing here; raise ValueError for those that say more."""
    kinds = () if name == "InputLayer" else ("input_dtype",)
    for key in (*DEAD, *DEAD_IN.get(name, ()), *kinds):
        config.pop(key, None)
    for key, value in NEUTRAL.items():
        if key in config and not _takes(name, key) and config.pop(key) not in (value, None):
            raise ValueError(f"{who}: {key}: expected {value!r}, there is no other here")
    if _is_built_in(name) and not _embeds(config):
        config.pop("input_dim", None)  # of the input, which the layer before says


def _embeds(config: dict[str, Any]) -> bool:
    return "embeddings_initializer" in config


def _set_dtype(name: str, config: dict[str, Any], who: str) -> None:
    """Set the dtype to one of this library's; that of whole numbers is the input's."""
    if name == "InputLayer" and config["dtype"] == "bfloat16":
        config["dtype"] = "float32"  # of layers in mixed precision, whose arrays here are float32
    config["dtype"] = _dtype(config["dtype"], who)
    takes_numbers = _embeds(config) or name in ENCODING
    if takes_numbers and str(config["dtype"]).startswith(("int", "uint")):
        del config["dtype"]


def _meant(name: str, config: dict[str, Any], age: Age) -> dict[str, Any]:
    """Return the arguments that the file does not have, for what its Keras did without them."""
    meant: dict[str, Any] = {}
    if (name.endswith("GRU") or name == "GRUCell") and "reset_after" not in config:
        meant["reset_after"] = name == "CuDNNGRU"
    if name in MERGING:
        meant["unmasked"] = age.merged_mask
    turned = config.get("go_backwards") and config.get("return_sequences")
    if turned and _takes(name, "reverse_mask"):
        meant["reverse_mask"] = False
    if name == "Bidirectional" and age.carries_masked_steps_on(config.get("layer")):
        meant["zero_output_for_mask"] = False
    return meant


def _is_built_in(name: str) -> bool:
    return layers.Layer.registry.has(name) and get_registered_object(name) is None


def _takes(name: str, key: str) -> bool:
    """Return True if the layer of this name has an argument of this name, or may have any."""
    own = get_registered_object(name)
    found = own or layers.Layer.registry.find(name.removeprefix("CuDNN"))
    return key in getattr(found, "arguments", (key,))


def _of_age_1(name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Return a config of Keras 1 in the words of Keras 2."""
    if "forget_bias_init" in config:
        config["unit_forget_bias"] = config.pop("forget_bias_init") == "one"
    renamed = RENAMED.get(name, RENAMED[""])
    return {renamed.get(key, key): value for key, value in config.items()}


def _value(key: str, value: Any, age: Age) -> Any:
    """Return the value of an argument in this library's words."""
    if key in _INNER and isinstance(value, dict):
        return layer_of(value, age)
    if key in ("cells", "layers") and isinstance(value, list):
        return [layer_of(part, age) for part in value]
    if key.endswith("activation"):
        return _activation(value, age)
    if key.endswith("initializer"):
        return _initializer(value)
    if key.endswith(_PENALTIES):
        return _penalty(value)
    if key == "axis" and isinstance(value, list) and len(value) == 1:
        return value[0]
    return plain(value)


def _activation(value: Any, age: Age) -> Any:
    """Return an activation's name or config; before Keras 3 hard_sigmoid was another function."""
    if isinstance(value, dict) and value.get("class_name") == "function":
        value = {"function": value["config"]}  # a user's, of Keras 3
    if isinstance(value, dict) and "class_name" in value and "function" not in value:
        name = str(value["class_name"])
        registry = layers.Layer.registry
        return layer_of(value, age) if registry.has(name) else snake_case(name)
    if value == "hard_sigmoid" and age.number < 3:
        return dict(OLD_HARD_SIGMOID)
    return value


def _initializer(value: Any) -> Any:
    """Return an initializer's name or config, without what says how it draws elsewhere."""
    if isinstance(value, str):
        return INITIALIZERS.get(value, value)
    if not isinstance(value, dict):
        return value
    given = dict(value.get("config") or {})
    for key in ("dtype", "input_axes", "output_axes", "partition_info"):
        given.pop(key, None)
    if isinstance(given.get("seed"), dict):  # of Keras 3: a generator of seeds
        given.pop("seed")
    return {"class_name": value.get("class_name"), "config": plain(given)}


def _penalty(value: Any) -> Any:
    """Return a regularizer's or constraint's name or config; Keras 1 had its own form."""
    if not isinstance(value, dict) or "class_name" in value:
        if isinstance(value, dict):
            config = plain(value.get("config") or {})
            return {"class_name": value["class_name"], "config": config}
        return value
    given = {key: part for key, part in value.items() if key != "name"}
    name = str(value.get("name"))
    if name in ("WeightRegularizer", "L1L2Regularizer", "ActivityRegularizer"):
        name = "L1L2"
    given = {"max_value" if key == "m" else key: part for key, part in given.items()}
    return {"class_name": name, "config": given}


def _dtype(value: Any, who: str) -> Any:
    """Return the dtype that a dtype or a policy of Keras names."""
    if isinstance(value, dict):
        value = (value.get("config") or {}).get("name")
    mixed = value == MIXED and policies.instead_of(MIXED) is not None
    if mixed or value in ("mixed_float16", "float16", "bfloat16"):
        warnings.warn(f"{who}: dtype: {value!r} is computed in float32", stacklevel=2)
        return "float32"
    if isinstance(value, str) and value.startswith(("int", "uint")):
        return None  # what Keras demands of Hashing, whose outputs are whole numbers here, too
    return value


def _input(config: dict[str, Any], shape: Any) -> dict[str, Any]:
    kind = config.pop("input_dtype", None)
    config["dtype"] = config.get("dtype") or kind
    shape = config.pop("batch_shape", None) or shape
    if shape is not None:
        config["batch_shape"] = plain(shape)
    return config


def _lambda(config: dict[str, Any], who: str) -> dict[str, Any]:
    """Return the config of a Lambda whose function has a name; code in a file is refused."""
    function, kind = config.get("function"), config.get("function_type", "function")
    coded = isinstance(function, list | tuple) or kind != "function"
    if coded or (isinstance(function, dict) and function.get("class_name") == "__lambda__"):
        raise ValueError(
            f"{who}: its function is Python code in the file, which is never run: write the layer "
            "as a class with call, and give custom_objects={'Lambda': that class}"
        )
    if isinstance(function, dict):
        function = function.get("config")
    kept = ("name", "trainable", "dtype", "arguments", "batch_input_shape")
    made = {key: config[key] for key in kept if key in config}
    return {**made, "function": {"function": function}}
