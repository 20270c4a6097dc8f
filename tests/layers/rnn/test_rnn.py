"""RNN around a cell: gradients, masks, states, dropout, files, and what it refuses."""

import copy

import numpy as np
import pytest
from gradients import leaves
from helpers import numbers
from recurrent_checks import MASK, Sums, alone, check_recurrent

from lstmcore import Input, Model, Sequential, initializers, load_model
from lstmcore.layers import (
    GRU,
    LSTM,
    RNN,
    Cell,
    Dense,
    GRUCell,
    LSTMCell,
    Masking,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
)
from lstmcore.layers.rnn.cell import flatten_states
from lstmcore.utils import generator, set_random_seed

KINDS = {
    "lstm": lambda **k: LSTMCell(3, **k),
    "lstm-other": lambda **k: LSTMCell(3, "softsign", "hard_sigmoid", use_bias=False, **k),
    "gru": lambda **k: GRUCell(3, bias_initializer="random_normal", **k),
    "gru-before": lambda **k: GRUCell(3, reset_after=False, **k),
    "gru-bare": lambda **k: GRUCell(3, "elu", "hard_sigmoid", use_bias=False, **k),
    "rnn": lambda **k: SimpleRNNCell(3, **k),
    "rnn-bare": lambda **k: SimpleRNNCell(3, "linear", use_bias=False, **k),
}


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(1)


@pytest.fixture(params=KINDS)
def make(request):
    return KINDS[request.param]


def shapes(states):
    return [s.shape for s in states]


def some_states(cell, rows):
    return [numbers(rows, n) / 2 + k for k, n in enumerate(flatten_states(cell.state_size))]


# -- one step --------------------------------------------------------------------------------


def test_states_come_back_as_they_went_in(make):
    cell = make()
    states = cell.get_initial_state(2)
    assert isinstance(states, list)
    y, new = cell(np.ones((2, 4)), states)
    assert isinstance(new, list)
    assert shapes(new) == [(2, 3)] * len(states)
    if len(states) == 1:
        bare = cell(np.ones((2, 4)), states[0])[1]
        np.testing.assert_array_equal(bare, y)


# -- backward --------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("sequences", [False, True])
def test_backward(make, steps, sequences):
    cell = make()
    layer = RNN(cell, return_sequences=sequences, dtype="float64")
    check_recurrent(layer, numbers(2, steps, 4))
    layer = RNN(cell, sequences, return_state=True, go_backwards=True, dtype="float64")
    check_recurrent(layer, numbers(2, steps, 4), states=some_states(cell, 2))


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("sequences", [False, True])
@pytest.mark.parametrize("backwards", [False, True])
def test_backward_with_a_mask(make, zero, sequences, backwards):
    cell = make()
    layer = RNN(cell, sequences, True, backwards, zero_output_for_mask=zero, dtype="float64")
    check_recurrent(layer, numbers(5, 5, 2), mask=MASK, states=some_states(cell, 5))


def test_backward_through_a_stack():
    cell = StackedRNNCells([LSTMCell(2), GRUCell(4), SimpleRNNCell(3)])
    layer = RNN(cell, return_state=True, return_sequences=True, dtype="float64")
    check_recurrent(layer, numbers(5, 5, 2), mask=MASK, states=some_states(cell, 5))


def test_backward_with_dropout(make):
    cell = make(dropout=0.4, recurrent_dropout=0.4)
    layer = RNN(cell, return_sequences=True, dtype="float64")

    def again():
        cell._generator = generator(3)

    check_recurrent(layer, numbers(4, 3, 5), before=again)


def test_no_gradient_of_a_state_is_none():
    layer = RNN(LSTMCell(3), return_state=True, dtype="float64")
    x, dy, dc = numbers(2, 4, 2), numbers(2, 3), numbers(3, 2).T
    layer(x)
    zero = np.zeros((2, 3))
    want = layer.forward(x, True)[1]((dy, zero, dc))
    np.testing.assert_array_equal(layer.forward(x, True)[1]((dy, None, dc)), want)
    want = layer.forward(x, True)[1]((zero, zero, dc))
    np.testing.assert_array_equal(layer.forward(x, True)[1]((None, None, dc)), want)
    assert layer.forward(x, True)[1]((dy, None, None), need_dx=False) is None
    assert layer.forward(x, False)[1] is None


