"""Evaluation of predicted classes."""

import numpy as np
import pytest

from lstmcore.classification import evaluate_classes

# --- the classifier -------------------------------------------------------------------------------


def test_evaluation():
    p = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.6, 0.4, 0], [0.1, 0.7, 0.2]], "f4")
    tested = evaluate_classes(p, np.array([0, 1, 1, 2]), ["a", "b", "c"], 1)
    assert tested.confusion.tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 0]]
    assert (tested.accuracy, tested.majority) == (0.5, 0.5)
    np.testing.assert_allclose(tested.precision, [0.5, 0.5, 0])
    np.testing.assert_allclose(tested.recall, [1, 0.5, 0])
    np.testing.assert_allclose(tested.f1, [2 / 3, 0.5, 0])
    np.testing.assert_allclose(tested.loss, -np.log([0.9, 0.8, 0.4, 0.2]).mean(), rtol=1e-6)


# --- the command ----------------------------------------------------------------------------------

pytestmark = pytest.mark.usefixtures("one_thread")
