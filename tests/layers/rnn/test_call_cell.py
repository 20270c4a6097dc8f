"""Cells written as Keras writes them, with call(inputs, states), in RNN."""

import numpy as np
import pytest
from gradients import check_backward, gradient, leaves
from helpers import numbers
from recurrent_checks import MASK, alone, check_recurrent

from lstmcore import Input, Model, Sequential, load_model, ops
from lstmcore.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Cell,
    Dense,
    GRUCell,
    Layer,
    LayerNormalization,
    LSTMCell,
    MultiHeadAttention,
    SimpleRNNCell,
    StackedRNNCells,
)
from lstmcore.models import clone_model
from lstmcore.utils import set_random_seed

X = numbers(5, 5, 3)


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(1)


class MinimalRNNCell(Layer):
    """The cell of Keras's documentation, with a tanh so that it stays bounded."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units), initializer="uniform", name="kernel"
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, self.units), initializer="uniform", name="recurrent_kernel"
        )

    def call(self, inputs, states):
        h = ops.matmul(inputs, self.kernel)
        output = ops.tanh(h + ops.matmul(states[0], self.recurrent_kernel))
        return output, [output]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class NormalizedLSTM(Layer):
    """Two states as a tuple, layers inside it, one of which is built in the call."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = (units, units)
        self.output_size = units
        self.gates = Dense(4 * units)
        self.norm = LayerNormalization()

    def call(self, inputs, states, training=None):
        h, c = states
        z = self.norm(self.gates(ops.concatenate([inputs, h], axis=-1)))
        i, f, g, o = ops.split(z, 4, axis=-1)
        c = ops.sigmoid(f) * c + ops.sigmoid(i) * ops.tanh(g)
        h = ops.sigmoid(o) * ops.tanh(c)
        return h, (h, c)


class Doubled(LSTMCell):
    """A cell of ours with more after it."""

    def call(self, inputs, states, training=False):
        output, new = super().call(inputs, states, training=training)
        return 2 * output, new


class Attending(Layer):
    """Its call has constants; its output is of another size than its state."""

    state_size, output_size = 3, 2

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(3, 3), initializer="orthogonal", name="kernel")

    def call(self, inputs, states, constants):
        (held,) = constants
        h = ops.tanh(inputs + ops.matmul(states[0], self.kernel) * held)
        return h[:, :2] * h[:, 1:], h


class LearntStart(MinimalRNNCell):
    """The states before the first step are weights."""

    def build(self, input_shape):
        super().build(input_shape)
        self.first = self.add_weight(shape=(self.units,), initializer="uniform", name="first")

    def get_initial_state(self, batch_size=None):
        return [ops.tile(ops.expand_dims(self.first, 0), (batch_size, 1))]


def ready(layer):
    layer(X.astype(layer.dtype or "f"))
    layer.set_weights([numbers(*p.shape) / 2 for p in layer.weights])
    return layer


def rnn(*cells, **options):
    cell = list(cells) if len(cells) > 1 else cells[0]
    return ready(RNN(cell, return_sequences=True, return_state=True, dtype="float64", **options))


# -- values and gradients ----------------------------------------------------------------------


@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
@pytest.mark.parametrize("options", [{}, {"go_backwards": True, "zero_output_for_mask": True}])
def test_it_is_the_cell_with_a_backward_function(dtype, options, mask):
    own, ours = (
        RNN(cell, return_sequences=True, return_state=True, dtype=dtype, **options)
        for cell in (MinimalRNNCell(4), SimpleRNNCell(4, use_bias=False))
    )
    for layer in (own, ours):
        layer(X.astype(dtype))
    ours.set_weights(own.get_weights())
    h = numbers(5, 4).astype(dtype)
    results = []
    for layer in (own, ours):
        y, back = layer.forward(X.astype(dtype), True, mask=mask, initial_state=[h])
        got = back(tuple(np.cos(part) for part in y))
        results.append([layer(X, mask=mask, initial_state=[h]), y, got])
        results[-1].append([p.grad for p in layer.weights])
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    for one, other in zip(leaves(results[0]), leaves(results[1]), strict=True):
        assert one.dtype == dtype
        np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


