"""Unigram and bigram baselines."""

import numpy as np
import pytest

from lstmcore import text


def test_counts_are_what_they_say():
    train, test = [0, 1, 0, 1, 0, 2], [0, 1, 1]
    found = text.count_baselines(train, test, 3)
    share = np.array([4, 3, 2]) / 9
    assert found["unigram"] == pytest.approx(-np.log(share[1]))
    follows = [(2 + 5 * share[1]) / (3 + 5), (0 + 5 * share[1]) / (2 + 5)]
    assert found["bigram"] == pytest.approx(-np.log(follows).mean())
