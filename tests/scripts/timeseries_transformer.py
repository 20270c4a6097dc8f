"""keras.io: series into classes by transformer encoders, a function of layers."""

import numpy as np

import lstmcore as keras
from lstmcore import layers

rng = np.random.default_rng(0)
y_train = np.arange(48) % 2
x_train = np.sin(np.arange(20) * np.where(y_train, 0.4, 0.9)[:, None])
x_train = (x_train + 0.1 * rng.normal(size=x_train.shape)).reshape((48, 20, 1))
n_classes = len(np.unique(y_train))
idx = np.random.permutation(len(x_train))
x_train, y_train = x_train[idx], y_train[idx]


def transformer_encoder(inputs, head_size, num_heads, ff_dim, dropout=0):
    x = layers.MultiHeadAttention(key_dim=head_size, num_heads=num_heads, dropout=dropout)(
        inputs, inputs
    )
    x = layers.Dropout(dropout)(x)
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    res = x + inputs
    x = layers.Conv1D(filters=ff_dim, kernel_size=1, activation="relu")(res)
    x = layers.Dropout(dropout)(x)
    x = layers.Conv1D(filters=inputs.shape[-1], kernel_size=1)(x)
    x = layers.LayerNormalization(epsilon=1e-6)(x)
    return x + res


def build_model(input_shape, num_transformer_blocks, mlp_units, dropout=0, mlp_dropout=0):
    inputs = keras.Input(shape=input_shape)
    x = layers.Dense(4)(inputs)
    for _ in range(num_transformer_blocks):
        x = transformer_encoder(x, 8, 2, 4, dropout)
    x = layers.GlobalAveragePooling1D(data_format="channels_last")(x)
    for dim in mlp_units:
        x = layers.Dense(dim, activation="relu")(x)
        x = layers.Dropout(mlp_dropout)(x)
    outputs = layers.Dense(n_classes, activation="softmax")(x)
    return keras.Model(inputs, outputs)


model = build_model(x_train.shape[1:], 2, mlp_units=[16], mlp_dropout=0.1, dropout=0.1)
model.compile(
    loss="sparse_categorical_crossentropy",
    optimizer=keras.optimizers.Adam(learning_rate=1e-2),
    metrics=["sparse_categorical_accuracy"],
)
callbacks = [keras.callbacks.EarlyStopping(patience=10, restore_best_weights=True)]
history = model.fit(
    x_train,
    y_train,
    validation_split=0.2,
    epochs=6,
    batch_size=16,
    callbacks=callbacks,
    verbose=0,
)
assert min(history.history["val_loss"]) < history.history["val_loss"][0]
loss, accuracy = model.evaluate(x_train, y_train, verbose=0)
assert accuracy > 0.5
