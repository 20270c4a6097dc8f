"""Views of outputs: what Transpose and Reshape make of axes."""

import pytest

from lstmcore.interchange.onnx.importing.dims import Dim
from lstmcore.interchange.onnx.importing.views import Atom, Source, View, reshaped, resolved, size

B, T = Dim.named("b"), Dim.named("t")


def axes_of(*sizes):
    return tuple((Atom(n),) for n in sizes)


def shape(axes):
    return [size(axis) for axis in axes]


@pytest.mark.parametrize(
    ("sizes", "wanted"),
    [
        ((B, T, 6), (B, T, 2, 3)),
        ((B, T, 2, 3), (B, T, 6)),
        ((B, T, 6), (B * T, 6)),
        ((B, T, 6), (B, 6 * T)),
        ((B, T, 6), (1, B * T, 6, 1)),
        ((1, B, T), (B, 1, T)),
        ((4, 6), (2, 12)),
        ((4, 6), (24,)),
        ((24,), (2, 3, 4)),
        ((1, 7), (7,)),
    ],
)
def test_shapes_that_line_up(sizes, wanted):
    axes = axes_of(*sizes)
    found = reshaped(axes, wanted)
    assert shape(found) == list(wanted)
    before = [a for axis in axes for a in resolved(axis) if not a.is_one]
    after = [a for axis in found for a in resolved(axis) if not a.is_one]
    assert before == after  # in the same order, none lost


@pytest.mark.parametrize(
    ("sizes", "wanted"), [((4, 6), (3, 8)), ((B, 6), (B, 5)), ((B, T), (T, B)), ((6,), (2, 2))]
)
def test_shapes_that_do_not(sizes, wanted):
    with pytest.raises(ValueError, match="the sizes do not fit"):
        reshaped(axes_of(*sizes), wanted)


def test_pieces_of_a_divided_axis_are_seen_by_every_view():
    axes = axes_of(B, 6)
    one = View(Source(lambda: None, axes), axes)
    other = one.with_axes(reshaped(one.axes, (B, 2, 3)))
    assert one.shape == (B, 6)
    assert other.shape == (B, 2, 3)
    assert resolved(one.axes[1]) == resolved(other.axes[1]) + resolved(other.axes[2])
    again = one.with_axes(reshaped(one.axes, (B, 2, 3)))
    assert again.axes[2] == other.axes[2]


def test_a_source_is_made_when_it_is_asked_for_and_once():
    made = []
    source = Source(lambda: made.append(1) or len(made), ())
    assert not source.is_made
    assert (source.tensor, source.tensor) == (1, 1)
    assert source.is_made
