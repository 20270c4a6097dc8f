"""Weights of fewer bits in the core: widened on load and by dot products, inference and training.

Stored weights are rounded by ``lstmcore.quantization.storage``, and a dot product rounds what it
multiplies them with by the functions below: the truth is the reference on rounded numbers.
"""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from core_cases import CELLS, Case, arguments, close, said_of, tolerance

from lstmcore import _core, reference
from lstmcore.quantization.storage import FORMATS, from_short, to_short
from lstmcore.reference import Cell

pytestmark = pytest.mark.usefixtures("fenced")

LSTM, GRU, RNN = Cell("lstm"), Cell("gru"), Cell("rnn")
# those that round nothing between two products of a step, whose truth is one call of the reference
ONE_PRODUCT = [cell for cell in CELLS if not cell.projection and cell.reset_after]
# T, B, I, H: one; odd; rows over a tile; units over four registers; over a tile of AMX
SHAPES = [(1, 1, 1, 1), (4, 3, 3, 5), (3, 35, 5, 20), (3, 2, 40, 70)]


def ways():
    """Storage formats with each way to multiply them that this CPU has on this ISA."""
    return [(name, dot) for name in FORMATS for dot in _core.dot_products(name)]


@pytest.fixture
def each_way(isa):
    """Call a function for each format and dot product."""

    def run(check, formats=FORMATS):
        for name, dot in ways():
            if name in formats:
                _core.set_dot_product(dot)
                check(name, dot)

    yield run
    _core.set_dot_product(None)


def rounded(x, name, dot):
    """What a dot product makes of the rows that it multiplies with weights of a format."""
    x = np.float32(x)
    if dot == "none":
        return np.float64(x)
    if name == "bfloat16":
        return np.float64(from_short(to_short(x, name)))
    most = np.abs(x).max(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = np.where(most > 0, np.float32(127) / most, np.float32(0))
    return np.rint(x * inverse) * np.float64(most / np.float32(127))


def ratio(new, old):
    return np.where(old == 0, 1, new / np.where(old == 0, 1, old))


def first_step(case):
    """The arguments of a case as a single step, with the weights that it packs."""
    a = arguments(replace(case, shape=(1, *case.shape[1:])))
    return a, [None if w is None else np.float32(w) for w in a.weights]


def stored_weights(cell, weights, name):
    """The weights as a format has them, read back from a packed layer by its own products."""
    from lstmcore.layers import GRU as GRULayer
    from lstmcore.layers import LSTM as LSTMLayer
    from lstmcore.layers import SimpleRNN

    said = said_of(cell)
    kind = {"lstm": LSTMLayer, "gru": GRULayer, "rnn": SimpleRNN}[said.pop("kind", cell.kind)]
    units = weights[0].shape[1] // len(_core.Cell(cell.kind, **said).gates)
    norm = {"both": True, "sum": "sum"}.get(said.pop("layer_norm", None), False)
    said |= {"layer_norm": norm} if norm else {}
    layer = kind(units, **{k: v for k, v in said.items() if k != "epsilon"})
    layer.build((None, None, weights[0].shape[0]))
    for param, value in zip(layer.core_weights, weights, strict=False):
        if param is not None:
            param.assign(value)
    out = [None if w is None else w.copy() for w in weights]
    for product in layer.stored_products():
        values = product.round([np.float32(p.value) for p in product.weights], name)
        for param, value in zip(product.weights, values, strict=True):
            (place,) = [i for i, p in enumerate(layer.core_weights) if p is param]
            out[place] = value
    return out


@pytest.mark.parametrize("cell", ONE_PRODUCT, ids=lambda cell: str(Case(cell, (1, 1, 1, 1))))
def test_a_step_is_the_reference_on_rounded_numbers(cell, each_way):
    for shape in SHAPES:
        case = Case(cell, shape)
        a, weights = first_step(case)
        h = a.states[0] if cell.variant != "FGR" else None

        def check(name, dot, a=a, weights=weights, case=case, h=h):
            states = list(a.states)
            if h is None:  # i f o go into the product beside h: one row, with one scale
                states[2] = 0 * states[2]
            given = [np.float32(s) for s in states]
            packed = pack_as(case.cell, weights, name)
            y, ends = _core.forward(packed, np.float32(a.x), given)[:2]
            right = stored_weights(case.cell, weights, name)
            scales = {
                "x_scale": ratio(rounded(a.x[:, 0], name, dot), a.x[:, 0]),
                "h_scale": ratio(rounded(given[0], name, dot), np.float64(given[0])),
            }
            wanted = reference.forward(
                case.cell,
                [None if w is None else np.float64(w) for w in right],
                a.x,
                states,
                **scales,
            )
            for got, want in zip((y, *ends), (wanted[1][0], *wanted[1]), strict=True):
                close(got, want, 4 * tolerance(case, "float32"), f"{name} {dot}")

        each_way(check)


def pack_as(cell, weights, name, backward=False):
    said = said_of(cell)
    made = _core.Cell(said.pop("kind", cell.kind), **said)
    return _core.pack(made, tuple(weights), backward=backward, storage=name)


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: str(Case(cell, (1, 1, 1, 1))))
def test_rows_cuts_threads_and_masks_change_no_bit(cell, each_way):
    for shape in [(5, 3, 3, 7), (4, 19, 6, 40), (9, 2, 70, 33)]:
        case = Case(cell, shape, mask="random")
        a = arguments(case)
        weights = [None if w is None else np.float32(w) for w in a.weights]
        x, mask = np.float32(a.x), a.options["mask"]
        states = [np.float32(s) for s in a.states]

        def check(name, dot, x=x, mask=mask, states=states, weights=weights, shape=shape):
            packed = pack_as(cell, weights, name)

            def run(x, states, mask, **options):
                return _core.forward(packed, x, states, mask=mask, sequences=True, **options)

            y, ends = run(x, states, mask)[:2]
            spoilt = np.where(mask[..., None], x, np.float32("nan"))
            assert np.array_equal(run(spoilt, states, mask)[0], y), (name, dot)
            for threads in (1, 2, 3):
                assert np.array_equal(run(x, states, mask, threads=threads)[0], y), (name, dot)
            for b in range(shape[1]):
                row = slice(b, b + 1)
                alone = run(x[row], [s[row] for s in states], mask[row])
                assert np.array_equal(alone[0], y[row]), (name, dot)
            cut = shape[0] // 2
            first = run(x[:, :cut], states, mask[:, :cut])
            rest = run(x[:, cut:], first[1], mask[:, cut:])
            assert np.array_equal(np.concatenate([first[0], rest[0]], 1), y), (name, dot)
            assert all(map(np.array_equal, rest[1], ends)), (name, dot)

        each_way(check)


