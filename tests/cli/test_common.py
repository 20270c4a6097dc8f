"""What the commands share: options, JSON, model files, the best model kept at Ctrl-C."""

import argparse
import json

import numpy as np
import pytest

import lstmcore
from lstmcore import cli
from lstmcore.callbacks import LambdaCallback
from lstmcore.cli import common
from lstmcore.layers import LSTM, Dense


def small():
    lstmcore.utils.set_random_seed(0)
    model = lstmcore.Sequential([lstmcore.Input((3, 1)), LSTM(2), Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    return model


X, Y = np.linspace(-1, 1, 24).reshape(8, 3, 1), np.linspace(0, 1, 8)


# --- options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (common.whole_number(1), "7", 7),
        (common.real_number(0, 1), "0.5", 0.5),
        (common.real_number(0, open_low=True), "1e-3", 1e-3),
        (common.real_number(), "-2", -2.0),
        (common.names, "a, b", ["a", "b"]),
        (common.season, "0", 0),
    ],
)
def test_types(kind, text, value):
    assert kind(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (common.whole_number(1, 9), "10", "a whole number from 1 to 9, got '10'"),
        (common.whole_number(0), "1.5", "expected a whole number from 0"),
        (common.real_number(0, 1), "1.01", "expected a number from 0 to 1, got '1.01'"),
        (common.real_number(0, open_low=True), "0", "expected a number above 0, got '0'"),
        (common.real_number(0), "inf", "expected a number of at least 0, got 'inf'"),
        (common.real_number(), "nan", "expected a number like 0.5, got 'nan'"),
        (common.names, "a,,b", "expected names like a,b,c, got 'a,,b'"),
        (common.season, "1", "expected 0 for none"),
    ],
)
def test_types_refuse(kind, text, message):
    with pytest.raises(argparse.ArgumentTypeError, match=message):
        kind(text)


def test_seed_and_threads_are_set_for_the_command_alone():
    parser = common.Parser()
    common.add_computing(parser)
    args = parser.parse_args(["--seed", "3", "--threads", "1"])
    before = lstmcore.get_num_threads()
    with common.computing(args):
        first = lstmcore.utils.generator().random()
        assert lstmcore.get_num_threads() == 1
    assert lstmcore.get_num_threads() == before
    with common.computing(args):
        assert lstmcore.utils.generator().random() == first


def test_every_command_of_the_list_that_has_a_module_is_there():
    commands = cli.make_parser().format_help()
    for name in ("demo", "bench", "info"):
        assert f"\n    {name} " in commands


# --- output -------------------------------------------------------------------------------------


def test_json_has_no_nan_and_takes_arrays(capsys, tmp_path):
    common.print_json(
        {"a": np.array([1.5, np.nan]), "b": np.float32(2), 3: (np.inf,), "p": tmp_path}
    )
    assert json.loads(capsys.readouterr().out) == {
        "a": [1.5, None],
        "b": 2.0,
        "3": [None],
        "p": str(tmp_path),
    }


def test_a_missing_extra_is_one_line():
    with pytest.raises(
        cli.CommandError, match=r"^tune needs no_such: pip install lstmcore\[tuner\]$"
    ):
        common.need("no_such", "tuner", "tune")
    common.need("json", "tuner", "tune")


@pytest.mark.parametrize(
    ("name", "message"),
    [("model.h5", "must end in .safetensors"), ("no/m.safetensors", "cannot be written; give ano")],
)
def test_paths_of_models_are_checked_first(tmp_path, name, message):
    with pytest.raises(cli.CommandError, match=message):
        common.model_path(tmp_path / name)


def test_files_that_are_no_models(tmp_path):
    with pytest.raises(cli.CommandError, match="is no file; give the path of a model"):
        common.read_model(tmp_path / "gone.safetensors")
    (tmp_path / "m.safetensors").write_text("x")
    with pytest.raises(cli.CommandError, match="no model can be read") as refusal:
        common.read_model(tmp_path / "m.safetensors")
    assert "\n" not in str(refusal.value)


def test_a_table():
    assert common.table(["a", "n"], [["long", "1"], ["x", "22"]]) == [
        "a      n",
        "long   1",
        "x     22",
    ]


# --- Ctrl-C -------------------------------------------------------------------------------------


