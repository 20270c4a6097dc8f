"""Forecasts as tables: what other libraries do with them."""

import numpy as np
import pytest

from lstmcore.forecasting import GlobalForecaster


@pytest.mark.filterwarnings("ignore")  # of the other library
def test_hierarchies_are_reconciled_by_hierarchicalforecast():
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("hierarchicalforecast")
    from hierarchicalforecast.core import HierarchicalReconciliation
    from hierarchicalforecast.methods import MinTrace
    from hierarchicalforecast.utils import aggregate

    random = np.random.default_rng(0)
    shops = [("north", "a"), ("north", "b"), ("south", "c")]
    frame = pandas.DataFrame(
        {
            "region": np.repeat([region for region, _ in shops], 40),
            "shop": np.repeat([shop for _, shop in shops], 40),
            "ds": np.tile(pandas.date_range("2024-01-01", periods=40), 3),
            "y": random.poisson(9, 120).astype(float),
        }
    )
    every, sums, tags = aggregate(frame, [["region"], ["region", "shop"]])
    model = GlobalForecaster(horizon=3, window=7, units=4, epochs=1, random_state=0).fit(every)
    found = HierarchicalReconciliation([MinTrace("ols")]).reconcile(
        Y_hat_df=model.predict(), Y_df=every, S_df=sums, tags=tags
    )
    table = found.pivot(index="ds", columns="unique_id", values="LSTM/MinTrace_method-ols")
    np.testing.assert_allclose(table["north"], table["north/a"] + table["north/b"])
    np.testing.assert_allclose(table["south"], table["south/c"])
