"""Models whose class has a `call` of its own, as Keras's subclasses have."""

import copy
import pickle

import numpy as np
import pytest

import lstmcore
from lstmcore import Input, Model, Sequential, layers

RNG = np.random.default_rng(0)
X = RNG.standard_normal((12, 6, 3)).astype("f4")
Y = RNG.standard_normal((12, 1)).astype("f4")
IDS = np.array([[1, 2, 0, 0], [3, 4, 5, 6]])


class Forecaster(Model):
    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.lstm = layers.LSTM(units)
        self.heads = [layers.Dense(1)]

    def call(self, x, training=None):
        return self.heads[0](self.lstm(x))


class Seq2Seq(Model):
    def __init__(self):
        super().__init__()
        self.encoder = layers.LSTM(4, return_state=True)
        self.decoder = layers.LSTM(4, return_sequences=True)
        self.dense = layers.Dense(1)

    def call(self, inputs):
        source, target = inputs
        _, h, c = self.encoder(source)
        return self.dense(self.decoder(target, initial_state=[h, c]))


class TwoHeads(Model):
    def __init__(self):
        super().__init__()
        self.lstm = layers.LSTM(4)
        self.a, self.b = layers.Dense(1), layers.Dense(2, activation="softmax")

    def call(self, inputs):
        h = self.lstm(inputs["x"])
        return {"value": self.a(h), "kind": self.b(h)}


def trained(model, x=X, y=Y, loss="mse", **options):
    model.compile("adam", loss, **options)
    return model.fit(x, y, epochs=3, verbose=0).history


def test_it_is_the_sequential_of_its_layers_to_the_last_bit():
    histories, outputs = [], []
    for make in (
        Forecaster,
        lambda: Sequential([layers.LSTM(4), layers.Dense(1)]),
    ):
        lstmcore.utils.set_random_seed(1)
        model = make()
        histories.append(trained(model, metrics=["mae"]))
        outputs.append(model.predict(X, verbose=0))
        outputs.append(np.asarray(model(X)))
    assert histories[0] == histories[1]
    for got in outputs[1:]:
        np.testing.assert_array_equal(got, outputs[0])


def test_structures_of_inputs_and_outputs():
    a, b = X, X[:, :4]
    assert trained(Seq2Seq(), [a, b], b[..., :1])["loss"][-1] > 0
    assert trained(Seq2Seq(), (a, b), b[..., :1])["loss"][-1] > 0
    model = TwoHeads()
    losses = {"value": "mse", "kind": "sparse_categorical_crossentropy"}
    history = trained(model, {"x": X}, {"value": Y, "kind": np.zeros(12, int)}, losses)
    assert set(history) == {"loss", "value_loss", "kind_loss"}
    found = model.predict({"x": X}, verbose=0)
    assert {key: a.shape for key, a in found.items()} == {"value": (12, 1), "kind": (12, 2)}
    with pytest.raises(ValueError, match=r"x\['x'\]: expected an array, got None"):
        TwoHeads().predict({"x": None}, verbose=0)
    model = Seq2Seq()
    model.predict([a, b], verbose=0)
    with pytest.raises(ValueError, match=r"expected 2 inputs.*got 3"):
        model.predict([a, b, b], verbose=0)


def test_gradients_through_initial_states_are_those_of_the_functional_model():
    model = Seq2Seq()
    model.predict([X, X[:, :4]], verbose=0)
    source, target = Input((6, 3)), Input((4, 3))
    _, h, c = model.encoder(source)
    graph = Model([source, target], model.dense(model.decoder(target, initial_state=[h, c])))
    gradients = []
    for each in (model, graph):
        each.materialize()
        each._flat.grad.fill(0)
        y, back, _ = each.run([X, X[:, :4]], True)
        back(np.ones_like(y), need_dx=False)
        gradients.append([p.grad.copy() for p in model.weights])
    for got, want in zip(*gradients, strict=True):
        assert np.abs(want).max() > 0
        np.testing.assert_allclose(got, want, rtol=2e-6, atol=1e-6)


def test_masks_go_through_it():
    class Tagger(Model):
        def __init__(self):
            super().__init__()
            self.embed = layers.Embedding(9, 5, mask_zero=True)
            self.lstm = layers.LSTM(4, return_sequences=True)
            self.dense = layers.Dense(2)

        def call(self, ids):
            return self.dense(self.lstm(self.embed(ids)))

    model = Tagger()
    y = model.predict(IDS, verbose=0)
    np.testing.assert_allclose(y[:1, :2], model.predict(IDS[:1, :2], verbose=0), atol=1e-6)
    model.compile("sgd", "mse")
    alone = [model.evaluate(i, np.ones((1, i.shape[1], 2)), verbose=0) for i in (IDS[:1, :2],)]
    loss = model.evaluate(IDS[:1], np.ones((1, 4, 2)), verbose=0)
    np.testing.assert_allclose(loss, alone[0], rtol=1e-6)


