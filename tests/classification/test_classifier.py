"""The classifier of texts: it learns, keeps, repeats itself, refuses."""

import numpy as np
import pytest
from forged_files import forge, to, without
from sample_texts import reviews

import lstmcore
from lstmcore.classification import TextClassifier
from lstmcore.data import DataError
from lstmcore.layers import LSTM

QUICK = {"units": 6, "embedding": 8, "learning_rate": 0.02, "verbose": 0, "random_state": 0}


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


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("classifier") / "m.safetensors"
    TextClassifier(**QUICK, epochs=1).fit(*reviews(20)).save(path)
    return path


CONFIG = ("model", "config")
WORDS = (*CONFIG, "vectorization", "config")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (to(["neg"], *CONFIG, "classes"), r"classes: expected \[2\] names.*got 1"),
        (to(["a", "b", "c"], *CONFIG, "classes"), r"classes: expected \[2\] names.*got 3"),
        (to(["a", "a"], *CONFIG, "classes"), "classes: expected different texts"),
        (to(["a", 1], *CONFIG, "classes"), "classes: expected different texts"),
        (to([1.5, 2.5], *CONFIG, "classes"), "classes: expected different texts"),
        (to([[], []], *CONFIG, "classes"), "classes: expected different texts"),
        (to([3], *CONFIG, "counts"), "counts: expected 2 whole numbers"),
        (to([3, -1], *CONFIG, "counts"), "counts: expected 2 whole numbers"),
        (to([3, {}], *CONFIG, "counts"), "counts: expected 2 whole numbers"),
        (without(*WORDS, "vocabulary"), "vectorization: expected one that has been adapted"),
        (to(lambda v: [*v, "more"], *WORDS, "vocabulary"), "vectorization: expected .* at most"),
        (to(None, *WORDS, "split"), "no text classifier"),
    ],
)
def test_forged_files_are_refused_when_they_are_read(file, tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        TextClassifier.load(forge(file, tmp_path / "m", change))


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


# --- the command ----------------------------------------------------------------------------------

pytestmark = pytest.mark.usefixtures("one_thread")
