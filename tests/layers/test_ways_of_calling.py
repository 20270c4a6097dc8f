"""However a layer is called, it is given what it was given: every layer, in every way.

In a graph, on arrays in turn, from lists of sequences, by place and by name, in models and in
other layers, in `predict` over batches of any kind. The outputs are the same, and each output has
the same mask. A row in a padded batch is the row alone, or the layer's documentation says not.
"""

import inspect
import re
import warnings

import numpy as np
import pytest
from keras_numbers import keras_numbers
from layer_zoo import BATCH, ZOO

from lstmcore import Input, Model, Sequential, layers
from lstmcore.autodiff.tensors import mask_of
from lstmcore.layers.rnn.cell import Cell
from lstmcore.structure import flatten
from lstmcore.utils import set_random_seed

CLASSES = {cls.__name__: cls for cls in layers.registry.classes()}
LENGTHS = np.array([5, 3, 4, 3])
CASES = [
    pytest.param(one, id=f"{name}-{i}")
    for name, ones in ZOO.items()
    for i, one in enumerate(ones)
    if name != "InputLayer"
]


def cases(which=lambda one: True):
    """Mark a test for the instances of which this is true."""
    return pytest.mark.parametrize("one", [c for c in CASES if which(c.values[0])])


def has_steps(one):
    """Whether the axis behind the batch of every input is one of five or more steps."""
    least = 1 if one.below else 2
    return all(len(shape) >= least and shape[0] in (5, 6) for shape in one.shapes)


def is_path(one):
    """Whether a Sequential can have it, and something behind it."""
    layer = one.make()
    return layer.single_output and not layer.several_inputs


# -- what goes in, and what is compared --------------------------------------------------------------


class Setting:
    """A layer, its inputs with 0 at masked steps, their masks, and what `run` makes of them."""

    def __init__(self, one):
        set_random_seed(3)
        self.one, self.layer = one, one.make(dtype="float32")
        self.xs = one.inputs("float32")
        self.masks = [None] * len(self.xs)
        if has_steps(one):
            lengths = [np.minimum(LENGTHS + (x.shape[1] - 5), x.shape[1]) for x in self.xs]
            self.lengths = lengths
            self.masks = [
                np.arange(x.shape[1]) < n[:, None] for x, n in zip(self.xs, lengths, strict=True)
            ]
            for x, mask in zip(self.xs, self.masks, strict=True):
                x[~mask] = 0
        self.x, self.mask = self.several(self.xs), self.several(self.masks)
        self.layer.build_for(self.several([x.shape for x in self.xs]), "float32")
        self.layer.materialize()
        if hasattr(self.layer, "vocabulary_size"):
            return
        for i, param in enumerate(self.layer.weights):
            value = param.value + 0.1 * np.sin(np.arange(param.value.size) + i).reshape(param.shape)
            param.assign(np.abs(value) + 0.3 if "variance" in param.name else value)
        with quiet():
            ys, _, mask = self.layer.run(self.x, False, self.given)
        self.ys, self.out_masks = listed_outputs(ys), listed_masks(ys, mask)

    def several(self, parts):
        return list(parts) if self.layer.several_inputs else parts[0]

    @property
    def given(self):
        """The mask or masks, None if there are none."""
        return None if all(m is None for m in self.masks) else self.mask

    def symbols(self):
        return [Input(x.shape[1:], dtype=str(x.dtype)) for x in self.xs]

    def check(self, got, masks=None):
        """Hold outputs, and masks if there are any, to those of `run`."""
        got = listed_outputs(got)
        assert len(got) == len(self.ys)
        for y, want in zip(got, self.ys, strict=True):
            np.testing.assert_array_equal(y, want)
        masks = [mask_of(y) for y in got] if masks is None else masks
        assert [m is None for m in masks] == [m is None for m in self.out_masks]
        for mask, want in zip(masks, self.out_masks, strict=True):
            np.testing.assert_array_equal(mask, want)


def listed_outputs(ys):
    """Outputs, and states of stacks of cells, in one list."""
    return flatten(ys) if isinstance(ys, list | tuple) else [ys]


def listed_masks(ys, masks):
    """The mask of each output: of one mask for several outputs, it is the first's."""
    masks = list(masks) if isinstance(masks, list | tuple) else [masks]
    count = len(listed_outputs(ys))
    return [*masks, *[None] * count][:count]


def quiet():
    """No warning of masks that end: it is not what is looked at."""
    context = warnings.catch_warnings()
    context.__enter__()
    warnings.simplefilter("ignore")

    class Leave:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            context.__exit__(None, None, None)

    return Leave()


