"""GlobalForecaster: it learns from all series, forecasts any, and keeps what it was given."""

import numpy as np
import pytest

from lstmcore.data import DataError
from lstmcore.forecasting import GlobalForecaster, LSTMForecaster

HORIZON = 4
FAST = {"horizon": HORIZON, "window": 12, "units": 8, "epochs": 2, "random_state": 0}


def waves(count=6, steps=48):
    """Weekly patterns of different sizes, phases and lengths, as a long table."""
    ids, dates, values = [], [], []
    for k in range(count):
        n = steps + 5 * k
        ids += [f"wave {k}"] * n
        dates.append(np.datetime64("2024-01-01") + np.arange(n))
        values.append((k + 1) * (10 + np.sin(2 * np.pi * (np.arange(n) + k) / 7)))
    return {"unique_id": np.array(ids), "ds": np.concatenate(dates), "y": np.concatenate(values)}


def counts(count=6, steps=60, seed=0):
    random = np.random.default_rng(seed)
    rates = np.exp(random.normal(0, 1, count))[:, None] * (2 + np.sin(np.arange(steps) / 3))
    return {f"shop {k}": random.poisson(rate).astype(float) for k, rate in enumerate(rates)}


@pytest.fixture(scope="module")
def fitted():
    return GlobalForecaster(**{**FAST, "epochs": 25}).fit(waves())


def last(table, steps):
    """Return each series of a long table without its last steps, and those steps."""
    rows = [np.flatnonzero(table["unique_id"] == one) for one in dict.fromkeys(table["unique_id"])]
    before = np.concatenate([r[:-steps] for r in rows])
    after = np.concatenate([r[-steps:] for r in rows])
    return [{name: column[r] for name, column in table.items()} for r in (before, after)]


def test_it_learns(fitted):
    before, after = last(waves(steps=60), HORIZON)
    found = fitted.predict(before)
    error = np.abs(found["LSTM"] - after["y"]) / np.repeat(np.arange(6) + 1, HORIZON)
    assert error.mean() < 0.2  # of waves between -1 and 1
    assert (found["ds"] == after["ds"]).all()
    assert (found["unique_id"] == after["unique_id"]).all()


def test_columns_of_intervals_and_quantiles(fitted):
    found = fitted.predict(level=[80, 95], quantiles=[0.3])
    bounds = ["LSTM-lo-95", "LSTM-lo-80", "LSTM_ql0.3", "LSTM", "LSTM-hi-80", "LSTM-hi-95"]
    assert set(found) == {"unique_id", "ds", *bounds}
    table = np.stack([found[name] for name in bounds])
    assert (np.diff(table, axis=0) >= 0).all()
    with pytest.raises(ValueError, match="percent"):
        fitted.predict(level=[0.8])


def test_some_series_are_forecast_as_among_all(fitted):
    every, some = fitted.predict(), fitted.predict(ids=["wave 4", "wave 1"])
    for k, one in enumerate(["wave 4", "wave 1"]):
        want = every["LSTM"][every["unique_id"] == one]
        np.testing.assert_allclose(some["LSTM"][HORIZON * k : HORIZON * (k + 1)], want, rtol=1e-6)
    with pytest.raises(DataError, match=r"no series 'wave 9'; did you mean"):
        fitted.predict(ids=["wave 9"])


def test_new_series_and_short_ones(fitted):
    day = np.datetime64("2024-05-01")
    table = {
        "unique_id": np.array(["new", "other", "other"]),
        "ds": day + np.array([0, 2, 3]),
        "y": np.array([500.0, 3, 4]),
    }
    found = fitted.predict(table)
    assert np.isfinite(found["LSTM"]).all()
    np.testing.assert_allclose(found["LSTM"][:HORIZON], 500, rtol=0.7)
    assert found["ds"][0] == day + 1
    with pytest.raises(DataError, match="this panel has numbered steps, its frequency is of dates"):
        fitted.predict({"new": np.array([500.0])})


def test_series_without_any_step():
    table = waves()
    kinds = np.where(np.arange(6) < 3, "small", "large")
    static = {"unique_id": [f"wave {k}" for k in range(6)], "kind": kinds}
    model = GlobalForecaster(**FAST, static=["kind"], head="gaussian").fit(table, static=static)
    new = {"unique_id": ["new", "other"], "kind": ["large", "unknown"]}
    found = model.predict(ids=["new", "wave 1", "other"], static=new)
    assert found["unique_id"].tolist() == np.repeat(["new", "wave 1", "other"], HORIZON).tolist()
    assert (found["ds"][:4] == table["ds"].max() + np.arange(1, 5)).all()
    np.testing.assert_allclose(found["LSTM"][:4], 50, rtol=0.2)  # of 40, 50 and 60
    np.testing.assert_allclose(found["LSTM"][8:], 35, rtol=0.2)
    np.testing.assert_allclose(found["LSTM"][4:8], model.predict(ids=["wave 1"])["LSTM"], rtol=1e-6)
    with pytest.raises(DataError, match="no row of unique_id 'newer'"):
        model.predict(ids=["newer"], static=new)


