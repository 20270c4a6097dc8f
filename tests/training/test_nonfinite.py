"""Where a NaN began: the layer, the gate and the step, in the forward and in the backward pass."""

import copy
import warnings

import numpy as np
import pytest
from formulas import wave32

from lstmcore import Input, Model, Sequential, reference
from lstmcore.callbacks import TerminateOnNaN
from lstmcore.layers import (
    GRU,
    LSTM,
    RNN,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LSTMCell,
    SimpleRNN,
    TimeDistributed,
)
from lstmcore.optimizers import SGD, Adam
from lstmcore.utils import set_random_seed

N, T = 8, 6
X, Y = wave32((N, T, 2), 0.7), wave32((N, 1), 1.3)

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(11)


def chain(*layers, loss="mse", optimizer="sgd", shape=(T, 2), **options):
    model = Sequential([Input(shape), *layers], **options)
    model.compile(optimizer, loss)
    return model


def complaint(model, x=X, y=Y, **more):
    """The message; the weights, the optimizer and what moves with it stay as they were."""
    before, steps = model.get_weights(), model.optimizer.iterations
    settings = {"batch_size": N, "verbose": 0, "shuffle": False} | more
    with pytest.raises(FloatingPointError) as raised:
        model.fit(x, y, **settings)
    for a, b in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.optimizer.iterations == steps
    return str(raised.value)


# -- data and weights ----------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_the_data_has_it(value):
    x, y = X.copy(), Y.copy()
    x[3, 4, 1] = value
    message = complaint(chain(LSTM(3), Dense(1)), x)
    assert "input 'x' has it already, in sample 3, step 4 of 6" in message
    y[5] = value
    message = complaint(chain(LSTM(3), Dense(1)), X, y)
    assert "the loss MeanSquaredError of output" in message
    assert "the targets have it already, in sample 5" in message
    a, b = Input((T, 2), name="left"), Input((T, 2), name="right")
    model = Model([a, b], Dense(1)(Concatenate()([LSTM(2)(a), LSTM(2)(b)])))
    model.compile("sgd", "mse")
    assert "input 'right' has it already, in sample 3, step 4" in complaint(model, [X, x])


def test_a_weight_has_it():
    model = chain(LSTM(3, name="cell"), Dense(1))
    kernel = model.layers[0].recurrent_kernel
    array = kernel.numpy()
    array[1, 2] = np.nan
    kernel.assign(array)
    assert "the weights 'cell/recurrent_kernel' have it already" in complaint(model)


def test_sample_weights_have_it():
    weight = np.ones(N)
    weight[2] = np.nan
    message = complaint(chain(LSTM(3), Dense(1)), sample_weight=weight)
    assert "it began in the loss MeanSquaredError" in message


def test_the_batch_is_named_and_causes_are_given():
    x = X.copy()
    x[5] = np.nan
    model = chain(LSTM(3), Dense(1), optimizer=SGD(0.0))
    message = complaint_in_batches(model, x)
    assert "of batch 3 of this epoch" in message
    for part in (f"model {model.name!r}", "sample 1, step 0", "clipnorm", "before this step"):
        assert part in message


def complaint_in_batches(model, x):
    with pytest.raises(FloatingPointError) as raised:
        model.fit(x, Y, batch_size=2, verbose=0, shuffle=False)
    assert model.optimizer.iterations == 2
    return str(raised.value)


# -- forward -------------------------------------------------------------------------------------

NAMES = [
    "input gate i",
    "forget gate f",
    "candidate c",
    "output gate o",
    "cell state c",
    "output h",
]


