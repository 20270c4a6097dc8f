"""The architecture of LSTM and LSTMCell: peepholes, forget bias, and every choice that is made."""

import numpy as np
import pytest
from helpers import numbers
from recurrent_checks import MASK, check_recurrent

from lstmcore import Input, Sequential, _core, activations, load_model, reference
from lstmcore.activations import HardSigmoid
from lstmcore.layers import LSTM, RNN, Dense, LSTMCell
from lstmcore.utils import set_random_seed

X = numbers(5, 5, 3)


@pytest.fixture(autouse=True)
def seeded():
    set_random_seed(1)


def options():
    """Every architecture, with and without peepholes where it can be chosen."""
    for variant in _core.variants:
        for peephole in (None, False, True):
            if (variant, peephole) not in (("NP", True), ("peephole", False)):
                yield pytest.param({"variant": variant, "peephole": peephole})


def of_all_weights(layer, x=X):
    """The layer, built, with weights of which none is 0."""
    layer(x.astype(layer.dtype or "float32"))
    for i, p in enumerate(layer.weights):
        p.assign(p.numpy() + 0.2 * np.cos(np.arange(p.value.size) + i).reshape(p.shape))
    return layer


def truth(layer, options, x, states, mask=None):
    """Outputs and states by the reference, from the layer's own weights alone."""
    own = {p.name: p.numpy().astype(float) for p in layer.weights}
    names = ("kernel", "recurrent_kernel", "bias", "peephole_kernel", "gate_kernel")
    cell = reference.Cell("lstm", options["variant"], bool(options["peephole"]), clip=0.4)
    weights = [own.get(name) for name in names]
    return reference.forward(cell, weights, x.astype(float), tuple(states), mask=mask)


@pytest.mark.parametrize("kind", [LSTM, LSTMCell])
@pytest.mark.parametrize("options", [*options()])
def test_every_architecture_is_the_reference(dtype, kind, options):
    more = {"return_sequences": True, "return_state": True, "dtype": dtype}
    if kind is LSTM:
        layer = LSTM(4, cell_clip=0.4, **options, **more)
    else:
        layer = RNN(LSTMCell(4, cell_clip=0.4, **options), **more)
    of_all_weights(layer)
    cell = layer if kind is LSTM else layer.cell
    sizes = [4, 4, 12][: cell.described.states]
    states = [numbers(5, n) / 2 for n in sizes]
    y, *ends = layer(X, initial_state=states, mask=MASK)
    want, last = truth(layer, options, X.astype(dtype), states, MASK)
    tolerance = 2e-6 if dtype == np.float32 else 1e-14
    for got, right in zip((y, *ends), (want, *last), strict=True):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, right, atol=tolerance)


@pytest.mark.parametrize(
    ("kind", "variant"),
    [("cell", "FGR"), ("cell", "CIFG"), ("cell", "NIG")]
    + [("layer without peepholes", variant) for variant in ("FGR", "NFG", "CIFG")],
)
def test_gradients(kind, variant):
    more = {"return_sequences": True, "return_state": True, "dtype": "float64"}
    if kind == "cell":
        cell = LSTMCell(3, variant=variant, cell_clip=0.5, recurrent_activation="softsign")
        layer = RNN(cell, **more)
    else:
        layer = LSTM(3, variant=variant, peephole=False, cell_clip=0.5, **more)
    of_all_weights(layer)
    states = [numbers(3, n) / 2 for n in (3, 3, 9)[: 3 if variant == "FGR" else 2]]
    check_recurrent(layer, X[:3, :3].copy(), mask=MASK[1:4, :3], states=states)


def test_a_cell_has_the_gradients_of_the_kernels():
    """All weights of all architectures in one float64 call; numeric ones are above."""
    for variant in _core.variants:
        layer = of_all_weights(LSTM(3, variant=variant, return_sequences=True, dtype="float64"))
        other = RNN(LSTMCell(3, variant=variant), return_sequences=True, dtype="float64")
        other(X)
        other.set_weights(layer.get_weights())
        grads = []
        for one in (layer, other):
            y, back = one.forward(X, True)
            grads.append([back(np.cos(y)), *(p.grad for p in one.weights)])
        for got, want in zip(*grads, strict=True):
            np.testing.assert_allclose(got, want, atol=1e-13, err_msg=variant)


# -- the activation of the cell state on its way out --------------------------------------------

OUTPUTS = ["linear", "softsign", HardSigmoid(0.4, 0.3)]


