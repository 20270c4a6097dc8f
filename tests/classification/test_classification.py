"""Texts into classes: the model of texts, the classifier, the command."""

import io
import json

import numpy as np
import pytest
from command_line import fails
from labelled_texts import reviews, write

import lstmcore
from lstmcore import Input, cli
from lstmcore.classification import TextClassifier, evaluate_classes
from lstmcore.data import DataError
from lstmcore.layers import LSTM, Dense, Embedding, TextVectorization
from lstmcore.layers.preprocessing.text_vectorization import lower_words
from lstmcore.models.texts import TextReader
from lstmcore.utils import set_random_seed

QUICK = {"units": 6, "embedding": 8, "learning_rate": 0.02, "verbose": 0, "random_state": 0}


@pytest.fixture(autouse=True)
def one_thread():
    with lstmcore.num_threads(1):
        yield


# --- words ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's GREAT!! (really)", "it's great ! ! ( really )"),
        ("\u00d6sterreich, l\u2019\u00e9t\u00e9", "\u00f6sterreich , l\u2019\u00e9t\u00e9"),
        ("\u6211\u559c\u6b22 it", "\u6211 \u559c \u6b22 it"),
        (" \t\n", ""),
    ],
)
def test_lower_words(text, words):
    assert lower_words(np.array([text], object)).tolist() == [words]


def model_of_texts():
    set_random_seed(0)
    words = TextVectorization(standardize=lower_words, ragged=True)
    words.adapt(["a good film", "a \u4e0d one", "\U0001f600 !"])
    x = Input((None,))
    y = Dense(2)(LSTM(4)(Embedding(words.vocabulary_size(), 4, mask_zero=True)(x)))
    return TextReader(x, y, vectorization=words, classes=["x", "y"], counts=[3, 1])


def test_a_model_of_texts():
    model = model_of_texts()
    texts = ["good film", "", "A FILM! A film", "unheard of"]
    y = model.predict(texts)
    alone = np.concatenate([model.predict([text]) for text in texts])
    np.testing.assert_array_equal(y, alone)
    np.testing.assert_array_equal(y, model.predict(model.numbers(texts)))
    np.testing.assert_array_equal(y, model.predict(np.array(texts)))
    np.testing.assert_array_equal(y, model.predict(np.array(texts, object)))
    np.testing.assert_array_equal(y[1], model.predict(["unheard"])[0])


def test_a_model_of_texts_in_a_file(tmp_path):
    model = model_of_texts()
    texts = ["a good \u4e0d", "\U0001f600"]
    y = model.predict(texts)
    model.save(tmp_path / "m.safetensors")
    again = lstmcore.load_model(tmp_path / "m.safetensors")
    assert isinstance(again, TextReader)
    assert (again.classes, again.counts) == (["x", "y"], [3, 1])
    np.testing.assert_array_equal(again.predict(texts), y)


