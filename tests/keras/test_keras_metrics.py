"""Metrics held to Keras's numbers, frozen by tests/keras/make_keras_metrics.py."""

import copy
import json

import metric_cases as cases
import numpy as np
import pytest
from keras_numbers import keras_numbers

from lstmcore import losses, metrics

KERAS = keras_numbers("metrics")
CASES = list(zip(cases.METRICS, KERAS, strict=True))
IDS = [f"{name}-{arguments}-{kind}" for name, arguments, kind in cases.METRICS]
BOUND = {"float32": 2e-6, "float64": 1e-10}
each_case = pytest.mark.parametrize(("case", "keras"), CASES, ids=IDS)
both_types = pytest.mark.parametrize("dtype", ["float32", "float64"])


def make(case):
    name, arguments, _ = case
    return getattr(metrics, name)(**arguments)


def close(got, wanted, dtype):
    wanted = np.asarray(wanted)
    assert np.shape(got) == wanted.shape
    bound = BOUND[dtype] * np.maximum(1, np.abs(wanted))
    assert (np.abs(got - wanted) <= bound).all(), f"{got} against {wanted}"


@both_types
@each_case
@pytest.mark.parametrize("which", cases.WEIGHTS)
def test_results_are_keras(case, keras, dtype, which):
    if which == "mask" and "num_regressors" in case[1]:
        pytest.skip("Keras counts masked steps among the samples")
    metric = make(case)
    for (y, p, w), wanted in zip(
        cases.batches(case[2], cases.WEIGHTS[which]), keras[which], strict=True
    ):
        metric.update_state(y, p.astype(dtype), w)
        close(metric.result(), wanted, dtype)
    assert metric.name.startswith(keras["name"])


@each_case
def test_masked_steps_never_count(case, keras):
    alone = make(case)
    for y, p, mask in cases.batches(case[2], cases.MASK):
        alone.update_state(y[mask], p[mask].astype(np.float64))
    for bad in (np.nan, np.inf, 0):
        metric, again = make(case), make(case)
        for y, p, mask in cases.batches(case[2], cases.MASK):
            worse, worse_y = p.astype(np.float64), y.copy()
            worse[~mask] = bad
            if y.dtype.kind == "f":
                worse_y[~mask] = bad
            metric.update_state(worse_y, worse, mask=mask)
            again.update_state(worse_y, worse, np.ones(mask.shape), mask=mask)
        close(metric.result(), alone.result(), "float64")
        close(again.result(), alone.result(), "float64")


@each_case
def test_a_weight_for_each_sample_is_one_for_its_steps(case, keras):
    metric, again = make(case), make(case)
    for y, p, w in cases.batches(case[2], cases.WEIGHT):
        one = w if w.ndim == 1 else w[:, 0]
        metric.update_state(y, p, one)
        again.update_state(y, p, np.broadcast_to(one.reshape(-1, *[1] * (w.ndim - 1)), w.shape))
    np.testing.assert_allclose(metric.result(), again.result(), rtol=1e-12)


@each_case
def test_a_state_can_be_kept_and_forgotten(case, keras):
    first, second = cases.batches(case[2], cases.WEIGHT)
    metric, later = make(case), make(case)
    metric.update_state(*first)
    later.set_state(json.loads(json.dumps(metric.get_state())))
    np.testing.assert_array_equal(later.result(), metric.result())
    for m in (metric, later):
        m.update_state(*second)
    np.testing.assert_array_equal(later.result(), metric.result())
    metric.reset_state()
    fresh = make(case)
    for m in (metric, fresh):
        m.update_state(*second)
    np.testing.assert_array_equal(metric.result(), fresh.result())
    with pytest.raises(ValueError, match="expected a state of"):
        metric.set_state({"nothing": 1})


@each_case
def test_config_round_trip(case, keras):
    metric = make(case)
    again = metrics.deserialize(json.loads(json.dumps(metrics.serialize(metric))))
    assert again.get_config() == metric.get_config()
    assert again.name == metric.name
    for m in (metric, again):
        for batch in cases.batches(case[2], None):
            m.update_state(*batch)
    np.testing.assert_array_equal(again.result(), metric.result())


@each_case
def test_results_before_the_first_batch(case, keras):
    assert np.isfinite(make(case).result()).all()


@pytest.mark.parametrize("name", sorted({name for name, arguments, _ in cases.METRICS}))
def test_a_prediction_of_another_shape(name):
    arguments = next(a for n, a, _ in cases.METRICS if n == name)
    metric = getattr(metrics, name)(**arguments)
    shape = r"\(4, 2\)" if name.startswith("Sparse") else r"\(4, 3\)"
    with pytest.raises(ValueError, match=rf"metric '{metric.name}': expected .*{shape}"):
        metric.update_state(np.zeros((4, 2)), np.full((4, 3), 0.5))


