"""``lstmcore tune``: what it prints, keeps and refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import lstmcore
from lstmcore import cli
from lstmcore.forecasting import GlobalForecaster, LSTMForecaster

pytest.importorskip("optuna")

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(lstmcore.__file__).parents[1])}
QUICK = ["--trials", "2", "--epochs", "2", "--threads", "1", "--target", "sold"]


@pytest.fixture
def sales(tmp_path, monkeypatch):
    """A CSV file of a wave, with a column of words, in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    values = 10 + 3 * np.sin(np.arange(150) / 4)
    rows = [f"{i},{value:.4f},a" for i, value in enumerate(values)]
    (tmp_path / "sales.csv").write_text("\n".join(["day,sold,shop", *rows]))
    return tmp_path


def tune(*options):
    return cli.main(["tune", "sales.csv", *QUICK, *options])


def refused(capsys, *options):
    try:
        code = tune(*options)
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return code, err


def test_help_shows_examples(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["tune", "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "  lstmcore tune sales.csv" in out
    assert max(map(len, out.splitlines())) < 100


def test_it_searches_and_compares_with_repeating_the_last_value(sales, capsys):
    assert tune("--horizon", "3", "--save", "best.safetensors") == 0
    out = capsys.readouterr().out
    assert "150 values: 90 to train on, 30 to choose by, 30 held out" in out
    assert out.count("\nTrial 000") == 2
    assert "repeating the last value" in out
    assert LSTMForecaster.load(sales / "best.safetensors").predict().shape == (3,)


def test_json_and_going_on(sales, capsys):
    assert tune("--json", "--window", "5") == 0
    first = json.loads(capsys.readouterr().out)
    assert [t["trial"] for t in first["trials"]] == ["0000", "0001"]
    assert first["best"]["val_error"] == min(t["val_error"] for t in first["trials"])
    assert first["best"]["hyperparameters"]["window"] == 5
    assert Path(first["model"]).exists()
    # what was held out, computed in another way
    values = 10 + 3 * np.sin(np.arange(150) / 4)
    changes = np.round(values, 4)[120:] - np.round(values, 4)[119:-1]
    assert first["rmse"]["persistence"] == pytest.approx(np.sqrt(np.mean(changes**2)), rel=1e-9)
    assert tune("--json", "--window", "5", "--trials", "3") == 0
    second = json.loads(capsys.readouterr().out)
    assert second["trials"][:2] == first["trials"]
    assert len(second["trials"]) == 3
    assert tune("--json", "--window", "6") == 0  # another search
    assert json.loads(capsys.readouterr().out)["folder"] != first["folder"]


def test_the_error_is_that_of_the_forecaster(sales, capsys):
    assert tune("--json", "--horizon", "2") == 0
    result = json.loads(capsys.readouterr().out)
    settings = {**result["best"]["hyperparameters"], "horizon": 2, "epochs": 2, "random_state": 0}
    values = np.round(10 + 3 * np.sin(np.arange(150) / 4), 4)
    for part, want in ((90, result["best"]["val_error"]), (120, result["rmse"]["LSTM"])):
        model = LSTMForecaster(**settings).fit(values[:part])
        errors = [
            model.forecast_at(values, [i])[0][0, :, 0] - values[i : i + 2]
            for i in range(part, part + 29)
        ]
        error = np.sqrt(np.mean(np.square(errors), axis=0)).mean()
        assert want == pytest.approx(error, rel=1e-4)
    whole = LSTMForecaster(**settings).fit(values)
    np.testing.assert_allclose(
        LSTMForecaster.load(result["model"]).predict(), whole.predict(), rtol=1e-5
    )


def test_many_series(sales, capsys):
    random = np.random.default_rng(0)
    rows = [
        f"s{k},{t},{(k + 1) * (9 + np.sin(t) + random.normal()):.3f}"
        for k in range(3)
        for t in range(60)
    ]
    (sales / "many.csv").write_text("\n".join(["shop,step,sold", *rows]))
    command = ["tune", "many.csv", *QUICK, "--id", "shop", "--window", "8", "--horizon", "3"]
    assert cli.main([*command, "--json", "--save", "best.safetensors", "--jobs", "2"]) == 0
    result = json.loads(capsys.readouterr().out)
    table = GlobalForecaster.load("best.safetensors").predict()
    assert table["LSTM"].shape == (9,)
    assert set(result["mase"]) == {"LSTM", "seasonal naive"}
    assert result["best"]["val_error"] == min(t["val_error"] for t in result["trials"])
    assert cli.main([*command, "-q"]) == 0  # goes on, with nothing left to do
    assert "the seasonal naive forecast" in capsys.readouterr().out
    assert cli.main([*command, "--build", "network.py"]) == 1
    assert "leave out --id or --build" in capsys.readouterr().err


def test_a_network_of_ones_own(sales, capsys):
    (sales / "network.py").write_text(
        "from lstmcore import Input, Sequential\n"
        "from lstmcore.layers import GRU, Dense\n"
        "def build_model(hp):\n"
        "    layers = [GRU(hp.Int('size', 2, 3)), Dense(hp.get('horizon'))]\n"
        "    model = Sequential([Input((hp.get('window'), 1)), *layers])\n"
        "    model.compile('adam', 'mse')\n"
        "    return model\n"
    )
    options = ("--build", "network.py", "--jobs", "2", "--search", "hyperband", "--quiet")
    assert tune(*options, "--storage", "sqlite:///study.db") == 0
    out = capsys.readouterr().out
    assert "size" in out
    assert "Trial 0" not in out
    assert (sales / "study.db").exists()


def test_a_plot(sales, capsys):
    pytest.importorskip("matplotlib")
    assert tune("--quiet", "--plot", "search.png") == 0
    assert "plot: search.png" in capsys.readouterr().out
    assert (sales / "search.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--target", "solt"], 1, "no column 'solt'; did you mean 'sold'?"),
        (["--target", "shop"], 1, "holds 'a', not a number"),
        (["--horizon", "80"], 1, "is too short: 90 of its 150 values are to train on"),
        (["--window", "90"], 1, "is too short"),
        (["--trials", "0"], 2, "expected a whole number from 1"),
        (["--search", "luck"], 2, "invalid choice"),
        (["--search", "hyperband"], 1, "it is for --build alone"),
        (["--save", "best.h5"], 1, "--save best.h5: the name must end in .safetensors"),
        (["--build", "no.py"], 1, "--build no.py is no file"),
        (["--build", "sales.csv"], 1, "expected a Python file"),
        (["--build", "bad.py"], 1, "--build bad.py: ZeroDivisionError: division by zero"),
        (["--build", "empty.py"], 1, "--build empty.py has no function build_model(hp)"),
        (["--build", "none.py"], 1, "expected it to return a model, got None"),
        (["--storage", "foo://x"], 1, "storage foo://x cannot be used"),
    ],
)
def test_what_cannot_be_done_is_one_line(sales, capsys, options, code, said):
    (sales / "bad.py").write_text("1 / 0\n")
    (sales / "empty.py").write_text("")
    (sales / "none.py").write_text("def build_model(hp):\n    pass\n")
    got, err = refused(capsys, *options)
    assert got == code
    assert said in err


def test_a_series_that_does_not_vary(sales, capsys):
    (sales / "sales.csv").write_text("sold\n" + "1\n" * 100)
    assert "does not vary" in refused(capsys)[1]


def test_without_optuna(sales, capsys, monkeypatch):
    monkeypatch.setattr("lstmcore.cli.common.find_spec", lambda name: None)
    code, err = refused(capsys)
    assert code == 1
    assert err == "lstmcore: tune needs optuna: pip install lstmcore[tuner]\n"


def test_ctrl_c_keeps_the_best_so_far(sales):
    command = [
        sys.executable,
        "-m",
        "lstmcore",
        "tune",
        "sales.csv",
        "--target",
        "sold",
        "--trials",
        "500",
    ]
    process = subprocess.Popen(
        command, env=ENVIRONMENT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    while "Trial 0000" not in process.stdout.readline():
        assert process.poll() is None
    time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.count("\n") == 1
    assert "interrupted; the best of " in err
    path = err.partition("networks so far is in ")[2].partition(";")[0]
    assert lstmcore.load_model(sales / path).built
