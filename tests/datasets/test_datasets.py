"""The bundled data."""

import numpy as np

from lstmcore.datasets import load_seattle_weather


def test_seattle_weather_is_whole():
    dates, columns = load_seattle_weather()
    assert dates.dtype == "datetime64[D]"
    assert list(columns) == ["precipitation", "temp_max", "temp_min", "wind"]
    assert (str(dates[0]), str(dates[-1]), len(dates)) == ("2012-01-01", "2015-12-31", 1461)
    assert (np.diff(dates) == np.timedelta64(1, "D")).all()
    for values in columns.values():
        assert values.dtype == np.float64
        assert values.shape == (1461,)
    assert columns["temp_max"][:3].tolist() == [12.8, 10.6, 11.7]
    # Checksums of the published figures, so that no edit of the file goes unseen.
    sums = {name: round(float(values.sum()), 1) for name, values in columns.items()}
    assert sums == {
        "precipitation": 4426.0,
        "temp_max": 24017.5,
        "temp_min": 12031.0,
        "wind": 4735.3,
    }
    assert (columns["temp_min"] < columns["temp_max"]).all()


def test_each_load_is_fresh():
    load_seattle_weather()[1]["wind"][:] = -1
    assert load_seattle_weather()[1]["wind"].min() > 0
