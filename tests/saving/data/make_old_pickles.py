"""Makes old_pickles.npz: pickles that a version writes, and what its models answer.

    python make_old_pickles.py FILE

The file beside this script was written by the version before the modules moved (0.1.0 at 473c661).
"""

import pickle
import sys

import numpy as np

from lstmcore import (
    Input,
    Model,
    Sequential,
    callbacks,
    constraints,
    initializers,
    losses,
    optimizers,
    regularizers,
)
from lstmcore import layers as L
from lstmcore.utils import set_random_seed

set_random_seed(0)
rng = np.random.default_rng(0)
x = rng.standard_normal((6, 4, 2)).astype("f4")
y = rng.standard_normal((6, 1)).astype("f4")

sequential = Sequential(
    [
        Input((4, 2)),
        L.Bidirectional(L.LSTM(2, return_sequences=True)),
        L.Dropout(0.1),
        L.GRU(2, return_sequences=True),
        L.TimeDistributed(L.Dense(2)),
        L.LayerNormalization(),
        L.Conv1D(2, 2),
        L.GlobalAveragePooling1D(),
        L.Dense(1),
    ]
)
sequential.compile("adam", "mse")
sequential.fit(x, y, epochs=1, verbose=0, shuffle=False)

i = Input((4, 2))
a = L.LSTM(2, return_sequences=True)(i)
b = L.Attention()([a, a])
functional = Model(i, L.Dense(1)(L.Flatten()(L.Concatenate()([a, b]))))
functional.compile("sgd", "mae")

things = {
    "sequential": sequential,
    "functional": functional,
    "layers": [
        L.LSTM(2),
        L.GRU(2),
        L.SimpleRNN(2),
        L.RNN(L.LSTMCell(2)),
        L.Dense(2),
        L.Embedding(3, 2),
        L.Masking(),
        L.Add(),
        L.Dot(1),
        L.BatchNormalization(),
        L.MultiHeadAttention(1, 2),
        L.Rescaling(2.0),
        L.CategoryEncoding(3),
        L.StringLookup(vocabulary=["a", "b"]),
        L.TextVectorization(vocabulary=["a"]),
        L.Reshape((2,)),
        L.GetItem([[None, None, None], -1]),
        L.MaxPooling1D(2),
        L.GaussianNoise(0.1),
        L.Softmax(),
    ],
    "losses": [losses.MeanSquaredError(), losses.CTC()],
    "optimizers": [optimizers.Adam(0.01)],
    "initializers": [initializers.GlorotUniform(seed=1)],
    "regularizers": [regularizers.L1L2(0.1, 0.2)],
    "constraints": [constraints.MaxNorm(2)],
    "callbacks": [callbacks.EarlyStopping(patience=2), callbacks.History()],
}
np.savez(
    sys.argv[1],
    x=x,
    sequential=sequential.predict(x, verbose=0),
    functional=functional.predict(x, verbose=0),
    **{f"pickle_{name}": np.frombuffer(pickle.dumps(v), np.uint8) for name, v in things.items()},
)