def test_forecasts_follow_the_scale_of_a_series(fitted):
    table = waves()
    want = fitted.predict(table, level=[80])
    found = fitted.predict({**table, "y": 100 * table["y"] + 7}, level=[80])
    for name in ("LSTM", "LSTM-lo-80"):
        np.testing.assert_allclose(found[name], 100 * want[name] + 7, rtol=1e-4)


def test_what_follows_the_origin_does_not_matter():
    table, other = waves(), waves()
    later = last({**other, "row": np.arange(len(other["y"]))}, HORIZON)[1]["row"]
    other["y"][later] = 1e6
    model = GlobalForecaster(**FAST).fit(last(table, HORIZON)[0])
    np.testing.assert_array_equal(
        model.predict(last(table, HORIZON)[0])["LSTM"],
        model.predict(last(other, HORIZON)[0])["LSTM"],
    )


@pytest.mark.parametrize(
    "head", ["quantile", "gaussian", "student", "negative_binomial", "poisson"]
)
def test_heads(head, tmp_path):
    data = counts()
    model = GlobalForecaster(**FAST, head=head).fit(data)
    table = model.predict(level=[90])
    assert (table["LSTM-lo-90"] <= table["LSTM-hi-90"]).all()
    paths = model.sample(50, ids=["shop 2"])
    assert paths.shape == (1, 50, HORIZON)
    if model.head_.counts:
        assert (paths == paths.round()).all()
        assert paths.min() >= 0
    if head != "quantile":
        assert np.isfinite(list(model.log_score(data).values())).all()
    model.save(tmp_path / "m.safetensors")
    again = GlobalForecaster.load(tmp_path / "m.safetensors")
    assert again.get_params() == {**model.get_params(), "quantiles": [0.1, 0.5, 0.9]} | {
        name: [] for name in ("past", "known_future", "static")
    }
    for name, column in again.predict(level=[90]).items():
        np.testing.assert_array_equal(column, table[name])
    some = again.predict(ids=["shop 3"], level=[90])
    np.testing.assert_allclose(some["LSTM-hi-90"], table["LSTM-hi-90"][3 * HORIZON : 4 * HORIZON])


def test_the_log_score_is_that_of_the_density_in_the_data_unit():
    data = counts()
    model = GlobalForecaster(**FAST, head="gaussian").fit(data)
    before = {name: y[:-HORIZON] for name, y in data.items()}
    found = model.predict(before, level=[68.26894921370859])
    names = [name for name in found if name not in ("unique_id", "ds")]
    middle, low = found[names[0]], found[names[1]]
    sigma, y = middle - low, np.concatenate([y[-HORIZON:] for y in data.values()])
    density = -0.5 * ((y - middle) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))
    score = list(model.log_score(data).values())
    np.testing.assert_allclose(score, -density.reshape(-1, HORIZON).mean(1), rtol=1e-4)


def test_counts_are_checked():
    with pytest.raises(DataError, match=r"for counts.*y is 1.5 for unique_id a at 2"):
        GlobalForecaster(**FAST, head="poisson").fit({"a": [1, 2, 1.5, 4, 5, 6, 7, 8.0]})


def test_columns_of_all_kinds(tmp_path):
    table = waves()
    n, random = len(table["y"]), np.random.default_rng(0)
    table["price"] = random.normal(50, 9, n)
    table["visits"] = random.normal(0, 1, n)
    table["y"] = table["y"] + 0.5 * table["price"]
    kinds = {
        "unique_id": [f"wave {k}" for k in range(6)],
        "size": np.arange(6),
        "kind": list("xyzxyz"),
    }
    model = GlobalForecaster(
        **{**FAST, "epochs": 40},
        known_future=["price"],
        past=["visits"],
        static=["size", "kind"],
        calendar=True,
    )
    before, after = last(table, HORIZON)
    model.fit(before, static=kinds)
    assert model.inputs_.ahead_columns == 1 + 4  # price; the day of the week
    found = model.predict(future=after)["LSTM"]
    dear = model.predict(future={**after, "price": after["price"] + 10})["LSTM"]
    assert 3 < np.mean(dear - found) < 7  # the coefficient is 0.5
    with pytest.raises(DataError, match="future: expected the next 4 values of price"):
        model.predict()
    model.save(tmp_path / "m.safetensors")
    again = GlobalForecaster.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(future=after)["LSTM"], found)
    # A new series with a kind that was never seen
    new = {
        **{name: column[:9] for name, column in before.items()},
        "unique_id": np.repeat("new", 9),
    }
    ahead = {**{n: c[:4] for n, c in after.items()}, "unique_id": np.repeat("new", 4)}
    ahead["ds"] = new["ds"][-1] + np.arange(1, 5)
    unseen = {"unique_id": ["new"], "size": [3], "kind": ["w"]}
    assert np.isfinite(model.predict(new, static=unseen, future=ahead)["LSTM"]).all()


