"""Random inputs that a model takes, and how far the outputs of a file are apart."""

import numpy as np
import pytest

from lstmcore import Input, Model, Sequential, layers
from lstmcore.interchange import checking
from lstmcore.interchange.checking import (
    given_inputs,
    largest_difference,
    outputs_of_file,
    predicted,
    random_inputs,
)
from lstmcore.models import AxesModel


def chain(*parts, **settings):
    return Sequential(list(parts), **settings)


def shapes(model):
    return [[array.shape for array in arrays] for arrays in random_inputs(model)]


def test_free_sizes_vary_and_fixed_ones_stay():
    assert shapes(chain(Input((None, 3)), layers.LSTM(2))) == [[(1, 5, 3)], [(3, 11, 3)]]
    assert shapes(chain(Input((4, 3)), layers.LSTM(2))) == [[(1, 4, 3)], [(3, 4, 3)]]
    fixed = chain(Input(batch_shape=(2, 4, 3)), layers.LSTM(2, stateful=True))
    assert shapes(fixed) == [[(2, 4, 3)]]
    a, b = Input((None, 3)), Input((2,))
    two = Model([a, b], layers.Concatenate()([layers.LSTM(2)(a), b]))
    assert shapes(two) == [[(1, 5, 3), (1, 2)], [(3, 11, 3), (3, 2)]]


def test_the_batch_is_where_the_model_has_it():
    a, b = Input((None, 3)), Input((2,))
    y = layers.Concatenate()([layers.LSTM(2)(a), b])
    model = AxesModel([a, b], y, [1, 0], [1])
    assert shapes(model) == [[(5, 1, 3), (1, 2)], [(11, 3, 3), (3, 2)]]
    for x in random_inputs(model):
        assert [y.shape for y in predicted(model, x)] == [(4, len(x[1]))]


def test_numbers_are_of_the_models_type():
    model = chain(Input((None, 3)), layers.LSTM(2), dtype="float64")
    assert random_inputs(model)[0][0].dtype == np.float64
    whole = Input((4,), dtype="int32")
    x = Model(whole, layers.Flatten()(layers.Embedding(9, 2)(layers.Reshape((2, 2))(whole))))
    assert random_inputs(x)[0][0].dtype.kind == "i"


@pytest.mark.parametrize("nested", [False, True])
def test_words_are_those_that_an_embedding_has(nested):
    inner = [layers.Embedding(4, 2, mask_zero=True), layers.LSTM(2)]
    model = chain(Input((None,)), *([chain(*inner)] if nested else inner))
    one, three = (arrays[0] for arrays in random_inputs(model))
    assert set(one.ravel()) <= {1, 2, 3}
    assert set(three[:, :-2].ravel()) == {1, 2, 3}
    assert (three[1:, -2:] == 0).all()
    assert (three[0] > 0).all()


def test_masking_gets_masked_steps():
    model = chain(Input((None, 2)), layers.Masking(-1.0), layers.LSTM(2))
    three = random_inputs(model)[1][0]
    assert (three[1:, -2:] == -1).all()
    assert (three[0] != -1).all()


def test_texts_are_not_drawn():
    words = layers.TextVectorization(vocabulary=["a"], output_sequence_length=3)
    x = Input((1,), dtype="string")
    model = chain(x, words, layers.Embedding(3, 2), layers.LSTM(2))
    with pytest.raises(ValueError, match="texts or keys, which are not drawn"):
        random_inputs(model)


@pytest.mark.parametrize("name", ["m.safetensors", "m.weights.safetensors", "m.onnx"])
@pytest.mark.parametrize("stateful", [False, True])
def test_outputs_of_files(tmp_path, name, stateful):
    if name.endswith(".onnx"):
        pytest.importorskip("onnx")
    parts = layers.LSTM(3, stateful=stateful, return_sequences=True), layers.Dense(2)
    model = chain(Input(batch_shape=(3, None, 2)), *parts)
    path = str(tmp_path / name)
    method = {"m.onnx": model.export, "m.safetensors": model.save}.get(name, model.save_weights)
    method(path)
    for x in random_inputs(model):
        y = predicted(model, x)
        assert largest_difference(predicted(model, x), y) == 0  # states begin anew
        apart = largest_difference(outputs_of_file(path, model, x), y)
        assert apart < 2e-6 if name.endswith(".onnx") else apart == 0
    model.set_weights([w + 0.1 for w in model.get_weights()])
    assert largest_difference(outputs_of_file(path, model, x), predicted(model, x)) > 1e-3