# -- masks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("backwards", [False, True])
def test_a_masked_row_is_the_row_alone(make, backwards, dtype):
    """To the last bit, wherever the gaps are."""
    layer = RNN(make(), True, True, go_backwards=backwards, dtype=dtype)
    x, states = numbers(5, 5, 2), some_states(layer.cell, 5)
    x[~MASK] = np.nan
    y, *last = layer(x, mask=MASK, initial_state=states)
    for row in range(4):
        y_alone, *last_alone = alone(layer, x, MASK, row, states)
        real = MASK[row, ::-1] if backwards else MASK[row]
        np.testing.assert_array_equal(y[row, real], y_alone[0])
        for got, want in zip(last, last_alone, strict=True):
            np.testing.assert_array_equal(got[row], want[0])
        # between real steps the output stands still; before the first it is the initial state
        carried = states[0][row].astype(dtype)
        for t in range(5):
            carried = y[row, t] if real[t] else carried
            np.testing.assert_array_equal(y[row, t], carried)
    for got, first in zip((y[4, 0], *(s[4] for s in last)), (states[0], *states), strict=True):
        np.testing.assert_array_equal(got, first[4].astype(dtype))


def test_zero_output_for_mask(make):
    layer = RNN(make(), return_sequences=True, dtype="float64")
    x = numbers(5, 5, 2)
    carried = layer(x, mask=MASK)
    layer.zero_output_for_mask = True
    np.testing.assert_array_equal(layer(x, mask=MASK), np.where(MASK[..., None], carried, 0))
    layer.return_sequences = False  # then it is the last real step's in any case
    np.testing.assert_array_equal(layer(x, mask=MASK), carried[:, -1])


def test_padding_does_not_spread_in_the_backward_pass(make):
    layer = RNN(make(), return_sequences=True, dtype="float64")
    x = numbers(5, 5, 2)
    layer(x)
    grads = []
    for value in (0, np.nan):
        x[~MASK] = value
        for p in layer.weights:
            p.grad[...] = 0
        dx = layer.forward(x, True, mask=MASK)[1](np.ones((5, 5, 3)))
        grads.append([dx, *(p.grad.copy() for p in layer.weights)])
    for a, b in zip(*grads, strict=True):
        assert np.isfinite(b).all()
        np.testing.assert_array_equal(a, b)


def test_masks_go_on_with_sequences():
    layer = RNN(GRUCell(2), return_sequences=True)
    assert layer.compute_mask(None, MASK) is MASK
    assert RNN(GRUCell(2)).compute_mask(None, MASK) is None
    turned = RNN(GRUCell(2), return_sequences=True, go_backwards=True)
    np.testing.assert_array_equal(turned.compute_mask(None, MASK), MASK[:, ::-1])


def test_the_layers_behind_one_that_goes_backwards_see_the_mask_turned_round():
    x = numbers(5, 5, 2)
    first, last = RNN(LSTMCell(3), return_sequences=True, go_backwards=True), LSTM(2)
    y = Sequential([Masking(), first, last])(np.where(MASK[..., None], x, 0))
    for row in range(4):
        want = last(first(x[row, MASK[row]][None]))
        np.testing.assert_allclose(y[row], want[0], rtol=1e-5, atol=1e-7)


# -- states ------------------------------------------------------------------------------------


def test_go_backwards_is_x_turned_round(make):
    x = numbers(2, 4, 3)
    layer = RNN(make(), return_sequences=True, go_backwards=True)
    y = layer(x)
    layer.go_backwards = False
    np.testing.assert_array_equal(layer(x[:, ::-1]), y)


