"""Accuracy of `LSTMClassifier` with its defaults on data sets of the UCR and UEA archives.

    python -m benchmarks.accuracy.series_classification --data FOLDER

The folder, or its folder `ucr_uea`, has `NAME_TRAIN.ts` and `NAME_TEST.ts`, or both with `.gz`.
Training and test parts are the archive's own. With `--validate` the test parts are not read:
settings are compared by cross-validation within the training parts.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier

from lstmcore.data import LabelledSeries, read_ts
from lstmcore.estimators import LSTMClassifier

# what --validate compares: the defaults, and each change of them
SETTINGS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "forward only": {"bidirectional": False},
    "bidirectional": {"bidirectional": True},
    "last state": {"pooling": "last"},
    "mean over steps": {"pooling": "mean"},
    "maximum over steps": {"pooling": "max"},
    "no convolutions": {"convolution": False, "learning_rate": 0.01},
    "convolutions": {"convolution": True, "bidirectional": True, "pooling": "mean"},
}


def find(folder: Path, names: list[str] | None) -> dict[str, list[Path]]:
    """Return the files of each data set, (training, test)."""
    if (folder / "ucr_uea").is_dir():
        folder = folder / "ucr_uea"
    found = {}
    for path in sorted([*folder.glob("*_TRAIN.ts"), *folder.glob("*_TRAIN.ts.gz")]):
        name, ending = path.name.split("_TRAIN")
        if names is None or name in names:
            found[name] = [path, folder / f"{name}_TEST{ending}"]
    return found


def nearest(train: LabelledSeries, test: LabelledSeries) -> float | None:
    """Return the accuracy of the nearest series by Euclidean distance, if all have one length."""
    if not isinstance(train.x, np.ndarray) or not isinstance(test.x, np.ndarray):
        return None
    flat = [part.x.reshape(len(part), -1) for part in (train, test)]
    return float(KNeighborsClassifier(1).fit(flat[0], train.y).score(flat[1], test.y))


def test(files: list[Path], seeds: list[int]) -> dict[str, Any]:
    """Train on the training part with every seed; return accuracies on the test part."""
    train, held = (read_ts(path, "float32") for path in files)
    accuracies, seconds, warned = [], [], 0
    for seed in seeds:
        start = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = LSTMClassifier(random_state=seed).fit(train.x, train.y)
        seconds.append(time.perf_counter() - start)
        warned += bool(caught)
        accuracies.append(float(model.score(held.x, held.y)))
    classes, counts = np.unique(train.y, return_counts=True)
    return {
        "accuracies": accuracies,
        "seconds": seconds,
        "warned": warned,
        "weights": model.model_.count_params(),
        "majority": float((held.y == classes[counts.argmax()]).mean()),
        "nearest": nearest(train, held),
    }


def validate(path: Path, folds: int, seed: int) -> dict[str, float]:
    """Return the mean accuracy of every setting over folds of the training part."""
    train = read_ts(path, "float32")
    split = list(StratifiedKFold(folds, shuffle=True, random_state=seed).split(train.y, train.y))
    found = {}
    for what, settings in SETTINGS.items():
        scores = []
        for rows, held in split:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = LSTMClassifier(**settings, random_state=seed)
                model.fit([train.x[i] for i in rows], train.y[rows])
            scores.append(float(model.score([train.x[i] for i in held], train.y[held])))
        found[what] = float(np.mean(scores))
        print(f"  {what:20} {found[what]:.3f}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of .ts files")
    parser.add_argument("--only", type=lambda text: text.split(","), metavar="NAME,...")
    parser.add_argument("--seeds", type=int, default=3, metavar="N", help="trainings of each")
    parser.add_argument("--validate", action="store_true", help="compare settings, without tests")
    parser.add_argument("--folds", type=int, default=3, metavar="N", help="of --validate")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there")
    args = parser.parse_args()
    files = find(args.data, args.only)
    if not files:
        parser.error(f"--data: {args.data} has no such files NAME_TRAIN.ts")
    found: dict[str, Any] = {}
    if not args.validate:
        print(f"{'data set':20} LSTM, mean of {args.seeds}  lowest  nearest  majority  seconds")
    for name, paths in files.items():
        if args.validate:
            print(name)
            found[name] = validate(paths[0], args.folds, seed=0)
            continue
        found[name] = one = test(paths, list(range(args.seeds)))
        mean, low = np.mean(one["accuracies"]), min(one["accuracies"])
        near = "-" if one["nearest"] is None else f"{one['nearest']:.3f}"
        print(
            f"{name:20} {mean:15.3f}  {low:6.3f}  {near:>7}  {one['majority']:8.3f}  "
            f"{np.mean(one['seconds']):7.1f}"
            + (f"  warned {one['warned']} times" if one["warned"] else ""),
            flush=True,
        )
    if args.json:
        args.json.write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
