"""Pictures of trainings."""

import numpy as np
import pytest
from figures import drawn, lines, text_of

import lstmcore
from lstmcore import plotting
from lstmcore.layers import LSTM, Dense

rng = np.random.default_rng(0)


def test_history(tmp_path):
    logs = {
        "accuracy": [0.1, 0.5, 0.4],
        "loss": [3.0, 2.0, 1.0],
        "val_accuracy": [0.2, 0.3, 0.1],
        "val_loss": [3.0, 2.5, 2.7],
    }
    figure = drawn(plotting.plot_history(logs), tmp_path)
    loss, accuracy = figure.axes
    assert [loss.get_title("left"), accuracy.get_title("left")] == ["loss", "accuracy"]
    np.testing.assert_array_equal(lines(loss)["training"], ([1, 2, 3], logs["loss"]))
    np.testing.assert_array_equal(lines(loss)["validation"], ([1, 2, 3], logs["val_loss"]))
    assert text_of(loss) == {"best 2.5, epoch 2"}  # the least
    assert text_of(accuracy) == {"best 0.3, epoch 2"}  # the most


def test_history_of_a_fit(tmp_path):
    model = lstmcore.Sequential([lstmcore.Input((3, 1)), LSTM(2), Dense(1)])
    model.compile(loss="mse")
    x, y = rng.random((12, 3, 1)), rng.random((12, 1))
    options = {"epochs": 5, "validation_split": 0.5, "verbose": 0}
    for freq, epochs in ((2, [2, 4]), ([1, 5], [1, 5])):
        figure = plotting.plot_history(model.fit(x, y, validation_freq=freq, **options))
        assert lines(drawn(figure, tmp_path).axes[0])["validation"][0].tolist() == epochs


def test_history_of_some(tmp_path):
    logs = {"loss": [1.0], "mae": [np.nan], "f1": [np.array([0.1, 0.2])], "learning_rate": [0.1]}
    figure = drawn(plotting.plot_history(logs, ["mae", "f1", "learning_rate"], log=True), tmp_path)
    assert [a.get_title("left") for a in figure.axes][:3] == ["mae", "f1", "learning_rate"]
    with pytest.raises(ValueError, match="plot_history: metrics: no 'los': did you mean 'loss'"):
        plotting.plot_history(logs, ["los"])
    with pytest.raises(ValueError, match="expected what fit returned"):
        plotting.plot_history({})
