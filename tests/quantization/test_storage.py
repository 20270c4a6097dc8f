"""lstmcore.quantization.storage: the rule by which weights are rounded."""

import numpy as np
import pytest

from lstmcore import _core
from lstmcore.quantization import storage
from lstmcore.quantization.storage import BFLOAT16, FORMATS, Product

RNG = np.random.default_rng(0)
MATRICES = Product(("kernel", "recurrent"))


def weights(size=1.0, *shapes):
    return [np.float32(size * RNG.normal(size=shape)) for shape in shapes or [(7, 12), (3, 12)]]


def same_bytes(one, other):
    return all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("size", [1, 1e-3, 1e4, 1e-37, 3e-44])
def test_rounding_rounded_weights_changes_no_bit(name, size):
    arrays = weights(size, (40, 3000), (20, 3000))
    arrays[0][:, 5] = arrays[1][:, 5] = 0
    stored, scale = MATRICES.store(arrays, name)
    again, scale_again = MATRICES.store(MATRICES.widen(stored, scale), name)
    assert same_bytes(stored, again)
    assert (scale is None) == (name != "int8")
    if scale is not None:
        assert scale.shape == (3000,)
        assert scale[5] == 0
        assert same_bytes([scale], [scale_again])


def test_int8_has_one_scale_for_a_column_of_all_weights():
    arrays = weights()
    (kernel, recurrent), scale = MATRICES.store(arrays, "int8")
    both = np.concatenate(arrays)
    assert np.allclose(scale, np.abs(both).max(0) / 127, rtol=2**-15)
    stacked = np.concatenate([kernel, recurrent])
    assert stacked.dtype == np.int8
    assert (np.abs(stacked).max(axis=0) == 127).all()
    assert np.array_equal(stacked, np.rint(both / scale))


def test_products_of_whole_numbers_and_scales_are_exact():
    stored, scale = MATRICES.store(weights(0.7), "int8")
    exact = [np.float64(array) * np.float64(scale) for array in stored]
    assert all(map(np.array_equal, MATRICES.widen(stored, scale), exact))


def test_a_scale_is_rounded_up_to_16_bits():
    array = weights(1, (9, 500))[0]
    scale = MATRICES.scales([array, array])
    bits = scale.view(np.uint32)
    assert (bits % 256 == 0).all()
    exact = np.abs(np.float64(array)).max(axis=0) / 127
    assert (scale >= exact * (1 - 2**-24)).all()
    assert ((bits - 256).view(np.float32) < exact).all()


def test_halves_go_to_the_even_number():
    column = np.float32([[127, 0.5, 1.5, -2.5, 126.5]]).T
    (stored,), scale = Product(("w",)).store([column], "int8")
    assert scale == [1]
    assert stored.ravel().tolist() == [127, 0, 2, -2, 126]


def test_scales_of_other_axes_and_of_some_columns():
    table = weights(1, (5, 4))
    (stored,), scale = Product(("embeddings",), (1,)).store(table, "int8")
    assert scale.shape == (5,)
    assert (np.abs(stored).max(axis=1) == 127).all()
    heads = Product(("kernel",), (0,))
    assert heads.store(weights(1, (5, 2, 3)), "int8")[1].shape == (2, 3)
    assert Product(("kernel",), (0, 1)).store(weights(1, (2, 3, 5)), "int8")[1].shape == (5,)
    # the columns of the second weight are the last and the first of the first's
    picked = Product(("kernel", "gates"), (0,), (np.array([2, 0]),))
    arrays = [np.float32([[1, 1, 1]]), np.float32([[127, 254]])]
    (_, gates), scale = picked.store(arrays, "int8")
    assert scale[[0, 2]].tolist() == [2, 1]
    assert gates.tolist() == [[127, 127]]
    assert np.array_equal(picked.round(arrays, "int8")[1], arrays[1])
    assert np.allclose(scale[1], 1 / 127, rtol=2**-15)


def test_bfloat16_is_rounded_to_the_nearest_and_even():
    numbers = np.uint32([0x3F808000, 0x3F818000, 0x3F808001, 0x3F807FFF, 0xBF808001, 0x7F7FFFFF])
    stored = storage.to_short(numbers.view(np.float32), "bfloat16")
    assert stored.dtype == BFLOAT16
    bits = stored.view(np.uint16).tolist()
    assert bits == [0x3F80, 0x3F82, 0x3F81, 0x3F80, 0xBF81, 0x7F80]
    special = np.float32([0, -0.0, np.inf, -np.inf, 1e-45])
    back = storage.from_short(storage.to_short(special, "bfloat16"))
    assert back.tolist() == [0, 0, np.inf, -np.inf, 0]
    assert np.signbit(back).tolist() == [False, True, False, True, False]
    nan = np.uint32([0x7F800001, 0x7FFFFFFF]).view(np.float32)
    assert np.isnan(storage.from_short(storage.to_short(nan, "bfloat16"))).all()


def test_float16_is_numpys():
    array = weights(1, (50, 20))[0]
    assert np.array_equal(storage.to_short(array, "float16"), array.astype(np.float16))
    assert storage.to_short(np.float32([1e6]), "float16") == [np.inf]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_in_int8(bad):
    arrays = weights()
    arrays[1][2, 3] = bad
    stored, scale = MATRICES.store(arrays, "int8")
    assert np.isnan(scale).tolist() == [column == 3 for column in range(12)]
    assert np.isnan(MATRICES.widen(stored, scale)[0][:, 3]).all()


@pytest.mark.parametrize("name", FORMATS)
def test_dtypes(name):
    (stored, _), _ = MATRICES.store(weights(), name)
    assert stored.dtype == storage.dtype_of(name)
    assert stored.shape == (7, 12)


@pytest.mark.parametrize("name", FORMATS)
def test_the_core_packs_dense_kernels_by_this_rule(name, isa, widened):
    kernel, bias = weights(0.3, (37, 29), (29,))
    packed = _core.pack_dense(kernel, bias, name)
    y = _core.dense_forward(np.eye(37, dtype=np.float32), packed)
    assert np.array_equal(y, Product((kernel,)).round([kernel], name)[0] + bias)


@pytest.mark.parametrize("name", FORMATS)
def test_the_core_packs_recurrent_kernels_by_this_rule(name, isa, widened):
    kernel, recurrent = weights(0.3, (5, 21), (21, 21))
    cell = _core.Cell("rnn", activation="linear")
    packed = _core.pack(cell, (kernel, recurrent, None), backward=False, storage=name)
    x, h = np.zeros((26, 1, 5), np.float32), np.zeros((26, 21), np.float32)
    x[:5, 0], h[5:] = np.eye(5), np.eye(21)
    y = _core.forward(packed, x, (h,))[0]
    assert np.array_equal(y, np.concatenate(MATRICES.round([kernel, recurrent], name)))
