"""Nested structures: leaves in Keras's order, and new leaves in their place."""

from collections import OrderedDict, defaultdict, namedtuple

import pytest

from lstmcore.structure import (
    flatten,
    flatten_up_to,
    is_nested,
    map_structure,
    pack_like,
    paths,
    spread,
    tracks_of,
)

Pair = namedtuple("Pair", "second first")

# structure, leaves in the order of keras.tree.flatten (Keras 3.15, optree 0.20)
CASES = [
    (7, [7]),
    (None, [None]),
    ([], []),
    ({}, []),
    ([1, (2, [3])], [1, 2, 3]),
    ({"b": 1, "a": 2}, [2, 1]),
    ({"b": {"d": 1, "c": 2}, "a": [3, None]}, [3, None, 2, 1]),
    (OrderedDict([("b", 1), ("a", 2)]), [1, 2]),
    (Pair(1, {"z": 2, "y": 3}), [1, 3, 2]),
    ({2: "x", 1: "y", 10: "z"}, ["y", "x", "z"]),
]


@pytest.mark.parametrize(("tree", "leaves"), CASES, ids=lambda case: repr(case)[:40])
def test_leaves_and_back(tree, leaves):
    assert flatten(tree) == leaves
    assert pack_like(tree, leaves) == tree
    assert type(pack_like(tree, leaves)) is type(tree)


def test_keys_that_do_not_compare_have_one_order():
    assert flatten({"b": 1, 3: 2}) == flatten({3: 2, "b": 1})


def test_a_rebuilt_dict_keeps_the_order_of_its_keys():
    made = map_structure(str, {"b": 1, "a": 2})
    assert made == {"b": "1", "a": "2"}
    assert list(made) == ["b", "a"]
    missing = map_structure(str, defaultdict(list, b=1))
    assert missing["new"] == []


def test_map_takes_several_structures():
    first, second = {"a": 1, "b": [2, 3]}, {"b": (20, 30), "a": 10}
    assert map_structure(lambda x, y: x + y, first, second) == {"a": 11, "b": [22, 33]}


def test_flatten_up_to_leaves_what_is_deeper():
    assert flatten_up_to({"b": 0, "a": [0, 0]}, {"a": [[1, 2], 3], "b": {"c": 4}}) == [
        [1, 2],
        3,
        {"c": 4},
    ]


@pytest.mark.parametrize(
    ("other", "word"),
    [
        ({"a": 1}, r"keys \['a', 'b'\], got one with \['a'\]"),
        ({"a": 1, "b": [1]}, "a list of 2, got one of 1"),
        ({"a": 1, "b": 2}, "a list of 2, got int"),
        ([1, 2], "got one of 2"),
    ],
)
def test_unlike_structures_are_refused(other, word):
    with pytest.raises(ValueError, match=word):
        flatten_up_to({"a": 1, "b": [2, 3]}, other)


def test_wrong_number_of_leaves_is_refused():
    with pytest.raises(ValueError, match="expected 3 leaves, got 2"):
        pack_like([1, (2, 3)], [1, 2])


def test_paths():
    assert paths({"b": [0, 0], "a": 0}) == ["['a']", "['b'][0]", "['b'][1]"]
    assert paths(0) == [""]


def test_a_string_is_a_leaf():
    assert not is_nested("ab")
    assert flatten(["ab"]) == ["ab"]


def test_tracks():
    assert tracks_of({"b": [0, 0], "a": 0}) == [("a",), ("b", 0), ("b", 1)]
    assert tracks_of(0) == [()]


@pytest.mark.parametrize(
    ("given", "options", "found"),
    [
        ({"a": 1, "b": [2, 3]}, {}, [1, 2, 3]),
        ({"b": [2, 3]}, {}, [None, 2, 3]),
        ({"a": 1, "b": None}, {}, [1, None, None]),
        (None, {}, [None, None, None]),
        ({"a": [1, 1], "b": ([2], {"c": 3})}, {}, [[1, 1], [2], {"c": 3}]),
        ({"a": 1, "b": [2, 3], "c": 4}, {"extra": True}, [1, 2, 3]),
        (7, {"alike": True}, [7, 7, 7]),
        ({"a": 1, "b": 7}, {"alike": True}, [1, 7, 7]),
    ],
)
def test_spread(given, options, found):
    assert spread({"a": 0, "b": [0, 0]}, given, **options) == found


@pytest.mark.parametrize("given", [7, {"a": 1, "b": 7}, {"c": 1}, [1, 2], {"b": [1, 2, 3]}])
def test_spread_refuses_another_structure(given):
    with pytest.raises(ValueError, match="expected a"):
        spread({"a": 0, "b": [0, 0]}, given)
