"""InputSpec: what it checks, in every way of calling a layer that has one."""

import numpy as np
import pytest

from lstmcore import Input, InputSpec, Model, Sequential, layers, ops


class Attention(layers.Layer):
    """As in many scripts: the shape is checked, and its last size after building."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = InputSpec(ndim=3)

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], 1), initializer="ones", name="w")
        self.input_spec = InputSpec(min_ndim=3, axes={-1: input_shape[-1]})

    def call(self, x):
        return ops.sum(x * ops.softmax(ops.matmul(x, self.w), axis=1), axis=1)


class Fast(layers.Layer):
    """A layer with a backward function of its own."""

    input_spec = InputSpec(shape=(None, None, 2))

    def forward(self, x, grad=False):
        return 2 * x, (lambda dy, need_dx=True: 2 * dy) if grad else None


X = np.ones((2, 4, 3))


def test_calls_that_fit():
    layer = Attention()
    assert layer(X).shape == (2, 3)
    assert Sequential([Input((4, 3)), Attention()]).predict(X, verbose=0).shape == (2, 3)
    assert Fast()(np.ones((2, 5, 2))).shape == (2, 5, 2)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Attention(name="a")(np.ones((2, 3))),
        lambda: Attention(name="a")(Input((3,))),
        lambda: Sequential([Attention(name="a")]).predict(np.ones((2, 3))),
        lambda: Sequential([Input((3,)), Attention(name="a")]),
    ],
)
def test_axes_are_checked(call):
    with pytest.raises(ValueError, match=r"'a' \(Attention\): x: expected ndim=3, as input_spec"):
        call()


def test_what_build_has_set_is_checked():
    layer = Attention(name="a")
    layer(X)
    with pytest.raises(ValueError, match=r"x: expected size 3 at axis -1, as .* got shape \(2, 4"):
        layer(np.ones((2, 4, 5)))


def test_a_layer_with_a_forward_of_its_own():
    with pytest.raises(ValueError, match=r"\(Fast\): x: expected shape \(None, None, 2\)"):
        Fast()(X)
    model = Sequential([Input((4, None)), Fast()])
    with pytest.raises(ValueError, match="expected shape"):
        model.predict(X, verbose=0)


class Two(layers.Layer):
    def __init__(self, specs, **kwargs):
        super().__init__(**kwargs)
        self.input_spec = specs

    def call(self, x):
        return sum(x.values()) if isinstance(x, dict) else x[0] + x[1]


def test_several_inputs():
    pair = [InputSpec(ndim=2), InputSpec(shape=(None, 3))]
    a, b = Input((3,)), Input((3,))
    assert Model([a, b], Two(pair)([a, b])).output_shape == (None, 3)
    with pytest.raises(ValueError, match=r"x\[1\]: expected shape \(None, 3\)"):
        Two(pair)([np.ones((2, 3)), np.ones((2, 4))])
    with pytest.raises(ValueError, match="expected 2 inputs, as input_spec has, got 3"):
        Two(pair)([np.ones((2, 3))] * 3)
    named = {"p": InputSpec(ndim=2, name="p"), "q": InputSpec(ndim=2, name="q")}
    assert Two(named)({"p": np.ones((2, 3)), "q": np.ones((2, 3))}).shape == (2, 3)
    with pytest.raises(ValueError, match=r"expected a dict with \['p', 'q'\]"):
        Two(named)({"p": np.ones((2, 3)), "r": np.ones((2, 3))})


@pytest.mark.parametrize(
    ("spec", "shape", "wrong"),
    [
        (InputSpec(max_ndim=2), (2, 3, 4), "at most 2 axes"),
        (InputSpec(min_ndim=3), (2, 3), "at least 3 axes"),
        (InputSpec(axes={1: 3}), (2, 4), "size 3 at axis 1"),
        (InputSpec(axes={2: 3}), (2, 4), "size 3 at axis 2"),
        (InputSpec(axes={1: 3}), (None, None), ""),
        (InputSpec(shape=(None, 4, 1)), (2, 4), "ndim=3"),
        (InputSpec(shape=(None, 4, 1), allow_last_axis_squeeze=True), (2, 4), ""),
        (InputSpec(shape=(None, 4), allow_last_axis_squeeze=True), (2, 4, 1), ""),
        (InputSpec(shape=(None, 4), allow_last_axis_squeeze=True), (2, 5, 1), "shape (None, 4)"),
        (InputSpec(dtype="int32"), (2,), "dtype int32"),
    ],
)
def test_mismatches(spec, shape, wrong):
    assert spec.mismatch(shape, "float32") == wrong
    assert InputSpec.from_config(spec.get_config()).ndim == spec.ndim


def test_wrong_specs():
    with pytest.raises(TypeError, match="InputSpec: axes: expected a dict of ints"):
        InputSpec(axes=[1])
    with pytest.raises(ValueError, match="InputSpec: axes: expected less than 2, got 3"):
        InputSpec(ndim=2, axes={3: 1})
    assert repr(InputSpec(ndim=3, axes={-1: 2})) == "InputSpec(ndim=3, axes={-1: 2})"