@pytest.mark.parametrize("variant", ["vanilla", "NIAF", "FGR"])
@pytest.mark.parametrize("output", OUTPUTS, ids=str)
@pytest.mark.parametrize("kind", [LSTM, LSTMCell])
def test_the_output_activation_is_the_references(dtype, kind, output, variant):
    options = {"variant": variant, "output_activation": output}
    layer = kind(4, "elu", **options, dtype=dtype)
    layer = layer if kind is LSTM else RNN(layer, dtype=dtype)
    layer = of_all_weights(layer)
    layer.return_sequences = layer.return_state = True
    cell = layer if kind is LSTM else layer.cell
    states = [numbers(5, n) / 2 for n in [4, 4, 12][: cell.described.states]]
    form = activations.core_form(activations.get(output))
    own = {p.name: p.numpy().astype(float) for p in layer.weights}
    names = ("kernel", "recurrent_kernel", "bias", "peephole_kernel", "gate_kernel")
    want, last = reference.forward(
        reference.Cell("lstm", variant, activation="elu", output_activation=form),
        [own.get(name) for name in names],
        X.astype(float),
        tuple(states),
        mask=MASK,
    )
    tolerance = 2e-6 if dtype == np.float32 else 1e-14
    for got, right in zip(layer(X, initial_state=states, mask=MASK), (want, *last), strict=True):
        np.testing.assert_allclose(got, right, atol=tolerance)
    if kind is LSTM:
        assert layer.kernel_info()["isa"] != "NumPy"


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize(
    "options",
    [
        {"activation": "relu", "output_activation": HardSigmoid(0.4, 0.3)},
        {"output_activation": "elu", "peephole": True, "cell_clip": 0.9},
        {"output_activation": "swish"},
        {"activation": "swish", "output_activation": "tanh", "variant": "FGR"},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [LSTM, LSTMCell])
def test_gradients_through_the_output_activation(kind, options, steps):
    more = {"return_sequences": True, "return_state": True, "dtype": "float64"}
    layer = LSTM(3, **options, **more) if kind is LSTM else RNN(LSTMCell(3, **options), **more)
    of_all_weights(layer)
    states = [numbers(3, n) / 2 for n in (3, 3, 9)[: 3 if "variant" in options else 2]]
    check_recurrent(layer, X[:3, :steps].copy(), states=states)


def test_a_missing_output_activation_makes_the_call_numpys():
    layer = of_all_weights(LSTM(3, output_activation="swish"))
    assert "output_activation='silu'" in layer.kernel_info()["path"]
    other = RNN(LSTMCell(3, output_activation="swish"))
    other(X)
    other.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(X), other(X), atol=1e-6)


def test_the_output_activation_goes_through_configs_and_files(tmp_path):
    model = Sequential([Input((5, 3)), LSTM(3, output_activation=HardSigmoid(0.2)), Dense(1)])
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.layers[0].output_activation.options == {"slope": 0.2, "offset": 0.5}
    for kind in (LSTM, LSTMCell):
        config = kind(3, output_activation="relu").get_config()
        assert kind.from_config(config).get_config() == config
        del config["output_activation"]  # of a file from before it
        assert kind.from_config(config).output_activation is None


# -- the forget bias ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "want"), [(True, 1), (False, 0.5), (0, 0), (2.5, 2.5), (-1, -1), (np.float32(3), 3)]
)
def test_the_forget_bias(given, want):
    for make in (LSTM, LSTMCell):
        part = make(2, unit_forget_bias=given, bias_initializer=lambda s, d: np.full(s, 0.5, d))
        part = part if make is LSTM else RNN(part)
        part(X)
        np.testing.assert_array_equal(part.weights[2].numpy(), [0.5] * 2 + [want] * 2 + [0.5] * 4)


def test_the_forget_bias_of_an_architecture_stands_in_its_own_columns():
    layer = LSTM(2, variant="NIG", unit_forget_bias=3.0)
    layer(X)
    np.testing.assert_array_equal(layer.bias.numpy(), [3, 3, 0, 0, 0, 0])


def test_choices_go_through_configs_and_files(tmp_path):
    chosen = {"unit_forget_bias": 1.5, "variant": "NOG", "peephole": False, "cell_clip": 3.0}
    model = Sequential([Input((5, 3)), LSTM(3, **chosen), Dense(1)])
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    for name, value in chosen.items():
        assert getattr(again.layers[0], name) == value
    peeping = LSTM(3, peephole=True, peephole_initializer="ones", peephole_constraint="non_neg")
    config = LSTM.from_config(peeping.get_config()).get_config()
    assert config == peeping.get_config()
    assert config["peephole_initializer"]["class_name"] == "Ones"
    cell = LSTMCell(3, variant="FGR", peephole_regularizer="l2", unit_forget_bias=-1.0)
    assert LSTMCell.from_config(cell.get_config()).get_config() == cell.get_config()


