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
from layer_zoo import BATCH, ZOO, One

from lstmcore import Input, Model, Sequential, layers
from lstmcore.autodiff.tensors import mask_of
from lstmcore.inspection import inner_layers
from lstmcore.layers.preprocessing.lookup import TextLayer
from lstmcore.optimizers import SGD
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


def stack(**kwargs):
    """Cells whose states come in a list for each."""
    return layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_state=True, **kwargs)


CASES += [  # of nested outputs
    pytest.param(One(stack), id="stack"),
    pytest.param(One(lambda **kw: stack(return_sequences=True, **kw)), id="stack-sequences"),
    pytest.param(One(lambda **kw: layers.Bidirectional(stack(), "ave", **kw)), id="stacks"),
]


def cases(which=lambda one: True):
    """Mark a test for the instances of which this is true."""
    return pytest.mark.parametrize("one", [c for c in CASES if which(c.values[0])])


def has_steps(one):
    """Whether the axis behind the batch of every input is one of steps, five or more."""
    least = 1 if one.below else 2
    return all(len(shape) >= least and shape[0] in (5, 6) for shape in one.shapes)


# -- what goes in, and what is compared ------------------------------------------------------------


class Setting:
    """A layer, its inputs with 0 at masked steps, their masks, and what `run` makes of them."""

    def __init__(self, one):
        set_random_seed(3)
        self.one, self.layer = one, one.make(dtype="float32")
        self.xs = one.inputs("float32")
        self.masks, self.lengths = [None] * len(self.xs), None
        if has_steps(one):
            self.lengths = [LENGTHS + (x.shape[1] - 5) for x in self.xs]
            pairs = list(zip(self.xs, self.lengths, strict=True))
            self.masks = [np.arange(x.shape[1]) < n[:, None] for x, n in pairs]
            for x, mask in zip(self.xs, self.masks, strict=True):
                x[~mask] = 0
        self.x = self.several(self.xs)
        self.mask = None if self.masks[0] is None else self.several(self.masks)
        self.layer.build_for(self.several([x.shape for x in self.xs]), "float32")
        self.layer.materialize()
        for i, param in enumerate(self.layer.weights):
            value = param.value + 0.1 * np.sin(np.arange(param.value.size) + i).reshape(param.shape)
            param.assign(np.abs(value) + 0.3 if "variance" in param.name else value)
        ys, _, mask = self.layer.run(self.x, False, self.mask)
        self.ys, self.out_masks = flatten(ys), masks_of(ys, mask)

    def several(self, parts):
        """The parts as the layer takes them."""
        return list(parts) if self.layer.several_inputs else parts[0]

    def is_path(self):
        """Whether a Sequential can have it, and something behind it."""
        return self.layer.single_output and not self.layer.several_inputs

    def symbols(self, steps=True):
        """An Input for each input; without `steps` for any number of them."""
        return [
            Input((*(x.shape[1:2] if steps else [None]), *x.shape[2:]), dtype=str(x.dtype))
            for x in self.xs
        ]

    def model(self, **options):
        """A functional model of the one layer."""
        inputs = self.symbols()
        return Model(inputs, flatten(self.layer(self.several(inputs), **options)))

    def check(self, got, masks=None):
        """Hold outputs and their masks, by default those that go with them, to those of `run`."""
        got = flatten(got)
        assert len(got) == len(self.ys)
        for y, want in zip(got, self.ys, strict=True):
            assert np.array_equal(y, want)
        masks = [mask_of(y) for y in got] if masks is None else masks
        assert [m is None for m in masks] == [m is None for m in self.out_masks]
        for mask, want in zip(masks, self.out_masks, strict=True):
            assert np.array_equal(mask, want)

    def check_model(self, model, masked=True):
        """Hold what a functional model computes to it, with the masks of its inputs."""
        alone = len(self.xs) == 1
        masks = self.masks[0] if alone else self.masks
        masks = masks if masked and self.mask is not None else None
        ys, _, out = model.run(self.xs[0] if alone else self.xs, False, masks)
        self.check(ys, masks_of(ys, out))
        self.check(model(self.xs, mask=masks))


def masks_of(ys, masks):
    """The mask of each output: of one mask for several outputs, it is the first's."""
    masks = list(masks) if isinstance(masks, list | tuple) else [masks]
    return [*masks, *[None] * len(flatten(ys))][: len(flatten(ys))]