def test_sequences_of_different_lengths():
    class Steps(Model):
        def __init__(self):
            super().__init__()
            self.lstm = layers.LSTM(4, return_sequences=True)

        def call(self, x):
            return self.lstm(x)

    model = Steps()
    found = model.predict([X[0], X[1, :2]], verbose=0)
    assert [a.shape for a in found] == [(6, 4), (2, 4)]
    np.testing.assert_allclose(found[1], model.predict(X[1:2, :2], verbose=0)[0], atol=1e-6)


def test_training_and_dropout():
    class Noisy(Model):
        def __init__(self):
            super().__init__()
            self.drop = layers.Dropout(0.5)
            self.seen = []

        def call(self, x, training=None):
            self.seen.append(training)
            return self.drop(x)

    model = Noisy()
    x = np.ones((2, 50), "f4")
    np.testing.assert_array_equal(model.predict(x, verbose=0), x)
    np.testing.assert_array_equal(model(x), x)
    assert (np.asarray(model(x, training=True)) == 0).any()
    assert model.seen[-1] is True
    assert model.seen[-2] is False


def test_build_by_hand_and_weights():
    model = Forecaster()
    model.build((None, 6, 3))
    assert model.built
    assert model.count_params() == 4 * 4 * (3 + 4 + 1) + 5
    assert model.output_shape == (None, 1)
    other = Forecaster()
    other.build((None, 6, 3))
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_files_and_copies(tmp_path):
    model = Forecaster()
    trained(model)
    y = model.predict(X, verbose=0)
    model.save_weights(tmp_path / "w.safetensors")
    other = Forecaster()
    other.build((None, 6, 3))
    other.load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(other.predict(X, verbose=0), y)
    model.save(tmp_path / "m.safetensors")
    loaded = lstmcore.load_model(tmp_path / "m.safetensors", {"Forecaster": Forecaster})
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), y)
    assert loaded.optimizer.iterations == model.optimizer.iterations
    for copied in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(copied.predict(X, verbose=0), y)
    clone = lstmcore.models.clone_model(model)
    clone.build((None, 6, 3))
    assert [w.shape for w in clone.weights] == [w.shape for w in model.weights]


def test_in_a_graph_and_in_a_sequential():
    inner = Forecaster()
    x = Input((6, 3))
    graph = Model(x, layers.Dense(2)(inner(x)))
    assert trained(graph, y=Y * np.ones((1, 2), "f4"))["loss"][0] > 0
    model = Sequential([Input((6, 3)), Forecaster(), layers.Dense(2)])
    assert model.output_shape == (None, 2)
    assert trained(model, y=Y * np.ones((1, 2), "f4"))["loss"][0] > 0


def test_a_subclass_of_a_functional_model_keeps_its_methods():
    class Named(Model):
        def describe_me(self):
            return self.output_shape

    x = Input((6, 3))
    model = Named(x, layers.Dense(2)(layers.LSTM(3)(x)))
    assert isinstance(model, Named)
    assert model.describe_me() == (None, 2)
    assert trained(model, y=Y * np.ones((1, 2), "f4"))["loss"]
    again = Named(inputs=x, outputs=model.output, name="again")
    assert again.name == "again"


def test_what_is_missing_is_said_at_construction():
    class Empty(Model):
        pass

    with pytest.raises(
        TypeError, match=r"Empty: expected a subclass of Model with call\(self, x\)"
    ):
        Empty()
    with pytest.raises(TypeError, match="expected inputs and outputs"):
        Model()


def test_overrides_that_are_never_called_are_refused():
    with pytest.raises(TypeError, match="make_train_function is never called: override train_step"):

        class Own(Model):
            def make_train_function(self):
                return None

    with pytest.raises(TypeError, match="got both"):

        class Both(layers.Layer):
            def call(self, x):
                return x

            def forward(self, x, grad=False):
                return x, None


