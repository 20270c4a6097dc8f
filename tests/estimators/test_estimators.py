"""scikit-learn's estimators: its own checks, what X may be, and training that can be repeated."""

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

from lstmcore.utils import generator, set_random_seed

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

from lstmcore.estimators import LSTMClassifier, LSTMForecaster, LSTMRegressor

QUICK = {"units": 8, "epochs": 25, "random_state": 0}


def waves(n=60, seed=0, variables=2):
    """Return series of different lengths, and classes by the speed of the first variable."""
    rng = np.random.default_rng(seed)
    x, y = [], []
    for i in range(n):
        t = np.arange(rng.integers(8, 16))
        series = 0.1 * rng.standard_normal((len(t), variables))
        series[:, 0] += np.sin(t * (0.4, 1.6)[i % 2] + rng.uniform(0, 6))
        x.append(series)
        y.append(("slow", "fast")[i % 2])
    return x, np.array(y)


def table(n=80, steps=6):
    x = np.random.default_rng(1).standard_normal((n, steps))
    return x, x @ np.linspace(0, 1, steps)


# --- scikit-learn's checks ------------------------------------------------------------------------

CHECKS = [
    pytest.param(estimator, check, id=f"{type(estimator).__name__}-{i}")
    for estimator in (LSTMClassifier(epochs=20), LSTMRegressor(epochs=40), LSTMForecaster(epochs=3))
    for i, (_, check) in enumerate(estimator_checks_generator(estimator))
]


@pytest.mark.parametrize(("estimator", "check"), CHECKS)
def test_what_scikit_learn_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(clone(estimator))


# --- what X may be --------------------------------------------------------------------------------


def test_series_of_different_lengths():
    x, y = waves()
    model = LSTMClassifier(**QUICK).fit(x, y)
    assert model.score(*waves(seed=1)) > 0.9
    assert model.n_features_in_ == 2
    assert list(model.classes_) == ["fast", "slow"]
    p = model.predict_proba(x)
    assert p.shape == (60, 2)
    np.testing.assert_allclose(p.sum(1), 1)
    np.testing.assert_array_equal(model.predict(x), model.classes_[p.argmax(1)])
    alone = np.concatenate([model.predict_proba([series]) for series in x[:5]])
    np.testing.assert_allclose(alone, p[:5], rtol=1e-12)


def test_an_array_and_the_same_as_a_list_or_a_table():
    x = np.random.default_rng(0).standard_normal((40, 5, 3))
    y = x[:, -1].sum(1)
    a = LSTMRegressor(**QUICK).fit(x, y).predict(x)
    b = LSTMRegressor(**QUICK).fit(list(x), y).predict(list(x))
    c = LSTMRegressor(**QUICK, timesteps=5).fit(x.reshape(40, 15), y).predict(x.reshape(40, 15))
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(a, c)


def test_series_of_one_variable_may_be_flat():
    x, y = waves(variables=1)
    flat = [series[:, 0] for series in x]
    a, b = (LSTMClassifier(**QUICK).fit(given, y) for given in (x, flat))
    np.testing.assert_array_equal(a.predict_proba(x), b.predict_proba(flat))
    rows = np.stack([series[:8] for series in flat])
    np.testing.assert_array_equal(b.predict_proba(rows), b.predict_proba(rows[:, :, None]))


def test_columns_of_a_data_frame():
    pandas = pytest.importorskip("pandas")
    x, y = table()
    frame = pandas.DataFrame(x, columns=[f"lag {i}" for i in range(6)])
    model = LSTMRegressor(**QUICK).fit(frame, pandas.Series(y, name="next"))
    assert list(model.feature_names_in_) == list(frame.columns)
    np.testing.assert_array_equal(model.predict(frame), LSTMRegressor(**QUICK).fit(x, y).predict(x))
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(frame[frame.columns[::-1]])


def test_series_in_a_column_of_a_data_frame():
    pandas = pytest.importorskip("pandas")
    x, y = waves()
    frames = pandas.Series([pandas.DataFrame(s, columns=["a", "b"]) for s in x])
    a, b = (LSTMClassifier(**QUICK).fit(given, y) for given in (x, frames))
    np.testing.assert_array_equal(a.predict_proba(x), b.predict_proba(frames))


pytestmark = pytest.mark.usefixtures("one_thread")


def test_several_targets():
    x, y = table()
    both = np.stack([y, 100 - 50 * y], axis=1)
    model = LSTMRegressor(units=8, epochs=60, random_state=0).fit(x, both)
    assert model.predict(x).shape == (80, 2)
    assert model.score(x, both) > 0.9