class Own(layers.Layer):
    """A user's layer that calls another one."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, x):
        return self.inner(x)


# -- the ways ----------------------------------------------------------------------


def on_arrays(s):
    s.check(s.layer(s.x, mask=s.mask))
    if not has_own_arguments(type(s.layer)):
        before = [None] * s.layer.call_order.index("mask")
        s.check(s.layer(s.x, *before, s.mask))
        s.check(s.layer(inputs=s.x, mask=s.mask))


def in_turn(s):
    if s.mask is not None and not s.one.below:
        s.check(s.layer(s.several([layers.Masking()(x) for x in s.xs])))


def in_a_graph(s):
    model = s.model()
    s.check_model(model)
    outer = s.symbols()
    s.check_model(Model(outer, flatten(model(outer))))
    if s.mask is not None:
        s.check_model(s.model(mask=s.mask), masked=False)


def in_models_behind_a_masking(s):
    if s.mask is None or s.one.below:
        return
    inputs = s.symbols()
    masked = s.several([layers.Masking()(symbol) for symbol in inputs])
    s.check(Model(inputs, flatten(s.layer(masked)))(s.xs))
    if not s.layer.several_inputs:
        stack = Sequential([layers.Masking(), s.layer])
        s.check(stack(s.x))
        s.check(stack.predict(s.x, verbose=0), s.out_masks)
        s.check(Sequential([stack])(s.x))


def in_a_layer_of_the_user_s(s):
    if not s.one.below:
        outer = Own(s.layer)
        s.check(outer(s.x, mask=s.mask))
        inputs = s.symbols()
        s.check_model(Model(inputs, flatten(outer(s.several(inputs)))))


def at_each_step_of_longer_sequences(s):
    """`TimeDistributed` gives the layer each step with its mask of parts."""
    if not s.is_path() or s.one.trains_apart or (isinstance(s.layer, Model) and s.one.below):
        return
    parts = None if s.mask is None else np.stack([s.mask, s.mask], axis=1)
    y = layers.TimeDistributed(s.layer)(np.stack([s.x, s.x], axis=1), mask=parts)
    for t in range(2):
        np.testing.assert_allclose(y[:, t], s.ys[0], rtol=1e-6, atol=1e-7)
    (mask,) = s.out_masks
    if mask is not None:
        np.testing.assert_array_equal(mask_of(y), np.stack([mask, mask], axis=1))
    elif parts is not None:
        np.testing.assert_array_equal(mask_of(y), parts.any(axis=2))


def from_lists_of_sequences(s):
    if s.mask is None or isinstance(s.layer, Model):  # which may say how many steps it takes
        return
    lists = s.several(sequences(s))
    if isinstance(s.layer, TextLayer):  # rows of texts have one length
        with pytest.raises(ValueError, match="different lengths"):
            s.layer(lists)
        return
    s.check(s.layer(lists))
    model = model_of_any_length(s)
    if model is not None:
        s.check(model(lists))
        if not s.layer.several_inputs:
            s.check(Sequential([s.layer])(lists))


def in_predict_over_batches_of_any_kind(s):
    """Lists come out as lists, each output as long as that of its row alone."""
    if s.mask is None:
        return
    rows, model = [alone(s, i) for i in range(BATCH)], model_of_any_length(s)
    if model is None or any(row is None for row in rows):
        return
    first, rest = ([part[rows] for part in sequences(s)] for rows in (slice(2), slice(2, None)))
    lists = [s.several(first), s.several(rest)]
    for given in (s.several(sequences(s)), iter(lists), iter([(batch,) for batch in lists])):
        for k, y in enumerate(outputs_of(model.predict(given, verbose=0), s)):
            assert [part.shape for part in y] == [row[0][k].shape[1:] for row in rows]
            for part, row in zip(y, rows, strict=True):
                if s.one.masks:
                    np.testing.assert_allclose(part, row[0][k][0], rtol=2e-5, atol=2e-6)
    arrays = [s.several([x[:2] for x in s.xs]), s.several([x[2:, :-1] for x in s.xs])]
    each = [outputs_of(model.predict(batch, verbose=0), s) for batch in arrays]
    for k, y in enumerate(outputs_of(model.predict(iter(arrays), verbose=0), s)):
        for part, want in zip(y, [row for outputs in each for row in outputs[k]], strict=True):
            np.testing.assert_array_equal(part, want)


def in_evaluate_and_training(s):
    """Lists have the loss and the metrics of their padded array behind a mask."""
    apart = s.one.below or s.one.draws or s.one.trains_apart or not s.one.slope
    apart |= isinstance(s.layer, Model)  # which may say how many steps it takes
    if s.mask is None or apart or not s.is_path() or model_of_any_length(s) is None:
        return
    (y,), (mask,) = s.ys, s.out_masks
    if mask is None or not np.array_equal(mask, s.mask) or y.ndim < 3:
        return
    target, n = np.sin(np.arange(y.size, dtype="f4")).reshape(y.shape), s.lengths[0]
    stack = Sequential([layers.Masking(), s.layer])
    stack.compile(SGD(0.0), "mse", metrics=["mae"])
    padded = [stack.evaluate(s.x, target, verbose=0), stack.train_on_batch(s.x, target)]
    own = Sequential([s.layer])
    own.compile(SGD(0.0), "mse", metrics=["mae"])
    rows = [row[:k] for row, k in zip(target, n, strict=True)]
    (lists,) = sequences(s)
    for whole, ragged in zip(
        padded,
        [own.evaluate(lists, rows, verbose=0), own.train_on_batch(lists, rows)],
        strict=True,
    ):
        np.testing.assert_allclose(ragged, whole, rtol=1e-5)


def with_or_without_padding(s):
    """A row in a padded batch is the row alone, or the layer's documentation says not."""
    if s.mask is None:
        return
    seen = sees_padding(s, s.ys, s.out_masks)
    for x, mask in zip(s.xs, s.masks, strict=True):
        x[~mask] = 1 if s.one.below else 5  # what stands there is not always 0
    ys, _, mask = s.layer.run(s.x, False, s.mask)
    if seen or sees_padding(s, flatten(ys), masks_of(ys, mask)):
        classes = {
            type(layer) for layer in (s.layer, *(inner for _, inner in inner_layers(s.layer)))
        }
        texts = " ".join(inspect.getdoc(cls) for cls in classes)
        assert not s.one.masks
        assert re.search(r"masked\s+steps\s+count\s+like\s+any\s+others", texts)


