"""Whole models in liblstmcore: the bits of Python, from files that nobody has to trust."""

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lstmcore import Input, Sequential, _core, layers
from lstmcore.activations import HardSigmoid

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.timeout(600)  # the first of them may have to build the library
SEQUENCES = {"return_sequences": True}
STEPS, ROWS = 70, 3  # more steps than go through the layers at once
CHAINS = [
    [layers.LSTM(9, variant=v, cell_clip=0.4, **SEQUENCES) for v in _core.variants],
    [
        layers.Dense(7, "tanh"),
        layers.LSTM(37, layer_norm=True, **SEQUENCES),
        layers.Dropout(0.5),
        layers.GRU(5, reset_after=False, activation="softsign", **SEQUENCES),
        layers.TimeDistributed(layers.Dense(4, "softmax", use_bias=False)),
    ],
    [
        layers.LSTM(33, projection=8, peephole=True, layer_norm="sum", **SEQUENCES),
        layers.SimpleRNN(20, use_bias=False),
        layers.Dense(6, HardSigmoid(0.2)),
    ],
    [
        layers.LSTM(
            *(9, "relu"), recurrent_activation=HardSigmoid(0.2, 0.4), output_activation="elu"
        )
    ],
    [layers.GRU(6, **SEQUENCES), Sequential([layers.LSTM(4)])],
]


def made(chain, dtype="float32", features=3):
    chain = [type(layer).from_config(layer.get_config()) for layer in chain]
    model = Sequential([Input((None, features)), *chain], dtype=dtype)
    for k, p in enumerate(model.weights):
        p.assign(np.sin(np.arange(np.prod(p.shape)) * (0.7 + k)).reshape(p.shape) * 0.5)
    return model


def of_tokens():
    model = Sequential(
        [Input((None,)), layers.Embedding(11, 5), layers.GRU(9, **SEQUENCES), layers.Dense(2)]
    )
    model.build()
    return model


class Loaded:
    """A model of the library, and streams of it."""

    def __init__(self, c, path):
        self.c, self.model, self.memory = c, ctypes.c_void_p(), []
        self.status = c.lc_model_load(str(path).encode(), ctypes.byref(self.model))

    def __enter__(self):
        assert self.c.text(self.status) == "ok"
        self.dtype = np.float64 if self.c.lc_model_type(self.model) else np.float32
        self.width = self.c.lc_model_width(self.model)
        self.outputs = self.c.lc_model_outputs(self.model)
        return self

    def __exit__(self, *_):
        self.c.lc_model_free(self.model)

    def check(self):
        off = ctypes.c_double(-1)
        assert self.c.lc_model_check(self.model, ctypes.byref(off)) == 0
        return off.value

    def stream(self, rows):
        size, stream = ctypes.c_size_t(), ctypes.c_void_p()
        assert self.c.lc_stream_measure(self.model, rows, ctypes.byref(size)) == 0
        memory = ctypes.create_string_buffer(b"\xff" * size.value)
        self.memory.append(memory)
        assert self.c.lc_stream_open(self.model, rows, memory, ctypes.byref(stream)) == 0
        return stream

    def feed(self, stream, x):
        """Time comes first."""
        x = np.ascontiguousarray(x, None if x.dtype.kind == "i" else self.dtype)
        shape = (x.shape[1], self.outputs)
        if self.c.lc_model_sequences(self.model):
            shape = (len(x), *shape)
        y = np.full(shape, np.nan, self.dtype)
        assert self.c.lc_stream_feed(stream, x.ctypes, ctypes.c_int64(len(x)), y.ctypes) == 0
        return y

    def state(self, stream, row):
        state = np.empty(self.width, self.dtype)
        assert self.c.lc_stream_state(stream, ctypes.c_int64(row), state.ctypes) == 0
        return state


@pytest.fixture(scope="module")
def c(library):
    """The functions of the shared library."""
    c = ctypes.CDLL(str(next(library.lib.glob("liblstmcore.*[0-9]"))))
    for name in ("inputs", "outputs", "width"):
        getattr(c, f"lc_model_{name}").restype = ctypes.c_int64
    c.lc_status_text.restype = ctypes.c_char_p
    c.text = lambda status: c.lc_status_text(status).decode()
    return c


