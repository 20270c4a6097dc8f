"""Files of forecasters."""

import numpy as np
import pytest
from forecast_cases import MONTHS, make_series, quick
from forged_files import forge, to, without

from lstmcore import load_model
from lstmcore.forecasting import LSTMForecaster


@pytest.mark.parametrize(
    "settings",
    [
        {"season": 12, "adjust": "curve"},
        {"season": 12, "adjust": "difference", "strategy": "recursive", "paths": 20},
        {"head": "gaussian", "log": True, "relative": True},
        {"head": "point", "target": ["y", "x"]},
        {"known_future": ["x"], "target": "y"},
    ],
)
def test_a_file_forecasts_the_same(tmp_path, settings):
    y = make_series()
    wide = "known_future" in settings or isinstance(settings.get("target"), list)
    data = {"y": y, "x": y[::-1]} if wide else y
    future = {"x": np.ones(3)} if "known_future" in settings else None
    model = quick(**settings).fit(data, MONTHS)
    path = tmp_path / "model.safetensors"
    model.save(path)
    again = LSTMForecaster.load(path)
    one, two = model.forecast(future=future), again.forecast(future=future)
    np.testing.assert_array_equal(one.point, two.point)
    np.testing.assert_array_equal(one.quantiles, two.quantiles)
    np.testing.assert_array_equal(one.dates, two.dates)
    assert again.epochs_ == model.epochs_
    new = {"y": [21.0], "x": [20.0]} if wide else [21.0]
    for each in (model, again):
        each.append(new)
    one, two = model.forecast(future=future), again.forecast(future=future)
    np.testing.assert_array_equal(one.point, two.point)
    assert again.backtest(data, MONTHS) is not None
    with pytest.raises(ValueError, match="backtest: data"):
        again.backtest()
    assert load_model(path).count_params() == model.model_.count_params()


def test_other_files_are_refused(tmp_path):
    model = quick().fit(make_series())
    with pytest.raises(FileNotFoundError, match="no file"):
        LSTMForecaster.load(tmp_path / "none.safetensors")
    model.model_.save(tmp_path / "network.safetensors")
    with pytest.raises(ValueError, match=r"no forecaster can be read.*a model alone"):
        LSTMForecaster.load(tmp_path / "network.safetensors")
    path = tmp_path / "model.safetensors"
    model.save(path)
    content = path.read_bytes()
    for damaged in (content[:-8], content.replace(b'\\"window_\\": 12', b'\\"window_\\": 99')):
        assert damaged != content
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="no forecaster can be read"):
            LSTMForecaster.load(path)


SETTINGS = ("extra", "settings")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("forecaster") / "m.safetensors"
    quick(season=12, adjust="curve").fit(make_series(), MONTHS).save(path)
    return path


def array(name, change):
    """A change of an array, and of the shape that the config gives it."""

    def changed(config, tensors):
        tensors[f"extra/{name}"] = np.ascontiguousarray(change(tensors[f"extra/{name}"]))
        config["extra"]["arrays"][name] = tensors[f"extra/{name}"].shape

    return changed


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (to("1999-01", *SETTINGS, "columns", "dates", "text", 5), "dates: .* no later than"),
        (to(None, *SETTINGS, "columns", "dates", "text", 5), "dates: none at step 5"),
        (to("int64", *SETTINGS, "columns", "dates", "type"), "."),
        (to(lambda t: t[1:], *SETTINGS, "columns", "dates", "text"), "dates: expected one for"),
        (to("table", *SETTINGS, "columns", "form"), "form: expected one of"),
        (to(["a", "b"], *SETTINGS, "columns", "names"), "differ in number"),
        (without(*SETTINGS, "params", "horizon"), "horizon: 3 steps were learnt, 7 are asked"),
        (to(10**6, *SETTINGS, "params", "horizon"), "horizon: 3 steps were learnt"),
        (to(99, *SETTINGS, "fitted", "window_"), "."),
        (to("many", *SETTINGS, "fitted", "epochs_"), "epochs_: expected a whole number"),
        (to([], *SETTINGS, "fitted", "season_"), "season_: expected a whole number"),
        (to(["x"], *SETTINGS, "fitted", "targets_"), "no column 'x'"),
        (to([], *SETTINGS, "targets"), "."),
        (to("point", *SETTINGS, "head", "kind"), "."),
        (to("mean", *SETTINGS, "head", "kind"), "."),
        (to([0.1, 0.5], *SETTINGS, "head", "levels"), "."),
        (to("x", *SETTINGS, "targets", 0, "scale", "mean"), "."),
        (to(0, *SETTINGS, "targets", 0, "scale", "std"), "."),
        (array("slope_0", lambda a: a[:2]), "."),
        (array("spread_0", lambda a: a[None]), "."),
        (array("values", lambda a: a[:5]), "fewer steps|dates"),
        (array("values", lambda a: a[:, 0]), "."),
        (array("values", lambda a: np.concatenate([a, a], 1)), "differ in number"),
        (array("curve_0", lambda a: a[:3]), "."),
    ],
)
def test_forged_files_are_refused_when_they_are_read(file, tmp_path, change, message):
    with pytest.raises(ValueError, match=f"no forecaster can be read from this file: .*{message}"):
        LSTMForecaster.load(forge(file, tmp_path / "m", change))
