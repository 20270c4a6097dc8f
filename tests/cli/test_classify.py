"""``lstmcore classify``: what it prints, writes and refuses."""

import io
import json

import pytest
from command_line import fails
from sample_texts import reviews, write

import lstmcore
from lstmcore import cli
from lstmcore.classification import TextClassifier
from lstmcore.layers import LSTM

TRAIN = ["--units", "6", "--embedding", "8", "--epochs", "6", "--batch-size", "4", "--threads", "1"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "reviews.tsv", *reviews(120))
    return tmp_path


def train(*options):
    return ["classify", "train", "reviews.tsv", *TRAIN, *options]


def test_train_predict_evaluate(folder, capsys):
    assert cli.main(train("--model", "m.safetensors")) == 0
    out = capsys.readouterr().out
    assert "texts     108 from reviews.tsv: pos (54), neg (54)" in out
    assert "12 set apart" in out
    assert "always saying 'neg': 0.5000" in out
    assert "floor     1.0000 by naive Bayes on character n-grams" in out
    assert cli.main(["classify", "predict", "superb!", "awful", "--model", "m.safetensors"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(row[0], row[2]) for row in rows] == [("pos", "superb!"), ("neg", "awful")]
    write(folder / "more.tsv", *reviews(40, seed=1))
    evaluate = ["classify", "evaluate", "more.tsv", "--model", "m.safetensors", "--json"]
    assert cli.main(evaluate) == 0
    tested = json.loads(capsys.readouterr().out)
    assert tested["accuracy"] > 0.8
    assert tested["classes"]["neg"]["samples"] == 20


@pytest.mark.filterwarnings("default")
def test_characters_and_labels_written_in_two_ways(folder, capsys):
    names = [f"{'abcdefghij'[i % 10]}{('ov', 'ini')[i % 2]}" for i in range(60)]
    write(folder / "names.tsv", names, [("Slavic", "Italian", "slavic ")[i % 3] for i in range(60)])
    argv = ["classify", "train", "names.tsv", *TRAIN, "--level", "char", "--json"]
    assert cli.main(argv) == 0
    out, err = capsys.readouterr()
    assert "warning: labels differ only by case or blanks" in err
    found = json.loads(out)
    assert found["vocabulary"] < 20
    assert 0 <= found["floor_accuracy"] <= 1


def test_train_as_json_is_repeatable(folder, capsys):
    runs = []
    for _ in range(2):
        assert cli.main(train("--json", "--test", "reviews.tsv", "--seed", "7")) == 0
        runs.append(json.loads(capsys.readouterr().out))
        del runs[-1]["seconds"]
    assert runs[0] == runs[1]
    assert runs[0]["model"] == "lstmcore-classifier.safetensors"
    assert runs[0]["texts"] == runs[0]["test"]["samples"] == 120


def test_predict_lines_and_tables(folder, capsys, monkeypatch):
    assert cli.main(train("-q", "--test-share", "0")) == 0
    assert "accuracy" not in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO("good film\n\nbad film\n"))
    assert cli.main(["classify", "predict", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["text"] for row in found] == ["good film", "bad film"]
    assert set(found[0]["probabilities"]) == {"neg", "pos"}
    (folder / "new.csv").write_text("id,comment\n1,good\n")
    assert cli.main(["classify", "predict", "--data", "new.csv"]) == 0
    assert capsys.readouterr().out.endswith("\tgood\n")


def test_the_plot(folder, capsys):
    pytest.importorskip("matplotlib")
    assert cli.main(train("-q", "--plot", "c.svg")) == 0
    assert "plot      c.svg" in capsys.readouterr().out
    assert "</svg>" in (folder / "c.svg").read_text()


pytestmark = pytest.mark.usefixtures("one_thread")


def test_an_interrupt_keeps_the_best(folder, capsys, monkeypatch):
    from lstmcore.callbacks import EarlyStopping

    seen = []

    def stop(self, epoch, logs=None):
        seen.append(epoch)
        if epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(EarlyStopping, "on_epoch_end", stop)
    assert cli.main(train("-q", "--model", "m.safetensors")) == 130
    assert "the best model so far (epoch " in capsys.readouterr().err
    assert seen == [0, 1]
    assert len(TextClassifier.load("m.safetensors").predict(["good"])) == 1


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["train", "none.tsv"], "none.tsv cannot be read"),
        (["train", "reviews.tsv", "--model", "m.keras"], "must end in .safetensors"),
        (["train", "reviews.tsv", "--text-column", "txt"], "no column 'txt'; did you mean 'text'"),
        (["train", "one.tsv"], "one.tsv: all texts have the label 'pos'"),
        (["train", "reviews.tsv", "--test", "odd.tsv"], "line 2: the label 'odd' was not seen"),
        (["predict", "x"], "lstmcore-classifier.safetensors is no file"),
        (["predict", "x", "--data", "reviews.tsv"], "either TEXT or --data"),
        (["evaluate", "reviews.tsv", "--model", "other.safetensors"], "is no text classifier"),
    ],
)
def test_errors_are_one_line(folder, capsys, argv, message):
    write(folder / "one.tsv", ["good", "fine"], ["pos", "pos"])
    write(folder / "odd.tsv", ["good"], ["odd"])
    lstmcore.Sequential([lstmcore.Input((3, 1)), LSTM(2)]).save("other.safetensors")
    code, out, err = fails(capsys, ["classify", *argv])
    assert (code, out) == (1, "")
    assert message in err


def test_help_of_parts_shows_examples(capsys):
    for part in ("train", "predict", "evaluate"):
        with pytest.raises(SystemExit):
            cli.main(["classify", part, "--help"])
        out = capsys.readouterr().out
        assert f"  lstmcore classify {part}" in out
        assert max(map(len, out.splitlines())) < 100