def test_a_large_vocabulary_of_another_script_fits_into_a_file(tmp_path):
    tokens = ["".join(chr(0x430 + (i // 32**k) % 32) for k in range(8)) for i in range(20000)]
    words = TextVectorization(vocabulary=tokens, ragged=True)
    x = Input((None,))
    model = TextReader(x, LSTM(1)(Embedding(20002, 1)(x)), vectorization=words)
    y = model.predict(tokens[:3])
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(
        lstmcore.load_model(tmp_path / "m.safetensors").predict(tokens[:3]), y
    )


# --- the classifier -------------------------------------------------------------------------------


def test_it_learns_and_keeps(tmp_path):
    texts, labels = reviews()
    model = TextClassifier(**QUICK).fit(texts, labels)
    more, truth = reviews(seed=1)
    tested = model.evaluate(more, truth)
    assert tested.accuracy > 0.9
    assert tested.majority == 0.5
    assert model.predict(["Superb!", "AWFUL?"]).tolist() == ["pos", "neg"]
    model.save(tmp_path / "m.safetensors")
    again = TextClassifier.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict_proba(more), model.predict_proba(more))
    assert again.evaluate(more, truth).to_json() == tested.to_json()


def test_seeds():
    texts, labels = reviews(40)
    a, b, c = (
        TextClassifier(**{**QUICK, "random_state": s}, epochs=2).fit(texts, labels)
        for s in (3, 3, 4)
    )
    np.testing.assert_array_equal(a.predict_proba(texts), b.predict_proba(texts))
    assert not np.array_equal(a.predict_proba(texts), c.predict_proba(texts))


def test_labels_may_be_numbers():
    texts, labels = reviews(40)
    stars = [1 if label == "neg" else 5 for label in labels]
    model = TextClassifier(**QUICK, epochs=2).fit(texts, stars)
    assert model.classes_ == [1, 5]
    assert set(model.predict(texts).tolist()) <= {1, 5}


def test_without_validation_all_epochs_are_trained():
    model = TextClassifier(**QUICK, epochs=4, validation_fraction=0).fit(*reviews(20))
    assert len(model.history_["loss"]) == 4
    assert "val_loss" not in model.history_


def test_balanced_classes():
    texts, labels = reviews(60)
    rare = [i for i in range(60) if labels[i] == "neg" or i < 12]
    texts, labels = [texts[i] for i in rare], [labels[i] for i in rare]
    plain, even = (
        TextClassifier(**QUICK, epochs=3, balanced=b).fit(texts, labels) for b in (False, True)
    )
    assert even.predict_proba(texts)[:, 1].mean() > plain.predict_proba(texts)[:, 1].mean() + 0.05


def test_long_texts_are_cut():
    texts, labels = reviews(20)
    model = TextClassifier(**QUICK, epochs=1, max_words=3).fit(texts, labels)
    a, b = model.predict_proba(["a good film and", "a good film"])
    np.testing.assert_array_equal(a, b)


def test_pandas():
    pandas = pytest.importorskip("pandas")
    texts, labels = reviews(40)
    frame = pandas.DataFrame({"text": texts, "label": labels})
    a = TextClassifier(**QUICK, epochs=2).fit(frame["text"], frame["label"])
    b = TextClassifier(**QUICK, epochs=2).fit(texts, labels)
    np.testing.assert_array_equal(a.predict_proba(frame["text"]), b.predict_proba(texts))
    assert a.evaluate(frame["text"], frame["label"]).support.tolist() == [20, 20]


@pytest.mark.parametrize(
    ("texts", "labels", "message"),
    [
        (["a", "b"], ["x"], "expected 2, as there are texts, got 1"),
        (["a", "b"], ["x", "x"], "all texts have the label 'x'"),
        ("a text", ["x"], "expected a list of texts, got one"),
        ([], [], "expected at least one, got none"),
        (["a", None], ["x", "y"], r"expected str, got NoneType \(text 1\)"),
        (["a", "b"], [0.5, 1.0], "expected a str or a whole number"),
        (["", " "], ["x", "y"], "at least one word"),
    ],
)
def test_what_cannot_be_learned(texts, labels, message):
    with pytest.raises(DataError, match=message):
        TextClassifier(verbose=0).fit(texts, labels)


def test_what_cannot_be_evaluated_or_read(tmp_path):
    model = TextClassifier(**QUICK, epochs=1)
    with pytest.raises(ValueError, match="knows nothing yet"):
        model.predict(["a"])
    model.fit(*reviews(20))
    with pytest.raises(DataError, match=r"labels: 'poss' \(text 0\) was not seen.*mean 'pos'"):
        model.evaluate(["a"], ["poss"])
    lstmcore.Sequential([lstmcore.Input((3, 1)), LSTM(2)]).save(tmp_path / "m.safetensors")
    with pytest.raises(DataError, match="is no text classifier but a Sequential"):
        TextClassifier.load(tmp_path / "m.safetensors")


def test_evaluation():
    p = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.6, 0.4, 0], [0.1, 0.7, 0.2]], "f4")
    tested = evaluate_classes(p, np.array([0, 1, 1, 2]), ["a", "b", "c"], 1)
    assert tested.confusion.tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 0]]
    assert (tested.accuracy, tested.majority) == (0.5, 0.5)
    np.testing.assert_allclose(tested.precision, [0.5, 0.5, 0])
    np.testing.assert_allclose(tested.recall, [1, 0.5, 0])
    np.testing.assert_allclose(tested.f1, [2 / 3, 0.5, 0])
    np.testing.assert_allclose(tested.loss, -np.log([0.9, 0.8, 0.4, 0.2]).mean(), rtol=1e-6)


# --- the command ----------------------------------------------------------------------------------

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
    assert cli.main(["classify", "predict", "superb!", "awful", "--model", "m.safetensors"]) == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [(row[0], row[2]) for row in rows] == [("pos", "superb!"), ("neg", "awful")]
    write(folder / "more.tsv", *reviews(40, seed=1))
    evaluate = ["classify", "evaluate", "more.tsv", "--model", "m.safetensors", "--json"]
    assert cli.main(evaluate) == 0
    tested = json.loads(capsys.readouterr().out)
    assert tested["accuracy"] > 0.8
    assert tested["classes"]["neg"]["samples"] == 20


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