class Own(layers.Layer):
    """A user's layer that calls another one."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, x):
        return self.inner(x)


# -- ways of calling -----------------------------------------------------------------------------------


@cases()
def test_on_arrays_by_name_by_place_and_in_turn(one):
    s = Setting(one)
    with quiet():
        s.check(s.layer(s.x, mask=s.given))
        if not isinstance(s.layer, layers.MultiHeadAttention):
            by_place = [None] * s.layer.call_order.index("mask")
            s.check(s.layer(s.x, *by_place, s.given))
            s.check(s.layer(inputs=s.x, mask=s.given))
        if s.given is not None and not one.below:
            s.check(s.layer(s.several([layers.Masking()(x) for x in s.xs])))


@cases()
def test_in_a_graph(one):
    s = Setting(one)
    for wrap in (lambda y: y, lambda y: y):
        inputs = s.symbols()
        model = Model(inputs, flatten(wrap(s.layer(s.several(inputs)))))
        masks = s.masks if len(s.masks) > 1 else s.masks[0]
        xs = s.xs if len(s.xs) > 1 else s.xs[0]
        with quiet():
            ys, _, out = model.run(xs, False, None if s.given is None else masks)
            s.check(ys, listed_masks(ys, out))
            s.check(model(s.xs, mask=None if s.given is None else masks))
            outer = s.symbols()
            nested = Model(outer, flatten(model(outer)))
            ys, _, out = nested.run(xs, False, None if s.given is None else masks)
            s.check(ys, listed_masks(ys, out))
    if s.given is not None:
        inputs = s.symbols()
        given = Model(inputs, flatten(s.layer(s.several(inputs), mask=s.given)))
        with quiet():
            ys, _, out = given.run(xs, False, None)
        s.check(ys, listed_masks(ys, out))


@cases(lambda one: has_steps(one) and not one.below)
def test_behind_a_masking_in_models(one):
    s = Setting(one)
    inputs = s.symbols()
    masked = [layers.Masking()(symbol) for symbol in inputs]
    with quiet():
        model = Model(inputs, flatten(s.layer(s.several(masked))))
        s.check(model.predict(s.xs, verbose=0), s.out_masks)
        s.check(model(s.xs))
        if not s.layer.several_inputs:
            stack = Sequential([layers.Masking(), s.layer])
            s.check(stack.predict(s.x, verbose=0), s.out_masks)
            s.check(stack(s.x))
            s.check(Sequential([stack])(s.x))


@cases(lambda one: not one.below)
def test_inside_a_layer_of_the_user_s(one):
    s = Setting(one)
    outer = Own(s.layer)
    with quiet():
        s.check(outer(s.x, mask=s.given))
        inputs = s.symbols()
        model = Model(inputs, flatten(outer(s.several(inputs))))
        masks = s.masks if len(s.masks) > 1 else s.masks[0]
        xs = s.xs if len(s.xs) > 1 else s.xs[0]
        ys, _, out = model.run(xs, False, None if s.given is None else masks)
    s.check(ys, listed_masks(ys, out))


# -- lists of sequences --------------------------------------------------------------------------------


def sequences(s):
    """The inputs as lists of sequences."""
    return [
        [row[:n] for row, n in zip(x, n, strict=True)] for x, n in zip(s.xs, s.lengths, strict=True)
    ]


@cases(has_steps)
def test_lists_of_sequences(one):
    s = Setting(one)
    lists = s.several(sequences(s))
    with quiet():
        s.check(s.layer(lists))
        inputs = s.symbols()
        model = Model(inputs, flatten(s.layer(s.several(inputs))))
        s.check(model(lists))
        if not s.layer.several_inputs:
            s.check(Sequential([s.layer])(lists))


def alone(s, i):
    """Outputs and masks of a row without padding; None if it is too short for the layer."""
    short = [x[i : i + 1, : n[i]] for x, n in zip(s.xs, s.lengths, strict=True)]
    try:
        ys, _, masks = s.layer.run(s.several(short), False, None)
    except ValueError:
        return None
    return listed_outputs(ys), listed_masks(ys, masks)


@cases(has_steps)
def test_predict_over_batches_of_any_kind(one):
    """Lists come out as lists, each output as long as that of its row alone."""
    s = Setting(one)
    rows = [alone(s, i) for i in range(BATCH)]
    if any(row is None for row in rows) or getattr(s.layer, "go_backwards", False):
        return
    inputs = [Input((None, *x.shape[2:]), dtype=str(x.dtype)) for x in s.xs]
    try:
        with quiet():
            model = Model(inputs, flatten(s.layer(s.several(inputs))))
    except ValueError:  # a layer for so many steps and no others
        return
    lists = s.several(sequences(s))
    first, rest = ([part[rows] for part in sequences(s)] for rows in (slice(2), slice(2, None)))
    batches = [s.several(first), s.several(rest)]
    arrays = [s.several([x[:2] for x in s.xs]), s.several([x[2:, :-1] for x in s.xs])]
    with quiet():
        for given in (lists, iter(batches), iter([(batch,) for batch in batches])):
            got = listed_all(model.predict(given, verbose=0), len(s.ys))
            for k, y in enumerate(got):
                assert [part.shape for part in y] == [row[0][k].shape[1:] for row in rows]
        got = listed_all(model.predict(iter(arrays), verbose=0), len(s.ys))
        for k, y in enumerate(got):
            wanted = [model.predict(batch, verbose=0) for batch in arrays]
            wanted = [row for want in wanted for row in listed_all(want, len(s.ys))[k]]
            for part, want in zip(y, wanted, strict=True):
                np.testing.assert_array_equal(part, want)


def listed_all(outputs, count):
    """The outputs of a model in a list: of several outputs, each may be a list of rows."""
    return list(outputs) if count > 1 else [outputs]


# -- a row alone and in a padded batch ------------------------------------------------------------------


def differs(s, training):
    """Whether a row's outputs depend on the padding of the batch."""
    with quiet():
        set_random_seed(3)
        ys, _, mask = s.layer.run(s.x, training, s.given)
        masks = listed_masks(ys, mask)
        for i in range(BATCH):
            row = alone(s, i)
            if row is None:
                continue
            for y, steps, short in zip(listed_outputs(ys), masks, row[0], strict=True):
                part = y[i]
                if steps is not None:
                    part = part[steps[i]]
                elif part.shape != short[0].shape:
                    return True
                if part.shape != short[0].shape:
                    return True
                if not np.allclose(part, short[0], rtol=2e-5, atol=2e-6):
                    return True
    return False


