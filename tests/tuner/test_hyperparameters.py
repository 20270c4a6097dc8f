"""Hyperparameters outside of a search: values, ranges, conditions, errors."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstmcore.tuner import HyperParameters
from lstmcore.tuner.hyperparameters import explore


def test_defaults_outside_of_a_search():
    hp = HyperParameters()
    assert hp.Int("units", 8, 64, step=8) == 8
    assert hp.Int("more", 8, 64, default=16) == 16
    assert hp.Float("rate", 1e-4, 1e-1, sampling="log") == 1e-4
    assert hp.Choice("kind", ["lstm", "gru"]) == "lstm"
    assert hp.Choice("size", [16, 32], default=32) == 32
    assert hp.Boolean("deep") is False
    assert hp.Fixed("window", np.int64(30)) == 30
    assert hp.values == {
        "units": 8,
        "more": 16,
        "rate": 1e-4,
        "kind": "lstm",
        "size": 32,
        "deep": False,
        "window": 30,
    }


def test_values_that_are_set_come_back():
    hp = HyperParameters()
    hp.values["units"] = 32
    assert hp.Int("units", 8, 64) == 32
    assert hp.get("units") == hp["units"] == 32
    assert "units" in hp
    assert "unit" not in hp


def test_the_first_of_a_name_counts():
    hp = HyperParameters()
    assert hp.Int("units", 8, 64) == 8
    assert hp.Int("units", 16, 64) == 8


def test_conditions():
    hp = HyperParameters()
    hp.values["kind"] = "gru"
    hp.Choice("kind", ["lstm", "gru"])
    with hp.conditional_scope("kind", ["lstm"]):
        assert hp.Int("units", 1, 4) is None
        assert hp.Boolean("peephole") is None
    with hp.conditional_scope("kind", "gru"):
        assert hp.Int("units", 5, 9) == 5
    assert hp.Float("only", 0, 1, parent_name="kind", parent_values=["lstm"]) is None
    assert hp.values == {"kind": "gru", "units": 5}
    with pytest.raises(ValueError, match="'peephole' is not active"):
        hp.get("peephole")
    with pytest.raises(KeyError, match="did you mean 'units'"):
        hp.get("unitz")
    with (
        pytest.raises(ValueError, match="no hyperparameter 'kint'"),
        hp.conditional_scope("kint", 1),
    ):
        pass


def test_conditions_within_conditions():
    hp = HyperParameters()
    hp.values |= {"a": 2, "b": True}
    hp.Choice("a", [1, 2])
    with hp.conditional_scope("a", [1]):
        hp.Boolean("b")
        with hp.conditional_scope("b", [True]):
            assert hp.Int("c", 1, 2) is None  # b has the value, but is not active itself


def test_name_scopes():
    hp = HyperParameters()
    with hp.name_scope("encoder"):
        hp.Int("units", 1, 4)
        with hp.name_scope("deep"):
            hp.Int("units", 2, 4)
        assert hp.get("units") == 1
    assert hp.values == {"encoder/units": 1, "encoder/deep/units": 2}


def test_config_through_json():
    hp = HyperParameters()
    hp.Choice("kind", ["lstm", "gru"])
    with hp.conditional_scope("kind", ["lstm"]):
        hp.Int("units", 2, 32, step=2, sampling="log")
    hp.Fixed("window", 8)
    again = HyperParameters.from_config(json.loads(json.dumps(hp.get_config())))
    assert again.values == hp.values
    assert again.space == hp.space
    copy = hp.copy()
    copy.values["units"] = 32
    assert hp.get("units") == 2


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda hp: hp.Int("n", 8, 4), "hp.Int('n'): min_value 8 is above max_value 4"),
        (lambda hp: hp.Int("n", 1.5, 4), "min_value: expected a whole number, got 1.5"),
        (lambda hp: hp.Int("n", 1, True), "max_value: expected a whole number, got True"),
        (lambda hp: hp.Float("x", 0, float("inf")), "max_value: expected a number, got inf"),
        (lambda hp: hp.Float("x", 0, 1, sampling="log"), "expected more than 0 for log, got 0"),
        (lambda hp: hp.Float("x", 1, 2, sampling="lg"), "did you mean 'log'"),
        (lambda hp: hp.Float("x", 1, 2, step=0), "step: expected more than 0 got 0"),
        (lambda hp: hp.Int("n", 1, 9, step=1, sampling="log"), "more than 1, a factor,"),
        (lambda hp: hp.Int("n", 1, 9, step=2, sampling="reverse_log"), "none with reverse_log"),
        (lambda hp: hp.Int("n", 1, 9, default=10), "default: expected 1 to 9, got 10"),
        (lambda hp: hp.Choice("c", []), "values: expected at least one"),
        (lambda hp: hp.Choice("c", [1, "a"]), "expected one type, got [1, 'a']"),
        (lambda hp: hp.Choice("c", [1, 1]), "some come twice"),
        (lambda hp: hp.Choice("c", [1, 2], default=3), "expected one of [1, 2], got 3"),
        (lambda hp: hp.Boolean("b", default=1), "expected a bool, got 1"),
        (lambda hp: hp.Int("", 1, 2), "expected a name, got ''"),
    ],
)
def test_errors(ask, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        ask(HyperParameters())


def test_choices_are_plain_values():
    with pytest.raises(TypeError, match="expected a number, str or bool"):
        HyperParameters().Choice("c", [object()])


def steps_of(ask):
    hp = HyperParameters()
    ask(hp)
    return hp.space[0].steps()


def test_steps():
    assert steps_of(lambda hp: hp.Int("n", 8, 30, step=8)) == [8, 16, 24]
    assert steps_of(lambda hp: hp.Int("n", 1, 3)) == [1, 2, 3]
    assert steps_of(lambda hp: hp.Int("n", 1, 32, step=2, sampling="log")) == [1, 2, 4, 8, 16, 32]
    assert steps_of(lambda hp: hp.Float("x", 0, 0.3, step=0.1)) == pytest.approx([0, 0.1, 0.2, 0.3])
    assert steps_of(lambda hp: hp.Float("x", 1e-3, 1, step=10, sampling="log")) == pytest.approx(
        [1e-3, 1e-2, 1e-1, 1]
    )
    assert steps_of(lambda hp: hp.Float("x", 0, 1)) is None


@given(
    st.integers(1, 1000),
    st.integers(0, 1000),
    st.sampled_from(["linear", "log", "reverse_log"]),
    st.booleans(),
)
def test_what_a_grid_takes_is_in_range(low, more, sampling, whole):
    hp = HyperParameters()
    (hp.Int if whole else hp.Float)("n", low, low + more, sampling=sampling)
    entry = hp.space[0]
    values = entry.choices(grid=True) or entry.steps()
    decoded = [entry.decode(value) for value in values]
    assert min(decoded) == pytest.approx(low)
    assert max(decoded) == pytest.approx(low + more)
    assert all(low <= v <= low + more for v in decoded)
    assert len(set(values)) == len(values)


def test_exploring_finds_what_is_behind_conditions():
    def build(hp):
        kind = hp.Choice("kind", ["lstm", "gru", "rnn"])
        with hp.conditional_scope("kind", ["gru"]):
            if hp.Boolean("deep"):
                hp.Int("never recorded", 1, 2)
            with hp.conditional_scope("deep", [True]):
                if kind == "gru" and hp.Int("layers", 2, 4):
                    hp.Int("inside", 1, 2)
        if kind == "rnn":
            raise RuntimeError("not by default")

    names = [entry.name for entry in explore(build, None)]
    assert names[:3] == ["kind", "deep", "layers"]
    assert "inside" in names


def test_exploring_fails_where_the_defaults_fail():
    def build(hp):
        raise RuntimeError("always")

    with pytest.raises(RuntimeError, match="always"):
        explore(build, None)