def test_the_largest_difference():
    a, b = np.array([[1.0, -3.0]]), np.array([100.0, 0.5])
    assert largest_difference([a, b], [a, b]) == 0
    assert largest_difference([a, b * [1.01, 1]], [a, b]) == pytest.approx(0.01)
    assert largest_difference([a, b * [1, 1.2]], [a, b]) == pytest.approx(0.1)
    nan, inf = np.array([np.nan, 1]), np.array([np.inf, 1])
    assert largest_difference([nan], [nan]) == largest_difference([inf], [inf]) == 0
    assert largest_difference([nan], [np.ones(2)]) == np.inf
    assert largest_difference([np.ones(2)], [nan]) == np.inf
    assert largest_difference([inf], [np.ones(2)]) == np.inf
    assert largest_difference([-inf], [inf]) == np.inf
    with pytest.raises(ValueError, match=r"expected outputs of shapes \[\(1, 2\)\], got"):
        largest_difference([a.T], [a])
    with pytest.raises(ValueError, match="expected outputs of shapes"):
        largest_difference([a], [a, b])


def test_inputs_from_a_file(tmp_path):
    a, b = Input((None, 3), name="a"), Input((2,), name="b")
    model = Model([a, b], layers.Concatenate()([layers.LSTM(2)(a), b]))
    x, y = np.ones((1, 4, 3), "f4"), np.zeros((1, 2), "f4")
    for arrays in ({"b": y, "a": x, "more": x}, {"first": x, "second": y}):
        np.savez(tmp_path / "p.npz", **arrays)
        (found,) = given_inputs(str(tmp_path / "p.npz"), model)
        assert [array.shape for array in found] == [(1, 4, 3), (1, 2)]
    np.savez(tmp_path / "p.npz", x=x)
    with pytest.raises(ValueError, match=r"expected \['a', 'b'\], or 2 arrays, got {'x'"):
        given_inputs(str(tmp_path / "p.npz"), model)
    np.save(tmp_path / "p.npy", x)
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "pickle.npz", np.array([None, {}]), x)
    for name in ("p.npy", "text.npz", "pickle.npz"):
        with pytest.raises(ValueError, match="no arrays can be read from this file"):
            given_inputs(str(tmp_path / name), model)
    with pytest.raises(FileNotFoundError):
        given_inputs(str(tmp_path / "none.npz"), model)


def test_a_graph_with_other_inputs(tmp_path):
    pytest.importorskip("onnx")
    model = chain(Input((None, 2)), layers.LSTM(2))
    model.export(tmp_path / "m.onnx", lengths=True)
    with pytest.raises(ValueError, match=r"the graph has inputs .*lengths.*, the model 1"):
        outputs_of_file(str(tmp_path / "m.onnx"), model, checking.random_inputs(model)[0])


def test_a_graph_is_compared_with_the_model_in_float32(tmp_path, with_products):
    def made(dtype):
        return chain(Input((5, 3)), layers.LSTM(4), layers.Dense(2), dtype=dtype)

    model, plain = made("mixed_bfloat16"), made("float32")
    plain.set_weights(model.get_weights())
    (x, *_) = random_inputs(model)
    for name, other in (("m.onnx", plain), ("m.safetensors", model)):
        path = str(tmp_path / name)
        (model.export if name == "m.onnx" else model.save)(path)
        (found,), (wanted,) = checking.outputs_of_model(path, model, x), predicted(other, x)
        np.testing.assert_array_equal(found, wanted)
    assert {layer.dtype_policy.name for layer in model.layers} == {"mixed_bfloat16"}