CELLS = {
    "minimal": (lambda: [MinimalRNNCell(3)], [3]),
    "normalized": (lambda: [NormalizedLSTM(2)], [2, 2]),
    "doubled": (lambda: [Doubled(3, "gelu")], [3, 3]),
    "stacked": (lambda: [MinimalRNNCell(2), LSTMCell(2), MinimalRNNCell(3)], [2, 2, 2, 3]),
}


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("name", CELLS)
def test_gradients(name, steps):
    make, sizes = CELLS[name]
    layer = rnn(*make())
    mask = MASK[1:4, :steps].copy() if steps > 1 else None
    check_recurrent(layer, X[:3, :steps].copy(), mask, [numbers(3, n) / 2 for n in sizes])


@pytest.mark.parametrize("name", CELLS)
def test_a_row_is_the_row_alone(name):
    layer = rnn(*CELLS[name][0]())
    together = leaves(layer(X, mask=MASK))
    for row in range(4):
        y, *states = alone(layer, X, MASK, row)
        np.testing.assert_allclose(together[0][row][MASK[row]], y[0], atol=1e-12)
        for all_rows, one in zip(together[1:], states, strict=True):
            np.testing.assert_allclose(all_rows[row], one[0], atol=1e-12)


def test_states_have_the_form_of_state_size():
    y, h, c = rnn(NormalizedLSTM(3))(X)
    assert (y.shape, h.shape, c.shape) == ((5, 5, 3), (5, 3), (5, 3))
    y, first, second = rnn(NormalizedLSTM(2), MinimalRNNCell(4))(X)
    assert [s.shape for s in first] == [(5, 2), (5, 2)]
    assert [s.shape for s in second] == [(5, 4)]


def test_constants_have_gradients_too():
    layer = RNN(Attending(), return_sequences=True, dtype="float64")
    x, held, h = X.copy(), numbers(5, 3), numbers(5, 3)
    layer(x, constants=held)
    y, back = layer.forward(x, True, initial_state=h, constants=[held], mask=MASK)
    r = np.cos(y)
    dx, (dh, dheld) = back(r)

    def loss():
        return float((layer(x, mask=MASK, initial_state=h, constants=held) * r).sum())

    for got, at in ((dx, x), (dh, h), (dheld, held)):
        np.testing.assert_allclose(got, gradient(loss, at), atol=1e-7)
    dx_alone, (only,) = layer.forward(x, True, constants=[held], mask=MASK)[1](r)
    assert dx_alone.shape == x.shape
    assert only.shape == held.shape


def test_constants_in_a_graph_are_trained_through():
    x, c = Input((5, 3)), Input((3,))
    made = Dense(3, "tanh", name="made")(c)
    y = RNN([Attending(), GRUCell(2)])(x, constants=[made])
    model = Model([x, c], Dense(1)(y))
    model.compile("adam", "mse")
    before = model.get_layer("made").get_weights()[0]
    model.fit([X, X[:, 0]], X[:, 0, 0], epochs=2, verbose=0)
    assert (model.get_layer("made").get_weights()[0] != before).all()
    again = clone_model(model)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict([X, X[:, 0]]), model.predict([X, X[:, 0]]))


