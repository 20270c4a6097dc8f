"""``lstmcore text``: what it prints, writes and returns, and how it refuses."""

import json

import pytest
from sample_texts import RHYME

from lstmcore import cli, load_model
from lstmcore.callbacks import Callback
from lstmcore.cli import text as command
from lstmcore.text import LanguageModel

QUICK = ["--units", "8", "--layers", "1", "--epochs", "2", "--batch-size", "4"]


@pytest.fixture(autouse=True)
def rhyme(tmp_path, monkeypatch):
    """Write a text to an empty working directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rhyme.txt").write_text(RHYME)
    return tmp_path


def fails(capsys, *argv):
    """Call a command that fails; return its exit code and error line."""
    try:
        code = cli.main(["text", *argv])
    except SystemExit as stop:
        code = stop.code
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return code, err


@pytest.mark.parametrize("part", [[], ["train"], ["generate"]])
def test_help_shows_an_example(capsys, part):
    with pytest.raises(SystemExit) as stop:
        cli.main(["text", *part, "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    assert "  lstmcore text " in out
    assert max(map(len, out.splitlines())) < 100


def test_train_and_generate(capsys):
    assert cli.main(["text", "train", "rhyme.txt", *QUICK, "--sample", "7"]) == 0
    out = capsys.readouterr().out
    assert "rhyme.txt: 2,280 characters, the last 228 held out" in out
    assert out.count("nats per character; it writes: ") == 2
    assert "pairs of characters" in out
    assert "best of 2 epochs" in out
    assert f"model: {command.DEFAULT_MODEL}" in out
    assert cli.main(["text", "generate", "--prompt", "Jack", "-n", "30"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Jack")
    assert len(out) == 35
    wanted = out[4:-1]
    assert cli.main(["text", "generate", "--prompt", "Jack", "-n", "30", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["text"] == wanted


def test_json_says_what_the_model_file_does(capsys):
    argv = ["text", "train", "rhyme.txt", *QUICK, "--level", "word", "--model", "a.safetensors"]
    assert cli.main([*argv, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["level"] == "word"
    assert len(found["history"]["val_loss"]) == found["epochs"] == 2
    model = LanguageModel.load("a.safetensors")
    cut = round(len(RHYME) * 0.9)
    again = model.evaluate(RHYME[cut:], RHYME[cut - 2000 : cut])
    assert found["held_out"]["nats_per_character"] == pytest.approx(again["nats_per_character"])
    assert found["vocabulary"] == len(model.vocabulary)
    best = min(found["history"]["val_loss"])
    assert found["held_out"]["nats_per_token"] == pytest.approx(best)
    assert cli.main([*argv, "--json"]) == 0
    twice = json.loads(capsys.readouterr().out)
    assert twice["history"] == found["history"]


def test_generate_takes_all_options(capsys):
    cli.main(["text", "train", "rhyme.txt", *QUICK, "-q"])
    capsys.readouterr()
    argv = ["text", "generate", "--temperature", "1.5", "--top-k", "9", "--top-p", "0.9"]
    argv += ["--seed", "4", "-n", "200", "--json"]
    assert cli.main(argv) == 0
    text = json.loads(capsys.readouterr().out)["text"]
    assert len(text) == 200
    assert cli.main([*argv, "--stop", text[50:54], "--stop", text[20:24]]) == 0
    short = json.loads(capsys.readouterr().out)["text"]
    assert short == text[: min(text.find(text[50:54]), text.find(text[20:24]))]


def test_ctrl_c_keeps_the_best_model(capsys, monkeypatch):
    class Stop(Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    monkeypatch.setattr(command, "_sample_callbacks", lambda args, model: [Stop()])
    code, err = fails(capsys, "train", "rhyme.txt", *QUICK, "-q", "--model", "b.safetensors")
    assert code == 130
    assert "b.safetensors" in err
    assert load_model("b.safetensors").vocabulary is not None


def test_it_refuses_in_one_line(capsys, rhyme):
    (rhyme / "empty.txt").write_text("")
    (rhyme / "short.txt").write_text("short")
    (rhyme / "latin.txt").write_bytes("é".encode("latin-1") * 2000)
    for name, message in (
        ("empty.txt", "is empty"),
        ("short.txt", "has 5 characters; 1000 are the least"),
        ("latin.txt", "not UTF-8 text"),
        ("none.txt", "cannot be read"),
    ):
        code, err = fails(capsys, "train", name, *QUICK)
        assert code == 1
        assert message in err
    code, err = fails(capsys, "train", "rhyme.txt", "--model", "a.h5")
    assert code == 1
    assert ".safetensors" in err
    assert fails(capsys, "train", "rhyme.txt", "--level", "words")[0] == 2
    assert fails(capsys, "generate", "--top-p", "2")[0] == 2
    code, err = fails(capsys, "generate", "--model", "none.safetensors")
    assert code == 1
    assert "is no file" in err


def test_a_model_without_a_vocabulary_is_refused(capsys):
    from lstmcore import Input, Sequential, layers

    Sequential([Input((None, 1)), layers.Dense(1)]).save("plain.safetensors")
    code, err = fails(capsys, "generate", "--model", "plain.safetensors")
    assert code == 1
    assert "has no vocabulary" in err