@pytest.fixture
def same_isa(c, isa):
    """The library on the instruction set of the test."""
    c.lc_isa_force(c.lc_isa_from_name(isa.encode()))
    yield isa
    c.lc_isa_force(0)


@pytest.mark.parametrize("chain", CHAINS, ids=range(len(CHAINS)))
def test_a_model_is_that_of_python_to_the_bit(chain, c, same_isa, dtype, tmp_path):
    model = made(chain, dtype)
    model.export(tmp_path / "m.lcm")
    x = np.random.default_rng(0).normal(size=(ROWS, STEPS, 3)).astype(dtype)
    wanted = model.stream(ROWS).feed(x)
    with Loaded(c, tmp_path / "m.lcm") as loaded:
        assert loaded.check() == 0
        assert loaded.c.lc_model_inputs(loaded.model) == 3
        stream = loaded.stream(ROWS)
        y = loaded.feed(stream, x.swapaxes(0, 1))
        sequences = y.ndim == 3
        assert np.array_equal(y.swapaxes(0, 1) if sequences else y, wanted)
        assert c.lc_stream_reset(stream, ctypes.c_int64(-1)) == 0
        for t in range(STEPS):
            y = loaded.feed(stream, x[:, t][None])
        assert np.array_equal(y[0] if sequences else y, wanted[:, -1] if sequences else wanted)


@pytest.mark.parametrize("storage", ["float16", "bfloat16", "int8"])
def test_a_quantized_model_is_stored_as_it_is(storage, c, tmp_path):
    model = made([layers.LSTM(33, projection=8, **SEQUENCES), layers.Dense(5)])
    model.quantize(storage)
    model.export(tmp_path / "m.lcm")
    x = np.random.default_rng(1).normal(size=(1, STEPS, 3)).astype("f4")
    with Loaded(c, tmp_path / "m.lcm") as loaded:
        assert loaded.check() == 0
        y = loaded.feed(loaded.stream(1), x.swapaxes(0, 1))
        assert np.array_equal(y[:, 0], model.stream().feed(x)[0])


def test_tokens(c, tmp_path):
    model = of_tokens()
    model.export(tmp_path / "m.lcm")
    tokens = np.random.default_rng(2).integers(0, 11, (ROWS, STEPS))
    with Loaded(c, tmp_path / "m.lcm") as loaded:
        assert c.lc_model_takes_tokens(loaded.model)
        assert loaded.check() == 0
        assert c.lc_model_inputs(loaded.model) == 11
        stream = loaded.stream(ROWS)
        y = loaded.feed(stream, tokens.T.copy())
        assert np.array_equal(y.swapaxes(0, 1), model.stream(ROWS).feed(tokens))
        wrong = np.array([0, 11, 0])
        assert "token" in c.text(c.lc_stream_step(stream, wrong.ctypes, y.ctypes))


def test_a_thousand_states_take_turns(c, tmp_path):
    model = made([layers.LSTM(4, **SEQUENCES), layers.GRU(3, **SEQUENCES), layers.Dense(2)])
    model.export(tmp_path / "m.lcm")
    rng = np.random.default_rng(3)
    x = rng.normal(size=(1000, 6, 3)).astype("f4")
    wanted = model.stream(1000).feed(x)
    turns = rng.permutation(np.repeat(np.arange(1000), 6))
    at, got = np.zeros(1000, int), np.empty_like(wanted)
    with Loaded(c, tmp_path / "m.lcm") as loaded:
        states = np.zeros((1000, loaded.width), "f4")
        stream, row = loaded.stream(ROWS), ctypes.c_int64(1)
        for k in turns:
            assert c.lc_stream_set_state(stream, row, states[k].ctypes) == 0
            step = np.full((1, ROWS, 3), np.nan)  # the other rows do not matter
            step[0, 1] = x[k, at[k]]
            got[k, at[k]] = loaded.feed(stream, step)[0, 1]
            states[k], at[k] = loaded.state(stream, 1), at[k] + 1
        assert np.array_equal(got, wanted)
        assert c.lc_stream_reset(stream, row) == 0
        assert not loaded.state(stream, 1).any()
        assert np.isnan(loaded.state(stream, 0)).any()
        assert "row of the batch" in c.text(c.lc_stream_reset(stream, ctypes.c_int64(ROWS)))