class Around(layers.Layer):
    """Calls a model."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def call(self, x):
        return self.model(x)


def functional():
    inputs = Input((None,))
    h = layers.Embedding(9, 3, mask_zero=True)(inputs)
    return Model(inputs, layers.Bidirectional(layers.LSTM(2))(layers.Dropout(0.1)(h)))


def sequential():
    return Sequential(
        [
            layers.Embedding(9, 3, mask_zero=True),
            layers.Dropout(0.1),
            layers.Bidirectional(layers.LSTM(2)),
        ]
    )


@pytest.mark.parametrize("make", [functional, sequential])
def test_a_model_inside_a_layer_s_call(make):
    inputs = Input((None,))
    around = Around(make())
    h = around(inputs)
    assert h.shape == (None, 4)
    model = Model(inputs, layers.Dense(1)(h))
    alone = model.predict(IDS[:1, :2])
    np.testing.assert_allclose(model.predict(IDS)[0], alone[0], atol=1e-6)  # the mask arrives
    model.compile("adam", "mse")
    before = around.model.get_weights()
    model.train_on_batch(IDS, np.ones((2, 1)))
    assert len(before) == 7
    for a, b in zip(before, around.model.get_weights(), strict=True):
        assert not np.array_equal(a, b)


class HalfSquares(layers.Layer):
    def call(self, x):
        self.add_loss(0.5 * (x * x).mean())
        return x


def test_a_loss_of_a_sequential_s_layer_alone_trains():
    model = Sequential([Input((3,)), layers.Dense(2), HalfSquares(), layers.Dense(1)])
    model.compile("sgd")
    before = model.get_weights()
    model.train_on_batch(X[:, 0])
    moved = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert moved == [True, True, False, False]


class Halves(Model):
    """Two models and a step of its own, and no `call`, as in Keras's autoencoder."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.parts = {"encoder": encoder, "decoder": decoder}
        self.tracker = lstmcore.metrics.Mean(name="error")

    def train_step(self, data):
        assert isinstance(data, np.ndarray)  # fit was given x alone
        with lstmcore.GradientTape() as tape:
            found = self.parts["decoder"](self.parts["encoder"](data))
            loss = ((found - data) ** 2).mean()
        weights = self.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.tracker.update_state(loss)
        return {"error": self.tracker.result()}


def test_a_model_with_a_training_step_alone():
    encoder, decoder = Sequential([Input((3,)), layers.Dense(2)]), Sequential([layers.Dense(3)])
    decoder.build((None, 2))
    model = Halves(encoder, decoder)
    assert model.layers == [encoder, decoder]
    assert [w.shape for w in model.trainable_weights] == [(3, 2), (2,), (2, 3), (3,)]
    model.compile("sgd")
    before = model.get_weights()
    found = model.fit(X[:, 0], epochs=5, verbose=0).history["error"]
    assert found[4] < found[3] < found[2] < found[1] < found[0]
    for a, b in zip(before, model.get_weights(), strict=True):
        assert not np.array_equal(a, b)
    twin = Halves(encoder, decoder)
    twin.set_weights(before)
    assert np.array_equal(encoder.get_weights()[0], before[0])


def test_a_stream_of_it_is_refused():
    with pytest.raises(ValueError, match=r"\(Forecaster\) cannot be streamed: .* use a Sequential"):
        Forecaster().stream()


class Residual(Model):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def call(self, x):
        return x + self.model(x)


def test_a_sequential_that_is_built_by_a_model_around_it_trains_from_the_first_epoch():
    def steps():
        return [layers.LSTM(4, return_sequences=True), layers.Dense(3)]

    inner, plain = Sequential(steps()), Sequential([Input((6, 3)), *steps()])
    model = Residual(inner)
    inputs = Input((6, 3))
    other = Model(inputs, inputs + plain(inputs))
    model.predict(X)
    model.set_weights(other.get_weights())
    twins = [m.compile("adam", "mse") or m for m in (model, other)]
    losses = [m.fit(X, 0 * X, epochs=3, shuffle=False, verbose=0).history["loss"] for m in twins]
    np.testing.assert_allclose(*losses, rtol=1e-5)
    fresh = Residual(Sequential(steps()))
    fresh.compile("adam", "mse")
    found = fresh.fit(X, 0 * X, epochs=3, shuffle=False, verbose=0).history["loss"]
    assert found[2] < found[1] < found[0]


def test_a_layer_that_only_training_would_build_is_refused():
    class Late(Forecaster):
        def __init__(self):
            super().__init__()
            self.late = layers.Dense(1)

        def call(self, x, training=None):
            y = super().call(x)
            return self.late(y) if training else y

    model = Late()
    model.compile("adam", "mse")
    with pytest.raises(RuntimeError, match="expected to be built before the training step"):
        model.fit(X, Y, verbose=0)
    model.late.build((None, 1))
    trained(model)