def test_stateful_calls_go_on(make):
    x = numbers(2, 6, 3)
    layer = RNN(make(), return_sequences=True, dtype="float64")
    whole = layer(x)
    layer.stateful = True
    parts = [layer(x[:, :2]), layer(x[:, 2:5]), layer(x[:, 5:])]
    np.testing.assert_array_equal(np.concatenate(parts, axis=1), whole)
    with pytest.raises(ValueError, match=r"x: expected a batch of 2, .*reset_states.*, got 1"):
        layer(x[:1])
    layer.reset_states()
    np.testing.assert_array_equal(layer(x), whole)
    again = layer(x, initial_state=layer.get_initial_state(2))
    np.testing.assert_array_equal(again, whole)
    layer.reset_state()
    assert layer(x[:1]).shape == (1, 6, 3)


def test_what_is_returned_can_be_written_to():
    layer = RNN(GRUCell(3), return_state=True, stateful=True, dtype="float64")
    given = numbers(2, 3)
    x, kept = numbers(2, 4, 1), given.copy()
    y, h = layer(x, mask=np.zeros((2, 4)), initial_state=given)
    y += 1
    h += 1
    np.testing.assert_array_equal(given, kept)
    layer(x, mask=np.zeros((2, 4)))
    np.testing.assert_array_equal(layer(x, mask=np.zeros((2, 4)))[0], kept)


def test_a_stack_is_its_layers_one_after_another():
    first, second = LSTMCell(3), GRUCell(4)
    layer = RNN([first, second], return_sequences=True, return_state=True, dtype="float64")
    x = numbers(2, 5, 2)
    states = [[numbers(2, 3), numbers(3, 2).T], [numbers(2, 4)]]
    y, one, two = layer(x, initial_state=states)
    assert (shapes(one), shapes(two)) == ([(2, 3), (2, 3)], [(2, 4)])
    middle, *want = RNN(first, True, True)(x, initial_state=states[0])
    np.testing.assert_array_equal(one, want)
    want_y, want_h = RNN(second, True, True)(middle, initial_state=states[1])
    np.testing.assert_array_equal(y, want_y)
    np.testing.assert_array_equal(two[0], want_h)
    states = [[(None, 3), (None, 3)], [(None, 4)]]
    assert layer.compute_output_shape((None, 5, 2)) == ((None, 5, 4), *states)
    assert layer.cell.state_size == [[3, 3], 4]
    y, new = layer.cell(x[:, 0], layer.cell.get_initial_state(2))
    assert [shapes(s) for s in new] == [[(2, 3), (2, 3)], [(2, 4)]]
    assert RNN([LSTMCell(2)])(x).shape == (2, 2)


# -- dropout -----------------------------------------------------------------------------------


