"""Callbacks: early stopping with the best weights, learning rate schedules, TensorBoard logs.

Usage: python callbacks.py [--epochs 40] [--folder FOLDER]
"""

import argparse
import importlib.util
import tempfile
from pathlib import Path

import numpy as np

from lstmcore import load_model
from lstmcore.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau, TensorBoard
from lstmcore.datasets import load_seattle_weather
from lstmcore.layers import LSTM, Dense
from lstmcore.models import Sequential
from lstmcore.optimizers import Adam
from lstmcore.optimizers.schedules import CosineDecay
from lstmcore.utils import create_sequences, set_random_seed

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("--epochs", type=int, default=40)
parser.add_argument("--folder", type=Path, help="for logs and models; default: a temporary one")
options = parser.parse_args()
folder = options.folder or Path(tempfile.mkdtemp(prefix="lstmcore-"))

sequence_length = 20
data = load_seattle_weather()[1]["temp_max"]
data = (data - data[:1000].mean()) / data[:1000].std()
x, y = create_sequences(data, sequence_length)
train, held_out = (x[:980], y[:980]), (x[980:], y[980:])
# Writing logs for TensorBoard needs `pip install lstmcore[tensorboard]`.
logs = importlib.util.find_spec("tensorboardX") is not None


def build(optimizer):
    set_random_seed(0)
    model = Sequential([LSTM(32, input_shape=(sequence_length, 1)), Dense(1)])
    model.compile(optimizer, "mse")
    return model


best = folder / "best.safetensors"
model = build(Adam(0.01))
history = model.fit(
    *train,
    epochs=options.epochs,
    validation_data=held_out,
    verbose=0,
    callbacks=[
        EarlyStopping(monitor="val_loss", patience=8, restore_best_weights=True),
        ModelCheckpoint(best, monitor="val_loss", save_best_only=True),
        ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=3),
        *([TensorBoard(log_dir=folder / "plateau", histogram_freq=5)] if logs else []),
    ],
)
losses = history.history["val_loss"]
print(f"stopped after {len(losses)} of {options.epochs} epochs")
print(f"learning rate: 0.01, at the end {float(model.optimizer.learning_rate):g}")
print(f"val_loss at the end {losses[-1]:.4f}, at best {min(losses):.4f}")
print(f"val_loss of the weights restored: {model.evaluate(*held_out, verbose=0):.4f}")
print(f"val_loss of the model saved:      {load_model(best).evaluate(*held_out, verbose=0):.4f}")

# The alternative: a schedule that is fixed in advance, here a cosine decay to 0.
steps = options.epochs * int(np.ceil(len(train[0]) / 32))
model = build(Adam(CosineDecay(0.01, decay_steps=steps)))
history = model.fit(
    *train,
    epochs=options.epochs,
    validation_data=held_out,
    verbose=0,
    callbacks=[TensorBoard(log_dir=folder / "cosine")] if logs else [],
)
print(f"val_loss with a cosine schedule:  {history.history['val_loss'][-1]:.4f}")
print(
    f"val_loss of the last value again: {np.mean((held_out[0][:, -1, 0] - held_out[1]) ** 2):.4f}"
)
print(f"\nlogs: tensorboard --logdir {folder}" if logs else "\nno logs: tensorboardX is missing")