# -- what Keras has no numbers for ----------------------------------------------------------


def test_perplexity_and_bits():
    classes, p = cases.inputs("classes")
    truth = np.take_along_axis(p, classes[..., None], -1)[..., 0].astype(np.float64)
    one_hot = np.eye(3)[classes]
    for y in (classes, classes[..., None], one_hot):
        assert metrics.Perplexity()(y, p) == pytest.approx(np.exp(-np.log(truth).mean()), rel=1e-6)
        assert metrics.BitsPerCharacter()(y, p) == pytest.approx(-np.log2(truth).mean(), rel=1e-6)
    kept = classes != 0
    some = metrics.Perplexity(ignore_class=0)
    assert some(classes, p) == pytest.approx(np.exp(-np.log(truth[kept]).mean()), rel=1e-6)
    some.reset_state()
    both = kept & cases.MASK
    assert some(classes, p, cases.MASK) == pytest.approx(
        np.exp(-np.log(truth[both]).mean()), rel=1e-6
    )
    assert metrics.Perplexity().name == metrics.get("perplexity").name == "perplexity"
    assert metrics.get("bpc").name == "bits_per_character"
    logits = metrics.BitsPerCharacter(from_logits=True)
    assert logits(classes, np.log(p)) == pytest.approx(-np.log2(truth).mean(), rel=1e-6)
    assert metrics.Perplexity()(classes, np.full((3, 4, 3), 1 / 3)) == pytest.approx(3, rel=1e-6)


def test_an_ignored_class_counts_in_no_mean():
    y, p = cases.inputs("classes")
    metric, loss = (
        module.SparseCategoricalCrossentropy(ignore_class=1) for module in (metrics, losses)
    )
    assert metric(y, p) == pytest.approx(loss(y, p), rel=1e-6)


def test_hinge_looks_at_real_steps_to_tell_labels():
    y, p = cases.inputs("yes or no, logits")
    want = metrics.Hinge()(y[cases.MASK], p[cases.MASK])
    y[~cases.MASK] = 7
    assert metrics.Hinge()(y, p, cases.MASK) == pytest.approx(want, rel=1e-6)


def test_a_loss_is_a_metric_too():
    y, p = cases.inputs("numbers")
    for identifier in (losses.Huber(0.5), {"class_name": "LossMean", "config": {"loss": "huber"}}):
        metric = metrics.get(identifier)
        assert metric(y, p) == pytest.approx(metric.loss(y, p), rel=1e-6)
    assert metrics.get(losses.huber).name == "huber"
    assert type(metrics.get(losses.mae)) is metrics.MeanAbsoluteError
    again = metrics.deserialize(metrics.serialize(metrics.get(losses.Huber(0.5))))
    assert again.loss.delta == 0.5


def test_wrapped_functions_take_arguments():
    def far(y, p, distance):
        return np.abs(y - p) > distance

    metric = metrics.MeanMetricWrapper(far, distance=0.5)
    assert metric.name == "far"
    assert metric([0.0, 0.0], [1.0, 0.2]) == 0.5
    assert copy.deepcopy(metric).result() == 0.5
    config = json.loads(json.dumps(metrics.serialize(metric)))
    again = metrics.deserialize(config, {"far": far})
    assert again([0.0, 0.0], [1.0, 0.2]) == 0.5


def test_sums_and_means():
    total, mean = metrics.Sum(), metrics.Mean()
    for metric in (total, mean):
        metric.update_state([1.0, 3.0, 5.0], [1, 1, 2])
        metric.update_state(4.0)
    assert total.result() == 18
    assert mean.result() == 18 / 5
    assert mean([[1.0, 3.0]], [2.0]) == pytest.approx((18 + 8) / 9)
    assert (total.name, mean.name) == ("sum", "mean")


def test_names_are_numbered_as_in_keras():
    first, second = (int(metrics.AUC().name.partition("_")[2] or 0) for _ in range(2))
    assert second == first + 1
    assert metrics.Precision(name="mine").name == "mine"
    assert metrics.MeanSquaredError().name == metrics.MeanSquaredError().name


