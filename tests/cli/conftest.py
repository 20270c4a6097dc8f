"""Fixtures of the commands' tests."""

import numpy as np
import pytest


@pytest.fixture
def prices(tmp_path, monkeypatch):
    """A CSV file of prices in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    values = 100 + np.random.default_rng(0).normal(size=120).cumsum()
    rows = [f"{i},{value:.4f}" for i, value in enumerate(values)]
    (tmp_path / "prices.csv").write_text("\n".join(["trade,price", *rows]))
    return tmp_path
