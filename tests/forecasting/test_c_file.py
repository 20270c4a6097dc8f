"""Forecasters as C files forecast what they forecast here."""

import ctypes

import numpy as np
import pytest
from c_files import compiled, forced_isa, needs_compiler
from forecast_cases import make_series, quick

FORMS = {
    "point": {"head": "point"},
    "gaussian": {"head": "gaussian", "linear": False},
    "quantiles": {"quantiles": (0.1, 0.25, 0.5, 0.9), "units": 5},
    "difference": {"season": 12, "adjust": "difference"},
    "curve": {"season": 12, "adjust": "curve", "relative": True},
    "columns": {"target": ["b", "a"], "season": 4, "adjust": "difference"},
}


def data(name, y):
    return {"a": y, "b": -2 * y + 1, "c": np.roll(y, 1)} if name == "columns" else y


def history(model, columns, length):
    """The last rows: targets first, then the columns that are known up to now."""
    if not isinstance(columns, dict):
        return np.array(columns[-length:, None], np.float64, order="C")
    names = (*model.targets_, *model.past_)
    return np.ascontiguousarray(np.stack([columns[n][-length:] for n in names], 1), np.float64)


@needs_compiler
def test_forecasts(tmp_path):
    y = make_series()
    models = {name: quick(epochs=1, **form).fit(data(name, y)) for name, form in FORMS.items()}
    files = compiled(models, tmp_path)
    for name, c in files.items():
        model = models[name]
        given = history(model, data(name, y), model.preparation_.length)
        with forced_isa("base"):
            found = model.forecast()
        wanted = found.quantiles if model.head == "quantile" else found.point[..., None]
        out = np.empty(wanted.shape)
        call = getattr(c.library, f"{name}_forecast")
        at = [a.ctypes.data_as(ctypes.c_void_p) for a in (c.state, given, out)]
        assert call(at[0], at[1], ctypes.c_int64(len(y)), at[2]) == 0
        if name == "curve":  # the file has one season of it, here it is computed for each step
            np.testing.assert_allclose(out, wanted, rtol=1e-9)
        else:
            assert np.array_equal(out, wanted), name
        given[-1] = 1e12
        assert call(at[0], at[1], ctypes.c_int64(len(y)), at[2]) == 1
        assert c.selftest() == 0


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"strategy": "recursive"}, "strategy='recursive' has no C form"),
        ({"log": True}, "log=True has no C form"),
    ],
)
def test_what_has_no_c_form(form, message, tmp_path):
    model = quick(**form).fit(make_series() + 100)
    with pytest.raises(ValueError, match=message):
        model.export(tmp_path / "m.c")
    assert not list(tmp_path.iterdir())