def test_an_old_config_has_the_peepholes_it_had():
    """False was the default once, and the architecture decided."""
    new = LSTM(3, variant="NFG").get_config()
    old = {k: v for k, v in new.items() if not k.startswith("peephole_")} | {"peephole": False}
    assert LSTM.from_config(old).has_peepholes
    assert not LSTM.from_config({**old, "variant": "vanilla"}).has_peepholes
    assert LSTM.from_config({**old, "variant": "vanilla", "peephole": True}).has_peepholes


def test_peepholes_have_their_initializer_regularizer_and_constraint():
    layer = LSTM(
        3,
        peephole=True,
        peephole_initializer="ones",
        peephole_regularizer="l2",
        peephole_constraint="non_neg",
    )
    layer(X)
    (kernel,) = (p for p in layer.weights if p.name == "peephole_kernel")
    assert (kernel.numpy() == 1).all()
    assert kernel.regularizer(kernel.value) == pytest.approx(0.01 * 9)
    np.testing.assert_array_equal(kernel.constraint(np.array([-1.0, 2.0])), [0, 2])


def test_full_gate_recurrence_is_regularized_as_the_recurrent_kernel_is():
    layer = LSTM(3, variant="FGR", recurrent_regularizer="l2", recurrent_constraint="max_norm")
    layer(X)
    assert layer.gate_kernel.regularizer is layer.recurrent_regularizer
    assert layer.gate_kernel.constraint is layer.recurrent_constraint


def test_no_gradient_of_what_there_is_not():
    """Peepholes that are wanted by nobody are in no list, and training leaves them at 0."""
    model = Sequential([Input((5, 3)), LSTM(3, variant="NFG", peephole=False), Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, X[:, 0, 0], epochs=2, verbose=0)
    layer = model.layers[0]
    assert [p.name for p in layer.weights] == ["kernel", "recurrent_kernel", "bias"]
    assert not layer.core_weights[3].value.any()
    stream = model.stream(batch_size=5)
    np.testing.assert_array_equal(stream.feed(X.astype(np.float32)), model.predict(X))


REFUSED = [
    ({"unit_forget_bias": "x"}, "unit_forget_bias: expected True, False or a finite number"),
    ({"unit_forget_bias": None}, "unit_forget_bias: expected True, False or a finite number"),
    ({"unit_forget_bias": np.nan}, "unit_forget_bias: expected True, False or a finite number"),
    ({"unit_forget_bias": np.inf}, "unit_forget_bias: expected True, False or a finite number"),
    ({"unit_forget_bias": [1.0]}, "unit_forget_bias: expected True, False or a finite number"),
    (
        {"unit_forget_bias": 2.0, "variant": "NFG"},
        "NFG., without a forget .* got 2.0",
    ),
    ({"unit_forget_bias": 2.0, "variant": "CIFG"}, "CIFG., without a forget gate"),
    ({"unit_forget_bias": 2.0, "use_bias": False}, "unit_forget_bias: .* use_bias is False"),
    ({"peephole": "yes"}, "peephole: expected True, False or None, got 'yes'"),
    ({"peephole": 1}, "peephole: expected True, False or None, got 1"),
    ({"peephole_initializer": "zeros"}, "peephole_initializer: expected None, since the layer has"),
    ({"peephole_regularizer": "l2", "variant": "NP"}, "peephole_regularizer: expected None"),
    ({"peephole_constraint": "non_neg", "variant": "NFG", "peephole": False}, "expected None"),
    ({"peephole": True, "peephole_initializer": "nonsense"}, "unknown initializer 'nonsense'"),
    ({"variant": "vanila"}, "variant: expected one of vanilla"),
    ({"cell_clip": 0}, "cell_clip: expected a number > 0"),
    ({"output_activation": "tanh", "variant": "NOAF"}, "output_activation: expected None with var"),
    ({"output_activation": "glu"}, "output_activation: expected one that keeps the shape"),
    ({"output_activation": "nonsense"}, "unknown activation 'nonsense'"),
]


@pytest.mark.parametrize("make", [LSTM, LSTMCell])
@pytest.mark.parametrize(("options", "said"), REFUSED)
def test_refused(make, options, said):
    with pytest.raises(ValueError, match=said):
        make(2, **options)