def test_both_kinds_of_dot_product_of_bytes_are_equal_to_the_bit(isa):
    dots = [dot for dot in _core.dot_products("int8") if dot != "none"]
    a = arguments(Case(LSTM, (6, 19, 40, 70)))
    weights, x = [None if w is None else np.float32(w) for w in a.weights], np.float32(a.x)
    found = []
    for dot in dots:
        _core.set_dot_product(dot)
        found.append(_core.forward(pack_as(LSTM, weights, "int8"), x, sequences=True)[0])
    _core.set_dot_product(None)
    assert all(np.array_equal(y, found[0]) for y in found)


@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 5, 3), (40, 130, 70), (3, 300, 64)])
def test_dense_products(shape, each_way):
    m, k, n = shape
    rng = np.random.default_rng(m)
    x, kernel, bias = (rng.standard_normal(s).astype("f4") for s in ((m, k), (k, n), n))

    def check(name, dot):
        packed = _core.pack_dense(kernel, bias, name)
        assert packed.dot_product == (None if dot == "none" else dot)
        right = np.float64(_core.dense_forward(np.eye(k, dtype="f4"), _widened(kernel, name)))
        y = _core.dense_forward(x, packed)
        size = np.abs(x) @ np.abs(kernel) + 1
        error = np.abs(y - (rounded(x, name, dot) @ right + bias)) / size
        assert error.max() < (k + 4) * 2e-7, (name, dot)
        assert np.array_equal(_core.dense_forward(x, kernel, bias, storage=name), y)
        assert np.array_equal(_core.dense_forward(x[:1], packed), y[:1])

    each_way(check)


def _widened(kernel, name):
    """A kernel packed in a format whose products are those of the rounded weights themselves."""
    before = _core.dot_product(name) or "none"
    _core.set_dot_product("none")
    packed = _core.pack_dense(kernel, None, name)
    _core.set_dot_product(before)
    return packed


def test_nan_spoils_its_own_row_and_its_own_column(each_way):
    x, kernel = np.ones((5, 9), "f4"), np.ones((9, 40), "f4")
    x[2, 3], kernel[4, 33] = np.nan, np.inf

    def check(name, dot):
        finite = np.isfinite(_core.dense_forward(x, _core.pack_dense(kernel, None, name)))
        wanted = np.ones((5, 40), bool)
        wanted[2], wanted[:, 33] = False, False
        assert np.array_equal(finite, wanted), (name, dot)

    each_way(check)


TRAINED = [*CELLS, replace(LSTM, layer_norm="both")]


def gradients(case, storage, threads=0):
    a = arguments(case)
    weights = [None if w is None else np.float32(w) for w in a.weights]
    noise = {k: np.float32(v) for k, v in a.options.items() if k != "mask"}
    mask = a.options.get("mask")
    x = np.float32(a.x) if mask is None else np.where(mask[..., None], a.x, np.nan).astype("f4")
    packed = pack_as(case.cell, weights, storage, backward=True)
    y, _, tape = _core.forward(
        packed,
        x,
        [np.float32(s) for s in a.states],
        mask=mask,
        sequences=True,
        training=True,
        threads=threads,
        **noise,
    )
    y = y.copy()
    grads = tuple(None if w is None else np.zeros_like(w) for w in weights)
    dy = [np.float32(a.dy), [np.float32(d) for d in a.dstates]]
    dx, dstates = _core.backward(packed, x, tape, *dy, grads=grads, threads=threads)
    return [y, dx, *dstates, *(g for g in grads if g is not None)]