def test_what_is_no_model_file(c, tmp_path):
    path = tmp_path / "m.lcm"
    assert "cannot be read" in c.text(Loaded(c, path).status)
    assert "cannot be read" in c.text(Loaded(c, tmp_path).status)
    path.write_bytes(b"")
    assert "damaged" in c.text(Loaded(c, path).status)
    of_tokens().export(path)
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    assert "damaged" in c.text(Loaded(c, path).status)
    path.write_bytes(data[:8] + b"\2" + data[9:])
    assert "later version" in c.text(Loaded(c, path).status)
    size, room = ctypes.c_size_t(), ctypes.create_string_buffer(len(data) + 16)
    at = ctypes.addressof(room) + 8 - ctypes.addressof(room) % 8
    for skip, text in ((0, "ok"), (4, "multiple of 8")):
        ctypes.memmove(at + skip, data, len(data))
        got = c.lc_model_measure(ctypes.c_void_p(at + skip), len(data), ctypes.byref(size))
        assert text in c.text(got)
    assert "NULL" in c.text(c.lc_model_measure(None, 64, ctypes.byref(size)))


def mutated(program, count, folder, chains):
    """Run so many damaged files of each of these models and of one of tokens."""
    for k, model in enumerate([of_tokens(), *map(made, chains)]):
        path = folder / f"{k}.lcm"
        model.export(path)
        command = [str(program), str(path), str(count)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, (done.returncode, done.stderr)
        refused, _, ran, _ = done.stdout.split()
        assert int(refused) > count / 2
        assert int(ran) > count / 50


def test_damaged_files_are_refused_or_run_in_their_memory(library, tmp_path):
    mutated(library.program("tests/core/model_fuzz.c", tmp_path), 200, tmp_path, [CHAINS[1]])


@pytest.mark.slow
def test_ten_thousand_damaged_files_under_sanitizers(library, tmp_path):
    checks = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g"]
    sources = [str(path) for path in sorted((ROOT / "src_c").glob("*.c"))]
    flags = ["-fno-math-errno", "-fno-trapping-math", "-ffp-contract=fast"]
    program = library.program("tests/core/model_fuzz.c", tmp_path, *checks, *flags, *sources)
    mutated(program, 2500, tmp_path, CHAINS[:3])


def test_only_files_take_memory_from_the_heap(library, tmp_path):
    if not shutil.which("nm"):
        pytest.skip("needs nm")
    command = ["nm", "-u", str(library.lib / "liblstmcore.a")]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for part in text.split("\n\n"):
        name, _, symbols = part.strip().partition(":")
        takes = {"malloc", "calloc", "realloc", "fopen"} & set(symbols.split())
        assert not takes or name in ("src_c-model_file.o", "src_c-threads.o", "src_c-cores.o"), name


@pytest.mark.parametrize(
    ("source", "compiler"), [("model.c", "gcc"), ("model.cpp", "g++"), ("model.rs", "rustc")]
)
def test_examples(source, compiler, library, tmp_path):
    if not shutil.which(compiler):
        pytest.skip(f"needs {compiler}")
    model = made([layers.LSTM(8, **SEQUENCES), layers.Dense(2)])
    model.export(tmp_path / "m.lcm")
    program, path = str(tmp_path / "model"), str(ROOT / "examples" / source)
    if compiler == "rustc":
        words = [path, "-L", str(library.lib)]
    else:
        words = ["-Wall", f"-I{library.include}", path, f"-L{library.lib}", "-llstmcore"]
    # rustc does not live with the sanitizer's library, which the tests have loaded before all
    plain = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    subprocess.run([compiler, *words, "-o", program], check=True, env=plain)
    where = {"LD_LIBRARY_PATH": str(library.lib)}
    command = [program, str(tmp_path / "m.lcm")]
    done = subprocess.run(command, env=where, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    x = np.zeros((1, 3, 3), "f4")
    x[0, :, 0] = 0, 0.5, 1
    got = np.array(done.stdout.split(), np.float64).astype("f4")
    assert np.array_equal(got, model.stream().feed(x)[0, :, 0])
    done = subprocess.run([program, "none.lcm"], env=where, capture_output=True, text=True)
    assert done.returncode
    assert "cannot be read" in done.stderr
