"""keras.io: series into classes by convolutions with batch normalization."""

import numpy as np

import lstmcore as keras

rng = np.random.default_rng(0)
y_train = np.where(np.arange(64) % 2, 1, -1)
x_train = np.sin(np.arange(30) * np.where(y_train > 0, 0.5, 0.7)[:, None])
x_train = x_train + 0.1 * rng.normal(size=x_train.shape)
x_train = x_train.reshape((x_train.shape[0], x_train.shape[1], 1))
num_classes = len(np.unique(y_train))
y_train[y_train == -1] = 0


def make_model(input_shape):
    input_layer = keras.layers.Input(input_shape)
    x = input_layer
    for _ in range(3):
        x = keras.layers.Conv1D(filters=8, kernel_size=3, padding="same")(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
    gap = keras.layers.GlobalAveragePooling1D()(x)
    output_layer = keras.layers.Dense(num_classes, activation="softmax")(gap)
    return keras.models.Model(inputs=input_layer, outputs=output_layer)


model = make_model(input_shape=x_train.shape[1:])
callbacks = [
    keras.callbacks.ModelCheckpoint(
        "best_model.safetensors", save_best_only=True, monitor="val_loss"
    ),
    keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1, min_lr=0.0001),
    keras.callbacks.EarlyStopping(monitor="val_loss", patience=50),
]
model.compile(
    optimizer=keras.optimizers.Adam(0.02),
    loss="sparse_categorical_crossentropy",
    metrics=["sparse_categorical_accuracy"],
)
history = model.fit(
    x_train,
    y_train,
    batch_size=16,
    epochs=8,
    callbacks=callbacks,
    validation_split=0.2,
    verbose=0,
)
model = keras.models.load_model("best_model.safetensors")
test_loss, test_acc = model.evaluate(x_train[51:], y_train[51:], verbose=0)
assert np.isclose(test_loss, min(history.history["val_loss"]), rtol=1e-4)
metric = "sparse_categorical_accuracy"
assert len(history.history[metric]) == len(history.history["val_" + metric]) == 8
assert history.history["loss"][-1] < history.history["loss"][0]