def interrupt(epoch, batch):
    """Ctrl-C after a batch of an epoch, both counted from 0."""
    now = [0]

    def began(number, logs):
        now[0] = number

    def ended(number, logs):
        if (now[0], number) == (epoch, batch):
            raise KeyboardInterrupt

    return LambdaCallback(on_epoch_begin=began, on_train_batch_end=ended)


def fit(model, keep, *others, **options):
    model.fit(X, Y, batch_size=2, epochs=4, verbose=0, callbacks=[*others, keep], **options)


def test_an_interrupt_keeps_the_best_model(tmp_path):
    model, path = small(), tmp_path / "m.safetensors"
    after = []
    record = LambdaCallback(on_epoch_end=lambda epoch, logs: after.append(model.get_weights()))
    keep = common.keep_best(lambda: model.save(path), path)
    with pytest.raises(common.Interrupted) as stop, keep:
        fit(model, keep, record, interrupt(2, 1))
    assert str(stop.value).startswith("the best model so far (epoch 2, loss 0.")
    assert str(stop.value).endswith(f"is in {path}")
    for found in (model, lstmcore.load_model(path)):
        for a, b in zip(found.get_weights(), after[1], strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_best_epoch_is_not_the_last(tmp_path):
    model, path = small(), tmp_path / "m.safetensors"
    keep = common.keep_best(lambda: model.save(path), path, monitor="epoch", mode="min")
    first = []

    def add(epoch, logs):
        logs["epoch"] = epoch
        if not epoch:
            first.extend(model.get_weights())

    with keep:
        fit(model, keep, LambdaCallback(on_epoch_end=add))
    assert keep.best_epoch == 0
    for found in (model, lstmcore.load_model(path)):
        for a, b in zip(found.get_weights(), first, strict=True):
            np.testing.assert_array_equal(a, b)


def test_several_fits(tmp_path):
    model, path = small(), tmp_path / "m.safetensors"
    keep = common.keep_best(lambda: model.save(path), path, monitor="n", mode="max")
    numbers, best = iter([1, 5, 2, 3]), []

    def add(epoch, logs):
        logs["n"] = next(numbers)
        if logs["n"] == 5:
            best.extend(model.get_weights())

    with keep:
        for epoch in range(4):
            one = {"epochs": epoch + 1, "initial_epoch": epoch, "verbose": 0}
            model.fit(X, Y, callbacks=[LambdaCallback(on_epoch_end=add), keep], **one)
    assert keep.best_epoch == 1
    for found in (model, lstmcore.load_model(path)):
        for a, b in zip(found.get_weights(), best, strict=True):
            np.testing.assert_array_equal(a, b)


def test_what_is_watched():
    model = small()
    keep = common.keep_best(None)
    fit(model, keep, validation_split=0.25)
    assert keep.monitor == "val_loss"
    with (
        pytest.raises(KeyboardInterrupt, match=r"\(epoch \d, val_loss \d\.\d+\) was not saved"),
        keep,
    ):
        raise KeyboardInterrupt


def test_an_interrupt_in_the_first_epoch(tmp_path):
    model, path = small(), tmp_path / "m.safetensors"
    keep = common.keep_best(lambda: model.save(path), path)
    with (
        pytest.raises(common.Interrupted, match="the model after 2 steps of its first epoch"),
        keep,
    ):
        fit(model, keep, interrupt(0, 2))
    for a, b in zip(lstmcore.load_model(path).get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_interrupt_before_the_first_step(tmp_path):
    path = tmp_path / "m.safetensors"
    with (
        pytest.raises(common.Interrupted, match=r"^nothing was trained yet$"),
        common.keep_best(lambda: path.touch(), path),
    ):
        raise KeyboardInterrupt
    assert not path.exists()


def test_the_exit_code_and_the_line(capsys, monkeypatch):
    def stop(*args, **kwargs):
        raise common.Interrupted("the best model so far is in m.safetensors")

    monkeypatch.setattr("lstmcore.cli.demo_run.forecast", stop)
    assert cli.main(["demo", "--no-plot", "-q"]) == 130
    line = "lstmcore: interrupted; the best model so far is in m.safetensors\n"
    assert capsys.readouterr() == ("", line)


@pytest.mark.parametrize("error", [FloatingPointError("the loss\n is NaN"), MemoryError()])
def test_what_happens_on_the_way_is_one_line(capsys, monkeypatch, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("lstmcore.cli.demo_run.forecast", fail)
    assert cli.main(["demo", "--no-plot", "-q"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("lstmcore: the")