def first_by_reference(x, weights, activation):
    """(step, what) that is first not finite, by `lstmcore.reference`, in float32."""
    weights = [np.asarray(w, np.float32) for w in weights]
    cell = reference.Cell("lstm", activation=activation)
    h = c = np.zeros((len(x), weights[1].shape[0]), np.float32)
    with np.errstate(all="ignore"):
        for t in range(x.shape[1]):
            i = reference.input_gate(x[:, t], h, c, weights, cell)
            f = reference.forget_gate(x[:, t], h, c, weights, cell)
            g = reference.candidate(x[:, t], h, weights, cell)
            c = reference.cell_state(f, c, i, g, cell)
            o = reference.output_gate(x[:, t], h, c, weights, cell)
            h = reference.hidden_state(o, c, cell)
            for name, a in zip(NAMES, (i, f, g, o, c, h), strict=True):
                if not np.isfinite(a).all():
                    return t, name
    return None


@pytest.mark.parametrize("scale", [1e4, 1e7, 1e12])
@pytest.mark.parametrize("backwards", [False, True])
def test_the_gate_and_the_step_of_an_lstm_that_explodes(scale, backwards):
    layer = LSTM(3, activation="relu", go_backwards=backwards, name="wild")
    model = chain(layer, Dense(1), shape=(12, 2))
    x = wave32((N, 12, 2), 0.7)
    W, R, b = layer.get_weights()
    layer.set_weights([abs(W) * scale, abs(R) * scale, b])
    walked = abs(x[:, ::-1] if backwards else x)
    step, name = first_by_reference(walked, layer.get_weights(), "relu")
    message = complaint(model, abs(x))
    assert step > 0
    assert f"layer 'wild' (LSTM), {name}, step {11 - step if backwards else step} of 12" in message
    assert "(sample " in message


def test_layers_inside_others():
    def wild(**options):
        return LSTM(2, activation="linear", kernel_initializer="ones", **options)

    x = np.full((N, T, 2), 3e38, np.float32)
    small = 1e-30 * X
    message = complaint(chain(Bidirectional(wild(), name="both"), Dense(1)), x)
    assert "layer 'both' (Bidirectional), candidate c, step 0 of 6" in message
    assert "of 'forward_lstm" in message
    inner = Sequential([Input((T, 2)), wild(name="deep"), Dense(2)])
    assert "layer 'deep' (LSTM), candidate c" in complaint(chain(inner, Dense(1)), x)
    a, b = Input((T, 2)), Input((T, 2))
    graph = Model(a, wild(name="deeper")(a), name="graph")
    model = Model([a, b], Dense(1)(Concatenate()([LSTM(2)(a), graph(b)])))
    model.compile("sgd", "mse")
    assert "layer 'deeper' (LSTM)" in complaint(model, [small, x])
    message = complaint(
        chain(RNN(LSTMCell(2, "linear", kernel_initializer="ones"), name="slow"), Dense(1)), x
    )
    assert "layer 'slow' (RNN)" in message
    distributed = TimeDistributed(Dense(2, kernel_initializer="ones", name="core"), name="each")
    assert "layer 'each' (TimeDistributed)" in complaint(chain(distributed, LSTM(2), Dense(1)), x)


@pytest.mark.parametrize(
    ("layer", "what"),
    [
        (GRU(2, activation="linear", kernel_initializer="ones", name="g"), "candidate"),
        (SimpleRNN(2, activation="linear", kernel_initializer="ones", name="g"), ""),
    ],
)
def test_gates_of_other_cells(layer, what):
    message = complaint(chain(layer, Dense(1)), np.full((N, T, 2), 3e38, np.float32))
    assert f"layer 'g' ({type(layer).__name__}), {what}" in message
    assert "step 0 of 6" in message


