"""Models of models, layers that are used twice, names of inputs and outputs."""

import numpy as np
import onnx
import pytest
from onnx_exports import exported, same

from lstmcore import Input, Model, Sequential, layers
from lstmcore.interchange.onnx.exporting import model_bytes
from lstmcore.models import AxesModel
from lstmcore.utils import set_random_seed

X = np.random.default_rng(3).normal(size=(2, 5, 3)).astype("float32")


def test_models_in_models():
    set_random_seed(1)
    inner = Sequential([Input((None, 3)), layers.LSTM(4, return_sequences=True), layers.Dense(3)])
    a = Input((None, 3))
    graph = Model(a, layers.Add()([a, inner(a)]))
    x = Input((None, 3), name="x")
    h = layers.TimeDistributed(layers.Dense(3))(graph(inner(x)))
    model = Model(x, {"mean": layers.GlobalAveragePooling1D()(h), "all": h})
    found = exported(model)
    assert sorted(t.name for t in found.runner.outputs) == ["all", "mean"]
    wanted = model.predict(X, verbose=0)
    same(found.run([X]), [wanted[t.name] for t in found.runner.outputs])


def test_weights_of_a_layer_that_is_used_twice_are_there_once():
    set_random_seed(1)
    a, b = Input((None, 3), name="a"), Input((None, 3), name="b")
    lstm, dense = layers.LSTM(4, name="lstm"), layers.Dense(2, name="dense")
    model = Model([a, b], layers.Subtract()([dense(lstm(a)), dense(lstm(b))]))
    names = [t.name for t in onnx.load_from_string(model_bytes(model)).graph.initializer]
    assert sum(name.startswith("lstm/") for name in names) == 3
    assert sum(name.startswith("dense/") for name in names) == 2
    same(exported(model).run([X, X[::-1]]), [model.predict([X, X[::-1]], verbose=0)])


def test_inputs_and_outputs_that_are_the_same():
    a = Input((3,), name="a")
    model = Model(a, [a, layers.Dense(2, name="a2")(a), layers.Identity(name="same")(a)])
    graph = exported(model)
    x = X[:, 0]
    assert len({t.name for t in (*graph.runner.inputs, *graph.runner.outputs)}) == 4
    same(graph.run([x]), model.predict(x, verbose=0))


def test_classes_that_change_nothing_are_models():
    class Named(Model):
        pass

    a = Input((None, 3))
    model = Named(a, layers.GRU(2)(a))
    same(exported(model).run([X]), [model.predict(X, verbose=0)])


def test_the_batch_along_another_axis():
    set_random_seed(1)
    x, h = Input((None, 3), name="x"), Input((4,), name="h")
    y, end = layers.GRU(4, return_sequences=True, return_state=True, name="g")(x, initial_state=h)
    model = AxesModel([x, h], [y, end], [1, 0], [1, 0])
    graph = exported(model)
    assert [t.shape for t in graph.runner.inputs] == [("time", "batch", 3), ("batch", 4)]
    assert graph.runner.outputs[0].shape[1:] == ("batch", 4)
    given = [X.swapaxes(0, 1), X[:, 0].repeat(2, 1)[:, :4]]
    same(graph.run(given), model.predict(given, verbose=0))
    inside = Input((None, 3))
    outer = Model(inside, model([inside, layers.Dense(4)(inside[:, 0])]))
    same(exported(outer).run([X]), outer.predict(X, verbose=0))


@pytest.mark.parametrize("method", ["predict", "convert_inputs", "pack_outputs"])
def test_ends_of_its_own_are_refused(method):
    changed = type("Changed", (Sequential,), {method: lambda self, x, **kwargs: x})
    with pytest.raises(ValueError, match=rf"\(Changed\): {method}: expected that of Sequential"):
        model_bytes(changed([Input((3,)), layers.Dense(2)]))


def test_a_call_of_its_own_is_refused():
    class Twice(Sequential):
        def call(self, x):
            return 2 * super().call(x)

    model = Twice([Input((3,)), layers.Dense(2)], name="m")
    with pytest.raises(ValueError, match=r"'m' \(Twice\): call: expected that of Sequential"):
        model_bytes(model)


def test_texts_are_refused():
    model = Sequential(
        [
            Input((1,), dtype="string"),
            layers.TextVectorization(vocabulary=["a"]),
            layers.Embedding(4, 2),
        ]
    )
    with pytest.raises(ValueError, match=r"x: expected numbers: .*, got texts"):
        model_bytes(model)
