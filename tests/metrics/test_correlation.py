"""Correlations along any axis, with masks and weights."""

import numpy as np
import pytest

from lstmcore import metrics

RNG = np.random.default_rng(5)
Y, P = RNG.normal(size=(2, 4, 6, 2))
P = P + Y
MASK = np.arange(6) < np.array([6, 3, 0, 4])[:, None]
WEIGHT = np.array([0.5, 2, 7, 1])


def concordance(y, p):
    covariance = np.cov(y, p, bias=True)
    spread = covariance[0, 0] + covariance[1, 1] + (y.mean() - p.mean()) ** 2
    return 2 * covariance[0, 1] / (spread + 1e-7)


@pytest.mark.parametrize(
    ("name", "alone"),
    [
        ("pearson_correlation", lambda y, p: np.corrcoef(y, p)[0, 1]),
        ("concordance_correlation", concordance),
    ],
)
def test_along_time_a_padded_row_is_the_row_alone(name, alone):
    rows = [
        [alone(y[m, k], p[m, k]) for k in range(2)]
        for y, p, m in zip(Y, P, MASK, strict=True)
        if m.any()
    ]
    cls = type(metrics.get(name))
    metric = cls(axis=1)
    metric.update_state(Y, np.where(MASK[..., None], P, np.nan), mask=MASK)
    assert metric.result() == pytest.approx(np.mean(rows), rel=1e-12)
    metric.reset_state()
    metric.update_state(Y, P, WEIGHT, MASK)
    weights = WEIGHT[[0, 1, 3]]
    assert metric.result() == pytest.approx(np.average(np.mean(rows, 1), weights=weights))
    whole = cls(axis=(0, 1, 2))
    assert whole(Y, P) == pytest.approx(alone(Y.ravel(), P.ravel()))
    batch = [alone(Y[:, t, k], P[:, t, k]) for t in range(6) for k in range(2)]
    assert cls(axis=0)(Y, P) == pytest.approx(np.mean(batch))
    values = getattr(metrics, name)(Y, P, axis=1)
    assert values.shape == (4, 2)
    assert values[3, 1] == pytest.approx(alone(Y[3, :, 1], P[3, :, 1]))
    assert type(metrics.get(getattr(metrics, name))) is cls


def test_what_does_not_vary_has_no_correlation():
    assert np.isnan(metrics.PearsonCorrelation()(np.ones((3, 2)), RNG.normal(size=(3, 2))))
    with pytest.raises(ValueError, match="axis: expected an int, got 'time'"):
        metrics.PearsonCorrelation(axis="time")
    with pytest.raises(ValueError, match="axis: expected an int or a tuple, got None"):
        metrics.ConcordanceCorrelation(axis=None)
