"""Old module paths: pickles from before the modules moved load, imports say where to go."""

import pickle
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from lstmcore import _moved

OLD = Path(__file__).parents[1] / "saving" / "data" / "old_pickles.npz"
NAMES = sorted(name for name in np.load(OLD) if name.startswith("pickle_"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore:lstmcore:DeprecationWarning")
def test_a_pickle_of_the_old_version_loads(name):
    old = np.load(OLD)
    found = pickle.loads(old[name].tobytes())
    kind = name.removeprefix("pickle_")
    if kind in ("sequential", "functional"):
        got = found.predict(old["x"], verbose=0)
        np.testing.assert_allclose(got, old[kind], rtol=1e-5, atol=1e-6)
        found.fit(old["x"], old[kind], verbose=0)
    else:
        assert found
        for one in found:
            assert type(one).__module__.startswith("lstmcore.")
            assert type(one).__module__.removeprefix("lstmcore.") not in _moved.MOVED


@pytest.mark.parametrize("old", sorted(_moved.MOVED))
def test_every_old_path_leads_somewhere(old):
    for home in _moved.MOVED[old]:
        import_module(f"lstmcore.{home}")
    stand_in = import_module(f"lstmcore.{old}")
    with pytest.raises(AttributeError, match=r"is now .*, which has no 'nonsense'"):
        stand_in.nonsense  # noqa: B018


def test_an_old_name_warns_and_is_the_new_one():
    code = """
import warnings
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    from lstmcore.layers.symbols import Symbol
    from lstmcore.batches import Batches, Ragged
from lstmcore.layers.symbolic import SymbolicTensor
assert Symbol is SymbolicTensor
said = [str(w.message) for w in seen]
assert "lstmcore.layers.symbols.Symbol is now lstmcore.layers.symbolic.SymbolicTensor" in said, said
assert "lstmcore.batches.Ragged is now lstmcore.ragged.Ragged" in said, said
assert all(w.filename == "<string>" for w in seen), [w.filename for w in seen]
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_never_was_is_missing_as_ever():
    with pytest.raises(ModuleNotFoundError, match=r"lstmcore\.nonsense"):
        import_module("lstmcore.nonsense")
