"""Keras's guide to subclassing: layers, losses inside them, a VAE, and a loop of one's own."""

import numpy as np

import lstmcore as keras
from lstmcore import layers, ops


class Linear(keras.layers.Layer):
    def __init__(self, units=32, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(
            shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True
        )
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class ComputeSum(keras.layers.Layer):
    def __init__(self, input_dim):
        super().__init__()
        self.total = self.add_weight(initializer="zeros", shape=(input_dim,), trainable=False)

    def call(self, inputs):
        self.total.assign_add(ops.sum(inputs, axis=0))
        return self.total


x = ops.ones((2, 2))
linear_layer = Linear(4)
y = linear_layer(x)
assert y.shape == (2, 4)
assert np.allclose(y, x @ linear_layer.w.numpy())
my_sum = ComputeSum(2)
assert my_sum(x).numpy().tolist() == [2, 2]
assert my_sum(x).numpy().tolist() == [4, 4]
assert len(my_sum.non_trainable_weights) == 1
assert my_sum.trainable_weights == []
again = Linear.from_config(Linear(64).get_config())
assert again.units == 64


class MLPBlock(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.linear_1, self.linear_2, self.linear_3 = Linear(8), Linear(8), Linear(1)

    def call(self, inputs):
        x = keras.activations.relu(self.linear_1(inputs))
        x = keras.activations.relu(self.linear_2(x))
        return self.linear_3(x)


mlp = MLPBlock()
y = mlp(ops.ones(shape=(3, 16)))
assert len(mlp.weights) == len(mlp.trainable_weights) == 6


class ActivityRegularizationLayer(keras.layers.Layer):
    def call(self, inputs):
        self.add_loss(1e-2 * ops.sum(inputs))
        return inputs


class OuterLayer(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.activity_reg = ActivityRegularizationLayer()

    def call(self, inputs):
        return self.activity_reg(inputs)


layer = OuterLayer()
assert len(layer.losses) == 0
_ = layer(ops.ones((1, 5)))
_ = layer(ops.ones((2, 5)))
assert len(layer.losses) == 1
assert np.allclose(layer.losses[0], 0.1)


class Sampling(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        z_mean, z_log_var = inputs
        epsilon = keras.random.normal(shape=ops.shape(z_mean), seed=self.seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * epsilon


class VariationalAutoEncoder(keras.Model):
    def __init__(self, original_dim, intermediate_dim=16, latent_dim=4, **kwargs):
        super().__init__(**kwargs)
        self.original_dim = original_dim
        self.dense_proj = layers.Dense(intermediate_dim, activation="relu")
        self.dense_mean, self.dense_log_var = layers.Dense(latent_dim), layers.Dense(latent_dim)
        self.sampling = Sampling()
        self.decoder = keras.Sequential(
            [layers.Dense(intermediate_dim, activation="relu"), layers.Dense(original_dim)]
        )

    def call(self, inputs):
        x = self.dense_proj(inputs)
        z_mean, z_log_var = self.dense_mean(x), self.dense_log_var(x)
        z = self.sampling((z_mean, z_log_var))
        kl_loss = -0.5 * ops.mean(z_log_var - ops.square(z_mean) - ops.exp(z_log_var) + 1)
        self.add_loss(0.1 * kl_loss)
        return self.decoder(z)


x_train = np.random.default_rng(0).normal(size=(64, 2)).astype("float32") @ np.ones(
    (2, 8), "float32"
)
vae = VariationalAutoEncoder(8)
vae.compile(keras.optimizers.Adam(learning_rate=1e-2), loss=keras.losses.MeanSquaredError())
history = vae.fit(x_train, x_train, epochs=4, batch_size=16, verbose=0)
assert history.history["loss"][-1] < history.history["loss"][0]

vae = VariationalAutoEncoder(8)
optimizer = keras.optimizers.Adam(learning_rate=1e-2)
mse_loss_fn = keras.losses.MeanSquaredError()
loss_metric = keras.metrics.Mean()
means = []
for _ in range(4):
    loss_metric.reset_state()
    for x_batch in np.split(x_train, 4):
        with keras.GradientTape() as tape:
            reconstructed = vae(x_batch)
            loss = mse_loss_fn(x_batch, reconstructed)
            loss += sum(vae.losses)
        grads = tape.gradient(loss, vae.trainable_weights)
        optimizer.apply_gradients(zip(grads, vae.trainable_weights, strict=True))
        loss_metric(loss)
    means.append(float(loss_metric.result()))
assert means[-1] < means[0]
