"""Files of forecasters."""

import numpy as np
import pytest
from forecast_cases import MONTHS, make_series, quick

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
