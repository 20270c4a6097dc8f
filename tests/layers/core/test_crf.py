"""CRF: probabilities against all sequences of tags, gradients, masks, the best tags, training."""

import itertools

import numpy as np
import pytest
from gradients import gradient

from lstmcore import (
    Input,
    Model,
    Sequential,
    context,
    layers,
    load_model,
    losses,
    metrics,
    optimizers,
)

RNG = np.random.default_rng(0)
N = 3
P = RNG.standard_normal((4, 5, N + N * N))  # potentials
TAGS = RNG.integers(0, N, (4, 5))
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 1, 0]], bool)


def score(p, tags):
    """Of the steps of one sequence."""
    steps = p[np.arange(len(p)), tags].sum()
    return steps + sum(p[t, N + N * tags[t - 1] + tags[t]] for t in range(1, len(p)))


def all_scores(p):
    return {tags: score(p, list(tags)) for tags in itertools.product(range(N), repeat=len(p))}


def minus_log_p(p, tags):
    scores = np.array(list(all_scores(p).values()))
    return np.log(np.exp(scores).sum()) - score(p, tags)


@pytest.mark.parametrize("masked", [False, True])
def test_the_loss_is_minus_the_log_of_the_share_of_all_sequences(masked):
    mask = MASK if masked else np.ones_like(MASK)
    parts = [(p[m], t[m]) for p, t, m in zip(P, TAGS, mask, strict=True)]
    expected = [minus_log_p(p, t) for p, t in parts]
    dirty = np.where(mask[..., None], P, np.nan)
    loss = losses.CRF()
    value, slope = loss.forward(TAGS, dirty, None, True, mask if masked else None)
    assert np.isclose(value, np.mean(expected), rtol=1e-12)
    weight = np.array([1.0, 2.0, 0.5, 0.0])
    found = loss.forward(TAGS, dirty, weight, False, mask if masked else None)[0]
    assert np.isclose(found, np.dot(expected, weight) / 4)
    p = P.copy()
    numeric = gradient(lambda: loss.forward(TAGS, p, None, False, mask)[0], p)
    np.testing.assert_allclose(slope, numeric, atol=1e-8)
    assert not slope[~mask].any()


@pytest.mark.parametrize("masked", [False, True])
def test_the_best_tags_are_the_best_of_all(masked):
    mask = MASK if masked else np.ones_like(MASK)
    found = losses.crf.viterbi(np.where(mask[..., None], P, 0), mask if masked else None)
    for p, m, tags in zip(P, mask, found, strict=True):
        scores = all_scores(p[m])
        assert tuple(tags[m]) == max(scores, key=scores.get)
        assert not tags[~m].any()


def crf_of(dtype="float64", **options):
    layer = layers.CRF(N, dtype=dtype, boundary_initializer="random_normal", **options)
    layer.build((None, None, 4 if options.get("use_kernel", True) else N))
    return layer


@pytest.mark.parametrize("options", [{}, {"use_boundary": False}, {"use_kernel": False}], ids=str)
@pytest.mark.parametrize("mask", [None, MASK], ids=["whole", "masked"])
def test_gradients_of_the_layer(options, mask):
    layer, loss = crf_of(**options), losses.CRF()
    x = RNG.standard_normal((4, 5, 4 if layer.use_kernel else N))

    def run(x):
        y, back = layer.forward(x, True, mask=mask)
        value, dy = loss.forward(TAGS, y, None, True, mask)
        return value, back(dy)

    for p in layer.weights:
        p.grad.fill(0)
    dirty = x if mask is None else np.where(mask[..., None], x, np.nan)
    _, dx = run(dirty)
    found = [p.grad.copy() for p in layer.weights]
    np.testing.assert_allclose(dx, gradient(lambda: run(x)[0], x), atol=1e-7)
    for p, slope in zip(layer.weights, found, strict=True):
        numeric = gradient(lambda: run(x)[0], p.flat.view(p))
        np.testing.assert_allclose(slope, numeric, atol=1e-7, err_msg=p.name)


def test_boundaries_are_at_the_first_and_last_unmasked_step():
    layer = crf_of(use_kernel=False)
    layer.set_weights([np.zeros((N, N)), [5.0, 0, 0], [0, 7.0, 0]])
    tags = layer(np.full((4, 5, N), [0, 0, 1.0]), mask=MASK).argmax(axis=-1)
    expected = [[0, 2, 2, 2, 1], [0, 1, 0, 0, 0], [0, 0, 0, 2, 1], [0, 0, 0, 1, 0]]
    np.testing.assert_array_equal(tags, expected)


def tagger(**options):
    inputs = Input((None,))
    h = layers.Embedding(9, 6, mask_zero=True)(inputs)
    crf = layers.CRF(N, **options)
    model = Model(inputs, crf(layers.LSTM(6, return_sequences=True)(h)))
    return model, crf


