"""The cases in which metrics are held to Keras, for the tests and for who makes the numbers.

Needs NumPy alone. Each case is fed in two batches of different sizes, once without weights, once
with a weight for each step, once with a mask.
"""

import loss_cases
import numpy as np
from formulas import wave32
from loss_cases import MASK, WEIGHT, N, T

BATCHES = (slice(0, 2), slice(2, 3))
WEIGHTS = {"none": None, "step": WEIGHT, "mask": MASK}


def inputs(kind):
    """Targets and predictions, float32 or whole numbers, (N, T, ...)."""
    if kind == "right or not":
        y = (np.arange(N * T * 2) % 3).reshape(N, T, 2).astype(np.float32)
        return y, (np.arange(N * T * 2) * 5 % 3).reshape(N, T, 2).astype(np.float32)
    if kind == "probabilities":
        y = (wave32((N, T, 3), 1.3) > 0.2).astype(np.float32)
        return y, np.clip(wave32((N, T, 3), 0.7) * 0.6 + y * 0.2 + 0.4, 0, 1).astype(np.float32)
    if kind == "round":  # at thresholds, where above or not matters
        y = (wave32((N, T, 3), 1.3) > 0.2).astype(np.float32)
        return y, (np.arange(N * T * 3) * 5 % 9).reshape(N, T, 3).astype(np.float32) / 8
    if kind == "logits":
        y, p = inputs("probabilities")
        return y, (p * 6 - 3).astype(np.float32)
    if kind == "ties":
        y, p = loss_cases.inputs("classes")
        return y, (np.arange(N * T * 3) * 5 % 4).reshape(N, T, 3).astype(np.float32)
    if kind == "one-hot ties":
        return loss_cases.inputs("one-hot")[0], inputs("ties")[1]
    if kind == "ids":
        return loss_cases.inputs("classes")[0].astype(np.float32), inputs("right or not")[1]
    return loss_cases.inputs(kind)


THREE = {"thresholds": [0.25, 0.5, 0.75]}
EVEN = {"thresholds": [0.0, 0.25, 0.5, 0.75, 1.0]}
MIXED = {"thresholds": [0.7, 0.2]}
# class, arguments, inputs
METRICS = [
    ("Accuracy", {}, "right or not"),
    ("BinaryAccuracy", {}, "probabilities"),
    ("BinaryAccuracy", {"threshold": 0.3}, "probabilities"),
    ("CategoricalAccuracy", {}, "one-hot"),
    ("CategoricalAccuracy", {}, "one-hot ties"),
    ("SparseCategoricalAccuracy", {}, "classes"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one-hot"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one-hot ties"),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, "classes"),
    ("SparseTopKCategoricalAccuracy", {"k": 1}, "ties"),
    ("SparseTopKCategoricalAccuracy", {"k": 2, "from_sorted_ids": True}, "ids"),
    *[
        (name, arguments, kind)
        for name in ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")
        for arguments, kind in (({}, "probabilities"), (THREE, "round"), (MIXED, "round"))
    ],
    *[
        (name, arguments, kind)
        for name in ("Precision", "Recall")
        for arguments, kind in (
            ({}, "probabilities"),
            ({"thresholds": 0.25}, "round"),
            (EVEN, "probabilities"),
            (EVEN, "round"),
            ({"top_k": 2}, "probabilities"),
            ({"top_k": 1, "class_id": 1}, "probabilities"),
            ({"class_id": 2, "thresholds": 0.4}, "probabilities"),
            ({"top_k": 2, "thresholds": [0.3, 0.6]}, "round"),
        )
    ],
    ("SensitivityAtSpecificity", {"specificity": 0.6}, "probabilities"),
    ("SensitivityAtSpecificity", {"specificity": 0.6, "num_thresholds": 1}, "round"),
    ("SpecificityAtSensitivity", {"sensitivity": 0.5}, "probabilities"),
    ("SpecificityAtSensitivity", {"sensitivity": 0.5, "class_id": 1}, "probabilities"),
    ("PrecisionAtRecall", {"recall": 0.7}, "probabilities"),
    ("PrecisionAtRecall", {"recall": 0.7, "num_thresholds": 9}, "round"),
    ("RecallAtPrecision", {"precision": 0.6}, "probabilities"),
    *[
        ("AUC", {"curve": curve, "summation_method": method}, kind)
        for curve in ("ROC", "PR", "PRGAIN")
        for method, kind in (
            ("interpolation", "probabilities"),
            ("minoring", "round"),
            ("majoring", "probabilities"),
        )
    ],
    ("AUC", {"num_thresholds": 9}, "round"),
    ("AUC", {"thresholds": [0.6, 0.1, 0.3]}, "probabilities"),
    ("AUC", {"from_logits": True}, "logits"),
    ("AUC", {"multi_label": True}, "flat probabilities"),
    ("AUC", {"multi_label": True, "label_weights": [0.5, 1.0, 2.0]}, "flat probabilities"),
    ("AUC", {"multi_label": True, "num_labels": 3, "curve": "PR"}, "flat probabilities"),
    ("AUC", {"label_weights": [0.5, 1.0, 2.0]}, "flat probabilities"),
    ("F1Score", {}, "flat one-hot"),
    ("F1Score", {"average": "micro"}, "flat one-hot"),
    ("F1Score", {"average": "macro", "threshold": 0.5}, "flat probabilities"),
    ("FBetaScore", {"beta": 2.0, "average": "weighted"}, "flat one-hot"),
    ("FBetaScore", {"beta": 0.5, "threshold": 0.3}, "flat probabilities"),
    ("R2Score", {}, "flat numbers"),
    ("R2Score", {"class_aggregation": None}, "flat numbers"),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, "flat numbers"),
    ("R2Score", {"num_regressors": 4}, "flat numbers"),
    ("MeanSquaredError", {}, "numbers"),
    ("RootMeanSquaredError", {}, "numbers"),
    ("MeanAbsoluteError", {}, "numbers"),
    ("MeanAbsolutePercentageError", {}, "numbers"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("CosineSimilarity", {}, "numbers"),
    ("LogCoshError", {}, "large"),
    ("KLDivergence", {}, "distributions"),
    ("Poisson", {}, "counts"),
    ("Hinge", {}, "signs"),
    ("SquaredHinge", {}, "signs"),
    ("CategoricalHinge", {}, "one-hot, logits"),
    ("BinaryCrossentropy", {}, "yes or no"),
    (
        "BinaryCrossentropy",
        {"from_logits": True, "label_smoothing": 0.1},
        "yes or no, logits",
    ),
    ("CategoricalCrossentropy", {}, "one-hot"),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "one-hot, logits"),
    ("SparseCategoricalCrossentropy", {}, "classes"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "classes, logits"),
    ("PearsonCorrelation", {}, "numbers"),
    ("PearsonCorrelation", {}, "distributions"),
    ("ConcordanceCorrelation", {}, "numbers"),
    ("ConcordanceCorrelation", {}, "yes or no"),
]


def batches(kind, weight):
    """Targets, predictions and weights of each batch; flat ones have no axis of time."""
    y, p = inputs(kind.removeprefix("flat "))
    for rows in BATCHES:
        parts = [a if a is None else a[rows] for a in (y, p, weight)]
        if kind.startswith("flat "):
            parts = [a if a is None else a.reshape(-1, *a.shape[2:]) for a in parts]
        yield parts
