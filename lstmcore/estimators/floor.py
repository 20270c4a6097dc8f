"""Baselines of a classifier of series: the most frequent class, and the nearest series."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

from ..data import warn_if_no_better

Array = np.ndarray[Any, Any]
MOST = 500  # samples that are compared: enough for two digits, and little beside training
FEWEST = 10  # samples that say anything
ADVICE = "try more epochs, another learning_rate, convolution=True or more units"


def compare(estimator: Any, x: Any, targets: Array, validation: Any) -> None:
    """Warn if a trained `LSTMClassifier` is no better than a baseline.

    Parameters
    ----------
    estimator : LSTMClassifier
    x : ndarray or list of ndarray
        The scaled series it was trained on.
    targets : ndarray of int, (samples,)
    validation : tuple of x, targets and weights, optional
        Held-out samples; without them the network's accuracy on the training data is compared with
        baselines that leave out the sample itself.
    """
    classes, counts = np.unique(targets, return_counts=True)
    held = validation is not None
    samples, true = (validation[0], validation[1]) if held else (x, targets)
    if len(classes) < 2 or len(true) < FEWEST:
        return
    step = -(-len(true) // MOST)  # every step-th sample, so that all parts of the data are seen
    samples, true = samples[::step], true[::step]
    # weights of classes ask for recall of all classes, not for accuracy
    balanced = estimator.class_weight is not None
    score = balanced_accuracy_score if balanced else accuracy_score
    found = estimator.model_.predict(samples, verbose=0).argmax(axis=1)
    usual = classes[counts.argmax()]
    baselines = {"always the most frequent class": score(true, np.full(len(true), usual))}
    if isinstance(x, np.ndarray) and isinstance(samples, np.ndarray):
        near = _nearest(x[::step], targets[::step], samples if held else None)
        baselines["the nearest series' class"] = score(true, near)
    where = f"{len(true)} {'held-out' if held else 'training'} samples"
    warn_if_no_better(type(estimator).__name__, float(score(true, found)), baselines, where, ADVICE)


def _nearest(x: Array, targets: Array, samples: Array | None) -> Array:
    """Return the class of the nearest series, by Euclidean distance and never a series itself."""
    nearest = KNeighborsClassifier(1).fit(x.reshape(len(x), -1), targets)
    if samples is not None:
        found: Array = nearest.predict(samples.reshape(len(samples), -1))
        return found
    others: Array = targets[nearest.kneighbors(return_distance=False)[:, 0]]
    return others
