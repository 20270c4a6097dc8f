"""keras.io: the weather by windows of a long series, as published: weights saved as .h5."""

import numpy as np

import lstmcore as keras

features = np.random.default_rng(0).normal(size=(300, 4)).astype("float32")
step, past, future, batch_size = 2, 20, 4, 32
x_train, y_train = features[:200], features[past + future : past + future + 200, 1:2]
sequence_length = past // step
dataset_train = keras.preprocessing.timeseries_dataset_from_array(
    x_train, y_train, sequence_length=sequence_length, sampling_rate=step, batch_size=batch_size
)
for batch in dataset_train.take(1):
    inputs, targets = batch
assert inputs.numpy().shape == (batch_size, sequence_length, 4)

inputs = keras.layers.Input(shape=(inputs.shape[1], inputs.shape[2]))
lstm_out = keras.layers.LSTM(8)(inputs)
outputs = keras.layers.Dense(1)(lstm_out)
model = keras.Model(inputs=inputs, outputs=outputs)
model.compile(optimizer=keras.optimizers.Adam(learning_rate=0.001), loss="mse")
es_callback = keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=0, patience=5)
modelckpt_callback = keras.callbacks.ModelCheckpoint(
    monitor="val_loss",
    filepath="model_checkpoint.weights.h5",
    verbose=1,
    save_weights_only=True,
    save_best_only=True,
)
history = model.fit(
    dataset_train,
    epochs=2,
    validation_data=dataset_train,
    callbacks=[es_callback, modelckpt_callback],
    verbose=0,
)