class Overflow(Layer):
    """Too large in the backward pass alone, or in the forward pass."""

    def __init__(self, back=1.0, forward=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor, self.forward_factor = back, forward

    def forward(self, x, training=False):
        y = x * np.asarray(self.forward_factor, x.dtype)
        return y, lambda dy, need_dx=True: dy * np.asarray(self.factor, dy.dtype)


def test_layers_of_ones_own_and_dense_ones():
    message = complaint(chain(LSTM(3), Overflow(forward=np.inf, name="mine"), Dense(1)))
    assert "it began in layer 'mine' (Overflow), sample 0" in message
    dense = Dense(2, kernel_initializer="ones", name="wide")
    message = complaint(chain(dense, LSTM(2), Dense(1)), np.full((N, T, 2), 3e38, np.float32))
    assert "it began in layer 'wide' (Dense), sample 0, step 0 of 6" in message


# -- in a loss, and in the backward pass ----------------------------------------------------------


def a_loss(gradient=1.0, value=1.0):
    def mine(y_true, y_pred):
        values = value * ((y_pred - y_true) ** 2).mean(axis=-1)
        return values, gradient * 2 * (y_pred - y_true)

    return mine


@pytest.mark.parametrize(("gradient", "value"), [(1.0, np.inf), (np.nan, 1.0), (np.inf, np.nan)])
def test_a_loss(gradient, value):
    message = complaint(chain(LSTM(3), Dense(1, name="end"), loss=a_loss(gradient, value)))
    assert "it began in the loss" in message
    assert "of output 'end'" in message


def test_the_loss_of_one_output_of_two():
    x = Input((T, 2))
    h = LSTM(2)(x)
    model = Model(x, [Dense(1, name="one")(h), Dense(1, name="two")(h)])
    model.compile("sgd", ["mse", a_loss(np.nan)])
    assert "of output 'two'" in complaint(model, X, [Y, Y])


def test_the_backward_pass_alone():
    """The loss is a number, and the gradient is none."""
    model = chain(LSTM(3, name="below"), Overflow(np.inf, name="turn"), Dense(1))
    assert np.isfinite(model.evaluate(X, Y, verbose=0))
    message = complaint(model)
    assert "the loss or a gradient of batch 1" in message
    assert "it began on the way back through layer 'turn' (Overflow)" in message


def test_the_step_in_the_backward_pass():
    """The gradient grows a millionfold with each step back: float32 holds it for some."""
    steep = SimpleRNN(1, activation="linear", name="steep")
    model = chain(steep, Dense(1, kernel_initializer="ones"), shape=(20, 1))
    steep.set_weights([np.ones((1, 1)), np.full((1, 1), 1e6), np.zeros(1)])
    message = complaint(model, np.zeros((N, 20, 1)), np.ones((N, 1)))
    assert "on the way back through layer 'steep' (SimpleRNN)" in message
    gradient, step = np.float32(2 / N), 19
    with np.errstate(over="ignore"):
        while np.isfinite(gradient := gradient * np.float32(1e6)):
            step -= 1
    assert f"step {step - 1} of 20" in message


def test_the_gate_in_the_backward_pass():
    """The output gate is 0: the cell has no gradient, the gate that of the cell times x."""
    layer = LSTM(1, activation="linear", recurrent_activation="linear", use_bias=False, name="r")
    model = chain(layer, Dense(1, kernel_initializer="ones"), shape=(1, 1))
    layer.set_weights([np.array([[1e5, 0, 1e5, 0]]), np.zeros((1, 4))])
    message = complaint(model, np.full((N, 1, 1), 1e10), np.ones((N, 1)))
    assert "on the way back through layer 'r' (LSTM), output gate o. The weights" in message


def test_a_graph_s_backward_pass():
    x = Input((T, 2))
    h = LSTM(2, return_sequences=True)(x)
    inner = Model(x, Overflow(np.nan, name="turn")(h))
    y = Input((T, 2))
    model = Model(y, Dense(1)(GRU(2)(inner(y))))
    model.compile("sgd", "mse")
    assert "on the way back through layer 'turn'" in complaint(model)
    model = chain(Bidirectional(LSTM(2)), Overflow(np.nan, name="turn"), Dense(1))
    assert "on the way back through layer 'turn'" in complaint(model)


def test_dropout_may_be_another_one_in_the_second_look():
    """Then what was left of the first has to do."""

    class Once(Layer):
        calls = 0

        def forward(self, x, training=False):
            bad = training and not self.calls
            self.calls += training

            def back(dy, need_dx=True):
                return dy * np.float32(np.nan) if bad else dy

            return x, back

    model = chain(LSTM(2, name="below"), Dropout(0.3), Once(), Dense(1))
    message = complaint(model)
    assert "the gradient of 'below/" in message
    assert "is not finite" in message


# -- around it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("back", [1.0, np.nan])
def test_terminate_on_nan_ends_without_the_error(back, capsys):
    layer = Overflow(back, np.nan if back == 1 else 1.0)
    model = chain(LSTM(2), layer, Dense(1))
    before = model.get_weights()
    history = model.fit(X, Y, batch_size=2, epochs=5, verbose=0, callbacks=[TerminateOnNaN()])
    assert history.epoch == [0]
    assert model.optimizer.iterations == 0
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_train_on_batch_says_so_too():
    model = chain(LSTM(2), Overflow(forward=np.nan, name="here"), Dense(1))
    before = model.get_weights()
    with pytest.raises(FloatingPointError, match="it began in layer 'here'"):
        model.train_on_batch(X, Y)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.isnan(model.evaluate(X, Y, verbose=0))  # no error: nothing is lost


def test_moving_averages_are_not_lost():
    model = chain(BatchNormalization(), LSTM(2), Dense(1))
    x = X.copy()
    x[0, 0] = np.nan
    assert "input 'x' has it already" in complaint(model, x)
    model.fit(X, Y, verbose=0)
    assert np.isfinite(model.predict(X)).all()


def test_moving_averages_are_those_before_the_step():
    """Whatever in the step was not finite: also what comes long after them."""
    norm = BatchNormalization()
    complaint(chain(norm, LSTM(2), Overflow(np.nan), Dense(1)))
    assert (norm.moving_mean.value == 0).all()


def test_states_are_those_before_the_step():
    cell = RNN(LSTMCell(2), stateful=True, return_sequences=True)
    both = Bidirectional(LSTM(2, stateful=True, return_sequences=True))
    stateful = [cell, both, GRU(2, stateful=True)]
    one, other = (chain(*copy.deepcopy(stateful), Dense(1)) for _ in "ab")
    other.set_weights(one.get_weights())
    for model in (one, other):
        model.fit(X, Y, batch_size=N, verbose=0, shuffle=False)
    assert "input 'x' has it already" in complaint(one, np.nan * X)
    for model in (one, other):
        model.fit(X, Y, batch_size=N, verbose=0, shuffle=False)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_slots_and_training_go_on_after_it():
    one, other = (chain(LSTM(2, name="l"), Dense(1, name="d"), optimizer=Adam(0.01)) for _ in "ab")
    other.set_weights(one.get_weights())
    for model in (one, other):
        model.train_on_batch(X, Y)
    with pytest.raises(FloatingPointError):
        one.train_on_batch(np.inf * np.ones_like(X), Y)
    for model in (one, other):
        model.train_on_batch(X, Y)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_masked_steps_may_be_anything():
    model = Sequential([Input((None, 2)), LSTM(2, return_sequences=True), Dense(1)])
    model.compile("sgd", "mse")
    x = [X[0], X[1, :3]]
    model.fit(x, [wave32((6, 1), 0.3), wave32((3, 1), 0.4)], verbose=0)
    message = complaint(
        model, [X[0], np.nan * X[1, :3]], [wave32((6, 1), 0.3), wave32((3, 1), 0.4)]
    )
    assert "sample 1, step 0" in message


def test_ids_cannot_be_nan_but_vectors_can():
    model = Sequential([Input((T,)), Embedding(9, 2, name="table"), LSTM(2), Dense(1)])
    model.compile("sgd", "mse")
    table = model.layers[0].embeddings
    array = table.numpy()
    array[4] = np.inf
    table.assign(array)
    ids = np.arange(N * T).reshape(N, T) % 4
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.fit(ids, Y, verbose=0)  # it is not among them
    assert "the weights 'table/embeddings' have it already" in complaint(model, ids + 1)
