"""Cross-validation over origins: no forecast sees what it is compared with; metrics by hand."""

import numpy as np
import pytest

from lstmcore.data import DataError
from lstmcore.forecasting import GlobalForecaster, PerSeries, SeasonalNaive, cross_validation

FAST = {"horizon": 3, "window": 8, "units": 4, "epochs": 1, "random_state": 0, "season": 7}


def panel(steps=(40, 50, 6)):
    random = np.random.default_rng(5)
    return {f"s{i}": 10 + random.normal(size=n).cumsum() for i, n in enumerate(steps)}


def test_origins_and_columns():
    data = panel()
    found = cross_validation(
        {"A": GlobalForecaster(**FAST)}, data, n_windows=2, step_size=5, level=[80]
    )
    table = found.table
    names = ["unique_id", "ds", "cutoff", "y"]
    assert list(table)[:5] == [*names, "A"]
    assert {"A-lo-80", "A-hi-80", "SeasonalNaive", "SeasonalNaive-hi-80"} < set(table)
    # The last series is too short for two forecasts of 3 steps, 5 steps apart
    assert table["unique_id"].tolist() == 2 * (["s0"] * 3 + ["s1"] * 3)
    assert table["ds"].tolist() == [32, 33, 34, 42, 43, 44, 37, 38, 39, 47, 48, 49]
    assert table["cutoff"].tolist() == np.repeat([31, 41, 36, 46], 3).tolist()
    want = [data[i][t] for i, t in zip(table["unique_id"], table["ds"], strict=True)]
    np.testing.assert_array_equal(table["y"], want)
    naive = [data[i][t - 7] for i, t in zip(table["unique_id"], table["ds"], strict=True)]
    np.testing.assert_array_equal(table["SeasonalNaive"], naive)


@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("scale_by", ["window", "series"])
def test_a_forecast_does_not_see_the_steps_after_its_cutoff(refit, scale_by):
    data, other = panel(), panel()
    for name in other:
        other[name][-3:] += 1000
    model = GlobalForecaster(**FAST, scale_by=scale_by)
    one, two = (
        cross_validation({"A": model}, d, n_windows=2, refit=refit).table["A"]
        for d in (data, other)
    )
    np.testing.assert_array_equal(one, two)
    refitted = cross_validation({"A": model}, data, n_windows=2, refit=not refit).table["A"]
    assert (one[:6] == refitted[:6]).all()
    assert (one[6:] != refitted[6:]).any()
    assert not hasattr(model, "model_")


def test_it_is_what_fit_and_predict_give():
    data = {name: y for name, y in panel().items() if len(y) > 6}
    before = {name: y[:-3] for name, y in data.items()}
    found = GlobalForecaster(**FAST).cross_validation(data).table["LSTM"]
    np.testing.assert_array_equal(found, GlobalForecaster(**FAST).fit(before).predict()["LSTM"])


def test_a_model_for_each_series():
    data = panel((40, 50))
    found = cross_validation({"each": PerSeries(GlobalForecaster(**FAST))}, data).table
    alone = GlobalForecaster(**FAST).fit({"s1": data["s1"][:-3]}).predict()
    np.testing.assert_array_equal(found["each"][3:], alone["LSTM"])


def test_metrics():
    data = {"a": np.array([1.0, 2, 4, 7, 5, 9]), "b": np.array([3.0, 3, 3, 3, 3, 6])}
    models = {"naive": SeasonalNaive(2, 1)}
    found = cross_validation(models, data, level=[80], baseline=False)
    table = found.metrics()
    assert (
        table["metric"].tolist()
        == np.repeat(["mae", "rmse", "smape", "mase", "coverage-80"], 2).tolist()
    )
    assert table["unique_id"].tolist() == ["a", "b"] * 5
    mae, rmse, smape, mase, coverage = table["naive"].reshape(5, 2).tolist()
    assert mae == [2, 1.5]  # 7, 7 for 5, 9; and 3, 3 for 3, 6
    assert rmse == pytest.approx([2, np.sqrt(4.5)])
    assert smape == pytest.approx([100 * (2 / 12 + 2 / 16), 100 * (3 / 9)])
    assert mase[0] == pytest.approx(2 / 2)  # changes 1, 2, 3
    assert np.isnan(mase[1])  # no change before the cutoff
    assert coverage == [100, 50]
    means = found.metrics(["mase", "mae"], by_series=False)
    assert means["naive"][:2].tolist() == pytest.approx([1, 1.75])
    with pytest.raises(ValueError, match="metrics: expected"):
        found.metrics(["mape"])


def test_what_cannot_be_validated():
    model = GlobalForecaster(**FAST)
    with pytest.raises(DataError, match="no series has the 61 steps that 20 forecasts of 3"):
        cross_validation({"A": model}, panel((40, 50)), n_windows=20, step_size=3)
    with pytest.raises(ValueError, match=r"one horizon, got \[3, 4\]"):
        cross_validation({"A": model, "B": SeasonalNaive(4)}, panel())
    with pytest.raises(ValueError, match="one horizon"):
        cross_validation({}, panel())
