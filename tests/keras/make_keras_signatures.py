"""Freeze Keras's names and arguments: keras_signatures.json.

    python tests/keras/make_keras_signatures.py

For each class and function its arguments: name, kind ("=" by place, "*" by keyword alone) and its
default, if it has one; and for each registry what a string stands for. Needs Keras 3 and JAX.
"""

import inspect
import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"

import keras
from keras.src import (
    activations,
    constraints,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
)

# Keras has more layers: of images, of sound, of other frameworks.
LAYERS = """
    Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveMaxPooling1D Add
    AdditiveAttention AlphaDropout Attention Average AveragePooling1D AvgPool1D BatchNormalization
    Bidirectional CategoryEncoding Concatenate Conv1D Conv1DTranspose ConvLSTM1D Convolution1D
    Convolution1DTranspose Cropping1D Dense DepthwiseConv1D Discretization Dot Dropout ELU
    EinsumDense Embedding Flatten GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D
    GlobalAvgPool1D GlobalMaxPool1D GlobalMaxPooling1D GroupNormalization HashedCrossing Hashing
    Identity Input InputLayer IntegerLookup LSTM LSTMCell Lambda Layer LayerNormalization LeakyReLU
    Masking MaxPool1D MaxPooling1D Maximum MelSpectrogram Minimum MultiHeadAttention Multiply
    Normalization PReLU Permute Pipeline RMSNormalization RNN ReLU RepeatVector Rescaling Reshape
    STFTSpectrogram SeparableConv1D SeparableConvolution1D SimpleRNN SimpleRNNCell Softmax
    SpatialDropout1D SpectralNormalization StackedRNNCells StringLookup Subtract TextVectorization
    TimeDistributed UpSampling1D Wrapper ZeroPadding1D add average concatenate dot maximum minimum
    multiply subtract
"""
UTILS = """
    CustomObjectScope Progbar PyDataset Sequence clear_session custom_object_scope
    deserialize_keras_object get_custom_objects get_file get_registered_name get_registered_object
    is_keras_tensor model_to_dot normalize pack_x_y_sample_weight pad_sequences plot_model
    register_keras_serializable serialize_keras_object set_random_seed split_dataset
    standardize_dtype text_dataset_from_directory timeseries_dataset_from_array to_categorical
    unpack_x_y_sample_weight
"""
MODEL = """
    compile evaluate export fit get_layer load_weights predict predict_on_batch save save_weights
    summary test_on_batch to_json train_on_batch get_weights set_weights count_params
    reset_metrics get_metrics_result compute_mask
"""
METHODS = {
    keras.Model: MODEL.split(),
    keras.Sequential: ["add", "pop"],
    keras.losses.Loss: ["__call__"],
    keras.metrics.Metric: ["update_state", "result", "reset_state"],
    keras.callbacks.Callback: [n for n in dir(keras.callbacks.Callback) if n.startswith("on_")],
}
MODULES = {
    "layers": LAYERS.split(),
    "utils": UTILS.split(),
    "random": None,
    "saving": None,
    "config": None,
    "models": None,
    "losses": None,
    "metrics": None,
    "optimizers": None,
    "optimizers.schedules": None,
    "initializers": None,
    "regularizers": None,
    "constraints": None,
    "activations": None,
    "callbacks": None,
}
REGISTRIES = (activations, constraints, initializers, losses, metrics, optimizers, regularizers)


def default_of(value):
    """A default as JSON has it; of something else its type's name."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [default_of(v) for v in value]
    return f"a {type(value).__name__}"


def arguments_of(function):
    """The arguments of a function, without self and without what has no name."""
    kinds = {
        inspect.Parameter.POSITIONAL_OR_KEYWORD: "=",
        inspect.Parameter.KEYWORD_ONLY: "*",
    }
    return [
        [p.name, kinds[p.kind], *([] if p.default is p.empty else [default_of(p.default)])]
        for p in inspect.signature(function).parameters.values()
        if p.kind in kinds and p.name != "self"
    ]


def members(module, names):
    """The classes and functions of a module by name."""
    for name in names or dir(module):
        entry = getattr(module, name)
        if not name.startswith("_") and (inspect.isclass(entry) or inspect.isfunction(entry)):
            yield name, entry


frozen = {"keras": keras.__version__, "arguments": {}, "methods": {}, "aliases": {}}
for path, names in MODULES.items():
    module = keras
    for part in path.split("."):
        module = getattr(module, part)
    frozen["arguments"][path] = {
        name: arguments_of(entry.__init__ if inspect.isclass(entry) else entry)
        for name, entry in members(module, names)
    }
for cls, names in METHODS.items():
    frozen["methods"][cls.__name__] = {n: arguments_of(getattr(cls, n)) for n in names}
for module in REGISTRIES:
    frozen["aliases"][module.__name__.rpartition(".")[2]] = {
        alias: entry.__name__ for alias, entry in sorted(module.ALL_OBJECTS_DICT.items())
    }
path = Path(__file__).parent / "data" / "keras_signatures.json"
path.write_text(json.dumps(frozen, indent=0).replace("\n", "").replace('],"', '],\n"') + "\n")
print(path.name, path.stat().st_size, "bytes")
