"""Compare what two versions of lstmcore compute, to the bit.

Usage:
    python same_bits.py dump FILE [--only NAME]   digests of all cases, of the lstmcore at hand
    python same_bits.py compare BEFORE AFTER      list what differs between two such files
    python same_bits.py against REV               build REV apart, dump both, compare

`dump` writes a JSON file: a SHA-256 digest for each output, gradient, trained weight, saved file
and generated text of the cases beside it, for every instruction set, number of threads and
number type; and the names that every public package has. `compare` ends with code 1 if a digest
differs or a public name is gone. Digests hold for one machine and one NumPy: make both there.
"""

import argparse
import hashlib
import importlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import types
import warnings
from pathlib import Path

# Older versions leave NumPy's BLAS its own number of threads, on which its bits depend.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = """lstmcore lstmcore._core lstmcore.layers lstmcore.models lstmcore.losses
    lstmcore.metrics lstmcore.optimizers lstmcore.optimizers.schedules lstmcore.callbacks
    lstmcore.initializers lstmcore.regularizers lstmcore.constraints lstmcore.activations
    lstmcore.utils lstmcore.preprocessing lstmcore.preprocessing.sequence
    lstmcore.preprocessing.text lstmcore.saving lstmcore.inspection lstmcore.streaming
    lstmcore.reference lstmcore.data lstmcore.datasets lstmcore.text lstmcore.forecasting
    lstmcore.classification lstmcore.estimators lstmcore.plotting lstmcore.tuner lstmcore.cli
    lstmcore.registry"""


# -- digests -----------------------------------------------------------------------------------


def feed(digest, value):
    """Take a value into a digest: type and shape with the numbers, and all that is inside."""
    if isinstance(value, Path):
        value = contents(value)
    if isinstance(value, dict):
        value = [[key, value[key]] for key in sorted(value, key=str)]
    if value is None or isinstance(value, (bool, int, str)):
        digest.update(f"{type(value).__name__} {value};".encode())
    elif isinstance(value, float):
        digest.update(f"float {value.hex()};".encode())
    elif isinstance(value, (list, tuple)):
        digest.update(f"{len(value)} values;".encode())
        for item in value:
            feed(digest, item)
    elif isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        if array.dtype.kind in "OU":
            return feed(digest, [str(item) for item in array.ravel()])
        digest.update(f"{array.dtype} {array.shape};".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    else:
        raise TypeError(f"nothing is known of {type(value).__name__}")
    return None


def sha(value):
    digest = hashlib.sha256()
    feed(digest, value)
    return digest.hexdigest()


def contents(path):
    """The tensors and the metadata of a safetensors file, whatever order they stand in."""
    raw = path.read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:end])
    tensors = {
        name: [
            entry["dtype"],
            entry["shape"],
            hashlib.sha256(
                raw[end + entry["data_offsets"][0] : end + entry["data_offsets"][1]]
            ).hexdigest(),
        ]
        for name, entry in header.items()
        if name != "__metadata__"
    }
    return {"metadata": header["__metadata__"], "tensors": tensors}


# -- dump --------------------------------------------------------------------------------------


def as_inputs(x, dtype):
    """Arrays as `forward` takes them; none for sequences of different lengths."""
    if isinstance(x, dict):
        return [as_inputs(a, dtype) for a in x.values()]
    if isinstance(x, list):
        return None
    return np.ascontiguousarray(x, x.dtype if x.dtype.kind == "i" else dtype)


def of_a_model(make, dtype):
    """Yield what one model computes: outputs, gradients, trained weights, its file."""
    from bit_models import FIT, both_ways

    from lstmcore import load_model, utils

    utils.set_random_seed(7)
    model, options, x, y, fit = make(dtype)
    data = as_inputs(x, dtype)
    model.compile(**options)
    yield "weights at first", model.get_weights()
    yield "outputs at first", model.predict(x, batch_size=8, verbose=0)
    model.reset_states()
    if data is not None:
        yield "outputs and gradients", both_ways(model, data)
        model.reset_states()
    yield "history", model.fit(x, y, **{**FIT, **fit}).history
    yield "trained weights", model.get_weights()
    yield "trained outputs", model.predict(x, batch_size=8, verbose=0)
    model.reset_states()
    yield "evaluated", model.evaluate(x, y, batch_size=8, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        path, weights = Path(folder) / "a.safetensors", Path(folder) / "a.weights.safetensors"
        model.save(path)
        yield "file", path
        model.save_weights(weights)
        yield "file of weights", weights
        other = load_model(path)
    other.reset_states()
    yield "read again", other.predict(x, batch_size=8, verbose=0)
    other.reset_states()
    shorter = {**FIT, **fit, "epochs": 1, "callbacks": None}
    yield "trained on", [other.fit(x, y, **shorter).history, other.get_weights()]


def digests(only):
    """Digests by name, of every case on every instruction set, type and number of threads."""
    from bit_models import MODELS
    from bit_parts import PARTS

    from lstmcore import _core, set_num_threads, utils

    found = {}
    for isa in _core.isas():
        _core.set_isa(isa)
        for threads in (1, 2):
            set_num_threads(threads)
            for dtype in ("float32", "float64"):
                cases = {name: of_a_model(make, dtype) for name, make in MODELS.items()}
                cases |= {name: make(dtype) for name, make in PARTS.items()}
                for name, items in cases.items():
                    if only and only not in name:
                        continue
                    utils.set_random_seed(5)
                    for item, value in items:
                        key = f"{isa} / {threads} / {dtype} / {name} / {item}"
                        assert key not in found, f"two items are called {key}"
                        found[key] = sha(value)
    return found


def public_names():
    """The names of every public package: what it promises, and all that it has."""
    promised, there = {}, {}
    for package in PACKAGES.split():
        try:
            module = importlib.import_module(package)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("lstmcore"):
                continue  # `compare` misses it
            raise
        listed = getattr(module, "__all__", [])
        names = {*listed, *(name for name in dir(module) if not name.startswith("_"))}
        there[package] = sorted(name for name in names if hasattr(module, name))
        own = [name for name in there[package] if is_own(getattr(module, name), module)]
        promised[package] = sorted(listed or own)
    return promised, there


def is_own(value, module):
    """True for what a module without `__all__` defines itself, or takes from a part of it."""
    home = getattr(value, "__module__", None)
    if isinstance(value, types.ModuleType) or not isinstance(home, str):
        return False
    return home == module.__name__ or home.startswith(f"{module.__name__}.")


def dump(file, only=None):
    """Write the digests of the lstmcore that can be imported, and where it was found."""
    sys.path.insert(0, str(Path(__file__).parent))
    warnings.simplefilter("ignore")
    import lstmcore

    promised, there = public_names()
    machine = {"python": platform.python_version(), "numpy": np.__version__, "cpu": cpu()}
    found = {
        "lstmcore": str(Path(lstmcore.__file__).parent),
        "machine": machine,
        "promised": promised,
        "names": there,
        "digests": digests(only),
    }
    Path(file).write_text(json.dumps(found, indent=0))
    print(f"{len(found['digests'])} digests of {found['lstmcore']} in {file}")


def cpu():
    with open("/proc/cpuinfo") as file:
        lines = [line for line in file if line.startswith("model name")]
    return lines[0].split(":")[1].strip() if lines else platform.processor()


# -- compare -----------------------------------------------------------------------------------


def compare(before, after):
    """Print what differs; return True if nothing does."""
    a, b = (json.loads(Path(file).read_text()) for file in (before, after))
    if a["machine"] != b["machine"]:
        sys.exit(f"made on two machines, no bits to compare: {a['machine']}, {b['machine']}")
    said = [
        f"no longer there: {package}" + ("" if package not in b["names"] else f".{name}")
        for package, names in a["promised"].items()
        for name in (names if package in b["names"] else [""])
        if name not in b["names"].get(package, ())
    ]
    for key, digest in a["digests"].items():
        if key not in b["digests"]:
            said.append(f"not computed: {key}")
        elif b["digests"][key] != digest:
            said.append(f"differs: {key}")
    said += [f"only after: {key}" for key in b["digests"] if key not in a["digests"]]
    print("\n".join(said or [f"{len(a['digests'])} digests, all the same; no public name is gone"]))
    return not said


def against(rev):
    """Build a revision in a folder of its own, dump it and this tree, and compare."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git = ["git", "-C", str(ROOT)]
        subprocess.run([*git, "worktree", "add", "--quiet", "--detach", tree, rev], check=True)
        try:
            build = [sys.executable, "setup.py", "--quiet", "build_ext", "-i"]
            subprocess.run(build, cwd=tree, check=True, stdout=subprocess.DEVNULL)
            files = [Path(folder) / "before.json", Path(folder) / "after.json"]
            for file, root in zip(files, (tree, ROOT), strict=True):
                environment = {**os.environ, "PYTHONPATH": str(root)}
                run = [sys.executable, __file__, "dump", file]
                subprocess.run(run, check=True, env=environment, cwd=folder)
            return compare(*files)
        finally:
            subprocess.run([*git, "worktree", "remove", "--force", tree], check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("dump")
    command.add_argument("file")
    command.add_argument("--only", help="cases with this in their name")
    command = commands.add_parser("compare")
    command.add_argument("before")
    command.add_argument("after")
    commands.add_parser("against").add_argument("rev")
    options = parser.parse_args()
    if options.command == "dump":
        dump(options.file, options.only)
        return 0
    if options.command == "compare":
        return 0 if compare(options.before, options.after) else 1
    return 0 if against(options.rev) else 1


if __name__ == "__main__":
    sys.exit(main())
