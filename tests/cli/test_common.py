"""Shared parts of the commands: options, JSON, tables, model files."""

import argparse
import json

import numpy as np
import pytest

import lstmcore
from lstmcore import cli
from lstmcore.cli import common

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
