"""The cases in which losses are held to Keras, for the tests and for who makes the numbers.

Needs NumPy alone. Inputs are made by formula, and rounded to float32, so that both types can be
computed from the same numbers.
"""

import numpy as np
from formulas import wave32

N, T, C, L = 3, 4, 3, 2  # batch, steps, units or classes, labels of a row
MASK = np.array([[1, 1, 1, 0], [1, 0, 1, 1], [0, 1, 1, 0]], bool)


WEIGHT = wave32((N, T), 0.5) + np.float32(1)


def shares(x):
    x = np.abs(x) + np.float32(0.1)
    return (x / x.sum(-1, keepdims=True)).astype(np.float32)


def inputs(kind):
    """Targets and predictions, float32 or whole numbers."""
    y, p = -wave32((N, T, C), 1.3), wave32((N, T, C), 0.7)
    classes = (np.arange(N * T) * 5 % 7 % C).reshape(N, T)
    one_hot = np.eye(C, dtype=np.float32)[classes]
    if kind == "embeddings":  # of two classes, and one that is alone in its class
        p = wave32((5, 4), 0.7).astype(np.float64)
        p /= np.sqrt((p * p).sum(-1, keepdims=True))
        return np.array([0, 1, 0, 2, 1]), p.astype(np.float32)
    if kind == "labels of steps":
        return np.array([[1, 2], [2, 0], [2, 2]]), wave32((N, T, C), 0.7) * 3
    return {
        "numbers": (y, p),
        "large": (y * 3, p * 4),
        "positive": (np.abs(y), np.abs(p)),
        "counts": (np.round(np.abs(y) * 5), np.abs(p) + np.float32(0.01)),
        "yes or no": ((y > 0).astype(np.float32), np.float32(0.5) + p / 2),
        "saturated": ((y > 0).astype(np.float32), np.clip(0.5 + p, 0, 1).astype(np.float32)),
        "yes or no, logits": ((y > 0).astype(np.float32), p * 5),
        "signs": (np.sign(y), p * 2),
        "distributions": (shares(y), shares(p)),
        "one-hot": (one_hot, shares(p)),
        "one-hot, any sum": (one_hot, np.abs(p) * 3 + np.float32(0.1)),
        "one-hot, logits": (one_hot, p * 4),
        "classes": (classes, shares(p)),
        "classes, logits": (classes, p * 4),
    }[kind]


# class, arguments, inputs
LOSSES = [
    ("MeanSquaredError", {}, "numbers"),
    ("MeanAbsoluteError", {}, "numbers"),
    ("MeanAbsolutePercentageError", {}, "numbers"),
    ("MeanSquaredLogarithmicError", {}, "positive"),
    ("MeanSquaredLogarithmicError", {}, "numbers"),
    ("Huber", {}, "large"),
    ("Huber", {"delta": 0.4}, "numbers"),
    ("LogCosh", {}, "large"),
    ("CosineSimilarity", {}, "numbers"),
    ("CosineSimilarity", {"axis": 1}, "numbers"),
    ("BinaryCrossentropy", {}, "yes or no"),
    ("BinaryCrossentropy", {}, "saturated"),
    ("BinaryCrossentropy", {"label_smoothing": 0.2}, "yes or no"),
    ("BinaryCrossentropy", {"from_logits": True}, "yes or no, logits"),
    ("BinaryCrossentropy", {"axis": 1}, "yes or no"),
    ("BinaryFocalCrossentropy", {}, "yes or no"),
    ("BinaryFocalCrossentropy", {"gamma": 0.0}, "yes or no"),
    (
        "BinaryFocalCrossentropy",
        {"apply_class_balancing": True, "alpha": 0.4, "gamma": 1.5, "label_smoothing": 0.1},
        "yes or no",
    ),
    ("BinaryFocalCrossentropy", {"from_logits": True, "gamma": 3.0}, "yes or no, logits"),
    ("CategoricalCrossentropy", {}, "one-hot"),
    ("CategoricalCrossentropy", {}, "one-hot, any sum"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.3}, "one-hot"),
    ("CategoricalCrossentropy", {"from_logits": True}, "one-hot, logits"),
    ("CategoricalCrossentropy", {"from_logits": True, "axis": 1}, "numbers"),
    ("CategoricalFocalCrossentropy", {}, "one-hot"),
    ("CategoricalFocalCrossentropy", {"alpha": [0.2, 0.5, 0.3], "gamma": 1.0}, "one-hot, any sum"),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "gamma": 0.0}, "one-hot, logits"),
    (
        "CategoricalFocalCrossentropy",
        {"from_logits": True, "label_smoothing": 0.1},
        "one-hot, logits",
    ),
    ("SparseCategoricalCrossentropy", {}, "classes"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "classes, logits"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "classes"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 0, "from_logits": True}, "classes, logits"),
    ("KLDivergence", {}, "distributions"),
    ("KLDivergence", {}, "numbers"),
    ("Poisson", {}, "counts"),
    ("Hinge", {}, "signs"),
    ("Hinge", {}, "yes or no"),
    ("SquaredHinge", {}, "signs"),
    ("SquaredHinge", {}, "yes or no, logits"),
    ("CategoricalHinge", {}, "one-hot, logits"),
    ("CTC", {}, "labels of steps"),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.5}, "classes"),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.8}, "classes"),
    ("Dice", {}, "yes or no"),
    ("Dice", {"axis": [1, 2]}, "distributions"),
    ("Dice", {"axis": -1}, "yes or no"),
    ("Tversky", {}, "yes or no"),
    ("Tversky", {"alpha": 0.2, "beta": 0.7}, "distributions"),
    ("Tversky", {"alpha": 0.3, "beta": 0.9, "axis": [1, 2]}, "yes or no"),
    ("Circle", {}, "embeddings"),
    ("Circle", {"gamma": 3.0, "margin": 0.25}, "embeddings"),
    ("Circle", {"gamma": 3.0, "remove_diagonal": False}, "embeddings"),
]
OF_BATCHES = ("Dice", "Tversky", "Circle")  # a value is not that of a vector
REDUCTIONS = ["sum_over_batch_size", "sum", "mean_with_sample_weight"]


def masked(name, arguments):
    """Whether the values of this case have steps, which a mask can leave out."""
    return name != "CTC" and name not in OF_BATCHES and "axis" not in arguments


def sample_weights(name, arguments):
    """Weights of the samples, for values (samples,) or (samples, ...); None where there are none.

    Keras takes (N,) for weights of the last axis, so it is given them in the shape of the values.
    """
    if name == "Circle":
        return np.linspace(0.5, 2, 5)
    if name in OF_BATCHES:
        return None if arguments.get("axis") is None else WEIGHT[:, 0]
    return WEIGHT[:, 0]
