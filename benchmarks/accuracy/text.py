"""Accuracy on text: characters of tiny Shakespeare, the last tenth held out.

    python -m benchmarks.accuracy.text --data FOLDER

`shakespeare` is a task of tasks.py.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lstmcore.text import LanguageModel, count_baselines, read_text
from lstmcore.utils import set_random_seed

from .stored import figures

TARGET = 1.50  # nats per character
SETTINGS: dict[str, Any] = {"units": 256, "layers": 2, "embedding": 64, "dropout": 0.2}
TRAINING: dict[str, Any] = {"batch_size": 32, "steps": 64, "learning_rate": 4e-3}
EPOCHS = 15


def shakespeare(
    data: str | Path,
    epochs: int = EPOCHS,
    seed: int = 0,
    verbose: Any = 2,
    quantize: Sequence[str] = (),
) -> dict[str, Any]:
    """Train a character model on the first 90 % of tiny Shakespeare and test it on the rest.

    Parameters
    ----------
    data : path-like
        A folder with ``tinyshakespeare/input.txt`` or ``input.txt.gz``.
    epochs : int, default 15
    seed : int, default 0
    verbose : {"auto", 0, 1, 2}, default 2
    quantize : sequence of str, optional
        Formats in which the trained model is tested, too.

    Returns
    -------
    dict
        ``nats_per_character`` and ``bits_per_character`` of the last 10 %, with the weights of the
        best epoch on it; ``last_epoch``, the nats per character of the last epoch, and their
        ``history``; ``baselines`` from counts; ``seconds`` of training; ``target``; ``stored``,
        nats per character by format.
    """
    folder = Path(data) / "tinyshakespeare"
    found = [path for path in (folder / "input.txt", folder / "input.txt.gz") if path.exists()]
    text = read_text(found[0] if found else folder / "input.txt")
    cut = int(len(text) * 0.9)
    train, test = text[:cut], text[cut:]
    set_random_seed(seed)
    model = LanguageModel("char", **SETTINGS)
    start = time.perf_counter()
    history = model.fit(train, epochs, validation_text=test, verbose=verbose, **TRAINING)
    seconds = time.perf_counter() - start

    def tested() -> dict[str, float]:
        return model.evaluate(test, context=train[-2000:])

    result = tested()
    vocabulary = model.vocabulary
    assert vocabulary is not None
    assert model.model is not None
    encoded = vocabulary.encode(train), vocabulary.encode(test)
    counts = count_baselines(*encoded, len(vocabulary))
    return {
        "nats_per_character": result["nats_per_character"],
        "bits_per_character": result["bits_per_character"],
        **figures(model.model, quantize, lambda: tested()["nats_per_character"]),
        "history": history.history["val_loss"],
        "last_epoch": history.history["val_loss"][-1],
        "baselines": counts,
        "target": TARGET,
        "seconds": seconds,
        "parameters": model.model.count_params(),
        "epochs": epochs,
        "sample": model.generate("ROMEO:", 300, 0.8, seed=seed),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, metavar="FOLDER")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    args = parser.parse_args()
    found = shakespeare(args.data, args.epochs)
    print(f"ROMEO:{found['sample']}\n")
    for name, value in found["baselines"].items():
        print(f"{name:12} {value:.4f} nats per character")
    print(
        f"{'LSTM':12} {found['nats_per_character']:.4f} nats per character of the last 10 % "
        f"(at most {TARGET}), {found['parameters']:,} weights, {found['seconds']:.0f} s"
    )


if __name__ == "__main__":
    main()
