"""``lstmcore bench``: what it measures and prints."""

import json
import time

import pytest

from lstmcore import _core, cli, layers
from lstmcore.cli import bench_run
from lstmcore.config import policies


def run(capsys, *argv):
    code = cli.main(list(argv))
    out, err = capsys.readouterr()
    return code, out, err


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


@pytest.mark.usefixtures("without_products")
def test_a_policy_that_the_cpu_cannot_compute_is_an_error_line(capsys):
    code, out, err = run(capsys, "bench", "--dtype", "mixed_bfloat16")
    assert (code, out) == (1, "")
    assert "lstmcore: --dtype: expected 'float32': this CPU has no dot products of bfloat16" in err


@pytest.mark.skipif(not policies.bfloat16_products(), reason="no dot products of bfloat16")
def test_bench_in_mixed_precision(monkeypatch):
    small = bench_run.Case("small", 2, 3, 4, 5)
    monkeypatch.setattr(bench_run, "LAYERS", [small])
    stack = [layers.LSTM(3), layers.Dense(1)]
    monkeypatch.setattr(bench_run, "_models", lambda: [(small, stack, False)])
    forward, _, fit, stream = made = bench_run.create_measures("mixed_bfloat16")
    assert forward.call.func.dtype_policy.name == "mixed_bfloat16"
    assert {layer.compute_dtype for layer in fit.call.func.__self__.layers} == {"bfloat16"}
    assert stream.call().dtype == "float32"
    stack[:] = [layers.LSTM(3), layers.Dense(1)]
    found = bench_run.measure_all(0.1, "mixed_bfloat16", lambda: None)
    assert (found["dtype"], len(found["results"])) == ("mixed_bfloat16", len(made))


def test_bench_of_stored_weights(capsys, monkeypatch):
    storage = "int8"
    monkeypatch.setattr(bench_run, "LAYERS", [bench_run.Case("small", 2, 3, 4, 5)])
    forward, stream = bench_run.create_measures("float32", storage)
    assert forward.call.func.kernel_info()["storage"] == storage
    assert (forward.kind, stream.kind) == ("forward", "stream")
    code, out, _ = run(capsys, "bench", "--weights", storage, "--seconds", "0.1", "--json")
    found = json.loads(out)
    assert (code, found["storage"]) == (0, storage)
    assert found["dot_product"] == _core.dot_product(storage)
    code, out, _ = run(capsys, "bench", "--weights", storage, "--seconds", "0.1")
    assert f"bench, float32, weights in {storage}\n" in out
    assert "step of fit" not in out
    code, _, err = run(capsys, "bench", "--weights", storage, "--dtype", "float64")
    assert code == 1
    assert f"--weights: expected layers of float32 for {storage}, got float64" in err


def test_bench_in_words(capsys, monkeypatch):
    case = bench_run.Case("text", 32, 100, 64, 128)
    made = [
        bench_run.Measure(kind, "text", time.sleep, 1, case, flops, [0.001], [0.001, 0.002])
        for kind, flops in (("forward", 10**7), ("train", 10**7), ("fit", 0), ("stream", 10**7))
    ]
    found = {"tile_gflops": 40.0, "away": 0.5, "results": [one.result(40.0) for one in made]}
    monkeypatch.setattr(bench_run, "measure_all", lambda *options: found)
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


def test_a_busy_machine_has_time_for_one_call():
    found = bench_run.measure_all(0, "float32", lambda: None)
    (stream,) = [one for one in found["results"] if one["kind"] == "stream"]
    assert found["rounds"] == 1
    assert stream["p99_seconds"] == stream["seconds"] > 0
