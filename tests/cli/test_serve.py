"""`lstmcore serve` as docs/serving.md describes it: its options, the clients shown there."""

import argparse
import re
from pathlib import Path

import numpy as np
import pytest

from lstmcore import cli

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

from serving_cases import last_model, running

TEXT = (Path(__file__).parents[2] / "docs/serving.md").read_text(encoding="utf-8")


def parser_of_serve():
    """The parser of the command."""
    commands = next(
        action
        for action in cli.make_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    return commands.choices["serve"]


def test_the_table_of_options_is_that_of_the_command():
    rows = re.findall(r"^\| `(--[a-z-]+)` \|\s*([^|]*?)\s*\|", TEXT, re.M)
    options = {
        action.option_strings[0]: action.default
        for action in parser_of_serve()._actions
        if action.option_strings and action.dest != "help"
    }
    assert [name for name, _ in rows] == list(options)
    for name, said in rows:
        if re.fullmatch(r"[\d.]+", said.strip()) and options[name] != said.strip():
            assert float(said) == options[name], name


def blocks():
    return re.findall(r"```py\n(.*?)```", TEXT, re.DOTALL)


def run_with(block, folder, names):
    with running(folder) as server:
        exec(
            compile(block.replace("localhost:8000", f"127.0.0.1:{server.port}"), "doc", "exec"),
            names,
        )


@pytest.fixture
def demand(tmp_path, monkeypatch):
    """A folder with the model of the page."""
    (tmp_path / "models").mkdir()
    last_model().save(tmp_path / "models" / "demand.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "models"


def test_the_client_of_the_standard_library(demand, capsys):
    run_with(blocks()[0], demand, {})
    assert capsys.readouterr().out.startswith("[1, 2] [")


def test_the_client_of_triton(demand, capsys):
    pytest.importorskip("tritonclient.http")
    run_with(blocks()[1], demand, {})
    assert capsys.readouterr().out.startswith("[[")


def test_fastapi(demand):
    pytest.importorskip("fastapi")
    names = {"__name__": "doc"}
    exec(compile(blocks()[2], "doc", "exec", dont_inherit=True), names)
    found = names["predict"](names["Rows"](x=[[[1, 2, 3]]]))["y"]
    np.testing.assert_array_equal(
        found, names["model"].predict(np.array([[[1.0, 2, 3]]]), verbose=0)
    )
