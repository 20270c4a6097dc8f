"""Unknown arguments and methods are refused with what to write instead."""

import inspect
import re

import numpy as np
import pytest

from lstmcore import (
    Input,
    Model,
    Sequential,
    callbacks,
    layers,
    load_model,
    models,
    optimizers,
    utils,
)
from lstmcore.classification import TextClassifier
from lstmcore.forecasting import LSTMForecaster
from lstmcore.optimizers.schedules import InverseTimeDecay
from lstmcore.refused.arguments import METHODS

SCHEDULE = r"learning_rate=lstmcore.optimizers.schedules.InverseTimeDecay"
CONSTRUCTED = [
    (optimizers.Adam, {"lr": 0.01}, "Adam has no argument 'lr': write learning_rate=0.01"),
    (
        optimizers.SGD,
        {"lr": 0.1, "decay": 1e-6, "momentum": 0.9},
        rf"SGD has no argument 'decay': write {SCHEDULE}\(0.1, decay_steps=1, decay_rate=1e-06\)",
    ),
    (optimizers.SGD, {"decay": 1e-6}, rf"{SCHEDULE}\(0.01, decay_steps=1, decay_rate=1e-06\)"),
    (optimizers.RMSprop, {"decay": 0.0}, "leave it out: 0 is the learning rate as it is"),
    (optimizers.Nadam, {"schedule_decay": 0.004}, "leave it out"),
    (optimizers.Adam, {"learning_rat": 0.1}, "did you mean 'learning_rate'?"),
    (layers.Dense, {"output_dim": 3}, "write units=3"),
    (layers.Dense, {"units": 3, "init": "uniform"}, "write kernel_initializer='uniform'"),
    (layers.Dense, {"units": 3, "W_regularizer": "l2"}, "write kernel_regularizer='l2'"),
    (layers.Dense, {"units": 3, "bias": False}, "write use_bias=False"),
    (layers.Dense, {"units": 3, "weights": [np.ones(3)]}, "build.* and set_weights"),
    (layers.Embedding, {"input_dim": 3, "init": "ones"}, "write embeddings_initializer='ones'"),
    (layers.LSTM, {"output_dim": 3, "input_dim": 2}, "write units=3"),
    (layers.LSTM, {"units": 3, "input_dim": 2, "input_length": 5}, r"write input_shape=\(5, 2\)"),
    (
        optimizers.Adam,
        {"lr": 0.001, "decay": 0.0},
        "no argument 'lr': write learning_rate=0.001, .*; and none 'decay': leave it out",
    ),
    (layers.BatchNormalization, {"mode": 0}, "leave it out"),
    (layers.LSTM, {"units": 3, "inner_activation": "relu"}, "write recurrent_activation='relu'"),
    (layers.LSTM, {"units": 3, "inner_init": "ones"}, "write recurrent_initializer='ones'"),
    (layers.LSTM, {"units": 3, "dropout_U": 0.1}, "write recurrent_dropout=0.1"),
    (layers.LSTM, {"units": 3, "consume_less": "gpu"}, "LSTM .*'consume_less': leave it out"),
    (layers.GRU, {"units": 3, "implementation": 2}, "GRU .*'implementation': leave it out"),
    (layers.SimpleRNN, {"units": 3, "time_major": True}, "transpose"),
    (layers.LSTM, {"units": 3, "return_sequence": True}, "did you mean 'return_sequences'"),
    (layers.Conv1D, {"nb_filter": 3, "filter_length": 2}, "write filters=3"),
    (layers.Conv1D, {"filters": 3, "filter_length": 2}, "write kernel_size=2"),
    (layers.Conv1D, {"filters": 3, "kernel_size": 2, "border_mode": "same"}, "write padding='same"),
    (layers.MaxPooling1D, {"pool_length": 2}, "write pool_size=2"),
    (layers.Dropout, {"p": 0.5}, "write rate=0.5"),
    (callbacks.ReduceLROnPlateau, {"epsilon": 0.1}, "write min_delta=0.1"),
    (callbacks.ModelCheckpoint, {"filepath": "x", "period": 1}, "leave it out"),
    (callbacks.EarlyStopping, {"patiance": 3}, "EarlyStopping .* did you mean 'patience'?"),
    (LSTMForecaster, {"epoch": 3}, "LSTMForecaster has no argument 'epoch': did you mean 'epochs'"),
    (TextClassifier, {"nb_epoch": 3}, "TextClassifier has no argument 'nb_epoch': write epochs=3"),
    (layers.GaussianNoise, {"sigma": 0.5}, "write stddev=0.5"),
]


@pytest.mark.parametrize(("cls", "given", "told"), CONSTRUCTED)
def test_constructors(cls, given, told):
    with pytest.raises(TypeError, match=told):
        cls(**given)