@cases(has_steps)
def test_a_row_does_not_see_the_padding_or_the_layer_says_so(one):
    s = Setting(one)
    if differs(s, False):
        text = inspect.getdoc(type(s.layer))
        assert re.search(r"\b(masked steps?|padding|padded)\b", text), type(s.layer).__name__


# -- in other layers ---------------------------------------------------------------------------------


@cases(lambda one: is_path(one) and not one.trains_apart)
def test_at_every_step_of_longer_sequences(one):
    """`TimeDistributed` gives the layer each step with its mask of parts."""
    s = Setting(one)
    if isinstance(s.layer, Model | Sequential) and one.below:
        return
    wrapped = layers.TimeDistributed(s.layer)
    steps = np.stack([s.x, s.x], axis=1)
    parts = None if s.given is None else np.stack([s.given, s.given], axis=1)
    with quiet():
        y = wrapped(steps, mask=parts)
    for t in range(2):
        np.testing.assert_allclose(y[:, t], s.ys[0], rtol=1e-6, atol=1e-7)
    (mask,) = s.out_masks
    if mask is not None:
        np.testing.assert_array_equal(mask_of(y), np.stack([mask, mask], axis=1))
    elif parts is not None:
        np.testing.assert_array_equal(mask_of(y), parts.reshape(BATCH, 2, -1).any(axis=2))


# -- by place ------------------------------------------------------------------------------------------

KERAS = keras_numbers("calls")
FIRST = {"MultiHeadAttention": 1, "GroupQueryAttention": 1}


@pytest.mark.parametrize("name", [name for name in CLASSES if name in KERAS])
def test_arguments_by_place_have_keras_order(name):
    cls, wanted = CLASSES[name], KERAS[name]
    if issubclass(cls, Cell) or name in FIRST:
        own = list(inspect.signature(cls.__call__).parameters)[2:]
    elif cls.overrides_call:
        own = list(inspect.signature(cls.call).parameters)[2:]
    else:
        own = list(cls.call_order)
    assert own[: len(wanted[1:])] == wanted[1:]


@pytest.mark.parametrize("given", [np.ones((2, 5)), [True], "yes", 2])
def test_training_is_a_truth_value(given):
    with pytest.raises(ValueError, match=r"'d' \(Dense\): training: expected True, False or None"):
        layers.Dense(2, name="d")(np.ones((2, 5)), given)


def test_what_else_is_wrong_with_a_call():
    layer, x = layers.LSTM(2, name="l"), np.ones((2, 5, 3))
    for call, message in (
        (lambda: layer(), "'l' .*: the call needs x"),
        (lambda: layer(x, None, None, None, 1), r"at most 4 arguments by place, \(x, initial_sta"),
        (lambda: layer(x, None, np.ones((2, 5)), mask=np.ones((2, 5))), "'mask' by place and by n"),
        (lambda: layer(x, maks=1), "no argument 'maks': did you mean 'mask'"),
        (lambda: Sequential([layer])(x, initial_state=1), "no argument 'initial_state'"),
        (lambda: layer(Input((5, 3)), maks=1), "no argument 'maks': did you mean 'mask'"),
    ):
        with pytest.raises(TypeError, match=message):
            call()
