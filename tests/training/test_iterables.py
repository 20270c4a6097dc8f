"""Data from outside: generators, datasets, loaders; and what is done with `steps`."""

import itertools

import numpy as np
import pytest
from formulas import wave32

from lstmcore import Input, Model, Sequential
from lstmcore.callbacks import Callback, EarlyStopping, LambdaCallback
from lstmcore.layers import (
    LSTM,
    Add,
    Conv1D,
    Dense,
    Embedding,
    MaxPooling1D,
    UpSampling1D,
)
from lstmcore.optimizers import SGD
from lstmcore.utils import PyDataset, set_random_seed

X, Y = wave32((20, 5, 2), 0.7), wave32((20, 1), 1.3)
SIZE = 4


def made(*metrics):
    model = Sequential([Input((5, 2)), LSTM(3), Dense(1)])
    model.set_weights([wave32(w.shape, 0.9) * 0.5 for w in model.get_weights()])
    model.compile(SGD(0.1), "mse", metrics=list(metrics))
    return model


def batches(n=5, endless=False, start=0):
    while True:
        for i in range(start, start + n):
            yield X[i * SIZE : (i + 1) * SIZE], Y[i * SIZE : (i + 1) * SIZE]
        if not endless:
            return


class Data(PyDataset):
    """Says in which order it was read."""

    def __init__(self, n=5, **kwargs):
        super().__init__(**kwargs)
        self.n, self.read = n, []

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        self.read.append(i)
        return X[i * SIZE : (i + 1) * SIZE], Y[i * SIZE : (i + 1) * SIZE]

    def on_epoch_begin(self):
        self.read.append("begin")

    def on_epoch_end(self):
        self.read.append("end")


class Again:
    """Any iterable that begins anew."""

    def __iter__(self):
        return batches()


class Indexed:
    """A loader with a length and an index alone, and no IndexError at its end."""

    def __len__(self):
        return 5

    def __getitem__(self, i):
        return X[i * SIZE : (i + 1) * SIZE], Y[i * SIZE : (i + 1) * SIZE]


