"""Exported C files give the kernels' numbers to the last bit, and so does their arithmetic."""

from pathlib import Path

import numpy as np
import pytest
from c_files import ISAS, bits, compiled, forced_isa, needs_compiler, randomized
from c_models import STEPS, WHOLE, chain, over
from layer_zoo import SEQ, ZOO

from lstmcore import Input, Sequential, _core
from lstmcore.interchange.c.arithmetic import Numbers
from lstmcore.interchange.c.reading import program_of

CLANG = b"clang version" in Path(_core.__file__).read_bytes()  # which fuses other products
FMA = pytest.mark.skipif(
    CLANG or ISAS["fma"] not in _core.isas(), reason="no kernels of AVX2 here, or not by gcc"
)
SLOW_FMA = [FMA, pytest.mark.slow]
ARITHMETICS = ["plain", pytest.param("fma", marks=FMA)]
LENGTH = 200
SOME = (
    "normed",
    "last",
    "clipped",
    "variant_FGR",
    "projected",
    "gru_before",
    "simple",
    "graph",
    "tokens",
)


def inputs(model, steps, seed=1):
    draws = np.random.default_rng(seed)
    if len(model.input_shape) == 2:
        found = draws.integers(1, 17, steps).astype(np.int32)
        found[[0, 3, steps - 1]] = 0
        return found
    return draws.standard_normal((steps, model.input_shape[-1])).astype(np.float32)


def predicted(model, x, arithmetic):
    with forced_isa(ISAS[arithmetic]):
        y = model.predict(x[None], verbose=0)[0]
    return y if y.ndim == 2 else y[None]


@pytest.mark.parametrize("arithmetic", ARITHMETICS)
@pytest.mark.parametrize("name", [*STEPS, *WHOLE])
def test_numbers_are_the_kernels(name, arithmetic):
    """The arithmetic that the self-test's numbers are made with."""
    model = randomized((STEPS | WHOLE)[name]())
    x = inputs(model, 30 if name in WHOLE else 12)
    y = program_of(model, "float32").run(x[None], Numbers(arithmetic))[0]
    assert np.array_equal(bits(y), bits(predicted(model, x, arithmetic).reshape(y.shape)))


@needs_compiler
@pytest.mark.parametrize("names", [SOME, pytest.param(tuple(STEPS), marks=pytest.mark.slow)])
@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_steps_are_the_kernels(arithmetic, names, tmp_path):
    models = {name: randomized(STEPS[name]()) for name in names}
    for name, c in compiled(models, tmp_path, arithmetic).items():
        model = models[name]
        x = inputs(model, LENGTH)
        wanted, y = predicted(model, x, arithmetic), c.steps(x)
        assert np.array_equal(bits(y[-len(wanted) :]), bits(wanted)), name
        assert np.array_equal(bits(c.feed(x, len(wanted))), bits(y[-len(wanted) :])), name
        assert c.selftest() == 0, name


@needs_compiler
@pytest.mark.parametrize(
    "arithmetic", ["plain", pytest.param("fma", marks=[FMA, pytest.mark.slow])]
)
def test_sequences_are_the_kernels(arithmetic, tmp_path):
    models = {name: randomized(make()) for name, make in WHOLE.items()}
    fixed = {"forecaster": models.pop("forecaster")}
    compiled_models = compiled(models, tmp_path, arithmetic, max_steps=30)
    compiled_models |= compiled(fixed, tmp_path, arithmetic)
    for name, c in compiled_models.items():
        model = (models | fixed)[name]
        x = inputs(model, 30)
        wanted = predicted(model, x, arithmetic)
        assert np.array_equal(bits(c.predict(x, len(wanted))), bits(wanted)), name
        assert c.selftest() == 0, name
        assert len(c.predict(np.repeat(x, 2, axis=0), len(wanted))) == 0, name
        assert len(c.predict(x[:0], len(wanted))) == 0, name


def streamable():
    """The zoo's layers that a stream takes, each in a model."""
    for cls, instances in ZOO.items():
        for k, one in enumerate(instances):
            if one.shapes == (SEQ,) and not one.below:
                try:
                    model = Sequential([Input((None, SEQ[-1])), one.make()])
                    model.stream()
                except (ValueError, TypeError, NotImplementedError):
                    continue
                yield f"{cls.lower()}_{k}", model


@pytest.mark.slow
@needs_compiler
@pytest.mark.parametrize("arithmetic", ARITHMETICS)
def test_every_streamable_layer(arithmetic, tmp_path):
    models = {name: randomized(model) for name, model in streamable()}
    assert len(models) > 20
    for name, c in compiled(models, tmp_path, arithmetic, flags=["-O3"]).items():
        x = inputs(models[name], LENGTH)
        with forced_isa(ISAS[arithmetic]):
            stream = models[name].stream()
            wanted = np.array([stream.step(row)[0] for row in x])
        assert np.array_equal(bits(c.steps(x)), bits(wanted)), name
        assert c.selftest() == 0, name


@needs_compiler
def test_what_numpy_computes_is_near(tmp_path):
    """NumPy sums a row in an order of its own, and has functions of its own."""
    normed = chain(
        over("LSTM", 40, return_sequences=True),
        *(over("LayerNormalization"), over("ELU", 0.7), over("Softmax")),
    )
    c = compiled({"normed": randomized(normed)}, tmp_path)["normed"]
    x = inputs(normed, 50)
    np.testing.assert_allclose(c.steps(x), predicted(normed, x, "plain"), rtol=0, atol=2e-6)
    assert c.selftest() == 0