def sequences(s):
    """The inputs as lists of sequences."""
    pairs = zip(s.xs, s.lengths, strict=True)
    return [[row[:n] for row, n in zip(x, lengths, strict=True)] for x, lengths in pairs]


def alone(s, i):
    """Outputs and masks of a row without padding; None if it is too short for the layer."""
    short = [x[i : i + 1, : n[i]] for x, n in zip(s.xs, s.lengths, strict=True)]
    try:
        ys, _, mask = s.layer.run(s.several(short), False, None)
    except ValueError:
        return None
    return flatten(ys), masks_of(ys, mask)


def sees_padding(s, ys, masks):
    for i in range(BATCH):
        row = alone(s, i)
        for y, mask, short, own in zip(ys, masks, *(row or ([], [])), strict=False):
            part = y[i] if mask is None else y[i, mask[i]]
            short = short[0] if own is None else short[0, own[0]]
            if part.shape != short.shape or not np.allclose(part, short, rtol=2e-5, atol=2e-6):
                return True
    return False


def model_of_any_length(s):
    """A model for any number of steps; None if the layer is for so many and no others."""
    inputs = s.symbols(steps=False)
    try:
        return Model(inputs, flatten(s.layer(s.several(inputs))))
    except ValueError:
        return None


def outputs_of(predicted, s):
    """The outputs of a model in a list: each may itself be a list, of rows."""
    return list(predicted) if len(s.ys) > 1 else [predicted]


WAYS = [
    on_arrays,
    in_turn,
    in_a_graph,
    in_models_behind_a_masking,
    in_a_layer_of_the_user_s,
    at_each_step_of_longer_sequences,
    from_lists_of_sequences,
    in_predict_over_batches_of_any_kind,
    in_evaluate_and_training,
    with_or_without_padding,
]


@cases()
def test_every_way_of_calling(one):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of masks that end here
        s = Setting(one)
        for way in WAYS:
            way(s)


@cases(lambda one: len(one.shapes) == 1 and len(one.shapes[0]) > 2)
def test_masks_of_the_parts_of_steps(one):
    """Of words of sentences, say: (batch, time, parts)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        s = Setting(one)
        s.xs[0][1, 1:, 2:] = s.xs[0][2, 0] = 0
        s.masks = [(s.xs[0] != 0).any(axis=-1)]
        s.x, s.mask = s.xs[0], s.masks[0]
        ys, _, mask = s.layer.run(s.x, False, s.mask)
        s.ys, s.out_masks = flatten(ys), masks_of(ys, mask)
        for way in (on_arrays, in_turn, in_a_graph, in_models_behind_a_masking):
            way(s)


# -- by place ----------------------------------------------------------------------

KERAS = keras_numbers("calls")


def has_own_arguments(cls):
    """Whether its `__call__` lists its arguments, as that of cells and of some attention does."""
    return "kwargs" not in inspect.signature(cls.__call__).parameters


@pytest.mark.parametrize("name", [name for name in CLASSES if name in KERAS])
def test_arguments_by_place_have_keras_order(name):
    cls, wanted = CLASSES[name], KERAS[name]
    if has_own_arguments(cls):
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
    layer, x, mask = layers.LSTM(2, name="l"), np.ones((2, 5, 3)), np.ones((2, 5))
    for call, message in (
        (lambda: layer(), "'l' .*: the call needs x"),
        (lambda: layer(x, None, None, None, 1), r"at most 4 arguments by place, \(x, initial_sta"),
        (lambda: layer(x, None, mask, mask=mask), "'mask' by place and by name"),
        (lambda: layer(x, maks=1), "no argument 'maks': did you mean 'mask'"),
        (lambda: Sequential([layer])(x, initial_state=1), "no argument 'initial_state'"),
        (lambda: layer(Input((5, 3)), maks=1), "no argument 'maks': did you mean 'mask'"),
    ):
        with pytest.raises(TypeError, match=message):
            call()