def test_all_sources_train_as_the_arrays_do():
    expected = made("mae")
    history = expected.fit(X, Y, SIZE, 3, 0, shuffle=False).history
    sources = [
        (lambda: batches(endless=True), 5),
        (lambda: itertools.chain(*(batches() for _ in range(3))), 5),
        (Again, None),
        (Data, None),
        (Indexed, None),
        (lambda: ((*xy, np.ones(SIZE)) for xy in batches(endless=True)), 5),
        (lambda: (list(xy) for xy in batches(endless=True)), 5),
    ]
    for source, steps in sources:
        model = made("mae")
        got = model.fit(source(), epochs=3, steps_per_epoch=steps, shuffle=False, verbose=0)
        assert got.history == history
        for a, b in zip(model.get_weights(), expected.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


# -- generators that end -------------------------------------------------------------------------


def test_a_generator_that_ends_within_an_epoch():
    model = made()
    with pytest.warns(UserWarning, match=r"ended after 1 batches of an epoch of 2"):
        history = model.fit(batches(3), epochs=4, steps_per_epoch=2, verbose=0)
    assert history.epoch == [0, 1]
    np.testing.assert_allclose(history.history["loss"][1], 0.3, atol=0.3)


def test_a_generator_that_ends_between_epochs_leaves_no_empty_epoch():
    model, ended = made(), []

    class End(Callback):
        def on_epoch_end(self, epoch, logs=None):
            ended.append(epoch)

        def on_train_end(self, logs=None):
            ended.append(logs["loss"])

    with pytest.warns(UserWarning, match="ended after 0 batches"):
        history = model.fit(batches(), epochs=5, callbacks=[End()], verbose=0)
    assert history.epoch == [0]
    assert ended == [0, history.history["loss"][0]]


@pytest.mark.filterwarnings("ignore:the data ended")
def test_nothing_at_all():
    model = made()
    for call in (model.fit, model.evaluate, model.predict):
        with pytest.raises(ValueError, match="expected at least one batch, got none"):
            call(batches(0), verbose=0)


def test_a_validation_that_has_ended_gives_no_results():
    """Zeros would be the best epoch ever for what watches val_loss."""
    model = made()
    with pytest.warns(UserWarning, match="a generator has to go on for all epochs"):
        history = model.fit(X, Y, epochs=3, validation_data=batches(2), verbose=0)
    assert len(history.history["loss"]) == 3
    assert len(history.history["val_loss"]) == 1


@pytest.mark.filterwarnings("ignore:the data ended")
def test_what_watches_a_validation_that_has_ended_says_so():
    watch = EarlyStopping("val_loss")
    model = made()
    with pytest.warns(UserWarning, match="no 'val_loss' after an epoch|data ended") as told:
        model.fit(X, Y, epochs=3, validation_data=batches(2), callbacks=[watch], verbose=0)
    assert any("no 'val_loss'" in str(one.message) for one in told)


def test_a_generator_that_raises_leaves_the_model_usable():
    def failing():
        yield from batches(2)
        raise KeyError("disk gone")

    model, ended = made("mae"), []

    class End(Callback):
        def on_train_end(self, logs=None):
            ended.append(1)

    with pytest.raises(KeyError, match="disk gone"):
        model.fit(failing(), epochs=2, verbose=0, callbacks=[End()])
    same = made("mae")
    for x, y in batches(2):
        same.train_on_batch(x, y)
    for a, b in zip(model.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.optimizer.iterations == 2
    model.fit(X, Y, verbose=0)
    with pytest.raises(KeyError):
        model.predict(x for x, _ in failing())
    with pytest.raises(KeyError):
        model.evaluate(failing(), verbose=0)


# -- datasets ------------------------------------------------------------------------------------


def test_a_dataset_is_read_in_a_new_order_every_epoch():
    set_random_seed(1)
    data = Data()
    made().fit(data, epochs=3, verbose=0)
    epochs = [data.read[i * 7 : (i + 1) * 7] for i in range(3)]
    assert all(e[0] == "begin" and e[-1] == "end" for e in epochs)
    orders = [tuple(e[1:-1]) for e in epochs]
    assert all(sorted(order) == list(range(5)) for order in orders)
    assert len(set(orders)) > 1
    data = Data()
    made().fit(data, epochs=2, shuffle=False, verbose=0)
    assert data.read == ["begin", 0, 1, 2, 3, 4, "end"] * 2


def test_a_dataset_in_epochs_of_so_many_steps():
    data = Data()
    with pytest.warns(UserWarning, match="ended after 2 batches of an epoch of 3"):
        made().fit(data, epochs=3, steps_per_epoch=3, shuffle=False, verbose=0)
    end, begin = "end", "begin"
    assert data.read == [begin, 0, 1, 2, end, begin, 3, 4, end, begin, 0, 1, 2, end]


def test_a_dataset_that_does_not_know_its_end():
    class Endless(PyDataset):
        num_batches = None

        def __getitem__(self, i):
            return X[:SIZE], Y[:SIZE]

    assert made().fit(Endless(), epochs=2, steps_per_epoch=3, verbose=0).epoch == [0, 1]

    class Three(Endless):
        num_batches = 3

    model = made()
    model.fit(Three(), verbose=0)
    assert model.optimizer.iterations == 3


def test_a_dataset_that_says_nothing_of_its_end():
    class Silent(PyDataset):
        def __getitem__(self, i):
            return X[:SIZE], Y[:SIZE]

    model = made()
    model.fit(Silent(), epochs=2, steps_per_epoch=3, verbose=0)
    assert model.optimizer.iterations == 6
    model.evaluate(Silent(), steps=2, verbose=0)
    assert model.fit(X, Y, verbose=0, validation_data=Silent(), validation_steps=2).history
    with pytest.raises(NotImplementedError, match="neither __len__ nor num_batches"):
        model.fit(Silent(), verbose=0)


def test_what_a_dataset_changes_at_the_end_of_an_epoch_counts():
    class Growing(Data):
        def on_epoch_end(self):
            self.n += 1

    model = made()
    model.fit(Growing(2), epochs=3, verbose=0)
    assert model.optimizer.iterations == 2 + 3 + 4


def test_validation_by_sources():
    expected = made("mae")
    history = expected.fit(X, Y, SIZE, 2, 0, validation_data=(X[:8], Y[:8]), shuffle=False).history
    for validation, steps in (
        (batches(2, endless=True), 2),
        (Data(2), None),
        (((x, y, np.ones(SIZE)) for x, y in batches(2, endless=True)), 2),
    ):
        got = made("mae").fit(
            X, Y, SIZE, 2, 0, validation_data=validation, validation_steps=steps, shuffle=False
        )
        assert got.history.keys() == history.keys()
        for name, values in history.items():
            np.testing.assert_allclose(got.history[name], values, rtol=1e-6)


# -- steps ---------------------------------------------------------------------------------------


NUMBERS = np.arange(1.0, 9.0, dtype="float32")[:, None]


class Pairs(PyDataset):
    """The eight numbers in batches of two, with targets of 0."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return NUMBERS[2 * i : 2 * i + 2], np.zeros((2, 1))


def identity():
    """A model whose mean absolute error is the mean of the numbers that it is given."""
    model = Sequential([Input((1,)), Dense(1, kernel_initializer="ones")])
    model.compile(SGD(0.0), "mae")
    return model


# losses of the epochs, from Keras 3.15
@pytest.mark.parametrize(
    ("steps", "losses"),
    [
        (2, [2.5, 6.5, 2.5, 6.5, 2.5]),
        (3, [3.5, 7.5, 3.5, 7.5, 3.5]),
        (4, [4.5] * 5),
        (5, [4.5] * 5),
    ],
)
@pytest.mark.filterwarnings("ignore:the data ended")
def test_an_epoch_ends_with_the_data(steps, losses):
    options = {"epochs": 5, "shuffle": False, "verbose": 0, "steps_per_epoch": steps}
    for given in ((NUMBERS, np.zeros((8, 1)), 2), (Pairs(),)):
        assert identity().fit(*given, **options).history["loss"] == losses


@pytest.mark.parametrize(("steps", "loss"), [(1, 1.5), (3, 3.5), (9, 4.5)])
@pytest.mark.filterwarnings("ignore:the data ended")
def test_every_validation_has_the_first_batches(steps, loss):
    y = np.zeros((8, 1))
    for given in ((NUMBERS, y), Pairs()):
        history = identity().fit(
            NUMBERS,
            y,
            epochs=3,
            verbose=0,
            validation_data=given,
            validation_steps=steps,
            validation_batch_size=2,
        )
        assert history.history["val_loss"] == [loss] * 3


def test_steps_of_arrays():
    model, options = made(), {"shuffle": False, "verbose": 0}
    with pytest.warns(UserWarning, match="ended after 1 batches of an epoch of 2"):
        history = model.fit(X, Y, SIZE, epochs=6, steps_per_epoch=2, **options)
    assert model.optimizer.iterations == 10
    assert history.params["steps"] == 2
    plain = made()
    plain.fit(X, Y, SIZE, epochs=2, **options)  # the same batches in all
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert plain.evaluate(X, Y, SIZE, 0, steps=2) == pytest.approx(
        plain.evaluate(X[:8], Y[:8], SIZE, 0)
    )
    np.testing.assert_array_equal(plain.predict(X, SIZE, steps=2), plain.predict(X[:8]))


@pytest.mark.parametrize(
    "argument", ["steps_per_epoch", "validation_steps", "batch_size", "epochs"]
)
@pytest.mark.parametrize("value", [0, -1, 2.5, True])
def test_counts_that_are_none(argument, value):
    with pytest.raises(ValueError, match=f"{argument}: expected a whole number"):
        made().fit(X, Y, verbose=0, validation_data=(X, Y), **{argument: value})


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "more", "message"),
    [
        (lambda: iter([X[:4]]), {}, r"expected batches \(x, y\) or \(x, y, sample_weight\)"),
        (lambda: iter([(X[:4], Y[:4], None, 1)]), {}, r"expected batches \(x, y\)"),
        (lambda: iter([(X[:4, :, :1], Y[:4])]), {}, r"expected an array of shape \(batch, 5, 2\)"),
        (lambda: iter([(X[:4], Y[:3])]), {}, "y: expected 4 samples"),
        (batches, {"y": Y}, "y: expected None, for generator x has its own"),
        (batches, {"sample_weight": Y[:, 0]}, "sample_weight: expected None"),
        (batches, {"validation_split": 0.2}, "validation_split: expected arrays"),
        (lambda: iter([(X[:4], None)]), {}, "y: expected targets"),
    ],
)
def test_batches_that_are_refused(data, more, message):
    with pytest.raises(ValueError, match=message):
        made().fit(data(), verbose=0, **more)


# -- several inputs, pandas, predict -------------------------------------------------------------


def test_sources_of_several_inputs():
    a, b = Input((5, 2), name="a"), Input((5, 2), name="b")
    model = Model([a, b], {"y": Dense(1)(Add()([LSTM(2)(a), LSTM(2)(b)]))})
    model.compile("sgd", "mse")
    start = model.get_weights()

    def tuples():
        for x, y in batches():
            yield (x, -x), y

    def dicts():
        for x, y in batches():
            yield {"b": -x, "a": x}, {"y": y}

    losses = []
    for source in (tuples, dicts):
        model.set_weights(start)
        losses.append(model.fit(source(), verbose=0).history["loss"])
    assert losses[0] == losses[1]
    np.testing.assert_array_equal(
        model.predict(x for (x, _) in dicts())["y"], model.predict([X, -X])["y"]
    )


def test_predict_over_batches():
    model = made()
    expected = model.predict(X)
    for source in (
        (x for x, _ in batches()),
        batches(),
        (xy[:1] for xy in batches()),
        Data(),
        Indexed(),
    ):
        np.testing.assert_array_equal(model.predict(source, verbose=0), expected)
    np.testing.assert_array_equal(model.predict(batches(endless=True), steps=7)[20:], expected[:8])
    for source in (X, batches(), Data(), Indexed(), (x for x, _ in batches())):
        parts = list(model.predict_iter(source, SIZE if source is X else None))
        assert len(parts) == 5
        np.testing.assert_array_equal(np.concatenate(parts), expected)


def test_predict_into_an_array(tmp_path):
    model = made()
    expected = model.predict(X)
    out = np.full((20, 1), np.nan, np.float32)
    assert model.predict(X, batch_size=3, out=out) is out
    np.testing.assert_array_equal(out, expected)
    mapped = np.memmap(tmp_path / "y", np.float32, "w+", shape=(20, 1))
    model.predict(X, out=mapped)
    np.testing.assert_array_equal(mapped, expected)
    wide = np.zeros((20, 3), np.float32)
    model.predict(X, out=wide[:, 1:2])
    np.testing.assert_array_equal(wide, expected * [[0, 1, 0]])
    frozen = np.zeros((20, 1), np.float32)
    frozen.flags.writeable = False
    for bad in (np.zeros((20, 1)), np.zeros((19, 1), np.float32), frozen, [[0]] * 20):
        with pytest.raises(ValueError, match="predict: out: expected"):
            model.predict(X, out=bad)
    with pytest.raises(ValueError, match="out: expected None for batches from outside"):
        model.predict(batches(), out=out)


def test_batches_of_different_lengths():
    model = Sequential([Input((None,)), Embedding(9, 2, mask_zero=True), LSTM(3), Dense(1)])
    model.compile("sgd", "mse")
    ids = [np.arange(1, n)[None] % 9 for n in (4, 7, 3)]
    model.fit(((x, Y[:1]) for x in ids), verbose=0)
    alone = [model.predict(x) for x in ids]
    np.testing.assert_array_equal(model.predict(iter(ids)), np.concatenate(alone))


def test_predict_over_batches_that_are_lists_and_of_unlike_lengths():
    heard = []

    class Watch(Callback):
        def on_predict_batch_end(self, batch, logs=None):
            heard.append(logs["outputs"])

    model = Sequential([Input((None, 3)), LSTM(2, return_sequences=True)])
    rows = [wave32((n, 3), 0.7 + n / 10) for n in (3, 7, 5, 5)]
    lists, arrays = [rows[:3], rows[3:]], [np.stack([rows[2], rows[3]]), rows[0][None]]
    for source in (iter(lists), iter([(batch,) for batch in lists]), iter(arrays)):
        p = model.predict(source, callbacks=[Watch()])
        order = rows if len(p) == 4 else [rows[2], rows[3], rows[0]]
        for row, y in zip(order, p, strict=True):
            np.testing.assert_array_equal(y, model.predict(row[None])[0])
    model.predict(rows, batch_size=2, callbacks=[Watch()])
    assert [[len(y) for y in part] for part in heard[-2:]] == [[3, 7], [5, 5]]
    assert [len(y) for y in heard[0]] == [3, 7, 5]
    even = model.predict(iter([rows[2:], rows[2:3]]))
    assert even.shape == (3, 5, 2)


@pytest.mark.parametrize("layer", [Conv1D(2, 3), MaxPooling1D(2), UpSampling1D(2)])
def test_outputs_that_have_other_steps_than_the_inputs(layer):
    model = Sequential([Input((None, 3)), layer])
    rows = [wave32((n, 3), 0.7 + n / 10) for n in (3, 7, 5)]
    with pytest.warns(UserWarning, match="has a mask"):
        p = model.predict(rows)
    for row, y in zip(rows, p, strict=True):
        np.testing.assert_array_equal(y, model.predict(row[None])[0])


def test_the_output_follows_the_sequences_that_it_has_the_steps_of():
    a, b = Input((None, 3)), Input((None, 2))
    _, *states = LSTM(2, return_state=True)(a)
    model = Model([a, b], LSTM(2, return_sequences=True)(b, initial_state=states))
    before = [wave32((n, 3), 0.7) for n in (3, 7, 5)]
    after = [wave32((n, 2), 0.9) for n in (4, 2, 6)]
    for one, two, y in zip(before, after, model.predict([before, after]), strict=True):
        np.testing.assert_allclose(y, model.predict([one[None], two[None]])[0], rtol=1e-6)
    model.compile("sgd", "mse")
    model.fit([before, after], [np.ones((len(row), 2)) for row in after], verbose=0)


@pytest.mark.parametrize("targets", [[np.ones((1, 3))], [np.ones(3)], np.ones((1, 3))])
def test_the_targets_of_one_sample_in_a_list(targets):
    model = Sequential([Input((None, 2)), LSTM(2), Dense(3)])
    model.compile("sgd", "mse")
    x = wave32((1, 4, 2), 0.7)
    want = float(((model.predict(x) - 1) ** 2).mean())
    for given in (x, [x]):
        assert model.evaluate(given, targets, verbose=0) == pytest.approx(want)
        assert model.test_on_batch(given, targets) == pytest.approx(want)
    assert model.evaluate(iter([([x], targets)]), verbose=0) == pytest.approx(want)
    assert model.train_on_batch([x], targets) == pytest.approx(want)


def test_pandas():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X[:, 0], columns=["a", "b"])
    y = pandas.Series(Y[:, 0])
    model = Sequential([Input((2,)), Dense(1)])
    model.compile(SGD(0.1), "mse")
    start = model.get_weights()
    by_frame = model.fit(frame, y, shuffle=False, sample_weight=y.abs(), verbose=0).history
    model.set_weights(start)
    by_array = model.fit(X[:, 0], Y, shuffle=False, sample_weight=abs(Y[:, 0]), verbose=0).history
    assert by_frame == by_array
    np.testing.assert_array_equal(model.predict(frame), model.predict(X[:, 0]))


class Reiterable:
    """Batches that can be iterated any number of times, and nothing else."""

    def __iter__(self):
        return batches()


@pytest.mark.parametrize("make", [batches, Data, Reiterable])
def test_the_first_batch_builds_a_model_without_a_shape_and_is_trained_on(make):
    losses, counted = [], []
    for shapes in ([], [Input((5, 2))]):
        set_random_seed(1)
        model = Sequential([*shapes, LSTM(3), Dense(1)])
        model.compile("sgd", "mse")
        count = LambdaCallback(on_train_batch_end=lambda i, logs: counted.append(i))
        losses.append(model.fit(make(), shuffle=False, verbose=0, callbacks=[count]).history)
    assert losses[0] == losses[1]
    assert counted == [0, 1, 2, 3, 4] * 2


def test_a_model_without_a_shape_meets_no_batch():
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse")
    with (
        pytest.warns(UserWarning, match="ended after 0 batches"),
        pytest.raises(ValueError, match="at least one batch"),
    ):
        model.fit(iter([]), verbose=0)