class Late(Layer):
    """A layer inside it is built in its call, which has constants."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units
        self.dense = Dense(units, "tanh")

    def call(self, inputs, states, constants=None):
        h = self.dense(ops.concatenate([inputs, states[0], constants[0]], axis=-1))
        return h, [h]


def test_layers_that_constants_build(tmp_path):
    x, c = Input((5, 3)), Input((3,))
    model = Model([x, c], Dense(1)(RNN([LSTMCell(2), Late(4)])(x, constants=c)))
    assert len(model.weights) == 7
    model.compile("adam", "mse")
    model.fit([X, X[:, 0]], X[:, 0, 0], verbose=0)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors", custom_objects={"Late": Late})
    np.testing.assert_array_equal(again.predict([X, X[:, 0]]), model.predict([X, X[:, 0]]))
    layer = RNN(Late(4))
    assert layer(X, constants=[X[:, 0]]).shape == (5, 4)
    assert len(layer.weights) == 2


def test_a_start_that_a_subclass_of_rnn_says():
    class Learnt(RNN):
        def build(self, input_shape):
            super().build(input_shape)
            self.first = self.add_weight(shape=(1, 3), initializer="ones", name="first")

        def get_initial_state(self, batch_size):
            return [ops.tile(self.first, (batch_size, 1))]

    layer, plain = Learnt(GRUCell(3), dtype="float64"), RNN(GRUCell(3), dtype="float64")
    layer(X)
    plain(X)
    plain.set_weights(layer.get_weights()[1:])
    np.testing.assert_array_equal(layer(X), plain(X, initial_state=np.ones((5, 3))))
    check_backward(layer, X[:2, :2].copy(), atol=1e-7)
    assert layer.first.grad.any()


def test_a_cell_with_a_backward_function_may_start_anywhere():
    class Shifted(SimpleRNNCell):
        def build(self, input_shape):
            super().build(input_shape)
            self.first = self.add_weight((1, 3), "ones", name="first")

        def get_initial_state(self, batch_size):
            return [ops.tile(self.first, (batch_size, 1))]

    layer = RNN(Shifted(3), dtype="float64")
    check_backward(layer, X[:2, :2].copy(), atol=1e-7)
    assert layer.cell.first.grad.any()


def test_methods_that_nothing_calls_are_refused():
    for base, name in ((RNN, "inner_loop"), (LSTM, "inner_loop"), (GRU, "get_initial_state")):
        with pytest.raises(TypeError, match=f"Mine.{name} is never called: .*RNN.cell"):
            type("Mine", (base,), {name: lambda self: None})
    with pytest.raises(TypeError, match=r"Mine\._compute_attention is never called"):
        type("Mine", (MultiHeadAttention,), {"_compute_attention": lambda self: None})
    assert [s.shape for s in LSTM(3).get_initial_state(2)] == [(2, 3), (2, 3)]


def test_a_start_that_is_learnt():
    layer = rnn(LearntStart(3))
    np.testing.assert_array_equal(
        layer.get_initial_state(2)[0], np.tile(layer.weights[2].numpy(), (2, 1))
    )
    check_backward(layer, X[:3, :3].copy(), MASK[1:4, :3], atol=1e-7)
    assert layer.weights[2].grad.any()
    stack = rnn(LSTMCell(2), LearntStart(3))
    check_backward(stack, X[:3, :3].copy(), MASK[1:4, :3], atol=1e-7)


def test_training_reaches_the_call():
    class Noisy(MinimalRNNCell):
        def call(self, inputs, states, training=False):
            y, new = super().call(inputs, states)
            return (y + 100 if training else y), new

    layer = RNN(Noisy(3))
    assert layer(X).max() < 50 < layer(X, training=True).min()


def test_a_cell_of_ours_drops_the_same_at_all_steps():
    """As without the call around it: the same seed, the same masks."""

    class Same(GRUCell):
        def call(self, inputs, states, training=False):
            return super().call(inputs, states, training=training)

    options = {"dropout": 0.4, "recurrent_dropout": 0.4, "seed": 5}
    own, ours = (RNN(make(4, **options), True, dtype="float64") for make in (Same, GRUCell))
    own(X)
    ours(X)
    own.set_weights(ours.get_weights())
    for layer in (own, ours):
        layer.cell._generator = np.random.default_rng(5)
    results = [layer.forward(X, True) for layer in (own, ours)]
    np.testing.assert_allclose(results[0][0], results[1][0], atol=1e-14)
    dxs = [back(np.cos(y)) for y, back in results]
    np.testing.assert_allclose(*dxs, atol=1e-13)
    assert np.abs(results[0][0] - own(X)).max() > 0.01


def test_stateful_and_in_both_directions():
    layer = RNN(MinimalRNNCell(3), stateful=True, dtype="float64")
    whole = RNN(layer.cell, dtype="float64")
    layer(X[:, :2])
    np.testing.assert_allclose(layer(X[:, 2:]), whole(X), atol=1e-14)
    both = Bidirectional(RNN(MinimalRNNCell(3), return_sequences=True))
    assert both(X, mask=MASK).shape == (5, 5, 6)
    assert len(both.weights) == 4


# -- in models ---------------------------------------------------------------------------------


def test_fit_and_files(tmp_path):
    inputs = Input((None, 3))
    h = RNN([MinimalRNNCell(4), LSTMCell(4)], return_sequences=True)(inputs)
    model = Model(inputs, Dense(1)(RNN(NormalizedLSTM(4))(h)))
    model.compile("adam", "mse")
    lists = [row[: 2 + k % 4] for k, row in enumerate(numbers(16, 5, 3).astype("f"))]
    y = np.array([row[-1, 0] for row in lists])
    losses = model.fit(lists, y, epochs=15, batch_size=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    model.save(tmp_path / "m.safetensors")
    known = {"MinimalRNNCell": MinimalRNNCell, "NormalizedLSTM": NormalizedLSTM}
    again = load_model(tmp_path / "m.safetensors", custom_objects=known)
    np.testing.assert_array_equal(again.predict(lists), model.predict(lists))
    with pytest.raises(ValueError, match="unknown layer 'MinimalRNNCell'"):
        load_model(tmp_path / "m.safetensors")


def test_a_stack_is_one_cell():
    cells = StackedRNNCells([MinimalRNNCell(2), GRUCell(4)])
    layer = RNN(cells)
    assert layer(X).shape == (5, 4)
    assert layer.compute_output_shape((None, 5, 3)) == (None, 4)
    again = RNN.from_config
    with pytest.raises(ValueError, match="unknown layer 'MinimalRNNCell'"):
        again(layer.get_config())


class Decoder(Layer):
    """A user's own loop over a cell of ours."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.cell = GRUCell(3)

    def call(self, x):
        states = [ops.zeros((ops.shape(x)[0], 3), dtype=x.dtype)]
        outputs = []
        for t in range(x.shape[1]):
            y, states = self.cell(x[:, t], states)
            outputs.append(y)
        return ops.stack(outputs, axis=1)


