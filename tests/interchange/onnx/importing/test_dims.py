"""Sizes that are not known."""

import pytest

from lstmcore.interchange.onnx.importing.dims import Dim, divide, size_of, substituted

b, t = Dim.named("b"), Dim.named("t")


def test_arithmetic():
    assert b + t == t + b
    assert b + 1 - b == 1
    assert (b + 2) * (t - 1) == b * t - b + 2 * t - 2
    assert 2 * b - b - b == 0
    assert -b + b == 0
    assert 3 - (3 - b) == b
    assert b != t
    assert hash(b + t) == hash(t + b)
    assert str(2 * t - 1) == "-1 + 2*t"


@pytest.mark.parametrize(
    ("a", "by", "wanted"),
    [
        (6 * b * t, 2 * b, 3 * t),
        (b * t, b * t, 1),
        (2 * b + 4, 2, b + 2),
        (b, 2, None),
        (b, t, None),
        (b + t, b + t, 1),
        (12, 4, 3),
        (7, 2, None),
        (7, 0, None),
        (8, b, None),
    ],
)
def test_division(a, by, wanted):
    assert divide(a, by) == wanted


def test_division_that_is_not_exact_has_a_name_of_its_own():
    assert (b // 2) == Dim.named("(b) // (2)")
    assert (2 * b) // 2 == b
    assert 8 // b == Dim.named("(8) // (b)")


def test_numbers_for_names():
    assert substituted(2 * b * t + b, "t", 3) == 7 * b
    assert substituted(b * t, "t", b) == b * b
    assert substituted(5, "t", 3) == 5
    assert size_of(b) is None
    assert size_of(7) == 7
    assert b.name == "b"
    assert (b + 1).name is None
    assert (2 * b).name is None
    assert (b * t).name is None


def test_sizes_do_not_grow_without_end():
    sum_ = sum((Dim.named(f"n{k}") for k in range(60)), Dim.named("n"))
    with pytest.raises(ValueError, match="too complicated"):
        sum_ * sum_