IDS = np.array([[1, 2, 3, 4, 0], [5, 6, 0, 0, 0], [7, 8, 1, 2, 3], [3, 2, 1, 0, 0]])
GOLD = np.where(IDS > 0, IDS % N, 0)


def test_fit_evaluate_predict_and_files(tmp_path):
    model, crf = tagger()
    model.compile(optimizers.Adam(0.05), crf.loss, metrics=[crf.accuracy])
    assert model.predict(IDS).shape == (4, 5, N)
    history = model.fit(
        IDS, GOLD, epochs=60, validation_data=(IDS, GOLD), verbose=0, batch_size=4
    ).history
    assert history["loss"][-1] < 0.2 * history["loss"][0]
    loss, accuracy = model.evaluate(IDS, GOLD, verbose=0)
    assert accuracy == history["val_accuracy"][-1] == 1.0
    assert np.isclose(loss, history["val_loss"][-1])
    best = model.predict(IDS)
    assert set(np.unique(best)) == {0, 1}
    np.testing.assert_array_equal(best.argmax(axis=-1)[IDS > 0], GOLD[IDS > 0])
    model.save(tmp_path / "m")
    again = load_model(tmp_path / "m")
    np.testing.assert_array_equal(again.predict(IDS), best)
    assert again.evaluate(IDS, GOLD, verbose=0) == [loss, accuracy]


def test_what_stands_behind_a_row_does_not_matter():
    model, crf = tagger()
    model.compile("sgd", crf.loss, metrics=["accuracy"])
    lists = [row[row > 0] for row in IDS]
    targets = [tags[row > 0] for row, tags in zip(IDS, GOLD, strict=True)]
    padded = model.evaluate(IDS, GOLD, verbose=0)
    alone = [
        model.evaluate(x[None], y[None], verbose=0) for x, y in zip(lists, targets, strict=True)
    ]
    assert np.isclose(padded[0], np.mean([loss for loss, _ in alone]), rtol=1e-5)
    counts = [len(x) for x in lists]
    assert np.isclose(padded[1], np.average([share for _, share in alone], weights=counts))
    one_hot = model.evaluate(IDS, np.eye(N)[GOLD], verbose=0)
    np.testing.assert_allclose(one_hot, padded)
    np.testing.assert_allclose(model.evaluate(IDS, GOLD[..., None], verbose=0), padded)
    for x, row in zip(lists, model.predict(IDS), strict=True):
        np.testing.assert_array_equal(model.predict(x[None])[0], row[: len(x)])


def test_lists_of_sequences():
    model = Sequential([Input((None, 2)), layers.CRF(N)])
    model.compile("sgd", "crf", metrics=["accuracy"])
    rows = [RNG.standard_normal((n, 2)).astype("f4") for n in (3, 5, 1)]
    tags = [RNG.integers(0, N, len(row)) for row in rows]
    found = model.evaluate(rows, tags, verbose=0)
    alone = [
        model.evaluate(x[None], t[None], verbose=0)[0] for x, t in zip(rows, tags, strict=True)
    ]
    assert np.isclose(found[0], np.mean(alone), rtol=1e-5)
    model.fit(rows, tags, verbose=0)


def test_weights_of_samples_and_of_the_loss():
    model, crf = tagger()
    model.compile("sgd", crf.loss)
    weight = np.array([0.0, 0.0, 3.0, 0.0])
    alone = model.evaluate(IDS[2:3], GOLD[2:3], verbose=0)
    assert np.isclose(model.evaluate(IDS, GOLD, sample_weight=weight, verbose=0), 3 * alone / 4)
    before = model.get_weights()
    model.compile("sgd", crf.loss, loss_weights=[0.0])
    model.fit(IDS, GOLD, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_errors():
    layer = crf_of()
    with pytest.raises(ValueError, match=r"layer 'crf.*\(CRF\): x: expected an array of shape"):
        layer(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="tags below 3, got 5: the layer before it must be CRF"):
        losses.CRF()(TAGS + 3, P)
    with pytest.raises(ValueError, match="n \\+ n \\* n numbers a step, got 4"):
        losses.CRF()(TAGS, P[..., :4])
    with pytest.raises(ValueError, match=r"expected tags \(4, 5\) or one-hot"):
        losses.CRF()(TAGS[:, :2], P)
    with pytest.raises(ValueError, match="expected whole tags from 0, got -1"):
        losses.CRF()(TAGS - 1, P)


def test_the_metric_by_hand():
    metric = metrics.CRFAccuracy()
    best = losses.crf.viterbi(P)
    metric.update_state(best, P)
    assert metric.result() == 1
    wrong = best.copy()
    wrong[0, 0] = (wrong[0, 0] + 1) % N
    metric.reset_state()
    metric.update_state(wrong, P)
    assert metric.result() == 0.95
    with context.changed(for_loss=True):
        assert crf_of()(np.zeros((1, 2, 4))).shape == (1, 2, N + N * N)
