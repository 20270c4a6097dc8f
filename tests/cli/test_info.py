"""``lstmcore info`` and ``lstmcore bench``."""

import json
import time

import numpy as np
import pytest

import lstmcore
from lstmcore import _core, cli
from lstmcore.cli import bench_run
from lstmcore.layers import LSTM, Bidirectional, Dense
from lstmcore.saving import describe_file


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def small(**options):
    model = lstmcore.Sequential(
        [
            lstmcore.Input((3, 2)),
            Bidirectional(LSTM(4, name="lstm"), name="both"),
            Dense(1, name="dense"),
        ]
    )
    model.compile(**({"optimizer": "adam", "loss": "mse", "metrics": ["mae"]} | options))
    return model


def run(capsys, *argv):
    code = cli.main(list(argv))
    out, err = capsys.readouterr()
    return code, out, err


# --- info ---------------------------------------------------------------------------------------


def test_info_of_a_trained_model(folder, capsys):
    model = small()
    model.fit(np.ones((8, 3, 2)), np.ones(8), epochs=3, batch_size=4, verbose=0)
    model.save("m.safetensors")
    code, out, err = run(capsys, "info", "m.safetensors")
    assert (code, err) == (0, "")
    size = (folder / "m.safetensors").stat().st_size
    assert f"file      m.safetensors, {size:,} bytes\n" in out
    assert f"format    lstmcore/1, written by lstmcore {lstmcore.__version__}\n" in out
    assert "both (Bidirectional)" in out
    assert f"Total params: {model.count_params()}" in out
    assert "input     (None, 3, 2)\n" in out
    assert "output    (None, 1)\n" in out
    assert "optimizer Adam, learning rate 0.001\n" in out
    assert "loss      mse\n" in out
    assert "metrics   mae\n" in out
    assert "training  6 steps done, fit goes on from there\n" in out


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"loss": "mse"}, "training  compiled, not trained\n"),
        ({"loss": lstmcore.losses.Huber()}, "loss      Huber\n"),
        (
            {"optimizer": lstmcore.optimizers.SGD(lstmcore.optimizers.schedules.CosineDecay(1, 5))},
            "optimizer SGD, learning rate CosineDecay\n",
        ),
    ],
)
def test_info_of_other_trainings(folder, capsys, options, expected):
    small(**options).save("m.safetensors")
    assert expected in run(capsys, "info", "m.safetensors")[1]


def test_info_of_a_model_that_is_not_compiled(folder, capsys):
    lstmcore.Sequential([lstmcore.Input((3, 2)), Dense(1)]).save("m.safetensors")
    assert "training  not compiled\n" in run(capsys, "info", "m.safetensors")[1]


def test_info_as_json(folder, capsys):
    model = small()
    model.save("m.safetensors")
    found = json.loads(run(capsys, "info", "m.safetensors", "--json")[1])
    assert found["format"] == "lstmcore/1"
    assert found["config"]["model"]["class_name"] == "Sequential"
    assert found["config"]["training"]["iterations"] == 0
    assert found["params"] == model.count_params()
    assert [layer["name"] for layer in found["layers"]] == ["both", "dense"]
    assert found["tensors"]["weights/dense/kernel"] == [[8, 1], "float32"]


def test_info_of_weights(folder, capsys):
    small().save_weights("m.weights.safetensors")
    code, out, _ = run(capsys, "info", "m.weights.safetensors")
    assert code == 0
    assert "format    lstmcore-weights/1" in out
    assert "weights/dense/kernel  float32 (8, 1)\n" in out
    found = json.loads(run(capsys, "info", "m.weights.safetensors", "--json")[1])
    assert "layers" not in found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "lstmcore: m.safetensors is no file; give the path of a model that was saved\n"),
        (b"x" * 99, "lstmcore: m.safetensors: no model or weights can be read from this file: it"),
        (b"", "lstmcore: m.safetensors: no model or weights can be read from this file: it is no"),
    ],
)
def test_info_of_no_model(folder, capsys, content, message):
    if content is not None:
        (folder / "m.safetensors").write_bytes(content)
    code, out, err = run(capsys, "info", "m.safetensors")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(message)


