"""Files with weights of 8 bits: the numbers of the quantized model, a quarter of the size."""

import re

import numpy as np
import pytest
from c_files import COMPILER, bits, compiled, forced_isa, needs, needs_compiler, randomized, run
from c_models import STEPS, WHOLE, chain, over

from lstmcore.interchange.c.arithmetic import Numbers
from lstmcore.interchange.c.reading import program_of

NAMES = [name for name in STEPS if name not in ("silu", "relus")]


@pytest.mark.parametrize("name", [*NAMES, *WHOLE])
def test_numbers_are_those_of_the_quantized_model(name, widened):
    model = randomized((STEPS | WHOLE)[name]())
    draws = np.random.default_rng(1)
    shape = (1, 30) if len(model.input_shape) == 2 else (1, 30, model.input_shape[-1])
    x = draws.integers(1, 17, shape) if len(shape) == 2 else draws.standard_normal(shape)
    x = x.astype(np.int32 if len(shape) == 2 else np.float32)
    y = program_of(model, "int8").run(x, Numbers("plain"))
    model.quantize("int8", verbose=0)
    with forced_isa("base"):
        assert np.array_equal(bits(y), bits(model.predict(x, verbose=0)))


@needs_compiler
def test_files(tmp_path):
    models = {name: randomized(STEPS[name]()) for name in ("lstm", "gru_before", "tokens")}
    models["gates"] = randomized(STEPS["variant_FGR"]())
    for name, c in compiled(models, tmp_path, weights="int8").items():
        assert c.selftest() == 0, name


@pytest.mark.slow
@needs_compiler
@needs("size")
def test_size(tmp_path):
    model = chain(over("LSTM", 128, return_sequences=True), over("Dense", 10), features=64)
    sizes = {}
    for weights in ("float32", "int8"):
        model.export(tmp_path / "m.c", weights=weights)
        run(COMPILER, "-O2", "-c", "m.c", "-o", "m.o", cwd=tmp_path)
        sizes[weights] = int(run("size", "m.o", cwd=tmp_path).split()[6])
    assert sizes["int8"] < 0.3 * sizes["float32"]


def test_the_header_says_what_rounding_changes(tmp_path, widened):
    model = randomized(STEPS["lstm"]())
    x = np.random.default_rng(1).standard_normal((3, 20, 5)).astype(np.float32)
    model.export(tmp_path / "m.c", weights="int8", calibrate=x)
    text = (tmp_path / "m.h").read_text()
    said = float(re.search(r"weights: (\S+) on the samples given", text)[1])
    exact = model.predict(x, verbose=0)
    model.quantize("int8", verbose=0)
    off = np.abs(model.predict(x, verbose=0) - exact).max()
    assert said == pytest.approx(off, rel=0.05)
    assert 0 < off < 0.02
    assert "on the probe" in text
