"""One small trained model of each kind that is saved to a file, and how it is opened again.

python kinds_of_files.py FOLDER      writes all of them
"""

import sys
from pathlib import Path

import numpy as np

import lstmcore
from lstmcore import Input, Sequential
from lstmcore.classification import TextClassifier
from lstmcore.forecasting import LSTMForecaster
from lstmcore.layers import LSTM, Bidirectional, Dense
from lstmcore.text import LanguageModel

TEXTS = ["a good film", "good fun", "a bad film", "Ünlü, too bad"] * 3
LABELS = ["pos", "pos", "neg", "neg"] * 3
RHYME = "Jack and Jill went up the hill\n" * 6
SERIES = 20 + 5 * np.sin(np.arange(60) / 2)
DATES = np.datetime64("2001-01", "M") + np.arange(60)


def network():
    lstmcore.utils.set_random_seed(1)
    model = Sequential([Input((5, 2)), Bidirectional(LSTM(3)), Dense(1)], name="network")
    model.compile("adam", "mse", metrics=["mae"])
    x = np.random.default_rng(1).standard_normal((12, 5, 2))
    model.fit(x, x[:, 0, 0], verbose=0)
    return model


def classifier():
    settings = {"units": 3, "embedding": 4, "epochs": 1, "verbose": 0, "random_state": 0}
    return TextClassifier(**settings).fit(TEXTS, LABELS)


def language_model():
    lstmcore.utils.set_random_seed(1)
    model = LanguageModel(units=4, layers=1, embedding=3)
    model.fit(RHYME, epochs=1, batch_size=2, steps=8, verbose=0)
    return model


def forecaster(method="network"):
    settings = {"window": 12, "horizon": 3, "units": 4, "epochs": 1, "random_state": 0}
    settings |= {"season": 12, "adjust": "curve", "method": method}
    return LSTMForecaster(**settings).fit(SERIES, DATES)


def blend():
    return forecaster("auto")


KINDS = {
    "network": (network, lstmcore.load_model),
    "classifier": (classifier, TextClassifier.load),
    "language_model": (language_model, LanguageModel.load),
    "forecaster": (forecaster, LSTMForecaster.load),
    "blend": (blend, LSTMForecaster.load),
}


def save_all(folder):
    for name, (make, _) in KINDS.items():
        make().save(Path(folder) / f"{name}.safetensors")


if __name__ == "__main__":
    save_all(sys.argv[1])