def test_holidays():
    pytest.importorskip("holidays")
    from lstmcore.forecasting.panels.features import is_holiday

    dates = np.array(["2024-07-03", "2024-07-04", "2024-12-25"], "datetime64[s]")
    assert is_holiday(dates, "US").tolist() == [0, 1, 1]
    model = GlobalForecaster(**FAST, holidays="US").fit(waves())
    assert model.inputs_.ahead_columns == 1
    with pytest.raises(ValueError, match="holidays: 'XX'"):
        GlobalForecaster(**FAST, holidays="XX").fit(waves())


def test_masked_steps_are_not_seen():
    table = waves()
    holes = np.random.default_rng(0).random(len(table["y"])) < 0.1
    found = []
    for what in (np.nan, np.inf):
        table["y"] = np.where(holes, what, waves()["y"])
        model = GlobalForecaster(**FAST).fit(table, fill="mask")
        found.append(model.predict()["LSTM"])
        assert np.isfinite(found[-1]).all()
    np.testing.assert_array_equal(found[0], found[1])


def test_the_form_of_pandas(fitted):
    pandas = pytest.importorskip("pandas")
    model = GlobalForecaster(**FAST).fit(pandas.DataFrame(waves()))
    found = model.predict(level=[80])
    assert list(found.columns) == ["unique_id", "ds", "LSTM", "LSTM-lo-80", "LSTM-hi-80"]
    parts = list(model.predict_iter(level=[80]))
    pandas.testing.assert_frame_equal(pandas.concat(parts, ignore_index=True), found)


def test_one_absurd_value_does_not_move_forecasts_from_windows_without_it():
    table = waves()
    row = int(np.flatnonzero(table["unique_id"] == "wave 2")[10])
    table["y"][row] = 1e9
    found = GlobalForecaster(**FAST).fit(table).predict(ids=["wave 2"])["LSTM"]
    assert (np.abs(found - 30) < 15).all()


def test_the_form_of_polars():
    polars = pytest.importorskip("polars")
    found = GlobalForecaster(**FAST).fit(polars.DataFrame(waves())).predict()
    assert found.columns == ["unique_id", "ds", "LSTM"]
    assert str(found["ds"][0])[:10] == "2024-02-18"


def test_ids_may_be_embedded_and_no_column_is_used_twice():
    model = GlobalForecaster(**FAST, static=["unique_id"]).fit(waves())
    assert len(model.inputs_.labels["unique_id"]) == 6
    for more in ({"past": ["y"]}, {"past": ["a"], "known_future": ["a"]}):
        with pytest.raises(ValueError, match="is named for two purposes"):
            GlobalForecaster(**FAST, **more).fit(waves())


def test_settings_are_checked():
    for name, wrong in [("horizon", 0), ("scaling", "min"), ("scale_by", "week"), ("head", "t")]:
        with pytest.raises(ValueError, match=name):
            GlobalForecaster(**{**FAST, name: wrong}).fit(waves())
    with pytest.raises(ValueError, match="calendar: expected"):
        GlobalForecaster(**FAST, calendar=["mouth"]).fit(waves())
    with pytest.raises(ValueError, match="fit it first"):
        GlobalForecaster().predict()
    with pytest.raises(DataError, match="no series has more than 4 steps"):
        GlobalForecaster(**FAST).fit({"a": np.arange(4.0), "b": np.arange(3.0)})


def test_a_file_of_another_kind(tmp_path):
    LSTMForecaster(horizon=2, window=4, epochs=1).fit(np.arange(60.0) % 7).save(
        tmp_path / "a.safetensors"
    )
    with pytest.raises(ValueError, match="something else"):
        GlobalForecaster.load(tmp_path / "a.safetensors")