def test_number_types():
    x, y = table()
    for dtype in ("float32", "float64"):
        model = LSTMRegressor(**QUICK).fit(x.astype(dtype), y)
        assert model.model_.dtype == dtype == model.predict(x.astype(dtype)).dtype


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([np.zeros((3, 2)), np.zeros((4, 1))], "sample 1: expected 2 variables"),
        ([np.zeros((3, 2)), [[1.0, np.nan]]], "sample 1: Input contains NaN"),
        ([np.zeros((3, 2)), np.zeros((0, 2))], "sample 1: Found array with 0 sample"),
        ([np.zeros((3, 2, 2)), np.zeros((4, 2, 2))], r"sample 0: expected \(steps, variables\)"),
        (np.zeros((2, 3, 4, 5)), r"expected \(samples, columns\).*got shape \(2, 3, 4, 5\)"),
        (np.zeros((2, 7)), "timesteps=2 does not divide the 7 columns"),
    ],
)
def test_wrong_x(x, message):
    with pytest.raises(ValueError, match=message):
        LSTMRegressor(timesteps=2).fit(x, [0.0, 1.0])


def test_x_unlike_what_was_fitted():
    x, y = waves()
    model = LSTMClassifier(units=2, epochs=20, random_state=0).fit(x, y)
    with pytest.raises(ValueError, match="X has 1 features, but LSTMClassifier is expecting 2"):
        model.predict([np.zeros((4, 1)), np.zeros((5, 1))])
    with pytest.raises(ValueError, match=r"expected series of 2 variables.* got a table"):
        model.predict(np.zeros((4, 6)))
    flat = LSTMRegressor(units=2, epochs=1).fit(*table())
    with pytest.raises(ValueError, match=r"expected a table of 6 columns.* got series"):
        flat.predict(x)


# --- training -------------------------------------------------------------------------------------


def test_seeds_repeat_and_leave_all_other_random_numbers_alone():
    x, y = table()
    set_random_seed(5)
    numpys = np.random.get_state()[1].copy()  # noqa: NPY002
    a, b = (LSTMRegressor(**QUICK).fit(x, y).predict(x) for _ in range(2))
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(np.random.get_state()[1], numpys)  # noqa: NPY002
    after = generator().random()
    set_random_seed(5)
    assert generator().random() == after
    c = LSTMRegressor(**{**QUICK, "random_state": 1}).fit(x, y).predict(x)
    assert not np.array_equal(a, c)


def test_without_a_seed_the_library_s_stream_goes_on():
    x, y = table()
    runs = []
    for seed in (0, 0, 1):
        set_random_seed(seed)
        runs.append(LSTMRegressor(units=4, epochs=2).fit(x, y).predict(x))
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_early_stopping_keeps_the_best():
    x, y = waves(80)
    noisy = np.where(np.random.default_rng(0).random(80) < 0.3, "slow", y)
    model = LSTMClassifier(
        units=16, epochs=200, early_stopping=True, validation_fraction=0.25, patience=3,
        learning_rate=0.03, random_state=0,
    ).fit(x, noisy)  # fmt: skip
    losses = model.history_["val_loss"]
    assert model.n_iter_ == len(losses) < 200
    assert int(np.argmin(losses)) == len(losses) - 4
    other = clone(model).set_params(epochs=len(losses) - 3, patience=100).fit(x, noisy)
    np.testing.assert_array_equal(model.predict_proba(x), other.predict_proba(x))


def test_a_class_of_one_sample_can_be_held_out_too():
    x, y = waves(20)
    y[0] = "once"
    model = LSTMClassifier(units=2, epochs=1, early_stopping=True, random_state=0).fit(x, y)
    assert model.predict_proba(x).shape == (20, 3)


def test_class_weights_and_sample_weights_are_the_same_thing():
    x, y = waves(40)
    a = LSTMClassifier(**QUICK, class_weight={"slow": 3.0, "fast": 1.0}).fit(x, y)
    b = LSTMClassifier(**QUICK).fit(x, y, sample_weight=np.where(y == "slow", 3.0, 1.0))
    c = LSTMClassifier(**QUICK).fit(x, y)
    np.testing.assert_array_equal(a.predict_proba(x), b.predict_proba(x))
    assert a.predict_proba(x)[:, 1].mean() > c.predict_proba(x)[:, 1].mean()


