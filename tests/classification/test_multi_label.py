"""Texts with several labels, or none."""

import numpy as np
import pytest

from lstmcore.classification import MultiLabelEvaluation, TextClassifier
from lstmcore.classification.multi_label import as_matrix, usual_answers
from lstmcore.cli import main
from lstmcore.data import DataError

TOPICS = {"sport": "goal", "weather": "rain", "money": "bank"}


def texts_and_labels(n=240, seed=0):
    rng = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(n):
        some = [name for name in TOPICS if rng.random() < 0.4]
        words = [TOPICS[name] for name in some] + ["the", "and", "of"]
        texts.append(" ".join(rng.permutation(words)))
        labels.append(set(some))
    return texts, labels


@pytest.fixture(scope="module")
def classifier():
    settings = {"units": 8, "epochs": 12, "learning_rate": 0.01, "random_state": 0, "verbose": 0}
    return TextClassifier(multi_label=True, **settings).fit(*texts_and_labels())


def test_each_text_gets_its_labels(classifier):
    assert classifier.classes_ == ["money", "sport", "weather"]
    assert classifier.predict(["the rain", "goal of the bank", "and of"]) == [
        ["weather"],
        ["money", "sport"],
        [],
    ]
    found = classifier.evaluate(*texts_and_labels(100, seed=1))
    assert found.micro_f1 > 0.97
    assert found.accuracy > 0.95
    assert classifier.predict_proba(["rain"]).shape == (1, 3)


def test_a_file_says_that_it_has_several_labels(classifier, tmp_path, capsys):
    path = tmp_path / "m.safetensors"
    classifier.save(path)
    again = TextClassifier.load(path)
    assert again.multi_label
    assert again.predict(["rain goal"]) == classifier.predict(["rain goal"])
    assert main(["classify", "predict", "rain", "--model", str(path)]) == 1
    assert "gives several labels to a text" in capsys.readouterr().err


def test_the_evaluation_is_that_of_its_definitions():
    true = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 0], [0, 0, 0]], bool)
    found = np.array([[1, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 0]], bool)
    tested = MultiLabelEvaluation(("a", "b", "c"), true, found)
    assert tested.precision.tolist() == [1, 1, 0]
    assert tested.recall.tolist() == [1, 1, 0]
    assert tested.f1.tolist() == [1, 1, 0]
    assert tested.micro_f1 == pytest.approx(2 * 4 / (5 + 5))
    assert tested.macro_f1 == pytest.approx(2 / 3)
    assert tested.accuracy == 0.5
    assert tested.hamming == pytest.approx(2 / 12)
    assert tested.to_json()["classes"]["b"] == {
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0,
        "samples": 2,
    }


def test_targets_are_zeros_and_ones():
    matrix = as_matrix([["b"], [], ["a", "b"]], ["a", "b"])
    assert matrix.tolist() == [[0, 1], [0, 0], [1, 1]]
    assert usual_answers(matrix).tolist() == [False, True]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["a", "b"], r"expected a list or set for each text, got 'a' \(text 0\)"),
        ([1, 2], "expected a list or set for each text, got 1"),
        ([[], []], "no text has one"),
        ([["a"]], "expected 2, as there are texts, got 1"),
    ],
)
def test_wrong_labels_are_refused(labels, message):
    with pytest.raises(DataError, match=message):
        TextClassifier(multi_label=True, verbose=0).fit(["x", "y"], labels)


def test_what_does_not_go_together(classifier):
    with pytest.raises(ValueError, match="balanced: classes of a text with several labels"):
        TextClassifier(multi_label=True, balanced=True)
    with pytest.raises(
        DataError, match=r"'sports' \(text 0\) was not seen in training; did you mean"
    ):
        classifier.evaluate(["goal"], [["sports"]])