def test_states_of_stacks_go_through_graphs_as_lists():
    """From one stack to another, as in Keras: one list of states for each cell."""
    cells = [LSTMCell(3), GRUCell(2)], [LSTMCell(3), GRUCell(2)]
    first, second = RNN(cells[0], return_state=True), RNN(cells[1], return_sequences=True)
    x, inputs = numbers(2, 5, 2).astype("f4"), Input((5, 2))
    y, one, two = first(inputs)
    assert [s.shape for s in (y, *one, *two)] == [(None, 2), (None, 3), (None, 3), (None, 2)]
    model = Model(inputs, [y, *one, *two, second(inputs, initial_state=[one, two])])
    want_y, *states = first(x)
    want = [want_y, *states[0], *states[1], second(x, initial_state=states)]
    for got, wanted in zip(model.predict(x), want, strict=True):
        np.testing.assert_array_equal(got, wanted)
    before = first.get_weights()
    end = Model(inputs, model.outputs[-1])
    end.compile("sgd", "mse")
    end.fit(x, np.ones((2, 5, 2)), verbose=0)  # the gradient goes back through the states
    assert all((a != b).any() for a, b in zip(before, first.get_weights(), strict=True))
    again = Model.from_config(model.get_config())
    again.set_weights(model.get_weights())
    for got, wanted in zip(again.predict(x), model.predict(x), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_a_cell_with_an_activity_regularizer_is_refused():
    with pytest.raises(ValueError, match=r"cell: expected a cell without activity_regularizer"):
        RNN(LSTMCell(2, activity_regularizer="l2"))


def test_dropout_masks_stay_for_a_call():
    """With no recurrence and x = 1 the output is the sum over what x keeps: the same each step."""
    cell = SimpleRNNCell(1, "linear", dropout=0.5, kernel_initializer="ones")
    layer = RNN(cell, return_sequences=True, dtype="float64")
    x = np.ones((200, 4, 1))
    layer(x)
    layer.set_weights([np.ones((1, 1)), np.zeros((1, 1)), np.zeros(1)])
    y = layer(x, training=True)
    assert (y == y[:, :1]).all()
    assert set(np.unique(y)) == {0, 2}
    assert y[:, 0].mean() == pytest.approx(1, abs=0.25)
    assert (layer(x, training=True) != y).any()
    np.testing.assert_array_equal(layer(x), x)


def test_recurrent_dropout_is_of_h_alone():
    cell = SimpleRNNCell(1, "linear", recurrent_dropout=0.75)
    layer = RNN(cell, return_sequences=True, dtype="float64")
    x = np.ones((100, 3, 1))
    layer(x)
    layer.set_weights([np.ones((1, 1)), np.ones((1, 1)), np.zeros(1)])
    y = layer(x, training=True)[..., 0]
    assert {tuple(row) for row in y} == {(1, 1, 1), (1, 5, 21)}
    assert (y[:, 1] == 5).mean() == pytest.approx(0.25, abs=0.15)


def test_dropout_seeds(make):
    x = numbers(8, 3, 4)
    start = RNN(make(seed=1))
    start(x)

    def run(**kwargs):
        layer = RNN(make(dropout=0.5, recurrent_dropout=0.5, **kwargs))
        layer(x)
        layer.set_weights(start.get_weights())
        return layer(x, training=True)

    np.testing.assert_array_equal(run(seed=5), run(seed=5))
    assert (run(seed=5) != run(seed=6)).any()
    set_random_seed(3)
    first = run()
    set_random_seed(3)
    np.testing.assert_array_equal(run(), first)


@pytest.mark.parametrize("rates", [(0.5, 0), (0, 0.5), (0.4, 0.3)])
@pytest.mark.parametrize(
    ("cell", "layer"),
    [(LSTMCell, LSTM), (GRUCell, GRU), (SimpleRNNCell, SimpleRNN)],
    ids=["lstm", "gru", "rnn"],
)
def test_a_cell_is_its_layer(cell, layer, rates):
    """The numbers of the compiled layer, the masks of its dropout, and its gradients."""
    kwargs = dict(zip(("dropout", "recurrent_dropout"), rates, strict=True), seed=3)
    fast = layer(4, return_sequences=True, dtype="float64", **kwargs)
    slow = RNN(cell(4, **kwargs), return_sequences=True, dtype="float64")
    x = numbers(5, 5, 3)
    fast(x), slow(x)
    slow.set_weights(fast.get_weights())
    (a, back_a), (b, back_b) = (one.forward(x, True, mask=MASK) for one in (fast, slow))
    np.testing.assert_allclose(a, b, atol=1e-12)
    np.testing.assert_allclose(back_a(numbers(5, 5, 4)), back_b(numbers(5, 5, 4)), atol=1e-12)
    for p, q in zip(fast.weights, slow.weights, strict=True):
        np.testing.assert_allclose(p.grad, q.grad, atol=1e-12)


# -- configs, copies, files --------------------------------------------------------------------


def test_config_round_trip(make):
    for cell in (make(seed=2, dropout=0.25, trainable=False), make(name="mine", dtype="float64")):
        layer = RNN(StackedRNNCells([cell, LSTMCell(2)]), return_sequences=True, stateful=True)
        config = layer.get_config()
        assert RNN.from_config(config).get_config() == config
        assert type(cell).from_config(cell.get_config()).get_config() == cell.get_config()
        assert layer.dtype == cell.dtype


def test_save_load_and_copy(make, tmp_path):
    cells = [make(kernel_initializer=initializers.HeNormal(seed=3)), GRUCell(2)]
    model = Sequential([Input((5, 2)), RNN(cells, return_sequences=True), RNN(LSTMCell(2))])
    x = numbers(3, 5, 2)
    y = model.predict(x)
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(load_model(tmp_path / "m.safetensors").predict(x), y)
    np.testing.assert_array_equal(copy.deepcopy(model).predict(x), y)
    paths = [path for path, _, _ in model.named_params()]
    first, stack, cell = model.layers[0], model.layers[0].cell, cells[0]
    assert paths[0] == f"{first.name}/{stack.name}/{cell.name}/kernel"
    cells[1].trainable = False
    assert len(model.trainable_weights) == len(model.weights) - 3


# -- what they refuse --------------------------------------------------------------------------


class Wrong(Sums):
    def step(self, x, states, training=False):
        y, new, back = super().step(x, states, training)
        return y[:, :2], new, back


class NoSize(Cell):
    pass


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LSTMCell(0), "units: expected a whole number"),
        (lambda: GRUCell(2, dropout=1.5), "dropout: expected a number from 0 to below 1, got 1.5"),
        (lambda: GRUCell(2, recurrent_dropout="a"), "recurrent_dropout: expected a number"),
        (lambda: GRUCell(2, seed=-1), "seed: expected an int >= 0"),
        (lambda: RNN(Dense(2), name="r"), r"'r' \(RNN\): cell: expected a Cell, .*got Dense"),
        (lambda: RNN("LSTMCell"), "cell: expected a Cell"),
        (lambda: RNN(NoSize()), "cell: expected a cell whose state_size is .*, got None in 'no_"),
        (lambda: RNN([]), "cells: expected a list of at least one cell"),
        (lambda: RNN([GRUCell(2), 3]), "cells: expected a Cell, a layer with call.*, got 3"),
        (
            lambda: StackedRNNCells([GRUCell(2, name="a"), GRUCell(2, name="a")]),
            r"cells: expected names that differ, got \['a', 'a'\]",
        ),
        (lambda: Sequential([Input((3,)), GRUCell(2)])(np.ones((2, 3))), r"within RNN\(cell\)"),
    ],
)
def test_constructors_refuse(make, message):
    with pytest.raises(ValueError, match=message):
        make()