def test_balanced_classes():
    x, y = waves(40)
    keep = np.flatnonzero((y == "slow") | (np.arange(40) < 10))
    x, y = [x[i] for i in keep], y[keep]
    weight = np.where(y == "slow", len(y) / 2 / sum(y == "slow"), len(y) / 2 / sum(y == "fast"))
    a = LSTMClassifier(**QUICK, class_weight="balanced").fit(x, y)
    b = LSTMClassifier(**QUICK).fit(x, y, sample_weight=weight)
    np.testing.assert_allclose(a.predict_proba(x), b.predict_proba(x), rtol=1e-6)


def test_partial_fit_goes_on():
    x, y = waves()
    model = LSTMClassifier(units=8, random_state=0)
    with pytest.raises(ValueError, match="expected all classes, in the first call"):
        model.partial_fit(x, y)
    for i in range(25):
        model.partial_fit(
            x[i % 2 :: 2] + x[::2], [*y[i % 2 :: 2], *y[::2]], classes=["slow", "fast"]
        )
    assert model.n_iter_ == 25 == len(model.history_["loss"])
    assert model.history_["loss"][-1] < 0.5 * model.history_["loss"][0]
    with pytest.raises(ValueError, match=r"classes among .* got 'still'"):
        model.partial_fit(x[:1] * 2, ["still", "slow"])


def test_the_scale_of_the_data_does_not_matter():
    x, y = table()
    a = LSTMRegressor(**QUICK).fit(x, y).predict(x)
    b = LSTMRegressor(**QUICK).fit(1e4 + 1e3 * x, 1e6 * y - 5).predict(1e4 + 1e3 * x)
    np.testing.assert_allclose(b, 1e6 * a - 5, rtol=1e-4, atol=10)
    plain = LSTMRegressor(**QUICK, scale=False).fit(x, y)
    assert plain.mean_.tolist() == [0]
    assert plain.y_scale_.tolist() == [1]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"units": 0}, "units: expected a whole number >= 1, got 0"),
        ({"epochs": 2.5}, "epochs: expected a whole number >= 1"),
        ({"learning_rate": 0}, "learning_rate: expected a number > 0, got 0"),
        ({"dropout": 1.0}, "dropout: expected a number >= 0 and < 1"),
        ({"timesteps": 0}, "timesteps: expected a whole number >= 1 or None"),
    ],
)
def test_wrong_settings(settings, message):
    with pytest.raises(ValueError, match=message):
        LSTMRegressor(**settings).fit(*table())


# --- among scikit-learn's tools -------------------------------------------------------------------


def test_copies():
    x, y = waves()
    model = LSTMClassifier(**QUICK, bidirectional=True, layers=2, dropout=0.1).fit(x, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))
    fresh = clone(model)
    assert fresh.get_params() == model.get_params()
    with pytest.raises(NotFittedError):
        fresh.predict(x)


def test_a_search_over_series():
    x, y = waves(40)
    search = GridSearchCV(LSTMClassifier(epochs=20, random_state=0), {"units": [1, 8]}, cv=2)
    search.fit(x, y)
    assert search.best_params_ == {"units": 8}
    assert search.predict(x[:3]).tolist() == y[:3].tolist()


def test_a_search_over_a_pipeline():
    x, y = table()
    pipeline = make_pipeline(StandardScaler(), LSTMRegressor(epochs=30, random_state=0))
    search = GridSearchCV(pipeline, {"lstmregressor__units": [1, 8]}, cv=3).fit(x, y)
    assert search.best_score_ > 0.7
    assert cross_val_score(LSTMRegressor(**QUICK), x, y, cv=3).mean() > 0.5


# --- the package ----------------------------------------------------------------------------------


def test_scikit_learn_is_imported_when_it_is_used():
    code = (
        "import sys, lstmcore\n"
        "assert 'sklearn' not in sys.modules\n"
        "lstmcore.estimators.LSTMClassifier\n"
        "assert 'sklearn' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_scikit_learn():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "try: import lstmcore.estimators\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install lstmcore[sklearn]" in done.stdout


@pytest.mark.parametrize("cls", [LSTMClassifier, LSTMRegressor])
def test_unknown_settings_are_refused_by_the_nearest_name(cls):
    with pytest.raises(TypeError, match=f"{cls.__name__} has no argument 'unit': did you mean"):
        cls(unit=3)
    with pytest.raises(TypeError, match="fit has no argument 'epochs'"):
        cls().fit([[1.0]], [1.0], epochs=3)