@pytest.mark.parametrize("cell", TRAINED, ids=lambda cell: str(Case(cell, (1, 1, 1, 1))))
def test_training_in_bfloat16(cell, isa, each_way):
    """Rounded operands move gradients by hundredths; a misplaced word moves them by their size."""
    for case in [
        Case(cell, (1, 1, 3, 5)),
        Case(cell, (7, 5, 9, 20), mask="random", options=("x_scale", "h_scale")),
        Case(cell, (4, 19, 40, 35), options=("keep_h",)),
    ]:
        wanted = gradients(case, None)

        def check(name, dot, case=case, wanted=wanted):
            if dot == "none":
                with pytest.raises(ValueError, match="spec"):
                    gradients(case, name)
                return
            got = gradients(case, name, threads=1)
            for other in (gradients(case, name, threads=2), gradients(case, name, threads=3)):
                assert all(map(np.array_equal, got, other)), dot
            for part, right in zip(got, wanted, strict=True):
                error = np.linalg.norm(part - right) / (np.linalg.norm(right) + 1e-6)
                assert error < 0.08, (dot, error)

        each_way(check, ["bfloat16"])


def test_gradients_of_dense_products_in_bfloat16(each_way):
    rng = np.random.default_rng(0)
    x, kernel, dy = (rng.standard_normal(s).astype("f4") for s in ((35, 21), (21, 70), (35, 70)))

    def check(name, dot):
        if dot == "none":
            return
        dkernel, dbias = np.zeros_like(kernel), np.zeros(70, "f4")
        dx = _core.dense_backward(x, kernel, dy, dkernel=dkernel, dbias=dbias, storage=name)
        short = [rounded(part, name, dot) for part in (x, kernel, dy)]
        assert np.allclose(dkernel, short[0].T @ short[2], rtol=1e-5, atol=1e-4)
        assert np.allclose(dx, short[2] @ short[1].T, rtol=1e-5, atol=1e-4)
        assert np.allclose(dbias, dy.sum(axis=0), rtol=1e-5, atol=1e-5)

    each_way(check, ["bfloat16"])


def test_what_is_refused():
    kernel, recurrent = np.ones((3, 8), "f4"), np.ones((2, 8), "f4")
    cell = _core.Cell("lstm")
    with pytest.raises(ValueError, match="storage: expected None, 'float16', 'bfloat16', 'int8'"):
        _core.pack(cell, (kernel, recurrent), storage="int4")
    with pytest.raises(TypeError, match="storage: expected None for weights of float64"):
        _core.pack(cell, (kernel.astype("f8"), recurrent.astype("f8")), storage="int8")
    with pytest.raises(ValueError, match="spec"):
        _core.pack(cell, (kernel, recurrent), storage="int8", backward=True)
    packed = _core.pack_dense(kernel, storage="int8")
    with pytest.raises(ValueError, match=r"x: expected \(\.\.\., 3\) of float32"):
        _core.dense_forward(np.ones((2, 4), "f4"), packed)
    with pytest.raises(ValueError, match="bias, storage: expected None"):
        _core.dense_forward(np.ones((2, 3), "f4"), packed, storage="int8")
    with pytest.raises(ValueError, match="dot product: expected none, vector, tiles or None"):
        _core.set_dot_product("fast")


def test_packed_layers_say_how_they_are_stored(isa):
    packed = pack_as(LSTM, [np.ones((3, 8), "f4"), np.ones((2, 8), "f4")], "int8")
    assert (packed.storage, packed.dot_product) == ("int8", _core.dot_product("int8"))
    _core.forward(packed, np.ones((1, 2, 3), "f4"))
    assert packed.report()["storage"] == "int8"
    assert pack_as(LSTM, [np.ones((3, 8), "f4"), np.ones((2, 8), "f4")], None).storage is None


ASKING = """
import ctypes, numpy as np, lstmcore
from lstmcore import Input, Sequential, layers, load_model
def granted():  # arch_prctl(ARCH_GET_XCOMP_PERM), bit 18: AMX's registers
    found = ctypes.c_ulong()
    ctypes.CDLL(None).syscall(158, 0x1022, ctypes.byref(found))
    return found.value >> 18 & 1
model = Sequential([Input((None, 3)), layers.LSTM(8), layers.Dense(1)])
x = np.ones((4, 5, 3), "f4")
model.compile("adam", "mse")
model.fit(x, x[:, 0, :1], verbose=0)
model.stream().step(x[:1, 0])
model.save("model.safetensors")
load_model("model.safetensors").predict(x, verbose=0)
before = granted()
model.quantize("int8", verbose=0).dot_product
print(before, granted())
"""


@pytest.mark.skipif("tiles" not in _core.dot_products("int8"), reason="no AMX")
def test_the_system_is_asked_for_amx_only_where_weights_are_of_fewer_bits(tmp_path):
    """It makes signal frames larger, which programs that load this library may not expect."""
    run = subprocess.run(
        [sys.executable, "-c", ASKING], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.stdout.split() == ["0", "1"], run.stderr