X = np.ones((2, 4, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: r(np.ones((2, 3))), r"\(batch, time, features\), got shape \(2, 3\) \(a rec"),
        (lambda r: r(X) is r(X[..., :2]), r"\(batch, time, 3\), got shape \(2, 4, 2\)"),
        (lambda r: r(X, mask=np.ones((2, 3))), r"mask: expected .*\(2, 4\)"),
        (lambda r: r(X, initial_state=np.ones((2, 2))), "initial_state: expected arrays of shapes"),
        (lambda r: r(X, initial_state=[np.ones((2, 2)), np.ones((1, 2))]), r"got \[\(2, 2\), \(1,"),
        (lambda r: r.cell(X[0], [np.ones((4, 2))]), r"states: expected arrays of shapes \[\(4, 2"),
        (lambda r: (r(X), r.cell(X[0, :, :2], [np.ones((4, 2))] * 2)), r"\(batch, 3\), got shape"),
        (lambda r: r.cell(X, [np.ones((2, 2))] * 2), r"x: expected an array of shape \(batch, fe"),
        (lambda r: (r(X), RNN(r.cell)(X[..., :2])), r"\(batch, time, 3\), got shape"),
        (lambda r: RNN(Wrong())(X[..., :2]), r"cell 'wrong.*': expected step to return .*\(2, 3\)"),
    ],
)
def test_calls_refuse(call, message):
    with pytest.raises(ValueError, match=message):
        call(RNN(LSTMCell(2)))


def test_leaves_agree():
    nested = [[1, 2], 3, [[4]]]
    assert flatten_states(nested) == leaves(nested) == [1, 2, 3, 4]