@pytest.mark.parametrize(
    ("name", "cls"),
    [
        ("auc", metrics.AUC),
        ("AUC", metrics.AUC),
        ("f1_score", metrics.F1Score),
        ("precision", metrics.Precision),
        ("true_positives", metrics.TruePositives),
        ("top_k_categorical_accuracy", metrics.TopKCategoricalAccuracy),
        ("mape", metrics.MeanAbsolutePercentageError),
        ("MSLE", metrics.MeanSquaredLogarithmicError),
        ("root_mean_squared_error", metrics.RootMeanSquaredError),
        ("log_cosh_error", metrics.LogCoshError),
        ("kl_divergence", metrics.KLDivergence),
        (metrics.binary_accuracy, metrics.BinaryAccuracy),
    ],
)
def test_names(name, cls):
    assert type(metrics.get(name)) is cls
    if isinstance(name, str):
        assert metrics.resolve(name, (), ()).name == name


@pytest.mark.parametrize("name", ["crossentropy", "ce"])
@pytest.mark.parametrize(
    ("y", "p", "kind"),
    [
        ((8, 1), (8, 1), "BinaryCrossentropy"),
        ((8,), (8, 3), "SparseCategoricalCrossentropy"),
        ((8, 5, 1), (8, 5, 3), "SparseCategoricalCrossentropy"),
        ((8, 3), (8, 3), "CategoricalCrossentropy"),
    ],
)
def test_crossentropy_fits_the_shapes(y, p, kind, name):
    for module in (metrics, losses):
        found = module.resolve(name, y, p)
        assert type(found) is getattr(module, kind)
        assert found.name == name
    assert metrics.depends_on_shapes(name)


def test_plain_functions():
    y, p = cases.inputs("classes")
    one_hot = np.eye(3)[y]
    for got, wanted in (
        (metrics.sparse_categorical_accuracy(y, p), y == p.argmax(-1)),
        (metrics.categorical_accuracy(one_hot, p), y == p.argmax(-1)),
        (metrics.sparse_top_k_categorical_accuracy(y, p, k=3), np.ones(y.shape)),
        (metrics.top_k_categorical_accuracy(one_hot, p, k=1), y == p.argmax(-1)),
        (metrics.binary_accuracy([1, 0], [[0.7], [0.6]]), [[1], [0]]),
        (metrics.binary_accuracy([1, 0], [0.7, 0.6], threshold=0.65), [1, 1]),
    ):
        np.testing.assert_array_equal(got, wanted)
        assert got.dtype.kind == "f"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.Precision(thresholds=1.5), "thresholds: expected numbers from 0 to 1"),
        (lambda: metrics.AUC(curve="PRC"), "curve: expected one of"),
        (lambda: metrics.AUC(summation_method="mean"), "summation_method: expected one of"),
        (lambda: metrics.AUC(num_thresholds=1), "num_thresholds"),
        (lambda: metrics.AUC(num_labels=3), "only with multi_label"),
        (lambda: metrics.F1Score(average="mean"), "average: expected one of"),
        (lambda: metrics.FBetaScore(beta=0), "beta: expected a number above 0"),
        (lambda: metrics.F1Score(threshold=2), "threshold: expected"),
        (lambda: metrics.R2Score("mean"), "class_aggregation: expected one of"),
        (lambda: metrics.R2Score(num_regressors=-1), "num_regressors"),
        (lambda: metrics.RecallAtPrecision(2), "rate from 0 to 1"),
        (lambda: metrics.TopKCategoricalAccuracy(0), "k: expected a whole number"),
        (lambda: metrics.Mean(dtype="float16"), "dtype: expected 'float32', 'float64' or None"),
        (lambda: metrics.get("presicion"), "did you mean 'Precision'"),
        (lambda: metrics.Precision(class_id=3)([[1, 0]], [[0.5, 0.5]]), "class_id"),
        (lambda: metrics.F1Score()([1], [1]), r"expected an output \(batch, classes\)"),
        (lambda: metrics.Precision()([[1]], [[1]], [[1, 2]]), "sample_weight: expected"),
    ],
)
def test_metrics_refuse(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_type_to_compute_in():
    metric = metrics.BinaryAccuracy(dtype="float32", threshold=0.1)
    assert metric([[1.0]], [[np.float64(np.float32(0.1))]]) == 0  # not above float32's 0.1
    assert metrics.get(metrics.serialize(metric)).dtype == "float32"


def test_too_few_samples_for_the_regressors():
    metric = metrics.R2Score(num_regressors=9)
    metric.update_state([[1.0], [2.0], [4.0]], [[1.0], [2.0], [3.0]])
    with pytest.warns(UserWarning, match="not adjusted"):
        assert metric.result() == pytest.approx(1 - 1 / (14 / 3))