def test_cells_of_ours_in_a_loop_of_the_users():
    layer = Decoder(dtype="float64")
    layer(X)
    same = GRU(3, return_sequences=True, dtype="float64")
    same(X)
    same.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(X), same(X), atol=1e-13)
    check_backward(layer, X[:2, :3].copy(), atol=1e-7)
    model = Sequential([Input((5, 3)), Decoder(), Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, X[..., :1], verbose=0)
    assert model.output_shape == (None, 5, 1)


def test_a_cell_of_the_users_is_called_as_in_keras():
    cell = MinimalRNNCell(4)
    y, (h,) = cell(X[:, 0], [numbers(5, 4)])
    assert y.shape == h.shape == (5, 4)
    out, new = Doubled(4)(X[:, 0], [numbers(5, 4), numbers(5, 4)])
    np.testing.assert_allclose(out, 2 * np.asarray(new[0]), rtol=1e-6)


# -- what is refused ---------------------------------------------------------------------------


def cell_that(state_size=2, **methods):
    return type("Odd", (Layer,), {"state_size": state_size, **methods})(name="odd")


REFUSED = [
    (lambda: cell_that(call=lambda self, x: x), r"call: expected call\(self, inputs, states\)"),
    (
        lambda: cell_that(call=lambda self, x, states: x[:, :2]),
        r"call: expected to return a pair \(output, new_states\)",
    ),
    (
        lambda: cell_that(call=lambda self, x, states: (x, states)),
        r"cell 'odd': expected step to return an output and states of shapes \[\(5, 2\), \(5, 2\)",
    ),
    (
        lambda: cell_that(0, call=lambda self, x, states: (x, states)),
        "cell: expected a cell whose state_size is an int >= 1",
    ),
    (lambda: Dense(2), r"cell: expected a Cell, a layer with call\(inputs, states\)"),
]


@pytest.mark.parametrize(("make", "said"), REFUSED)
def test_refused(make, said):
    with pytest.raises(ValueError, match=said):
        RNN(make())(X)


def test_constants_that_nobody_takes_are_refused():
    for cell in (LSTMCell(2), MinimalRNNCell(2), [LSTMCell(2), GRUCell(2)]):
        with pytest.raises(ValueError, match="constants: expected None, for no `call` of cell"):
            RNN(cell)(X, constants=[X[:, 0]])


def test_step_and_call_in_one_class_are_refused():
    class Both(Cell):
        state_size = 2

        def step(self, x, states, training=False):
            return x, states, None

        def call(self, x, states):
            return x, states

    with pytest.raises(ValueError, match=r"step: expected step .* or call .*, got both"):
        RNN(Both())
