"""Keras Tuner: units, layers and rates of an LSTM by random search, and the best model."""

import numpy as np

import lstmcore as keras
from lstmcore import layers
from lstmcore import tuner as keras_tuner

series = np.sin(np.arange(60) * 0.4)
x = np.array([series[i : i + 8] for i in range(50)])[..., None]
y = series[8:58]


def build_model(hp):
    model = keras.Sequential()
    model.add(
        layers.LSTM(
            units=hp.Int("input_unit", min_value=4, max_value=12, step=4),
            return_sequences=True,
            input_shape=(8, 1),
        )
    )
    for i in range(hp.Int("n_layers", 1, 2)):
        model.add(layers.LSTM(hp.Int(f"lstm_{i}_units", 4, 8, step=4), return_sequences=True))
    model.add(layers.LSTM(4))
    model.add(layers.Dropout(hp.Float("Dropout_rate", min_value=0, max_value=0.5, step=0.1)))
    model.add(
        layers.Dense(1, activation=hp.Choice("dense_activation", values=["linear", "sigmoid"]))
    )
    model.compile(
        loss="mean_squared_error",
        optimizer=keras.optimizers.Adam(hp.Choice("learning_rate", [1e-2, 1e-3])),
        metrics=["mse"],
    )
    return model


tuner = keras_tuner.RandomSearch(
    build_model,
    objective="val_mse",
    max_trials=2,
    executions_per_trial=1,
    seed=1,
    directory="search",
)
tuner.search(x, y, epochs=1, batch_size=25, validation_data=(x, y), verbose=0)
best_hps = tuner.get_best_hyperparameters(num_trials=1)[0]
assert best_hps.get("input_unit") in (4, 8, 12)
best_model = tuner.get_best_models(num_models=1)[0]
assert best_model.predict(x, verbose=0).shape == (50, 1)
best = tuner.oracle.get_best_trials(1)[0]
assert np.isclose(best_model.evaluate(x, y, verbose=0)[1], best.score, rtol=1e-4)
model = tuner.hypermodel.build(best_hps)
assert model.count_params() == best_model.count_params()
