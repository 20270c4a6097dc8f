"""Layers of several inputs."""

from . import case

X, FLAT, DEEP = (3, 5, 4), (3, 4), (3, 2, 4, 3)
CASES = {
    "add": case("Add", {}, X, X, X),
    "add_spread": case("Add", {}, X, (3, 1, 4), (3, 5, 1)),
    "add_ranks": case("Add", {}, FLAT, X),
    "average": case("Average", {}, X, X, X),
    "average_ranks": case("Average", {}, DEEP, (3, 4, 3), (3, 3)),
    "subtract": case("Subtract", {}, X, X),
    "subtract_spread": case("Subtract", {}, (3, 1, 4), X),
    "multiply": case("Multiply", {}, X, X, X),
    "multiply_spread": case("Multiply", {}, (3, 5, 1), X, FLAT),
    "maximum": case("Maximum", {}, X, X, X),
    "maximum_spread": case("Maximum", {}, FLAT, (3, 5, 1), X),
    "minimum": case("Minimum", {}, X, X, X),
    "minimum_ranks": case("Minimum", {}, X, FLAT),
    "concatenate": case("Concatenate", {}, X, (3, 5, 2), (3, 5, 1)),
    "concatenate_time": case("Concatenate", {"axis": 1}, X, (3, 2, 4)),
    "concatenate_flat": case("Concatenate", {"axis": -1}, FLAT, (3, 2)),
    "concatenate_deep": case("Concatenate", {"axis": -2}, DEEP, (3, 2, 1, 3)),
    "dot_flat": case("Dot", {"axes": 1}, FLAT, FLAT),
    "dot_last": case("Dot", {"axes": -1}, X, (3, 2, 4)),
    "dot_pair": case("Dot", {"axes": [1, 2]}, X, (3, 2, 5)),
    "dot_negative": case("Dot", {"axes": [-1, -2]}, X, (3, 4, 2)),
    "dot_flat_deep": case("Dot", {"axes": [1, 3]}, (3, 3), DEEP),
    "dot_deep": case("Dot", {"axes": [2, 1]}, DEEP, (3, 4, 2)),
    "dot_cosine": case("Dot", {"axes": 2, "normalize": True}, X, (3, 2, 4)),
    "dot_cosine_flat": case("Dot", {"axes": 1, "normalize": True}, FLAT, FLAT),
}