def test_the_learning_rate_may_be_the_first_argument():
    with pytest.raises(TypeError, match=r"InverseTimeDecay\(0.5, decay_steps=1, decay_rate=0.1\)"):
        optimizers.Adam(0.5, decay=0.1)


def test_the_schedule_is_keras_2s_decay():
    schedule = InverseTimeDecay(0.1, decay_steps=1, decay_rate=0.5)
    steps = np.arange(4)
    np.testing.assert_allclose([schedule(n) for n in steps], 0.1 / (1 + 0.5 * steps))


CALLED = [
    ("fit", {"nb_epoch": 3}, "fit has no argument 'nb_epoch': write epochs=3"),
    ("fit", {"epoch": 3}, "fit has no argument 'epoch': did you mean 'epochs'?"),
    ("fit", {"validaton_data": 3}, "did you mean 'validation_data'?"),
    ("fit", {"show_accuracy": True}, "metrics=.'accuracy'. in compile"),
    ("fit", {"workers": 3}, "leave it out"),
    ("fit", {"generator": iter([])}, r"write x=\.\.\."),
    ("fit", {"samples_per_epoch": 3}, "write steps_per_epoch=3"),
    ("compile", {"metric": ["mae"]}, "compile has no argument 'metric': did you mean 'metrics'?"),
    ("compile", {"sample_weight_mode": "temporal"}, "leave it out"),
    ("evaluate", {"batchsize": 3}, "evaluate has no argument 'batchsize': did you mean 'batch_"),
    ("evaluate", {"val_samples": 3}, "write steps=3"),
    ("predict", {"batchsize": 3}, "predict has no argument 'batchsize': did you mean 'batch_size'"),
    ("predict_on_batch", {"y": 3}, "predict_on_batch has no argument 'y'"),
    ("train_on_batch", {"sample_weights": 3}, "did you mean 'sample_weight'?"),
    ("test_on_batch", {"sample_weights": 3}, "did you mean 'sample_weight'?"),
    ("save", {"overwite": True}, "did you mean 'overwrite'?"),
    ("load_weights", {"filepath": "x", "by_names": True}, "did you mean 'by_name'?"),
    ("summary", {"line_lenght": 3}, "did you mean 'line_length'?"),
]


def small_models():
    x = Input((2,))
    return [Sequential([Input((2,)), layers.Dense(1)]), Model(x, layers.Dense(1)(x))]


@pytest.mark.parametrize(("method", "given", "told"), CALLED)
def test_methods_of_models(method, given, told):
    for model in small_models():
        with pytest.raises(TypeError, match=told) as caught:
            getattr(model, method)(**given)
        assert "Trainer" not in str(caught.value)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda model: model.train_on_batch(), "train_on_batch: missing a required argument: 'x'"),
        (lambda model: model.fit(*[None] * 20), "fit: too many positional arguments"),
        (lambda model: model.predict([[1.0, 2.0]], x=3), "predict: multiple values for argument"),
        (lambda model: model.save(), "save: missing a required argument: 'filepath'"),
    ],
)
def test_other_wrong_calls_name_no_internal_class(call, told):
    for model in small_models():
        with pytest.raises(TypeError, match=f"^{told}"):
            call(model)


def test_decorated_methods_keep_their_signature():
    assert list(inspect.signature(Model.fit).parameters)[:4] == ["self", "x", "y", "batch_size"]
    assert "Train the model" in Model.fit.__doc__


@pytest.mark.parametrize("name", METHODS)
def test_methods_that_keras_2_had(name):
    for model in small_models():
        assert not hasattr(model, name)
        with pytest.raises(AttributeError, match=f"has no '{name}': "):
            getattr(model, name)


def test_other_attributes_are_pythons_own_error():
    model = Sequential()
    with pytest.raises(AttributeError, match="'Sequential' object has no attribute 'nothing'"):
        _ = model.nothing
    with pytest.raises(AttributeError, match="no input before it is built"):
        _ = model.input


@pytest.mark.parametrize(
    ("function", "given", "told"),
    [
        (Input, {"shap": (3,)}, "Input has no argument 'shap': did you mean 'shape'?"),
        (Input, {"batch_input_shape": (2, 3)}, "write batch_shape="),
        (load_model, {"filepath": "x", "custom_objets": {}}, "did you mean 'custom_objects'?"),
        (utils.to_categorical, {"x": [1], "nb_classes": 3}, "write num_classes=3"),
        (utils.pad_sequences, {"sequences": [[1]], "max_len": 3}, "did you mean 'maxlen'?"),
        (models.clone_model, {"model": None, "input_tensor": 1}, "did you mean 'input_tensors'?"),
    ],
)
def test_functions(function, given, told):
    with pytest.raises(TypeError, match=re.escape(told)):
        function(**given)


def test_inputs_and_outputs_of_keras_1():
    x = Input((2,))
    with pytest.raises(TypeError, match="write inputs="):
        Model(input=x, output=layers.Dense(1)(x))