def test_info_of_a_file_of_others(folder, capsys):
    from safetensors.numpy import save_file

    save_file({"a": np.ones(3)}, "m.safetensors", {"format": "pt"})
    code, _, err = run(capsys, "info", "m.safetensors")
    assert code == 1
    assert "expected format 'lstmcore/1' or 'lstmcore-weights/1', got 'pt'" in err
    with pytest.raises(ValueError, match="no model or weights can be read from this file"):
        describe_file("m.safetensors")


def test_info_of_the_machine_as_json(capsys):
    found = json.loads(run(capsys, "info", "--json")[1])
    assert found["lstmcore"] == lstmcore.__version__
    assert (found["isa"], found["threads"]) == (_core.isa(), _core.get_num_threads())


# --- bench --------------------------------------------------------------------------------------


def test_bench_as_json(capsys):
    before = _core.get_num_threads()
    code, out, err = run(capsys, "bench", "--seconds", "0.1", "--threads", "1", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["isa"], found["threads"], found["dtype"]) == (_core.isa(), 1, "float32")
    assert _core.get_num_threads() == before
    kinds = [one["kind"] for one in found["results"]]
    layers = len(bench_run.LAYERS)
    assert {k: kinds.count(k) for k in kinds} == {
        **{"forward": layers, "train": layers},
        **{"fit": 3, "stream": 1},
    }
    for one in found["results"]:
        assert one["seconds"] > 0
        assert one["samples_per_second"] == pytest.approx(one["batch"] / one["seconds"])
        if one["gflops"] is not None:
            case = bench_run.Case("", *(one[k] for k in ("batch", "steps", "inputs", "units")))
            flops = case.flops * (3 if one["kind"] == "train" else 1)
            assert one["gflops"] == pytest.approx(flops / one["seconds"] / 1e9)


def test_bench_in_words(capsys, monkeypatch):
    case = bench_run.Case("text", 32, 100, 64, 128)
    made = [
        bench_run.Measure(kind, "text", time.sleep, 1, case, flops, [0.001], [0.001, 0.002])
        for kind, flops in (("forward", 10**7), ("train", 10**7), ("fit", 0), ("stream", 10**7))
    ]
    found = {"tile_gflops": 40.0, "away": 0.5, "results": [one.result(40.0) for one in made]}
    monkeypatch.setattr(bench_run, "run", lambda *options: found)
    code, out, err = run(capsys, "bench")
    assert (code, err) == (0, "")
    assert "bare tile: 40.0 GFLOP/s on one core" in out
    assert "text: 32, 100, 64, 128" in out
    assert "1,000     32,000     10.0         25\n" in out
    assert "1.00     32,000     3,200,000\n" in out
    assert "doubtful: others had our core for 50 % of the time" in out
    assert "measuring for about 6 seconds" in out
    assert "measuring" not in run(capsys, "bench", "-q")[1]


def test_what_is_counted():
    # x W: 2 * 3 * 2 rows by 5 by 16; h R: by 4
    assert bench_run.Case("", 3, 2, 5, 4).flops == 2 * (3 * 2) * (5 + 4) * (4 * 4)
    one = bench_run.Measure("fit", "", lambda: time.sleep(0.02), 4, bench_run.LAYERS[0], 0)
    one.burst(0.05)
    one.burst(0)
    assert len(one.bursts) == 2
    assert min(one.bursts) >= 0.005
    assert one.result(1.0)["gflops"] is None


@pytest.mark.parametrize("seconds", ["0", "nan", "soon"])
def test_bench_refuses(capsys, seconds):
    with pytest.raises(SystemExit) as stop:
        cli.main(["bench", "--seconds", seconds])
    assert stop.value.code == 2
    assert "expected a number from 0.1 to 600" in capsys.readouterr().err
