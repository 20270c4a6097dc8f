"""Windows of a panel, made on the fly: each once an epoch, scaled and padded as a loop does it."""

import numpy as np
import pytest

from lstmcore.forecasting import heads
from lstmcore.forecasting.panels.inputs import Inputs
from lstmcore.forecasting.panels.reading import read
from lstmcore.forecasting.panels.windows import Windows, permuted


def test_windows_against_a_loop():
    """Each window once an epoch: its scaled steps, padding before the first, and its targets."""
    panel = read(
        {"a": np.arange(9.0) ** 2, "b": np.array([5.0, 7, 5, 6, 9, 8]), "c": np.arange(3.0)}
    )
    inputs = Inputs(window=4, horizon=2)

    head = heads.make("gaussian", (0.5,))
    stop = panel.lengths - 2 + 1
    windows = Windows(panel, inputs, head, np.ones(3, int), stop, 3, True)
    rows = [windows.rows(i) for i in range(len(windows))]
    y = np.concatenate([r[1] for r in rows])
    found = {tuple(one) for one in y.tolist()}
    want = {}
    for i, n in enumerate(panel.lengths):
        series = panel.y[panel.starts[i] : panel.starts[i] + n]
        for t in range(1, n - 1):
            want[tuple(series[t : t + 2].tolist())] = series[max(t - 4, 0) : t]
    assert sum(len(r[1]) for r in rows) == 7 + 4 + 1
    assert found == set(want)
    for (x,), y, scale in rows:
        for window, target, level, spread in zip(x, y, *scale, strict=True):
            seen = want[tuple(target.tolist())]
            assert window[:, 1].tolist() == [0] * (4 - len(seen)) + [1] * len(seen)
            decoded = window[4 - len(seen) :, 0] * spread + level
            np.testing.assert_allclose(decoded, seen, atol=1e-5)
            assert level == pytest.approx(seen.mean())


@pytest.mark.parametrize("total", [1, 2, 5, 64, 1000, 4097])
def test_the_order_of_an_epoch_is_a_permutation(total):
    keys = np.array([3, 1415, 926535, 8979])
    found = permuted(np.arange(total), total, keys)
    assert sorted(found.tolist()) == list(range(total))
    if total >= 64:
        assert np.mean(np.abs(np.diff(found))) > total / 5  # about a third, if at random
