"""Accuracy of classifiers: sentences of film reviews, and speakers of a Japanese vowel.

    python -m benchmarks.accuracy.classify --data FOLDER

`polarity` and `vowels` are tasks of tasks.py.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from lstmcore.classification import TextClassifier
from lstmcore.data import read_ts
from lstmcore.utils import set_random_seed

from .stored import figures

TARGETS = {"polarity": 0.75, "vowels": 0.95}
VOWELS: dict[str, Any] = {"units": 64, "bidirectional": True, "dropout": 0.5, "epochs": 60}


def polarity(
    data: str | Path, seed: int = 0, verbose: Any = 0, quantize: Sequence[str] = ()
) -> dict[str, Any]:
    """Train `TextClassifier` with its defaults on nine tenths of the sentence polarity set.

    The other tenth, drawn with the seed, is the test set. The classifier holds out a tenth of its
    training texts for early stopping.

    Parameters
    ----------
    data : path-like
        A folder with ``rt_polarity/rt-polarity_pos.txt.gz`` and ``_neg.txt.gz``.
    seed : int, default 0
    verbose : {"auto", 0, 1, 2}, default 0
    quantize : sequence of str, optional
        Formats in which the trained model is tested, too.

    Returns
    -------
    dict
        ``accuracy`` on the test; ``baselines``: that of the majority class and, if scikit-learn is
        installed, of a logistic regression on words and pairs of words; ``seconds`` from the texts
        to the trained classifier; ``evaluation``, with the confusion matrix; ``epochs``,
        ``parameters``, ``target``; ``stored``, the accuracy by format.
    """
    texts, labels = [], []
    for name in ("neg", "pos"):
        path = Path(data) / "rt_polarity" / f"rt-polarity_{name}.txt.gz"
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        texts += lines
        labels += [name] * len(lines)
    order = np.random.default_rng(seed).permutation(len(texts))
    held = round(0.1 * len(texts))
    (x, y), (x_test, y_test) = (
        ([texts[i] for i in rows], [labels[i] for i in rows])
        for rows in (order[held:], order[:held])
    )
    set_random_seed(seed)
    start = time.perf_counter()
    model = TextClassifier(verbose=verbose).fit(x, y)
    seconds = time.perf_counter() - start
    tested = model.evaluate(x_test, y_test)
    baselines = {"majority class": tested.majority}
    if find_spec("sklearn"):
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline

        words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        regression = make_pipeline(words, LogisticRegression(C=3, max_iter=1000)).fit(x, y)
        baselines["bag of words, logistic regression"] = float(regression.score(x_test, y_test))
    return {
        "accuracy": tested.accuracy,
        **figures(model.model_, quantize, lambda: model.evaluate(x_test, y_test).accuracy),
        "baselines": baselines,
        "seconds": seconds,
        "evaluation": tested.to_json(),
        "epochs": len(model.history_["loss"]),
        "parameters": model.model_.count_params(),
        "target": TARGETS["polarity"],
    }


def vowels(
    data: str | Path, seed: int = 0, verbose: Any = 0, quantize: Sequence[str] = ()
) -> dict[str, Any]:
    """Train and test `LSTMClassifier` on JapaneseVowels, series of 7 to 29 steps.

    Parameters
    ----------
    data : path-like
        A folder with ``ucr_uea/JapaneseVowels_TRAIN.ts.gz`` and ``_TEST.ts.gz``.
    seed : int, default 0
    verbose : {"auto", 0, 1, 2}, default 0
    quantize : sequence of str, optional
        Formats in which the trained model is tested, too.

    Returns
    -------
    dict
        ``accuracy`` on the archive's test part; ``baselines``: that of the majority class, and of
        a logistic regression on means and deviations over the steps; ``seconds`` of training;
        ``parameters``, ``target``; ``stored``, the accuracy by format.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from lstmcore.estimators import LSTMClassifier

    parts = [
        read_ts(Path(data) / "ucr_uea" / f"JapaneseVowels_{part}.ts.gz", "float32")
        for part in ("TRAIN", "TEST")
    ]
    (x, y), (x_test, y_test) = ((part.x, part.y.tolist()) for part in parts)
    model = LSTMClassifier(**VOWELS, learning_rate=0.003, random_state=seed, verbose=verbose)
    start = time.perf_counter()
    model.fit(x, y)
    seconds = time.perf_counter() - start
    most = max(set(y), key=y.count)
    regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    regression.fit(_moments(x), y)

    def figure() -> float:
        return float(model.score(x_test, y_test))

    return {
        "accuracy": figure(),
        **figures(model.model_, quantize, figure),
        "baselines": {
            "majority class": y_test.count(most) / len(y_test),
            "means and deviations, logistic regression": float(
                regression.score(_moments(x_test), y_test)
            ),
        },
        "seconds": seconds,
        "parameters": model.model_.count_params(),
        "target": TARGETS["vowels"],
    }


def _moments(series: list[np.ndarray]) -> np.ndarray:
    return np.array([np.concatenate([s.mean(axis=0), s.std(axis=0)]) for s in series])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, metavar="FOLDER")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for name, section in (("polarity", polarity), ("vowels", vowels)):
        found = section(args.data, args.seed)
        print(name)
        for baseline, accuracy in found["baselines"].items():
            print(f"  {baseline:45} {accuracy:.4f}")
        print(
            f"  {'LSTM':45} {found['accuracy']:.4f} (at least {found['target']}), "
            f"{found['parameters']:,} weights, {found['seconds']:.0f} s"
        )


if __name__ == "__main__":
    main()
